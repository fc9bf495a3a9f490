//! Package stores: what is kept where, and the order of writes that never shows anything half-done.
//!
//! ```text
//! {prefix}manifests/{name}/{source_hash}.json
//! {prefix}sboms/{name}/{source_hash}.cdx.json     if the package holds others' packages
//! {prefix}packages/{name}/{code sha256 in hex}.zip
//! {prefix}provenance/{name}/{source_hash}.{code sha256 in hex}.intoto.json
//! {prefix}records/{name}/{source_hash}.json      written last: the commit
//! {prefix}uses/{name}/{source_hash}.json          written when it is used again
//! {prefix}gc.json                                who deletes now
//! ```

mod cache;
mod contents;
mod download;
mod file;
mod find;
mod history;
mod inventory;
mod lease;
mod listing;
mod manifest;
mod promote;
mod record;
mod remedy;
mod s3;
mod signed;
mod stamp;
mod url;
mod uses;

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lambda_pack_core::archive::{self, CodeSha256, PACKAGE_FORMAT};
use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::Definition;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::preflight::Contents;
use lambda_pack_core::sbom::Versions;
use lambda_pack_core::secrets::Seen;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use crate::aws::AwsSettings;
use crate::aws::bucket::Original;
use cache::Cache;
use lease::Quiet;
use listing::{Listed, Listings, Page};

pub use history::{Past, not_there};
pub use inventory::{Damaged, Inventory, Kept, Parts, code_sha256_of};
pub use manifest::{Known, Source};
pub use promote::{Promoted, Way};
pub use record::Record;
pub use signed::Signed;
pub use url::{StoreUrl, shell_word};

/// Requests that are under way at a time.
pub const REQUESTS_AT_ONCE: usize = 64;

/// Where objects are kept. Keys are relative to the store's root.
trait Objects: Send + Sync {
    /// Tells this store from those that have the same address elsewhere.
    fn place(&self) -> &str;

    /// The objects below `{part}/` whose keys come after `after`; `None` where nothing is listed: the store denies it, or
    /// single looks cost no more.
    fn list(&self, part: &str, after: &str) -> Result<Option<Page>>;

    /// All objects below `{part}/`, at any depth, in the order of their keys; `None` if the bucket isn't there.
    fn list_all(&self, part: &str) -> Result<Option<Vec<(String, Listed)>>>;

    /// The whole object; `None` if there is none.
    fn get(&self, key: &str) -> Result<Option<Object>>;

    /// Copies a package to `to`, as it comes: nothing of it is checked. False if there is none.
    fn read_package(&self, key: &str, size_bytes: u64, to: &mut dyn Write) -> Result<bool>;

    /// The last bytes of a package, as many as are asked for or all that it has; `None` if there is none.
    fn read_end(&self, key: &str, bytes: u64) -> Result<Option<Vec<u8>>>;

    /// What the store knows of a package without giving its bytes. What was `verified` need not be computed again.
    fn stat_package(&self, key: &str, verified: Option<&Verified>) -> Result<Option<PackageStat>>;

    /// Writes a small object unless the key is taken.
    fn create(&self, key: &str, content: &[u8]) -> Result<Created>;

    /// Uploads a package unless the key is taken.
    fn create_package(&self, key: &str, package: &PackageFile, notes: &PackageNotes) -> Result<Created>;

    /// A package as another store could have its service copy it; `None` if no service has it.
    fn copy_source(&self, key: &str, etag: Option<&str>) -> Option<CopySource>;

    /// Copies a package with its metadata, unless the key is taken, without its bytes leaving the service.
    fn copy_package(&self, key: &str, source: &CopySource) -> Result<Copied>;

    /// Overwrites an object, unless somebody else did since `version` was read.
    fn replace(&self, key: &str, version: &str, content: &[u8]) -> Result<()>;

    /// Deletes objects, those that are gone already included. After an error any of them may be there.
    fn delete(&self, keys: &[String]) -> Result<Deleted>;
}

/// What deleting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The bucket keeps versions: what was deleted still takes room.
    pub keeps_versions: bool,
}

/// A small object with what identifies its present version.
struct Object {
    content: Vec<u8>,
    version: String,
    /// Nanoseconds since 1970, by the store's clock; S3 counts in seconds.
    modified: i128,
}

#[derive(Debug)]
struct PackageStat {
    size_bytes: u64,
    /// Of the stored bytes where the store computes it, else as the uploader said; `None` if neither is known.
    code_sha256: Option<CodeSha256>,
    /// Whether it is of the stored bytes.
    is_computed: bool,
    /// The commit that it was built from, if the uploader said so.
    git_commit: Option<String>,
    /// As a listing shows it; `None` where nothing is listed.
    etag: Option<String>,
    /// Tells these bytes from later ones, as [`Verified`] wants it; `None` where nothing does without a listing.
    stamp: Option<String>,
}

/// A package in a service that can copy it.
struct CopySource {
    original: Original,
    /// The address of the service, where it isn't AWS's own.
    endpoint: Option<String>,
    /// The profile whose credentials may read it.
    profile: Option<String>,
}

/// What became of a copy within a service.
enum Copied {
    /// With the SHA-256 of the copy, if the service computed it.
    Done {
        etag: Option<String>,
        code_sha256: Option<CodeSha256>,
    },
    /// The key is taken, or the source changed.
    Refused,
    /// The service can't do it, for this reason.
    NotPossible(String),
}

/// What was found out about a package in an earlier run.
struct Verified {
    stamp: String,
    code_sha256: CodeSha256,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Created {
    /// With the ETag, where the store gives one.
    New(Option<String>),
    Exists,
}

/// A package on disk.
struct PackageFile<'a> {
    path: &'a Path,
    size_bytes: u64,
    code_sha256: CodeSha256,
}

