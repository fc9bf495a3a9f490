//! What the file system says of a file without reading it.

use std::fs::Metadata;

/// What tells one file of this machine from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
}

impl Identity {
    /// `None` where the system has no such numbers.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

/// What changes when somebody writes to a file, or puts another in its place. Times are in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub identity: Identity,
    pub size: u64,
    pub mtime: i64,
    pub ctime: i64,
}

impl FileStat {
    /// `None` where the system doesn't tell, or a time is beyond the year 2262.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let time = |seconds: i64, nanoseconds: i64| seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds);
        Some(FileStat {
            identity: Identity::of(metadata)?,
            size: metadata.size(),
            mtime: time(metadata.mtime(), metadata.mtime_nsec())?,
            ctime: time(metadata.ctime(), metadata.ctime_nsec())?,
        })
    }

    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }
}
