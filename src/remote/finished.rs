//! What became of builds.

use lambda_pack_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::build::{BuildId, State};

/// What became of a build.
#[derive(Clone, Debug, Serialize)]
pub struct Finished {
    pub build_id: BuildId,
    pub status: State,
    /// Why it failed, in CodeBuild's words where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub duration_seconds: Option<i64>,
    pub logs_url: Option<String>,
    /// Whether it was still going on at the deadline.
    pub past_deadline: bool,
}

impl Finished {
    /// Fails unless the build has succeeded.
    pub fn check(&self) -> Result<()> {
        let Finished { build_id, status, .. } = self;
        if *status == State::Succeeded {
            return Ok(());
        }
        let reason = self.reason.as_deref().unwrap_or("CodeBuild doesn't say why");
        let error = match (self.past_deadline, status) {
            (true, _) => Error::new(
                ErrorKind::TimedOut,
                format!("the build {build_id} took too long: {reason}"),
            ),
            (false, _) => {
                let what = match status {
                    State::Failed => "failed",
                    State::Fault => "failed because of a fault of CodeBuild",
                    State::TimedOut => "was stopped by CodeBuild because it took too long",
                    State::Stopped => "was stopped",
                    State::Missing => "is gone",
                    _ => "can't be said to have succeeded",
                };
                Error::new(ErrorKind::RemoteBuild, format!("the build {build_id} {what}: {reason}"))
            }
        };
        Err(error.help(match (status, &self.logs_url) {
            (State::Missing, _) => "check the id, --region and --profile".to_owned(),
            (_, Some(url)) => format!("read its log: lambda-pack remote logs {build_id}; or at {url}"),
            (_, None) => format!("read its log: lambda-pack remote logs {build_id}"),
        }))
    }
}

/// Fails unless all of them have succeeded.
pub fn check(finished: &[Finished]) -> Result<()> {
    Error::join(finished.iter().filter_map(|build| build.check().err())).map_or(Ok(()), Err)
}
