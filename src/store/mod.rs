//! Package stores: what is kept where, and the order of writes that never shows anything half-done.
//!
//! ```text
//! {prefix}manifests/{name}/{source_hash}.json
//! {prefix}packages/{name}/{code sha256 in hex}.zip
//! {prefix}records/{name}/{source_hash}.json      written last: the commit
//! ```

mod file;
mod record;
mod s3;
mod url;

use std::path::Path;

use lambda_pack_core::archive::{self, CodeSha256, PACKAGE_FORMAT};
use lambda_pack_core::digest::Digest;
use lambda_pack_core::manifest::{EntryJson, Manifest, ManifestJson};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use crate::aws::AwsSettings;

pub use record::Record;
pub use url::StoreUrl;
use url::shell_word;

/// Requests that are under way at a time.
pub const REQUESTS_AT_ONCE: usize = 64;

/// Where objects are kept. Keys are relative to the store's root.
trait Objects: Send + Sync {
    /// The whole object; `None` if there is none.
    fn get(&self, key: &str) -> Result<Option<Object>>;

    /// What the store knows of a package without giving its bytes.
    fn stat_package(&self, key: &str) -> Result<Option<PackageStat>>;

    /// Writes a small object unless the key is taken.
    fn create(&self, key: &str, content: &[u8]) -> Result<Created>;

    /// Uploads a package unless the key is taken.
    fn create_package(
        &self,
        key: &str,
        file: &Path,
        package: &archive::Package,
        notes: &PackageNotes,
    ) -> Result<Created>;

    /// Overwrites an object, unless somebody else did since `version` was read.
    fn replace(&self, key: &str, version: &str, content: &[u8]) -> Result<()>;
}

/// A small object with what identifies its present version.
struct Object {
    content: Vec<u8>,
    version: String,
}

#[derive(Debug)]
struct PackageStat {
    size_bytes: u64,
    /// Of the stored bytes where the store computes it, else as the uploader said; `None` if neither is known.
    code_sha256: Option<CodeSha256>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Created {
    New,
    Exists,
}

/// Metadata of a package object.
pub struct PackageNotes {
    pub source_hash: Digest,
    pub git_commit: Option<String>,
}

/// What a store has for a source hash.
#[derive(Debug)]
pub enum Found {
    Nothing,
    /// A record whose package is in the store and agrees with it.
    Published(Record),
    /// A record whose package somebody deleted.
    PackageMissing(Record, String),
}

/// What became of an upload.
#[derive(Debug)]
pub enum Published {
    Uploaded(Record),
    /// Somebody else was first; theirs is used.
    Unchanged(Record),
}

/// A package that is ready to be uploaded.
pub struct Built<'a> {
    pub file: &'a Path,
    pub package: &'a archive::Package,
    pub manifest: &'a Manifest,
    pub git_commit: Option<String>,
}

/// A store, opened.
pub struct Store {
    url: StoreUrl,
    objects: Box<dyn Objects>,
}

impl Store {
    /// Opening asks nobody anything; AWS configuration is loaded for `s3://` only.
    pub fn open(url: &StoreUrl, aws: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let objects: Box<dyn Objects> = match url {
            StoreUrl::File(root) => Box::new(file::FileObjects::new(root.clone())),
            StoreUrl::S3 { bucket, prefix } => Box::new(s3::S3Objects::connect(bucket, prefix, aws, meter)?),
        };
        Ok(Store {
            url: url.clone(),
            objects,
        })
    }

    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Looks a source hash up. A record that contradicts itself or its package is an error.
    pub fn find(&self, name: &str, source_hash: &Digest) -> Result<Found> {
        let key = record::key(name, source_hash);
        let Some(object) = self.objects.get(&key)? else {
            return Ok(Found::Nothing);
        };
        let record = Record::parse(&self.url, name, source_hash, &object.content)
            .map_err(|error| self.contradiction(&key, name, &error))?;
        let package_key = record.package_key();
        let Some(stat) = self.objects.stat_package(&package_key)? else {
            return Ok(Found::PackageMissing(record, object.version));
        };
        self.check_package(&record, name, &package_key, &stat)?;
        Ok(Found::Published(record))
    }

