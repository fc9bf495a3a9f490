//! Packages in the store.

use lambda_pack_core::diff::Change;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, function};

use super::{Verified, entries, finding};
use crate::comparison::package_manifest;
use crate::packaging::{in_function, load_functions};
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, Record, Store};
use crate::{parallel, scratch};

/// Compares what was published last of each function with its record and its manifest: size, SHA-256 and metadata, as the service
/// tells them. With `deep` the package is downloaded, and compared entry by entry.
pub fn store(names: &[String], deep: bool, settings: &Settings, meter: &'static Meter) -> Result<Vec<Verified>> {
    let defined = load_functions(settings)?;
    if let Some(name) = names.iter().find(|name| !defined.contains_key(*name)) {
        return Err(function::unknown(name, defined.keys()));
    }
    let names: Vec<String> = match names {
        [] => defined.into_keys().collect(),
        names => names.to_vec(),
    };
    let store = Store::open(&settings.store, &settings.aws, meter)?;
    let histories = store.histories(&names)?.ok_or_else(|| store.not_there())?;
    let pairs: Vec<_> = names.iter().zip(histories).collect();
    collect_all(parallel::map(&pairs, REQUESTS_AT_ONCE, |(name, history)| {
        meter.check()?;
        let verified = match history.first() {
            Some(last) => verify(name, &last.source_hash, deep, &store),
            None => Err(
                Error::failed(format!("nothing of it is published in `{}`", store.url()))
                    .help(format!("`lambda-pack upload {name}` publishes it")),
            ),
        };
        in_function(name, verified)
    }))
}

fn verify(name: &str, source_hash: &Digest, deep: bool, store: &Store) -> Result<Verified> {
    let mut verified = Verified {
        name: name.to_owned(),
        source_hash: source_hash.to_hex(),
        code_sha256: String::new(),
        differences: Vec::new(),
        problem: None,
    };
    let found = finding(
        store
            .ask(name, source_hash)
            .and_then(|found| published(found, store, name)),
    )?;
    verified.problem = match found {
        Ok(record) => {
            verified.code_sha256 = record.code_sha256.to_base64();
            match finding(contents(name, source_hash, &record, deep, store))? {
                Ok(differences) => {
                    verified.differences = differences;
                    None
                }
                Err(problem) => Some(problem),
            }
        }
        Err(problem) => Some(problem),
    };
    Ok(verified)
}

fn published(found: Found, store: &Store, name: &str) -> Result<Record> {
    match found {
        Found::Published(record) => Ok(record),
        Found::PackageMissing(record, _) => Err(store.missing(&record.package_key(), name, &record.source_hash())),
        Found::Nothing => Err(Error::new(
            ErrorKind::Integrity,
            format!("its record in `{}` was deleted just now", store.url()),
        )
        .help("run again")),
    }
}

/// The entries that differ, if they were looked at.
fn contents(name: &str, source_hash: &Digest, record: &Record, deep: bool, store: &Store) -> Result<Vec<Change>> {
    let Some(kept) = store.kept(name, source_hash)? else {
        return Err(store.no_manifest(name, source_hash));
    };
    kept.source()?;
    let expected = kept.package()?;
    if (expected.entries().len() as u64, expected.unzipped_bytes()) != (record.entries, record.unzipped_bytes) {
        return Err(store.bad_manifest(
            name,
            source_hash,
            "it is of another package than its record: the number of entries, or their size, is another",
        ));
    }
    if !deep {
        return Ok(Vec::new());
    }
    let directory = scratch::directory()?;
    let file = directory.path().join("package.zip");
    store.download(name, record, &file)?;
    entries(&expected, &package_manifest(&file)?)
}
