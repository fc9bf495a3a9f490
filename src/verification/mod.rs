//! Whether packages are what their manifests say, on disk and in the store; and whether Lambda has them. Building twice is `rebuild`'s.

mod compare;
pub mod deployed;
mod local;
mod provenance;
mod signed;
mod store;

use lambda_pack_core::diff::{Change, Difference};
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::{Error, ErrorKind, Result};

pub use local::local;
pub use provenance::{Proven, provenance};
pub use store::store;

/// A package that was compared with what is known of it.
#[derive(Debug)]
pub struct Verified {
    pub name: String,
    pub source_hash: String,
    /// In base64.
    pub code_sha256: String,
    /// Entries that aren't as they should be.
    pub differences: Vec<Change>,
    /// What is wrong beside entries.
    pub problem: Option<Error>,
}

impl Verified {
    pub fn is_same(&self) -> bool {
        self.differences.is_empty() && self.problem.is_none()
    }
}

/// The entries of a package that aren't what they should be; what decided them is none.
fn entries(expected: &Manifest, found: &Manifest) -> Result<Vec<Change>> {
    let alone = |manifest: &Manifest| Manifest::new(manifest.algorithm(), manifest.entries().to_vec(), None);
    Ok(Difference::between(&alone(expected), &alone(found))?.changes)
}

/// Contradictions are findings, all else is a failure to look.
fn finding<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if error.kind() != ErrorKind::Integrity => Err(error),
        result => Ok(result),
    }
}
