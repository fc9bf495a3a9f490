//! What a store tells of what is in packages, without giving them.

use std::collections::BTreeMap;

use lambda_pack_core::archive::listing;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::sbom::{Component, components};
use lambda_pack_core::{Error, ErrorKind, Result};

use super::{Record, Store, record};

impl Store {
    /// What the bill of materials of a package lists; `None` if there is none.
    pub fn sbom(&self, name: &str, source_hash: &Digest) -> Result<Option<Vec<Component>>> {
        let key = record::sbom_key(name, source_hash);
        let Some(object) = self.objects.get(&key)? else {
            return Ok(None);
        };
        let listed = components(&object.content).map_err(|problem| {
            Error::new(ErrorKind::Integrity, format!("`{}`: {problem}", self.url.of_key(&key)))
                .help("somebody changed it; restore an older version of that object")
        });
        listed.map(Some)
    }

    /// The statement who built a package, as it is stored; `None` if there is none.
    pub fn provenance(&self, record: &Record) -> Result<Option<Vec<u8>>> {
        let object = self.objects.get(&record.provenance_key())?;
        Ok(object.map(|object| object.content))
    }

    /// Its address, for people.
    pub fn provenance_url(&self, record: &Record) -> String {
        self.url.of_key(&record.provenance_key())
    }

    /// Bytes that the package's entries have in it, by their paths, as the list at its end says. Empty if the package is gone,
    /// or somebody put another one there.
    pub fn compressed_sizes<'a>(
        &self,
        record: &Record,
        paths: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, u64>> {
        let bytes = listing::most_bytes(paths).min(record.size_bytes);
        let end = self.objects.read_end(&record.package_key(), bytes)?;
        let sizes = end.and_then(|end| listing::compressed_sizes(&end, record.size_bytes));
        Ok(sizes.unwrap_or_default())
    }
}
