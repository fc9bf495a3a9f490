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
}
