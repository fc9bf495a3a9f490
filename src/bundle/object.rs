//! `bundle.zip` in its bucket: what is there, and whether its bytes are those that were recorded.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::types::ChecksumMode;
use lambda_pack_core::archive::Package;
use lambda_pack_core::bundle::{Bundle, Object, Stored};
use lambda_pack_core::{Error, Result, Work};
use sha2::{Digest as _, Sha256};

use super::Place;
use crate::aws::bucket::{Body, Bucket, Condition, Put};
use crate::aws::{self, Connection};

/// Metadata of the object: whose it is, and what is in it.
const CODE_SHA256: &str = "code-sha256";
const CHECKSUM: &str = "checksum";
pub const PROJECT: &str = "project";

pub struct BundleObject<'a> {
    connection: &'a Connection,
    bucket: Arc<Bucket>,
    key: String,
}

/// What a HEAD says.
#[derive(Debug)]
pub struct Head {
    pub version: Option<String>,
    /// As the service computed it.
    checksum_sha256: Option<String>,
    size_bytes: u64,
    /// The project that wrote it, if this program did.
    pub project: Option<String>,
}

/// A bundle that was uploaded.
pub struct Uploaded {
    pub version: Option<String>,
    pub checksum_sha256: Option<String>,
}

impl<'a> BundleObject<'a> {
    pub fn of(place: &Place, connection: &'a Connection) -> Self {
        BundleObject {
            connection,
            bucket: Arc::new(connection.bucket(&place.bucket, "")),
            key: place.layout.bundle_key(&place.identity),
        }
    }

    pub fn url(&self) -> String {
        self.bucket.url(&self.key)
    }

