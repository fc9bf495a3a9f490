//! Comparing what a function is with what it was.

mod contents;
mod markdown;
mod opened;
mod reasons;
mod sides;
mod text;
mod texts;
mod zip;

use std::collections::BTreeSet;

use lambda_pack_core::diff::{ChangeKind, Difference};
use lambda_pack_core::function;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::sbom::Versions;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, shorten};
use serde::Serialize;
use serde_json::Value;

use crate::cli::Common;
use crate::packaging::{in_function, load_functions};
use crate::settings::Settings;
use crate::store::REQUESTS_AT_ONCE;
use crate::{parallel, report};

pub use markdown::markdown;
pub use opened::Version;
use opened::{Found, Opened};
pub use reasons::{reason, reasons, unknown};
pub use sides::Side;
pub use text::text;
use texts::{Text, texts};
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
    /// If they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<Vec<Text>>,
}

/// A difference as people read it, in text that can't steer a terminal.
struct Row {
    change: &'static str,
    what: String,
    before: String,
    after: String,
}

impl Compared {
    /// Of two versions of a function, `None` where it wasn't, or isn't any more.
    pub fn of(name: &str, [before, after]: [Option<&Version>; 2]) -> Result<Self> {
        let [from, to] = [before, after].map(|version| Some(version?.manifest.source_hash().to_hex()));
        Ok(Compared {
            name: name.to_owned(),
            difference: if from == to {
                Difference::default()
            } else {
                difference(before, after)?
            },
            from,
            to,
            texts: None,
        })
    }

    pub fn is_same(&self) -> bool {
        self.from == self.to || (self.from.is_some() && self.to.is_some() && self.difference.is_empty())
    }

    /// `name: 3f9a2c71… -> 81bd0e44…`
    pub fn title(&self) -> String {
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
        let entries = self.difference.changes.iter().map(|change| {
            let sizes = [size(change.size_before), size(change.size_after)];
            let [before, after] = match (change.change, change.modes()) {
                (ChangeKind::Mode, [Some(before), Some(after)]) => [before, after].map(str::to_owned),
                _ => sizes,
            };
            Row {
                change: change.change.name(),
                what: match &change.from_path {
                    Some(from) => format!("{} (was {})", shorten(&change.path), shorten(from)),
                    None => shorten(&change.path),
                },
                before,
                after,
            }
        });
        // Texts without quotation marks.
        let value = |value: &Option<Value>| match value {
            None => String::new(),
            Some(Value::String(text)) => shorten(text),
            Some(other) => shorten(&other.to_string()),
        };
        let inputs = self.difference.inputs.iter().map(|input| Row {
            change: if input.dependency.is_some() {
                "dependency"
            } else {
                "input"
            },
            what: shorten(input.dependency.as_ref().unwrap_or(&input.key)),
            before: value(&input.before),
            after: value(&input.after),
        });
        entries.chain(inputs).collect()
    }

    /// What can't be told, if there is any.
    fn note(&self) -> Option<&'static str> {
        self.difference.lacks_dependencies.then_some(
            "which dependencies differ is not known: an older lambda-pack wrote a manifest, and noted none of them",
        )
    }

    fn texts(&self) -> &[Text] {
        self.texts.as_deref().unwrap_or_default()
    }
}

/// What is to be said of the functions that don't differ.
fn same(functions: &[Compared], [from, to]: &[String; 2]) -> Option<String> {
    let same = functions.iter().filter(|it| it.is_same()).count();
    let all = functions.len();
    (same > 0).then(|| format!("no change in {same} of {all}: compared {from} with {to}"))
}

/// What is to be compared with what.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Without any, all that a side says that it has, or else all that are defined.
    pub names: &'a [String],
    pub from: &'a Side,
    pub to: &'a Side,
    /// Whether what differs in texts is wanted too.
    pub texts: bool,
}

pub fn compare(
    question: Question,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<Vec<Compared>> {
    let Question { names, from, to, texts } = question;
    if matches!(from, Side::Zip(_)) != matches!(to, Side::Zip(_)) {
        return Err(
            Error::new(ErrorKind::Usage, "a package holds other entries than a source")
                .help("compare two packages, or two sources"),
        );
    }
    let [from, to] = [from.open(settings, common, meter)?, to.open(settings, common, meter)?];
    let defined = || -> Result<Vec<String>> { Ok(load_functions(settings)?.into_keys().collect()) };
    let names: BTreeSet<String> = match (names, from.names(), to.names()) {
        ([], None, None) => defined()?.into_iter().collect(),
        // However the older one is called.
        ([], _, Some(names)) if matches!(to, Opened::Zip(_)) => names.into_iter().collect(),
        ([], old, new) => old.into_iter().chain(new).flatten().collect(),
        (names, ..) => names.iter().cloned().collect(),
    };
    let names: Vec<String> = names.into_iter().collect();
    let sides = [from.find(&names, meter)?, to.find(&names, meter)?];
    let is_there = |name: &String| sides.iter().any(|side| side.id(name).is_some());
    if let Some(name) = names.iter().find(|name| !is_there(name)) {
        return Err(function::unknown(name, defined()?.iter()));
    }
    collect_all(parallel::map(&names, REQUESTS_AT_ONCE, |name| {
        meter.check()?;
        in_function(name, of_function(name, &sides, texts))
    }))
}

fn of_function(name: &str, sides: &[Found; 2], with_texts: bool) -> Result<Compared> {
    let [from, to] = [sides[0].id(name), sides[1].id(name)];
    // Equal hashes are of equal sources.
    let (difference, texts) = match from == to {
        true => (Difference::default(), with_texts.then(Vec::new)),
        false => {
            let [before, after] = [sides[0].version(name)?, sides[1].version(name)?];
            let difference = difference(before.as_ref(), after.as_ref())?;
            let texts = with_texts
                .then(|| {
                    let mut contents = [sides[0].contents(name)?, sides[1].contents(name)?];
                    let manifests = [&before, &after].map(|it| it.as_ref().map(|version| &version.manifest));
                    texts(&difference, manifests, &mut contents)
                })
                .transpose()?;
            (difference, texts)
        }
    };
    Ok(Compared {
        name: name.to_owned(),
        from,
        to,
        difference,
        texts,
    })
}

/// What isn't there has no entries, and no dependencies.
pub fn difference(before: Option<&Version>, after: Option<&Version>) -> Result<Difference> {
    let Some(algorithm) = before.or(after).map(|version| version.manifest.algorithm()) else {
        return Ok(Difference::default());
    };
    let nothing = Version {
        manifest: Manifest::new(algorithm, Vec::new(), None),
        dependencies: Some(Versions::new()),
    };
    let [before, after] = [before, after].map(|version| version.unwrap_or(&nothing));
    let difference = Difference::between(&before.manifest, &after.manifest)?;
    Ok(difference.with_dependencies(before.dependencies.as_ref(), after.dependencies.as_ref()))
}
