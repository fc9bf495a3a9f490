//! Values that the user gives. They travel in the environment alone: arguments are seen by everybody on the machine.

use std::collections::BTreeMap;
use std::env::{self, VarError};

use lambda_pack_core::secrets::SecretValue;
use lambda_pack_core::{Error, Result};

/// The deploy module's variable.
pub const VARIABLE: &str = "secret_values";

/// The deploy module passes its variable on in the first. The second is where users set it, and all that there is if a
/// root module has no such variable: then no value passes through Terraform at all.
const SOURCES: [&str; 2] = ["LAMBDA_PACK_SECRET_VALUES", "TF_VAR_secret_values"];

/// By id.
#[derive(Debug, Default)]
pub struct Given(BTreeMap<String, SecretValue>);

impl Given {
    /// From the first variable that holds any.
    pub fn in_environment() -> Result<Self> {
        for variable in SOURCES {
            let text = match env::var(variable) {
                Ok(text) => text,
                Err(VarError::NotPresent) => continue,
                Err(VarError::NotUnicode(_)) => return Err(unusable(variable)),
            };
            let given = Self::parse(&text).ok_or_else(|| unusable(variable))?;
            if !given.0.is_empty() {
                return Ok(given);
            }
        }
        Ok(Given::default())
    }

    /// A JSON object of strings; empty ones are as if left out.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Given::default());
        }
        // What serde would say of a fault repeats what it found.
        let values: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        let values = values.into_iter().filter(|(_, value)| !value.is_empty());
        Some(Given(values.map(|(id, value)| (id, SecretValue::new(value))).collect()))
    }

    pub fn value(&self, id: &str) -> Option<SecretValue> {
        self.0.get(id).cloned()
    }

    pub fn ids(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

fn unusable(variable: &str) -> Error {
    Error::invalid(format!("{variable} is no JSON object of strings")).help(format!(
        "set it to values by id of the secret: {variable}='{{\"smtp-password\": \"…\"}}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_are_left_out() {
        for text in ["", "{}", r#"{"a": ""}"#] {
            assert!(Given::parse(text).expect("an object").ids().is_empty(), "{text}");
        }
        let given = Given::parse(r#"{"a": "1", "b": ""}"#).expect("an object");
        assert_eq!(given.ids(), ["a"]);
        assert_eq!(given.value("a").expect("a value").reveal(), "1");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["[]", "hunter2", r#"{"a": 1}"#, r#"{a = "1"}"#, r#"{"a": null}"#] {
            assert!(Given::parse(text).is_none(), "{text}");
        }
    }
}
