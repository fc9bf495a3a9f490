//! The progress display: on a terminal only, on stderr only.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use lambda_pack_core::Meter;

/// Shown until it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// A spinner with what is done, the bytes that `meter` counts, and the time.
    pub fn start(what: &'static str, meter: &'static Meter) -> Self {
        if !super::is_watched() {
            return Progress(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg}  {done}  {elapsed}")
            .expect("the template is a literal")
            .with_key("done", |_: &ProgressState, out: &mut dyn Write| {
                let hashed = HumanBytes(meter.hashed_bytes());
                let packed = HumanBytes(meter.packed_bytes());
                write!(out, "{hashed} hashed, {packed} packed").expect("the display takes any text");
            });
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
