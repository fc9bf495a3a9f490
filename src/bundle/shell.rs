//! Commands, one after the other, each in a shell that goes on where the one before it stopped.
//!
//! As in CodeBuild, directory and variables are handed on, exported or not (`set -a`); functions and options are not, and
//! nothing is of a command that leaves its shell by `exit` or `exec`. The state goes through a pipe, so that no variable ever
//! stands in a file or in an argument.

use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter, Read};

use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lambda_pack_core::{Error, Meter, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};

use super::environment::Environment;

/// How soon the end of a command, or Ctrl-C, is noticed.
const POLL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// How long what is asked to end may take, until it is killed. Terraform needs some seconds to save its state.
const GRACE: Duration = Duration::from_secs(10);

/// So much is read at a time, before the command's end and Ctrl-C are looked for: more than a pipe holds.
const MOST_AT_ONCE: usize = 2 * 1024 * 1024;

/// Descriptor 0 is the pipe for the state, which the command itself doesn't get.
const BEFORE: &str = "exec 3>&0 </dev/null || exit 126\nset -a\neval ";
const AFTER: &str =
    " 3>&-\nset -- \"$?\"\n{ printf '%s\\000' \"$(pwd)\"; /usr/bin/env -0; printf '\\000'; } >&3\nexit \"$1\"\n";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

pub struct Shell {
    program: PathBuf,
    directory: PathBuf,
    pub environment: Environment,
    output: PipeReader,
    /// Kept open, so that what runs in the background can write while nothing else does.
    writer: Option<PipeWriter>,
    /// They are not waited for until the end: that keeps the numbers of their process groups from being used again.
    children: Vec<Child>,
}

impl Shell {
    pub fn new(program: PathBuf, directory: PathBuf, environment: Environment) -> Result<Self> {
        let (output, writer) = pipe()?;
        Ok(Shell {
            program,
            directory,
            environment,
            output,
            writer: Some(writer),
            children: Vec::new(),
        })
    }

    /// Runs a command to its end, or ends it if the user interrupts. `show` takes its output as it comes, that of what runs in
    /// the background included.
    pub fn run(&mut self, text: &str, meter: &Meter, mut show: impl FnMut(&[u8]) -> Result<()>) -> Result<Exit> {
        meter.check()?;
        let quoted = shlex::try_quote(text).map_err(|_| Error::invalid("a command holds a NUL character"))?;
        let (state, state_writer) = pipe()?;
        let writer = self.writer.as_ref().expect("it is open until the end");
        let cannot_run = |cause: io::Error| {
            let (program, directory) = (self.program.display(), self.directory.display());
            Error::failed(format!("cannot run `{program}` in `{directory}`: {cause}"))
        };
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(format!("{BEFORE}{quoted}{AFTER}"))
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.environment.iter())
            .env("PWD", &self.directory)
            .stdin(Stdio::from(state_writer))
            .stdout(Stdio::from(writer.try_clone().map_err(cannot_run)?))
            .stderr(Stdio::from(writer.try_clone().map_err(cannot_run)?))
            .process_group(0)
            .spawn()
            .map_err(cannot_run)?;
        let pid = pid_of(&child);
        self.children.push(child);
        let mut state = State::new(state);
        loop {
            self.wait_for_output(&state)?;
            // Asked before the pipe is emptied, so that nothing stays in it.
            let exit = exit_of(pid)?;
            drain(&mut self.output, &mut show)?;
            state.read()?;
            if let Some(exit) = exit {
                if let Some((directory, environment)) = state.whole() {
                    self.directory = directory;
                    self.environment = environment;
                }
                return Ok(exit);
            }
            meter.check()?;
        }
    }

    fn wait_for_output(&self, state: &State) -> Result<()> {
        let mut ready = vec![PollFd::new(&self.output, PollFlags::IN)];
        ready.extend(state.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match poll(&mut ready, Some(&POLL)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(cause) => Err(lost(cause.into())),
        }
    }
}

