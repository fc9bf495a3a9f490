//! A store in S3, or in anything that speaks its protocol with conditional writes.
//!
//! The SDK is asynchronous; the rest of the program is not. A runtime lives here, and each call blocks its thread. One
//! thread carries all requests: that much work they aren't, and waking another one several times for each costs more.

mod bucket;
mod counted;
mod multipart;
mod write;

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_pack_core::archive::{PACKAGE_FORMAT, Package};
use lambda_pack_core::{Meter, Result, Work};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::listing::Page;
use super::{Created, Object, Objects, PackageNotes, PackageStat, Verified};
use crate::aws::{self, AwsSettings};
use crate::network;
use bucket::Bucket;
use write::{Body, Condition};

/// Larger packages go in parts, several at a time. Up to here one request does, and S3 then proves the whole object's
/// SHA-256; a multipart upload has it for each part only.
const SINGLE_PUT_BYTES: u64 = 64 * 1024 * 1024;

/// Keys of a package's metadata.
const CODE_SHA256: &str = "code-sha256";
const SOURCE_HASH: &str = "source-hash";
const FORMAT: &str = "package-format";
const GIT_COMMIT: &str = "git-commit";

pub struct S3Objects {
    bucket: Arc<Bucket>,
    runtime: Runtime,
    /// Where the service is, else the region.
    place: String,
}

impl S3Objects {
    pub fn connect(bucket: &str, prefix: &str, settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let runtime = network::runtime()?;
        let config = runtime.block_on(aws::load(settings))?;
        let endpoint = aws::custom_endpoint(&config);
        let place = endpoint.or_else(|| config.region().map(ToString::to_string));
        Ok(S3Objects {
            bucket: Arc::new(Bucket {
                client: aws::s3(&config),
                name: bucket.to_owned(),
                prefix: prefix.to_owned(),
                meter,
            }),
            runtime,
            place: place.unwrap_or_default(),
        })
    }

    /// Has a call made by the thread that carries requests, unless the user interrupts it.
    fn wait<T, F>(&self, call: impl FnOnce(Arc<Bucket>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let bucket = Arc::clone(&self.bucket);
        let call = call(Arc::clone(&bucket));
        let task = self
            .runtime
            .spawn(async move { network::unless_interrupted(bucket.meter, call).await });
        match self.runtime.block_on(task) {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn put(&self, key: &str, body: Body, sha256: String, condition: Condition) -> Result<Created> {
        let key = key.to_owned();
        self.wait(|bucket| async move { bucket.put(&key, &body, &sha256, &condition).await })
    }
}

impl Objects for S3Objects {
    fn place(&self) -> &str {
        &self.place
    }

    fn list(&self, part: &str, after: &str) -> Result<Option<Page>> {
        let (part, after) = (part.to_owned(), after.to_owned());
        self.wait(|bucket| async move { bucket.list(&part, &after).await })
    }

    fn get(&self, key: &str) -> Result<Option<Object>> {
        let key = key.to_owned();
        self.wait(|bucket| async move { bucket.get(&key).await })
    }

    /// Asks whatever was verified: the service knows, and no listing says so.
    fn stat_package(&self, key: &str, _: Option<&Verified>) -> Result<Option<PackageStat>> {
        let key = key.to_owned();
        self.wait(|bucket| async move { bucket.stat_package(&key).await })
    }

    fn create(&self, key: &str, content: &[u8]) -> Result<Created> {
        let sha256 = BASE64.encode(Sha256::digest(content));
        self.put(key, Body::Json(content.to_vec()), sha256, Condition::Absent)
    }

    fn create_package(&self, key: &str, path: &Path, package: &Package, notes: &PackageNotes) -> Result<Created> {
        let mut metadata = vec![
            (CODE_SHA256.to_owned(), package.code_sha256.to_base64()),
            (SOURCE_HASH.to_owned(), notes.source_hash.to_hex()),
            (FORMAT.to_owned(), PACKAGE_FORMAT.to_string()),
        ];
        metadata.extend(notes.git_commit.clone().map(|commit| (GIT_COMMIT.to_owned(), commit)));
        self.bucket.meter.expect(Work::Upload, package.size_bytes);
        if package.size_bytes > SINGLE_PUT_BYTES {
            // Not `wait`, which would drop the upload before it can be aborted.
            let upload = self.bucket.put_multipart(key, path, package.size_bytes, &metadata);
            return self.runtime.block_on(upload);
        }
        let body = Body::Package {
            file: path.to_owned(),
            size_bytes: package.size_bytes,
            metadata,
        };
        self.put(key, body, package.code_sha256.to_base64(), Condition::Absent)
    }

    fn replace(&self, key: &str, version: &str, content: &[u8]) -> Result<()> {
        let sha256 = BASE64.encode(Sha256::digest(content));
        let unchanged = Condition::Version(version.to_owned());
        match self.put(key, Body::Json(content.to_vec()), sha256, unchanged)? {
            Created::New(_) => Ok(()),
            Created::Exists => Err(super::lost_race(&self.bucket.url(key))),
        }
    }
}
