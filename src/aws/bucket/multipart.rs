//! Packages that are too large for one request.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::stream::{StreamExt, TryStreamExt};
use lambda_pack_core::{Error, Result};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::Bucket;
use super::counted::counted;
use super::write::{Attempt, Condition, Put, ZIP, jittered, retry_races};
use crate::aws;
use crate::network::unless_interrupted;

/// S3 takes parts of 5 MiB to 5 GiB, and 10,000 of them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Parts under way at a time, each in memory; those of all packages together.
const PARTS_AT_ONCE: usize = 4;
static PARTS: Semaphore = Semaphore::const_new(PARTS_AT_ONCE);

const ABORT_ATTEMPTS: u32 = 4;

impl Bucket {
    /// Uploads a file in parts.
    pub(super) async fn put_multipart(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        metadata: &[(String, String)],
        condition: &Condition,
    ) -> Result<Put> {
        retry_races(&self.url(key), || {
            self.try_multipart(key, path, size, metadata, condition)
        })
        .await
    }

    /// One try of a multipart upload. After a 409 AWS wants all of it again, not just its completion.
    async fn try_multipart(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        metadata: &[(String, String)],
        condition: &Condition,
    ) -> Result<Put, Attempt> {
        let url = self.url(key);
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
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
        let completed = self.put_parts(key, path, size, upload_id, condition).await;
        if completed.is_err() {
            self.abort(key, upload_id).await;
        }
        completed
    }

    /// Gives an upload up: parts that nobody completes cost money, and no listing shows them. A part that was under way may
    /// arrive after the first call, so it is repeated until the upload is gone.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>
    async fn abort(&self, key: &str, upload_id: &str) {
        for attempt in 1..=ABORT_ATTEMPTS {
            let aborted = self
                .client
                .abort_multipart_upload()
                .bucket(&self.name)
                .key(self.key(key))
                .upload_id(upload_id)
                .send()
                .await;
            match aborted {
                Err(SdkError::ServiceError(error)) if error.err().is_no_such_upload() => return,
                Ok(_) => {}
                // The failure that led here is what the user must read.
                Err(error) => tracing::info!("{}", aws::explain(&error, "abort the upload of", &self.url(key))),
            }
            tokio::time::sleep(jittered(attempt)).await;
        }
    }

    async fn put_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        upload_id: &str,
        condition: &Condition,
    ) -> Result<Put, Attempt> {
        let url = self.url(key);
        let indices = 0..size.div_ceil(PART_BYTES);
        let parts = futures::stream::iter(indices.map(|index| self.put_part(key, path, upload_id, index)))
            .buffered(PARTS_AT_ONCE)
            .try_collect::<Vec<_>>();
        let parts = unless_interrupted(self.meter, parts).await.map_err(Attempt::Failed)?;
        let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(self.key(key))
            .upload_id(upload_id)
            .multipart_upload(upload)
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match());
        match request.customize().config_override(aws::answered_late()).send().await {
            Ok(answer) => Ok(Put::Done {
                etag: answer.e_tag,
                version_id: answer.version_id,
                checksum_sha256: answer.checksum_sha256,
            }),
            Err(error) => Err(Attempt::of(&error, "write", &url)),
        }
    }

    async fn put_part(&self, key: &str, path: &Path, upload_id: &str, index: u64) -> Result<CompletedPart> {
        let _turn = PARTS.acquire().await.expect("never closed");
        self.meter.check()?;
        let url = self.url(key);
        let part = read_part(path, index * PART_BYTES).map_err(|cause| Error::io("read", path, cause))?;
        let number = i32::try_from(index + 1).expect("a package has fewer parts than S3 takes");
        let sha256 = BASE64.encode(Sha256::digest(&part));
        let uploaded = self
            .client
            .upload_part()
            .bucket(&self.name)
            .key(self.key(key))
            .upload_id(upload_id)
            .part_number(number)
            .checksum_sha256(&sha256)
            .body(counted(ByteStream::from(part), self.meter))
            .customize()
            .config_override(aws::answered_late())
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

fn read_part(path: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut part = Vec::new();
    file.take(PART_BYTES).read_to_end(&mut part)?;
    Ok(part)
}
