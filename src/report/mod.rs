//! What people read beside the data: errors, warnings, progress and logs, all on stderr; and the tables that `commands/`
//! print.

mod annotation;
mod progress;
mod table;
mod warnings;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Common;
use crate::hidden::{self, MaskedStderr, masked};

pub use annotation::are_defined;
pub use progress::Progress;
pub use table::{age, bytes, table};
pub use warnings::look_again;

static QUIET: AtomicBool = AtomicBool::new(false);

/// Applies `--color`, `--quiet`, `--verbose` and `--jobs` to the process.
pub fn set_up(common: &Common) -> Result<()> {
    QUIET.store(common.quiet, Ordering::Relaxed);
    match common.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let of_ours = |level| Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let filter = match common.verbose {
        0 => Targets::new(),
        1 => of_ours(Level::INFO),
        2 => of_ours(Level::DEBUG),
        _ => Targets::new().with_default(Level::DEBUG),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| MaskedStderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .without_time();
    tracing_subscriber::registry().with(filter).with(lines).init();
    if let Some(jobs) = common.jobs {
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.into())
            .build_global()
            .map_err(|error| Error::failed(format!("cannot start {jobs} threads: {error}")).help("lower --jobs"))?;
    }
    Ok(())
}

/// Ctrl-C and SIGTERM ask work that has temporary files to stop, so that these go; asked twice, the process ends at once,
/// as work without any does the first time. SIGHUP is left as it was, for `nohup`.
pub fn interrupt_on_signal(meter: &Meter, has_files: bool) -> Result<()> {
    const INTERRUPTED: i32 = 130;
    let end_at_once = Arc::new(AtomicBool::new(!has_files));
    signal_hook::consts::TERM_SIGNALS
        .iter()
        .try_for_each(|&signal| {
            // In this order: the first signal sets what the second one finds.
            signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&end_at_once))?;
            signal_hook::flag::register(signal, Arc::clone(&end_at_once))?;
            signal_hook::flag::register(signal, meter.interrupt_flag())?;
            Ok(())
        })
        .map_err(|error: std::io::Error| Error::failed(format!("cannot handle signals: {error}")))
}

pub fn exit_code(kind: ErrorKind) -> ExitCode {
    ExitCode::from(code(kind))
}

/// What a run of this program failed of.
pub fn kind_of(exit_code: i32) -> Option<ErrorKind> {
    ErrorKind::ALL
        .into_iter()
        .find(|kind| i32::from(code(*kind)) == exit_code)
}

/// The contract's exit codes (`docs/commands.md`).
fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Failed => 1,
        ErrorKind::Usage => 2,
        ErrorKind::Invalid | ErrorKind::Infrastructure => 3,
        ErrorKind::Integrity => 4,
        ErrorKind::Conflict => 5,
        ErrorKind::RemoteBuild => 6,
        ErrorKind::TimedOut => 7,
        ErrorKind::Secret => 8,
        ErrorKind::Changes => 10,
        ErrorKind::Interrupted => 130,
    }
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// Prints a failure and those joined to it, each with its way out; on GitHub, as an annotation too.
pub fn error(error: &Error) {
    if error.kind() == ErrorKind::Changes {
        return;
    }
    /// A screenful; who has mended these sees the rest.
    const MOST: usize = 20;
    hidden::hide_of_definitions();
    // Those that count most first: what is left out hides none of them.
    let mut errors: Vec<&Error> = error.each().collect();
    errors.sort_by_key(|error| match error.own_kind() {
        ErrorKind::Infrastructure => 0,
        ErrorKind::Secret => 1,
        _ => 2,
    });
    let more = errors.len().saturating_sub(MOST);
    for error in errors.into_iter().take(MOST) {
        anstream::eprintln!("{ERROR}error:{ERROR:#} {}", masked(error.message()));
        if let Some(help) = error.help_text() {
            anstream::eprintln!("  {HELP}help:{HELP:#} {}", masked(help));
        }
        if let Some(command) = annotation::of(error) {
            anstream::eprintln!("{command}");
        }
    }
    match more {
        0 => {}
        more => anstream::eprintln!("{ERROR}error:{ERROR:#} and {more} more"),
    }
}

pub fn warning(text: &str) {
    if !QUIET.load(Ordering::Relaxed) && warnings::is_news(text) {
        progress::aside(|| anstream::eprintln!("{WARNING}warning:{WARNING:#} {}", masked(text)));
    }
}

/// What happens elsewhere, as it is heard of.
pub fn note(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        progress::aside(|| anstream::eprintln!("{}", masked(text)));
    }
}

/// Whether there is somebody to watch a progress display.
fn is_watched() -> bool {
    std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed)
}
