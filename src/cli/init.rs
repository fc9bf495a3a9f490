//! `init`, as typed.

use std::path::PathBuf;

use clap::Args;

use crate::init::{Architecture, Language};

/// Make a working project, or definitions of an existing repository's functions
///
/// Writes lambda-pack.toml, a function with its definition, and what git is to ignore; with --terraform, both Terraform
/// modules too, or them alone where lambda-pack.toml is there already. No file that is there is replaced: if one is in the way, nothing is written. On a terminal it asks for what
/// isn't given.
///
/// With --adopt it reads Terraform, SAM and CloudFormation templates, and serverless.yml, writes a definition of each function,
/// and says what it couldn't carry over, with file and line.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack init                                   (asks, on a terminal)
  lambda-pack init shop --language go --name orders --architecture arm64
  lambda-pack init --language python --terraform --state-bucket my-terraform-state
  lambda-pack init --terraform                       (in a project that is there: adds the modules)
  lambda-pack init --adopt . --dry-run               (what would become of this repository?)
  lambda-pack init --adopt . --json | jq '.notes'")]
pub struct InitArgs {
    /// Directory of the project [default: the current directory]
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub directory: PathBuf,
    /// Language of the sample function [default: python]
    #[arg(long, value_enum, conflicts_with = "adopt")]
    pub language: Option<Language>,
    /// Name of the sample function [default: hello]
    #[arg(long, conflicts_with = "adopt")]
    pub name: Option<String>,
    /// Architecture of the sample function [default: x86_64]
    #[arg(long, value_enum, conflicts_with = "adopt")]
    pub architecture: Option<Architecture>,
    /// Write root.hcl, lambda-build-module and lambda-deploy-module too, for terragrunt
    #[arg(long)]
    pub terraform: bool,
    /// Bucket that keeps Terraform's state [default: none; TF_STATE_BUCKET names it]
    #[arg(long, value_name = "BUCKET", requires = "terraform")]
    pub state_bucket: Option<String>,
    /// Read this repository, and write definitions of its functions
    #[arg(long, value_name = "DIR")]
    pub adopt: Option<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Ask nothing: take the defaults of what isn't given
    #[arg(long, short)]
    pub yes: bool,
}
