//! `matrix`, as typed.

use std::num::NonZeroU16;

use clap::Args;

/// Share functions among the jobs of a pipeline, as JSON for `strategy.matrix` of GitHub Actions
///
/// `{"include": [{"shard": "1/3", "functions": 25}, …]}`: a job for each, which runs `lambda-pack upload --shard`. With --since
/// only jobs that have something to do. `include` is empty if there is nothing to do: skip the jobs then.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack matrix
  lambda-pack matrix --max 256 --since \"$(git merge-base origin/main HEAD)\"
  echo \"matrix=$(lambda-pack matrix --since HEAD~1)\" >> \"$GITHUB_OUTPUT\"")]
pub struct MatrixArgs {
    /// Jobs at most; GitHub starts no more than 256 of a matrix
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub max: u16,
    /// Functions that are worth a job of their own
    #[arg(long, value_name = "N", default_value = "25")]
    pub per_job: NonZeroU16,
    /// Count the functions alone that differ from this commit, branch or tag of git, as `affected` tells them
    #[arg(long, value_name = "REF")]
    pub since: Option<String>,
}
