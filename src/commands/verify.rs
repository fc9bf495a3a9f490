//! `verify`: whether packages are what they should be.

use lambda_pack_core::diff::Change;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use super::{deployed, output, provenance};
use crate::cli::{Common, Level, VerifyArgs};
use crate::rebuild::{self, Rebuilt};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::verification::{self, Verified};

/// A row of `--json`.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    name: &'a str,
    level: &'static str,
    /// What holds of the package if it is the same.
    proves: &'static str,
    source_hash: &'a str,
    code_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilt_code_sha256: Option<&'a str>,
    same: bool,
    differences: &'a [Change],
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

pub fn run(args: &VerifyArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    refuse_strays(args)?;
    let settings = Settings::resolve(common, args.out_dir.as_deref(), None)?;
    let verify = |what: &'static str, verify: &dyn Fn() -> Result<Vec<Verified>>| {
        let progress = Progress::start(what, meter);
        let verified = verify()?;
        drop(progress);
        let rows = verified
            .iter()
            .map(|verified| Row::of(verified, args.level(), args.deep));
        finish(rows.collect(), common, verified.iter().filter_map(fault))
    };
    match args.level() {
        Level::Local => verify("comparing", &|| verification::local(&args.names, &settings, meter)),
        Level::Store => verify("comparing", &|| {
            verification::store(&args.names, args.deep, &settings, meter)
        }),
        Level::Provenance => provenance::run(args, common, &settings, meter),
        Level::Deployed => deployed::run(args, common, &settings, meter),
        Level::Rebuild => {
            let progress = Progress::start("building twice", meter);
            let rebuilt = rebuild::rebuild(&args.names, &settings, meter)?;
            drop(progress);
            let faults = rebuilt.iter().filter(|it| !it.is_same());
            let faults = faults.map(|it| differs(&it.name, "a second build", &it.differences).help("what the build puts there depends on its time, place, order or machine; the store keeps the package that was uploaded first"));
            finish(rebuilt.iter().map(Row::of_rebuilt).collect(), common, faults)
        }
    }
}

/// Flags of one level say nothing at another one.
fn refuse_strays(args: &VerifyArgs) -> Result<()> {
    let store: &[Level] = &[Level::Store, Level::Provenance];
    let flags: [(&str, bool, &[Level]); 8] = [
        ("--packages", !args.packages.is_empty(), &[Level::Deployed]),
        ("--name-prefix", !args.name_prefix.is_empty(), &[Level::Deployed]),
        ("--alias", args.alias.is_some(), &[Level::Deployed]),
        ("--lambda-profile", args.lambda_profile.is_some(), &[Level::Deployed]),
        ("--deep", args.deep, store),
        ("--builder-id", args.builder_id.is_some(), &[Level::Provenance]),
        ("--source-uri", args.source_uri.is_some(), &[Level::Provenance]),
        ("--source-commit", args.source_commit.is_some(), &[Level::Provenance]),
    ];
    let stray = flags
        .into_iter()
        .find(|(_, is_given, levels)| *is_given && !levels.contains(&args.level()));
    match stray {
        Some((flag, _, levels)) => {
            let levels: Vec<&str> = levels.iter().map(|level| level.name()).collect();
            let message = format!("{flag} is for --level {}", levels.join(" and --level "));
            Err(Error::new(ErrorKind::Usage, message))
        }
        None => Ok(()),
    }
}

impl Level {
    /// A clause about a package that passes.
    fn proves(self, deep: bool) -> &'static str {
        match (self, deep) {
            (Level::Local, _) => "the package on disk holds the entries of its manifest, and no others",
            (Level::Rebuild, _) => "a build from nothing, elsewhere, later and in another order makes the same bytes",
            (Level::Store, false) => {
                "record, manifest, its bill of materials if it has one, and package are in the store; size and SHA-256, as the service tells them, are those of the record"
            }
            (Level::Deployed, _) => deployed::PROVES,
            (Level::Provenance, _) => provenance::PROVES,
            (Level::Store, true) => {
                "record, manifest, its bill of materials if it has one, and package are in the store; the package's bytes are those of the record, its entries those of the manifest"
            }
        }
    }
}

impl<'a> Row<'a> {
    pub(super) fn of(verified: &'a Verified, level: Level, deep: bool) -> Self {
        Row {
            name: &verified.name,
            level: level.name(),
            proves: level.proves(deep),
            source_hash: &verified.source_hash,
            code_sha256: &verified.code_sha256,
            rebuilt_code_sha256: None,
            same: verified.is_same(),
            differences: &verified.differences,
            problem: verified.problem.as_ref().map(Error::message),
        }
    }

    fn of_rebuilt(rebuilt: &'a Rebuilt) -> Self {
        let [code_sha256, rebuilt_code_sha256] = &rebuilt.code_sha256;
        Row {
            name: &rebuilt.name,
            level: Level::Rebuild.name(),
            proves: Level::Rebuild.proves(false),
            source_hash: &rebuilt.source_hash,
            code_sha256,
            rebuilt_code_sha256: Some(rebuilt_code_sha256),
            same: rebuilt.is_same(),
            differences: &rebuilt.differences,
            problem: None,
        }
    }
}

/// Prints the rows, and fails of what is wrong.
fn finish(rows: Vec<Row>, common: &Common, faults: impl Iterator<Item = Error>) -> Result<()> {
    match (common.json, rows.first()) {
        (true, _) => output::json(&rows)?,
        (false, None) => {}
        (false, Some(first)) => {
            let header = ["function", first.level, "code sha256"];
            let lines = rows.iter().map(|row| {
                let result = if row.same { "same" } else { "differs" };
                vec![row.name.to_owned(), result.to_owned(), row.code_sha256.to_owned()]
            });
            let mut text = report::table(&header, &[], lines);
            if rows.iter().any(|row| row.same) {
                text.push_str(&format!("\n\nsame: {}", first.proves));
            }
            output::line(&text)?;
        }
    }
    Error::join(faults).map_or(Ok(()), Err)
}

/// What is wrong with a package.
pub(super) fn fault(verified: &Verified) -> Option<Error> {
    match &verified.problem {
        Some(problem) => {
            let message = format!("function `{}`: {}", verified.name, problem.message());
            let error = Error::new(ErrorKind::Integrity, message);
            Some(match problem.help_text() {
                Some(help) => error.help(help),
                None => error,
            })
        }
        None if verified.is_same() => None,
        None => Some(
            differs(&verified.name, "the package", &verified.differences)
                .help("build it again, or find out who wrote it"),
        ),
    }
}

fn differs(name: &str, what: &str, differences: &[Change]) -> Error {
    /// Enough to see a pattern; `--json` has all.
    const SHOWN: usize = 10;
    let mut shown: Vec<String> = differences
        .iter()
        .take(SHOWN)
        .map(|it| format!("`{}` ({})", it.path, it.change.name()))
        .collect();
    match differences.len() {
        0 => shown.push("the archive itself, in no entry".to_owned()),
        all @ SHOWN.. if all > SHOWN => shown.push(format!("and {} more", all - SHOWN)),
        _ => {}
    }
    Error::new(
        ErrorKind::Integrity,
        format!("function `{name}`: {what} differs: {}", shown.join(", ")),
    )
}
