//! Calls of CodeBuild and CloudWatch Logs, and what their failures mean for somebody who waits.

use std::error::Error as StdError;

use aws_sdk_cloudwatchlogs::Client as LogsClient;
use aws_sdk_codebuild::Client as CodeBuildClient;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::build::{Build, BuildId, LogPlace};
use super::source::Packed;
use super::start::Request;
use crate::aws::bucket::{Body, Condition};
use crate::aws::{self, AwsSettings, Connection};

/// Ids that one `BatchGetBuilds` takes.
/// <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html>
pub const BUILDS_A_CALL: usize = 100;

/// CodeBuild, where its logs are, and where it gets sources from.
pub struct Remote {
    connection: Connection,
    settings: AwsSettings,
    codebuild: CodeBuildClient,
    logs: LogsClient,
    pub meter: &'static Meter,
}

/// Why a call failed, as far as it matters to whoever may call again.
#[derive(Debug)]
pub enum Trouble {
    /// It may pass by itself: throttling, a fault of the service, the network.
    Passing(Error),
    /// The credentials have expired, or can't be had at the moment: somebody may log in again.
    Credentials(Error),
    /// What was asked for isn't there.
    Missing(Error),
    /// Calling again doesn't help.
    Lasting(Error),
}

impl Trouble {
    pub fn into_error(self) -> Error {
        match self {
            Trouble::Passing(error)
            | Trouble::Credentials(error)
            | Trouble::Missing(error)
            | Trouble::Lasting(error) => error,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Lasting(error)
    }
}

/// Events of a log, in their order.
pub struct LogPage {
    pub events: Vec<LogEvent>,
    /// Where the next page begins; at the end of what is there, what was asked with.
    pub next: Option<String>,
}

pub struct LogEvent {
    /// Milliseconds since 1970, UTC.
    pub timestamp: i64,
    /// As the build wrote it.
    pub message: String,
}

impl Remote {
    pub fn connect(settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let connection = Connection::connect(settings, meter)?;
        Ok(Remote {
            codebuild: CodeBuildClient::new(&connection.config),
            logs: LogsClient::new(&connection.config),
            connection,
            settings: settings.clone(),
            meter,
        })
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Looks for credentials again: somebody may have logged in, in another window.
    pub fn reload(&mut self) -> Result<()> {
        *self = Remote::connect(&self.settings, self.meter)?;
        Ok(())
    }

    /// Sends a source to a bucket, unless it is there: its key says what it is made of.
    pub fn send(&self, bucket: &str, key: &str, source: &Packed) -> Result<()> {
        let bucket = self.connection.bucket(bucket, "");
        let url = bucket.url(key);
        let key = key.to_owned();
        let body = Body::Zip {
            file: source.file.path().to_owned(),
            size_bytes: source.size_bytes,
            sha256: source.sha256,
            metadata: Vec::new(),
        };
        self.connection.call_to_its_end(async move {
            let head = bucket.client.head_object().bucket(&bucket.name).key(&key);
            match head.send().await {
                Ok(_) => {
                    tracing::info!("{url} is there already");
                    return Ok(());
                }
                Err(error) if aws::status(&error) == Some(404) => {}
                Err(error) => return Err(aws::explain(&error, "look for", &url)),
            }
            // If somebody else is faster, it is the same.
            let put = bucket.put(&key, &body, &Condition::Absent).await;
            put.map(|_there_now| ())
        })
    }

    /// Starts a build, or finds the one that the same token has started.
    pub fn start(&self, request: &Request, token: &str) -> Result<Build> {
        let project = request.options.codebuild_project.clone();
        let call = request.call(&self.codebuild).idempotency_token(token);
        let answer = self.wait(async move {
            let answer = call.send().await;
            answer.map_err(|error| Trouble::of(&error, "start a build of", &project))
        });
        let answer = answer.map_err(Trouble::into_error)?;
        answer.build_value().and_then(Build::of).ok_or_else(|| {
            Error::new(ErrorKind::RemoteBuild, "CodeBuild started a build and gave it no id")
                .help("look for it in the console")
        })
    }

    /// These builds, at most [`BUILDS_A_CALL`], in no order; without those that CodeBuild doesn't know.
    pub fn builds(&self, ids: &[BuildId]) -> Result<Vec<Build>, Trouble> {
        let place = match ids {
            [id] => id.to_string(),
            _ => format!("{} builds", ids.len()),
        };
        let ids = ids.iter().map(ToString::to_string).collect();
        let call = self.codebuild.batch_get_builds().set_ids(Some(ids));
        let answer = self.wait(async move {
            let answer = call.send().await;
            answer.map_err(|error| Trouble::of(&error, "look at", &place))
        })?;
        Ok(answer.builds().iter().filter_map(Build::of).collect())
    }

    /// Stops a build. One that has ended stays as it is.
    pub fn stop(&self, id: &BuildId) -> Result<Option<Build>, Trouble> {
        let call = self.codebuild.stop_build().id(id.as_str());
        let id = id.clone();
        // To its end: it is what the user wants when all else is over.
        let answer = self.connection.call_to_its_end(async move {
            let answer = call.send().await;
            Ok(answer.map_err(|error| Trouble::of(&error, "stop", id.as_str())))
        })??;
        Ok(answer.build_value().and_then(Build::of))
    }

    /// The part of a log that begins at `token`, or at its start.
    pub fn log_page(&self, place: &LogPlace, token: Option<&str>) -> Result<LogPage, Trouble> {
        let call = self
            .logs
            .get_log_events()
            .log_group_name(&place.group)
            .log_stream_name(&place.stream)
            .start_from_head(true)
            .set_next_token(token.map(str::to_owned));
        let stream = place.stream.clone();
        let answer = self.wait(async move {
            let answer = call.send().await;
            answer.map_err(|error| Trouble::of(&error, "read the log", &stream))
        })?;
        let events = answer.events().iter().map(|event| LogEvent {
            timestamp: event.timestamp().unwrap_or_default(),
            message: event.message().unwrap_or_default().to_owned(),
        });
        Ok(LogPage {
            events: events.collect(),
            next: answer.next_forward_token().map(str::to_owned),
        })
    }

    fn wait<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.connection.call(async move { Ok(call.await) })?
    }
}

/// Error codes of all services that speak JSON, and of STS.
/// <https://docs.aws.amazon.com/codebuild/latest/APIReference/CommonErrors.html>
const PASSING: [&str; 9] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalFailure",
    "InternalServerException",
];
const CREDENTIALS: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "TokenRefreshRequired",
    "IncompleteSignature",
];
const DENIED: [&str; 2] = ["AccessDenied", "AccessDeniedException"];

