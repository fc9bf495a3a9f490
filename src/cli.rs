//! The command line as typed. These types stop at `settings` and `commands`: the core never sees them.

mod bundle;
mod complete;
mod diff;
mod doctor;
mod fitness;
mod gc;
mod graph;
mod init;
mod list;
mod matrix;
mod metadata;
mod profile;
mod promote;
mod remote;
mod report;
mod rollback;
mod run;
mod secrets;
mod verify;
mod watch;

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lambda_pack_core::shard::Shard;
use schemars::JsonSchema;
use serde::Deserialize;

pub use bundle::*;
pub use diff::*;
pub use doctor::*;
pub use fitness::*;
pub use gc::*;
pub use graph::*;
pub use init::*;
pub use list::*;
pub use matrix::*;
pub use metadata::*;
pub use profile::*;
pub use promote::*;
pub use remote::*;
pub use report::*;
pub use rollback::*;
pub use run::*;
pub use secrets::*;
pub use verify::*;
pub use watch::*;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// A path that may be empty, which means "not given": Terraform can't unset a variable in a provisioner's environment.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

const EXAMPLES: &str = "\
Examples:
  lambda-pack hash code/                 one digest of a directory, the same on every machine
  lambda-pack build                      dist/<function>.zip for every function
  lambda-pack upload                     build and publish what the store lacks
  lambda-pack upload --store s3://my-bucket/lambda
  lambda-pack diff                       what differs from what was published

Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 integrity, 5 conflict or other than expected,
6 remote build failed, 7 time-out, 8 secret found, 10 changes (--detailed-exitcode), 130 interrupted.";

/// Deterministic AWS Lambda packages, and source hashes that Terraform can trust.
#[derive(Debug, Parser)]
#[command(name = "lambda-pack", version, after_help = EXAMPLES, styles = STYLES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes. Order: flag, variable, `lambda-pack.toml`, default.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Directory of the function definitions [default: lambda-json]
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_CONFIG_DIR",
        value_name = "DIR",
        hide_env_values = true, value_parser = path()
    )]
    pub config_dir: Option<PathBuf>,
    /// Directory that `source` in a definition is relative to [default: code]
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_CODE_DIR",
        value_name = "DIR",
        hide_env_values = true, value_parser = path()
    )]
    pub code_dir: Option<PathBuf>,
    /// Where packages are kept: s3://bucket/prefix or file:///dir [default: .lambda-pack/store in the project]
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_STORE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no warnings and no progress
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on stderr; twice for details
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour the output (auto: on a terminal, unless NO_COLOR is set)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Threads that hash and compress [default: one a processor]
    #[arg(long, global = true, env = "LAMBDA_PACK_JOBS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), hide_env_values = true)]
    pub jobs: Option<u16>,
    /// Neither read nor write a cache
    #[arg(long, global = true)]
    pub no_cache: bool,
    /// AWS region of the store
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_REGION",
        value_name = "REGION",
        hide_env_values = true
    )]
    pub region: Option<String>,
    /// Address of the S3 service, for a local or compatible one
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_ENDPOINT_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub endpoint_url: Option<String>,
    /// Profile in the AWS configuration files
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_PROFILE",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub profile: Option<String>,
    /// Profile in lambda-pack.toml that says what is deployed, and how
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_DEPLOYMENT_PROFILE",
        value_name = "NAME",
        hide_env_values = true,
        add = complete::deployment_profiles()
    )]
    pub deployment_profile: Option<String>,
    /// Seconds that a download of an asset may take without a byte [default: 30]
    #[arg(
        long,
        global = true,
        env = "LAMBDA_PACK_DOWNLOAD_TIMEOUT",
        value_name = "SECONDS",
        hide_env_values = true
    )]
    pub download_timeout: Option<NonZeroU16>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Hash(HashArgs),
    Build(BuildArgs),
    Upload(UploadArgs),
    Diff(DiffArgs),
    Watch(WatchArgs),
    External(ExternalArgs),
    Validate(ValidateArgs),
    Verify(VerifyArgs),
    List(PackageListArgs),
    Gc(GcArgs),
    Lock(LockArgs),
    Assets(AssetsArgs),
    Bundle(Box<BundleCommand>),
    Metadata(MetadataArgs),
    Remote(RemoteArgs),
    Init(InitArgs),
    Profile(ProfileArgs),
    Promote(PromoteArgs),
    Graph(GraphArgs),
    Affected(AffectedArgs),
    Matrix(MatrixArgs),
    Fitness(FitnessArgs),
    Report(ReportArgs),
    Secrets(SecretsArgs),
    Rollback(RollbackArgs),
    Run(RunProfileArgs),
    Doctor(DoctorArgs),
    Schema(SchemaArgs),
    /// Print a shell's completion script, which completes names of functions and profiles too
    ///
    /// The script asks this program at each TAB: load it anew after an upgrade, best each time a shell starts.
    #[command(after_help = "\
