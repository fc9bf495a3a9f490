//! `remote`, as typed.

use std::path::PathBuf;

use aws_sdk_codebuild::types::ComputeType;
use clap::{Args, Subcommand};

use super::BundleArgs;
use crate::remote::BuildId;

/// Build on AWS CodeBuild
///
/// A build project is made once (modules/codebuild). What decides a build's result is what is sent there, so that a build
/// elsewhere gives what a build here would.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lambda-pack remote start --codebuild-project lambda-pack --store s3://my-bucket --shards 8 --json > builds.json
  lambda-pack remote wait $(jq -r '.[].build_id' builds.json)")]
pub struct RemoteArgs {
    #[command(subcommand)]
    pub verb: RemoteVerb,
}

#[derive(Debug, Subcommand)]
pub enum RemoteVerb {
    Start(Box<RemoteStartArgs>),
    Wait(RemoteWaitArgs),
    /// Say how builds are
    #[command(after_help = "Example:\n  lambda-pack remote status my-project:0a1b2c3d-… --json")]
    Status(BuildIds),
    Logs(RemoteLogsArgs),
    /// Stop builds
    #[command(after_help = "Example:\n  lambda-pack remote cancel my-project:0a1b2c3d-…")]
    Cancel(BuildIds),
    /// Give the files of a source that CodeBuild unpacked their modes and links back, and verify them
    ///
    /// The builds that `remote start` starts run it first: CodeBuild doesn't promise to keep what a zip says of modes and
    /// links. Exit 4 if a file is another than the one that was sent.
    #[command(after_help = "Example:\n  lambda-pack remote restore $CODEBUILD_SRC_DIR")]
    Restore {
        /// The unpacked source
        #[arg(value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
}

/// Send a module to S3, once, and start a build of its bundle
///
/// The build runs `lambda-pack bundle run`. Starting the same again within five minutes gives the build that is under way.
/// With --shards, builds upload all functions of the project instead.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack remote start --codebuild-project lambda-pack --json
  lambda-pack remote start --codebuild-project lambda-pack --project shop --deployment prod --group data --module orders --bucket my-bundles --source modules/orders -- make all
  lambda-pack remote start --codebuild-project lambda-pack --store s3://my-bucket --shards 8
  lambda-pack remote start --codebuild-project lambda-pack --store s3://my-bucket --shards 8 --dry-run --json")]
pub struct RemoteStartArgs {
    #[command(flatten)]
    pub bundle: BundleArgs,
    /// Last command of the phase `build`
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Build whatever is stored
    #[arg(long)]
    pub force_update: bool,
    /// Upload all functions of the project, with N builds that have a share each; their results meet in the store
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with_all = ["force_update", "command"])]
    pub shards: Option<u16>,
    #[command(flatten)]
    pub build: CodeBuildArgs,
    /// Write nothing and start nothing: say what would be sent
    #[arg(long)]
    pub dry_run: bool,
}

/// Which build project runs a build, and what of it is other than usual.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Remote builds")]
pub struct CodeBuildArgs {
    /// CodeBuild project that runs the builds
    #[arg(
        long,
        env = "LAMBDA_PACK_CODEBUILD_PROJECT",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub codebuild_project: Option<String>,
    /// Minutes that a build may run, 5 to 2160 [default: the project's]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(5..=2160))]
    pub timeout: Option<u16>,
    /// Minutes that a build may wait for its turn, 5 to 480 [default: the project's]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(5..=480))]
    pub queued_timeout: Option<u16>,
    /// Container image [default: the project's]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Compute type, such as BUILD_GENERAL1_LARGE [default: the project's]
    #[arg(long, value_name = "TYPE", value_parser = clap::builder::PossibleValuesParser::new(ComputeType::values()))]
    pub compute_type: Option<String>,
    /// Start another build, even if the same one was started within the last five minutes
    #[arg(long)]
    pub again: bool,
}

/// Wait until builds have ended, and show their phases and logs
///
/// Phases and logs go to stderr, the outcome to stdout. Exit 6 unless all have succeeded, 7 past the deadline. Ctrl-C ends the
/// wait, not the builds.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack remote wait my-project:0a1b2c3d-…
  lambda-pack remote wait --deadline 30 my-project:0a1b2c3d-… --json")]
pub struct RemoteWaitArgs {
    #[command(flatten)]
    pub builds: BuildIds,
    #[command(flatten)]
    pub patience: PatienceArgs,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct PatienceArgs {
    /// Minutes after which builds that go on are stopped [default: when they have used up the time that CodeBuild gives
    /// them]
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    pub deadline: Option<f64>,
    #[command(flatten)]
    pub poll: PollArgs,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct PollArgs {
    /// Seconds between two looks at CodeBuild, at first; longer waits have longer intervals
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = positive)]
    pub poll_seconds: f64,
}

/// Print the logs of builds
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack remote logs my-project:0a1b2c3d-…
  lambda-pack remote logs --follow my-project:0a1b2c3d-…")]
pub struct RemoteLogsArgs {
    /// Build, as `remote start` names it
    #[arg(value_name = "BUILD_ID")]
    pub build: BuildId,
    /// Go on until the build has ended
    #[arg(long, short)]
    pub follow: bool,
    #[command(flatten)]
    pub poll: PollArgs,
}

#[derive(Args, Debug)]
pub struct BuildIds {
    /// Builds, as `remote start` names them
    #[arg(value_name = "BUILD_ID", required = true)]
    pub ids: Vec<BuildId>,
}

/// A number above 0 that isn't absurd: a year of minutes.
fn positive(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 525_600.0 => Ok(number),
        _ => Err("not a number above 0, and at most 525600"),
    }
}
