//! Any program.

use serde_json::{Map, Value};

use crate::function::CommandBuild;

pub fn options(build: &CommandBuild) -> Vec<(&'static str, Value)> {
    let environment = build
        .environment
        .iter()
        .map(|(key, value)| (key.to_string(), value.into()));
    let environment: Map<String, Value> = environment.collect();
    vec![
        ("command", build.command.clone().into()),
        ("output", build.output.as_str().into()),
        ("environment", environment.into()),
    ]
}
