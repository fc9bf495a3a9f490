//! `rollback`, as typed.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::path;

/// Deploy an earlier package of a function again, with the definition that belonged to it
///
/// Writes `package_overrides` of lambda-deploy-module (or with --alias-version its `alias_versions`) into a file that Terraform
/// reads by itself, and prints the command that shows the plan. Nothing is deployed, and what others have in that file stays. The rollback
/// holds until it is taken back with --clear: commit the file if a pipeline applies.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack rollback order-intake                      the package before that of the current sources
  lambda-pack rollback order-intake --to 3f2a9c01        a source hash of the store, or how it begins
  lambda-pack rollback order-intake --alias-version 12   traffic alone: the alias is held at that version
  lambda-pack rollback order-intake --clear              roll forward")]
pub struct RollbackArgs {
    /// Function or layer
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub name: String,
    /// Source hash of the package, or how it begins
    #[arg(long, value_name = "HASH", group = "target")]
    pub to: Option<String>,
    /// Packages before the one that is published for the current sources, by the time of their records [default: 1]
    #[arg(long, value_name = "N", group = "target")]
    pub steps: Option<NonZeroU32>,
    /// Hold the alias at this published version instead: no package changes. Lambda is asked whether it is there
    #[arg(long, value_name = "N", group = "target")]
    pub alias_version: Option<NonZeroU32>,
    /// What lambda-deploy-module puts before the function's name, to ask Lambda for it
    #[arg(
        long,
        value_name = "TEXT",
        requires = "alias_version",
        default_value = "",
        hide_default_value = true
    )]
    pub name_prefix: String,
    /// AWS profile with which Lambda is asked [default: the store's]
    #[arg(
        long,
        value_name = "NAME",
        requires = "alias_version",
        conflicts_with = "without_lambda"
    )]
    pub lambda_profile: Option<String>,
    /// Don't ask Lambda whether the version is there
    #[arg(long, requires = "alias_version")]
    pub without_lambda: bool,
    /// Take the rollback of this function back
    #[arg(long, group = "target")]
    pub clear: bool,
    /// Take the definition from this commit, branch or tag, whose sources must be those of the package [default: what the store
    /// has, or the commit that the package names]
    #[arg(long, value_name = "REF", conflicts_with_all = ["alias_version", "clear"])]
    pub commit: Option<String>,
    /// Take the definition from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["alias_version", "clear", "commit"], value_parser = path())]
    pub definition: Option<PathBuf>,
    /// The file to write: *.tfvars.json [default: lambda-deploy-module/rollback.auto.tfvars.json in the project]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub file: Option<PathBuf>,
    /// Print what the file would hold, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}
