//! `report`, as typed.

use std::path::PathBuf;

use clap::Args;

/// Show what packages are made of: a page for people, or a summary for pull requests
///
/// Nothing is built or downloaded: the sources are hashed, and the store is asked for records, manifests and bills of materials.
/// Without --html and --markdown a table is printed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack report --html packages.html                         one page that needs no network
  lambda-pack report --markdown >> \"$GITHUB_STEP_SUMMARY\"
  lambda-pack report --html packages.html --markdown=summary.md --history 30
  lambda-pack report --json | jq '.functions[] | {name, unzipped_bytes}'")]
pub struct ReportArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// Write one self-contained page: sizes, files, dependencies, limits, history (`-`: print it)
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print a summary in Markdown, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", conflicts_with = "json")]
    pub markdown: Option<PathBuf>,
    /// The most that the summary may have; GitHub takes 1 MiB of a step, and 65,536 characters of a comment
    #[arg(long, value_name = "BYTES", default_value_t = 1_000_000, requires = "markdown", value_parser = clap::value_parser!(u32).range(1_000..=1_048_576))]
    pub max_bytes: u32,
    /// Packages of each function that the history goes back
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub history: u16,
}
