//! Lets the disk begin while packages are still compressed: a sync at the end alone waits for all of it.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes between two syncs: enough that each is worth a call.
const STEP_BYTES: u64 = 4 * 1024 * 1024;

/// A thread that syncs a file now and then, until it is dropped.
pub struct EarlySync {
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EarlySync {
    pub fn of(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (wanted, wishes) = sync_channel(1);
        let thread = thread::Builder::new().spawn(move || {
            for () in wishes {
                // What can't be synced now fails again in the sync that counts, which comes after all is written.
                if file.sync_data().is_err() {
                    return;
                }
            }
        })?;
        Ok(EarlySync {
            wanted: Some(wanted),
            thread: Some(thread),
        })
    }

    /// Asks for a sync if a step was made between these numbers of written bytes. Never waits.
    pub fn progress(&self, before: u64, after: u64) {
        if before / STEP_BYTES == after / STEP_BYTES {
            return;
        }
        let Some(wanted) = &self.wanted else { return };
        match wanted.try_send(()) {
            // One that is wanted already will do; a thread that gave up too.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

impl Drop for EarlySync {
    fn drop(&mut self) {
        self.wanted = None;
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()), "it only syncs");
    }
}
