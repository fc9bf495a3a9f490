//! `run`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::{PackingArgs, path};

/// From a profile to packages and Terraform inputs: validate, graph, fetch assets, build, search, upload, export
///
/// What is in the store already isn't done again: after a failure, run it again. Each step is said on stderr, with its time and
/// what was in a cache or the store; --json lists them, also those of a run that fails.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack run --deployment-profile prod
  lambda-pack run --deployment-profile prod --tfvars lambda-deploy-module/packages.auto.tfvars.json")]
pub struct RunProfileArgs {
    /// Write the inputs of lambda-deploy-module into this file; without it they are printed
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub tfvars: Option<PathBuf>,
    /// Directory for bundle.json and bundle.json.sha256 [default: dist]
    #[arg(long, env = "LAMBDA_PACK_OUT_DIR", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub out_dir: Option<PathBuf>,
    #[command(flatten)]
    pub packing: PackingArgs,
}
