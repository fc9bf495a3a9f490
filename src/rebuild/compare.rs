//! Two packages, entry by entry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::{Error, Result};
use serde::Serialize;
use zip::ZipArchive;

/// What differs between two packages.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Entry path.
    pub path: String,
    pub change: Change,
}

/// How the second build differs from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Added,
    Removed,
    Modified,
    /// Only whether it is executable, or a link.
    Mode,
}

impl Change {
    /// As the JSON form spells it.
    pub fn name(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Modified => "modified",
            Change::Mode => "mode",
        }
    }
}

/// What of an entry reaches Lambda.
#[derive(PartialEq, Eq)]
struct Entry {
    content: Digest,
    mode: Option<u32>,
}

/// Empty where the packages differ in nothing that gets unzipped.
pub fn compare(first: &Path, second: &Path) -> Result<Vec<Difference>> {
    let (first, second) = (read(first)?, read(second)?);
    let paths: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let differences = paths.into_iter().filter_map(|path| {
        let change = match (first.get(path), second.get(path)) {
            (Some(_), None) => Change::Removed,
            (None, _) => Change::Added,
            (Some(one), Some(other)) if one == other => return None,
            (Some(one), Some(other)) if one.content == other.content => Change::Mode,
            (Some(_), Some(_)) => Change::Modified,
        };
        Some(Difference {
            path: path.clone(),
            change,
        })
    });
    Ok(differences.collect())
}

fn read(path: &Path) -> Result<BTreeMap<String, Entry>> {
    let invalid = |error: zip::result::ZipError| Error::failed(format!("cannot read `{}`: {error}", path.display()));
    let file = File::open(path).map_err(|cause| Error::io("read", path, cause))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(invalid)?;
    let mut entries = BTreeMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(invalid)?;
        let mode = entry.unix_mode();
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|cause| Error::io("read", path, cause))?;
        let content = Algorithm::Blake3.hash(&content);
        let name = entry.name().map_err(invalid)?.into_owned();
        entries.insert(name, Entry { content, mode });
    }
    Ok(entries)
}
