//! Whether functions fit where they are to run.

use serde::{Deserialize, Serialize};

/// Where functions run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    #[default]
    Lambda,
    LambdaEdge,
    /// Lambda functions from container images.
    Container,
}

impl Tier {
    pub fn name(self) -> &'static str {
        match self {
            Tier::Lambda => "lambda",
            Tier::LambdaEdge => "lambda-edge",
            Tier::Container => "container",
        }
    }
}
