//! What asynchronous clients need in a program that otherwise isn't asynchronous: a runtime, and an ear for Ctrl-C.

use std::time::Duration;

use lambda_pack_core::{Error, Meter, Result};
use tokio::runtime::Runtime;

/// One thread carries all requests; each call blocks its own.
pub fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|cause| Error::failed(format!("cannot start the network runtime: {cause}")))
}

/// Ends a call when the user interrupts it.
pub async fn unless_interrupted<T, E: From<Error>>(
    meter: &Meter,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    /// How soon Ctrl-C is noticed.
    const POLL: Duration = Duration::from_millis(50);
    tokio::pin!(call);
    loop {
        tokio::select! {
            result = &mut call => return result,
            () = tokio::time::sleep(POLL) => meter.check()?,
        }
    }
}
