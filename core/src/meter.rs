//! The one thing that long work shares with whoever waits for it: how far it is, and whether it should stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Error, ErrorKind, Result};

/// Counters for a progress display, and the flag that Ctrl-C sets.
#[derive(Debug, Default)]
pub struct Meter {
    interrupted: Arc<AtomicBool>,
    hashed: AtomicU64,
    packed: AtomicU64,
}

impl Meter {
    /// The flag that a signal handler sets, to ask the work to stop at the next file or chunk.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Fails once the flag was set, so that temporary files are dropped on the way out.
    pub fn check(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        Ok(())
    }

    pub(crate) fn add_hashed(&self, bytes: u64) -> Result<()> {
        self.hashed.fetch_add(bytes, Ordering::Relaxed);
        self.check()
    }

    pub(crate) fn add_packed(&self, bytes: u64) -> Result<()> {
        self.packed.fetch_add(bytes, Ordering::Relaxed);
        self.check()
    }

    /// Source bytes hashed so far.
    pub fn hashed_bytes(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Source bytes packed so far.
    pub fn packed_bytes(&self) -> u64 {
        self.packed.load(Ordering::Relaxed)
    }
}
