//! The caches of the core, opened and kept. Without them everything works, only slower, so no trouble with them is an
//! error; `-v` tells.

use std::fs;
use std::path::Path;

use lambda_pack_core::cache::{CacheDir, Caches};
use lambda_pack_core::source::existing_part;

/// The caches for sources below `root`: file digests, and compressed blocks for who packs.
pub fn open(cache_dir: Option<&Path>, root: &Path, packs: bool) -> Caches {
    let Some(path) = cache_dir else {
        return Caches::none();
    };
    let directory = CacheDir {
        path: path.to_owned(),
        machine: machine(),
    };
    // It would be hashed with all else, and change each time.
    if is_below(path, root) {
        tracing::info!("no cache: `{}` is inside `{}`", path.display(), root.display());
        return Caches::none();
    }
    Caches::open(&directory, root, packs).unwrap_or_else(|error| {
        tracing::info!("no cache: cannot use `{}`: {error}", path.display());
        Caches::none()
    })
}

/// Whether the cache directory is, or would be, below `root`.
fn is_below(cache_dir: &Path, root: &Path) -> bool {
    matches!((existing_part(cache_dir), fs::canonicalize(root)), (Some(cache_dir), Ok(root)) if cache_dir.starts_with(&root))
}

pub fn keep(caches: Caches) {
    if let Err(error) = caches.save() {
        tracing::info!("the cache was not written: {error}");
    }
}

/// What tells this machine from others: its id where it has one (machine-id(5)), and its name.
fn machine() -> String {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    format!("{}@{}", id.trim(), name())
}

#[cfg(unix)]
fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// There is no digest cache there.
#[cfg(not(unix))]
fn name() -> String {
    String::new()
}
