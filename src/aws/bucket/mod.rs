//! A bucket: whole objects in, with their SHA-256 and on a condition; whole objects out.

mod copy;
mod counted;
mod delete;
mod multipart;
mod write;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::DateTime;
use lambda_pack_core::{Error, Meter, Result};

use crate::aws;

pub use copy::{Copy, Original};
pub use delete::MOST_DELETED_AT_ONCE;
pub use write::{Body, Condition, Put, jittered};

/// Larger packages go in parts, several at a time. Up to here one request does, and S3 then proves the whole object's
/// SHA-256; a multipart upload has it for each part only.
pub const SINGLE_PUT_BYTES: u64 = 64 * 1024 * 1024;

/// A bucket, and the prefix below which everything is.
pub struct Bucket {
    pub client: Client,
    pub name: String,
    pub prefix: String,
    pub meter: &'static Meter,
}

/// A small object with what identifies its present version.
pub struct Object {
    pub content: Vec<u8>,
    pub etag: String,
    /// Nanoseconds since 1970; S3 counts in seconds.
    pub modified: i128,
}

/// What is said of an object, by its address and the bytes that it may have.
type TooLarge = fn(&str, u64) -> Error;

fn more_than_asked(url: &str, bytes: u64) -> Error {
    Error::failed(format!("`{url}`: its last {bytes} bytes were asked for, and more came"))
        .help("the service, or a proxy before it, must know the header Range")
}

impl Bucket {
    /// The whole object; `None` if there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.get_range(key, None, None).await
    }

    /// The same, unless it has more than so many bytes: then `too_large` says so.
    pub async fn get_at_most(&self, key: &str, bytes: u64, too_large: TooLarge) -> Result<Option<Object>> {
        self.get_range(key, None, Some((bytes, too_large))).await
    }

    /// Its last bytes, as many as are asked for or all that it has. Fails if the service gives more.
    pub async fn get_end(&self, key: &str, bytes: u64) -> Result<Option<Object>> {
        self.get_range(key, Some(format!("bytes=-{bytes}")), Some((bytes, more_than_asked)))
            .await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Option<String>,
        most: Option<(u64, TooLarge)>,
    ) -> Result<Option<Object>> {
        let url = self.url(key);

        let answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(self.key(key))
            .set_range(range)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => {
                return Ok(None);
            }
            Err(error) => return Err(aws::explain(&error, "read", &url)),
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let modified = answer.last_modified().map(DateTime::as_nanos).unwrap_or_default();
        let mut content = Vec::new();
        let mut body = answer.body;
        while let Some(chunk) = body.next().await {
            content.extend_from_slice(&chunk.map_err(|error| Error::failed(format!("cannot read `{url}`: {error}")))?);
            if let Some((most, too_large)) = most
                && content.len() as u64 > most
            {
                return Err(too_large(&url, most));
            }
        }
        Ok(Some(Object {
            content,
            etag,
            modified,
        }))
    }

    pub fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.name, self.prefix)
    }
}
