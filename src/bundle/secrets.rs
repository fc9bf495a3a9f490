//! From references to values, which stay in memory.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use lambda_pack_core::bundle::SecretReference;
use lambda_pack_core::bundle::mask::{Masks, SecretValue};
use lambda_pack_core::{Error, Result, collect_all, shorten};
use serde_json::Value;

use crate::aws::explain;

/// Most names in a request.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>
const NAMES_AT_ONCE: usize = 10;

/// Values by reference.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, SecretValue>);

/// What one request to Secrets Manager asks for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    id: String,
    stage: Option<String>,
    version_id: Option<String>,
}

impl Secrets {
    /// Asks for all of them, for each secret once. All that are missing are named.
    pub async fn fetch(config: SdkConfig, references: Vec<SecretReference>) -> Result<Self> {
        let mut names = Vec::new();
        let mut versions = BTreeMap::new();
        for reference in &references {
            match reference {
                SecretReference::ParameterStore { name } => names.push(name.clone()),
                SecretReference::SecretsManager { .. } => {
                    versions.insert(version(reference), reference);
                }
            }
        }
        let parameters = parameters(&config, names).await?;
        let mut secrets = BTreeMap::new();
        for (version, reference) in versions {
            let value = secret(&config, &version, reference).await?;
            secrets.insert(version, value);
        }
        let found = references.iter().map(|reference| {
            let value = match reference {
                SecretReference::ParameterStore { name } => parameters.get(name).cloned(),
                SecretReference::SecretsManager { json_key: None, .. } => secrets[&version(reference)].clone(),
                SecretReference::SecretsManager {
                    json_key: Some(key), ..
                } => {
                    let whole = secrets[&version(reference)].as_ref();
                    whole.map(|whole| member(reference, whole, key)).transpose()?
                }
            };
            let value = value.ok_or_else(|| missing(reference))?;
            Ok((reference.to_string(), value))
        });
        let found: Vec<Result<_>> = found.collect();
        Ok(Secrets(collect_all(found)?.into_iter().collect()))
    }

    pub fn get(&self, reference: &SecretReference) -> Result<&SecretValue> {
        let value = self.0.get(&reference.to_string());
        value.ok_or_else(|| Error::failed(format!("the secret `{reference}` was not asked for")))
    }

    /// What keeps them out of logs.
    pub fn masks(&self) -> Masks {
        Masks::new(self.0.values())
    }
}

fn version(reference: &SecretReference) -> Version {
    match reference {
        SecretReference::SecretsManager {
            id,
            version_stage,
            version_id,
            ..
        } => Version {
            id: id.clone(),
            stage: version_stage.clone(),
            version_id: version_id.clone(),
        },
        SecretReference::ParameterStore { .. } => unreachable!("parameters have names"),
    }
}

/// Values by the names that were asked for; those that don't exist are left out.
async fn parameters(config: &SdkConfig, mut names: Vec<String>) -> Result<BTreeMap<String, SecretValue>> {
    names.sort_unstable();
    names.dedup();
    let mut values = BTreeMap::new();
    if names.is_empty() {
        return Ok(values);
    }
    let client = aws_sdk_ssm::Client::new(config);
    for names in names.chunks(NAMES_AT_ONCE) {
        let request = client
            .get_parameters()
            .set_names(Some(names.to_vec()))
            .with_decryption(true);
        let answer = request.send().await;
        let answer = answer.map_err(|error| explain(&error, "read the parameters", &shorten(&names.join(", "))))?;
        for parameter in answer.parameters() {
            let Some(value) = parameter.value() else { continue };
            // The answer has name and ARN without the `:VERSION` that was asked for.
            let selector = parameter.selector().unwrap_or_default();
            for name in [parameter.name(), parameter.arn()].into_iter().flatten() {
                values.insert(format!("{name}{selector}"), SecretValue::new(value.to_owned()));
            }
        }
    }
    Ok(values)
}

/// A secret's text; `None` if there is no such secret or version.
async fn secret(config: &SdkConfig, version: &Version, reference: &SecretReference) -> Result<Option<SecretValue>> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    let request = client
        .get_secret_value()
        .secret_id(&version.id)
        .set_version_stage(version.stage.clone())
        .set_version_id(version.version_id.clone());
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            return match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(explain(&error, "read the secret", &version.id)),
            };
        }
    };
    match answer.secret_string {
        Some(text) => Ok(Some(SecretValue::new(text))),
        None => Err(Error::failed(format!("the secret `{reference}` is binary, no text"))
            .help("store it as text, for example in base64")),
    }
}

/// What a key of a secret's JSON object holds. No message repeats anything of the secret.
fn member(reference: &SecretReference, whole: &SecretValue, key: &str) -> Result<SecretValue> {
    let wrong = |what: &str| {
        Error::failed(format!("the secret `{reference}`: {what}"))
            .help("correct the reference, secrets-manager:ID:JSON-KEY, or the secret")
    };
    let object: BTreeMap<String, Value> =
        serde_json::from_str(whole.reveal()).map_err(|_| wrong("its value is no JSON object"))?;
    match object.get(key) {
        Some(Value::String(text)) => Ok(SecretValue::new(text.clone())),
        Some(value) => Ok(SecretValue::new(value.to_string())),
        None => Err(wrong(&format!("its JSON object has no key `{}`", shorten(key)))),
    }
}

fn missing(reference: &SecretReference) -> Error {
    let (what, help) = match reference {
        SecretReference::ParameterStore { .. } => ("parameter", "aws ssm describe-parameters"),
        SecretReference::SecretsManager { .. } => {
            ("secret, or no such version of it", "aws secretsmanager list-secrets")
        }
    };
    Error::failed(format!("`{reference}`: there is no such {what}")).help(format!(
        "correct the reference, or create it in this account and region: `{help}` tells what there is"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reference: &str, value: &str, key: &str) -> Result<SecretValue> {
        member(
            &reference.parse().expect("a reference"),
            &SecretValue::new(value.to_owned()),
            key,
        )
    }

    #[test]
    fn keys_of_a_json_secret_are_found_and_faults_tell_nothing_of_it() {
        const JSON: &str = r#"{"password": "hunter2", "port": 5432, "list": ["a"]}"#;
        for (key, value) in [("password", "hunter2"), ("port", "5432"), ("list", r#"["a"]"#)] {
            assert_eq!(read("secrets-manager:db", JSON, key).expect(key).reveal(), value);
        }
        for value in [JSON, "hunter2", "[\"hunter2\"]"] {
            let error = read("secrets-manager:db:user", value, "user").expect_err("no such key");
            assert!(error.message().contains("`secrets-manager:db:user`"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error}");
        }
    }
}
