//! The one thing that long work shares with whoever waits for it: how far it is, and whether it should stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Result};

/// What takes time, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Hash,
    Download,
    Pack,
    Upload,
}

impl Work {
    pub const ALL: [Work; 4] = [Work::Hash, Work::Download, Work::Pack, Work::Upload];
}

/// Counters for a progress display, and the flag that Ctrl-C sets.
#[derive(Debug, Default)]
pub struct Meter {
    interrupted: Arc<AtomicBool>,
    found: AtomicU64,
    counters: [Counter; Work::ALL.len()],
}

#[derive(Debug, Default)]
struct Counter {
    done: AtomicU64,
    expected: AtomicU64,
    since: OnceLock<Instant>,
}

/// How far a kind of work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub done: u64,
    pub expected: u64,
    /// Since it was first announced.
    pub elapsed: Duration,
}

impl Meter {
    /// The flag that a signal handler sets, to ask the work to stop at the next file or chunk.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Fails once the flag was set, so that temporary files are dropped on the way out.
    pub fn check(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Interrupted,
                "interrupted; nothing unfinished is left behind",
            ));
        }
        Ok(())
    }

    /// Files that the walk has found so far.
    pub fn found_files(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    pub(crate) fn add_found(&self, files: u64) -> Result<()> {
        self.found.fetch_add(files, Ordering::Relaxed);
        self.check()
    }

    /// Announces bytes that are to be worked on.
    pub fn expect(&self, work: Work, bytes: u64) {
        let counter = &self.counters[work as usize];
        counter.since.get_or_init(Instant::now);
        counter.expected.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that were. Fails like [`Meter::check`].
    pub fn add(&self, work: Work, bytes: u64) -> Result<()> {
        self.counters[work as usize].done.fetch_add(bytes, Ordering::Relaxed);
        self.check()
    }

    /// `None` before any is announced.
    pub fn progress(&self, work: Work) -> Option<Progress> {
        let counter = &self.counters[work as usize];
        Some(Progress {
            elapsed: counter.since.get()?.elapsed(),
            done: counter.done.load(Ordering::Relaxed),
            expected: counter.expected.load(Ordering::Relaxed),
        })
    }
}
