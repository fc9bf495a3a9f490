//! From definitions to packages: what is packed, what the store has of it, and making and publishing the rest.

mod again;
mod layers;
mod origin;
mod packages;
mod scratch;
mod state;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use lambda_pack_core::cache::Caches;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::{self, Function, Secret, Selected};
use lambda_pack_core::graph::{Graph, Member};
use lambda_pack_core::json::Object;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::preflight::{self, Contents, Layer};
use lambda_pack_core::profile::refuse_parameters;
use lambda_pack_core::secrets::{Infrastructure, protect};
use lambda_pack_core::source::{Outputs, Tree};
use lambda_pack_core::{Meter, Result, swaps};

use crate::caches;
use crate::hidden;
use crate::report;
use crate::settings::Settings;
use crate::store::StoreUrl;

pub use layers::Layers;
pub use packages::{Checked, Packages, Stored};
pub use state::State;

/// All functions, as the profile wants them if one is named.
pub fn load_functions(settings: &Settings) -> Result<BTreeMap<String, Function>> {
    load(settings, refuse_parameters)
}

/// The same to lock what they are made of, or to get it: parameters decide none of that, so that none need be known.
pub fn load_functions_to_lock(settings: &Settings) -> Result<BTreeMap<String, Function>> {
    load(settings, |_| Ok(()))
}

/// `check` is for where no profile gives parameters.
fn load(
    settings: &Settings,
    check: impl FnOnce(&BTreeMap<String, Function>) -> Result<()>,
) -> Result<BTreeMap<String, Function>> {
    let functions = function::load(&settings.config_dir)?;
    report::are_defined(functions.values());
    // What one profile, or a function that isn't selected, keeps out of packages is kept out of all of them.
    let mut declared: Vec<Secret> = settings.profiles.secrets().cloned().collect();
    for function in functions.values() {
        declared.extend(function.definition.secrets.iter().map(|Object(secret)| secret.clone()));
    }
    let mut functions = match &settings.profile {
        Some(profile) => profile.apply(functions)?,
        None => check(&functions).map(|()| functions)?,
    };
    let protected = protect(&mut functions, &declared, hidden::value_of);
    // Also if it failed.
    if let Some(infrastructure) = functions.values().find_map(|function| function.infrastructure.as_ref()) {
        hidden::hide(Arc::clone(infrastructure));
        // Each request to a bucket says it, and each record.
        if settings.store.bucket().is_some() {
            infrastructure.check_text("the address of the store", &settings.store.to_string())?;
        }
    }
    protected.map(|()| functions)
}

/// A function with its source tree.
pub struct Walked {
    pub function: Function,
    pub tree: Tree,
}

/// A function with what it is packed from.
pub struct Hashed {
    pub function: Function,
    pub tree: Tree,
    pub manifest: Manifest,
}

/// Walks the sources of the named functions, or of all, and of the layers that they name; reports every fault, and every
/// warning. What this tool writes may not stand in what it packs.
pub fn walk_functions(
    settings: &Settings,
    names: &[String],
    caches: &Caches,
    meter: &Meter,
) -> Result<Selected<Walked>> {
    walk_loaded(load_functions(settings)?, settings, names, caches, meter)
}

/// The same of functions that were loaded before.
pub fn walk_loaded(
    functions: BTreeMap<String, Function>,
    settings: &Settings,
    names: &[String],
    caches: &Caches,
    meter: &Meter,
) -> Result<Selected<Walked>> {
    let mut selected = function::select(functions, names)?;
    for (one, other) in function::lookalikes(selected.all().map(|function| function.name.as_str())) {
        report::warning(&format!(
            "the functions `{one}` and `{other}` differ only by case: on macOS and Windows their packages are one file"
        ));
    }
    let out_dir = Some(("output directory", settings.out_dir.as_path()));
    let store = match &settings.store {
        StoreUrl::File(directory) => Some(("store", directory.as_path())),
        StoreUrl::S3 { .. } => None,
    };
    let cache = settings
        .cache_dir
        .as_deref()
        .map(|directory| ("cache directory", directory));
    let tfvars = settings.tfvars.as_deref().map(|file| ("file of --tfvars", file));
    let outputs = Outputs::new(out_dir.into_iter().chain(store).chain(cache).chain(tfvars));
    let functions: Vec<&Function> = selected.all().collect();
    let mut trees = Tree::of_functions(&functions, &settings.code_dir, &outputs, &caches.digests, meter)?;
    if let Some(profile) = &settings.profile {
        // Of some functions alone nobody can tell.
        if names.is_empty() {
            swaps::check_used(&profile.swaps, functions.into_iter().zip(&trees))
                .map_err(|error| error.within(format_args!("profile `{}`", profile.name)))?;
        }
        swaps::settle_layers(&mut selected, &mut trees)?;
    }
    let walked = selected.zip(trees).map(|(function, tree)| Walked { function, tree });
    for Walked { function, tree } in &walked.functions {
        warn(&function.name, &tree.warnings);
        note(&function.name, &tree.notes);
    }
    Ok(walked)
}

