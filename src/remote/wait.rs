//! Waiting for builds: patient with the network, strict with what CodeBuild says.
//!
//! Whatever is not surely `SUCCEEDED` is a failure: so is a state that this version doesn't know, and a build that CodeBuild
//! knows no more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::build::BuildId;
use super::client::{BUILDS_A_CALL, Remote, Trouble};
use super::finished::Finished;
use super::watched::Watched;
use crate::report;

/// Looks that may fail in a row: with the usual intervals, some ten minutes.
const FAILED_LOOKS: u32 = 20;
/// The same before any look went well: then it is more likely a mistake than a bad moment.
const FAILED_FIRST_LOOKS: u32 = 5;
/// Builds whose logs are shown while they run. More would be neither readable nor within the quota of `GetLogEvents`.
const SHOWN_LOGS: usize = 10;
/// Logs reach CloudWatch a little later than the end of a build reaches CodeBuild.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How to wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two looks, at first; a longer wait has longer intervals.
    pub poll: Duration,
    /// When to stop the builds. By default, when they have used up the time that CodeBuild gives them.
    pub deadline: Option<Duration>,
}

/// Waits until all builds have ended, one way or another; [`check`](super::check) says whether that was well.
pub fn wait(remote: &mut Remote, ids: &[BuildId], patience: Patience) -> Result<Vec<Finished>> {
    let mut seen = BTreeSet::new();
    let unique = ids.iter().filter(|id| seen.insert(*id));
    let mut watch = Watch {
        builds: unique.map(Watched::new).collect(),
        patience,
        pace: Pace::new(patience.poll),
        failed_looks: 0,
        looked: false,
    };
    watch
        .until_all_ended(remote)
        .map_err(|error| goes_on(error, &watch.builds))?;
    Ok(watch.builds.into_iter().map(Watched::finish).collect())
}

/// An error that ends the wait, not the builds.
fn goes_on(error: Error, builds: &[Watched]) -> Error {
    /// More fill the screen; whoever started them knows them.
    const NAMED: usize = 5;
    let ids = builds.iter().filter(|it| !it.has_ended()).map(|it| it.id.as_str());
    let mut ids: Vec<&str> = ids.take(NAMED + 1).collect();
    match ids.len() {
        // Only their last lines were still to be shown.
        0 => return error,
        NAMED.. if ids.len() > NAMED => ids[NAMED] = "…",
        _ => {}
    }
    let ids = ids.join(" ");
    let and_then = format!("wait again: lambda-pack remote wait {ids}; or stop it: lambda-pack remote cancel {ids}");
    if error.kind() == ErrorKind::Interrupted {
        return Error::new(ErrorKind::Interrupted, "interrupted; the build goes on").help(and_then);
    }
    let help = match error.help_text() {
        Some(help) => format!("{help}; then {and_then}"),
        None => and_then,
    };
    error.within("stopped waiting, and the build goes on").help(help)
}

struct Watch {
    builds: Vec<Watched>,
    patience: Patience,
    pace: Pace,
    failed_looks: u32,
    /// Whether any look went well.
    looked: bool,
}

impl Watch {
    fn until_all_ended(&mut self, remote: &mut Remote) -> Result<()> {
        let started = Instant::now();
        loop {
            let news = self.look(remote)?;
            self.show_logs(remote)?;
            if self.builds.iter().all(|it| it.has_ended()) {
                return self.show_last_lines(remote);
            }
            for watched in self.builds.iter_mut().filter(|it| !it.has_ended()) {
                let over = match self.patience.deadline {
                    Some(deadline) => (started.elapsed() >= deadline).then_some(deadline),
                    None => watched.is_overdue(),
                };
                if let Some(deadline) = over {
                    watched.stop(remote, deadline, self.patience.poll);
                }
            }
            if self.builds.iter().all(|it| it.has_ended()) {
                return self.show_last_lines(remote);
            }
            let left = self
                .patience
                .deadline
                .map(|deadline| deadline.saturating_sub(started.elapsed()));
            let pause = self.pace.next(news);
            sleep(left.map_or(pause, |left| pause.min(left)), remote.meter)?;
        }
    }

