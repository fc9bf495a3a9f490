//! `watch`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::{PackingArgs, path};

/// Build again whenever something is saved, and show what changed
///
/// Watched is all that decides source hashes: sources wherever they stand, definitions, lock files, build inputs, assets of this
/// machine, and lambda-pack.toml. The new source hash and what changed come first, as `diff` tells it, the package follows, where `build` puts it. What
/// fails is said, and watching goes on. Ctrl-C ends it.
///
/// With --invoke, each new package is unpacked and its handler called once, by the runtime of this machine: python3.X, node, or
/// for provided.* the package's own bootstrap. It sees the variables of its definition and those that Lambda sets, and none of
/// your credentials.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack watch                                        all functions
  lambda-pack watch my-function --invoke event.json        and call its handler with this event
  lambda-pack watch my-function --invoke event.json --pass AWS_PROFILE
  lambda-pack watch --upload --store s3://my-dev-bucket    for development: whoever deploys from there gets what you save
  lambda-pack watch --json | jq -c 'select(.event == \"changed\")'
  lambda-pack watch --poll                                 where file systems tell nothing, as on network shares")]
pub struct WatchArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// Directory for the packages [default: dist]
    #[arg(long, env = "LAMBDA_PACK_OUT_DIR", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub out_dir: Option<PathBuf>,
    /// Publish each new package too, as `upload` does. For development
    #[arg(long)]
    pub upload: bool,
    /// Call the handler of each new package once with the JSON in FILE, and again when FILE changes
    #[arg(long, value_name = "FILE", requires = "names")]
    pub invoke: Option<PathBuf>,
    /// A variable of yours that the handler sees, too, such as AWS_PROFILE; may be given several times
    #[arg(long, value_name = "VARIABLE", requires = "invoke")]
    pub pass: Vec<String>,
    /// Look every second instead of being told by the system
    #[arg(long)]
    pub poll: bool,
    #[command(flatten)]
    pub packing: PackingArgs,
}
