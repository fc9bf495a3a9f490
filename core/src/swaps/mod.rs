//! Swaps: what a profile puts in the place of dependencies, or leaves out.
//!
//! Which of them apply is known at plan, from lock files and the source, and becomes part of the build inputs. What the source
//! itself holds is left out at once; what is installed, and what only that needed, once it is there.

mod apply;
mod layers;
mod locked;
mod name;
mod node;
mod packages;
mod python;
mod runtime;
#[cfg(all(test, unix))]
mod tests;

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::build::Ecosystem;
use crate::function::{FunctionName, GlobText, RelativePath};
use crate::sbom::python::normal;
use crate::{Error, Result};

pub use apply::{AppliedSwap, check_effect, check_used};
pub(crate) use apply::{Swaps, has_any};
pub(crate) use layers::check_layers;
pub use layers::{Moved, settle_layers};
pub(crate) use locked::Locked;
pub use name::PackageName;
pub use packages::{Package, Packages};
pub use runtime::Sdk;

/// A dependency, and what comes in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = lock_of_dependencies)]
pub struct Swap {
    /// Name of the dependency, as its lock file has it; or a glob on names.
    #[schemars(with = "String", regex(pattern = name::PATTERN))]
    pub from: PackageName,
    /// `runtime`, `drop`, `layer:NAME`, or the name of a dependency that comes in its place.
    #[schemars(with = "String", regex(pattern = "^(layer:[A-Za-z0-9_-]{1,64}|[^:]+)$"))]
    pub to: Replacement,
    /// What that means for the function, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// The lock file of the dependency in its place, relative to the code directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<RelativePath>,
    /// The functions that it is for; default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<GlobText>>,
    /// Whether the profile has it from another one.
    #[serde(skip)]
    pub inherited: bool,
}

/// What [`Swap::check`] says of `lock`, for the JSON Schema. `null` is as if the key weren't there.
fn lock_of_dependencies(schema: &mut Schema) {
    let rules = json!({
        "if": {"required": ["to"], "properties": {"to": {"pattern": "^(runtime|drop|layer:.*)$"}}},
        "then": {"properties": {"lock": {"type": "null"}}},
        "else": {"required": ["lock"], "properties": {"lock": {"not": {"type": "null"}}}},
    });
    let Value::Object(rules) = rules else { return };
    rules.into_iter().for_each(|(key, rule)| drop(schema.insert(key, rule)));
}

impl Swap {
    /// Fails where its keys don't fit each other.
    pub(crate) fn check(&self) -> Result<()> {
        let is_itself = |name: &str| {
            // The lock file says whose names these are; without one it is refused below.
            let lock = self.lock.as_ref().map(RelativePath::as_str);
            match lock.is_some_and(|lock| lock.ends_with(".json")) {
                true => self.from.is_of(Ecosystem::Node, name),
                false => self.from.is_of(Ecosystem::Python, &normal(name)),
            }
        };
        if let Replacement::Dependency(name) = &self.to
            && is_itself(name)
        {
            return Err(Error::invalid(format!(
                "`{}` would be replaced by itself: `to` is `{name}`",
                self.from
            ))
            .help("name another dependency in `to`; another version of the same one belongs into the function's own lock file"));
        }
        match (&self.to, &self.lock) {
            (Replacement::Dependency(name), None) => {
                Err(Error::invalid(format!("no `lock` says which `{name}` comes in place of `{}`", self.from))
                    .help("name a requirements file with digests, or a package-lock.json, relative to the code directory; or set `to` to `runtime`, `drop` or `layer:NAME`"))
            }
            (Replacement::Runtime | Replacement::Drop | Replacement::Layer(_), Some(_)) => {
                Err(Error::invalid(format!("`lock` is for another dependency in place of `{}`, and `to` is `{}`", self.from, self.to))
                    .help("remove `lock`, or name the dependency in `to`"))
            }
            _ => Ok(()),
        }
    }
}

/// What comes in place of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Nothing: the runtime has it.
    Runtime,
    /// Nothing: it isn't needed.
    Drop,
    /// This layer has it.
    Layer(FunctionName),
    /// Another dependency.
    Dependency(String),
}

impl Replacement {
    /// The layer that has it, if one does.
    pub fn layer(&self) -> Option<&FunctionName> {
        match self {
            Replacement::Layer(name) => Some(name),
            Replacement::Runtime | Replacement::Drop | Replacement::Dependency(_) => None,
        }
    }
}

impl FromStr for Replacement {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("layer", name)) => name.parse().map(Replacement::Layer),
            Some(_) => Err("`runtime`, `drop`, `layer:NAME`, or the name of a dependency"),
            None if text.is_empty() => Err("`runtime`, `drop`, `layer:NAME`, or the name of a dependency"),
            None if text == "runtime" => Ok(Replacement::Runtime),
            None if text == "drop" => Ok(Replacement::Drop),
            None => Ok(Replacement::Dependency(text.to_owned())),
        }
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Replacement::Runtime => f.write_str("runtime"),
            Replacement::Drop => f.write_str("drop"),
            Replacement::Layer(name) => write!(f, "layer:{name}"),
            Replacement::Dependency(name) => f.write_str(name),
        }
    }
}

impl Serialize for Replacement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Replacement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|expected| de::Error::invalid_value(de::Unexpected::Str(&text), &expected))
    }
}
