//! `bundle`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CodeBuildArgs, PackingArgs, PatienceArgs, path};

/// Stored packages of modules, with the records that say whether they are still right
///
/// A module is known by project, deployment, group and module; what decides its bundle are build specification, source and
/// parameters. All of it may stand in `[bundle]` of lambda-pack.toml.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack bundle check --project shop --deployment prod --group data --module orders --bucket my-bundles --source modules/orders
  lambda-pack bundle run
  lambda-pack bundle list --project shop")]
pub struct BundleCommand {
    #[command(subcommand)]
    pub verb: BundleVerb,
}

#[derive(Debug, Subcommand)]
pub enum BundleVerb {
    Check(CheckArgs),
    Fetch(FetchArgs),
    Store(StoreArgs),
    Run(Box<RunArgs>),
    List(ListArgs),
    Taint(TaintArgs),
    Export(Box<ExportArgs>),
    Verify(VerifyManifestArgs),
}

/// Which module's bundle, and where
#[derive(Args, Debug)]
#[command(next_help_heading = "Bundle")]
pub struct IdentityArgs {
    /// Project, the root of the records in SSM
    #[arg(
        long,
        env = "LAMBDA_PACK_BUNDLE_PROJECT",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub project: Option<String>,
    /// Deployment of the project
    #[arg(
        long,
        env = "LAMBDA_PACK_BUNDLE_DEPLOYMENT",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub deployment: Option<String>,
    /// Group of modules in the deployment
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_GROUP", value_name = "NAME", hide_env_values = true)]
    pub group: Option<String>,
    /// Module in the group
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_MODULE", value_name = "NAME", hide_env_values = true)]
    pub module: Option<String>,
    /// S3 bucket of the bundles; it should keep versions
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_BUCKET", value_name = "NAME", hide_env_values = true)]
    pub bucket: Option<String>,
    /// Whose paths to use for records and bundles [default: lambda-pack]
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_LAYOUT", value_enum, hide_env_values = true)]
    pub layout: Option<LayoutName>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, ValueEnum)]
#[serde(remote = "LayoutName", rename_all = "kebab-case")]
pub enum LayoutName {
    LambdaPack,
    /// Seed-Farmer's
    Seedfarmer,
}

lambda_pack_core::fixed_words!(read LayoutName);

/// A module's bundle, and what it is made from
#[derive(Args, Debug)]
#[command(next_help_heading = "Bundle")]
pub struct BundleArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Directory of the module
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_SOURCE", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub source: Option<PathBuf>,
    /// Build specification (AWS CodeBuild's buildspec, or Seed-Farmer's deployspec) [default: deployspec.yaml or
    /// buildspec.yaml in the source, if there]
    #[arg(long, env = "LAMBDA_PACK_BUNDLE_SPEC", value_name = "FILE", hide_env_values = true, value_parser = path())]
    pub spec: Option<PathBuf>,
    /// Parameter of the module
    #[arg(long, value_name = "KEY=VALUE")]
    pub param: Vec<String>,
    /// Parameter whose value is a secret: parameter-store:NAME or secrets-manager:ID[:JSON-KEY]
    #[arg(long, value_name = "KEY=REFERENCE")]
    pub secret: Vec<String>,
}

/// Tell whether the stored bundle is still right, and why; reads only
///
/// The decision is one of hit, miss_no_bundle, miss_no_hash, miss_changed, miss_corrupt, miss_failed, miss_building, forced.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack bundle check --json | jq -r .decision
  lambda-pack bundle check --detailed-exitcode --quiet || echo build it    (exit 10 unless it is a hit)")]
pub struct CheckArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    /// Exit with 10 unless it is a hit
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Answer `forced`, whatever is stored
    #[arg(long)]
    pub force_update: bool,
}

/// Download the stored bundle if it is still right, and extract it
///
/// It appears whole or not at all, and only if its bytes are those that were recorded. On a miss: exit 5.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack bundle fetch --out-dir build/orders\n  lambda-pack bundle fetch --committed --out-dir /tmp/last"
)]
pub struct FetchArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    /// Directory to extract into; must not hold anything else
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub out_dir: PathBuf,
    /// Replace what is in the directory
    #[arg(long)]
    pub replace: bool,
    /// The bundle that was stored last, whatever it was made from; needs no source
    #[arg(long)]
    pub committed: bool,
}

/// Pack a directory, upload it, and record it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack bundle store\n  terraform output -json | lambda-pack bundle store --outputs -"
)]
pub struct StoreArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    /// What the module gives to others: a JSON object, or what `terraform output -json` prints (`-`: stdin)
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<PathBuf>,
    #[command(flatten)]
    pub writing: WritingArgs,
}

