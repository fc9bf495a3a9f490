//! Objects out of a bucket for good, many with one request.

use std::time::Duration;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use lambda_pack_core::{Error, Result};
use tokio::time::timeout;

use super::Bucket;
use crate::aws;

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
pub const MOST_DELETED_AT_ONCE: usize = 1_000;

/// Who deletes may do so for a certain time only: no request may arrive later.
const LONGEST: Duration = Duration::from_secs(60);

impl Bucket {
    /// Deletes up to [`MOST_DELETED_AT_ONCE`] objects, and tells whether the bucket keeps their bytes as older versions. What isn't there counts as
    /// deleted. An error names the first that could not be.
    pub async fn delete(&self, keys: &[String]) -> Result<bool> {
        let objects = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(self.key(key)).build());
        let objects = objects
            .collect::<std::result::Result<Vec<_>, _>>()
            .expect("each has a key");
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .build()
            .expect("there are objects");
        let url = self.url(keys.first().map(String::as_str).unwrap_or_default());
        let request = self.client.delete_objects().bucket(&self.name).delete(delete);
        let answer = timeout(LONGEST, request.send()).await.map_err(|_late| {
            Error::failed(format!(
                "cannot delete `{url}` and others: no answer for {} seconds",
                LONGEST.as_secs()
            ))
            .help("run again")
        })?;
        let answer = answer.map_err(|error| aws::explain(&error, "delete", &url))?;
        let mut failed = answer.errors().iter();
        let Some(first) = failed.next() else {
            return Ok(answer.deleted().iter().any(|it| it.delete_marker() == Some(true)));
        };
        let key = first.key().unwrap_or_default();
        let mut message = format!("cannot delete `s3://{}/{key}`", self.name);
        for text in [first.code(), first.message()].into_iter().flatten() {
            message.push_str(": ");
            message.push_str(text);
        }
        match failed.count() {
            0 => {}
            more => message.push_str(&format!("; and {more} more")),
        }
        Err(Error::failed(message).help(
            "deleting needs s3:DeleteObject, and to be among `writer_arns` if the bucket has them; run again to go on",
        ))
    }
}
