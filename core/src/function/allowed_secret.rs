//! The key `allowed_secrets` of a definition.

use std::fmt;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::definition::ReasonRule;
use super::text::{GlobText, Text};
use crate::secrets::{self, RULES, Rule};

/// Something that looks like a secret, and may be packed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedSecret {
    /// A glob on entry paths; or a variable's key: `environment.NAME`, `build.environment.NAME`.
    pub path: GlobText,
    /// The rule that finds it.
    pub rule: RuleId,
    /// Why it may be packed, for those who read the definition.
    reason: Text<ReasonRule>,
}

impl fmt::Display for AllowedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` (rule `{}`): {}",
            self.path.glob(),
            self.rule.rule().id,
            self.reason
        )
    }
}

/// A rule, named by its id.
#[derive(Clone, Copy)]
pub struct RuleId(&'static Rule);

static IDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| RULES.iter().map(|rule| rule.id).collect());

impl RuleId {
    pub(crate) fn rule(self) -> &'static Rule {
        self.0
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.id)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl Visitor<'_> for Id {
            type Value = RuleId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of a rule, as the message gave it")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<RuleId, E> {
                let rule = secrets::find(id).map(RuleId);
                rule.ok_or_else(|| E::unknown_variant(id, &IDS))
            }
        }

        deserializer.deserialize_str(Id)
    }
}

impl JsonSchema for RuleId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": *IDS })
    }
}
