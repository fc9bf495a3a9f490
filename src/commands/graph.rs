//! `graph`: what functions are made of, and what they need.

use std::collections::{BTreeMap, BTreeSet};

use lambda_pack_core::function;
use lambda_pack_core::graph::Sizes;
use lambda_pack_core::{ErrorKind, Meter, Result, collect_all};

use super::output;
use crate::cli::{Common, GraphArgs, GraphFormat};
use crate::packaging::{Hashed, graph_of, hash_loaded, load_functions, open_caches};
use crate::report::Progress;
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE};
use crate::{caches, parallel, report};

pub fn run(args: &GraphArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("hashing", meter);
    let caches = open_caches(&settings, false);
    let functions = load_functions(&settings)?;
    let selected = function::select(functions.clone(), &args.names)?;
    let names: BTreeSet<&str> = selected.all().map(|function| function.name.as_str()).collect();
    // What leads from one of them back to it may lead through any of the others.
    let all = hash_loaded(functions, &settings, &[], &caches, meter)?.into_all();
    caches::keep(caches);
    let mut graph = graph_of(all.iter().map(|it| (&it.function, &it.tree)), &settings)?;
    let is_named = |hashed: &&Hashed| names.contains(hashed.function.name.as_str());
    let hashed: Vec<&Hashed> = all.iter().filter(is_named).collect();
    if hashed.len() < all.len() {
        graph = graph_of(hashed.iter().map(|it| (&it.function, &it.tree)), &settings)?;
    }
    if !args.no_store {
        graph = graph.with_sizes(&known_sizes(&hashed, &settings, meter)?);
    }
    drop(progress);
    match args.format {
        _ if common.json => output::json(&graph),
        GraphFormat::Json => output::json(&graph),
        GraphFormat::Mermaid => output::bytes(graph.to_mermaid().as_bytes()),
        GraphFormat::Dot => output::bytes(graph.to_dot().as_bytes()),
        GraphFormat::Svg => output::bytes(graph.to_svg().as_bytes()),
    }
}

/// What the store knows of these functions' packages, by their names; nothing, with a warning, if it can't be asked. A record that
/// contradicts its package is an error like everywhere.
fn known_sizes<'a>(
    hashed: &[&'a Hashed],
    settings: &Settings,
    meter: &'static Meter,
) -> Result<BTreeMap<&'a str, Sizes>> {
    stored_sizes(hashed, settings, meter).or_else(|error| match error.kind() {
        ErrorKind::Failed => {
            report::warning(&format!(
                "sizes of packages are left out: {error} (--no-store doesn't ask)"
            ));
            Ok(BTreeMap::new())
        }
        _ => Err(error),
    })
}

fn stored_sizes<'a>(
    hashed: &[&'a Hashed],
    settings: &Settings,
    meter: &'static Meter,
) -> Result<BTreeMap<&'a str, Sizes>> {
    let names: Vec<&str> = hashed.iter().map(|hashed| hashed.function.name.as_str()).collect();
    let mut store = settings.open_store(meter)?;
    store.expect(&names, settings.cache_dir.as_deref())?;
    let found = parallel::map(hashed, REQUESTS_AT_ONCE, |hashed| {
        let name = hashed.function.name.as_str();
        let found = store.find(name, &hashed.manifest.source_hash())?;
        Ok(match found {
            Found::Published(record) => {
                let sizes = Sizes {
                    size_bytes: Some(record.size_bytes),
                    unzipped_bytes: Some(record.unzipped_bytes),
                };
                Some((name, sizes))
            }
            Found::Nothing | Found::PackageMissing(..) => None,
        })
    });
    store.save_cache();
    Ok(collect_all(found)?.into_iter().flatten().collect())
}
