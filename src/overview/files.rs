//! The files of a package.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::manifest::{Entry, EntryKind};

use super::model::{FileView, Listed};
use crate::packaging::Hashed;
use crate::store::{Record, Store};

pub struct Files {
    pub listed: Listed,
    pub files: Vec<FileView>,
}

/// What the package has, if the store knows it or its source tells; else what is known to get into it.
pub fn of(hashed: &Hashed, record: Option<&Record>, store: &Store) -> Result<Files> {
    let Hashed {
        function,
        tree,
        manifest,
    } = hashed;
    let compressed = match record {
        Some(record) => store.compressed_sizes(record)?,
        None => BTreeMap::new(),
    };
    if tree.is_whole() {
        return Ok(Files {
            listed: Listed::Package,
            files: views(manifest.entries(), &compressed),
        });
    }
    let stored = match record {
        Some(_) => store.package_manifest(function.name.as_str(), &manifest.source_hash())?,
        None => None,
    };
    Ok(match stored {
        Some(stored) => Files {
            listed: Listed::Package,
            files: views(stored.entries(), &compressed),
        },
        None => Files {
            listed: Listed::Source,
            files: views(manifest.entries(), &BTreeMap::new()),
        },
    })
}

fn views(entries: &[Entry], compressed: &BTreeMap<String, u64>) -> Vec<FileView> {
    let views = entries.iter().map(|entry| FileView {
        path: entry.path.to_string(),
        size: entry.size,
        compressed: compressed.get(&*entry.path).copied(),
        dependency: None,
        digest: (entry.kind != EntryKind::Symlink && entry.size > 0).then_some(entry.digest),
    });
    views.collect()
}
