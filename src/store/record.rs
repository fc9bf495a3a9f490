//! Records: the small objects that say "this source hash is that package".

use lambda_pack_core::archive::{CodeSha256, PACKAGE_FORMAT};
use lambda_pack_core::digest::Digest;
use lambda_pack_core::manifest::HASH_VERSION;
use lambda_pack_core::{Error, ErrorKind, provenance, sbom};
use serde::{Deserialize, Serialize};

use super::{Built, StoreUrl};

/// A record, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    name: String,
    source_hash: Digest,
    pub code_sha256: CodeSha256,
    pub s3_key: String,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
    pub entries: u64,
    package_format: u32,
    /// The package's ETag when it was written, as a listing shows it. Only a package that still has it is known to be the
    /// recorded one without a closer look; another one says nothing (a copied bucket, another encryption).
    pub etag: Option<String>,
    /// Of the state that it was built from, where git knew.
    pub git_commit: Option<String>,
    /// When it was published: nanoseconds since 1970, by the store's clock; `None` if it wasn't looked up.
    pub published: Option<i128>,
}

/// Its JSON. Unknown keys are let pass: a later version may add some, and an older tool must still find its package.
#[derive(Serialize, Deserialize)]
struct RecordJson {
    name: String,
    hash_version: u32,
    source_hash: String,
    package_format: u32,
    code_sha256: String,
    s3_key: String,
    size_bytes: u64,
    unzipped_bytes: u64,
    entries: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_commit: Option<String>,
}

/// Where all records are.
pub const PART: &str = "records";

pub const PACKAGES: &str = "packages";

/// When packages were used again.
pub const USES: &str = "uses";

/// What AWS Signer made of packages.
pub const SIGNED: &str = "signed";

/// A kind of objects.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Where they all are.
    pub part: &'static str,
    /// What follows the digest in their keys.
    extension: &'static str,
    /// Those that are read whole have no more bytes: who put more there means ill.
    largest: u64,
}

const MIB: u64 = 1024 * 1024;

const fn kind(part: &'static str, extension: &'static str, largest: u64) -> Kind {
    Kind {
        part,
        extension,
        largest,
    }
}

const RECORD: Kind = kind(PART, "json", MIB);
/// They are never read whole.
const PACKAGE: Kind = kind(PACKAGES, "zip", 0);
/// It names each file of a package twice or so, in some 200 bytes; of 250 MB that Lambda takes 300,000 files are much.
const MANIFEST: Kind = kind("manifests", "json", 128 * MIB);
/// It has some 500 bytes for each package.
const SBOM: Kind = kind("sboms", sbom::EXTENSION, 32 * MIB);
/// It has fewer than a bill of materials. Between the source hash and the extension stands the SHA-256 of the package.
const PROVENANCE: Kind = kind("provenance", provenance::EXTENSION, 32 * MIB);
const USE: Kind = kind(USES, "json", MIB);

/// What may stand beside a record, under the same name and source hash. It goes with the record.
pub const BESIDE: [Kind; 4] = [MANIFEST, SBOM, PROVENANCE, USE];

fn keyed(kind: Kind, name: &str, digest: &str) -> String {
    let Kind { part, extension, .. } = kind;
    format!("{part}/{name}/{digest}.{extension}")
}

/// Most bytes of an object that is read whole.
pub fn largest(key: &str) -> u64 {
    let part = key.split('/').next().unwrap_or_default();
    let kind = [RECORD].into_iter().chain(BESIDE).find(|kind| kind.part == part);
    // Others are the store's own small files.
    kind.map_or(MIB, |kind| kind.largest)
}

/// What is said of an object that is larger.
pub fn too_large(url: &str, largest: u64) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!("`{url}` has more than {largest} bytes, which nothing has that belongs there"),
    )
    .help(
        "find out who wrote that, and delete it; `lambda-pack upload` of its function puts back what can be made again",
    )
}

/// Fails where nobody could read again what is to be written.
pub fn check_size(url: &str, key: &str, content: &[u8]) -> Result<(), Error> {
    let (bytes, largest) = (content.len() as u64, largest(key));
    match bytes <= largest {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "`{url}` would have {bytes} bytes, and the limit is {largest}: nobody would read it again"
        ))
        .help("pack less: leave files out with `exclude`, or make several functions of it")),
    }
}

pub fn directory(name: &str) -> String {
    format!("{PART}/{name}")
}

pub fn key(name: &str, source_hash: &Digest) -> String {
    keyed(RECORD, name, &source_hash.to_hex())
}

pub fn manifest_key(name: &str, source_hash: &Digest) -> String {
    keyed(MANIFEST, name, &source_hash.to_hex())
}

pub fn sbom_key(name: &str, source_hash: &Digest) -> String {
    keyed(SBOM, name, &source_hash.to_hex())
}

pub fn use_key(name: &str, source_hash: &Digest) -> String {
    keyed(USE, name, &source_hash.to_hex())
}

/// What the job of AWS Signer wrote of a package: nobody knows the digest of signed code beforehand, so that keys say whose it is.
pub fn signed_key(name: &str, code_sha256: &CodeSha256, job: &str) -> String {
    format!("{SIGNED}/{name}/{}/{job}.zip", code_sha256.to_hex())
}

