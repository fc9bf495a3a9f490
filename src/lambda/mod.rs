//! What Lambda has: functions, their versions and aliases, and layers. Nothing here changes anything.

mod uses;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::interceptors::InterceptorContext;
use aws_sdk_lambda::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{AliasConfiguration, FunctionConfiguration, FunctionVersion};
use lambda_pack_core::{Error, Meter, Result};

use crate::aws::{self, AwsSettings, Connection};
use crate::parallel;

pub use uses::{Asked, Packages, Use, Uses, uses};

/// Questions that are under way at a time. Lambda answers 15 a second, of all callers of an account in a region together:
/// more of them would only be throttled. <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const QUESTIONS_AT_ONCE: usize = 8;

/// Of throttling, which others cause too: what waits for a second twice gets its turn.
const ATTEMPTS: u32 = 10;

/// The version that is edited; all others never change.
pub const LATEST: &str = "$LATEST";

/// Lambda in one account and region.
pub struct Lambda {
    connection: Connection,
    client: Client,
    profile: Option<String>,
}

/// Gives up sooner where nobody answers: so many attempts are for who is throttled.
#[derive(Debug, Default)]
struct Unreachable {
    /// Connections that failed since something was answered.
    failed: AtomicU32,
}

impl ClassifyRetry for Unreachable {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        /// A connection may break once, and its successor too.
        const MOST: u32 = 2;
        let error = context.output_or_error().and_then(Result::err);
        if !error.is_some_and(|error| error.is_connector_error() || error.is_timeout_error()) {
            self.failed.store(0, Ordering::Relaxed);
            return RetryAction::NoActionIndicated;
        }
        match self.failed.fetch_add(1, Ordering::Relaxed) < MOST {
            true => RetryAction::NoActionIndicated,
            false => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "unreachable"
    }
}

/// Code, as Lambda tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// SHA-256 in base64; empty of what Lambda doesn't say.
    pub sha256: String,
    /// ARN of the job of AWS Signer that made it, if one did: `arn:aws:signer:eu-west-1:123456789012:/signing-jobs/5ca1ab1e-…`
    pub signing_job: Option<String>,
}

impl Code {
    fn of(sha256: Option<String>, signing_job: Option<String>) -> Self {
        Code {
            sha256: sha256.unwrap_or_default(),
            signing_job,
        }
    }

    pub fn signing_job_id(&self) -> Option<&str> {
        self.signing_job.as_deref()?.rsplit('/').next()
    }
}

/// A version of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub function: String,
    /// A number, or [`LATEST`].
    pub version: String,
    pub code: Code,
    pub runtime: Option<String>,
    pub handler: Option<String>,
    pub architectures: Vec<String>,
    /// ARNs of layer versions, in order.
    pub layers: Vec<String>,
}

/// A name for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: String,
    /// The first one, and another one that some of the calls go to, if there is one.
    pub versions: Vec<String>,
}

impl Lambda {
    pub fn connect(settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let connection = Connection::connect(settings, meter)?;
        let attempts = aws::attempts()?;
        // Adaptive: after a refusal all questions together become rarer.
        let mut config = aws_sdk_lambda::config::Builder::from(&connection.config)
            .retry_config(RetryConfig::adaptive().with_max_attempts(attempts.unwrap_or(ATTEMPTS)));
        if attempts.is_none() {
            config = config.retry_classifier(Unreachable::default());
        }
        let config = config.build();
        Ok(Lambda {
            client: Client::from_conf(config),
            connection,
            profile: settings.profile.clone(),
        })
    }

    /// For people: which Lambda this is.
    pub fn place(&self) -> String {
        let region = self.connection.region().unwrap_or("no region");
        match &self.profile {
            Some(profile) => format!("{region}, profile `{profile}`"),
            None => region.to_owned(),
        }
    }

    /// A version of a function; `None` if it isn't there.
    pub fn version(&self, function: &str, version: &str) -> Result<Option<Version>> {
        let request = self.client.get_function_configuration();
        let request = request.function_name(function).qualifier(version);
        let subject = format!("{function}:{version}");
        self.ask(
            &subject,
            async move { request.send().await },
            |answer: GetFunctionConfigurationOutput| Version {
                function: answer.function_name.unwrap_or_default(),
                version: answer.version.unwrap_or_default(),
                code: Code::of(answer.code_sha256, answer.signing_job_arn),
                runtime: answer.runtime.map(|it| it.as_str().to_owned()),
                handler: answer.handler,
                architectures: names(answer.architectures.as_deref()),
                layers: arns(answer.layers),
            },
        )
    }

    pub fn alias(&self, function: &str, name: &str) -> Result<Option<Alias>> {
        let request = self.client.get_alias().function_name(function).name(name);
        self.ask(
            &format!("{function}:{name}"),
            async move { request.send().await },
            |answer| alias(answer.name, answer.function_version, answer.routing_config),
        )
    }

    /// All aliases of a function that is there.
    pub fn aliases(&self, function: &str) -> Result<Vec<Alias>> {
        let pages = self.client.list_aliases().function_name(function).into_paginator();
        let aliases = self.ask(
            function,
            async move { pages.items().send().collect::<Result<Vec<_>, _>>().await },
            |aliases: Vec<AliasConfiguration>| {
                let aliases = aliases.into_iter();
                aliases
                    .map(|it| alias(it.name, it.function_version, it.routing_config))
                    .collect()
            },
        )?;
        Ok(aliases.unwrap_or_default())
    }

