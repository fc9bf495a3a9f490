//! Who builds packages, and from which commit: notes for people, and for their provenance. Nothing of it is part of a hash.

use std::env;
use std::sync::{Mutex, PoisonError};

use lambda_pack_core::function::Selected;
use lambda_pack_core::provenance::{
    Builder, Commit, LOCAL_BUILDER, is_builder_id, is_of_uri, repository, without_credentials,
};
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
    builder: Builder,
    /// What keeps it from being known better, until that was said.
    wrong: Mutex<Option<String>>,
    /// The commit that it is about, with its branch or tag.
    reference: Option<Reference>,
}

/// A commit, and its branch or tag: `refs/heads/main`.
type Reference = (String, String);

/// What a service says of a run.
type OfService = (Builder, Option<Reference>);

impl CiRun {
    pub fn of_environment() -> Result<Self> {
        let given = given_builder()?;
        let mut said = Said::default();
        let services = [github, gitlab, codebuild];
        let run = services.into_iter().find_map(|service| service(&mut said));
        let as_what = match run.is_none() && given.is_none() {
            true => "name a machine of somebody's as the builder",
            false => "say less than they could",
        };
        let wrong = (!said.wrong.is_empty()).then(|| {
            format!(
                "statements of provenance {as_what}: {}; set what is missing, or name the builder with {BUILDER_ID}",
                said.wrong.join(", ")
            )
        });
        let local = || {
            let builder = Builder {
                id: LOCAL_BUILDER.to_owned(),
                invocation_id: None,
            };
            (builder, None)
        };
        let (mut builder, reference) = run.unwrap_or_else(local);
        builder.id = given.unwrap_or(builder.id);
        Ok(CiRun {
            builder,
            wrong: Mutex::new(wrong),
            reference,
        })
    }

    /// For a statement. The first one who asks hears what is wrong.
    pub fn builder(&self) -> &Builder {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(wrong) = wrong {
            report::warning(&wrong);
        }
        &self.builder
    }
}

fn given_builder() -> Result<Option<String>> {
    let Some(id) = env::var_os(BUILDER_ID).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    match id.into_string().ok().filter(|id| is_builder_id(id)) {
        Some(id) => Ok(Some(id)),
        // What is wrong with it may be that it holds a password.
        None => Err(Error::new(
            ErrorKind::Usage,
            format!("{BUILDER_ID} is no address of a page, URN or ARN, or one with user, password, query or fragment"),
        )
        .help("give the address of what builds, for example https://jenkins.example.com/job/shop, or unset it")),
    }
}

/// What the variables of a service say, and what is wrong with them.
#[derive(Default)]
struct Said {
    wrong: Vec<String>,
}

impl Said {
    /// One that the service always sets.
    fn need(&mut self, variable: &str) -> Option<String> {
        let text = self.may(variable);
        if text.is_none() && env::var_os(variable).is_none_or(|text| text.is_empty()) {
            self.wrong.push(format!("{variable} isn't set"));
        }
        text
    }

    /// One that it sets for some runs; it may stand in a URI.
    fn may(&mut self, variable: &str) -> Option<String> {
        let text = env::var_os(variable).filter(|text| !text.is_empty())?;
        let text = text.into_string().ok().filter(|text| is_of_uri(text));
        if text.is_none() {
            self.wrong.push(format!("{variable} has characters that no URI has"));
        }
        text
    }

    /// An address that it always sets, without credentials.
    fn address(&mut self, variable: &str) -> Option<String> {
        let address = without_credentials(&self.need(variable)?);
        if address.is_none() {
            self.wrong.push(format!("{variable} is no address of a page"));
        }
        address
    }

    /// The id of a builder, of this variable and others.
    fn builder(&mut self, id: String, variable: &str) -> Option<String> {
        let id = Some(id).filter(|id| is_builder_id(id));
        if id.is_none() {
            self.wrong.push(format!("{variable} names no builder"));
        }
        id
    }
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
fn github(said: &mut Said) -> Option<OfService> {
    env::var_os("GITHUB_ACTIONS").filter(|it| it == "true")?;
    let (server, workflow) = (said.address("GITHUB_SERVER_URL"), said.need("GITHUB_WORKFLOW_REF"));
    let [repository, run, attempt] =
        ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"].map(|variable| said.need(variable));
    let reference = said.need("GITHUB_SHA").zip(said.need("GITHUB_REF"));
    let (server, workflow) = server.zip(workflow)?;
    let invocation = repository
        .zip(run)
        .zip(attempt)
        .map(|((repository, run), attempt)| format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}"));
    let builder = Builder {
        id: said.builder(format!("{server}/{workflow}"), "GITHUB_WORKFLOW_REF")?,
        invocation_id: invocation.and_then(|address| said.builder(address, "GITHUB_REPOSITORY")),
    };
    Some((builder, reference))
}

/// As GitLab's own provenance names it: <https://docs.gitlab.com/ci/runners/configure_runners/#artifact-provenance-metadata>
fn gitlab(said: &mut Said) -> Option<OfService> {
    env::var_os("GITLAB_CI").filter(|it| it == "true")?;
    let (project, runner) = (said.address("CI_PROJECT_URL"), said.need("CI_RUNNER_ID"));
    let invocation_id = said.address("CI_JOB_URL");
    // A branch or a tag; neither has the pipeline of a merge request.
    let tag = said.may("CI_COMMIT_TAG").map(|tag| format!("refs/tags/{tag}"));
    let branch = said
        .may("CI_COMMIT_BRANCH")
        .map(|branch| format!("refs/heads/{branch}"));
    let reference = said.need("CI_COMMIT_SHA").zip(tag.or(branch));
    let (project, runner) = project.zip(runner)?;
    let builder = Builder {
        id: said.builder(format!("{project}/-/runners/{runner}"), "CI_RUNNER_ID")?,
        invocation_id,
    };
    Some((builder, reference))
}

/// `arn:aws:codebuild:region:account:build/project:id`:
/// <https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html>
fn codebuild(said: &mut Said) -> Option<OfService> {
    const BUILD: &str = "CODEBUILD_BUILD_ARN";
    // All builds have this one, too.
    let is_there = |variable| env::var_os(variable).is_some_and(|text| !text.is_empty());
    if !is_there(BUILD) && !is_there("CODEBUILD_BUILD_ID") {
        return None;
    }
    let arn = said.need(BUILD)?;
    let project = arn
        .split_once(":build/")
        .and_then(|(place, build)| Some(format!("{place}:project/{}", build.split_once(':')?.0)));
    let id = said.builder(project.unwrap_or_default(), BUILD)?;
    let builder = Builder {
        id,
        invocation_id: said.builder(arn, BUILD),
    };
    // Only some builds are of a repository.
    let commit = said.may("CODEBUILD_RESOLVED_SOURCE_VERSION");
    let reference = commit.zip(said.may("CODEBUILD_WEBHOOK_HEAD_REF"));
    Some((builder, reference))
}
