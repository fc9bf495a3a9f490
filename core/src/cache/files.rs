//! What the caches' directories have in common: the least recently used files go first.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::temporary::remove_abandoned;

/// A file of a cache.
pub struct FoundFile {
    pub path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// The files that end so, the most recently used first.
pub fn newest_first(directory: &Path, suffix: &str) -> io::Result<Vec<FoundFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        // Another process may have deleted it meanwhile.
        if let Ok(metadata) = fs::metadata(&path)
            && path.extension().is_some_and(|extension| extension == suffix)
        {
            files.push(FoundFile {
                bytes: metadata.len(),
                used: metadata.modified()?,
                path,
            });
        }
    }
    files.sort_by(|a, b| (b.used, &b.path).cmp(&(a.used, &a.path)));
    Ok(files)
}

/// Makes a file the most recently used, by the clock of its file system.
#[cfg(unix)]
pub fn touch(file: &File) -> io::Result<()> {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    Ok(futimens(file, &times)?)
}

/// There it stays as old as it is: what was written first goes first.
#[cfg(not(unix))]
pub fn touch(_: &File) -> io::Result<()> {
    Ok(())
}

/// Deletes the least recently used files where there are too many, or they take too much.
pub fn prune(directory: &Path, suffix: &str, most_files: usize, most_bytes: u64) -> io::Result<()> {
    remove_abandoned(directory);
    let mut bytes = 0;
    for (index, found) in newest_first(directory, suffix)?.into_iter().enumerate() {
        bytes += found.bytes;
        if index < most_files && bytes <= most_bytes {
            continue;
        }
        match fs::remove_file(&found.path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}
