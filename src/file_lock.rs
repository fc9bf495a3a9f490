//! Locks on files, by which processes share a cache or a small file.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use lambda_pack_core::{Error, Meter, Result};

/// A lock file, which stays when nobody holds it: two processes could hold one that was deleted and the one in its place.
pub fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

/// What to do about the lock file of a cache that can't be locked.
pub const WITHOUT_CACHE: &str = "do without a cache: --no-cache";

/// Waits for a lock, and can be interrupted. `others` says in a `-v` line who may hold it; `help` mends what can't be locked.
pub fn wait(
    path: &Path,
    others: &str,
    help: &str,
    meter: &Meter,
    lock: impl Fn() -> Result<(), TryLockError>,
) -> Result<()> {
    let mut said = false;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => {
                return Err(Error::io("lock", path, cause).help(help));
            }
        }
        if !said {
            tracing::info!("waiting for {others}");
            said = true;
        }
        meter.check()?;
        thread::sleep(Duration::from_millis(50));
    }
}
