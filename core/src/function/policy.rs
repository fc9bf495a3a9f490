//! The key `policy_statements` of a definition.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error as _, Unexpected};
use serde::{Deserialize, Serialize};

use super::definition::{ActionRule, ResourceRule, SidRule};
use super::text::Text;
use crate::json::Object;
use crate::{Error, Result};

/// What a function's role may do, or may not, as IAM has it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyStatement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Text<SidRule>>,
    #[serde(default)]
    pub effect: Effect,
    #[serde(deserialize_with = "not_empty")]
    #[schemars(length(min = 1))]
    pub actions: Vec<Text<ActionRule>>,
    #[serde(deserialize_with = "not_empty")]
    #[schemars(length(min = 1))]
    pub resources: Vec<Text<ResourceRule>>,
    /// By operator, such as `StringEquals`, then by condition key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// IAM refuses policies that have one `sid` twice:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
pub(super) fn check(statements: &[Object<PolicyStatement>]) -> Result<()> {
    let sids: Vec<&str> = (statements.iter())
        .filter_map(|Object(statement)| statement.sid.as_ref())
        .map(Text::as_str)
        .collect();
    let twice = sids
        .iter()
        .enumerate()
        .find(|(index, sid)| sids[..*index].contains(sid));
    match twice {
        Some((index, sid)) => Err(Error::invalid(format!(
            "key `policy_statements`: two statements have the `sid` `{sid}`; allowed: each once"
        ))
        .at_key(format_args!("policy_statements[{index}].sid"))
        .help("rename one of them, or leave `sid` out")),
        None => Ok(()),
    }
}

/// IAM refuses statements of nothing.
fn not_empty<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    match list.is_empty() {
        false => Ok(list),
        true => Err(D::Error::invalid_value(
            Unexpected::Other("an empty list"),
            &"at least one",
        )),
    }
}

impl PolicyStatement {
    /// The services that its actions belong to, such as `dynamodb`.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let services = self.actions.iter().map(|action| action.as_str());
        services.map(|action| action.split_once(':').map_or(action, |(service, _)| service))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Effect")]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}

crate::fixed_words!(read and written Effect);
