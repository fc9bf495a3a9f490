//! `doctor`: what is missing, and how to mend it.

use lambda_pack_core::{Error, Meter, Result};

use super::output;
use crate::cli::Common;
use crate::doctor::{self, Status};
use crate::report;

pub fn run(common: &Common, meter: &'static Meter) -> Result<()> {
    let findings = doctor::examine(common, meter)?;
    match common.json {
        true => output::json(&findings)?,
        false => {
            let lines = findings
                .iter()
                .map(|it| vec![it.status.name().to_owned(), it.check.to_owned(), it.detail.clone()]);
            output::line(&report::table(&["result", "check", "found"], &[], lines))?;
            for finding in &findings {
                if let Some(fix) = &finding.fix {
                    output::line(&format!("{}: {fix}", finding.check))?;
                }
            }
        }
    }
    match findings.iter().filter(|it| it.status == Status::Fail).count() {
        0 => Ok(()),
        failed => Err(Error::failed(format!("{failed} of {} checks failed", findings.len()))
            .help("mend them in this order: a later one may fail because of an earlier one")),
    }
}