#[derive(Args, Debug)]
pub struct WritingArgs {
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Seconds until others may take over from a writer that vanished
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u16).range(5..=3600))]
    pub lease_seconds: u16,
}

/// Use the stored bundle if it is still right, else build and store it
///
/// On a miss the phases of the build specification run in a copy of the source, with little of your environment; what
/// they leave is packed and stored. COMMAND, if given, is the last command of the phase `build`. A failure leaves the bundle
/// before it as it was.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack bundle run
  lambda-pack bundle run --out-dir build/orders --param stage=prod
  lambda-pack bundle run --source modules/orders -- make package
  lambda-pack bundle run --remote --codebuild-project lambda-pack --out-dir build/orders
  lambda-pack bundle run --force-update --dry-run")]
pub struct RunArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    /// Build even if the stored bundle is right
    #[arg(long)]
    pub force_update: bool,
    /// Extract the bundle into this directory in the end
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub out_dir: Option<PathBuf>,
    /// Replace what is in that directory
    #[arg(long, requires = "out_dir")]
    pub replace: bool,
    /// What the module gives to others: a JSON object, or what `terraform output -json` prints [default: the module
    /// metadata that the commands wrote]
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<PathBuf>,
    /// Directory for report.json, report.md and build.log [default: .lambda-pack/bundles/<deployment>/<group>-<module>]
    #[arg(long, value_name = "DIR")]
    pub report_dir: Option<PathBuf>,
    /// Variable of your environment that the commands may see
    #[arg(long, value_name = "NAME")]
    pub pass_env: Vec<String>,
    #[command(flatten)]
    pub writing: WritingArgs,
    /// Build on AWS CodeBuild instead of here (see `lambda-pack remote --help`)
    #[arg(long, requires = "codebuild_project")]
    pub remote: bool,
    #[command(flatten)]
    pub build: CodeBuildArgs,
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// Command to run after those of the phase `build`
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// List the bundles of a project: age, size, status, checksum
///
/// Of the deployment, group and module that are given as flags; else all of the project.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack bundle list --project shop\n  lambda-pack bundle list --project shop --deployment prod --json"
)]
pub struct ListArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
}

/// Mark a bundle, so that the next run builds it again
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  lambda-pack bundle taint --project shop --deployment prod --group data --module orders --bucket my-bundles"
)]
pub struct TaintArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub writing: WritingArgs,
}

/// Write bundle.json: what a deployment profile deploys, with every digest
///
/// Functions with source hash, code sha256, sizes and address in the store; the dependency graph; assets; swaps; secrets by
/// class; and what was checked. Packages that the store lacks are built to know them, and not uploaded. Same inputs, same
/// bytes. Exit 3 if a check failed; the document says which.
///
/// --source, --spec, --param and the like, which all bundle commands have, are about modules' bundles and change nothing here.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack bundle export --deployment-profile prod
  lambda-pack bundle export --deployment-profile prod --out-dir /tmp/prod && jq .functions /tmp/prod/bundle.json")]
pub struct ExportArgs {
    /// Directory for bundle.json and bundle.json.sha256 [default: dist]
    #[arg(long, env = "LAMBDA_PACK_OUT_DIR", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub out_dir: Option<PathBuf>,
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub packing: PackingArgs,
}

/// Check a bundle.json: its digests, those of packages in the store, of their manifests and of assets, and the rest with the project
///
/// Run it in the project that it was made of, at the same commit: there the document is made again and compared as a whole. In
/// another project or at another commit that fails, unless --allow-unchecked accepts that its digests alone are proven; where no
/// project is, they are, and a warning says so. Where the project has the profile, --allow-unchecked accepts no commit that the
/// repository doesn't have: that is a difference, and in a shallow clone, which must fetch it first, exit code 1. Only what
/// lambda-pack wrote is taken, whole. Exit 4 if something differs, 1 if something is missing or can't be compared, 3 if the
/// document says that a check failed, or isn't one.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack bundle verify dist/bundle.json
  lambda-pack bundle verify dist/bundle.json --store s3://prod-packages --json
  git checkout $(jq -r .application.git_commit dist/bundle.json) && lambda-pack bundle verify dist/bundle.json")]
pub struct VerifyManifestArgs {
    /// The document; its SHA-256 stands beside it, in FILE.sha256
    #[arg(value_name = "FILE", value_parser = path())]
    pub file: PathBuf,
    /// Accept a document that can't be compared with the project that is here, since that is another one, or at another commit that its
    /// repository has
    #[arg(long)]
    pub allow_unchecked: bool,
}
