//! Comparing what a function is with what it was.

mod markdown;
mod sides;
mod text;
mod zip;

use std::collections::BTreeSet;

use lambda_pack_core::diff::Difference;
use lambda_pack_core::function;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, shorten};
use serde::Serialize;
use serde_json::Value;

use crate::cli::Common;
use crate::packaging::load_functions;
use crate::report;
use crate::settings::Settings;

pub use markdown::markdown;
use sides::Opened;
pub use sides::Side;
pub use text::text;
pub use zip::manifest_of as package_manifest;

/// What differs in one function.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub name: String,
    /// Source hash, or SHA-256 of a package on disk; `None` where that side doesn't have it.
    pub from: Option<String>,
    pub to: Option<String>,
    #[serde(flatten)]
    pub difference: Difference,
}

/// A difference as people read it, in text that can't steer a terminal.
struct Row {
    change: &'static str,
    what: String,
    before: String,
    after: String,
}

impl Compared {
    pub fn is_same(&self) -> bool {
        self.from == self.to || (self.from.is_some() && self.to.is_some() && self.difference.is_empty())
    }

    /// `name: 3f9a2c71… -> 81bd0e44…`
    fn title(&self) -> String {
        /// Enough to compare by eye; `--json` has all.
        const DIGITS: usize = 16;
        let [from, to] = [&self.from, &self.to].map(|id| match id {
            Some(id) => id.chars().take(DIGITS).collect(),
            None => "none".to_owned(),
        });
        format!("{}: {from} -> {to}", self.name)
    }

    fn rows(&self) -> Vec<Row> {
        let size = |size: Option<u64>| size.map(report::bytes).unwrap_or_default();
        let entries = self.difference.changes.iter().map(|change| Row {
            change: change.change.name(),
            what: match &change.from_path {
                Some(from) => format!("{} (was {})", shorten(&change.path), shorten(from)),
                None => shorten(&change.path),
            },
            before: size(change.size_before),
            after: size(change.size_after),
        });
        // Texts without quotation marks.
        let value = |value: &Option<Value>| match value {
            None => String::new(),
            Some(Value::String(text)) => shorten(text),
            Some(other) => shorten(&other.to_string()),
        };
        let inputs = self.difference.inputs.iter().map(|input| Row {
            change: "input",
            what: shorten(&input.key),
            before: value(&input.before),
            after: value(&input.after),
        });
        entries.chain(inputs).collect()
    }
}

/// What is to be said of the functions that don't differ.
fn same(functions: &[Compared], [from, to]: [&Side; 2]) -> Option<String> {
    let same = functions.iter().filter(|it| it.is_same()).count();
    let all = functions.len();
    (same > 0).then(|| format!("no change in {same} of {all}: compared {from} with {to}"))
}

/// Compares these functions; without names, all that a side says that it has, or else all that are defined.
pub fn compare(
    names: &[String],
    [from, to]: [&Side; 2],
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<Vec<Compared>> {
    if matches!(from, Side::Zip(_)) != matches!(to, Side::Zip(_)) {
        return Err(
            Error::new(ErrorKind::Usage, "a package holds other entries than a source")
                .help("compare two packages, or two sources"),
        );
    }
    let [from, to] = [from.open(settings, common, meter)?, to.open(settings, common, meter)?];
    let names: BTreeSet<String> = match (names, from.names()?, to.names()?) {
        ([], None, None) => load_functions(settings)?.into_keys().collect(),
        // However the older one is called.
        ([], _, Some(names)) if matches!(to, Opened::Zip(_)) => names.into_iter().collect(),
        ([], old, new) => old.into_iter().chain(new).flatten().collect(),
        (names, ..) => names.iter().cloned().collect(),
    };
    let names: Vec<String> = names.into_iter().collect();
    let [mut old, mut new] = [from.versions(&names, meter)?, to.versions(&names, meter)?];
    if let Some(name) = names
        .iter()
        .find(|name| !old.contains_key(*name) && !new.contains_key(*name))
    {
        return Err(function::unknown(name, load_functions(settings)?.keys()));
    }
    let compared = names.into_iter().map(|name| {
        let (old, new) = (old.remove(&name), new.remove(&name));
        let [before, after] = [&old, &new].map(|version| version.as_ref().map(|version| &version.manifest));
        Ok(Compared {
            difference: difference(before, after)?,
            name,
            from: old.map(|version| version.id),
            to: new.map(|version| version.id),
        })
    });
    compared.collect()
}

/// What isn't there has no entries.
fn difference(before: Option<&Manifest>, after: Option<&Manifest>) -> Result<Difference> {
    let nothing = |other: &Manifest| Manifest::new(other.algorithm(), Vec::new(), None);
    match (before, after) {
        (Some(before), Some(after)) => Difference::between(before, after),
        (Some(before), None) => Difference::between(before, &nothing(before)),
        (None, Some(after)) => Difference::between(&nothing(after), after),
        (None, None) => Ok(Difference::default()),
    }
}
