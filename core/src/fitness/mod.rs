//! Whether functions fit where they are to run, and what would make them fit.

mod assess;
mod edge;
mod measure;
mod suggest;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use assess::always_checked;
pub use assess::{Check, Subject, assess, worst};
pub use measure::{Measure, measures};
pub use suggest::{Suggestion, may_suggest, suggest};

/// Where functions run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Tier", rename_all = "kebab-case")]
pub enum Tier {
    #[default]
    Lambda,
    LambdaEdge,
    /// Lambda functions from container images.
    Container,
}

crate::fixed_words!(read and written Tier);

impl Tier {
    pub fn name(self) -> &'static str {
        match self {
            Tier::Lambda => "lambda",
            Tier::LambdaEdge => "lambda-edge",
            Tier::Container => "container",
        }
    }
}

/// What came of a check; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Status", rename_all = "lowercase")]
pub enum Status {
    Pass,
    Warn,
    Fail,
}

crate::fixed_words!(read and written Status);

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
        }
    }
}
