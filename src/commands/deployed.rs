//! `verify --level deployed`: whether Lambda runs what was published.

use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, VerifyArgs};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::verification::deployed::{self, Deployed, Question};

/// A clause about a function that passes.
pub const PROVES: &str = "Lambda's SHA-256 of the code, runtime, handler, architectures and layers are those of the published package and its definition";

/// The same where AWS Signer signed the code, or that of a layer.
const PROVES_OF_SIGNED: &str = "of code that was signed, its own or that of layers, the object that the signing job wrote has Lambda's SHA-256, and holds the entries of \
     the published package and a signature, which nobody looked at here; of other code Lambda's SHA-256 is that of the published package; runtime, handler, \
     architectures and layers are those of the definition";

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    deployed: &'a Deployed,
    level: &'static str,
    proves: &'static str,
    place: &'a str,
    same: bool,
}

pub fn run(args: &VerifyArgs, common: &Common, settings: &Settings, meter: &'static Meter) -> Result<()> {
    let progress = Progress::start("comparing", meter);
    let question = Question {
        names: &args.names,
        files: &args.packages,
        name_prefix: &args.name_prefix,
        alias: args.alias.as_deref(),
        profile: args.lambda_profile.as_deref(),
    };
    let answer = deployed::deployed(&question, settings, meter)?;
    drop(progress);
    let rows = answer.deployed.iter().map(|deployed| Row {
        deployed,
        level: args.level().name(),
        proves: match deployed.versions.iter().any(|looked| looked.by_entries) {
            true => PROVES_OF_SIGNED,
            false => PROVES,
        },
        place: &answer.place,
        same: deployed.is_same(),
    });
    let rows: Vec<Row> = rows.collect();
    match common.json {
        true => output::json(&rows)?,
        false if rows.is_empty() => {}
        false => {
            let looked = || answer.deployed.iter().flat_map(|it| &it.versions);
            let same = |signed: bool| looked().any(|it| it.is_same() && it.by_entries == signed);
            let notes = [
                same(false).then(|| format!("same: {PROVES} ({})", answer.place)),
                same(true).then(|| format!("same, signed: {PROVES_OF_SIGNED} ({})", answer.place)),
                looked().any(|it| it.held).then(|| {
                    "held: the alias leads to the version that `alias_versions` name; nothing says what is to be in it".to_owned()
                }),
            ];
            let notes: Vec<String> = notes.into_iter().flatten().collect();
            let mut text = table(&answer.deployed);
            if !notes.is_empty() {
                text.push_str(&format!("\n\n{}", notes.join("\n")));
            }
            output::line(&text)?;
        }
    }
    let faults = answer
        .deployed
        .iter()
        .filter_map(|it| deployed::fault(it, &answer.place));
    // What contradicts decides the exit code.
    let mut faults: Vec<Error> = faults.collect();
    faults.sort_by_key(|fault| fault.kind() != ErrorKind::Integrity);
    Error::join(faults).map_or(Ok(()), Err)
}

/// A line for each version that was looked at.
fn table(deployed: &[Deployed]) -> String {
    let header = ["function", "deployed", "version", "differs in"];
    let lines = deployed.iter().flat_map(|it| {
        let missing = it.versions.is_empty();
        let missing = missing.then(|| vec![it.function.clone(), "missing".to_owned(), String::new(), String::new()]);
        let looked = it.versions.iter().map(|looked| {
            let differences: Vec<&str> = looked.differences.iter().map(|drift| drift.what).collect();
            let result = match looked.is_same() {
                true if looked.by_entries => "same, signed",
                true => "same",
                false if looked.held => "held",
                false if looked.differences.is_empty() => "not proved",
                false => "differs",
            };
            vec![
                it.function.clone(),
                result.to_owned(),
                looked.text(),
                differences.join(", "),
            ]
        });
        looked.chain(missing).collect::<Vec<_>>()
    });
    report::table(&header, &[], lines)
}
