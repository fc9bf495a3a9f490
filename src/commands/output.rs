//! Standard output: data only, and an error if it can't be written.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_pack_core::{Error, Result};
use serde::Serialize;

use crate::hidden::{masked_bytes, masked_json};

static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Rust opens `/dev/null` where the caller closed stdout (`>&-`), so that writes seem to succeed. Looking must come
/// before `main`.
#[cfg(unix)]
#[ctor::ctor(unsafe)]
fn look_at_stdout() {
    use std::os::fd::{AsFd, BorrowedFd};
    fn is_open(fd: BorrowedFd) -> bool {
        rustix::io::fcntl_getfd(fd).is_ok()
    }
    STDOUT_IS_CLOSED.store(!is_open(io::stdout().as_fd()), Ordering::Relaxed);
}

/// Before any work is done: its result would be lost.
pub fn refuse_closed_stdout() -> Result<()> {
    if STDOUT_IS_CLOSED.load(Ordering::Relaxed) {
        return Err(Error::failed("stdout is closed").help("use `>/dev/null` to throw the output away"));
    }
    Ok(())
}

/// Writes `text` and a line break.
pub fn line(text: &str) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

pub fn bytes(bytes: &[u8]) -> Result<()> {
    write(&masked_bytes(bytes))
}

fn write(masked: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(masked).and_then(|()| stdout.flush()).map_err(|cause| {
        Error::failed(format!("cannot write to stdout: {cause}")).help("its reader ended early, or the disk is full")
    })
}

/// One JSON document on a line of its own.
pub fn json(value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string(value).expect("the value has string keys");
    write(format!("{}\n", masked_json(&json)).as_bytes())
}
