//! `diff` as typed.

use clap::Args;

use crate::comparison::Side;

/// Show what differs from what was published: entries, build inputs, sizes
///
/// Without options, the source of each function is compared with its package that was published last. A side is `source`
/// (the working tree), `published`, `git:REF` (a commit, branch or tag), a source hash, or how it begins, of one function in the store, the address of another store
/// (s3://… or file://…), or a package, FILE.zip.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack diff                                         all functions, with what was published last
  lambda-pack diff my-function --from 3f9a2c71             one, with an older package
  lambda-pack diff my-function --unified                   with the lines that differ
  lambda-pack diff --from git:origin/main                  what a branch changes
  lambda-pack diff --from s3://shop-prod --to s3://shop-dev
  lambda-pack diff --from old.zip --to dist/my-function.zip
  lambda-pack diff --detailed-exitcode --quiet             exit 10 if anything differs")]
pub struct DiffArgs {
    /// Functions [default: all that are defined]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// What was
    #[arg(long, value_name = "SIDE", default_value = "published")]
    pub from: Side,
    /// What is
    #[arg(long, value_name = "SIDE", default_value = "source")]
    pub to: Side,
    /// Show what differs in text files, as `diff -u` does; packages of the store are downloaded for that
    #[arg(long, short)]
    pub unified: bool,
    /// Print Markdown, for summaries and comments
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Exit with 10 if anything differs
    #[arg(long)]
    pub detailed_exitcode: bool,
}
