//! `remote`: builds on AWS CodeBuild.

mod start;

pub use start::start_bundle;

use std::time::Duration;

use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{BuildIds, Common, PatienceArgs, PollArgs, RemoteLogsArgs, RemoteVerb, RemoteWaitArgs};
use crate::remote::{self, BUILDS_A_CALL, Build, BuildId, Finished, Patience, Remote, State, Tail, Trouble};
use crate::report;
use crate::settings::Settings;

pub fn run(verb: &RemoteVerb, common: &Common, meter: &'static Meter) -> Result<()> {
    let connect = || {
        let settings = Settings::resolve(common, None, None)?;
        Remote::connect(&settings.aws, meter)
    };
    match verb {
        RemoteVerb::Start(args) => start::run(args, common, meter),
        RemoteVerb::Wait(args) => wait(args, &mut connect()?, common),
        RemoteVerb::Status(args) => status(args, &connect()?, common),
        RemoteVerb::Logs(args) => logs(args, &mut connect()?, common),
        RemoteVerb::Cancel(args) => cancel(args, &connect()?, common),
        RemoteVerb::Restore { directory } => {
            let entries = remote::restore(directory, meter)?;
            tracing::info!("{entries} entries are as they were sent");
            Ok(())
        }
    }
}

impl PatienceArgs {
    pub fn resolve(self) -> Patience {
        Patience {
            poll: self.poll.resolve(),
            deadline: self.deadline.map(|minutes| Duration::from_secs_f64(60.0 * minutes)),
        }
    }
}

impl PollArgs {
    fn resolve(self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }
}

fn wait(args: &RemoteWaitArgs, remote: &mut Remote, common: &Common) -> Result<()> {
    let finished = remote::wait(remote, &args.builds.ids, args.patience.resolve())?;
    if common.json {
        output::json(&finished)?;
    } else {
        let lines = finished.iter().map(|build| {
            let Finished { build_id, status, .. } = build;
            vec![
                build_id.to_string(),
                status.name().to_owned(),
                seconds(build.duration_seconds),
            ]
        });
        output::line(&report::table(&["build", "status", "time"], &[2], lines))?;
    }
    remote::check(&finished)
}

/// A row of `status` and `cancel`, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    build_id: BuildId,
    status: State,
    phase: Option<String>,
    reason: Option<String>,
    duration_seconds: Option<i64>,
    logs_url: Option<String>,
}

impl Row {
    fn of(build: &Build) -> Self {
        let bad = !build.state.goes_on() && build.state != State::Succeeded;
        Row {
            build_id: build.id.clone(),
            status: build.state,
            phase: build.current_phase.clone(),
            reason: bad.then(|| build.failure()).flatten(),
            duration_seconds: build.seconds,
            logs_url: build.logs_url.clone(),
        }
    }
}

fn status(args: &BuildIds, remote: &Remote, common: &Common) -> Result<()> {
    let mut builds = Vec::new();
    for ids in args.ids.chunks(BUILDS_A_CALL) {
        builds.extend(remote.builds(ids).map_err(Trouble::into_error)?);
    }
    let rows = args.ids.iter().map(|id| {
        let found = builds.iter().find(|build| build.id == *id);
        found.map(Row::of).ok_or_else(|| no_such_build(id))
    });
    super::finish_rows(rows, common.json, table)
}

fn cancel(args: &BuildIds, remote: &Remote, common: &Common) -> Result<()> {
    let rows = args.ids.iter().map(|id| match remote.stop(id) {
        Ok(Some(build)) => Ok(Row::of(&build)),
        Ok(None) | Err(Trouble::Missing(_)) => Err(no_such_build(id)),
        Err(trouble) => Err(trouble.into_error()),
    });
    super::finish_rows(rows, common.json, table)
}

fn no_such_build(id: &BuildId) -> Error {
    Error::new(ErrorKind::Usage, format!("CodeBuild knows no build {id}"))
        .help("check the id, --region and --profile; builds are kept for a year")
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        vec![
            row.build_id.to_string(),
            row.status.name().to_owned(),
            row.phase.clone().unwrap_or_default(),
            seconds(row.duration_seconds),
            row.reason.clone().unwrap_or_default(),
        ]
    });
    report::table(&["build", "status", "phase", "time", "reason"], &[3], lines)
}

fn seconds(seconds: Option<i64>) -> String {
    seconds.map(|seconds| format!("{seconds} s")).unwrap_or_default()
}

/// A line of `logs --json`.
#[derive(Serialize)]
struct LogLine<'a> {
    /// Milliseconds since 1970, UTC.
    timestamp: i64,
    message: &'a str,
}

/// Reads first and looks at the build then: what it wrote before its end was seen is read in the round after.
fn logs(args: &RemoteLogsArgs, remote: &mut Remote, common: &Common) -> Result<()> {
    /// In a row, as in `wait`.
    const FAILED_LOOKS: usize = 20;
    let poll = args.poll.resolve();
    let mut tail = Tail::default();
    let mut failed_looks = 0;
    let mut has_ended = false;
    loop {
        let outcome = look(remote, &args.build).and_then(|build| {
            read(remote, &build, &mut tail, common)?;
            Ok(build)
        });
        match outcome {
            Ok(build) => {
                if !args.follow && build.log.is_none() {
                    return Err(Error::failed(format!("the build {} has no log yet", build.id))
                        .help("wait for it with --follow; a build that never ran has none"));
                }
                if !args.follow || has_ended {
                    return Ok(());
                }
                failed_looks = 0;
                has_ended = !build.state.goes_on();
            }
            Err(Trouble::Passing(error) | Trouble::Credentials(error))
                if args.follow && failed_looks < FAILED_LOOKS =>
            {
                failed_looks += 1;
                report::warning(&format!("{error}; trying again"));
                remote.reload()?;
            }
            Err(trouble) => return Err(trouble.into_error()),
        }
        remote::sleep(poll, remote.meter)?;
    }
}

fn look(remote: &Remote, id: &BuildId) -> Result<Build, Trouble> {
    let builds = remote.builds(std::slice::from_ref(id))?;
    builds
        .into_iter()
        .next()
        .ok_or_else(|| Trouble::Lasting(no_such_build(id)))
}

fn read(remote: &Remote, build: &Build, tail: &mut Tail, common: &Common) -> Result<(), Trouble> {
    let Some(place) = &build.log else {
        return Ok(());
    };
    let read = tail.read(remote, place, |event| match common.json {
        true => output::json(&LogLine {
            timestamp: event.timestamp,
            message: &event.message,
        }),
        false => output::line(&remote::line(&build.id, &event, false)),
    });
    match read {
        // The stream is made with its first line.
        Err(Trouble::Missing(_)) if build.state.goes_on() => Ok(()),
        other => other,
    }
}
