//! One verb a file. Only here is anything printed to stdout, and only what was asked for.

mod affected;
mod assets;
mod build;
mod bundle;
mod deployed;
mod diff;
mod doctor;
mod external;
mod fitness;
mod gc;
mod graph;
mod hash;
mod init;
mod list;
mod lock;
mod matrix;
mod metadata;
mod output;
mod profile;
mod promote;
mod provenance;
mod remote;
mod report;
mod rollback;
mod run;
mod secrets;
mod texts;
mod upload;
mod validate;
mod verify;
mod watch;

use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::{Meter, Result, collect_all};

pub use texts::complete;

use crate::cli::{AssetsVerb, Cli, Command, ExternalQuery};
use crate::packaging::{
    Hashed, Walked, hash_functions, in_function, load_functions, load_functions_to_lock, open_caches, preflight,
    walk_functions, warn, warn_anew, warn_of_unknown_secrets,
};
use crate::report::{bytes, table};

pub fn run(cli: &Cli, meter: &'static Meter) -> Result<()> {
    output::refuse_closed_stdout()?;
    let common = &cli.common;
    match &cli.command {
        Command::Hash(args) => hash::run(args, common, meter),
        Command::Build(args) => build::run(args, common, meter),
        Command::Upload(args) => upload::run(args, common, meter),
        Command::Diff(args) => diff::run(args, common, meter),
        Command::Watch(args) => watch::run(args, common, meter),
        Command::External(args) => match args.query {
            ExternalQuery::Hash => external::hash(common, meter),
            ExternalQuery::Published => external::published(common, meter),
        },
        Command::Validate(args) => validate::run(args, common, meter),
        Command::Verify(args) => verify::run(args, common, meter),
        Command::List(args) => list::run(args, common, meter),
        Command::Gc(args) => gc::run(args, common, meter),
        Command::Lock(args) => lock::run(args, common, meter),
        Command::Assets(args) => match &args.verb {
            AssetsVerb::Lock(names) => assets::lock(&names.names, common, meter),
            AssetsVerb::Fetch(names) => assets::fetch(&names.names, common, meter),
        },
        Command::Bundle(command) => bundle::run(command, common, meter),
        Command::Metadata(args) => metadata::run(&args.verb, common, meter),
        Command::Promote(args) => promote::run(args, common, meter),
        Command::Remote(args) => remote::run(&args.verb, common, meter),
        Command::Init(args) => init::run(args, common, meter),
        Command::Profile(args) => profile::run(&args.verb, common, meter),
        Command::Graph(args) => graph::run(args, common, meter),
        Command::Affected(args) => affected::run(args, common, meter),
        Command::Matrix(args) => matrix::run(args, common, meter),
        Command::Report(args) => report::run(args, common, meter),
        Command::Fitness(args) => fitness::run(args, common, meter),
        Command::Secrets(args) => secrets::run(&args.verb, common, meter),
        Command::Rollback(args) => rollback::run(args, common, meter),
        Command::Run(args) => run::run(args, common, meter),
        Command::Doctor(_) => doctor::run(common, meter),
        Command::Schema(args) => texts::schema(args.of),
        Command::Completions { shell } => texts::completions(*shell),
        Command::Man(args) => texts::man(args),
    }
}

/// `NAME=HASH`, as some options take it; `None` if it isn't that.
fn name_and_hash(text: &str) -> Option<(&str, Digest)> {
    let (name, hash) = text.split_once('=')?;
    Some((name, Digest::from_hex(Algorithm::Blake3, hash)?))
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
            bytes(row.size_bytes),
            bytes(row.unzipped_bytes),
            row.entries.to_string(),
            // Enough to compare by eye; `--json` has it whole.
            row.source_hash[..16].to_owned(),
        ]
    });
    table(&header, &[2, 3, 4], lines)
}
