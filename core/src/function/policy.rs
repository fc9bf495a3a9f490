//! The key `policy_statements` of a definition.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{ActionRule, ResourceRule, SidRule};
use super::text::Text;

/// What a function's role may do, or may not, as IAM has it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyStatement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Text<SidRule>>,
    #[serde(default)]
    pub effect: Effect,
    #[schemars(length(min = 1))]
    pub actions: Vec<Text<ActionRule>>,
    #[schemars(length(min = 1))]
    pub resources: Vec<Text<ResourceRule>>,
    /// By operator, such as `StringEquals`, then by condition key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
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
