//! stand-in
use schemars::JsonSchema;
use serde::Serialize;
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Graph {
    pub nodes: Vec<String>,
    pub edges: Vec<String>,
}
