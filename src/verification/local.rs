//! Packages that `build` left on disk.

use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::function::as_argument;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all};

use super::{Verified, entries};
use crate::comparison::package_manifest;
use crate::packaging::{Hashed, hash_functions, in_function, open_caches};
use crate::settings::Settings;
use crate::store::Store;
use crate::{caches, parallel};

/// Packages are unpacked by processors, not waited for; but each holds a file in memory meanwhile.
const AT_ONCE: usize = 4;

/// Compares `<name>.zip` in the output directory with the source, entry by entry; of what a build makes with the manifest that
/// the store has of it.
pub fn local(names: &[String], settings: &Settings, meter: &'static Meter) -> Result<Vec<Verified>> {
    let caches = open_caches(settings, false);
    let hashed = hash_functions(settings, names, &caches, meter)?.functions;
    caches::keep(caches);
    let store = settings.open_store(meter)?;
    collect_all(parallel::map(&hashed, AT_ONCE, |hashed| {
        meter.check()?;
        let name = &hashed.function.name;
        let package = settings.out_dir.join(format!("{name}.zip"));
        in_function(name, verify(hashed, &package, &store))
    }))
}

fn verify(hashed: &Hashed, package: &Path, store: &Store) -> Result<Verified> {
    let name = hashed.function.name.as_str();
    let source_hash = hashed.manifest.source_hash();
    let code_sha256 = CodeSha256::of_file(package).map_err(|cause| {
        Error::input("read", package, cause).help(format!("`lambda-pack build {}` makes it", as_argument(name)))
    })?;
    let made: Option<Manifest> = match hashed.tree.is_whole() {
        true => None,
        false => Some(store.package_manifest(name, &source_hash)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Failed,
                format!(
                    "a build makes its package, and `{}` has none of the source hash {source_hash} to compare it with",
                    store.url()
                ),
            )
            .help("`lambda-pack verify --level rebuild` builds it again")
        })?),
    };
    Ok(Verified {
        name: name.to_owned(),
        source_hash: source_hash.to_hex(),
        code_sha256: code_sha256.to_base64(),
        differences: entries(made.as_ref().unwrap_or(&hashed.manifest), &package_manifest(package)?)?,
        problem: None,
    })
}
