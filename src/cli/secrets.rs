//! `secrets`, as typed.

use clap::{Args, Subcommand};

/// Secrets of functions, by what becomes of them
///
/// They are declared under `secrets` in definitions and profiles, by their names; no value is in any file, package or state.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack secrets classify
  lambda-pack secrets check --deployment-profile prod
  lambda-pack secrets list --json")]
pub struct SecretsArgs {
    #[command(subcommand)]
    pub verb: SecretsVerb,
}

#[derive(Debug, Subcommand)]
pub enum SecretsVerb {
    /// List the secrets that are declared, with class, target, functions, and where they are declared
    #[command(
        after_help = "Examples:\n  lambda-pack secrets list\n  lambda-pack secrets list --json | jq -r '.[] | select(.class == \"user_prompt\").id'"
    )]
    List(SecretsOfArgs),
    /// Check what can be known before functions are deployed: declarations, names, patterns, values in the environment
    ///
    /// Fails (exit 3; 8 if an environment holds a secret that isn't declared) if any check does. Nothing is asked of AWS.
    #[command(
        after_help = "Examples:\n  lambda-pack secrets check\n  lambda-pack secrets check --deployment-profile prod --json"
    )]
    Check(SecretsOfArgs),
    /// Suggest a class for each environment variable that looks like a secret, why, and what to declare
    ///
    /// Goes by names of variables, and by what their values look like. No value is printed.
    #[command(after_help = "\
Examples:
  lambda-pack secrets classify
  lambda-pack secrets classify orders --json | jq '.[].secret'")]
    Classify(SecretsOfArgs),
    Provide(ProvideArgs),
}

#[derive(Args, Debug)]
pub struct SecretsOfArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
}

/// See to it that a declared secret has a value: lambda-deploy-module runs this at apply
///
/// per_install_generated: makes one, unless there is one. user_prompt: stores the one that was given, or looks whether the SSM
/// parameter exists that the declaration names. Values are given as a JSON object by id in the environment variable
/// LAMBDA_PACK_SECRET_VALUES, or else TF_VAR_secret_values; none is printed. It may be repeated. It prints `made`, `stored`, `kept`
/// (there was a value) or `found` (the parameter).
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lambda-pack secrets provide --secret-id shop/cookie-key \\
      '{\"id\": \"cookie-key\", \"class\": \"per_install_generated\", \"target\": \"COOKIE_KEY_SECRET\"}'")]
pub struct ProvideArgs {
    /// An entry of `secrets` of a definition, as JSON
    #[arg(value_name = "DECLARATION")]
    pub declaration: String,
    /// Secret in Secrets Manager that gets the value, which must exist: its name or ARN
    #[arg(long, value_name = "SECRET")]
    pub secret_id: Option<String>,
    /// Another value than before, once for each VERSION, whatever you call it
    #[arg(long, value_name = "VERSION")]
    pub value_version: Option<String>,
}
