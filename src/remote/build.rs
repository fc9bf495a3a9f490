//! What CodeBuild says of a build, and what that means here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_codebuild::types::{Build as Answer, StatusType};
use serde::Serialize;

use super::text::printable;

/// `PROJECT:UUID`, as CodeBuild names a build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BuildId(String);

impl FromStr for BuildId {
    type Err = &'static str;

    /// Takes a build's ARN too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "not a build's id, PROJECT:UUID, as `remote start` prints it";
        let id = match text.strip_prefix("arn:") {
            Some(arn) => arn.split_once(":build/").ok_or(EXPECTED)?.1,
            None => text,
        };
        let (project, number) = id.split_once(':').ok_or(EXPECTED)?;
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match !project.is_empty() && !number.is_empty() && project.chars().all(fine) && number.chars().all(fine) {
            true => Ok(BuildId(id.to_owned())),
            false => Err(EXPECTED),
        }
    }
}

impl BuildId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough to tell the builds of one command apart.
    pub fn short(&self) -> &str {
        let number = self.0.rsplit(':').next().unwrap_or_default();
        &number[..number.len().min(8)]
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a build is. Only `Succeeded` is good news; what this version doesn't know is bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    /// CodeBuild itself failed.
    Fault,
    TimedOut,
    Stopped,
    /// A state that this version doesn't know.
    Unknown,
    /// CodeBuild knows no such build.
    Missing,
}

impl State {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Fault => "fault",
            State::TimedOut => "timed_out",
            State::Stopped => "stopped",
            State::Unknown => "unknown",
            State::Missing => "missing",
        }
    }

    /// Whether CodeBuild still works on it, as far as anybody knows.
    pub fn goes_on(self) -> bool {
        matches!(self, State::Queued | State::Running)
    }

    /// Whether it has surely failed.
    pub fn is_failure(self) -> bool {
        matches!(self, State::Failed | State::Fault | State::TimedOut | State::Stopped)
    }

    fn of(status: Option<&StatusType>, current_phase: Option<&str>) -> Self {
        match status {
            Some(StatusType::InProgress) => match current_phase {
                None | Some("SUBMITTED" | "QUEUED") => State::Queued,
                Some(_) => State::Running,
            },
            Some(StatusType::Succeeded) => State::Succeeded,
            Some(StatusType::Failed) => State::Failed,
            Some(StatusType::Fault) => State::Fault,
            Some(StatusType::TimedOut) => State::TimedOut,
            Some(StatusType::Stopped) => State::Stopped,
            _ => State::Unknown,
        }
    }
}

/// A phase that has begun.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phase {
    pub name: String,
    /// CodeBuild's word, once the phase is over.
    pub status: Option<String>,
    pub seconds: Option<i64>,
    /// What CodeBuild says of a failure.
    pub message: Option<String>,
}

/// Where a build's log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    pub group: String,
    pub stream: String,
}

/// A build, as CodeBuild described it.
#[derive(Clone, Debug)]
pub struct Build {
    pub id: BuildId,
    pub state: State,
    /// CodeBuild's own word for the state.
    pub status: String,
    pub current_phase: Option<String>,
    pub phases: Vec<Phase>,
    /// Once the build runs.
    pub log: Option<LogPlace>,
    pub logs_url: Option<String>,
    /// Longest time that it may be queued and run, as far as it is known.
    pub allowed: Option<Duration>,
    /// From start to end, once it has ended.
    pub seconds: Option<i64>,
}

impl Build {
    /// `None` for what has no id.
    pub fn of(answer: &Answer) -> Option<Self> {
        let phases = answer.phases().iter().filter_map(|phase| {
            let messages = phase.contexts().iter().filter_map(|context| {
                let parts = [context.status_code(), context.message()];
                let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
                (!parts.is_empty()).then(|| printable(&parts.join(": ")))
            });
            let messages: Vec<String> = messages.collect();
            Some(Phase {
                name: printable(phase.phase_type()?.as_str()),
                status: phase.phase_status().map(|status| printable(status.as_str())),
                seconds: phase.duration_in_seconds(),
                message: (!messages.is_empty()).then(|| messages.join("; ")),
            })
        });
        let minutes = answer
            .timeout_in_minutes()
            .zip(answer.queued_timeout_in_minutes())
            .and_then(|(run, queue)| u64::try_from(run.checked_add(queue)?).ok());
        let ends = answer.start_time().zip(answer.end_time());
        Some(Build {
            id: answer.id()?.parse().ok()?,
            state: State::of(answer.build_status(), answer.current_phase()),
            status: printable(answer.build_status().map_or("none", StatusType::as_str)),
            current_phase: answer.current_phase().map(printable),
            phases: phases.collect(),
            log: answer.logs().and_then(|logs| {
                Some(LogPlace {
                    group: logs.group_name()?.to_owned(),
                    stream: logs.stream_name()?.to_owned(),
                })
            }),
            logs_url: logs_url(answer),
            allowed: minutes.map(|minutes| Duration::from_secs(60 * minutes)),
            seconds: ends.map(|(start, end)| (end.secs() - start.secs()).max(0)),
        })
    }

