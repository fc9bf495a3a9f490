//! Runs whose requests are counted, or that are killed at one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::http::Request;
use super::proxy::{Action, Proxy};
use super::{Run, TestCommand};

/// What a run asked AWS for, in order: [`Request::asks`] of each.
#[derive(Debug)]
pub struct Asked(pub Vec<String>);

impl Asked {
    pub fn reads(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).filter(|it| !is_write(it)).collect()
    }

    pub fn writes(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).filter(|it| is_write(it)).collect()
    }
}

/// Whatever isn't known to be harmless.
fn is_write(asks: &str) -> bool {
    const READS: [&str; 8] = [
        "GET ",
        "HEAD ",
        "Get",
        "BatchGet",
        "List",
        "Describe",
        "Filter",
        "AssumeRole",
    ];
    !READS.iter().any(|start| asks.starts_with(start))
}

/// Runs the command, and tells what it asked of the server. What `decide` makes of each request is up to the test.
pub fn counted(
    upstream: &str,
    command: TestCommand,
    decide: impl Fn(&Request) -> Action + Send + Sync + 'static,
) -> (Run, Asked) {
    let proxy = Proxy::before(upstream, decide);
    let run = command.env("AWS_ENDPOINT_URL", &proxy.endpoint).run();
    proxy.wait_until_idle();
    (run, Asked(proxy.asked()))
}

/// When a process is killed, of the time that a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The server never hears of it.
    Before,
    /// The server did as it was asked; the process never hears of that.
    After,
}

/// Kills a new run of the command at its first request, at its second, and so on, at these moments of each, until one gets to its
/// end. To a server, after a request is what before the next one is. Each run has a state of its own, which `check` sees when the process and its requests are gone, with the number of
/// the request (from 1), its moment, and what it asked for. Returns what a whole run asks for.
pub fn kill_at_each_request<S>(
    upstream: &str,
    moments: &[Moment],
    fresh: impl Fn() -> S,
    command: impl Fn(&S) -> TestCommand,
    check: impl Fn(&S, usize, Moment, &str),
) -> Asked {
    for number in 1.. {
        for &moment in moments {
            let state = fresh();
            let (run, asked) = killed_at(upstream, command(&state), number, moment);
            if asked.0.len() < number {
                assert_eq!(run.code, 0, "it was not killed: {run:?}");
                return asked;
            }
            assert_eq!(run.code, KILLED, "{moment:?} {}: {run:?}", asked.0[number - 1]);
            check(&state, number, moment, &asked.0[number - 1]);
        }
    }
    unreachable!("every run ends")
}

/// What [`Run`] says of a process that a signal ended.
const KILLED: i32 = -1;

fn killed_at(upstream: &str, command: TestCommand, number: usize, moment: Moment) -> (Run, Asked) {
    let victim = Arc::new(Victim::default());
    let (known, requests) = (Arc::clone(&victim), AtomicUsize::new(0));
    let proxy = Proxy::before(upstream, move |_| {
        let request = requests.fetch_add(1, Ordering::SeqCst) + 1;
        match moment {
            _ if request < number => Action::Forward,
            // The process lives on for a moment, and may ask for more.
            _ if request > number => Action::Drop,
            Moment::Before => Action::KillBefore(Arc::clone(&known)),
            Moment::After => Action::KillAfter(Arc::clone(&known)),
        }
    });
    let command = command.env("AWS_ENDPOINT_URL", &proxy.endpoint);
    let run = command.run_with(|pid| victim.pid.set(pid).unwrap());
    victim.gone.set(()).unwrap();
    proxy.wait_until_idle();
    (run, Asked(proxy.asked()))
}

/// A process that a proxy may kill.
#[derive(Default)]
pub struct Victim {
    pid: OnceLock<u32>,
    gone: OnceLock<()>,
}

impl Victim {
    /// Returns when it is gone: a connection that closed before would be one more thing that it can react to.
    pub fn kill(&self) {
        super::run("kill", &["-KILL", &self.pid.wait().to_string()]);
        self.gone.wait();
    }
}
