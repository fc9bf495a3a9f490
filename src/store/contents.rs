//! What a store tells of what is in packages, without giving them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::sbom::{Component, components};
use lambda_pack_core::{Error, ErrorKind, Result};
use zip::ZipArchive;

use super::{Record, Store, StoreUrl, record};

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

    /// Bytes that entries have in the zip, by their paths, as the list at its end says. Empty where that can't be had without
    /// the whole zip, and where the package is gone.
    pub fn compressed_sizes(&self, record: &Record) -> Result<BTreeMap<String, u64>> {
        let StoreUrl::File(root) = &self.url else {
            return Ok(BTreeMap::new());
        };
        // A package that is gone is a fault elsewhere.
        let Ok(file) = File::open(root.join(record.package_key())) else {
            return Ok(BTreeMap::new());
        };
        let sizes = ZipArchive::new(BufReader::new(file)).and_then(|mut zip| {
            (0..zip.len())
                .map(|index| {
                    let entry = zip.by_index_raw(index)?;
                    Ok((entry.name()?.into_owned(), entry.compressed_size()))
                })
                .collect()
        });
        sizes.map_err(|problem| {
            let url = self.package_url(record);
            Error::new(ErrorKind::Integrity, format!("`{url}`: {problem}"))
                .help("somebody changed it: lambda-pack verify --level store --deep")
        })
    }
}
