//! What a document says that can be checked: its digests.

use std::fmt::Display;

use serde::Deserialize;

use super::{FILE_NAME, SCHEMA_VERSION};
use crate::digest::{Algorithm, Digest};
use crate::function::{AssetUrl, FunctionName, Sha256};
use crate::{Error, Result, json};

/// What the name of the file with the document's SHA-256 ends with.
pub const SUMS_EXTENSION: &str = "sha256";

/// A document, as far as it is checked. What else it says stands under the SHA-256 of the whole.
#[derive(Debug, Deserialize)]
pub struct Claims {
    schema_version: u32,
    pub store: String,
    pub functions: Vec<FunctionClaim>,
    pub assets: Vec<AssetClaim>,
    validation: Vec<ValidationClaim>,
}

#[derive(Debug, Deserialize)]
pub struct FunctionClaim {
    pub name: FunctionName,
    source_hash: String,
    pub code_sha256: String,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
    pub store_url: String,
}

#[derive(Debug, Deserialize)]
pub struct AssetClaim {
    pub function: String,
    pub url: AssetUrl,
    pub sha256: Sha256,
}

#[derive(Debug, Deserialize)]
struct ValidationClaim {
    check: String,
    status: String,
    detail: String,
}

impl Claims {
    pub fn parse(place: impl Display, content: &[u8]) -> Result<Self> {
        let claims: Claims = json::parse_object(&place, content)?;
        if claims.schema_version != SCHEMA_VERSION {
            return Err(Error::invalid(format!(
                "{place}: key `schema_version`: found {}; allowed: {SCHEMA_VERSION}",
                claims.schema_version
            ))
            .help("use the version of lambda-pack that wrote it"));
        }
        Ok(claims)
    }

    /// The checks that failed when it was written.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.validation.iter().filter(|validation| validation.status == "fail");
        failed.map(|validation| format!("{}: {}", validation.check, validation.detail))
    }
}

impl FunctionClaim {
    pub fn source_hash(&self) -> Result<Digest> {
        Digest::from_hex(Algorithm::Blake3, &self.source_hash)
            .ok_or_else(|| Error::invalid(format!("function `{}`: its source hash is none", self.name)))
    }
}

/// The line that `sha256sum --check` takes.
pub fn sums_line(sha256_hex: &str) -> String {
    format!("{sha256_hex}  {FILE_NAME}\n")
}

/// The digest of a line that [`sums_line`] or `sha256sum` made.
pub fn sums_of(line: &str) -> Option<&str> {
    let digest = line.split_whitespace().next()?;
    (digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digest)
}
