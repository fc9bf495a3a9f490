//! Copies that a service makes by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::types::ChecksumAlgorithm;
use lambda_pack_core::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Bucket;
use super::write::{Attempt, Condition, Put, retry_races};
use crate::aws;

/// What a copy is made of.
#[derive(Clone)]
pub struct Original {
    pub bucket: String,
    /// The whole key.
    pub key: String,
    /// Another version isn't copied.
    pub etag: Option<String>,
}

/// What became of a copy.
pub enum Copy {
    Put(Put),
    /// These credentials may not read the one, or not write the other: the service doesn't say which.
    Denied(lambda_pack_core::Error),
}

/// The header's value is part of an address.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Bucket {
    /// Copies an object of up to 5 GiB, with its metadata, and has the service compute the SHA-256 of what it wrote. Services that
    /// know no condition for copies ignore it.
    pub async fn copy(&self, key: &str, original: &Original, condition: &Condition) -> Result<Copy> {
        let url = self.url(key);
        let Original {
            bucket,
            key: from,
            etag,
        } = original;
        let operation = format!("copy `s3://{bucket}/{from}` to");
        let is_denied = AtomicBool::new(false);
        let copied = retry_races(&url, || async {
            let request = self
                .client
                .copy_object()
                .copy_source(utf8_percent_encode(&format!("{bucket}/{from}"), ENCODED).to_string())
                .set_copy_source_if_match(etag.clone())
                .bucket(&self.name)
                .key(self.key(key))
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match());
            match request.customize().config_override(aws::answered_late()).send().await {
                Ok(answer) => {
                    let result = answer.copy_object_result();
                    Ok(Put::Done {
                        etag: result.and_then(|result| result.e_tag()).map(str::to_owned),
                        version_id: answer.version_id().map(str::to_owned),
                        checksum_sha256: result.and_then(|result| result.checksum_sha256()).map(str::to_owned),
                    })
                }
                Err(error) => {
                    is_denied.store(aws::status(&error) == Some(403), Ordering::Relaxed);
                    Err(Attempt::of(&error, &operation, &url))
                }
            }
        });
        match copied.await {
            Ok(put) => Ok(Copy::Put(put)),
            Err(error) if is_denied.load(Ordering::Relaxed) => Ok(Copy::Denied(error)),
            Err(error) => Err(error),
        }
    }
}
