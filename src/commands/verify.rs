//! `verify`: whether packages are what they should be.

use lambda_pack_core::diff::Change;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, VerifyArgs};
use crate::rebuild::{self, Rebuilt};
use crate::report::{self, Progress};
use crate::settings::Settings;

/// A row of `--json`.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    source_hash: &'a str,
    code_sha256: &'a str,
    rebuilt_code_sha256: &'a str,
    same: bool,
    differences: &'a [Change],
}

pub fn run(args: &VerifyArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("building twice", meter);
    let rebuilt = rebuild::rebuild(&args.names, &settings, meter)?;
    drop(progress);
    if common.json {
        let rows: Vec<Row> = rebuilt.iter().map(Row::of).collect();
        output::json(&rows)?;
    } else {
        let lines = rebuilt.iter().map(|it| {
            let result = if it.is_same() { "same" } else { "differs" };
            vec![it.name.clone(), result.to_owned(), it.code_sha256[0].clone()]
        });
        output::line(&report::table(&["function", "rebuild", "code sha256"], &[], lines))?;
    }
    Error::join(rebuilt.iter().filter(|it| !it.is_same()).map(differs)).map_or(Ok(()), Err)
}

impl<'a> Row<'a> {
    fn of(rebuilt: &'a Rebuilt) -> Self {
        let [code_sha256, rebuilt_code_sha256] = &rebuilt.code_sha256;
        Row {
            name: &rebuilt.name,
            source_hash: &rebuilt.source_hash,
            code_sha256,
            rebuilt_code_sha256,
            same: rebuilt.is_same(),
            differences: &rebuilt.differences,
        }
    }
}

fn differs(rebuilt: &Rebuilt) -> Error {
    /// Enough to see a pattern; `--json` has all.
    const SHOWN: usize = 10;
    let differences = rebuilt.differences.iter().take(SHOWN);
    let mut shown: Vec<String> = differences
        .map(|it| format!("`{}` ({})", it.path, it.change.name()))
        .collect();
    match rebuilt.differences.len() {
        0 => shown.push("the archive itself, in no entry".to_owned()),
        all @ SHOWN.. if all > SHOWN => shown.push(format!("and {} more", all - SHOWN)),
        _ => {}
    }
    Error::new(
        ErrorKind::Integrity,
        format!("function `{}`: a second build differs: {}", rebuilt.name, shown.join(", ")),
    )
    .help("what the build puts there depends on its time, place, order or machine; the store keeps the package that was uploaded first")
}
