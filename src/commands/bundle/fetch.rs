//! `bundle fetch`: the stored bundle, verified and extracted.

use lambda_pack_core::bundle::Metadata;
use lambda_pack_core::{Error, Result};
use serde::Serialize;

use super::Asked;
use crate::bundle::Place;
use crate::bundle::check::Module;
use crate::bundle::fetch::{Target, fetch};
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
    let (target, bundle, known) = match args.committed {
        true => {
            let target = Target::new(&args.out_dir, None, args.replace)?;
            let read = module.read()?;
            let committed = read.committed().cloned().ok_or_else(|| {
                Error::conflict(format!("no bundle of {} is in force", place.identity))
                    .help("build one: `lambda-pack bundle run`")
            })?;
            let known = read.metadata.iter().flat_map(Metadata::bundles).cloned().collect();
            (target, committed, known)
        }
        false => {
            let local = asked.local(&args.bundle)?;
            let target = Target::new(&args.out_dir, Some(&local.making.source), args.replace)?;
            let checked = module.check(&local.checksum, false)?;
            let hit = checked.hit.ok_or_else(|| {
                let answer = checked.answer;
                Error::conflict(format!(
                    "the bundle {}: {}: {}",
                    place.identity,
                    answer.decision.name(),
                    answer.reason
                ))
                .help("build it: `lambda-pack bundle run`; or take what was stored last: `--committed`")
            })?;
            (target, hit, checked.known)
        }
    };
    fetch(&module.object, &bundle, &target, &known, asked.meter)?;
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
