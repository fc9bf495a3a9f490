//! What an installer put into a source as it was published. It is public: test keys that a package ships open nothing.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::source::Tree;
use crate::{Error, Result};

/// Where npm and its kin install, and nobody else writes.
const OF_NPM: &str = "node_modules";

/// How the lists end that pip and uv leave of each distribution:
/// <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>
const RECORD: &str = ".dist-info/RECORD";

/// The lists of a tree.
pub struct Published<'a> {
    tree: &'a Tree,
    records: Vec<Record<'a>>,
}

struct Record<'a> {
    /// What its paths are relative to: empty, or ends with `/`.
    directory: &'a str,
    text: String,
}

impl<'a> Published<'a> {
    pub fn of(tree: &'a Tree) -> Result<Self> {
        let records = tree.entries().iter().filter_map(|entry| {
            let distribution = entry.path.strip_suffix(RECORD)?;
            Some((distribution, &entry.file))
        });
        let records = records.map(|(distribution, file)| {
            let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
            let directory = distribution.rfind('/').map_or("", |slash| &distribution[..=slash]);
            Ok(Record { directory, text })
        });
        Ok(Published {
            tree,
            records: records.collect::<Result<_>>()?,
        })
    }

    /// Whether this entry is as it was published. For Python its digest tells; npm leaves none.
    pub fn has(&self, path: &str) -> Result<bool> {
        if path.split('/').rev().skip(1).any(|directory| directory == OF_NPM) {
            return Ok(true);
        }
        let recorded: Vec<&str> = self.records.iter().filter_map(|record| record.digest(path)).collect();
        let (false, Some(entry)) = (recorded.is_empty(), self.tree.find(path)) else {
            return Ok(false);
        };
        let content = fs::read(&entry.file).map_err(|cause| Error::input("read", &entry.file, cause))?;
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        Ok(recorded.contains(&digest.as_str()))
    }
}

impl Record<'_> {
    /// From the line `path,sha256=digest,size`.
    fn digest(&self, path: &str) -> Option<&str> {
        let path = path.strip_prefix(self.directory)?;
        let found = self.text.lines().find_map(|line| {
            let mut fields = line.rsplitn(3, ',').skip(1);
            let (digest, recorded) = (fields.next()?, fields.next()?);
            (recorded.trim_matches('"') == path).then_some(digest)
        });
        found?.strip_prefix("sha256=")
    }
}
