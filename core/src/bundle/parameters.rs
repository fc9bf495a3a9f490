//! Parameters of a module: values, and references to secrets.

use std::collections::BTreeMap;

use crate::{Error, Result, shorten};

pub use super::secret::SecretReference;

/// Names and values; of a secret only where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pub values: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretReference>,
}

impl Parameters {
    /// Fails where a name can't become an environment variable's, or comes as value and as secret.
    pub fn new(values: BTreeMap<String, String>, secrets: BTreeMap<String, SecretReference>) -> Result<Self> {
        for name in values.keys().chain(secrets.keys()) {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            if !starts_well || !name.bytes().all(allowed) {
                return Err(Error::invalid(format!("the parameter name `{}`", shorten(name)))
                    .help("allowed: a letter, then letters, digits, `_` and `-`"));
            }
        }
        if let Some(name) = values.keys().find(|name| secrets.contains_key(*name)) {
            return Err(Error::invalid(format!(
                "the parameter `{name}` comes twice: as a value and as a secret"
            ))
            .help("leave out one of --param and --secret, or of `parameters` and `secrets` in lambda-pack.toml"));
        }
        if let Some((name, _)) = values.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Error::invalid(format!("the parameter `{name}` holds a NUL character"))
                .help("no environment variable can; encode the value"));
        }
        Ok(Parameters { values, secrets })
    }
}
