//! `graph`: what functions are made of, and what they need.

use lambda_pack_core::graph::{Graph, Member, Sizes};
use lambda_pack_core::{ErrorKind, Meter, Result, collect_all};

use super::output;
use crate::cli::{Common, GraphArgs, GraphFormat};
use crate::packaging::{Hashed, hash_functions, open_caches};
use crate::report::Progress;
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, Store};
use crate::{caches, parallel, report};

pub fn run(args: &GraphArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("hashing", meter);
    let caches = open_caches(&settings, false);
    let hashed = hash_functions(&settings, &args.names, &caches, meter)?.into_all();
    caches::keep(caches);
    let sizes = match args.no_store {
        true => Vec::new(),
        false => known_sizes(&hashed, &settings, meter)?,
    };
    drop(progress);
    let members: Vec<Member> = hashed
        .iter()
        .enumerate()
        .map(|(index, Hashed { function, tree, .. })| Member {
            function,
            tree,
            sizes: sizes.get(index).copied().unwrap_or_default(),
        })
        .collect();
    let graph = Graph::of(&members, settings.places())?;
    graph.check()?;
    match args.format {
        _ if common.json => output::json(&graph),
        GraphFormat::Json => output::json(&graph),
        GraphFormat::Mermaid => output::bytes(graph.to_mermaid().as_bytes()),
        GraphFormat::Dot => output::bytes(graph.to_dot().as_bytes()),
        GraphFormat::Svg => output::bytes(graph.to_svg().as_bytes()),
    }
}

/// What the store knows of these functions' packages; nothing, with a warning, if it can't be asked. A record that contradicts
/// its package is an error like everywhere.
fn known_sizes(hashed: &[Hashed], settings: &Settings, meter: &'static Meter) -> Result<Vec<Sizes>> {
    stored_sizes(hashed, settings, meter).or_else(|error| match error.kind() {
        ErrorKind::Failed => {
            report::warning(&format!(
                "sizes of packages are left out: {error} (--no-store doesn't ask)"
            ));
            Ok(Vec::new())
        }
        _ => Err(error),
    })
}

fn stored_sizes(hashed: &[Hashed], settings: &Settings, meter: &'static Meter) -> Result<Vec<Sizes>> {
    let names: Vec<&str> = hashed.iter().map(|hashed| hashed.function.name.as_str()).collect();
    let mut store = Store::open(&settings.store, &settings.aws, meter)?;
    store.expect(&names, settings.cache_dir.as_deref())?;
    let found = parallel::map(hashed, REQUESTS_AT_ONCE, |hashed| {
        let name = hashed.function.name.as_str();
        let found = store.find(name, &hashed.manifest.source_hash())?;
        Ok(match found {
            Found::Published(record) => Sizes {
                size_bytes: Some(record.size_bytes),
                unzipped_bytes: Some(record.unzipped_bytes),
            },
            Found::Nothing | Found::PackageMissing(..) => Sizes::default(),
        })
    });
    store.save_cache();
    collect_all(found)
}
