//! `bundle verify`: whether every digest in a document is right.

use lambda_pack_core::Result;

use super::super::finish_rows;
use super::Asked;
use crate::cli::{Common, VerifyManifestArgs};
use crate::handoff::{Stated, Verified};
use crate::report::{self, Progress};

pub fn run(args: &VerifyManifestArgs, common: &Common, asked: &Asked) -> Result<()> {
    let progress = Progress::start("verifying", asked.meter);
    let stated = Stated::read(&args.file)?;
    let settings = asked.settings;
    let store = match common.store.as_deref() {
        None | Some("") => stated.store(&settings.project_dir)?,
        Some(_) => settings.store.clone(),
    };
    let results = stated.verify(&store, settings, asked.meter)?;
    drop(progress);
    finish_rows(results, common.json, |rows: &[Verified]| {
        let lines = rows
            .iter()
            .map(|row| vec![row.what.to_owned(), row.name.clone(), row.digest.clone()]);
        report::table(&["what", "name", "digest"], &[], lines)
    })
}
