//! Questions on a terminal, a line each.

use std::io::{self, IsTerminal, Write};

use lambda_pack_core::{Error, ErrorKind, Meter, Result};

/// Whether there is somebody to answer.
pub fn are_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until the answer is one that `parse` takes; an empty answer is the default. `parse` says what is wrong, else.
pub fn ask<T>(question: &str, default: &str, meter: &Meter, parse: impl Fn(&str) -> Result<T, String>) -> Result<T> {
    loop {
        let shown = match default {
            "" => String::new(),
            default => format!(" [{default}]"),
        };
        anstream::eprint!("{question}{shown}: ");
        io::stderr()
            .flush()
            .map_err(|cause| Error::failed(format!("cannot ask: {cause}")))?;
        let line = read_line(meter)?;
        let answer = match line.trim() {
            "" => default,
            answer => answer,
        };
        match parse(answer) {
            Ok(value) => return Ok(value),
            Err(reason) => anstream::eprintln!("{reason}"),
        }
    }
}

/// A line of the terminal, which hands out one at a time.
fn read_line(meter: &Meter) -> Result<String> {
    let mut line = String::new();
    wait_for_input(meter)?;
    let length = io::stdin().read_line(&mut line);
    match length.map_err(|cause| Error::failed(format!("cannot read the answer: {cause}")))? {
        0 => Err(Error::new(ErrorKind::Usage, "the answer is missing: the input ended")
            .help("give the options instead, see `lambda-pack init --help`, or `--yes` for the defaults")),
        _ => Ok(line),
    }
}

/// Until something was typed, or Ctrl-C, which doesn't end a read.
#[cfg(unix)]
fn wait_for_input(meter: &Meter) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// How soon Ctrl-C is noticed.
    const POLL: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    let stdin = io::stdin();
    loop {
        meter.check()?;
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut waiting, Some(&POLL)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(cause) => return Err(Error::failed(format!("cannot read the answer: {cause}"))),
        }
    }
}

#[cfg(not(unix))]
fn wait_for_input(meter: &Meter) -> Result<()> {
    meter.check()
}
