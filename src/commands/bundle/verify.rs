//! `bundle verify`: whether every digest in a document is right.

use lambda_pack_core::Result;

use super::super::finish_rows;
use super::Asked;
use crate::cli::{Common, VerifyManifestArgs};
use crate::handoff::{Elsewhere, Stated, Status, Verified};
use crate::report::{self, Progress};

pub fn run(args: &VerifyManifestArgs, common: &Common, asked: &Asked) -> Result<()> {
    let progress = Progress::start("verifying", asked.meter);
    let stated = Stated::read(&args.file)?;
    let settings = asked.settings;
    let given = common.store.as_deref().filter(|store| !store.is_empty());
    let elsewhere = match args.allow_unchecked {
        true => Elsewhere::Accepted,
        false => Elsewhere::Refused,
    };
    let results = stated.verify(given.map(|_| &settings.store), elsewhere, settings, asked.meter)?;
    drop(progress);
    for row in results.iter().flatten() {
        if let Some(detail) = &row.detail {
            report::warning(&format!("the {} wasn't checked: {detail}", row.what));
        }
    }
    finish_rows(results, common.json, |rows: &[Verified]| {
        let lines = rows.iter().map(|row| {
            let shown = match row.status {
                Status::Verified => row.digest.as_deref().unwrap_or("makes the same document"),
                Status::NotChecked => "not checked",
            };
            vec![row.what.to_owned(), row.name.clone(), shown.to_owned()]
        });
        report::table(&["what", "name", "digest"], &[], lines)
    })
}
