//! One download: again after what may pass, on from where it stopped.

use std::time::Duration;

use lambda_pack_core::function::AssetUrl;
use lambda_pack_core::limits::UNZIPPED_BYTES;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, Work};
use tokio::runtime::Runtime;

use super::bucket::Bucket;
use super::part::Part;
use super::web::Web;
use crate::network::unless_interrupted;
use crate::report;

/// Attempts in a row that bring nothing; as many as AWS requests get.
const ATTEMPTS: u32 = 5;

/// Time to wait after the first attempt, on average; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// A server that asks for more patience than this gets as much.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// An archive that is larger can't unpack to what Lambda takes; and a server may send without end.
const MOST_BYTES: u64 = 4 * UNZIPPED_BYTES;

/// Whether all of it came in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Whole,
    /// A part was there before, or came in several pieces.
    Continued,
}

/// Where content comes from.
pub enum Remote<'a> {
    Web(&'a Web, &'a str),
    S3(Bucket<'a>),
}

/// What a server says to a request for the bytes from some place on.
pub enum Answer {
    Content(Content),
    /// It is other content by now.
    Changed,
}

/// Bytes to come.
pub struct Content {
    /// Place of the first one: that which was asked for, or 0.
    pub start: u64,
    /// Bytes of the whole.
    pub total: Option<u64>,
    /// What the server calls this content.
    pub validator: Option<String>,
    pub body: Body,
}

pub enum Body {
    Web(reqwest::Response),
    S3(aws_sdk_s3::primitives::ByteStream),
}

/// Why an attempt came to nothing.
pub enum Failure {
    /// It may pass. The server may have said when.
    Passing(String, Option<Duration>),
    Lasting(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Lasting(error)
    }
}

impl Remote<'_> {
    async fn open(&self, url: &AssetUrl, part: &Part) -> Result<Answer, Failure> {
        let from = part
            .validator()
            .filter(|_| part.len() > 0)
            .map(|validator| (part.len(), validator));
        match self {
            Remote::Web(web, address) => web.open(url, address, from).await,
            Remote::S3(bucket) => bucket.open(url, from).await,
        }
    }
}

impl Body {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        match self {
            Body::Web(response) => response
                .chunk()
                .await
                .map_err(|error| Failure::Passing(super::web::reason(error), None)),
            Body::S3(stream) => stream
                .try_next()
                .await
                .map_err(|error| Failure::Passing(innermost(&error), None)),
        }
    }
}

/// The cause that says most.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A download and whom it is for.
pub struct Download<'a> {
    pub url: &'a AssetUrl,
    pub remote: Remote<'a>,
    /// Longest time without a byte.
    pub patience: Duration,
    pub runtime: &'a Runtime,
    pub meter: &'a Meter,
}

impl Download<'_> {
    /// Fills the part.
    pub fn run(&self, part: &mut Part) -> Result<Outcome> {
        let mut continued = part.len() > 0;
        let mut attempts = 0;
        while !part.is_whole() || part.len() == 0 {
            let had = part.len();
            let attempt = unless_interrupted(self.meter, self.attempt(part));
            let (what, wait) = match self.runtime.block_on(attempt) {
                Ok(()) => break,
                Err(Failure::Lasting(error)) if error.kind() == ErrorKind::Interrupted => {
                    return Err(error.help("what was downloaded is kept: the next run goes on from there"));
                }
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(what, wait)) => (what, wait),
            };
            continued |= part.len() > 0;
            attempts = if part.len() > had { 1 } else { attempts + 1 };
            if attempts >= ATTEMPTS {
                return Err(self.gave_up(&what, part));
            }
            tracing::info!("{}: {what}; trying again", self.url);
            self.wait(wait.unwrap_or_else(|| backoff(attempts)).min(LONGEST_WAIT))?;
        }
        Ok(if continued { Outcome::Continued } else { Outcome::Whole })
    }

    fn gave_up(&self, what: &str, part: &Part) -> Error {
        let kept = match part.len() {
            0 => String::new(),
            bytes => format!(
                "; {} are kept, and the next run goes on from there",
                report::bytes(bytes)
            ),
        };
        Error::failed(format!(
            "cannot download `{}`: {what} (after {ATTEMPTS} attempts)",
            self.url
        ))
        .help(format!(
            "check the network and proxies (HTTPS_PROXY, NO_PROXY), or wait longer with --download-timeout{kept}"
        ))
    }

    fn wait(&self, time: Duration) -> Result<()> {
        self.runtime.block_on(unless_interrupted(self.meter, async {
            tokio::time::sleep(time).await;
            Ok(())
        }))
    }

    async fn attempt(&self, part: &mut Part) -> Result<(), Failure> {
        let mut content = match self.in_time(self.remote.open(self.url, part)).await? {
            Answer::Content(content) => content,
            Answer::Changed => {
                part.start_over(None, None)?;
                match self.in_time(self.remote.open(self.url, part)).await? {
                    Answer::Content(content) => content,
                    Answer::Changed => return Err(Failure::Passing("it changes all the time".to_owned(), None)),
                }
            }
        };
        self.refuse_too_large(content.total.unwrap_or_default())?;
        match content.start {
            0 => part.start_over(content.validator, content.total)?,
            start => tracing::info!("{}: going on after {}", self.url, report::bytes(start)),
        }
        if let Some(total) = content.total {
            tracing::info!("downloading {} ({})", self.url, report::bytes(total));
            self.meter.expect(Work::Download, total.saturating_sub(content.start));
        }
        while let Some(bytes) = self.in_time(content.body.next()).await? {
            let bytes = bytes.as_ref();
            part.append(bytes)?;
            self.refuse_too_large(part.len())?;
            self.meter.add(Work::Download, bytes.len() as u64)?;
        }
        match content.total {
            Some(total) if total != part.len() => {
                let had = report::bytes(part.len());
                let what = format!("the connection ended after {had} of {}", report::bytes(total));
                Err(Failure::Passing(what, None))
            }
            _ => Ok(()),
        }
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.patience, call).await {
            Ok(result) => result,
            Err(_elapsed) => {
                let what = format!("nothing came for {} s", self.patience.as_secs());
                Err(Failure::Passing(what, None))
            }
        }
    }

    fn refuse_too_large(&self, bytes: u64) -> Result<()> {
        if bytes <= MOST_BYTES {
            return Ok(());
        }
        Err(
            Error::invalid(format!("`{}` has more than {MOST_BYTES} bytes (1 GB)", self.url))
                .help("a package takes 250 MB: have the function fetch it when it runs, from S3 or a file system"),
        )
    }
}

/// Doubles, and differs from client to client, so that many don't come back at once.
fn backoff(attempts: u32) -> Duration {
    FIRST_WAIT * 2_u32.pow(attempts - 1).min(64) * (50 + fastrand::u32(..100)) / 100
}
