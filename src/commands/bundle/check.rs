//! `bundle check`: whether the stored bundle is still right. Reads only.

use lambda_pack_core::Result;
use lambda_pack_core::bundle::Decision;
use serde::Serialize;

use super::Asked;
use crate::bundle::check::Module;
use crate::cli::CheckArgs;
use crate::commands::output;
use crate::report;

#[derive(Serialize)]
struct Answer<'a> {
    decision: Decision,
    checksum: String,
    md5: String,
    stored_checksum: Option<&'a str>,
    bundle_url: String,
    reason: &'a str,
}

pub fn run(args: &CheckArgs, asked: &Asked) -> Result<()> {
    let local = asked.local(&args.bundle)?;
    let connection = asked.connect()?;
    let module = Module::new(&local.place, &connection);
    let checked = module.check(&local.checksum, args.force_update)?;
    let answer = Answer {
        decision: checked.answer.decision,
        checksum: local.checksum.blake3.to_hex(),
        md5: local.checksum.md5.to_hex(),
        stored_checksum: checked.stored_checksum.as_deref(),
        bundle_url: local.place.bundle_url(),
        reason: &checked.answer.reason,
    };
    match asked.json {
        true => output::json(&answer)?,
        false => {
            let row = vec![
                local.place.identity.to_string(),
                answer.decision.name().to_owned(),
                answer.checksum[..16].to_owned(),
                answer.reason.to_owned(),
            ];
            output::line(&report::table(
                &["bundle", "decision", "checksum", "reason"],
                &[],
                [row],
            ))?;
        }
    }
    match args.detailed_exitcode && checked.answer.decision != Decision::Hit {
        true => Err(super::changes(checked.answer.decision)),
        false => Ok(()),
    }
}
