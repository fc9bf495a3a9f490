//! Logs of builds, as far as they were read.

use lambda_pack_core::Result;

use super::build::{BuildId, LogPlace};
use super::client::{LogEvent, Remote, Trouble};
use super::text::printable;

/// Reads a log from where it stopped before.
#[derive(Default)]
pub struct Tail {
    token: Option<String>,
}

impl Tail {
    /// Hands every event over that is there by now, in order.
    pub fn read(
        &mut self,
        remote: &Remote,
        place: &LogPlace,
        mut each: impl FnMut(LogEvent) -> Result<()>,
    ) -> Result<(), Trouble> {
        loop {
            let page = remote.log_page(place, self.token.as_deref())?;
            page.events.into_iter().try_for_each(&mut each)?;
            // The same token again means: nothing more at the moment.
            if page.next.is_none() || page.next == self.token {
                return Ok(());
            }
            self.token = page.next;
        }
    }
}

/// A log's line for people, who see several logs at a time if `many`.
pub fn line(id: &BuildId, event: &LogEvent, many: bool) -> String {
    let text = printable(&event.message);
    match many {
        true => format!("[{}] {text}", id.short()),
        false => text,
    }
}
