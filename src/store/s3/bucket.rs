//! What a store asks a bucket.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::{Error, Result};

use super::{CODE_SHA256, GIT_COMMIT};
use crate::aws;
use crate::aws::bucket::{Bucket, SINGLE_PUT_BYTES};
use crate::store::PackageStat;
use crate::store::listing::{Listed, Page};

type Answer = std::result::Result<ListObjectsV2Output, SdkError<ListObjectsV2Error>>;

impl Bucket {
    pub(in crate::store) async fn list(&self, part: &str, after: &str) -> Result<Option<Page>> {
        match self.ask_for_page(part, after).await {
            Ok(answer) => Ok(Some(self.page(&answer))),
            // Not allowed, not offered, or not readable: single looks do without it, and tell better what is wrong.
            Err(error) if aws::status(&error).is_some() => {
                tracing::info!("{}", self.cannot_list(part, &error));
                Ok(None)
            }
            Err(error) => Err(self.cannot_list(part, &error)),
        }
    }

    /// For those that can't do without it; `None` if the bucket isn't there.
    pub(in crate::store) async fn page_after(&self, part: &str, after: &str) -> Result<Option<Page>> {
        match self.ask_for_page(part, after).await {
            Ok(answer) => Ok(Some(self.page(&answer))),
            // Of a listing nothing else can be missing.
            Err(error) if aws::status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.cannot_list(part, &error)),
        }
    }

    async fn ask_for_page(&self, part: &str, after: &str) -> Answer {
        let prefix = self.key(&format!("{part}/"));
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        request.start_after(self.key(after)).send().await
    }

    fn cannot_list(&self, part: &str, error: &SdkError<ListObjectsV2Error>) -> Error {
        aws::explain(error, "list", &self.url(&format!("{part}/")))
    }

    pub(in crate::store) async fn stat_package(&self, key: &str) -> Result<Option<PackageStat>> {
        let url = self.url(key);

        let request = self.client.head_object().bucket(&self.name).key(self.key(key));
        let answer = match request.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(answer) => answer,
            Err(error) if aws::status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(aws::explain(&error, "read", &url)),
        };
        let size_bytes = answer.content_length().unwrap_or_default().unsigned_abs();
        // The checksum of a multipart object is one of checksums, unless it was copied since.
        let is_whole = size_bytes <= SINGLE_PUT_BYTES || answer.checksum_type() == Some(&ChecksumType::FullObject);
        let whole = answer.checksum_sha256().filter(|_| is_whole);
        let proven = whole.and_then(CodeSha256::from_base64);
        let said = |key: &str| answer.metadata()?.get(key);
        Ok(Some(PackageStat {
            size_bytes,
            code_sha256: proven.or_else(|| CodeSha256::from_base64(said(CODE_SHA256)?)),
            is_computed: proven.is_some(),
            git_commit: said(GIT_COMMIT).cloned(),
            etag: answer.e_tag().map(str::to_owned),
            stamp: None,
        }))
    }

    fn page(&self, answer: &ListObjectsV2Output) -> Page {
        let objects = answer.contents().iter().filter_map(|object| {
            let key = object.key()?.strip_prefix(&self.prefix)?.to_owned();
            let listed = Listed {
                size_bytes: object.size().unwrap_or_default().unsigned_abs(),
                // Without a time, an ETag alone is not enough.
                etag: object
                    .e_tag()
                    .filter(|_| object.last_modified().is_some())
                    .map(str::to_owned),
                modified: object.last_modified().map(DateTime::as_nanos).unwrap_or_default(),
            };
            Some((key, listed))
        });
        Page {
            objects: objects.collect(),
            more: answer.is_truncated().unwrap_or_default(),
        }
    }
}
