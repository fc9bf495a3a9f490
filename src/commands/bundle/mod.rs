//! `bundle`: stored packages of modules.

mod check;
mod export;
mod fetch;
mod list;
mod run;
mod store;
mod taint;
mod verify;

use std::io::IsTerminal;
use std::path::Path;

use lambda_pack_core::bundle::{self, Decision};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use crate::aws::Connection;
use crate::bundle::check::{self as checks, Local};
use crate::bundle::{Making, Place};
use crate::caches;
use crate::cli::{BundleArgs, BundleCommand, BundleVerb, Common};
use crate::input;
use crate::report;
use crate::settings::Settings;

pub fn run(command: &BundleCommand, common: &Common, meter: &'static Meter) -> Result<()> {
    let (out_dir, packing) = match &command.verb {
        BundleVerb::Export(args) => (args.out_dir.as_deref(), Some(&args.packing)),
        _ => (None, None),
    };
    let settings = Settings::resolve(common, out_dir, packing)?;
    let asked = Asked {
        settings: &settings,
        json: common.json,
        meter,
    };
    match &command.verb {
        BundleVerb::Check(args) => check::run(args, &asked),
        BundleVerb::Fetch(args) => fetch::run(args, &asked),
        BundleVerb::Store(args) => store::run(args, &asked),
        BundleVerb::Run(args) => run::run(args, &asked),
        BundleVerb::List(args) => list::run(args, &asked),
        BundleVerb::Taint(args) => taint::run(args, &asked),
        BundleVerb::Verify(args) => verify::run(args, common, &asked),
        BundleVerb::Export(args) => export::run(args, &asked),
    }
}

/// What all verbs need.
struct Asked<'a> {
    settings: &'a Settings,
    json: bool,
    meter: &'static Meter,
}

impl Asked<'_> {
    fn local(&self, args: &BundleArgs) -> Result<Local> {
        local(args, self.settings, self.meter)
    }

    fn connect(&self) -> Result<Connection> {
        Connection::connect(&self.settings.aws, self.meter)
    }
}

/// Hashes what a bundle is made from.
pub fn local(args: &BundleArgs, settings: &Settings, meter: &'static Meter) -> Result<Local> {
    let place = Place::resolve(&args.identity, settings)?;
    let making = Making::resolve(args, settings)?;
    let caches = caches::open(settings.cache_dir.as_deref(), &making.source, false);
    let (tree, checksum) = checks::hash(&making, &caches.digests, meter)?;
    caches::keep(caches);
    for warning in &tree.warnings {
        report::warning(warning);
    }
    Ok(Local {
        place,
        making,
        tree,
        checksum,
    })
}

/// For `--detailed-exitcode`.
fn changes(decision: Decision) -> Error {
    Error::new(ErrorKind::Changes, decision.name())
}

/// The text of the outputs that a user gives in a file, or on stdin (`-`).
fn given_outputs(file: &Path) -> Result<String> {
    if input::is_stdin(file) && std::io::stdin().is_terminal() {
        report::warning("waiting for the outputs on stdin: a JSON object, then Ctrl-D");
    }
    let text = input::read(file, "the outputs")?;
    let (outputs, left_out) = bundle::outputs(&file.display().to_string(), &text)?;
    if !left_out.is_empty() {
        report::warning(&format!("sensitive outputs are left out: {}", left_out.join(", ")));
    }
    Ok(outputs.to_json())
}
