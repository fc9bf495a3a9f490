//! Values of declared secrets, put where functions read them. They are made or taken here, and nothing shows them.

mod generate;
mod given;
mod place;

use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use lambda_pack_core::function::{Secret, SecretClass};
use lambda_pack_core::secrets::SecretValue;
use lambda_pack_core::{Error, ErrorKind, Result};

use crate::aws::{Connection, explain};

pub use given::Given;
pub use place::Place;

/// What was done for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A value was made up.
    Made,
    /// The value that was given was stored.
    Stored,
    /// There was a value, which stays.
    Kept,
    /// The parameter that holds it exists.
    Found,
}

/// Sees to it that the secret has a value, as its class demands. To be repeated at will: what is there stays, unless a
/// value is given.
pub fn provide(secret: &Secret, place: Option<&Place>, given: &Given, connection: &Connection) -> Result<Outcome> {
    if let Some(parameter) = &secret.parameter {
        return find_parameter(secret, parameter, connection).map(|()| Outcome::Found);
    }
    let place = place.ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("where the secret `{}` is to be kept is not said", secret.id),
        )
        .help("name a secret in Secrets Manager: --secret-id NAME")
    })?;
    match (secret.class, given.value(secret.id.as_str())) {
        (SecretClass::PerInstallGenerated, _) if place.has_value(connection)? => Ok(Outcome::Kept),
        (SecretClass::PerInstallGenerated, _) => {
            let value = generate::value(secret.length(), secret.charset.unwrap_or_default())?;
            place.put_once(value, connection)
        }
        (SecretClass::UserPrompt, Some(value)) => {
            check(secret, &value)?;
            place.put(value, connection)
        }
        // Another value was asked for, or the one that is there was made up, when the secret was of another class.
        (SecretClass::UserPrompt, None) if place.is_first() && place.has_given_value(connection)? => Ok(Outcome::Kept),
        (SecretClass::UserPrompt, None) => Err(missing(secret, given)),
        (SecretClass::Infrastructure | SecretClass::RemoteFetch, _) => Err(Error::invalid(format!(
            "the secret `{}` is of class `{}`, whose values are not provided when functions are deployed",
            secret.id,
            secret.class.name()
        ))),
    }
}

/// Its value isn't read: that it is there is enough.
fn find_parameter(secret: &Secret, name: &str, connection: &Connection) -> Result<()> {
    let request = aws_sdk_ssm::Client::new(&connection.config)
        .get_parameter()
        .name(name)
        .with_decryption(false);
    let owned = name.to_owned();
    let missing = Error::failed(format!("{}: there is no SSM parameter `{name}`", in_words(secret))).help(format!(
        "create it in this account and region, `aws ssm put-parameter --type SecureString --name {name} --value file://FILE`, \
         or correct `parameter` in its declaration"
    ));
    connection.call(async move {
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(GetParameterError::ParameterNotFound(_)) => missing,
                _ => explain(&error, "look for the parameter", &owned),
            }),
        }
    })
}

/// No message repeats anything of the value.
fn check(secret: &Secret, value: &SecretValue) -> Result<()> {
    let refused = |why: String| {
        Err(
            Error::invalid(format!("{}: the value that was given {why}", in_words(secret)))
                .help(format!("correct it in {}", given::VARIABLE)),
        )
    };
    if value.reveal().len() > place::LONGEST_VALUE {
        return refused(format!("is longer than {} bytes", place::LONGEST_VALUE));
    }
    match &secret.pattern {
        Some(pattern) if !secret.accepts(value.reveal()) => refused(format!("doesn't match its pattern `{pattern}`")),
        _ => Ok(()),
    }
}

fn missing(secret: &Secret, given: &Given) -> Error {
    let others = match given.ids() {
        ids if ids.is_empty() => String::new(),
        ids => format!("; values were given for: {}", ids.join(", ")),
    };
    let id = &secret.id;
    Error::invalid(format!("{}: no value was given{others}", in_words(secret))).help(format!(
        "give it to the apply, `export TF_VAR_{variable}='{{\"{id}\": \"…\"}}'`, or store it as an SSM parameter and name that \
         in `parameter` of the secret's declaration",
        variable = given::VARIABLE
    ))
}

/// For people: id, label and description.
fn in_words(secret: &Secret) -> String {
    let said: Vec<&str> = [&secret.label, &secret.description]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    match said.is_empty() {
        true => format!("secret `{}`", secret.id),
        false => format!("secret `{}` ({})", secret.id, said.join(": ")),
    }
}