/// Metadata of a package object.
struct PackageNotes {
    source_hash: Digest,
    package_format: u32,
    git_commit: Option<String>,
}

/// What a store has for a source hash.
#[derive(Clone, Debug)]
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
    /// What is in it, as checks see it.
    pub contents: &'a Contents,
    /// What came of searching it for secrets.
    pub seen: Seen,
    pub manifest: &'a Manifest,
    /// What is deployed with it.
    pub definition: &'a Definition,
    /// What the lock files of its source install.
    pub dependencies: Versions,
    /// The bill of materials, if there is anything to list.
    pub sbom: Option<Vec<u8>>,
    /// The statement who built it of what.
    pub provenance: Vec<u8>,
    pub git_commit: Option<String>,
}

/// A store, opened.
pub struct Store {
    url: StoreUrl,
    objects: Box<dyn Objects>,
    listings: Option<Listings>,
    cache: Cache,
    /// When nobody deleted, as this run knows.
    last_quiet: Mutex<Option<Quiet>>,
    /// With which what it lacks was planned.
    deployment_profile: Option<String>,
    meter: &'static Meter,
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
            listings: None,
            cache: Cache::default(),
            last_quiet: Mutex::default(),
            deployment_profile: None,
            meter,
        })
    }

    /// Commands that messages name are for this deployment profile.
    pub fn of_profile(mut self, name: Option<&str>) -> Self {
        self.deployment_profile = name.map(str::to_owned);
        self
    }

    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Makes a package visible. `found` is what [`Store::find`] said before it was built.
    pub fn publish(&self, name: &str, built: &Built, found: &Found) -> Result<Published> {
        let mut before = self.quiet()?;
        let mut written = match found {
            // Who deletes takes the record first: it may be gone, too, since somebody looked.
            Found::PackageMissing(..) => self.write(name, built, &self.ask(name, &built.manifest.source_hash())?),
            found => self.write(name, built, found),
        };
        let mut is_uploaded = false;
        loop {
            is_uploaded |= matches!(written, Ok(Published::Uploaded(_)));
            if written.as_ref().is_err_and(|error| error.kind() != ErrorKind::Conflict) {
                return written;
            }
            let after = self.quiet_now()?;
            if after == before {
                return match written {
                    Ok(Published::Unchanged(record)) if is_uploaded => Ok(Published::Uploaded(record)),
                    written => written,
                };
            }
            // Who deleted meanwhile didn't know of this record yet: what was there already may be gone.
            before = after;
            let found = self.ask(name, &built.manifest.source_hash())?;
            written = self.write(name, built, &found);
        }
    }

    /// The order of writes: manifest, bill of materials, zip, provenance, record. Of two who built the same bytes the first one's
    /// provenance stays; of other bytes each has its own.
    fn write(&self, name: &str, built: &Built, found: &Found) -> Result<Published> {
        let source_hash = built.manifest.source_hash();
        let mut record = Record::new(&self.url, name, built);
        self.check_size(&record.provenance_key(), &built.provenance)?;
        self.create_beside(name, built)?;
        let file = PackageFile {
            path: built.file,
            size_bytes: built.package.size_bytes,
            code_sha256: built.package.code_sha256,
        };
        let notes = PackageNotes {
            source_hash,
            package_format: PACKAGE_FORMAT,
            git_commit: built.git_commit.clone(),
        };
        record.etag = self.create_package(name, &record, &file, &notes)?;
        self.objects.create(&record.provenance_key(), &built.provenance)?;
        self.commit(name, record, found)
    }

    /// Uploads the package of a record. One that is there already must be what the record says. Returns its ETag, where the store
    /// gives one.
    fn create_package(
        &self,
        name: &str,
        record: &Record,
        file: &PackageFile,
        notes: &PackageNotes,
    ) -> Result<Option<String>> {
        let key = record.package_key();
        match self.objects.create_package(&key, file, notes)? {
            Created::New(etag) => Ok(etag),
            Created::Exists => {
                let stat = self.objects.stat_package(&key, None)?;
                let stat = stat.ok_or_else(|| self.vanished(&key))?;
                self.check_package(record, name, &key, &stat)?;
                Ok(stat.etag)
            }
        }
    }

    /// Writes the record, when all else is there: the first one stays. `found` is what [`Store::find`] said before.
    fn commit(&self, name: &str, record: Record, found: &Found) -> Result<Published> {
        let source_hash = record.source_hash();
        let record_key = record::key(name, &source_hash);
        match found {
            Found::PackageMissing(old, _) if old.is_of_the_same_package(&record) => {}
            // The recorded bytes are gone and can't be made again (another compressor): the record must follow.
            Found::PackageMissing(_, version) => self.objects.replace(&record_key, version, &record.to_json())?,
            Found::Nothing | Found::Published(_) => match self.objects.create(&record_key, &record.to_json())? {
                Created::New(etag) => self.remember(&record_key, etag.unwrap_or_default(), &record, None),
                Created::Exists => {
                    return match self.ask(name, &source_hash)? {
                        Found::Published(first) => Ok(Published::Unchanged(first)),
                        Found::Nothing | Found::PackageMissing(..) => Err(self.vanished(&record_key)),
                    };
                }
            },
        }
        Ok(Published::Uploaded(record))
    }

    fn last_quiet(&self) -> MutexGuard<'_, Option<Quiet>> {
        self.last_quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a package, for people and `--json`.
    pub fn package_url(&self, record: &Record) -> String {
        self.url.of_key(&record.package_key())
    }

    /// Of a store whose bucket is missing.
    pub fn not_there(&self) -> Error {
        Error::failed(format!("`{}` isn't there: the bucket does not exist", self.url))
            .help("create it (lambda-build-module does), or correct the address")
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