    /// Asks for all that have not ended. Says whether anything has changed.
    fn look(&mut self, remote: &mut Remote) -> Result<bool> {
        let many = self.builds.len() > 1;
        let ids: Vec<BuildId> = (self.builds.iter())
            .filter(|it| !it.has_ended())
            .map(|it| it.id.clone())
            .collect();
        let mut news = false;
        for ids in ids.chunks(BUILDS_A_CALL) {
            let found = match remote.builds(ids) {
                Ok(found) => found,
                Err(trouble) => {
                    self.bear(trouble, remote)?;
                    return Ok(news);
                }
            };
            for watched in self.builds.iter_mut().filter(|it| ids.contains(&it.id)) {
                let build = found.iter().find(|build| build.id == watched.id);
                news |= watched.update(build.cloned(), many);
            }
        }
        (self.looked, self.failed_looks) = (true, 0);
        Ok(news)
    }

    /// Goes on in spite of what may pass, for a while. A build is not stopped because somebody can't look at it.
    fn bear(&mut self, trouble: Trouble, remote: &mut Remote) -> Result<()> {
        self.failed_looks += 1;
        let most = if self.looked { FAILED_LOOKS } else { FAILED_FIRST_LOOKS };
        let lasts = self.failed_looks >= most;
        match trouble {
            Trouble::Lasting(error) | Trouble::Missing(error) => Err(error),
            Trouble::Passing(error) | Trouble::Credentials(error) if lasts => Err(error),
            Trouble::Passing(error) => {
                report::warning(&format!("{error}; trying again"));
                Ok(())
            }
            Trouble::Credentials(error) => {
                report::warning(&format!(
                    "{error}; the build goes on, and credentials are looked for again"
                ));
                remote.reload()
            }
        }
    }

    fn show_logs(&mut self, remote: &Remote) -> Result<()> {
        let many = self.builds.len() > 1;
        if self.builds.len() > SHOWN_LOGS {
            return Ok(());
        }
        self.builds
            .iter_mut()
            .try_for_each(|watched| watched.show_log(remote, many))
    }

    fn show_last_lines(&mut self, remote: &Remote) -> Result<()> {
        if self.builds.len() <= SHOWN_LOGS && self.builds.iter().any(Watched::has_log) {
            sleep(self.patience.poll.min(LAST_LINES), remote.meter)?;
            self.show_logs(remote)?;
        }
        Ok(())
    }
}

/// Intervals that grow while nothing happens, and differ from those of others who wait.
struct Pace {
    first: Duration,
    next: Duration,
}

impl Pace {
    /// The longest interval is so many times the first.
    const MOST: u32 = 6;

    fn new(first: Duration) -> Self {
        Pace { first, next: first }
    }

    fn next(&mut self, news: bool) -> Duration {
        if news {
            self.next = self.first;
        }
        let pause = self.next;
        self.next = (self.next * 3 / 2).min(self.first * Self::MOST);
        // Up to a quarter less.
        pause - pause.mul_f64(fastrand::f64() / 4.0)
    }
}

/// Sleeps, unless the user interrupts it.
pub fn sleep(duration: Duration, meter: &Meter) -> Result<()> {
    /// How soon Ctrl-C is noticed.
    const SLICE: Duration = Duration::from_millis(50);
    let start = Instant::now();
    loop {
        meter.check()?;
        let left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_to_a_bound_and_start_anew_with_news() {
        let first = Duration::from_secs(1);
        let mut pace = Pace::new(first);
        let pauses: Vec<Duration> = (0..50).map(|_| pace.next(false)).collect();
        assert!(pauses[0] <= first && pauses[0] >= first * 3 / 4);
        assert!(pauses[49] > first * 4 && pauses.iter().all(|pause| *pause <= first * 6));
        assert!(pace.next(true) <= first);
    }

    #[test]
    fn jitter_keeps_waiters_apart() {
        let pauses: BTreeSet<Duration> = (0..20).map(|_| Pace::new(Duration::from_secs(1)).next(false)).collect();
        assert!(pauses.len() > 1);
    }
}