    /// What CodeBuild says of the first phase that went wrong.
    pub fn failure(&self) -> Option<String> {
        let failed = self.phases.iter().filter(|phase| {
            let good = matches!(phase.status.as_deref(), None | Some("SUCCEEDED" | "IN_PROGRESS"));
            !good || phase.message.is_some() && !self.state.goes_on()
        });
        // A message says more than a bare status, which later phases may have for the same reason.
        let failed = failed.max_by_key(|phase| phase.message.is_some())?;
        let status = failed.status.as_deref().unwrap_or("not ended");
        Some(match &failed.message {
            Some(message) => format!("{} {status}: {message}", failed.name),
            None => format!("{} {status}", failed.name),
        })
    }
}

/// The page that shows the log. Before a build runs CodeBuild has none that works, so the build's own page it is.
fn logs_url(answer: &Answer) -> Option<String> {
    let deep_link = answer.logs().and_then(|logs| logs.deep_link());
    let works = |link: &&str| link.starts_with("https://") && !link.contains("group=null");
    deep_link
        .filter(works)
        .map(printable)
        .or_else(|| console_url(answer.arn()?))
}

/// The build's page in the console, from `arn:PARTITION:codebuild:REGION:ACCOUNT:build/PROJECT:UUID`.
fn console_url(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, _service, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let id: BuildId = parts.next()?.strip_prefix("build/")?.parse().ok()?;
    let (project, number) = id.as_str().split_once(':')?;
    let host = match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    Some(format!(
        "https://{region}.{host}/codesuite/codebuild/{account}/projects/{project}/build/{project}%3A{number}/log?region={region}"
    ))
}

#[cfg(test)]
mod tests {
    use aws_sdk_codebuild::types::{BuildPhase, BuildPhaseType, LogsLocation, PhaseContext};

    use super::*;

    fn phase(kind: BuildPhaseType, status: Option<StatusType>, message: Option<&str>) -> BuildPhase {
        let context = message.map(|message| {
            let context = PhaseContext::builder().status_code("CODE").message(message);
            vec![context.build()]
        });
        BuildPhase::builder()
            .phase_type(kind)
            .set_phase_status(status)
            .set_contexts(context)
            .build()
    }

    #[test]
    fn ids_are_ids_and_nothing_that_steers_a_terminal() {
        let id = |text: &str| text.parse::<BuildId>();
        assert_eq!(id("p:1-2").expect("an id").short(), "1-2");
        let arn = "arn:aws:codebuild:eu-west-1:123456789012:build/p:01234567-89";
        assert_eq!(id(arn).expect("an id").as_str(), "p:01234567-89");
        assert_eq!(id(arn).expect("an id").short(), "01234567");
        for text in ["", "p", ":", "p:", ":1", "p:1\u{1b}[m", "p:1:2", "arn:aws:s3:::b"] {
            assert!(id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_one_status_is_good_news() {
        let state = |status: &str, phase| State::of(Some(&status.into()), phase);
        assert_eq!(state("IN_PROGRESS", None), State::Queued);
        assert_eq!(state("IN_PROGRESS", Some("QUEUED")), State::Queued);
        assert_eq!(state("IN_PROGRESS", Some("BUILD")), State::Running);
        assert_eq!(state("SUCCEEDED", Some("COMPLETED")), State::Succeeded);
        for (status, expected) in [
            ("FAILED", State::Failed),
            ("FAULT", State::Fault),
            ("TIMED_OUT", State::TimedOut),
            ("STOPPED", State::Stopped),
            ("succeeded", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(state(status, None), expected);
        }
        assert_eq!(State::of(None, Some("COMPLETED")), State::Unknown);
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_phase_that_has_some() {
        let answer = Answer::builder()
            .id("p:1")
            .build_status(StatusType::Failed)
            .phases(phase(BuildPhaseType::Install, Some(StatusType::Succeeded), None))
            .phases(phase(
                BuildPhaseType::Build,
                Some(StatusType::Failed),
                Some("exit\u{1b}[2J status 1"),
            ))
            .phases(phase(BuildPhaseType::PostBuild, Some(StatusType::Failed), None))
            .phases(phase(BuildPhaseType::Completed, None, None))
            .build();
        let build = Build::of(&answer).expect("a build");
        assert_eq!(build.failure().as_deref(), Some("BUILD FAILED: CODE: exit status 1"));
    }

    #[test]
    fn the_log_has_an_address_before_there_is_a_log() {
        let arn = "arn:aws-cn:codebuild:cn-north-1:123456789012:build/p:1-2";
        let logs = |link: &str| LogsLocation::builder().deep_link(link).build();
        let url = |logs| logs_url(&Answer::builder().arn(arn).logs(logs).build());
        let page = "https://cn-north-1.console.amazonaws.cn/codesuite/codebuild/123456789012/projects/p/build/p%3A1-2/log?region=cn-north-1";
        assert_eq!(
            url(logs("https://x/#logEvent:group=null;stream=null")).as_deref(),
            Some(page)
        );
        assert_eq!(
            url(logs("https://x/#logEvent:group=g;stream=s")).as_deref(),
            Some("https://x/#logEvent:group=g;stream=s")
        );
    }
}
