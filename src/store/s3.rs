//! A store in S3, or in anything that speaks its protocol with conditional writes.
//!
//! The SDK is asynchronous; the rest of the program is not. A small runtime lives here, and each call blocks its thread.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::stream::{StreamExt, TryStreamExt};
use lambda_pack_core::archive::{CodeSha256, PACKAGE_FORMAT, Package};
use lambda_pack_core::{Error, Meter, Result};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::{Created, Object, Objects, PackageNotes, PackageStat};
use crate::aws::{self, AwsSettings};

/// Larger packages go in parts, several at a time. Up to here one request does, and S3 then proves the whole object's
/// SHA-256; a multipart upload has it for each part only.
const SINGLE_PUT_BYTES: u64 = 64 * 1024 * 1024;

/// S3 takes parts of 5 MiB to 5 GiB, and 10,000 of them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Parts under way at a time, each in memory.
const PARTS_AT_ONCE: usize = 4;

/// Tries of a write that S3 answers with 409: somebody else writes the same key at this moment.
const RACE_ATTEMPTS: u32 = 6;

/// Keys of a package's metadata.
const CODE_SHA256: &str = "code-sha256";
const SOURCE_HASH: &str = "source-hash";
const FORMAT: &str = "package-format";
const GIT_COMMIT: &str = "git-commit";

pub struct S3Objects {
    client: Client,
    runtime: Runtime,
    bucket: String,
    prefix: String,
    meter: &'static Meter,
}

impl S3Objects {
    pub fn connect(bucket: &str, prefix: &str, settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|cause| Error::failed(format!("cannot start the network runtime: {cause}")))?;
        let config = runtime.block_on(aws::load(settings))?;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(aws::has_custom_endpoint(&config))
            .build();
        Ok(S3Objects {
            client: Client::from_conf(s3),
            runtime,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            meter,
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    /// Runs a call, unless the user interrupts it.
    fn wait<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(self.unless_interrupted(call))
    }

    async fn unless_interrupted<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        /// How soon Ctrl-C is noticed.
        const POLL: Duration = Duration::from_millis(50);
        tokio::pin!(call);
        loop {
            tokio::select! {
                result = &mut call => return result,
                () = tokio::time::sleep(POLL) => self.meter.check()?,
            }
        }
    }

    async fn put(&self, key: &str, body: Body<'_>, sha256: String, condition: Condition<'_>) -> Result<Created> {
        let url = self.url(key);
        retry_races(&url, || async {
            let stream = match body {
                Body::Memory(content) => ByteStream::from(content.to_vec()),
                Body::File { path, .. } => {
                    let stream = ByteStream::from_path(path).await;
                    stream.map_err(|error| Attempt::Failed(Error::io("read", path, io::Error::other(error))))?
                }
            };
            let mut request = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(self.key(key))
                .checksum_sha256(&sha256)
                .content_type(body.content_type())
                .body(stream);
            request = match condition {
                Condition::Absent => request.if_none_match("*"),
                Condition::Version(version) => request.if_match(version),
            };
            if let Body::File { metadata, .. } = body {
                request = request.set_metadata(Some(metadata.iter().cloned().collect()));
            }
            match request.send().await {
                Ok(_) => Ok(Created::New),
                Err(error) => Err(Attempt::of(&error, "write", &url)),
            }
        })
        .await
    }

    /// One try of a multipart upload. After a 409 AWS wants all of it again, not just its completion.
    async fn put_multipart(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        metadata: &[(String, String)],
    ) -> Result<Created, Attempt> {
        let url = self.url(key);
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(key))
            .content_type(ZIP)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_metadata(Some(metadata.iter().cloned().collect()))
            .send()
            .await
            .map_err(|error| Attempt::of(&error, "write", &url))?;
        let upload_id = created
            .upload_id()
            .ok_or_else(|| Attempt::Failed(Error::failed(format!("cannot write `{url}`: S3 gave no upload id"))))?;
        let completed = self.put_parts(key, path, size, upload_id).await;
        if completed.is_err() {
            // Interrupted or not: parts that nobody completes cost money, and no listing shows them.
            let aborted = self
                .client
                .abort_multipart_upload()
                .bucket(&self.bucket)
                .key(self.key(key))
                .upload_id(upload_id)
                .send()
                .await;
            // The failure itself is what the user must read.
            if let Err(error) = aborted {
                tracing::info!("{}", aws::explain(&error, "abort the upload of", &url));
            }
        }
        completed
    }

    async fn put_parts(&self, key: &str, path: &Path, size: u64, upload_id: &str) -> Result<Created, Attempt> {
        let url = self.url(key);
        let indices = 0..size.div_ceil(PART_BYTES);
        let parts = futures::stream::iter(indices.map(|index| self.put_part(key, path, upload_id, index)))
            .buffered(PARTS_AT_ONCE)
            .try_collect::<Vec<_>>();
        let parts = self.unless_interrupted(parts).await.map_err(Attempt::Failed)?;
        let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(key))
            .upload_id(upload_id)
            .multipart_upload(upload)
            .if_none_match("*");
        match request.send().await {
            Ok(_) => Ok(Created::New),
            Err(error) => Err(Attempt::of(&error, "write", &url)),
        }
    }

    async fn put_part(&self, key: &str, path: &Path, upload_id: &str, index: u64) -> Result<CompletedPart> {
        self.meter.check()?;
        let url = self.url(key);
        let part = read_part(path, index * PART_BYTES).map_err(|cause| Error::io("read", path, cause))?;
        let number = i32::try_from(index + 1).expect("a package has fewer parts than S3 takes");
        let sha256 = BASE64.encode(Sha256::digest(&part));
        let uploaded = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(self.key(key))
            .upload_id(upload_id)
            .part_number(number)
            .checksum_sha256(&sha256)
            .body(ByteStream::from(part))
            .send()
            .await
            .map_err(|error| aws::explain(&error, "write", &url))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(uploaded.e_tag)
            .checksum_sha256(sha256)
            .build())
    }
}

