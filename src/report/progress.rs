//! How far long work is, on stderr: a display that moves on a terminal, and with `-v` a calm line now and then elsewhere.

use std::fmt::{Display, Formatter, Result as FmtResult, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use lambda_pack_core::{Meter, Progress as Done, Work};

/// Time between two lines.
const CALM: Duration = Duration::from_secs(5);

/// Shown until it is dropped.
pub enum Progress {
    Moving(ProgressBar),
    Calm {
        stop: Option<Sender<()>>,
        thread: Option<JoinHandle<()>>,
    },
    Hidden,
}

impl Progress {
    /// Files found so far, then bytes, rate and time left of each kind of work that `meter` counts.
    pub fn start(what: &'static str, meter: &'static Meter) -> Self {
        if super::is_watched() {
            let style = ProgressStyle::with_template("{spinner} {msg}: {work}")
                .expect("the template is a literal")
                .with_key("work", |_: &ProgressState, out: &mut dyn Write| {
                    write!(out, "{}", Description(meter)).expect("the display takes any text");
                });
            let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
            bar.enable_steady_tick(Duration::from_millis(100));
            *moving() = Some(bar.clone());
            return Progress::Moving(bar);
        }
        if !tracing::enabled!(tracing::Level::INFO) {
            return Progress::Hidden;
        }
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(CALM) == Err(RecvTimeoutError::Timeout) {
                tracing::info!("{what}: {}", Description(meter));
            }
            tracing::info!("{what}: {}", Description(meter));
        });
        Progress::Calm {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        match self {
            Progress::Moving(bar) => {
                *moving() = None;
                bar.finish_and_clear();
            }
            Progress::Calm { stop, thread } => {
                drop(stop.take());
                if let Some(thread) = thread.take() {
                    thread.join().ok();
                }
            }
            Progress::Hidden => {}
        }
    }
}

/// The display that moves now.
fn moving() -> MutexGuard<'static, Option<ProgressBar>> {
    static MOVING: Mutex<Option<ProgressBar>> = Mutex::new(None);
    MOVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes to stderr while no display is there.
pub fn aside(write: impl FnOnce()) {
    match &*moving() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

struct Description<'a>(&'a Meter);

impl Display for Description<'_> {
    fn fmt(&self, out: &mut Formatter) -> FmtResult {
        let kinds = [
            (Work::Hash, "hashed"),
            (Work::Download, "downloaded"),
            (Work::Pack, "packed"),
            (Work::Upload, "uploaded"),
        ];
        let files = self.0.found_files();
        write!(out, "{} file{}", HumanCount(files), if files == 1 { "" } else { "s" })?;
        for (work, name) in kinds {
            if let Some(progress) = self.0.progress(work) {
                write!(out, ", {}", describe(name, progress))?;
            }
        }
        Ok(())
    }
}

fn describe(name: &str, progress: Done) -> String {
    let Done {
        done,
        expected,
        elapsed,
    } = progress;
    let mut text = format!("{} of {} {name}", HumanBytes(done), HumanBytes(expected));
    if 0 < done && done < expected {
        let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
        let left = Duration::from_secs_f64((expected - done) as f64 / rate);
        let (rate, left) = (HumanBytes(rate as u64), HumanDuration(left));
        text.push_str(&format!(" ({rate}/s, {left} left)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_rate_and_time_left_are_told_of_what_is_under_way() {
        let at = |done| Done {
            done,
            expected: 4096,
            elapsed: Duration::from_secs(2),
        };
        assert_eq!(describe("packed", at(0)), "0 B of 4.00 KiB packed");
        assert_eq!(
            describe("packed", at(1024)),
            "1.00 KiB of 4.00 KiB packed (512 B/s, 6 seconds left)"
        );
        assert_eq!(describe("packed", at(4096)), "4.00 KiB of 4.00 KiB packed");
    }

    #[test]
    fn only_work_that_was_announced_is_told_of() {
        let meter = Meter::default();
        assert_eq!(Description(&meter).to_string(), "0 files");
        meter.expect(Work::Upload, 10);
        assert_eq!(Description(&meter).to_string(), "0 files, 0 B of 10 B uploaded");
    }
}