/// Ends all that commands have left running, and what was interrupted. Who has left its command's process group (`setsid`)
/// is out of reach, and nothing waits for it.
impl Drop for Shell {
    fn drop(&mut self) {
        signal(&self.children, Signal::TERM);
        // Whoever still runs holds the other end of the pipe, unless its output goes elsewhere.
        self.writer = None;
        let deadline = Instant::now() + GRACE;
        let mut buffer = [0; 8192];
        while Instant::now() < deadline {
            self.children.retain_mut(has_processes);
            if self.children.is_empty() {
                break;
            }
            match self.output.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(20))
                }
                Err(_) => break,
            }
        }
        signal(&self.children, Signal::KILL);
        for child in &mut self.children {
            if let Err(cause) = child.wait() {
                tracing::debug!("cannot wait for a command: {cause}");
            }
        }
    }
}

/// Whether a command's process group still has any. Until then no other process can get its number.
fn has_processes(child: &mut Child) -> bool {
    // One that has ended would be in its group until it is waited for.
    if let Err(cause) = child.try_wait() {
        tracing::debug!("cannot wait for a command: {cause}");
    }
    test_kill_process_group(pid_of(child)).is_ok()
}

/// A child that isn't waited for keeps its group, as any process in it does, so that no other process can be hit.
fn signal(children: &[Child], signal: Signal) {
    for child in children {
        if let Err(cause) = kill_process_group(pid_of(child), signal) {
            tracing::debug!("cannot signal what a command has left: {cause}");
        }
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn exit_of(pid: Pid) -> Result<Option<Exit>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(pid), options).map_err(|cause| lost(cause.into()))?;
    Ok(
        status.map(|status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        }),
    )
}

fn lost(cause: io::Error) -> Error {
    Error::failed(format!("cannot wait for a command: {cause}"))
}

/// The end that is read never blocks.
fn pipe() -> Result<(PipeReader, PipeWriter)> {
    let cannot = |cause: io::Error| Error::failed(format!("cannot make a pipe: {cause}"));
    let (reader, writer) = io::pipe().map_err(cannot)?;
    fcntl_setfl(&reader, OFlags::NONBLOCK).map_err(|cause| cannot(cause.into()))?;
    Ok((reader, writer))
}

/// Reads what is there; returns whether the other end is closed.
fn drain(pipe: &mut PipeReader, take: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
    let mut buffer = [0; 64 * 1024];
    let mut taken = 0;
    while taken < MOST_AT_ONCE {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(length) => {
                take(&buffer[..length])?;
                taken += length;
            }
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => break,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(lost(cause)),
        }
    }
    Ok(false)
}

/// What a shell says in the end: directory and variables, each with a NUL after it, and one more.
struct State {
    /// `None` once it is at its end.
    pipe: Option<PipeReader>,
    said: Vec<u8>,
}

impl State {
    fn new(pipe: PipeReader) -> Self {
        State {
            pipe: Some(pipe),
            said: Vec::new(),
        }
    }

    fn read(&mut self) -> Result<()> {
        let said = &mut self.said;
        if let Some(pipe) = &mut self.pipe {
            let mut keep = |bytes: &[u8]| {
                said.extend_from_slice(bytes);
                Ok(())
            };
            if drain(pipe, &mut keep)? {
                self.pipe = None;
            }
        }
        Ok(())
    }

    /// `None` if the shell was left before it could say all.
    fn whole(self) -> Option<(PathBuf, Environment)> {
        let said = self.said.strip_suffix(b"\0\0")?;
        let mut parts = said
            .split(|byte| *byte == 0)
            .map(|part| OsString::from_vec(part.to_vec()));
        let directory = parts.next()?.into();
        Some((directory, parts.filter_map(variable).collect()))
    }
}

/// Shells set some by themselves.
fn variable(entry: OsString) -> Option<(OsString, OsString)> {
    const OF_SHELLS: [&[u8]; 3] = [b"_", b"PWD", b"SHLVL"];
    let mut name = entry.into_vec();
    let end = name.iter().position(|byte| *byte == b'=')?;
    let value = name.split_off(end + 1);
    name.pop();
    (!OF_SHELLS.contains(&name.as_slice())).then(|| (OsString::from_vec(name), OsString::from_vec(value)))
}
