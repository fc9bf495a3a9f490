//! `secrets provide`: what lambda-deploy-module runs for each secret that gets its value at apply.

use lambda_pack_core::function::Secret;
use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use crate::aws::Connection;
use crate::cli::{Common, ProvideArgs};
use crate::commands::output;
use crate::secret_values::{self, Given, Outcome, Place};
use crate::settings::Settings;

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    status: &'static str,
}

pub fn run(args: &ProvideArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let secret = Secret::parse("the declaration", args.declaration.as_bytes())?;
    let settings = Settings::resolve(common, None, None)?;
    let given = Given::in_environment()?;
    let place = said(&args.secret_id).map(|secret_id| Place {
        secret_id,
        version: said(&args.value_version),
    });
    let connection = Connection::connect(&settings.aws, meter)?;
    let outcome = secret_values::provide(&secret, place.as_ref(), &given, &connection)?;
    let row = Row {
        id: secret.id.as_str(),
        status: status(outcome),
    };
    match common.json {
        true => output::json(&row),
        false => output::line(&format!("secret `{}`: {}", row.id, row.status)),
    }
}

/// The module passes all options, and empty what isn't meant.
fn said(option: &Option<String>) -> Option<String> {
    option.clone().filter(|text| !text.is_empty())
}

fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Made => "made",
        Outcome::Stored => "stored",
        Outcome::Kept => "kept",
        Outcome::Found => "found",
    }
}
