//! Who builds packages, and from which commit: notes for people, and for their provenance. Nothing of it is part of a hash.

use std::env;

use lambda_pack_core::function::Selected;
use lambda_pack_core::provenance::{Builder, Commit, LOCAL_BUILDER, repository, without_credentials};
use lambda_pack_core::{Error, ErrorKind, Result};

use super::{Hashed, State};
use crate::git;
use crate::report;
use crate::settings::Settings;

/// For builders that aren't known here.
const BUILDER_ID: &str = "LAMBDA_PACK_BUILDER_ID";

/// Where packages come from, as far as git says.
#[derive(Default)]
pub struct Origin {
    /// For metadata: with `-dirty` after it if something differs.
    pub git_commit: Option<String>,
    pub commit: Option<Commit>,
}

impl Origin {
    pub fn of(hashed: &Selected<Hashed>, settings: &Settings, run: &CiRun) -> Self {
        let directory = &settings.code_dir;
        let said = State::of(directory, hashed.all(), settings).and_then(|state| match state {
            State::Unknown(error) => Err(error),
            state => Ok((state, git::origin(directory)?)),
        });
        let (state, remote) = match said {
            Ok(said) => said,
            Err(error) => {
                report::warning(&format!("metadata and provenance name no commit: {error}"));
                return Origin::default();
            }
        };
        let Some((head, is_dirty)) = state.commit() else {
            return Origin::default();
        };
        let of_run = run.reference.as_ref().filter(|(commit, _)| *commit == head.commit);
        let of_branch = || head.branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
        let reference = of_run.map(|(_, reference)| reference.clone()).or_else(of_branch);
        Origin {
            git_commit: Some(git::marked(&head.commit, is_dirty)),
            commit: Some(Commit {
                commit: head.commit.clone(),
                uri: remote.and_then(|remote| repository(&remote)),
                // A fragment would begin with `#`.
                reference: reference.filter(|reference| is_of_uri(reference) && !reference.contains(['#', '%'])),
                is_dirty,
            }),
        }
    }
}

/// What builds, by the variables of those services that set some.
pub struct CiRun {
    pub builder: Builder,
    /// The commit that it is about, with its branch or tag.
    reference: Option<(String, String)>,
}

impl CiRun {
    pub fn of_environment() -> Result<Self> {
        let mut run = github().or_else(gitlab).or_else(codebuild).unwrap_or_else(|| CiRun {
            builder: Builder {
                id: LOCAL_BUILDER.to_owned(),
                invocation_id: None,
            },
            reference: None,
        });
        if let Some(id) = env::var_os(BUILDER_ID).filter(|id| !id.is_empty()) {
            let id = id.to_string_lossy();
            let is_uri = id.split_once(':').is_some_and(|(scheme, rest)| {
                let is_scheme = scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
                scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && is_scheme && !rest.is_empty()
            });
            let shown = without_credentials(&id).filter(|shown| is_uri && is_of_uri(&id) && *shown == id);
            run.builder.id = shown.ok_or_else(|| {
                // What is wrong with it may be that it holds a password.
                Error::new(
                    ErrorKind::Usage,
                    format!("{BUILDER_ID} is no URI, or one with user, password or query"),
                )
                .help("give the address of what builds, for example https://jenkins.example.com/job/shop, or unset it")
            })?;
        }
        Ok(run)
    }
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
fn github() -> Option<CiRun> {
    said("GITHUB_ACTIONS").filter(|it| it == "true")?;
    let server = without_credentials(&said("GITHUB_SERVER_URL")?)?;
    let workflow = said("GITHUB_WORKFLOW_REF")?;
    let [repository, run, attempt] = ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"].map(said);
    Some(CiRun {
        builder: Builder {
            id: format!("{server}/{workflow}"),
            invocation_id: (repository.zip(run).zip(attempt)).map(|((repository, run), attempt)| {
                format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}")
            }),
        },
        reference: said("GITHUB_SHA").zip(said("GITHUB_REF")),
    })
}

/// As GitLab's own provenance names it: <https://docs.gitlab.com/ci/runners/configure_runners/#artifact-provenance-metadata>
fn gitlab() -> Option<CiRun> {
    said("GITLAB_CI").filter(|it| it == "true")?;
    let project = without_credentials(&said("CI_PROJECT_URL")?)?;
    let tag = said("CI_COMMIT_TAG").map(|tag| format!("refs/tags/{tag}"));
    let branch = || said("CI_COMMIT_BRANCH").map(|branch| format!("refs/heads/{branch}"));
    Some(CiRun {
        builder: Builder {
            id: format!("{project}/-/runners/{}", said("CI_RUNNER_ID")?),
            invocation_id: said("CI_JOB_URL").and_then(|url| without_credentials(&url)),
        },
        reference: said("CI_COMMIT_SHA").zip(tag.or_else(branch)),
    })
}

/// `arn:aws:codebuild:region:account:build/project:id`:
/// <https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html>
fn codebuild() -> Option<CiRun> {
    let arn = said("CODEBUILD_BUILD_ARN")?;
    let (place, build) = arn.split_once(":build/")?;
    let (project, _) = build.split_once(':')?;
    Some(CiRun {
        builder: Builder {
            id: format!("{place}:project/{project}"),
            invocation_id: Some(arn.clone()),
        },
        reference: said("CODEBUILD_RESOLVED_SOURCE_VERSION").zip(said("CODEBUILD_WEBHOOK_HEAD_REF")),
    })
}

/// A variable that may stand in a URI.
fn said(variable: &str) -> Option<String> {
    env::var(variable)
        .ok()
        .filter(|text| !text.is_empty() && is_of_uri(text))
}

/// Whether a text has nothing that a URI can't have: spaces, quotes and the like.
fn is_of_uri(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}
