//! `external hash` and `external published`: Terraform's questions. Neither has any effect.

use std::ffi::OsStr;

use lambda_pack_core::function::FunctionName;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all};

use rayon::prelude::*;

use super::output;
use crate::cli::Common;
use crate::comparison;
use crate::external::{self, HashQuery, HashedPackage, PublishedQuery};
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, Record, Store};
use crate::{caches, parallel};

pub fn hash(common: &Common, meter: &'static Meter) -> Result<()> {
    let query: HashQuery = external::read_query()?;
    let names = query.names()?;
    let explain = query.explain()?;
    let common = Common {
        config_dir: given(query.config_dir).or_else(|| common.config_dir.clone()),
        code_dir: given(query.code_dir).or_else(|| common.code_dir.clone()),
        store: given(query.store).or_else(|| common.store.clone()),
        deployment_profile: given(query.deployment_profile).or_else(|| common.deployment_profile.clone()),
        ..common.clone()
    };
    let settings = Settings::resolve(&common, None, None)?;
    let caches = super::open_caches(&settings, false);
    // The deploy module needs the layers of the functions that were named.
    let hashed = super::hash_functions(&settings, &names.unwrap_or_default(), &caches, meter)?.into_all();
    caches::keep(caches);
    // All of a definition gets into Terraform's state.
    let checked = hashed.iter().map(|hashed| {
        let function = &hashed.function;
        super::in_function(&function.name, Guard::of(function).check_infrastructure())
    });
    collect_all(checked)?;
    let packages = hashed.par_iter().map(|hashed| {
        let function = &hashed.function;
        (
            function.name.as_str(),
            hashed.manifest.source_hash(),
            &*function.definition,
        )
    });
    let mut result = external::hash_result(packages);
    if explain {
        let reasons = comparison::reasons(&hashed, &settings);
        result.insert("reasons", serde_json::to_string(&reasons).expect("texts by name"));
    }
    output::json(&result)?;
    // The process ends: freeing all entries of a thousand functions would be for nothing, and takes long.
    std::mem::forget(hashed);
    Ok(())
}

pub fn published(common: &Common, meter: &'static Meter) -> Result<()> {
    let query: PublishedQuery = external::read_query()?;
    let packages: Vec<(FunctionName, HashedPackage)> = query.packages()?.into_iter().collect();
    let common = Common {
        store: given(query.store).or_else(|| common.store.clone()),
        ..common.clone()
    };
    let settings = Settings::resolve(&common, None, None)?;
    let store = Store::open(&settings.store, &settings.aws, meter)?;
    // All of a plan have the same.
    let profile = packages.iter().find_map(|(_, package)| package.deployment_profile());
    let mut store = store.of_profile(profile);
    let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
    store.expect(&names, settings.cache_dir.as_deref())?;
    let records = parallel::map(&packages, REQUESTS_AT_ONCE, |(name, package)| {
        record(&store, name, package)
    });
    store.save_cache();
    let records = collect_all(records)?;
    let published = packages.into_iter().zip(records);
    let published: Vec<_> = published
        .map(|((name, package), record)| (name, package, record))
        .collect();
    output::json(&external::published_result(store.url(), &published))
}

/// Terraform can't leave a key out by a condition, only empty it.
fn given<T: AsRef<OsStr>>(value: Option<T>) -> Option<T> {
    value.filter(|value| !value.as_ref().is_empty())
}

fn record(store: &Store, name: &FunctionName, package: &HashedPackage) -> Result<Record> {
    let source_hash = package.source_hash(name)?;
    let missing = |what: &str| {
        Error::new(
            ErrorKind::Failed,
            format!(
                "function `{name}`: {what} for the source hash {source_hash} in `{}`",
                store.url()
            ),
        )
        .help(format!(
            "in the project, run: {}",
            store.upload_command(name.as_str(), &source_hash)
        ))
    };
    let found = match store.find(name.as_str(), &source_hash)? {
        // Rather one request too many than an error that isn't true any more.
        Found::Nothing => store.ask(name.as_str(), &source_hash)?,
        found => found,
    };
    match found {
        Found::Published(record) => Ok(record),
        Found::Nothing => Err(missing("there is no package")),
        Found::PackageMissing(..) => Err(missing("the package was deleted that is recorded")),
    }
}
