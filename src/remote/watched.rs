//! One build that is waited for: what is known of it, and what was shown.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_pack_core::{ErrorKind, Result};

use super::build::{Build, BuildId, Phase, State};
use super::client::{Remote, Trouble};
use super::finished::Finished;
use super::logs::{self, Tail};
use crate::report;

/// Looks in a row in which CodeBuild doesn't know a build. One that was just started may not be known everywhere yet.
const MISSING_LOOKS: u32 = 3;
/// Tries of stopping a build.
const STOPS: u32 = 5;
/// Longest time between two of them.
const STOP_PAUSE: Duration = Duration::from_secs(5);
/// What CodeBuild may take to notice that a build has used up its time.
const GRACE: Duration = Duration::from_secs(15 * 60);
/// Of a build that doesn't say how long it may take: the longest that CodeBuild allows, in the queue and running.
/// <https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html>
const LONGEST: Duration = Duration::from_secs((480 + 2160) * 60);

/// A build that is waited for.
pub struct Watched {
    pub id: BuildId,
    build: Option<Build>,
    missing_looks: u32,
    shown: BTreeSet<(String, Option<String>)>,
    log: Tail,
    log_is_lost: bool,
    since: Instant,
    end: Option<End>,
}

enum End {
    /// As CodeBuild has said.
    Ended,
    Missing,
    /// It was told to stop, at this deadline. The text says how that went.
    PastDeadline(String),
}

impl Watched {
    pub fn new(id: &BuildId) -> Self {
        Watched {
            id: id.clone(),
            build: None,
            missing_looks: 0,
            shown: BTreeSet::new(),
            log: Tail::default(),
            log_is_lost: false,
            since: Instant::now(),
            end: None,
        }
    }

    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it has had all the time that CodeBuild gives it.
    pub fn is_overdue(&self) -> Option<Duration> {
        let allowed = self.build.as_ref().and_then(|build| build.allowed);
        let deadline = allowed.unwrap_or(LONGEST) + GRACE;
        (self.since.elapsed() >= deadline).then_some(deadline)
    }

    /// Takes in what CodeBuild says, and shows the phases that are new. Says whether there were any.
    pub fn update(&mut self, build: Option<Build>, many: bool) -> bool {
        let Some(build) = build else {
            self.missing_looks += 1;
            if self.missing_looks >= MISSING_LOOKS {
                self.end = Some(End::Missing);
            }
            return false;
        };
        self.missing_looks = 0;
        let mut news = false;
        for phase in &build.phases {
            if self.shown.insert((phase.name.clone(), phase.status.clone())) {
                news = true;
                show_phase(&self.id, phase, many);
            }
        }
        if !build.state.goes_on() {
            self.end = Some(End::Ended);
        }
        self.build = Some(build);
        news
    }

    pub fn has_log(&self) -> bool {
        !self.log_is_lost && self.build.as_ref().is_some_and(|build| build.log.is_some())
    }

    /// Shows what is new. A log that can't be read is no reason to stop waiting.
    pub fn show_log(&mut self, remote: &Remote, many: bool) -> Result<()> {
        let place = self.build.as_ref().and_then(|build| build.log.as_ref());
        let Some(place) = place.filter(|_| !self.log_is_lost) else {
            return Ok(());
        };
        let id = &self.id;
        let read = self.log.read(remote, place, |event| {
            report::note(&logs::line(id, &event, many));
            Ok(())
        });
        match read {
            Ok(()) => Ok(()),
            Err(Trouble::Lasting(error)) if error.kind() == ErrorKind::Interrupted => Err(error),
            // The stream is made with its first line.
            Err(Trouble::Passing(error) | Trouble::Credentials(error) | Trouble::Missing(error)) => {
                tracing::info!("{error}");
                Ok(())
            }
            Err(Trouble::Lasting(error)) => {
                report::warning(&error.to_string());
                self.log_is_lost = true;
                Ok(())
            }
        }
    }

    /// At the deadline. The user must know if even that fails, since the build costs money.
    pub fn stop(&mut self, remote: &mut Remote, deadline: Duration, pause: Duration) {
        let mut tries = 1;
        let outcome = loop {
            let trouble = match remote.stop(&self.id) {
                Ok(stopped) => {
                    self.build = stopped.or(self.build.take());
                    // It was faster.
                    if self.build.as_ref().is_some_and(|build| build.state == State::Succeeded) {
                        self.end = Some(End::Ended);
                        return;
                    }
                    break "it was stopped".to_owned();
                }
                Err(trouble) => trouble,
            };
            let reloaded = match &trouble {
                Trouble::Credentials(_) => remote.reload(),
                _ => Ok(()),
            };
            let lasts = matches!(trouble, Trouble::Lasting(_) | Trouble::Missing(_)) || reloaded.is_err();
            if lasts || tries == STOPS {
                break format!("it could not be stopped ({})", trouble.into_error());
            }
            tries += 1;
            std::thread::sleep(pause.min(STOP_PAUSE));
        };
        self.end = Some(End::PastDeadline(format!(
            "{} are over, and {outcome}",
            minutes(deadline)
        )));
    }

    pub fn finish(self) -> Finished {
        let build = self.build.as_ref();
        let state = build.map_or(State::Missing, |build| build.state);
        let past_deadline = matches!(self.end, Some(End::PastDeadline(_)));
        let (status, reason) = match self.end {
            Some(End::PastDeadline(text)) => (state, Some(text)),
            Some(End::Missing) | None => (State::Missing, Some("CodeBuild knows no such build".to_owned())),
            Some(End::Ended) => {
                let unknown = || {
                    let status = build.map_or("none", |build| build.status.as_str());
                    format!("its status is `{status}`, which this version of lambda-pack doesn't know")
                };
                let reason = match state {
                    State::Succeeded => None,
                    State::Unknown => Some(unknown()),
                    _ => build.and_then(Build::failure),
                };
                (state, reason)
            }
        };
        Finished {
            past_deadline,
            status,
            reason,
            duration_seconds: build.and_then(|build| build.seconds),
            logs_url: build.and_then(|build| build.logs_url.clone()),
            build_id: self.id,
        }
    }
}

fn minutes(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 60 => format!("{} minutes", seconds / 60),
        _ => format!("{} seconds", duration.as_secs_f32()),
    }
}

fn show_phase(id: &BuildId, phase: &Phase, many: bool) {
    let name = if many { id.short() } else { id.as_str() };
    let took = match phase.seconds {
        Some(seconds) => format!(" ({seconds} s)"),
        None => String::new(),
    };
    let message = match &phase.message {
        Some(message) => format!(": {message}"),
        None => String::new(),
    };
    let status = phase.status.as_deref().unwrap_or("…");
    report::note(&format!("{name}: {} {status}{took}{message}", phase.name));
}
