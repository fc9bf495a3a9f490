//! What tells a file from what it was or will be, without reading it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lambda_pack_core::cache::is_local;
use lambda_pack_core::source::FileStat;

/// Device, inode, size, and the times of the last change of content and of anything, in nanoseconds.
///
/// `None` where a change could leave all of them alike: on a file system that isn't known to keep them itself (a network,
/// FUSE), and for a file that changed just now, since its next change could fall into the same tick of the clock. One hole
/// is left: a write through a memory map may show late.
pub fn of(file: &File, path: &Path) -> io::Result<Option<String>> {
    /// Of the coarsest clock of a file system: FAT's. Those that are trusted here are a hundred times finer.
    const TICK: Duration = Duration::from_secs(2);

    #[expect(
        clippy::disallowed_methods,
        reason = "decides whether a file is hashed again, not what its hash is"
    )]
    let now = SystemTime::now();
    let Some(stat) = FileStat::of(&file.metadata()?) else {
        return Ok(None);
    };
    let changed = Duration::from_nanos(stat.ctime.unsigned_abs());
    let settled = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|now| now > changed + TICK);
    if !settled || !is_local(path) {
        return Ok(None);
    }
    let identity = stat.identity;
    Ok(Some(format!(
        "{} {} {} {} {}",
        identity.device, identity.inode, stat.size, stat.mtime, stat.ctime
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_just_now_has_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(of(file.as_file(), file.path()).unwrap(), None);
        // Whatever its content's time says: nobody can set the other one.
        file.as_file().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(of(file.as_file(), file.path()).unwrap(), None);
    }
}
