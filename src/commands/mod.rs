//! One verb a file. Only here is anything printed to stdout, and only what was asked for.

mod affected;
mod assets;
mod build;
mod bundle;
mod external;
mod fitness;
mod graph;
mod hash;
mod init;
mod layers;
mod lock;
mod metadata;
mod output;
mod profile;
mod remote;
mod run;
mod secrets;
mod texts;
mod upload;
mod validate;
mod verify;

use std::collections::BTreeMap;
use std::fmt::Display;

use lambda_pack_core::cache::Caches;
use lambda_pack_core::function::{self, Function, Selected};
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::preflight::Layer;
use lambda_pack_core::profile::refuse_parameters;
use lambda_pack_core::source::{Outputs, Tree};
use lambda_pack_core::{Meter, Result, collect_all, preflight};

use crate::caches;
use crate::cli::{AssetsVerb, Cli, Command, ExternalQuery};
use crate::report;
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn run(cli: &Cli, meter: &'static Meter) -> Result<()> {
    output::refuse_closed_stdout()?;
    let common = &cli.common;
    match &cli.command {
        Command::Hash(args) => hash::run(args, common, meter),
        Command::Build(args) => build::run(args, common, meter),
        Command::Upload(args) => upload::run(args, common, meter),
        Command::External(args) => match args.query {
            ExternalQuery::Hash => external::hash(common, meter),
            ExternalQuery::Published => external::published(common, meter),
        },
        Command::Validate(args) => validate::run(args, common, meter),
        Command::Verify(args) => verify::run(args, common, meter),
        Command::Lock(args) => lock::run(args, common, meter),
        Command::Assets(args) => match &args.verb {
            AssetsVerb::Lock(names) => assets::lock(&names.names, common, meter),
            AssetsVerb::Fetch(names) => assets::fetch(&names.names, common, meter),
        },
        Command::Bundle(command) => bundle::run(command, common, meter),
        Command::Metadata(args) => metadata::run(&args.verb, common, meter),
        Command::Remote(args) => remote::run(&args.verb, common, meter),
        Command::Init(args) => init::run(args, common, meter),
        Command::Profile(args) => profile::run(&args.verb, common, meter),
        Command::Graph(args) => graph::run(args, common, meter),
        Command::Affected(args) => affected::run(args, common, meter),
        Command::Fitness(args) => fitness::run(args, common, meter),
        Command::Secrets(args) => secrets::run(&args.verb, common, meter),
        Command::Run(args) => run::run(args, common, meter),
        Command::Schema(args) => texts::schema(args.of),
        Command::Completions { shell } => texts::completions(*shell),
        Command::Man(args) => texts::man(args),
    }
}

/// All functions, as the profile wants them if one is named.
fn load_functions(settings: &Settings) -> Result<BTreeMap<String, Function>> {
    let functions = function::load(&settings.config_dir)?;
    match &settings.profile {
        Some(profile) => profile.apply(functions),
        None => refuse_parameters(&functions).map(|()| functions),
    }
}

/// A function with its source tree.
struct Walked {
    function: Function,
    tree: Tree,
}

/// A function with what it is packed from.
struct Hashed {
    function: Function,
    tree: Tree,
    manifest: Manifest,
}

/// Walks the sources of the named functions, or of all, and of the layers that they name; reports every fault, and every
/// warning. What this tool writes may not stand in what it packs.
fn walk_functions(settings: &Settings, names: &[String], caches: &Caches, meter: &Meter) -> Result<Selected<Walked>> {
    let selected = function::select(load_functions(settings)?, names)?;
    let out_dir = Some(("output directory", settings.out_dir.as_path()));
    let store = match &settings.store {
        StoreUrl::File(directory) => Some(("store", directory.as_path())),
        StoreUrl::S3 { .. } => None,
    };
    let cache = settings
        .cache_dir
        .as_deref()
        .map(|directory| ("cache directory", directory));
    let outputs = Outputs::new(out_dir.into_iter().chain(store).chain(cache));
    let functions: Vec<&Function> = selected.all().collect();
    let trees = Tree::of_functions(&functions, &settings.code_dir, &outputs, &caches.digests, meter)?;
    let walked = selected.zip(trees).map(|(function, tree)| Walked { function, tree });
    for Walked { function, tree } in &walked.functions {
        warn(&function.name, &tree.warnings);
    }
    Ok(walked)
}

/// Walks and hashes them.
fn hash_functions(settings: &Settings, names: &[String], caches: &Caches, meter: &Meter) -> Result<Selected<Hashed>> {
    let walked = walk_functions(settings, names, caches, meter)?;
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
fn preflight(function: &Function, tree: &Tree, layers: &[Layer]) -> Result<Vec<String>> {
    in_function(&function.name, preflight::check(function, tree, layers))
}

/// A failure said to be the function's.
fn in_function<T>(name: impl Display, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.within(format_args!("function `{name}`")))
}

/// Warnings said to be the function's.
fn warn(name: impl Display, warnings: impl IntoIterator<Item = impl Display>) {
    for warning in warnings {
        report::warning(&format!("function `{name}`: {warning}"));
    }
}

/// The caches for the functions' sources.
fn open_caches(settings: &Settings, packs: bool) -> Caches {
    caches::open(settings.cache_dir.as_deref(), &settings.code_dir, packs)
}

/// A row of `build` and `upload`, as `--json` prints it.
#[derive(serde::Serialize)]
struct PackageRow {
    name: String,
    source_hash: String,
    code_sha256: String,
    path: Option<String>,
    store_url: Option<String>,
    size_bytes: u64,
    unzipped_bytes: u64,
    entries: u64,
    status: Status,
}

#[derive(Clone, Copy, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Built,
    Unchanged,
    Uploaded,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Built => "built",
            Status::Unchanged => "unchanged",
            Status::Uploaded => "uploaded",
        }
    }
}

/// Prints what was done, also where some of it failed: that much need not be done again.
fn finish(results: impl IntoIterator<Item = Result<PackageRow>>, json: bool) -> Result<()> {
    finish_rows(results, json, packages_table)
}

fn finish_rows<R: serde::Serialize>(
    results: impl IntoIterator<Item = Result<R>>,
    json: bool,
    table: impl FnOnce(&[R]) -> String,
) -> Result<()> {
    let mut done = Vec::new();
    let failed = collect_all(results.into_iter().map(|result| result.map(|row| done.push(row)))).map(drop);
    if failed.is_ok() || !done.is_empty() {
        match json {
            true => output::json(&done)?,
            false => output::line(&table(&done))?,
        }
    }
    failed
}

fn packages_table(rows: &[PackageRow]) -> String {
    let header = ["function", "status", "size", "unzipped", "entries", "source hash"];
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.status.name().to_owned(),
            report::bytes(row.size_bytes),
            report::bytes(row.unzipped_bytes),
            row.entries.to_string(),
            // Enough to compare by eye; `--json` has it whole.
            row.source_hash[..16].to_owned(),
        ]
    });
    report::table(&header, &[2, 3, 4], lines)
}
