//! `verify --provenance`: who built what was published, as the statement beside it says.

use lambda_pack_core::provenance::{Expectations, Stated};
use lambda_pack_core::{Error, Meter, Result};
use serde::Serialize;

use super::{output, verify};
use crate::cli::{Common, VerifyArgs};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::verification::{self, Proven};

/// A clause about a package that passes, and its limits.
pub const PROVES: &str = "the statement names the SHA-256 of the package, its source hash and its build inputs, and says what was expected; it isn't \
     signed, so that whoever may write to the store can have written it";

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    package: verify::Row<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement_url: Option<&'a str>,
    /// What the statement says.
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<&'a Stated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

pub fn run(args: &VerifyArgs, common: &Common, settings: &Settings, meter: &'static Meter) -> Result<()> {
    let progress = Progress::start("comparing", meter);
    let expectations = Expectations {
        builder_id: args.builder_id.as_deref(),
        source_uri: args.source_uri.as_deref(),
        source_commit: args.source_commit.as_deref(),
    };
    let proven = verification::provenance(&args.names, args.deep, expectations, settings, meter)?;
    drop(progress);
    let rows = proven.iter().map(|proven| Row {
        package: verify::Row::of(&proven.verified, args.level(), args.deep),
        statement_url: proven.url.as_deref(),
        provenance: proven.stated.as_ref(),
        note: proven.note.as_deref(),
    });
    let rows: Vec<Row> = rows.collect();
    match common.json {
        true => output::json(&rows)?,
        false if rows.is_empty() => {}
        false => {
            let notes = proven.iter().filter_map(|proven| {
                let note = proven.note.as_ref()?;
                Some(format!("\nnote: function `{}`: {note}", proven.verified.name))
            });
            let notes: String = notes.collect();
            output::line(&format!("{}\n\nsame: {PROVES}{notes}", table(&proven)))?;
        }
    }
    let faults = proven.iter().filter_map(|proven| verify::fault(&proven.verified));
    Error::join(faults).map_or(Ok(()), Err)
}

fn table(proven: &[Proven]) -> String {
    let header = ["function", "provenance", "commit", "source", "builder"];
    let lines = proven.iter().map(|Proven { verified, stated, .. }| {
        let result = if verified.is_same() { "same" } else { "differs" };
        let commit = stated.as_ref().and_then(|stated| {
            let dirty = if stated.dirty == Some(false) {
                ""
            } else {
                " (files differed)"
            };
            stated.source_commit.as_ref().map(|commit| format!("{commit}{dirty}"))
        });
        let source = stated.as_ref().and_then(|stated| stated.source_uri.clone());
        let builder = stated.as_ref().map(|stated| stated.builder_id.clone());
        let said = [commit, source, builder].map(|it| it.unwrap_or_else(|| "-".to_owned()));
        [verified.name.clone(), result.to_owned()]
            .into_iter()
            .chain(said)
            .collect()
    });
    report::table(&header, &[], lines)
}
