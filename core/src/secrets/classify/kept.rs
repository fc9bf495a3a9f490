//! Secrets that exist: where they are, and what of them is meant.

use serde::Serialize;

use crate::secrets::cautious::may_be;

/// Where an existing secret is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Arn(String),
    /// Of a secret in Secrets Manager.
    Name(String),
    /// Of a parameter in Parameter Store.
    Parameter(String),
}

/// An existing secret, and what of it is meant; nothing for all of it.
pub(super) struct Kept {
    pub place: Place,
    /// In words.
    pub parts: Vec<String>,
}

impl From<Place> for Kept {
    fn from(place: Place) -> Self {
        Kept {
            place,
            parts: Vec::new(),
        }
    }
}

impl Kept {
    /// What a dynamic reference refers to, also one within a longer text:
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
    pub fn of(value: &str) -> Option<Self> {
        let (before, reference) = value.split_once("{{resolve:")?;
        let (inner, after) = reference.split_once("}}")?;
        let (service, id) = inner.split_once(':')?;
        let of_secrets_manager = match service {
            "secretsmanager" => true,
            "ssm-secure" | "ssm" => false,
            _ => return None,
        };
        let is_arn = id.starts_with("arn:");
        let own = match (is_arn, of_secrets_manager) {
            (false, _) => 1,
            (true, true) => 7,
            (true, false) => 6,
        };
        let mut fields = id.split(':');
        let own: Vec<&str> = fields.by_ref().take(own).collect();
        let own = own.join(":");
        let place = match (is_arn, of_secrets_manager) {
            (true, _) => Place::Arn(own),
            (false, true) => Place::Name(own),
            (false, false) => Place::Parameter(own),
        };
        // Behind a secret's name stand `SecretString`, a key, and the stage or id of a version; behind a parameter's its version.
        let says: &[fn(&str) -> String] = match of_secrets_manager {
            true => &[|_| String::new(), key_of_json, version, version],
            false => &[version],
        };
        let parts = says.iter().zip(fields).filter(|(_, field)| !field.is_empty());
        let parts = parts.map(|(say, field)| say(field)).filter(|part| !part.is_empty());
        let more = !before.is_empty() || !after.is_empty();
        let more = more.then(|| "the variable held more than that".to_owned());
        Some(Kept {
            place,
            parts: parts.chain(more).collect(),
        })
    }

    pub fn part(&self) -> Option<String> {
        (!self.parts.is_empty()).then(|| self.parts.join("; "))
    }
}

pub(super) fn key_of_json(key: &str) -> String {
    match is_shown(key) {
        true => format!("the key `{key}` of its JSON"),
        false => "a key of its JSON".to_owned(),
    }
}

fn version(version: &str) -> String {
    match is_shown(version) {
        true => format!("its version `{version}`"),
        false => "a version of it".to_owned(),
    }
}

/// Names are short, and no secrets themselves.
fn is_shown(name: &str) -> bool {
    const LONGEST: usize = 64;
    name.len() <= LONGEST && !name.chars().any(char::is_control) && !may_be(None, name)
}

impl Place {
    pub fn why(&self) -> String {
        let what = match self {
            Place::Arn(_) => "its value is an ARN",
            Place::Name(_) => "its value is the name of a secret in Secrets Manager",
            Place::Parameter(_) => "its value is the name of a parameter in Parameter Store",
        };
        format!("{what}: the secret exists, and the function's role must be allowed to read it")
    }
}
