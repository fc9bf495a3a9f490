//! What is asked of CodeBuild, and how asking twice starts one build.

use aws_sdk_codebuild::Client;
use aws_sdk_codebuild::operation::start_build::builders::StartBuildFluentBuilder;
use aws_sdk_codebuild::types::{ComputeType, EnvironmentVariable, EnvironmentVariableType, SourceType};
use lambda_pack_core::Result;
use lambda_pack_core::bundle::SecretReference;
use lambda_pack_core::digest::Algorithm;
use serde::Serialize;

use super::build::{BuildId, State};
use super::client::Remote;

/// Failed builds that are passed by. CodeBuild forgets tokens after five minutes, in which hardly more can fail.
const FAILED_BEFORE: usize = 5;

/// A build that is to be started.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    #[serde(flatten)]
    pub options: Options,
    /// `BUCKET/KEY` of the zip.
    pub source: String,
    pub buildspec: String,
    pub environment: Vec<Variable>,
    /// Tells this request from others that are alike otherwise, where each means a build of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// Which project runs a build, and what of it is other than usual.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Options {
    pub codebuild_project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_timeout_minutes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_type: Option<String>,
}

/// An environment variable of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: VariableKind,
    pub value: String,
}

/// How CodeBuild gets at the value. A secret's value is never in a request, only where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VariableKind {
    Plaintext,
    ParameterStore,
    SecretsManager,
}

impl Variable {
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Self {
        Variable {
            name: name.into(),
            kind: VariableKind::Plaintext,
            value: value.into(),
        }
    }

    /// What CodeBuild itself looks up, and hides in its logs.
    pub fn secret(name: impl Into<String>, reference: &SecretReference) -> Self {
        let (kind, value) = match reference {
            SecretReference::ParameterStore { name } => (VariableKind::ParameterStore, name.clone()),
            SecretReference::SecretsManager { .. } => {
                let text = reference.to_string();
                let value = text.split_once(':').map_or(text.as_str(), |(_, value)| value);
                (VariableKind::SecretsManager, value.to_owned())
            }
        };
        Variable {
            name: name.into(),
            kind,
            value,
        }
    }
}

/// A build that was started, or that the same request had started before.
#[derive(Clone, Debug)]
pub struct Started {
    pub id: BuildId,
    pub state: State,
    pub logs_url: Option<String>,
}

impl Request {
    /// The same for the same request, on every machine: whoever sends it within five minutes, and the SDK when it tries
    /// again, gets the same build. `failed` are builds that it has led to and that failed.
    pub fn token(&self, failed: &[BuildId]) -> String {
        let request = serde_json::to_vec(&(self, failed)).expect("the request has string keys");
        Algorithm::Blake3.hash(&request).to_hex()
    }

    pub(super) fn call(&self, client: &Client) -> StartBuildFluentBuilder {
        let variables = self.environment.iter().map(|variable| {
            let kind = match variable.kind {
                VariableKind::Plaintext => EnvironmentVariableType::Plaintext,
                VariableKind::ParameterStore => EnvironmentVariableType::ParameterStore,
                VariableKind::SecretsManager => EnvironmentVariableType::SecretsManager,
            };
            EnvironmentVariable::builder()
                .name(&variable.name)
                .value(&variable.value)
                .r#type(kind)
                .build()
                .expect("name and value are there")
        });
        let options = &self.options;
        client
            .start_build()
            .project_name(&options.codebuild_project)
            .source_type_override(SourceType::S3)
            .source_location_override(&self.source)
            .buildspec_override(&self.buildspec)
            .set_environment_variables_override(Some(variables.collect()))
            .set_timeout_in_minutes_override(options.timeout_minutes.map(i32::from))
            .set_queued_timeout_in_minutes_override(options.queued_timeout_minutes.map(i32::from))
            .set_image_override(options.image.clone())
            .set_compute_type_override(options.compute_type.as_deref().map(ComputeType::from))
    }
}

/// Starts a build, unless the same request has started one within the last five minutes. One that is known to have failed
/// doesn't count.
pub fn start(remote: &Remote, request: &Request) -> Result<Started> {
    let mut failed = Vec::new();
    loop {
        let build = remote.start(request, &request.token(&failed))?;
        if !build.state.is_failure() || failed.contains(&build.id) || failed.len() == FAILED_BEFORE {
            return Ok(Started {
                id: build.id,
                state: build.state,
                logs_url: build.logs_url,
            });
        }
        tracing::info!(
            "{} was started by the same request, and failed: starting another one",
            build.id
        );
        failed.push(build.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            options: Options {
                codebuild_project: "p".to_owned(),
                ..Options::default()
            },
            source: "b/k".to_owned(),
            buildspec: "s".to_owned(),
            environment: vec![Variable::plain("A", "1")],
            again: None,
        }
    }

    #[test]
    fn a_token_is_the_same_for_the_same_and_another_for_all_else() {
        let id = |id: &str| id.parse::<BuildId>().expect("an id");
        let token = request().token(&[]);
        // CodeBuild doesn't say how long one may be; all of AWS takes 64 characters.
        assert_eq!(token.len(), 64);
        assert_eq!(token, request().token(&[]));
        let mut others = vec![request().token(&[id("p:1")]), request().token(&[id("p:1"), id("p:2")])];
        let changes: [fn(&mut Request); 7] = [
            |request| request.options.codebuild_project.push('x'),
            |request| request.source.push('x'),
            |request| request.buildspec.push('x'),
            |request| request.environment[0].value.push('x'),
            |request| request.options.timeout_minutes = Some(5),
            |request| request.options.queued_timeout_minutes = Some(5),
            |request| request.again = Some("x".to_owned()),
        ];
        others.extend(changes.map(|change| {
            let mut other = request();
            change(&mut other);
            other.token(&[])
        }));
        others.push(token);
        let all = others.len();
        others.sort();
        others.dedup();
        assert_eq!(others.len(), all);
    }
}
