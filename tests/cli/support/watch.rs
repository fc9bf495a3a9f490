//! `watch --json` while it runs: its events, one after the other.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::{Run, TestCommand};

/// A test that never hears what it waits for fails; none waits for a time.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Watch {
    child: Child,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

impl Watch {
    /// Runs what is `watch …`; its first event comes when it watches.
    pub fn start(command: TestCommand) -> Self {
        let mut child = command.arg("--json").spawn();
        drop(child.stdin.take());
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines();
            // The test is over when nobody wants more.
            lines.map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Watch {
            child,
            lines,
            stderr: Some(stderr),
        }
    }

    /// The next event, which must be of this kind.
    #[track_caller]
    pub fn next(&mut self, event: &str) -> Value {
        let next = self.any();
        assert_eq!(next["event"], event, "{next}");
        next
    }

    #[track_caller]
    fn any(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|_| panic!("it says no more: {}", self.stop("KILL").stderr));
        serde_json::from_str(&line).unwrap()
    }

    /// The first event that is it; of others that come before it is not known how many there are.
    #[track_caller]
    pub fn until(&mut self, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let next = self.any();
            if is_it(&next) {
                return next;
            }
        }
    }

    /// A change, and the packages that are built after it.
    #[track_caller]
    pub fn change(&mut self) -> (Value, Value) {
        (self.next("changed"), self.next("built"))
    }

    /// Ends it by a signal. What it said that nobody asked for is in `stdout`.
    pub fn stop(&mut self, signal: &str) -> Run {
        super::run("kill", &["-s", signal, &self.child.id().to_string()]);
        self.end()
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Run {
        let code = self.child.wait().unwrap().code();
        Run {
            code: code.unwrap_or(-1),
            stdout: self.lines.iter().collect::<Vec<_>>().join("\n"),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }

    /// Ends it, and sees to it that nothing else was said.
    #[track_caller]
    pub fn says_no_more(mut self) {
        let run = self.stop("INT");
        assert_eq!((run.code, run.stdout.as_str()), (130, ""), "{run:?}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.stderr.is_some() {
            self.stop("KILL");
        }
    }
}
