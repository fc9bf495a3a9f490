//! `bundle export`: what a profile deploys, in one document.

use lambda_pack_core::fitness::Status;
use lambda_pack_core::{Result, collect_all};
use serde::Serialize;

use super::super::{hash_functions, open_caches, output};
use super::Asked;
use crate::caches;
use crate::handoff;
use crate::packaging::{Checked, Packages};
use crate::report::Progress;

#[derive(Serialize)]
struct Exported {
    path: String,
    functions: usize,
    warnings: usize,
    failures: usize,
}

pub fn run(asked: &Asked) -> Result<()> {
    let &Asked { settings, json, meter } = asked;
    let profile = settings.needs_profile()?;
    let progress = Progress::start("exporting", meter);
    let caches = open_caches(settings, true);
    let hashed = hash_functions(settings, &[], &caches, meter)?;
    let checked = Checked::all(&hashed)?;
    let packages = Packages::open(&hashed, settings, caches, meter)?;
    let records = packages.each(
        &checked,
        |it| it,
        |checked| {
            let found = packages.find(checked)?;
            checked.refuse_secrets(&found, meter)?;
            packages.record(checked, &found)
        },
    );
    packages.store.save_cache();
    let records = collect_all(records)?.into_iter().flatten();
    let packaged = handoff::packaged(&checked, records, profile, &packages, settings)?;
    let document = handoff::document(profile, &packaged, settings)?;
    let path = handoff::write(&document, &settings.out_dir)?;
    drop(progress);
    caches::keep(packages.caches);
    let count = |status| document.validation.iter().filter(|it| it.status == status).count();
    let exported = Exported {
        path: path.display().to_string(),
        functions: document.functions.len(),
        warnings: count(Status::Warn),
        failures: count(Status::Fail),
    };
    match json {
        true => output::json(&exported)?,
        false => output::line(&exported.path)?,
    }
    handoff::refuse_failures(&document)
}
