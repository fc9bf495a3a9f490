//! `secrets`, as typed.

use clap::{Args, Subcommand};

/// Secrets of functions, by what becomes of them
#[derive(Args, Debug)]
pub struct SecretsArgs {
    #[command(subcommand)]
    pub verb: SecretsVerb,
}

#[derive(Debug, Subcommand)]
pub enum SecretsVerb {
    /// List the secrets that are declared
    List,
    Provide(ProvideArgs),
}

/// See to it that a declared secret has a value: lambda-deploy-module runs this at apply
///
/// per_install_generated: makes one, unless there is one. user_prompt: stores the one that was given, or looks whether the SSM
/// parameter exists that the declaration names. Values are given as a JSON object by id in the environment variable
/// LAMBDA_PACK_SECRET_VALUES, or else TF_VAR_secret_values; none is printed. It may be repeated.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lambda-pack secrets provide --secret-id shop/cookie-key \\
      '{\"id\": \"cookie-key\", \"class\": \"per_install_generated\", \"target\": \"COOKIE_KEY_SECRET\"}'

Prints `made`, `stored`, `kept` (there was a value) or `found` (the parameter).")]
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
