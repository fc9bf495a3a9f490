//! What there is to know of a project's packages, for `report`: made of the sources and of what the store knows, without a
//! build, and without reading a package but the list at its end.

mod dependencies;
mod files;
mod history;
mod limits;
mod model;
mod page;
mod shared;
mod summary;

use std::collections::BTreeMap;

use lambda_pack_core::fitness::Tier;
use lambda_pack_core::function::Kind;
use lambda_pack_core::{Meter, Result, collect_all};

use crate::packaging::{Hashed, hash_functions, in_function, open_caches};
use crate::settings::Settings;
use crate::store::{Found, Past, REQUESTS_AT_ONCE, Record, Store, StoreUrl};
use crate::{caches, comparison, parallel};

use files::Files;
pub use model::Overview;
use model::{FunctionView, PackageView, Previous, Standing};
pub use page::page;
pub use summary::{summary, table};

/// How much is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Detail {
    /// What a row of a table has room for.
    Summary,
    /// Files and dependencies too, and so many of the packages that were published: three requests each at most.
    All { history: usize },
}

/// The overview of these functions, or of all, and of the layers that they name.
pub fn overview(settings: &Settings, names: &[String], detail: Detail, meter: &'static Meter) -> Result<Overview> {
    let caches = open_caches(settings, false);
    let hashed = hash_functions(settings, names, &caches, meter)?.into_all();
    caches::keep(caches);
    let mut store = settings.open_store(meter)?;
    let names: Vec<String> = hashed.iter().map(|hashed| hashed.function.name.to_string()).collect();
    let histories = store.histories(&names)?;
    let store_exists = histories.is_some();
    if store_exists {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        store.expect(&names, settings.cache_dir.as_deref())?;
    }
    let histories = histories.unwrap_or_else(|| vec![Vec::new(); hashed.len()]);
    let of_one = OfOne {
        settings,
        store: &store,
        detail,
    };
    let pairs: Vec<(&Hashed, Vec<Past>)> = hashed.iter().zip(histories).collect();
    let functions = parallel::map(&pairs, REQUESTS_AT_ONCE, |(hashed, history)| {
        meter.check()?;
        in_function(&hashed.function.name, of_one.view(hashed, history))
    });
    store.save_cache();
    // What was interrupted says that it isn't known.
    meter.check()?;
    let mut functions = collect_all(functions)?;
    let tier = settings
        .profile
        .as_ref()
        .map(|profile| profile.tier)
        .unwrap_or_default();
    add_limits(tier, &hashed, &mut functions);
    Ok(Overview {
        store: address(settings),
        store_exists,
        tier,
        shared: shared::of(&functions),
        functions,
    })
}

/// Without a directory of this machine. A store in the project has a name that is the same everywhere.
fn address(settings: &Settings) -> String {
    let portable = settings.store.portable(&settings.project_dir);
    match &settings.store {
        StoreUrl::File(root) if !portable.starts_with("file://./") => {
            format!("file://…/{}", root.file_name().unwrap_or_default().display())
        }
        StoreUrl::File(_) | StoreUrl::S3 { .. } => portable,
    }
}

/// Layers count with the functions that name them, so that all must be known before.
fn add_limits(tier: Tier, hashed: &[Hashed], functions: &mut [FunctionView]) {
    let known = functions
        .iter()
        .map(|function| (function.name.clone(), function.unzipped_bytes));
    let known: BTreeMap<String, Option<u64>> = known.collect();
    for (view, hashed) in functions.iter_mut().zip(hashed) {
        view.limits = limits::of(tier, view, &hashed.function, &known);
    }
}

/// What is the same for all functions.
struct OfOne<'a> {
    settings: &'a Settings,
    store: &'a Store,
    detail: Detail,
}

impl OfOne<'_> {
    fn view(&self, hashed: &Hashed, history: &[Past]) -> Result<FunctionView> {
        let Hashed {
            function,
            tree,
            manifest,
        } = hashed;
        let (name, source_hash) = (function.name.as_str(), manifest.source_hash());
        // Without a bucket there is nobody to ask.
        let record = match history.is_empty() {
            true => None,
            false => match self.store.find(name, &source_hash)? {
                Found::Published(record) => Some(record),
                Found::Nothing | Found::PackageMissing(..) => None,
            },
        };
        let last = history.first();
        let standing = match last {
            None => Standing::New,
            Some(last) if last.source_hash == source_hash => Standing::Published,
            Some(_) => Standing::Changed,
        };
        let (files, dependencies, history_goes_to) = match self.detail {
            Detail::Summary => (Files::none(), Vec::new(), 0),
            Detail::All { history } => {
                let mut files = files::of(hashed, record.as_ref(), self.store)?;
                let dependencies = dependencies::of(hashed, &mut files, record.is_some(), self.store)?;
                (files, dependencies, history)
            }
        };
        let unzipped = match &record {
            Some(record) => Some(record.unzipped_bytes),
            None => tree.is_whole().then(|| manifest.unzipped_bytes()),
        };
        let definition = &function.definition;
        Ok(FunctionView {
            name: name.to_owned(),
            kind: match definition.kind {
                Kind::Function => "function",
                Kind::Layer => "layer",
            },
            runtime: definition.runtime.as_ref().map(|runtime| runtime.as_str().to_owned()),
            architecture: definition.architectures.one().name(),
            source_hash: source_hash.to_hex(),
            status: standing,
            reason: comparison::reason(hashed, history, self.store)
                .unwrap_or_else(|error| Some(comparison::unknown(&error, self.settings))),
            previous: match (standing, last) {
                (Standing::Changed, Some(last)) => Some(self.previous(name, last)?),
                _ => None,
            },
            package: record.as_ref().map(|record| PackageView {
                code_sha256: record.code_sha256.to_base64(),
                size_bytes: record.size_bytes,
                unzipped_bytes: record.unzipped_bytes,
            }),
            unzipped_bytes: unzipped,
            listed: files.listed,
            files: files.files,
            dependencies,
            limits: Vec::new(),
            history: self.past(name, history, history_goes_to),
            older: history.len().saturating_sub(history_goes_to),
        })
    }

    /// Sizes are left out where its record has just gone: that it isn't this one is known all the same.
    fn previous(&self, name: &str, last: &Past) -> Result<Previous> {
        let record = record(self.store.find(name, &last.source_hash)?);
        Ok(Previous {
            source_hash: last.source_hash.to_hex(),
            size_bytes: record.as_ref().map(|record| record.size_bytes),
            unzipped_bytes: record.map(|record| record.unzipped_bytes),
        })
    }
}

/// Also of a package that is gone.
fn record(found: Found) -> Option<Record> {
    match found {
        Found::Published(record) | Found::PackageMissing(record, _) => Some(record),
        Found::Nothing => None,
    }
}
