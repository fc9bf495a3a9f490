//! `profile` and `schema`, as typed.

use clap::{Args, Subcommand, ValueEnum};

/// Deployment profiles: `[profiles.<name>]` in lambda-pack.toml
///
/// A profile says which functions are deployed where, and how they differ: architecture, parameters, swaps, secrets, store.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack profile list
  lambda-pack profile show prod
  lambda-pack profile check")]
pub struct ProfileArgs {
    #[command(subcommand)]
    pub verb: ProfileVerb,
}

#[derive(Debug, Subcommand)]
pub enum ProfileVerb {
    /// List profiles, with tier and functions
    #[command(
        after_help = "Examples:\n  lambda-pack profile list\n  lambda-pack profile list --json | jq -r '.[] | select(.tier == \"lambda\").name'"
    )]
    List,
    /// Show a profile with all that it extends, as TOML
    #[command(
        after_help = "Examples:\n  lambda-pack profile show prod\n  lambda-pack profile show prod --json | jq .parameters"
    )]
    Show {
        /// Name of the profile
        name: String,
    },
    /// Check that profiles name nothing that isn't there
    #[command(after_help = "Examples:\n  lambda-pack profile check\n  lambda-pack profile check prod")]
    Check {
        /// Names of profiles [default: all]
        #[arg(value_name = "NAME", add = super::complete::deployment_profiles())]
        names: Vec<String>,
    },
}

/// Print a JSON Schema
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack schema > lambda-json.schema.json\n  lambda-pack schema project > lambda-pack.schema.json\n  lambda-pack schema bundle > bundle.schema.json"
)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value = "function")]
    pub of: SchemaName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaName {
    /// A function definition
    Function,
    /// `lambda-pack.toml`
    Project,
    /// What `bundle export` writes
    Bundle,
}