impl Trouble {
    fn of<E>(error: &SdkError<E, HttpResponse>, operation: &str, what: &str) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let explained = aws::explain(error, operation, what);
        let code = error.code().unwrap_or_default();
        let status = aws::status(error);
        let of_credentials = || DisplayErrorContext(error).to_string().contains("credential");
        match error {
            _ if CREDENTIALS.contains(&code) => Trouble::Credentials(explained),
            _ if DENIED.contains(&code) => Trouble::Lasting(
                explained.help("the role or user needs what docs/remote.md lists under \"Permissions\"; check with `aws sts get-caller-identity`"),
            ),
            _ if code == "ResourceNotFoundException" => Trouble::Missing(explained.help(
                "check the name, --region and --profile: CodeBuild has it in another region or account, or not at all",
            )),
            _ if code == "AccountLimitExceededException" => Trouble::Lasting(explained.help(
                "so many builds may not run or wait at once in this account: start fewer, wait, or ask for a higher quota",
            )),
            SdkError::DispatchFailure(_) if of_credentials() => Trouble::Credentials(explained),
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
                Trouble::Passing(explained)
            }
            _ if PASSING.contains(&code) || matches!(status, Some(429 | 500..)) => Trouble::Passing(explained),
            _ => Trouble::Lasting(explained),
        }
    }
}
