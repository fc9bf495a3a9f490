//! `verify`, as typed.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::path;

/// Compare packages with what they should be: on disk, built twice, in the store, in the statement who built them, or deployed
///
/// local: each package that `build` left in the output directory, with the source, entry by entry; of what a build makes, with
/// the manifest in the store. rebuild: two builds. The first is what `build` makes, with its caches; the second one starts from nothing,
/// in a copy of the code directory whose files are made in another order, under another umask, time zone and locale, with one
/// thread. store: what was published last, with its record and manifest. provenance: the same, and with the statement beside it that says who built
/// it from which commit and inputs; statements aren't signed. deployed: code, runtime, handler, architectures and layers that Lambda has ($LATEST,
/// which edits change, and where an alias leads), with the package of the source as it is now and its definition, or with what --packages names. What differs
/// is named; exit 4 if anything does.
/// Nothing is written but temporary files.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack build && lambda-pack verify
  lambda-pack verify --level rebuild my-function --json
  lambda-pack verify --level store --deep
  lambda-pack verify --provenance --source-uri github.com/example/shop --source-commit $COMMIT
  lambda-pack verify --level deployed --alias live
  lambda-pack verify --level deployed --packages packages.auto.tfvars.json --packages rollback.auto.tfvars.json
  terraform output -json packages | lambda-pack verify --level deployed --packages - --name-prefix shop-")]
pub struct VerifyArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// What to compare with [default: local]
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// The same as --level rebuild
    #[arg(long, conflicts_with = "level")]
    rebuild: bool,
    /// The same as --level provenance
    #[arg(long, conflicts_with_all = ["level", "rebuild"])]
    provenance: bool,
    /// Download packages from the store, and compare their bytes
    #[arg(long)]
    pub deep: bool,
    /// Fail unless the statement says that this built the package: a URI, such as that of a workflow with its branch
    #[arg(long, value_name = "URI", value_parser = NonEmptyStringValueParser::new())]
    pub builder_id: Option<String>,
    /// Fail unless the statement names this repository: github.com/example/shop, with @refs/heads/main also its branch or tag
    #[arg(long, value_name = "URI", value_parser = NonEmptyStringValueParser::new())]
    pub source_uri: Option<String>,
    /// Fail unless the statement names this commit, and nothing differed from it
    #[arg(long, value_name = "COMMIT", value_parser = commit)]
    pub source_commit: Option<String>,
    /// Directory of the packages that are compared locally [default: dist]
    #[arg(long, env = "LAMBDA_PACK_OUT_DIR", value_name = "DIR", hide_env_values = true, value_parser = path())]
    pub out_dir: Option<PathBuf>,
    /// File (`-`: stdin) that names what was deployed: the output `packages`, or inputs of lambda-deploy-module, such as what `rollback` writes;
    /// several for several [default: what the store has of the sources, and the project's rollbacks]
    #[arg(long, value_name = "FILE", requires = "level")]
    pub packages: Vec<PathBuf>,
    /// What lambda-deploy-module puts before the functions' names
    #[arg(
        long,
        value_name = "TEXT",
        requires = "level",
        default_value = "",
        hide_default_value = true
    )]
    pub name_prefix: String,
    /// Alias that callers use: the version that it leads to is looked at, too
    #[arg(long, value_name = "NAME", requires = "level")]
    pub alias: Option<String>,
    /// AWS profile with which Lambda is asked [default: the store's]
    #[arg(long, value_name = "NAME", requires = "level")]
    pub lambda_profile: Option<String>,
}

/// How closely packages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Local,
    Rebuild,
    Store,
    Provenance,
    Deployed,
}

impl Level {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Level::Local => "local",
            Level::Rebuild => "rebuild",
            Level::Store => "store",
            Level::Provenance => "provenance",
            Level::Deployed => "deployed",
        }
    }
}

impl VerifyArgs {
    pub fn level(&self) -> Level {
        self.level.unwrap_or(match (self.rebuild, self.provenance) {
            (true, _) => Level::Rebuild,
            (_, true) => Level::Provenance,
            // What `build` made is what people have first.
            _ => Level::Local,
        })
    }
}

/// All of its digits: who expects a commit must not take one that only begins alike.
fn commit(text: &str) -> Result<String, String> {
    match [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a commit has 40 or 64 hexadecimal digits: `git rev-parse HEAD` prints them".to_owned()),
    }
}