    /// Every version of every function: one request for 50.
    pub fn versions(&self) -> Result<Vec<Version>> {
        let request = self.client.list_functions().function_version(FunctionVersion::All);
        let pages = request.into_paginator();
        let versions = self.ask(
            "all functions",
            async move { pages.items().send().collect::<Result<Vec<_>, _>>().await },
            |versions: Vec<FunctionConfiguration>| versions.into_iter().map(version).collect(),
        )?;
        Ok(versions.unwrap_or_default())
    }

    /// The names of all layers.
    fn layers(&self) -> Result<Vec<String>> {
        let pages = self.client.list_layers().into_paginator();
        let layers = self.ask(
            "all layers",
            async move { pages.items().send().collect::<Result<Vec<_>, _>>().await },
            |layers: Vec<_>| layers.into_iter().filter_map(|layer| layer.layer_name).collect(),
        )?;
        Ok(layers.unwrap_or_default())
    }

    /// The numbers of a layer's versions, the newest first.
    pub fn layer_versions(&self, layer: &str) -> Result<Vec<i64>> {
        let pages = self.client.list_layer_versions().layer_name(layer).into_paginator();
        let versions = self.ask(
            layer,
            async move { pages.items().send().collect::<Result<Vec<_>, _>>().await },
            |versions: Vec<_>| versions.into_iter().map(|version| version.version).collect(),
        )?;
        let mut versions: Vec<i64> = versions.unwrap_or_default();
        versions.sort_unstable_by_key(|version| std::cmp::Reverse(*version));
        Ok(versions)
    }

    /// A layer version's content; `None` if it isn't there. `layer` is a name or an ARN.
    pub fn layer_code(&self, layer: &str, version: i64) -> Result<Option<Code>> {
        let request = self
            .client
            .get_layer_version()
            .layer_name(layer)
            .version_number(version);
        let content = self.ask(
            &format!("{layer}:{version}"),
            async move { request.send().await },
            |answer| {
                let content = answer.content?;
                Some(Code::of(content.code_sha256, content.signing_job_arn))
            },
        )?;
        Ok(content.flatten())
    }

    /// Waits for an answer; `None` if Lambda doesn't have it.
    fn ask<T, R, E>(
        &self,
        subject: &str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
        read: impl FnOnce(T) -> R + Send + 'static,
    ) -> Result<Option<R>>
    where
        R: Send + 'static,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let subject = format!("{subject} in {}", self.place());
        self.connection.call(async move {
            match call.await {
                Ok(answer) => Ok(Some(read(answer))),
                Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
                Err(error) => Err(explain(&error, &subject)),
            }
        })
    }
}

/// Asks about each, several at a time, until a question fails: so would the others.
pub fn each<T: Sync, R: Send>(items: &[T], meter: &Meter, question: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let has_failed = AtomicBool::new(false);
    let answers = parallel::map(items, QUESTIONS_AT_ONCE, |item| {
        meter.check()?;
        if has_failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        question(item)
            .map(Some)
            .inspect_err(|_| has_failed.store(true, Ordering::Relaxed))
    });
    let mut found = Vec::new();
    for answer in answers {
        found.extend(answer?);
    }
    Ok(found)
}

/// The store's permissions are others than Lambda's.
fn explain<E>(error: &SdkError<E, HttpResponse>, subject: &str) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let explained = aws::explain(error, "ask Lambda for", subject);
    match aws::status(error) {
        Some(403) if error.code().is_none_or(|code| code.starts_with("AccessDenied")) => explained.help(
            "these credentials lack a permission, which the message may name: `verify --level deployed` needs \
             lambda:GetFunctionConfiguration, lambda:GetAlias, lambda:ListLayerVersions and lambda:GetLayerVersion; `list --deployed` and `gc` \
             lambda:ListFunctions, lambda:ListAliases, lambda:ListLayers, lambda:ListLayerVersions and lambda:GetLayerVersion",
        ),
        Some(429) => explained.help("others ask too: run again later; nothing was changed"),
        _ => explained,
    }
}

fn version(found: FunctionConfiguration) -> Version {
    Version {
        function: found.function_name.unwrap_or_default(),
        version: found.version.unwrap_or_default(),
        code: Code::of(found.code_sha256, found.signing_job_arn),
        runtime: found.runtime.map(|it| it.as_str().to_owned()),
        handler: found.handler,
        architectures: names(found.architectures.as_deref()),
        layers: arns(found.layers),
    }
}

fn names(architectures: Option<&[aws_sdk_lambda::types::Architecture]>) -> Vec<String> {
    let architectures = architectures.unwrap_or_default().iter();
    architectures.map(|it| it.as_str().to_owned()).collect()
}

fn arns(layers: Option<Vec<aws_sdk_lambda::types::Layer>>) -> Vec<String> {
    let layers = layers.into_iter().flatten();
    layers.filter_map(|layer| layer.arn).collect()
}

fn alias(
    name: Option<String>,
    version: Option<String>,
    routing: Option<aws_sdk_lambda::types::AliasRoutingConfiguration>,
) -> Alias {
    let others = routing.and_then(|routing| routing.additional_version_weights);
    let others = others.into_iter().flatten().map(|(version, _)| version);
    Alias {
        name: name.unwrap_or_default(),
        versions: version.into_iter().chain(others).collect(),
    }
}
