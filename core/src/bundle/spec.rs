//! Build specifications: AWS CodeBuild's buildspec, version 0.2, and Seed-Farmer's deployspec.
//!
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>,
//! <https://github.com/awslabs/seed-farmer/blob/main/docs/reference/deployspec.md>

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;
use serde::de::IgnoredAny;

use super::SecretReference;
use super::names::is_variable_name;
use crate::{Error, Result, shorten, yaml};

mod parse;

/// What a module is built by.
#[derive(Debug, Default)]
pub struct Spec {
    pub shell: Shell,
    pub variables: BTreeMap<String, String>,
    /// Variables whose values are secret.
    pub secrets: BTreeMap<String, SecretReference>,
    /// A buildspec's phases, or a deployspec's `deploy`.
    pub phases: Phases,
    /// A deployspec's `destroy`.
    pub destroy: Option<Phases>,
    /// `None`: all of the directory.
    pub artifacts: Option<Artifacts>,
    /// A deployspec's `build_type`: a compute type of CodeBuild.
    pub compute_type: Option<String>,
    /// `publishGenericEnvVariables: false`: commands expect variables that begin with the project's name.
    pub project_variables: bool,
    /// What the specification asks for and is not done, with the reason.
    pub warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    #[default]
    Sh,
    Bash,
}

impl Shell {
    /// The program.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Sh => "sh",
            Shell::Bash => "bash",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    Install,
    PreBuild,
    Build,
    PostBuild,
}

impl Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PhaseName::Install => "install",
            PhaseName::PreBuild => "pre_build",
            PhaseName::Build => "build",
            PhaseName::PostBuild => "post_build",
        })
    }
}

#[derive(Debug, Default)]
pub struct Phases {
    pub install: Phase,
    pub pre_build: Phase,
    pub build: Phase,
    pub post_build: Phase,
}

impl Phases {
    pub fn in_order(&self) -> [(PhaseName, &Phase); 4] {
        [
            (PhaseName::Install, &self.install),
            (PhaseName::PreBuild, &self.pre_build),
            (PhaseName::Build, &self.build),
            (PhaseName::PostBuild, &self.post_build),
        ]
    }
}

#[derive(Debug, Default)]
pub struct Phase {
    pub commands: Vec<String>,
    /// Run whatever became of `commands`.
    pub finally: Vec<String>,
    pub on_failure: OnFailure,
}

/// Which phases run after one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// After `build`, `post_build`; after others none.
    #[default]
    Unsaid,
    Abort,
    Continue,
}

impl OnFailure {
    pub fn goes_on_after(self, phase: PhaseName) -> bool {
        match self {
            OnFailure::Unsaid => phase == PhaseName::Build,
            OnFailure::Abort => false,
            OnFailure::Continue => true,
        }
    }
}

/// What of the directory is the result.
#[derive(Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// Paths and globs (`**/*`), relative to `base_directory`.
    pub files: Vec<String>,
    pub exclude_paths: Vec<String>,
    /// Relative, without `..`.
    pub base_directory: Option<String>,
}

impl Spec {
    /// Parses a file; `place` names it in messages. A file with `deploy` or `destroy` is a deployspec.
    pub fn parse(place: impl Display, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::invalid(format!("{place}: not UTF-8")))?;
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Err(Error::invalid(format!("{place}: the build specification is empty")).help(EXAMPLE));
        }
        let Kind { deploy, destroy } = yaml::parse(&place, bytes)?;
        match deploy.is_some() || destroy.is_some() {
            true => yaml::parse::<parse::DeploySpec>(&place, bytes)?.resolve(),
            false => yaml::parse::<parse::BuildSpec>(&place, bytes)?.resolve(),
        }
        .map_err(|error| error.within(place))
    }
}

const EXAMPLE: &str = "for example: {\"version\": 0.2, \"phases\": {\"build\": {\"commands\": [\"make\"]}}}";

/// What tells the two kinds apart.
#[derive(serde::Deserialize)]
struct Kind {
    deploy: Option<IgnoredAny>,
    destroy: Option<IgnoredAny>,
}

fn check_variable_name(name: &str) -> Result<()> {
    match is_variable_name(name) {
        true => Ok(()),
        false => Err(
            Error::invalid(format!("key `env`: `{}` is no name of a variable", shorten(name)))
                .help("allowed: letters, digits and `_`, no digit first"),
        ),
    }
}

#[cfg(test)]
mod tests;
