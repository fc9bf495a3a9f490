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

/// Whether this entry is as it was published. For Python its digest tells; npm leaves none.
pub fn is_published(tree: &Tree, path: &str) -> Result<bool> {
    if path.split('/').rev().skip(1).any(|directory| directory == OF_NPM) {
        return Ok(true);
    }
    let Some(entry) = tree.find(path) else {
        return Ok(false);
    };
    let mut digest = None;
    for record in tree.entries().iter().filter(|entry| entry.path.ends_with(RECORD)) {
        let distribution = &record.path[..record.path.len() - RECORD.len()];
        let directory = distribution.rfind('/').map_or("", |slash| &distribution[..=slash]);
        let Some(recorded) = path.strip_prefix(directory) else {
            continue;
        };
        let list = fs::read_to_string(&record.file).map_err(|cause| Error::input("read", &record.file, cause))?;
        let Some(expected) = recorded_digest(&list, recorded) else {
            continue;
        };
        if digest.is_none() {
            let content = fs::read(&entry.file).map_err(|cause| Error::input("read", &entry.file, cause))?;
            digest = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(content)));
        }
        if digest.as_deref() == Some(expected) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `path,sha256=digest,size`, a file a line.
fn recorded_digest<'a>(list: &'a str, path: &str) -> Option<&'a str> {
    let found = list.lines().find_map(|line| {
        let mut fields = line.rsplitn(3, ',').skip(1);
        let (digest, recorded) = (fields.next()?, fields.next()?);
        (recorded.trim_matches('"') == path).then_some(digest)
    });
    found?.strip_prefix("sha256=")
}
