//! `bundle fetch`: the stored bundle, verified and extracted.

use lambda_pack_core::{Error, Result};
use serde::Serialize;

use super::Asked;
use crate::bundle::check::Module;
use crate::bundle::{Place, fetch as fetching};
use crate::cli::FetchArgs;
use crate::commands::output;
use crate::report::{self, Progress};

#[derive(Serialize)]
struct Row<'a> {
    checksum: &'a str,
    code_sha256: &'a str,
    bundle_url: &'a str,
    s3_version: Option<&'a str>,
    path: String,
    size_bytes: u64,
    unzipped_bytes: u64,
    entries: u64,
}

pub fn run(args: &FetchArgs, asked: &Asked) -> Result<()> {
    let progress = Progress::start("fetching", asked.meter);
    let place = Place::resolve(&args.bundle.identity, asked.settings)?;
    let connection = asked.connect()?;
    let module = Module::new(&place, &connection);
    let bundle = match args.committed {
        true => {
            let read = module.read()?;
            let committed = read.committed().cloned();
            committed.ok_or_else(|| {
                Error::conflict(format!("no bundle of {} is in force", place.identity))
                    .help("build one: `lambda-pack bundle run`")
            })?
        }
        false => {
            let local = asked.local(&args.bundle)?;
            let checked = module.check(&local.checksum, false)?;
            checked.hit.ok_or_else(|| {
                let answer = checked.answer;
                Error::conflict(format!(
                    "the bundle {}: {}: {}",
                    place.identity,
                    answer.decision.name(),
                    answer.reason
                ))
                .help("build it: `lambda-pack bundle run`; or take what was stored last: `--committed`")
            })?
        }
    };
    fetching::fetch(&module.object, &bundle, &args.out_dir, args.replace, asked.meter)?;
    drop(progress);
    let row = Row {
        checksum: &bundle.checksum,
        code_sha256: &bundle.code_sha256,
        bundle_url: &bundle.bundle_url,
        s3_version: bundle.s3_version.as_deref(),
        path: args.out_dir.display().to_string(),
        size_bytes: bundle.size_bytes,
        unzipped_bytes: bundle.unzipped_bytes,
        entries: bundle.entries,
    };
    match asked.json {
        true => output::json(&row),
        false => output::line(&format!(
            "{}: {} entries, {} (from {})",
            row.path,
            row.entries,
            report::bytes(row.unzipped_bytes),
            row.bundle_url
        )),
    }
}
