//! Large objects out of a bucket, piece by piece.

use std::io::Write;
use std::sync::mpsc::sync_channel;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_pack_core::{Error, Result, Work};
use sha2::{Digest as _, Sha256};

use super::Connection;
use super::bucket::Bucket;
use crate::aws;
use crate::network::unless_interrupted;

impl Connection {
    /// Copies an object's bytes to `to`, and gives their SHA-256 in base64; `None` if it isn't there.
    pub fn download(
        &self,
        bucket: &Bucket,
        key: &str,
        version: Option<&str>,
        expected_bytes: u64,
        to: &mut dyn Write,
    ) -> Result<Option<String>> {
        /// Chunks on their way from the thread that carries requests; each is some 10 KiB.
        const CHUNKS: usize = 64;
        let url = bucket.url(key);
        let request = bucket
            .client
            .get_object()
            .bucket(&bucket.name)
            .key(bucket.key(key))
            .set_version_id(version.map(str::to_owned));
        let place = url.clone();
        let answer = self.call(async move {
            match request.send().await {
                Ok(answer) => Ok(Some(answer)),
                Err(error) if aws::status(&error) == Some(404) => Ok(None),
                Err(error) => Err(aws::explain(&error, "download", &place)),
            }
        })?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        let meter = bucket.meter;
        meter.expect(Work::Download, expected_bytes);
        let (sender, receiver) = sync_channel(CHUNKS);
        let mut body = answer.body;
        let reading = self.start(async move {
            unless_interrupted(meter, async {
                while let Some(chunk) = body.next().await {
                    let chunk = chunk
                        .map_err(|error| Error::failed(format!("cannot read `{url}`: {error}")).help("run again"))?;
                    // Who no longer listens has failed, and says so.
                    if sender.send(chunk).is_err() {
                        break;
                    }
                }
                Ok(())
            })
            .await
        });
        let mut hasher = Sha256::new();
        for chunk in receiver {
            meter.add(Work::Download, chunk.len() as u64)?;
            hasher.update(&chunk);
            to.write_all(&chunk).map_err(|cause| {
                Error::failed(format!("cannot write a temporary file: {cause}")).help("free space on the disk")
            })?;
        }
        self.join(reading)?;
        Ok(Some(BASE64.encode(hasher.finalize())))
    }
}
