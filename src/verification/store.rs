//! Packages in the store.

use lambda_pack_core::diff::Change;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::as_argument;
use lambda_pack_core::manifest::Manifest;
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
    each_published(names, settings, meter, |name, source_hash, store| {
        verify(name, source_hash, deep, store).map(|(verified, _)| verified)
    })
}

/// Looks at what was published last of each function.
pub(super) fn each_published<T: Send>(
    names: &[String],
    settings: &Settings,
    meter: &'static Meter,
    verify: impl Fn(&str, &Digest, &Store) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let defined = load_functions(settings)?;
    if let Some(name) = names.iter().find(|name| !defined.contains_key(*name)) {
        return Err(function::unknown(name, defined.keys()));
    }
    let names: Vec<String> = match names {
        [] => defined.into_keys().collect(),
        names => names.to_vec(),
    };
    let store = settings.open_store(meter)?;
    let histories = store.histories(&names)?.ok_or_else(|| store.not_there())?;
    let pairs: Vec<_> = names.iter().zip(histories).collect();
    collect_all(parallel::map(&pairs, REQUESTS_AT_ONCE, |(name, history)| {
        meter.check()?;
        let verified = match history.first() {
            Some(last) => verify(name, &last.source_hash, &store),
            None => Err(
                Error::failed(format!("nothing of it is published in `{}`", store.url()))
                    .help(format!("`lambda-pack upload {}` publishes it", as_argument(name))),
            ),
        };
        in_function(name, verified)
    }))
}

/// Returns record and manifest, too, if they could be read.
pub(super) fn verify(
    name: &str,
    source_hash: &Digest,
    deep: bool,
    store: &Store,
) -> Result<(Verified, Option<(Record, Manifest)>)> {
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
    let mut known = None;
    verified.problem = match found {
        Ok(record) => {
            verified.code_sha256 = record.code_sha256.to_base64();
            match finding(contents(name, source_hash, &record, deep, store))? {
                Ok((source, differences)) => {
                    verified.differences = differences;
                    known = Some((record, source));
                    None
                }
                Err(problem) => Some(problem),
            }
        }
        Err(problem) => Some(problem),
    };
    Ok((verified, known))
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

/// What it was made from, and the entries that differ, if they were looked at.
fn contents(
    name: &str,
    source_hash: &Digest,
    record: &Record,
    deep: bool,
    store: &Store,
) -> Result<(Manifest, Vec<Change>)> {
    let Some(kept) = store.kept(name, source_hash)? else {
        return Err(store.no_manifest(name, source_hash));
    };
    let source = kept.source()?.manifest;
    if let Some(key) = kept.lacks_sbom()? {
        return Err(store.missing(&key, name, source_hash));
    }
    let expected = kept.package()?;
    if (expected.entries().len() as u64, expected.unzipped_bytes()) != (record.entries, record.unzipped_bytes) {
        return Err(store.bad_manifest(
            name,
            source_hash,
            "it is of another package than its record: the number of entries, or their size, is another",
        ));
    }
    if !deep {
        return Ok((source, Vec::new()));
    }
    let directory = scratch::directory()?;
    let file = directory.path().join("package.zip");
    store.download(name, record, &file)?;
    Ok((source, entries(&expected, &package_manifest(&file)?)?))
}
