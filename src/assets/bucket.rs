//! `s3://bucket/key`.

use aws_sdk_s3::Client;
use lambda_pack_core::Result;
use lambda_pack_core::function::AssetUrl;

use super::download::{Answer, Body, Content, Failure};
use crate::aws::{self, AwsSettings};

/// An object, and a client that can read it.
pub struct Bucket<'a> {
    client: Client,
    name: &'a str,
    key: &'a str,
    version: Option<&'a str>,
}

impl<'a> Bucket<'a> {
    pub async fn connect(
        settings: &AwsSettings,
        name: &'a str,
        key: &'a str,
        version: Option<&'a str>,
    ) -> Result<Self> {
        let client = aws::s3(&aws::load(settings).await?);
        Ok(Bucket {
            client,
            name,
            key,
            version,
        })
    }

    /// Asks for the content, or for what comes after the first bytes of what has this ETag. The SDK asks again by itself.
    pub async fn open(&self, url: &AssetUrl, from: Option<(u64, &str)>) -> Result<Answer, Failure> {
        let mut request = self.client.get_object().bucket(self.name).key(self.key);
        request = request.set_version_id(self.version.map(str::to_owned));
        if let Some((start, etag)) = from {
            request = request.range(format!("bytes={start}-")).if_match(etag);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Precondition failed; range not satisfiable.
            Err(error) if from.is_some() && matches!(aws::status(&error), Some(412 | 416)) => {
                return Ok(Answer::Changed);
            }
            Err(error) => return Err(Failure::Lasting(aws::explain(&error, "download", &url.to_string()))),
        };
        let start = match (from, answer.content_range()) {
            (Some((start, _)), Some(range)) if range.starts_with(&format!("bytes {start}-")) => start,
            (None, _) | (Some(_), None) => 0,
            (Some(_), Some(_)) => return Ok(Answer::Changed),
        };
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        Ok(Answer::Content(Content {
            start,
            total: length.map(|length| start + length),
            validator: answer.e_tag().map(str::to_owned),
            body: Body::S3(answer.body),
        }))
    }
}
