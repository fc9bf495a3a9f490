//! Swaps: what a profile puts in the place of dependencies, or leaves out.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::function::{FunctionName, GlobText, RelativePath};

/// A dependency, and what comes in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// Name of the dependency, as its lock file has it.
    pub from: String,
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