Examples:
  echo 'source <(lambda-pack completions bash)' >> ~/.bashrc
  echo 'source <(lambda-pack completions zsh)' >> ~/.zshrc
  lambda-pack completions fish > ~/.config/fish/completions/lambda-pack.fish
  lambda-pack completions powershell | Out-String | Invoke-Expression")]
    Completions {
        shell: Shell,
    },
    Man(ManArgs),
}

impl Command {
    /// Whether an interruption must leave time to remove them, or to say what goes on elsewhere.
    pub fn has_temporary_files(&self) -> bool {
        matches!(
            self,
            Command::Assets(_)
                | Command::Build(_)
                | Command::Bundle(_)
                | Command::Diff(_)
                | Command::Lock(_)
                | Command::Metadata(_)
                | Command::Remote(_)
                | Command::Report(_)
                | Command::Fitness(_)
                | Command::Init(_)
                | Command::Promote(_)
                | Command::Rollback(_)
                | Command::Run(_)
                | Command::Secrets(_)
                | Command::Upload(_)
                | Command::Verify(_)
                | Command::Watch(_)
        )
    }
}

/// Print the source hash of files and directories
///
/// A line each: `<digest>  <path>`. Needs no project and no AWS. Left out of directories are .git, .terraform,
/// .terragrunt-cache, .venv, __pycache__, *.pyc and the like, and what a .lambdaignore file names.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack hash code/
  lambda-pack hash --json code/ | jq '.entries[].path'
  lambda-pack hash code/* > hashes.txt && lambda-pack hash --check hashes.txt")]
pub struct HashArgs {
    /// Files and directories [default: the current directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Hash function, inside and out
    #[arg(long, value_enum, default_value = "blake3")]
    pub algorithm: AlgorithmName,
    /// Verify the lines of FILE (`-`: stdin) that `hash` printed before; exit 4 if one differs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "algorithm", "json"])]
    pub check: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AlgorithmName {
    Blake3,
    Sha256,
    Md5,
}

#[derive(Args, Debug)]
pub struct PackingArgs {
    /// How hard to try to make packages small; best is about 4 % smaller and takes about ten times as long [default:
    /// standard]
    #[arg(long, value_enum, env = "LAMBDA_PACK_COMPRESSION", hide_env_values = true)]
    pub compression: Option<CompressionName>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, ValueEnum)]
#[serde(remote = "CompressionName", rename_all = "lowercase")]
pub enum CompressionName {
    Standard,
    Best,
}

lambda_pack_core::fixed_words!(read CompressionName);

/// Build packages into a directory, as <name>.zip
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack build\n  lambda-pack build my-function --out-dir /tmp/zips --json\n  lambda-pack build --sbom"
)]
pub struct BuildArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = complete::functions())]
    pub names: Vec<String>,
    /// Directory for the packages [default: dist]
    #[arg(long, env = "LAMBDA_PACK_OUT_DIR", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub out_dir: Option<PathBuf>,
    /// Write a bill of materials (CycloneDX JSON) beside each package, as <name>.cdx.json
    #[arg(long)]
    pub sbom: bool,
    #[command(flatten)]
    pub packing: PackingArgs,
}

/// Build what the store lacks, and upload it
///
/// A package and its record are immutable: the first upload of a source hash wins, and everybody after it uses that
/// package (`unchanged`).
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack upload
  lambda-pack upload --store s3://my-bucket/lambda my-function
  lambda-pack upload my-function --expect my-function=$HASH    (exit 5 if the source is another by now)
  lambda-pack upload --shard 2/8                               (an eighth of the functions)")]
pub struct UploadArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = complete::functions())]
    pub names: Vec<String>,
    /// Refuse to upload NAME unless its source hash is HASH
    #[arg(long, value_name = "NAME=HASH")]
    pub expect: Vec<String>,
    /// Only the functions of shard I of N, which their names decide: N machines with 1/N to N/N upload all of them
    #[arg(long, value_name = "I/N", conflicts_with = "expect")]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub packing: PackingArgs,
}

/// Answer Terraform's `external` data source: JSON query on stdin, JSON result on stdout
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  echo '{}' | lambda-pack external hash
  echo '{\"names\": \"[\\\"my-function\\\"]\"}' | lambda-pack external hash | jq '.packages | fromjson'")]
pub struct ExternalArgs {
    #[command(subcommand)]
    pub query: ExternalQuery,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ExternalQuery {
    /// Source hashes and resolved definitions; query keys: config_dir, code_dir, names
    #[command(after_help = "Example:\n  echo '{\"code_dir\": \"code\"}' | lambda-pack external hash")]
    Hash,
    /// Where the packages of these source hashes are stored; query keys: store, packages
    #[command(
        after_help = "Example:\n  echo '{}' | lambda-pack external hash | jq '{packages, store: \"s3://my-bucket\"}' | lambda-pack external published"
    )]
    Published,
}

/// Check definitions and sources, and look for secrets, without building anything
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lambda-pack validate && echo fine")]
pub struct ValidateArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = complete::functions())]
    pub names: Vec<String>,
}

/// Lock dependencies with the ecosystems' own tools
///
/// Python: `uv pip compile` of requirements.in for the function's runtime and architecture, or `uv lock` of pyproject.toml;
/// Node.js: npm; Go: `go mod tidy`; Rust: cargo. What is locked stays so unless --upgrade is given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  lambda-pack lock\n  lambda-pack lock my-function --upgrade")]
pub struct LockArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = complete::functions())]
    pub names: Vec<String>,
    /// Take the newest versions that are allowed
    #[arg(long)]
    pub upgrade: bool,
}

/// Download the files that definitions name in `assets`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lambda-pack assets lock && lambda-pack build")]
pub struct AssetsArgs {
    #[command(subcommand)]
    pub verb: AssetsVerb,
}

#[derive(Debug, Subcommand)]
pub enum AssetsVerb {
    /// Fill in the missing `sha256` of assets, in the definitions' files
    ///
    /// Each asset without one is downloaded. Nothing else in a file changes.
    #[command(
        after_help = "Examples:\n  lambda-pack assets lock\n  lambda-pack assets lock my-function && git diff lambda-json"
    )]
    Lock(AssetNames),
    /// Download all assets into the cache, for builds without network
    #[command(after_help = "Examples:\n  lambda-pack assets fetch\n  lambda-pack assets fetch my-function --json")]
    Fetch(AssetNames),
}

#[derive(Args, Debug)]
pub struct AssetNames {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = complete::functions())]
    pub names: Vec<String>,
}

/// Print the manual page, or write those of all commands
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lambda-pack man | man -l -\n  lambda-pack man --out-dir /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// `manual` knows no other paragraphs.
    #[test]
    fn every_command_has_examples() {
        fn look(command: &clap::Command) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_known = |paragraph: &str| {
                ["Example:\n", "Examples:\n", "Exit codes: "]
                    .iter()
                    .any(|known| paragraph.starts_with(known))
            };
            let name = command.get_name();
            assert!(after.starts_with("Example"), "{name} has no examples");
            assert!(after.split("\n\n").all(is_known), "{name}: {after}");
            assert!(command.get_after_long_help().is_none(), "{name}");
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
