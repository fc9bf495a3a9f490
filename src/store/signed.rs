//! What AWS Signer made of packages, where lambda-deploy-module has it written ([`record::signed_key`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::{Error, Result};

use super::{Store, record};

/// A signed object.
#[derive(Clone, Debug)]
pub struct Signed {
    pub name: String,
    /// Of the package that was signed, as the key says.
    pub code_sha256: CodeSha256,
    key: String,
    size_bytes: u64,
}

impl Store {
    /// By the id of the job that wrote it.
    pub fn signed(&self) -> Result<BTreeMap<String, Signed>> {
        let listed = self.objects.list_all(record::SIGNED)?.unwrap_or_default();
        let signed = listed.into_iter().filter_map(|(key, listed)| {
            let (name, code_sha256, job) = record::parse_signed_key(&key)?;
            let job = job.to_owned();
            let signed = Signed {
                name: name.to_owned(),
                code_sha256,
                size_bytes: listed.size_bytes,
                key: key.clone(),
            };
            Some((job, signed))
        });
        Ok(signed.collect())
    }

    /// SHA-256 of the packages that were signed, in base64, by the id of the job.
    pub fn packages_of_jobs(&self) -> Result<BTreeMap<String, String>> {
        let signed = self.signed()?.into_iter();
        Ok(signed
            .map(|(job, signed)| (job, signed.code_sha256.to_base64()))
            .collect())
    }

    pub fn signed_url(&self, signed: &Signed) -> String {
        self.url.of_key(&signed.key)
    }

    /// Where what a job made of a package would be.
    pub fn signed_url_of(&self, name: &str, code_sha256: &CodeSha256, job: &str) -> String {
        self.url.of_key(&record::signed_key(name, code_sha256, job))
    }

    /// Writes it to a file, and gives the SHA-256 of its bytes; `None` if it isn't there any more.
    pub fn download_signed(&self, signed: &Signed, target: &Path) -> Result<Option<CodeSha256>> {
        self.write_to(&signed.key, signed.size_bytes, target)
    }

    /// The same of a package.
    pub fn download_package(&self, name: &str, code_sha256: &CodeSha256, target: &Path) -> Result<Option<CodeSha256>> {
        self.write_to(&record::package_key(name, code_sha256), 0, target)
    }

    fn write_to(&self, key: &str, size_bytes: u64, target: &Path) -> Result<Option<CodeSha256>> {
        let mut file = File::create(target).map_err(|cause| Error::io("write", target, cause))?;
        if !self.objects.read_package(key, size_bytes, &mut file)? {
            return Ok(None);
        }
        let digest = CodeSha256::of_file(target).map_err(|cause| Error::io("read", target, cause))?;
        Ok(Some(digest))
    }
}
