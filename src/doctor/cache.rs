//! The cache directory: nothing needs it, everything is faster with it.

use std::path::Path;

use super::{Finding, try_to_write};
use crate::report;
use crate::settings::Settings;

const CHECK: &str = "cache";

pub fn look(settings: &Settings) -> Finding {
    let Some(directory) = &settings.cache_dir else {
        return Finding::warn(
            CHECK,
            "none: everything is hashed and compressed each time",
            "leave --no-cache away, and set HOME or XDG_CACHE_HOME",
        );
    };
    let shown = directory.display();
    let elsewhere = "set XDG_CACHE_HOME to a directory that this user may write, on a local disk";
    if let Err(error) = try_to_write(directory) {
        return Finding::warn(CHECK, format!("can't write to `{shown}`: {error}"), elsewhere);
    }
    match free_bytes(directory) {
        // What one large build may need.
        Some(free) if free < 1 << 30 => Finding::warn(
            CHECK,
            format!("`{shown}`: only {} free", report::bytes(free)),
            "free space, or set XDG_CACHE_HOME to a disk that has more",
        ),
        Some(free) => Finding::pass(CHECK, format!("`{shown}`, {} free", report::bytes(free))),
        None => Finding::pass(CHECK, format!("`{shown}`")),
    }
}

#[cfg(unix)]
fn free_bytes(directory: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(super::existing(directory)?).ok()?;
    Some(system.f_bavail * system.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
