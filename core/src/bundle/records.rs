//! What is recorded of a bundle, beside it.

use serde::{Deserialize, Serialize};

use super::{Checksum, Identity, Parts};
use crate::{Result, json};

/// The record `metadata`: what was stored last, and what was in force before it.
///
/// Both, because the record `md5` is the commit: until it is written, the bundle before stays the one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    #[serde(flatten)]
    pub identity: Identity,
    pub bundle: Bundle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Bundle>,
}

/// A stored bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// BLAKE3 of what it was made from: this decides.
    pub checksum: String,
    /// MD5 of the same, as the record `md5` has it.
    pub md5: String,
    /// To say what changed.
    #[serde(default)]
    pub inputs: Parts,
    pub bundle_url: String,
    /// In a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_version: Option<String>,
    /// SHA-256 of the zip, in base64.
    pub code_sha256: String,
    /// What S3 says of the same bytes: for one in parts, a checksum of checksums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_checksum_sha256: Option<String>,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
    pub entries: u64,
    /// Digest of what it holds, as `lambda-pack hash` of the extracted bundle gives it; to know one that was fetched.
    #[serde(default)]
    pub content_hash: String,
    /// SHA-256 of the record `outputs`, in hex.
    pub outputs_sha256: String,
    #[serde(flatten)]
    pub origin: Origin,
}

/// Who made a bundle, when, and where to read how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Program and version.
    pub tool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub stored_at: String,
    /// From one to the other.
    pub duration_seconds: u64,
}

/// The record `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub status: State,
    #[serde(flatten)]
    pub identity: Identity,
    /// BLAKE3 of what is built, was built, or could not be built.
    pub checksum: String,
    /// When this was said.
    pub updated_at: String,
    /// When somebody found the bundle right and used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// Who said it: `user@host`, or a build's id.
    #[serde(default)]
    pub owner: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
    /// Who wants it built again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tainted: Option<Taint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Building,
    Succeeded,
    Failed,
}

impl State {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Building => "building",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
        }
    }
}

/// A mark that says: build it again, whatever the digests say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    pub by: String,
    pub at: String,
}

/// The record `outputs`, where the object itself is too large for SSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// `s3://…`
    pub outputs_url: String,
    /// Of that object, in hex.
    pub sha256: String,
}

impl Metadata {
    /// `place` names the record in messages.
    pub fn parse(place: &str, text: &str) -> Result<Self> {
        json::parse_object(place, text.as_bytes())
    }

    /// The bundle whose MD5 the record `md5` holds.
    pub fn committed(&self, md5: &str) -> Option<&Bundle> {
        self.bundles().find(|bundle| bundle.md5 == md5)
    }

    /// Both.
    pub fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        [Some(&self.bundle), self.previous.as_ref()].into_iter().flatten()
    }
}

impl Status {
    /// `place` names the record in messages.
    pub fn parse(place: &str, text: &str) -> Result<Self> {
        json::parse_object(place, text.as_bytes())
    }
}

impl Bundle {
    pub fn is_of(&self, checksum: &Checksum) -> bool {
        self.checksum == checksum.blake3.to_hex() && self.md5 == checksum.md5.to_hex()
    }
}