    /// Makes a package visible: manifest, zip, record. `found` is what [`Store::find`] said before it was built.
    pub fn publish(&self, name: &str, built: &Built, found: &Found) -> Result<Published> {
        let source_hash = built.manifest.source_hash();
        let record = Record::new(&self.url, name, built);
        let package_key = record.package_key();
        self.objects.create(
            &record::manifest_key(name, &source_hash),
            &stored_manifest(built.manifest),
        )?;
        let notes = PackageNotes {
            source_hash,
            git_commit: built.git_commit.clone(),
        };
        let created = self
            .objects
            .create_package(&package_key, built.file, built.package, &notes)?;
        if created == Created::Exists {
            let stat = self.objects.stat_package(&package_key)?;
            let stat = stat.ok_or_else(|| self.vanished(&package_key))?;
            self.check_package(&record, name, &package_key, &stat)?;
        }
        let record_key = record::key(name, &source_hash);
        match found {
            Found::PackageMissing(old, _) if *old == record => {}
            // The recorded bytes are gone and can't be made again (another compressor): the record must follow.
            Found::PackageMissing(_, version) => self.objects.replace(&record_key, version, &record.to_json())?,
            Found::Nothing | Found::Published(_) => {
                if self.objects.create(&record_key, &record.to_json())? == Created::Exists {
                    return match self.find(name, &source_hash)? {
                        Found::Published(first) => Ok(Published::Unchanged(first)),
                        Found::Nothing | Found::PackageMissing(..) => Err(self.vanished(&record_key)),
                    };
                }
            }
        }
        Ok(Published::Uploaded(record))
    }

    /// The address of a package, for people and `--json`.
    pub fn package_url(&self, record: &Record) -> String {
        self.url.of_key(&record.package_key())
    }

    fn check_package(&self, record: &Record, name: &str, key: &str, stat: &PackageStat) -> Result<()> {
        let problem = if stat.size_bytes != record.size_bytes {
            format!(
                "it has {} bytes, its record says {}",
                stat.size_bytes, record.size_bytes
            )
        } else {
            match stat.code_sha256 {
                Some(stored) if stored == record.code_sha256 => return Ok(()),
                Some(stored) => format!(
                    "its code sha256 is {}, its record says {}",
                    stored.to_base64(),
                    record.code_sha256.to_base64()
                ),
                None => "nothing says what its SHA-256 is: something else wrote it".to_owned(),
            }
        };
        Err(self.contradiction(key, name, &problem))
    }

    fn contradiction(&self, key: &str, name: &str, problem: &dyn std::fmt::Display) -> Error {
        let url = self.url.of_key(key);
        let remove = match self.url {
            StoreUrl::S3 { .. } => format!("aws s3 rm {}", shell_word(&url)),
            StoreUrl::File(ref root) => format!("rm {}", shell_word(&root.join(key).to_string_lossy())),
        };
        Error::new(ErrorKind::Integrity, format!("`{url}` can't be trusted: {problem}")).help(format!(
            "find out who wrote it; then remove it and upload again: {remove} && lambda-pack upload --store {} {name}",
            self.url.shell_word()
        ))
    }

    fn vanished(&self, key: &str) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "`{}` was deleted by somebody else during the upload",
                self.url.of_key(key)
            ),
        )
        .help("run the same command again")
    }
}

/// A conditional write that lost against somebody else's.
fn lost_race(url: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("`{url}` was changed by somebody else during the upload"),
    )
    .help("run the same command again")
}

/// The manifest as the store keeps it: what the package was made from, and what is in it.
#[derive(Serialize)]
struct StoredManifest<'a> {
    #[serde(flatten)]
    source: ManifestJson<'a>,
    package_format: u32,
    package_entries: Vec<EntryJson<'a>>,
}

fn stored_manifest(manifest: &Manifest) -> Vec<u8> {
    let source = manifest.to_json();
    let stored = StoredManifest {
        package_format: PACKAGE_FORMAT,
        // A plain source is packed as it is.
        package_entries: manifest.to_json().entries,
        source,
    };
    serde_json::to_vec(&stored).expect("strings and numbers")
}
