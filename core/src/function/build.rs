//! The key `build` of a definition.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::RelativePath;

/// Dependencies that are installed from a lock file and packed with the source.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    #[serde(rename = "type")]
    pub ecosystem: Ecosystem,
    /// The lock file, relative to the code directory; default: the ecosystem's usual name in a directory of `source`. What
    /// belongs to it (`pyproject.toml`, `package.json`) stands beside it.
    pub lock: Option<RelativePath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// `requirements.txt` with hashes, or `uv.lock` with `pyproject.toml`.
    Python,
    /// `package-lock.json` with `package.json`.
    Node,
}

impl Ecosystem {
    /// As a definition spells it.
    pub fn name(self) -> &'static str {
        match self {
            Ecosystem::Python => "python",
            Ecosystem::Node => "node",
        }
    }
}
