//! A secret in Secrets Manager, whose value is put there.

use std::collections::HashMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use lambda_pack_core::Result;
use lambda_pack_core::secrets::SecretValue;
use sha2::{Digest as _, Sha256};

use super::Outcome;
use crate::aws::{Connection, explain};

/// In bytes. <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
pub const LONGEST_VALUE: usize = 65_536;

/// The label of the version that a function reads.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>
const CURRENT: &str = "AWSCURRENT";

/// A secret that exists, and which of its values is meant.
#[derive(Debug)]
pub struct Place {
    /// Name or ARN.
    pub secret_id: String,
    /// Whatever the user calls it. `None`: the first one, or any that is there.
    pub version: Option<String>,
}

impl Place {
    pub fn is_first(&self) -> bool {
        self.version.is_none()
    }

    /// Whether the value that is meant is there, or was.
    pub fn has_value(&self, connection: &Connection) -> Result<bool> {
        let stages = self.versions(connection)?;
        Ok(match self.version {
            Some(_) => stages.contains_key(&self.version_id()),
            None => stages.values().flatten().any(|stage| stage == CURRENT),
        })
    }

    /// Whether functions read a value that somebody gave, rather than one that was made up.
    pub fn has_given_value(&self, connection: &Connection) -> Result<bool> {
        let stages = self.versions(connection)?;
        let mut current = stages
            .iter()
            .filter(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        Ok(current.any(|(id, _)| !is_of_made_up_value(id)))
    }

    /// Of all its values that are left: ids, and the labels of each.
    fn versions(&self, connection: &Connection) -> Result<HashMap<String, Vec<String>>> {
        let request = Client::new(&connection.config)
            .describe_secret()
            .secret_id(&self.secret_id);
        let secret_id = self.secret_id.clone();
        let described = connection.call(async move {
            let answer = request.send().await;
            answer.map_err(|error| explain(&error, "look for the secret", &secret_id))
        })?;
        Ok(described.version_ids_to_stages.unwrap_or_default())
    }

    /// Stores a value that was made up; one that another process put there meanwhile stays.
    pub fn put_once(&self, value: SecretValue, connection: &Connection) -> Result<Outcome> {
        let written = self.write(value, Some(self.version_id()), connection)?;
        Ok(if written { Outcome::Made } else { Outcome::Kept })
    }

    /// Stores a value in place of any that is there.
    pub fn put(&self, value: SecretValue, connection: &Connection) -> Result<Outcome> {
        self.write(value, None, connection).map(|_new_version| Outcome::Stored)
    }

    /// Whether it was written: AWS refuses another value under the same id of a version.
    fn write(&self, value: SecretValue, version_id: Option<String>, connection: &Connection) -> Result<bool> {
        let request = Client::new(&connection.config)
            .put_secret_value()
            .secret_id(&self.secret_id)
            .set_client_request_token(version_id)
            .secret_string(value.reveal());
        let secret_id = self.secret_id.clone();
        connection.call(async move {
            match request.send().await {
                Ok(_) => Ok(true),
                Err(error) => match error.as_service_error() {
                    Some(PutSecretValueError::ResourceExistsException(_)) => Ok(false),
                    _ => Err(explain(&error, "store a value in the secret", &secret_id)),
                },
            }
        })
    }

    /// The same for the same version, on every machine: 64 characters, as many as AWS takes.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>
    fn version_id(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        hex::encode(Sha256::digest(format!("lambda-pack/secret/v1\n{version}")))
    }
}

/// Whether [`Place::version_id`] made this id of a version. Values that were given have UUIDs, which are shorter.
fn is_of_made_up_value(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
