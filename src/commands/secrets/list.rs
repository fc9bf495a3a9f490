//! `secrets list`.

use lambda_pack_core::Result;
use lambda_pack_core::function::SecretClass;
use lambda_pack_core::secrets::listed;

use super::Asked;
use crate::commands::output;
use crate::report;

pub fn run(asked: &Asked, json: bool) -> Result<()> {
    let secrets = listed(&asked.functions, asked.settings.profile.as_ref());
    if json {
        return output::json(&secrets);
    }
    let lines = secrets.iter().map(|secret| {
        let functions = match secret.class {
            SecretClass::Infrastructure => "in none".to_owned(),
            _ => secret.functions.join(", "),
        };
        vec![
            secret.id.clone(),
            secret.class.name().to_owned(),
            secret.target.clone().unwrap_or_else(|| "-".to_owned()),
            functions,
            secret.declared_in.join(", "),
        ]
    });
    output::line(&report::table(
        &["secret", "class", "target", "functions", "declared in"],
        &[],
        lines,
    ))
}