/// The graph of these functions and layers, without the sizes of packages. Fails if one of them needs itself.
pub fn graph_of<'a>(members: impl Iterator<Item = (&'a Function, &'a Tree)>, settings: &Settings) -> Result<Graph> {
    let members = members.map(|(function, tree)| Member { function, tree });
    let graph = Graph::of(&members.collect::<Vec<_>>(), settings.places())?;
    graph.check().map(|()| graph)
}

/// What the sources of these functions, or of all, are now, with the layers that they name.
pub fn source_hashes(settings: &Settings, names: &[String], meter: &'static Meter) -> Result<BTreeMap<String, Digest>> {
    let caches = open_caches(settings, false);
    let hashed = hash_functions(settings, names, &caches, meter)?.into_all();
    caches::keep(caches);
    let hashes = hashed.iter().map(|hashed| {
        let name = hashed.function.name.to_string();
        (name, hashed.manifest.source_hash())
    });
    Ok(hashes.collect())
}

/// Walks and hashes them.
pub fn hash_functions(
    settings: &Settings,
    names: &[String],
    caches: &Caches,
    meter: &Meter,
) -> Result<Selected<Hashed>> {
    hash_loaded(load_functions(settings)?, settings, names, caches, meter)
}

/// The same of those that were loaded before.
pub fn hash_loaded(
    functions: BTreeMap<String, Function>,
    settings: &Settings,
    names: &[String],
    caches: &Caches,
    meter: &Meter,
) -> Result<Selected<Hashed>> {
    let walked = walk_loaded(functions, settings, names, caches, meter)?;
    let trees: Vec<&Tree> = walked.all().map(|walked| &walked.tree).collect();
    let manifests = Tree::manifests(&trees, &caches.digests, meter)?;
    Ok(walked
        .zip(manifests)
        .map(|(Walked { function, tree }, manifest)| Hashed {
            function,
            tree,
            manifest,
        }))
}

/// The warnings of what Lambda would refuse late; the rest is an error.
pub fn preflight(function: &Function, contents: &Contents, layers: &[Layer]) -> Result<Vec<String>> {
    in_function(&function.name, preflight::check(function, contents, layers))
}

/// A failure said to be the function's.
pub fn in_function<T>(name: impl Display, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.within(format_args!("function `{name}`")))
}

/// Warnings said to be the function's.
pub fn warn(name: impl Display, warnings: impl IntoIterator<Item = impl Display>) {
    for warning in warnings {
        report::warning(&format!("function `{name}`: {warning}"));
    }
}

/// Says which secrets of the infrastructure are not looked for by their values, since this machine doesn't know them.
pub fn warn_of_unknown_secrets<'a>(mut functions: impl Iterator<Item = &'a Function>) {
    // All functions of a project share them.
    let infrastructure = functions.find_map(|function| function.infrastructure.as_deref());
    for warning in infrastructure.map(Infrastructure::warnings).unwrap_or_default() {
        report::warning(&warning);
    }
}

/// What `-v` tells of the function.
fn note(name: impl Display, notes: impl IntoIterator<Item = impl Display>) {
    for note in notes {
        tracing::info!("{name}: {note}");
    }
}

/// Warnings that the walk of its source didn't give.
pub fn warn_anew(function: &Function, source: &Tree, warnings: &[String]) {
    let warnings = warnings.iter();
    warn(
        &function.name,
        warnings.filter(|warning| !source.warnings.contains(warning)),
    );
}

/// Warnings of what was built, and notes, that its source didn't give.
pub fn warn_of_built(function: &Function, source: &Tree, built: &Tree) {
    warn_anew(function, source, &built.warnings);
    let notes = built.notes.iter();
    note(&function.name, notes.filter(|note| !source.notes.contains(note)));
}

/// The caches for the functions' sources.
pub fn open_caches(settings: &Settings, packs: bool) -> Caches {
    caches::open(settings.cache_dir.as_deref(), &settings.code_dir, packs)
}
