//! `promote`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::path;

/// Copy packages from one store to another, by their hash: what was tested is what is deployed
///
/// Nothing is built. S3 copies the packages itself; between other stores they go through this machine. Their bytes are those
/// that were recorded, in both stores, or nothing becomes visible: exit 4. Manifest, bill of materials and metadata go along; the
/// record comes last. What is there already stays (`unchanged`); after a failure, run the same command again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack promote --from s3://dev-packages/lambda --to s3://prod-packages/lambda
  lambda-pack promote order-intake --to s3://prod-packages --dry-run
  terragrunt output -json packages | lambda-pack promote --packages - --to s3://prod-packages --tfvars packages.auto.tfvars.json
  lambda-pack promote --bundle dist/bundle.json --to s3://prod-packages
  lambda-pack promote order-intake=1fa29518 --to s3://prod-packages --to-region eu-west-1")]
pub struct PromoteArgs {
    /// Functions, as the sources are now [default: all, with their layers]; NAME=HASH: the package of the store with that source hash, or one that
    /// begins so
    #[arg(value_name = "NAME[=HASH]", add = super::complete::functions())]
    pub names: Vec<String>,
    /// Store to copy from [default: that of --store, or of the bundle]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// Store to copy to
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Copy what FILE (`-`: stdin) names: the output `packages` of lambda-build-module (`terraform output -json`, all outputs or this one), or inputs
    /// of lambda-deploy-module (`packages.auto.tfvars.json`)
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    pub packages: Option<PathBuf>,
    /// Copy what this bundle.json names, which its SHA-256 stands beside
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Write the inputs of lambda-deploy-module for the store of --to into this file; its other variables stay, and so do other packages
    /// where functions are named
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub tfvars: Option<PathBuf>,
    /// Say what would be copied, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// AWS region of the store of --to, where it is another
    #[arg(long, value_name = "REGION")]
    pub to_region: Option<String>,
    /// Profile in the AWS configuration files for the store of --to. With read access to the other store nothing goes through
    /// this machine
    #[arg(long, value_name = "NAME")]
    pub to_profile: Option<String>,
    /// Address of the S3 service of the store of --to, where it is another
    #[arg(long, value_name = "URL")]
    pub to_endpoint_url: Option<String>,
}