    /// The current version, or this one; `None` if there is none.
    pub fn head(&self, version: Option<&str>) -> Result<Option<Head>> {
        let url = self.url();
        let is_version = version.is_some();
        let request = self
            .bucket
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .set_version_id(version.map(str::to_owned))
            .checksum_mode(ChecksumMode::Enabled);
        self.connection.call(async move {
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if aws::status(&error) == Some(404) => return Ok(None),
                // A version that this bucket never had.
                Err(error) if is_version && aws::status(&error) == Some(400) => return Ok(None),
                Err(error) => return Err(aws::explain(&error, "read", &url)),
            };
            let project = answer.metadata().and_then(|metadata| metadata.get(PROJECT)).cloned();
            Ok(Some(Head {
                size_bytes: answer.content_length().unwrap_or_default().unsigned_abs(),
                project,
                version: answer.version_id,
                checksum_sha256: answer.checksum_sha256,
            }))
        })
    }

    /// Compares what is stored with a record; without one, only what is absent counts.
    pub fn compare(&self, recorded: Option<&Bundle>) -> Result<Stored> {
        let current = self.head(None)?;
        if current.is_none() {
            self.check_bucket()?;
        }
        // A record may be of another bucket.
        let Some(bundle) = recorded.filter(|bundle| bundle.bundle_url == self.url()) else {
            let current = current.map_or(Object::Absent, |_| Object::Other);
            return Ok(Stored {
                current,
                recorded: current,
            });
        };
        let version = bundle.s3_version.as_deref();
        let is_current = |head: &Head| version.is_none() || head.version.as_deref() == version;
        match &current {
            Some(head) if is_current(head) => {
                let compared = self.compare_bytes(head, version, bundle)?;
                Ok(Stored {
                    current: compared,
                    recorded: compared,
                })
            }
            _ => {
                let recorded = match version {
                    None => Object::Absent,
                    Some(version) => match self.head(Some(version))? {
                        None => Object::Absent,
                        Some(head) => self.compare_bytes(&head, Some(version), bundle)?,
                    },
                };
                let current = match &current {
                    None => Object::Absent,
                    Some(head) => self.compare_bytes(head, None, bundle)?,
                };
                Ok(Stored { current, recorded })
            }
        }
    }

    /// That the bucket is there: a HEAD of an object in none says no more than that of an object that is missing.
    fn check_bucket(&self) -> Result<()> {
        let bucket = &self.bucket;
        let request = bucket.client.head_bucket().bucket(&bucket.name);
        let name = bucket.name.clone();
        self.connection.call(async move {
            match request.send().await {
                Ok(_) => Ok(()),
                Err(error) if aws::status(&error) == Some(404) => {
                    Err(Error::invalid(format!("the bucket `{name}` does not exist"))
                        .help("create it, with versions kept, or correct --bucket"))
                }
                // Who may read objects may be forbidden to ask for this.
                Err(error) => {
                    tracing::info!("{}", aws::explain(&error, "look at", &name));
                    Ok(())
                }
            }
        })
    }

    /// By the service's own digest, or by reading all of it where the service has none.
    fn compare_bytes(&self, head: &Head, version: Option<&str>, bundle: &Bundle) -> Result<Object> {
        if head.size_bytes != bundle.size_bytes {
            return Ok(Object::Other);
        }
        let known = [Some(&bundle.code_sha256), bundle.s3_checksum_sha256.as_ref()];
        let is_same = match &head.checksum_sha256 {
            Some(checksum) if known.contains(&Some(checksum)) => true,
            // Of one in parts it is a checksum of checksums, which another writer may have cut otherwise.
            Some(checksum) if !checksum.contains('-') => false,
            _ => {
                tracing::info!("{}: S3 has no SHA-256 of it, so it is read", self.url());
                self.download(version, head.size_bytes, &mut io::sink())?.as_deref() == Some(&*bundle.code_sha256)
            }
        };
        Ok(if is_same { Object::Same } else { Object::Other })
    }

    /// Copies the bytes to `to`, and gives their SHA-256 in base64; `None` if the object is gone.
    pub fn download(&self, version: Option<&str>, expected_bytes: u64, to: &mut dyn Write) -> Result<Option<String>> {
        self.connection
            .download(&self.bucket, &self.key, version, expected_bytes, to)
    }

    /// Writes a new version of the bundle.
    pub fn upload(&self, file: &Path, package: &Package, project: &str, checksum: &str) -> Result<Uploaded> {
        let sha256 = package.code_sha256.to_base64();
        let body = Body::Zip {
            file: file.to_owned(),
            size_bytes: package.size_bytes,
            sha256: package.code_sha256,
            metadata: [(CODE_SHA256, sha256.as_str()), (PROJECT, project), (CHECKSUM, checksum)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
        };
        let (bucket, key) = (Arc::clone(&self.bucket), self.key.clone());
        bucket.meter.expect(Work::Upload, package.size_bytes);
        let put = async move { bucket.put(&key, &body, &Condition::Any).await };
        match self.connection.call_to_its_end(put)? {
            Put::Done {
                version_id,
                checksum_sha256,
                ..
            } => Ok(Uploaded {
                version: version_id.filter(|id| id != "null"),
                checksum_sha256,
            }),
            Put::Refused => {
                Err(Error::conflict(format!("`{}` is being written by somebody else", self.url())).help("run again"))
            }
        }
    }

    pub fn url_beside(&self, key: &str) -> String {
        self.bucket.url(key)
    }

    /// Whether another, small object of the same bucket is there, with this SHA-256 in hex.
    pub fn is_beside(&self, key: &str, sha256: &str) -> Result<bool> {
        let (bucket, key) = (Arc::clone(&self.bucket), key.to_owned());
        let found = self.connection.call(async move { bucket.get(&key).await })?;
        Ok(found.is_some_and(|found| hex::encode(Sha256::digest(&found.content)) == sha256))
    }

    /// Writes another object of the same bucket, whose key says what is in it.
    pub fn write_beside(&self, key: &str, content: &str) -> Result<String> {
        let body = Body::Json(content.as_bytes().to_vec());
        let (bucket, key) = (Arc::clone(&self.bucket), key.to_owned());
        let url = bucket.url(&key);
        self.connection
            .call(async move { bucket.put(&key, &body, &Condition::Any).await })?;
        Ok(url)
    }
}
