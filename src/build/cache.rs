//! What was built, kept by the digest of what decides it: installed dependencies by their build inputs, so that a change of
//! code alone never installs anything, and packages that were made by the source hash.
//!
//! Each tree has a lock file beside it: who uses the tree holds it shared, who makes or deletes it holds it alone. So two
//! processes share a tree, and one waits while the other makes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::cache::touch;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::temporary::{remove_abandoned, temporary_directory};
use lambda_pack_core::{Error, Meter, Result};
use tempfile::TempDir;

use crate::file_lock::{self, WITHOUT_CACHE};
use crate::scratch;

/// Trees of a kind that are kept; those that were not used for longest go first.
const MOST_TREES: usize = 50;
/// The same for what compilers leave, which is larger.
const MOST_WORKPLACES: usize = 8;
const LOCK: &str = "lock";
const OTHERS: &str = "another process that builds the same";

/// A tree in use.
pub enum Place {
    Kept {
        path: PathBuf,
        /// Before this process asked for it.
        was_there: bool,
        _lock: File,
    },
    Temporary {
        path: PathBuf,
        _directory: TempDir,
    },
}

impl Place {
    pub fn path(&self) -> &Path {
        match self {
            Place::Kept { path, .. } | Place::Temporary { path, .. } => path,
        }
    }

    /// Whether nothing had to be made.
    pub fn was_there(&self) -> bool {
        matches!(self, Place::Kept { was_there: true, .. })
    }
}

/// The tree of this kind with this digest; `build` makes it, in an empty directory, if it isn't there. Its second argument
/// is where the output of programs goes.
pub fn kept(
    cache_dir: Option<&Path>,
    kind: &str,
    digest: &Digest,
    meter: &Meter,
    build: impl Fn(&Path, &Path) -> Result<()>,
) -> Result<Place> {
    let name = digest.to_hex();
    let Some(cache_dir) = cache_dir else {
        let temporary = scratch::directory()?;
        let log = std::env::temp_dir().join(format!("lambda-pack-{}.log", &name[..16]));
        let path = make(&temporary, &log, &build)?;
        return Ok(Place::Temporary {
            path,
            _directory: temporary,
        });
    };
    let directory = cache_dir.join(kind);
    fs::create_dir_all(&directory).map_err(|cause| cannot_write(&directory, cause))?;
    let path = directory.join(&name);
    let lock_file = directory.join(format!("{name}.{LOCK}"));
    let mut was_there = true;
    loop {
        let lock = file_lock::open(&lock_file).map_err(|cause| cannot_write(&lock_file, cause))?;
        file_lock::wait(&lock_file, OTHERS, WITHOUT_CACHE, meter, || lock.try_lock_shared())?;
        if path.is_dir() {
            // Best effort: it only decides what goes first.
            touch(&lock).ok();
            return Ok(Place::Kept {
                path,
                was_there,
                _lock: lock,
            });
        }
        lock.unlock().map_err(|cause| cannot_write(&lock_file, cause))?;
        file_lock::wait(&lock_file, OTHERS, WITHOUT_CACHE, meter, || lock.try_lock())?;
        // Somebody else may have been faster.
        if !path.is_dir() {
            let temporary = temporary_directory(&directory).map_err(|cause| cannot_write(&directory, cause))?;
            let made = make(&temporary, &directory.join(format!("{name}.log")), &build)?;
            fs::rename(&made, &path).map_err(|cause| cannot_write(&path, cause))?;
            was_there = false;
            prune(&directory, MOST_TREES).map_err(|cause| cannot_write(&directory, cause))?;
        }
    }
}

/// A directory of this kind and digest for one process at a time, as the last one left it.
pub fn workplace(cache_dir: Option<&Path>, kind: &str, digest: &Digest, meter: &Meter) -> Result<Place> {
    let Some(cache_dir) = cache_dir else {
        let temporary = scratch::directory()?;
        return Ok(Place::Temporary {
            path: temporary.path().to_owned(),
            _directory: temporary,
        });
    };
    let directory = cache_dir.join(kind);
    let path = directory.join(digest.to_hex());
    let lock_file = path.with_extension(LOCK);
    fs::create_dir_all(&directory).map_err(|cause| cannot_write(&directory, cause))?;
    let lock = file_lock::open(&lock_file).map_err(|cause| cannot_write(&lock_file, cause))?;
    file_lock::wait(&lock_file, OTHERS, WITHOUT_CACHE, meter, || lock.try_lock())?;
    // Best effort: it only decides what goes first.
    touch(&lock).ok();
    fs::create_dir_all(&path).map_err(|cause| cannot_write(&path, cause))?;
    prune(&directory, MOST_WORKPLACES).map_err(|cause| cannot_write(&directory, cause))?;
    Ok(Place::Kept {
        path,
        was_there: false,
        _lock: lock,
    })
}

fn make(temporary: &TempDir, log: &Path, build: impl Fn(&Path, &Path) -> Result<()>) -> Result<PathBuf> {
    let tree = temporary.path().join("tree");
    fs::create_dir(&tree).map_err(|cause| cannot_write(&tree, cause))?;
    build(&tree, log)?;
    // It tells nothing any more.
    fs::remove_file(log).ok();
    Ok(tree)
}

/// Deletes the least recently used trees where there are too many, and what killed processes left. Lock files stay.
fn prune(directory: &Path, most: usize) -> io::Result<()> {
    let mut locks = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == LOCK) && path.with_extension("").is_dir() {
            locks.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    locks.sort();
    let superfluous = locks.len().saturating_sub(most);
    for (_, lock_file) in &locks[..superfluous] {
        let lock = file_lock::open(lock_file)?;
        if lock.try_lock().is_ok() {
            let tree = lock_file.with_extension("");
            // Another process may have deleted it meanwhile.
            if tree.is_dir() {
                fs::remove_dir_all(tree)?;
            }
        }
    }
    remove_abandoned(directory);
    Ok(())
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::io("write", path, cause).help("check space and permissions there, or do without with --no-cache")
}
