//! Keys that only functions have, and those that only layers have: one table for what is refused and for the JSON Schema.

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::definition::{Definition, Kind};
use crate::{Error, Result};

type IsSet = fn(&Definition) -> bool;

const OF_FUNCTIONS: [(&str, IsSet); 14] = [
    ("runtime", |it| it.runtime.is_some()),
    ("handler", |it| it.handler.is_some()),
    ("memory_size", |it| it.memory_size.is_some()),
    ("timeout", |it| it.timeout.is_some()),
    ("environment", |it| it.environment.is_some()),
    ("layers", |it| it.layers.is_some()),
    ("ephemeral_storage", |it| it.ephemeral_storage.is_some()),
    ("tracing_config", |it| it.tracing_config.is_some()),
    ("dead_letter_config", |it| it.dead_letter_config.is_some()),
    ("vpc_config", |it| it.vpc_config.is_some()),
    ("kms_key_arn", |it| it.kms_key_arn.is_some()),
    ("reserved_concurrent_executions", |it| {
        it.reserved_concurrent_executions.is_some()
    }),
    ("tags", |it| it.tags.is_some()),
    ("policy_statements", |it| !it.policy_statements.is_empty()),
];

const OF_LAYERS: [(&str, IsSet); 1] = [("compatible_runtimes", |it| it.compatible_runtimes.is_some())];

/// Fails where a definition has a key of the other kind.
pub(super) fn check(definition: &Definition) -> Result<()> {
    let (misplaced, owners) = match definition.kind {
        Kind::Function => (&OF_LAYERS[..], "layers"),
        Kind::Layer => (&OF_FUNCTIONS[..], "functions"),
    };
    match misplaced.iter().find(|(_, is_set)| is_set(definition)) {
        None => Ok(()),
        Some((key, _)) => Err(Error::invalid(format!("key `{key}` is for {owners} only"))
            .at_key(key)
            .help("remove the key, or correct `type`")),
    }
}

/// Says the same in the schema, so that an editor marks such a key. An empty value of one, which is as good as none, is marked
/// too.
pub(super) fn restrict(schema: &mut Schema) {
    let none_of = |keys: &[(&str, IsSet)]| -> Map<String, Value> {
        keys.iter().map(|(key, _)| ((*key).to_owned(), false.into())).collect()
    };
    let mut of_layer = none_of(&OF_FUNCTIONS);
    // A layer has no environment: `secret::check_together`.
    of_layer.insert(
        "secrets".to_owned(),
        json!({ "items": { "properties": { "target": false } } }),
    );
    // It is no layer of a layer (`layers::split`), no bundle (`build::node`) and no `bootstrap` (`build::output`).
    let build = json!({
        "type": { "enum": ["python", "node", "command"] },
        "dependencies": { "const": "package" },
        "bundle": false,
    });
    of_layer.insert("build".to_owned(), json!({ "properties": build }));
    let is_layer = json!({ "properties": { "type": { "const": "layer" } }, "required": ["type"] });
    schema.insert("if".to_owned(), is_layer);
    schema.insert("then".to_owned(), json!({ "properties": of_layer }));
    schema.insert("else".to_owned(), json!({ "properties": none_of(&OF_LAYERS) }));
}
