//! Where a secret is: never its value.

use std::fmt;
use std::str::FromStr;

/// As CodeBuild spells it: `parameter-store:NAME`, or `secrets-manager:ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]`, where the
/// ID may be an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    ParameterStore {
        name: String,
    },
    SecretsManager {
        id: String,
        json_key: Option<String>,
        version_stage: Option<String>,
        version_id: Option<String>,
    },
}

/// What a reference must look like.
pub const EXPECTED: &str =
    "parameter-store:NAME or secrets-manager:ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]], as CodeBuild spells them";

impl FromStr for SecretReference {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("parameter-store", name)) => Self::in_parameter_store(name),
            Some(("secrets-manager", rest)) => Self::in_secrets_manager(rest),
            _ => Err(EXPECTED),
        }
    }
}

impl SecretReference {
    /// `NAME`
    pub fn in_parameter_store(name: &str) -> Result<Self, &'static str> {
        match is_word(name) {
            true => Ok(SecretReference::ParameterStore { name: name.to_owned() }),
            false => Err(EXPECTED),
        }
    }

    /// `ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]`
    pub fn in_secrets_manager(text: &str) -> Result<Self, &'static str> {
        /// Of `arn:partition:secretsmanager:region:account:secret:name`.
        const ARN_PARTS: usize = 7;
        let parts: Vec<&str> = text.split(':').collect();
        let of_id = if text.starts_with("arn:") { ARN_PARTS } else { 1 };
        let (id, rest) = parts.split_at_checked(of_id).ok_or(EXPECTED)?;
        let id = id.join(":");
        if rest.len() > 3 || !is_word(&id) {
            return Err(EXPECTED);
        }
        let part = |index: usize| {
            rest.get(index)
                .filter(|part| !part.is_empty())
                .map(|part| part.to_string())
        };
        Ok(SecretReference::SecretsManager {
            id,
            json_key: part(0),
            version_stage: part(1),
            version_id: part(2),
        })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretReference::ParameterStore { name } => write!(f, "parameter-store:{name}"),
            SecretReference::SecretsManager {
                id,
                json_key,
                version_stage,
                version_id,
            } => {
                let rest = [json_key, version_stage, version_id].map(|part| part.as_deref().unwrap_or_default());
                let text = format!("secrets-manager:{id}:{}", rest.join(":"));
                f.write_str(text.trim_end_matches(':'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_round_trip_and_nothing_else_is_taken() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf";
        for text in [
            "parameter-store:/db/password",
            "secrets-manager:db",
            "secrets-manager:db:password",
            "secrets-manager:db::AWSPREVIOUS",
            &format!("secrets-manager:{arn}"),
            &format!("secrets-manager:{arn}:password::id"),
        ] {
            let parsed: SecretReference = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            "db",
            "parameter-store:",
            "secrets-manager:",
            "secrets-manager:a:b:c:d:e",
            "ssm:/x",
        ] {
            assert!(text.parse::<SecretReference>().is_err(), "{text}");
        }
    }
}
