//! What is written to a bucket: whole objects, on a condition.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::{Error, Result};
use sha2::{Digest as _, Sha256};

use super::counted::counted;
use super::{Bucket, SINGLE_PUT_BYTES};
use crate::aws;
use crate::network::unless_interrupted;

/// Smaller packages are sent from memory: reading a file piece by piece costs a thread each time. All that are on their way
/// together take 16 MiB at most.
const READ_AT_ONCE: u64 = 256 * 1024;

/// Tries of a write that S3 answers with 409: somebody else writes the same key at this moment.
const RACE_ATTEMPTS: u32 = 6;

pub(super) const ZIP: &str = "application/zip";

pub enum Body {
    Json(Vec<u8>),
    Zip {
        file: PathBuf,
        size_bytes: u64,
        sha256: CodeSha256,
        metadata: Vec<(String, String)>,
    },
}

impl Body {
    /// In base64, as S3 wants it.
    fn sha256(&self) -> String {
        match self {
            Body::Json(content) => BASE64.encode(Sha256::digest(content)),
            Body::Zip { sha256, .. } => sha256.to_base64(),
        }
    }

    fn content_type(&self) -> &'static str {
        match self {
            Body::Json(_) => "application/json",
            Body::Zip { .. } => ZIP,
        }
    }
}

pub enum Condition {
    /// The key is free or taken.
    Any,
    Absent,
    /// The object's ETag is this one.
    Etag(String),
}

impl Condition {
    /// The value of `If-None-Match`.
    pub(super) fn if_none_match(&self) -> Option<String> {
        matches!(self, Condition::Absent).then(|| "*".to_owned())
    }

    /// The value of `If-Match`.
    pub(super) fn if_match(&self) -> Option<String> {
        match self {
            Condition::Etag(etag) => Some(etag.clone()),
            Condition::Any | Condition::Absent => None,
        }
    }
}

/// What became of a write.
pub enum Put {
    Done {
        etag: Option<String>,
        /// In a bucket that keeps versions.
        version_id: Option<String>,
        /// As the service computed it; of an object in parts, `{base64}-{number of parts}`.
        checksum_sha256: Option<String>,
    },
    /// The condition isn't met.
    Refused,
}

impl Bucket {
    /// Writes an object, with the SHA-256 of its bytes. A package's upload ends early where the user interrupts it,
    /// and should not be dropped on its way: parts of a large one would stay.
    pub async fn put(&self, key: &str, body: &Body, condition: &Condition) -> Result<Put> {
        match body {
            Body::Zip {
                file,
                size_bytes,
                metadata,
                ..
            } if *size_bytes > SINGLE_PUT_BYTES => {
                self.put_multipart(key, file, *size_bytes, metadata, condition).await
            }
            Body::Zip { .. } => unless_interrupted(self.meter, self.put_once(key, body, condition)).await,
            Body::Json(_) => self.put_once(key, body, condition).await,
        }
    }

    async fn put_once(&self, key: &str, body: &Body, condition: &Condition) -> Result<Put> {
        let url = self.url(key);
        let sha256 = body.sha256();
        retry_races(&url, || async {
            let stream = match body {
                Body::Json(content) => ByteStream::from(content.clone()),
                Body::Zip { file, size_bytes, .. } if *size_bytes <= READ_AT_ONCE => {
                    let content = std::fs::read(file);
                    let content = content.map_err(|cause| Attempt::Failed(Error::io("read", file, cause)))?;
                    counted(ByteStream::from(content), self.meter)
                }
                Body::Zip { file, .. } => {
                    let stream = ByteStream::from_path(file).await;
                    let stream =
                        stream.map_err(|error| Attempt::Failed(Error::io("read", file, io::Error::other(error))))?;
                    counted(stream, self.meter)
                }
            };
            let mut request = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(self.key(key))
                .checksum_sha256(&sha256)
                .content_type(body.content_type())
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match())
                .body(stream);
            if let Body::Zip { metadata, .. } = body {
                request = request.set_metadata(Some(metadata.iter().cloned().collect()));
            }
            match request.customize().config_override(aws::answered_late()).send().await {
                Ok(answer) => Ok(Put::Done {
                    etag: answer.e_tag,
                    version_id: answer.version_id,
                    checksum_sha256: answer.checksum_sha256,
                }),
                Err(error) => Err(Attempt::of(&error, "write", &url)),
            }
        })
        .await
    }
}

/// How a conditional write ended, if not well.
pub enum Attempt {
    /// 412: the key is taken, or was changed; 404: what was to be replaced was deleted.
    Refused,
    /// 409: a write of the same key is under way; what comes of it is not known yet.
    Race(Error),
    Failed(Error),
}

impl Attempt {
    pub fn of<E>(error: &SdkError<E, HttpResponse>, operation: &str, url: &str) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        match aws::status(error) {
            Some(412) => Attempt::Refused,
            // It was to replace what is gone.
            Some(404) if error.code() == Some("NoSuchKey") => Attempt::Refused,
            Some(409) => Attempt::Race(aws::explain(error, operation, url)),
            _ => Attempt::Failed(aws::explain(error, operation, url)),
        }
    }
}

pub async fn retry_races<F: Future<Output = Result<Put, Attempt>>>(
    url: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<Put> {
    let mut number = 1;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Attempt::Refused) => return Ok(Put::Refused),
            Err(Attempt::Failed(error)) => return Err(error),
            Err(Attempt::Race(error)) if number == RACE_ATTEMPTS => return Err(error),
            Err(Attempt::Race(_)) => {
                tracing::debug!("{url}: somebody else writes it too; attempt {number}");
                tokio::time::sleep(jittered(number)).await;
                number += 1;
            }
        }
    }
}

/// 100 ms doubled with each attempt, less up to half of it, so that two writers don't meet again.
pub fn jittered(attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let whole = Duration::from_millis(100 << attempt.min(6));
    let share = RandomState::new().hash_one(attempt) % 512;
    whole - whole * share as u32 / 1024
}
