//! `secrets check`.

use lambda_pack_core::Result;
use lambda_pack_core::secrets::check;

use super::Asked;
use crate::commands::output;
use crate::hidden::value_of;
use crate::report;

pub fn run(asked: &Asked, json: bool) -> Result<()> {
    let checked = check(&asked.functions, asked.settings.profile.as_ref(), value_of)?;
    if json {
        output::json(&checked.checks)?;
    } else {
        let lines = checked.checks.iter().map(|check| {
            let remedy = check.remedy.as_ref().map(|remedy| format!("; {remedy}"));
            vec![
                check.status.name().to_owned(),
                check.check.to_owned(),
                check.secret.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{}{}", check.detail, remedy.unwrap_or_default()),
            ]
        });
        output::line(&report::table(&["result", "check", "secret", "detail"], &[], lines))?;
    }
    checked.failed.map_or(Ok(()), Err)
}