const ZIP: &str = "application/zip";

#[derive(Clone, Copy)]
enum Body<'a> {
    Memory(&'a [u8]),
    File {
        path: &'a Path,
        metadata: &'a [(String, String)],
    },
}

impl Body<'_> {
    fn content_type(&self) -> &'static str {
        match self {
            Body::Memory(_) => "application/json",
            Body::File { .. } => ZIP,
        }
    }
}

#[derive(Clone, Copy)]
enum Condition<'a> {
    Absent,
    Version(&'a str),
}

/// How a conditional write ended, if not well.
enum Attempt {
    /// 412: the key is taken, or was changed.
    Refused,
    /// 409: a write of the same key is under way; what comes of it is not known yet.
    Race(Error),
    Failed(Error),
}

impl Attempt {
    fn of<E>(error: &SdkError<E, HttpResponse>, operation: &str, url: &str) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        match aws::status(error) {
            Some(412) => Attempt::Refused,
            Some(409) => Attempt::Race(aws::explain(error, operation, url)),
            _ => Attempt::Failed(aws::explain(error, operation, url)),
        }
    }
}

async fn retry_races<F: Future<Output = Result<Created, Attempt>>>(
    url: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<Created> {
    let mut number = 1;
    loop {
        match attempt().await {
            Ok(created) => return Ok(created),
            Err(Attempt::Refused) => return Ok(Created::Exists),
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
fn jittered(attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let whole = Duration::from_millis(100 << attempt.min(6));
    let share = RandomState::new().hash_one(attempt) % 512;
    whole - whole * share as u32 / 1024
}

fn read_part(path: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut part = Vec::new();
    file.take(PART_BYTES).read_to_end(&mut part)?;
    Ok(part)
}

impl Objects for S3Objects {
    fn get(&self, key: &str) -> Result<Option<Object>> {
        let url = self.url(key);
        self.wait(async {
            let answer = self
                .client
                .get_object()
                .bucket(&self.bucket)
                .key(self.key(key))
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => {
                    return Ok(None);
                }
                Err(error) => return Err(aws::explain(&error, "read", &url)),
            };
            let version = answer.e_tag().unwrap_or_default().to_owned();
            let content = answer.body.collect().await;
            let content = content.map_err(|error| Error::failed(format!("cannot read `{url}`: {error}")))?;
            Ok(Some(Object {
                content: content.into_bytes().into(),
                version,
            }))
        })
    }

    fn stat_package(&self, key: &str) -> Result<Option<PackageStat>> {
        let url = self.url(key);
        self.wait(async {
            let request = self.client.head_object().bucket(&self.bucket).key(self.key(key));
            let answer = match request.checksum_mode(ChecksumMode::Enabled).send().await {
                Ok(answer) => answer,
                Err(error) if aws::status(&error) == Some(404) => return Ok(None),
                Err(error) => return Err(aws::explain(&error, "read", &url)),
            };
            let size_bytes = answer.content_length().unwrap_or_default().unsigned_abs();
            // The checksum of a multipart object is one of checksums.
            let whole = answer.checksum_sha256().filter(|_| size_bytes <= SINGLE_PUT_BYTES);
            let proven = whole.and_then(CodeSha256::from_base64);
            let said = || {
                answer
                    .metadata()?
                    .get(CODE_SHA256)
                    .and_then(|text| CodeSha256::from_base64(text))
            };
            Ok(Some(PackageStat {
                size_bytes,
                code_sha256: proven.or_else(said),
            }))
        })
    }

    fn create(&self, key: &str, content: &[u8]) -> Result<Created> {
        let sha256 = BASE64.encode(Sha256::digest(content));
        self.wait(self.put(key, Body::Memory(content), sha256, Condition::Absent))
    }

    fn create_package(&self, key: &str, path: &Path, package: &Package, notes: &PackageNotes) -> Result<Created> {
        let mut metadata = vec![
            (CODE_SHA256.to_owned(), package.code_sha256.to_base64()),
            (SOURCE_HASH.to_owned(), notes.source_hash.to_hex()),
            (FORMAT.to_owned(), PACKAGE_FORMAT.to_string()),
        ];
        metadata.extend(notes.git_commit.clone().map(|commit| (GIT_COMMIT.to_owned(), commit)));
        if package.size_bytes > SINGLE_PUT_BYTES {
            let url = self.url(key);
            // Not `wait`, which would drop the upload before it can be aborted.
            return self.runtime.block_on(retry_races(&url, || {
                self.put_multipart(key, path, package.size_bytes, &metadata)
            }));
        }
        let body = Body::File {
            path,
            metadata: &metadata,
        };
        self.wait(self.put(key, body, package.code_sha256.to_base64(), Condition::Absent))
    }

    fn replace(&self, key: &str, version: &str, content: &[u8]) -> Result<()> {
        let sha256 = BASE64.encode(Sha256::digest(content));
        match self.wait(self.put(key, Body::Memory(content), sha256, Condition::Version(version)))? {
            Created::New => Ok(()),
            Created::Exists => Err(super::lost_race(&self.url(key))),
        }
    }
}
