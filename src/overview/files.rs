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

impl Files {
    pub fn none() -> Self {
        Files {
            listed: Listed::Package,
            files: Vec::new(),
        }
    }
}

/// What the package has, if the store knows it or its source tells; else what is known to get into it.
pub fn of(hashed: &Hashed, record: Option<&Record>, store: &Store) -> Result<Files> {
    let Hashed {
        function,
        tree,
        manifest,
    } = hashed;
    let stored = match record {
        Some(_) if !tree.is_whole() => store.package_manifest(function.name.as_str(), &manifest.source_hash())?,
        _ => None,
    };
    let listed = match tree.is_whole() || stored.is_some() {
        true => Listed::Package,
        false => Listed::Source,
    };
    let entries = stored.as_ref().unwrap_or(manifest).entries();
    let compressed = match (record, listed) {
        (Some(record), Listed::Package) => store.compressed_sizes(record, entries.iter().map(|entry| &*entry.path))?,
        _ => BTreeMap::new(),
    };
    Ok(Files {
        listed,
        files: entries.iter().map(|entry| view(entry, &compressed)).collect(),
    })
}

fn view(entry: &Entry, compressed: &BTreeMap<String, u64>) -> FileView {
    FileView {
        path: entry.path.to_string(),
        size: entry.size,
        compressed: compressed.get(&*entry.path).copied(),
        dependency: None,
        digest: (entry.kind != EntryKind::Symlink && entry.size > 0).then_some(entry.digest),
    }
}