/// Name, package and job of such a key.
pub fn parse_signed_key(key: &str) -> Option<(&str, CodeSha256, &str)> {
    let [SIGNED, name, code_sha256, file]: [&str; 4] = key.split('/').collect::<Vec<_>>().try_into().ok()? else {
        return None;
    };
    Some((name, CodeSha256::from_hex(code_sha256)?, file.strip_suffix(".zip")?))
}

/// Whether a key is of something that stands beside a record; `extension` is what follows the source hash.
pub fn is_beside(part: &str, extension: &str) -> bool {
    let extension = match (part == PROVENANCE.part, extension.split_once('.')) {
        (true, Some((code_sha256, extension))) if CodeSha256::from_hex(code_sha256).is_some() => extension,
        (true, _) => return false,
        (false, _) => extension,
    };
    (BESIDE.iter()).any(|kind| kind.part == part && kind.extension == extension)
}

pub fn package_key(name: &str, code_sha256: &CodeSha256) -> String {
    keyed(PACKAGE, name, &code_sha256.to_hex())
}

impl Record {
    pub fn new(url: &StoreUrl, name: &str, built: &Built) -> Self {
        let code_sha256 = built.package.code_sha256;
        Record {
            name: name.to_owned(),
            source_hash: built.manifest.source_hash(),
            code_sha256,
            s3_key: url.full_key(&package_key(name, &code_sha256)),
            size_bytes: built.package.size_bytes,
            unzipped_bytes: built.package.unzipped_bytes(),
            entries: built.package.entries.len() as u64,
            package_format: PACKAGE_FORMAT,
            etag: None,
            git_commit: built.git_commit.clone(),
            published: None,
        }
    }

    /// The record of the same package in another store.
    pub fn in_store(&self, url: &StoreUrl) -> Self {
        Record {
            s3_key: url.full_key(&self.package_key()),
            etag: None,
            ..self.clone()
        }
    }

    pub fn package_format(&self) -> u32 {
        self.package_format
    }

    pub fn source_hash(&self) -> Digest {
        self.source_hash
    }

    /// Whether both say the same, wherever, whenever and from whichever commit the package was written.
    pub fn is_of_the_same_package(&self, other: &Record) -> bool {
        let unwritten = |record: &Record| Record {
            etag: None,
            git_commit: None,
            published: None,
            ..record.clone()
        };
        unwritten(self) == unwritten(other)
    }

    /// Reads the record that was found for a name and source hash; the error says what is wrong with it.
    pub fn parse(url: &StoreUrl, name: &str, source_hash: &Digest, content: &[u8]) -> Result<Self, String> {
        let json: RecordJson = serde_json::from_slice(content).map_err(|error| format!("not a record: {error}"))?;
        let code_sha256 = CodeSha256::from_base64(&json.code_sha256)
            .ok_or_else(|| format!("its code_sha256 `{}` is none", json.code_sha256))?;
        let expected = [
            ("name", name.to_owned(), json.name),
            ("source_hash", source_hash.to_hex(), json.source_hash),
            ("hash_version", HASH_VERSION.to_string(), json.hash_version.to_string()),
            (
                "s3_key",
                url.full_key(&package_key(name, &code_sha256)),
                json.s3_key.clone(),
            ),
        ];
        if let Some((key, expected, found)) = expected.into_iter().find(|(_, expected, found)| expected != found) {
            return Err(format!("its {key} is `{found}`, which should be `{expected}`"));
        }
        Ok(Record {
            name: name.to_owned(),
            source_hash: *source_hash,
            code_sha256,
            s3_key: json.s3_key,
            size_bytes: json.size_bytes,
            unzipped_bytes: json.unzipped_bytes,
            entries: json.entries,
            package_format: json.package_format,
            etag: json.etag,
            git_commit: json.git_commit,
            published: None,
        })
    }

    pub(super) fn published_at(mut self, time: i128) -> Self {
        self.published = Some(time);
        self
    }

    pub fn to_json(&self) -> Vec<u8> {
        let json = RecordJson {
            name: self.name.clone(),
            hash_version: HASH_VERSION,
            source_hash: self.source_hash.to_hex(),
            package_format: self.package_format,
            code_sha256: self.code_sha256.to_base64(),
            s3_key: self.s3_key.clone(),
            size_bytes: self.size_bytes,
            unzipped_bytes: self.unzipped_bytes,
            entries: self.entries,
            etag: self.etag.clone(),
            git_commit: self.git_commit.clone(),
        };
        serde_json::to_vec(&json).expect("strings and numbers")
    }

    /// The key of who built it, relative to the store's root. Another package of the same source has a statement of its own.
    pub fn provenance_key(&self) -> String {
        let digests = format!("{}.{}", self.source_hash.to_hex(), self.code_sha256.to_hex());
        keyed(PROVENANCE, &self.name, &digests)
    }

    /// The package's key, relative to the store's root.
    pub fn package_key(&self) -> String {
        package_key(&self.name, &self.code_sha256)
    }
}
