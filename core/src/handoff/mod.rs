//! What a deployment is made of, in one document: `bundle.json`. Same inputs, same bytes: there is no time in it, nothing of
//! the machine, and every list has an order of its own.

mod contradictions;
mod document;
mod entries;
mod package;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use document::{SUMS_EXTENSION, sums_line, sums_of};
pub use entries::{Application, AssetEntry, FunctionEntry, PackageFacts, SecretEntry, SwapEntry};

use crate::fitness::{Status, Tier};
use crate::graph::Graph;
use crate::secrets::Excluded;

/// Number of the rules that the document follows.
pub const SCHEMA_VERSION: u32 = 1;
pub const FILE_NAME: &str = "bundle.json";

/// What a deployment profile deploys: packages, what they are made of and need, and what was checked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "lambda-pack bundle manifest")]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[schemars(range(min = 1, max = 1))]
    pub schema_version: u32,
    pub application: Application,
    /// The profile that says what is deployed.
    pub deployment_profile: String,
    pub tier: Tier,
    /// Where packages are kept; `file://./…` is relative to the project's directory.
    pub store: String,
    /// Functions and layers, by name.
    pub functions: Vec<FunctionEntry>,
    pub graph: Graph,
    pub assets: Vec<AssetEntry>,
    /// Those that were applied.
    pub swaps: Vec<SwapEntry>,
    /// Names of secrets that functions get, never values.
    pub secrets: Vec<SecretEntry>,
    /// Secrets that stay where they are.
    pub excluded: Vec<Excluded>,
    pub validation: Vec<Validation>,
}

/// What was checked, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// What was looked at; of one function with its name behind a slash: `preflight/orders`.
    pub check: String,
    pub status: Status,
    pub detail: String,
}

/// The check that says what is in no package.
const EXCLUDED: &str = "excluded";

impl Validation {
    /// Which secrets stay where they are, so that none is lost on the way; `None` without any.
    pub fn excluded(excluded: &[Excluded]) -> Option<Self> {
        let ids: Vec<&str> = excluded.iter().map(|it| it.id.as_str()).collect();
        let detail = format!(
            "in no package, and in nothing that is handed over: `{}`",
            ids.join("`, `")
        );
        (!ids.is_empty()).then(|| Validation::new(EXCLUDED, Status::Pass, detail))
    }

    pub fn of_function(check: &str, function: &str, status: Status, detail: impl Into<String>) -> Self {
        Validation {
            check: format!("{check}/{function}"),
            status,
            detail: detail.into(),
        }
    }

    pub fn new(check: &str, status: Status, detail: impl Into<String>) -> Self {
        Validation {
            check: check.to_owned(),
            status,
            detail: detail.into(),
        }
    }
}

impl Document {
    /// As it is written: for people too, so one line a value.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("string keys");
        text.push('\n');
        text
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Validation> {
        self.validation
            .iter()
            .filter(|validation| validation.status == Status::Fail)
    }
}

/// The JSON Schema of the document, draft 2020-12.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}
