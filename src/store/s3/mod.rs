//! A store in S3, or in anything that speaks its protocol with conditional writes.
//!
//! The SDK is asynchronous; the rest of the program is not. Each call blocks its thread. One thread carries all requests: that
//! much work they aren't, and waking another one several times for each costs more.

mod bucket;

use std::io::Write;
use std::sync::Arc;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::{Meter, Result, Work};

use super::listing::{Listed, Page};
use super::{
    Copied, CopySource, Created, Deleted, Object, Objects, PackageFile, PackageNotes, PackageStat, Verified, record,
};
use crate::aws::bucket::{Body, Bucket, Condition, Copy, MOST_DELETED_AT_ONCE, Original, Put};
use crate::aws::{AwsSettings, Connection, custom_endpoint};

/// Keys of a package's metadata.
const CODE_SHA256: &str = "code-sha256";
const SOURCE_HASH: &str = "source-hash";
const FORMAT: &str = "package-format";
const GIT_COMMIT: &str = "git-commit";

pub struct S3Objects {
    bucket: Arc<Bucket>,
    connection: Connection,
    place: String,
    profile: Option<String>,
}

impl S3Objects {
    pub fn connect(bucket: &str, prefix: &str, settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let connection = Connection::connect(settings, meter)?;
        Ok(S3Objects {
            bucket: Arc::new(connection.bucket(bucket, prefix)),
            place: connection.place(),
            profile: settings.profile.clone(),
            connection,
        })
    }

    fn wait<T, F>(&self, call: impl FnOnce(Arc<Bucket>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.connection.call(call(Arc::clone(&self.bucket)))
    }

    fn put(&self, key: &str, body: Body, condition: Condition) -> Result<Created> {
        let (key, bucket) = (key.to_owned(), Arc::clone(&self.bucket));
        let ends_itself = matches!(body, Body::Zip { .. });
        let put = async move { bucket.put(&key, &body, &condition).await };
        let put = match ends_itself {
            true => self.connection.call_to_its_end(put),
            false => self.connection.call(put),
        };
        match put? {
            Put::Done { etag, .. } => Ok(Created::New(etag)),
            Put::Refused => Ok(Created::Exists),
        }
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

    fn list_all(&self, part: &str) -> Result<Option<Vec<(String, Listed)>>> {
        let part = part.to_owned();
        self.wait(|bucket| async move {
            let mut objects: Vec<(String, Listed)> = Vec::new();
            loop {
                let after = objects.last().map_or(format!("{part}/"), |(key, _)| key.clone());
                let Some(page) = bucket.page_after(&part, &after).await? else {
                    return Ok(None);
                };
                let leads_on = page.more && !page.objects.is_empty();
                objects.extend(page.objects);
                if !leads_on {
                    return Ok(Some(objects));
                }
            }
        })
    }

    fn get(&self, key: &str) -> Result<Option<Object>> {
        let key = key.to_owned();
        let object = self.wait(|bucket| async move {
            let largest = record::largest(&key);
            bucket.get_at_most(&key, largest, record::too_large).await
        })?;
        Ok(object.map(|object| Object {
            content: object.content,
            version: object.etag,
            modified: object.modified,
        }))
    }

    fn read_package(&self, key: &str, size_bytes: u64, to: &mut dyn Write) -> Result<bool> {
        let downloaded = self.connection.download(&self.bucket, key, None, size_bytes, to)?;
        Ok(downloaded.is_some())
    }

    fn read_end(&self, key: &str, bytes: u64) -> Result<Option<Vec<u8>>> {
        let key = key.to_owned();
        let object = self.wait(|bucket| async move { bucket.get_end(&key, bytes).await })?;
        Ok(object.map(|object| object.content))
    }

    /// Asks whatever was verified: the service knows, and no listing says so.
    fn stat_package(&self, key: &str, _: Option<&Verified>) -> Result<Option<PackageStat>> {
        let key = key.to_owned();
        self.wait(|bucket| async move { bucket.stat_package(&key).await })
    }

    fn create(&self, key: &str, content: &[u8]) -> Result<Created> {
        self.put(key, Body::Json(content.to_vec()), Condition::Absent)
    }

    fn create_package(&self, key: &str, package: &PackageFile, notes: &PackageNotes) -> Result<Created> {
        let mut metadata = vec![
            (CODE_SHA256.to_owned(), package.code_sha256.to_base64()),
            (SOURCE_HASH.to_owned(), notes.source_hash.to_hex()),
            (FORMAT.to_owned(), notes.package_format.to_string()),
        ];
        metadata.extend(notes.git_commit.clone().map(|commit| (GIT_COMMIT.to_owned(), commit)));
        self.bucket.meter.expect(Work::Upload, package.size_bytes);
        let body = Body::Zip {
            file: package.path.to_owned(),
            size_bytes: package.size_bytes,
            sha256: package.code_sha256,
            metadata,
        };
        self.put(key, body, Condition::Absent)
    }

    fn copy_source(&self, key: &str, etag: Option<&str>) -> Option<CopySource> {
        Some(CopySource {
            original: Original {
                bucket: self.bucket.name.clone(),
                key: self.bucket.key(key),
                etag: etag.map(str::to_owned),
            },
            endpoint: custom_endpoint(&self.connection.config),
            profile: self.profile.clone(),
        })
    }

    fn copy_package(&self, key: &str, source: &CopySource) -> Result<Copied> {
        if source.endpoint != custom_endpoint(&self.connection.config) {
            return Ok(Copied::NotPossible("the stores are at different services".to_owned()));
        }
        let (key, original) = (key.to_owned(), source.original.clone());
        let copy = self.wait(|bucket| async move { bucket.copy(&key, &original, &Condition::Absent).await });
        match copy? {
            Copy::Put(Put::Done {
                etag, checksum_sha256, ..
            }) => Ok(Copied::Done {
                etag,
                code_sha256: checksum_sha256.as_deref().and_then(CodeSha256::from_base64),
            }),
            Copy::Put(Put::Refused) => Ok(Copied::Refused),
            Copy::Denied(error) if source.profile != self.profile => Ok(Copied::NotPossible(error.to_string())),
            Copy::Denied(error) => Err(error.help(
                "the credentials of --to need s3:GetObject on the store that is copied from, and s3:PutObject on this one; where no credentials have both, name those of this store with --to-profile",
            )),
        }
    }

    fn replace(&self, key: &str, version: &str, content: &[u8]) -> Result<()> {
        let unchanged = Condition::Etag(version.to_owned());
        match self.put(key, Body::Json(content.to_vec()), unchanged)? {
            Created::New(_) => Ok(()),
            Created::Exists => Err(super::lost_race(&self.bucket.url(key))),
        }
    }

    fn delete(&self, keys: &[String]) -> Result<Deleted> {
        let mut deleted = Deleted::default();
        for keys in keys.chunks(MOST_DELETED_AT_ONCE) {
            let keys = keys.to_vec();
            deleted.keeps_versions |= self.wait(|bucket| async move { bucket.delete(&keys).await })?;
        }
        Ok(deleted)
    }
}
