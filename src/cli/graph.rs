//! `graph` and `affected`, as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show what functions are made of, and what they need
///
/// Functions, layers, code that several of them share, the packages that lock files name, assets, secrets, and the AWS
/// services that policy statements name; arrows lead to what is needed. Functions and layers have their sizes as requirements:
/// package, unzipped, memory, /tmp. Those of packages come from the store. A cycle is an error that prints it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack graph > graph.mmd                     Mermaid, which GitHub shows in Markdown
  lambda-pack graph --format svg > graph.svg
  lambda-pack graph orders --format dot | dot -Tpdf > orders.pdf
  lambda-pack graph --json | jq -r '.nodes[] | select(.kind == \"dependency\") | .name'")]
pub struct GraphArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// How it is written
    #[arg(long, value_enum, default_value = "mermaid", conflicts_with = "json")]
    pub format: GraphFormat,
    /// Don't ask the store how large packages are
    #[arg(long)]
    pub no_store: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GraphFormat {
    Mermaid,
    /// Graphviz
    Dot,
    /// The same as --json
    Json,
    Svg,
}

/// Tell which functions a change touches
///
/// A line for each function or layer whose source hash or definition can differ, or that of a layer of it. Changes are those
/// since a commit, with what isn't committed or not even added yet; or those of a list of files.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack affected --since HEAD~1
  lambda-pack affected --since \"$(git merge-base origin/main HEAD)\" --json     for a CI matrix; says why, too
  git diff --name-only v1.0 | lambda-pack affected --files -
  lambda-pack affected --since HEAD | xargs --no-run-if-empty lambda-pack build")]
pub struct AffectedArgs {
    #[command(flatten)]
    pub changes: ChangesArgs,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct ChangesArgs {
    /// A commit, branch or tag of git: what differs from it, files that git ignores left aside
    #[arg(long, value_name = "REF")]
    pub since: Option<String>,
    /// A list of files, one a line (`-`: stdin), as `git diff --name-only` prints them, with -z too
    #[arg(long, value_name = "FILE")]
    pub files: Option<PathBuf>,
}
