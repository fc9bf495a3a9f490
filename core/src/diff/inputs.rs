//! Build inputs, key by key.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// A key of the build inputs whose value differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// As `jq` would be asked for it, without the first point: `build.locks."requirements.txt"`.
    pub key: String,
    /// `None` where the key isn't there.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub(super) fn changes(before: Option<&Map<String, Value>>, after: Option<&Map<String, Value>>) -> Vec<InputChange> {
    let (mut before, mut after) = (leaves(before), leaves(after));
    let mut keys: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    let changes = keys.into_iter().map(|key| InputChange {
        before: before.remove(&key),
        after: after.remove(&key),
        key,
    });
    changes.filter(|change| change.before != change.after).collect()
}

/// All values that hold no others. An empty object or list is one: it differs from a missing one.
fn leaves(inputs: Option<&Map<String, Value>>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (key, value) in inputs.into_iter().flatten() {
        collect(word(key), value, &mut found);
    }
    found
}

fn collect(key: String, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                collect(format!("{key}.{}", word(name)), value, found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for (number, value) in values.iter().enumerate() {
                collect(format!("{key}[{number}]"), value, found);
            }
        }
        _ => {
            found.insert(key, value.clone());
        }
    }
}

/// Names that `jq` doesn't take as they are stand in quotation marks.
fn word(name: &str) -> String {
    let is_plain = |name: &str| {
        let mut characters = name.chars();
        characters
            .next()
            .is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
            && characters.all(|it| it.is_ascii_alphanumeric() || it == '_')
    };
    match is_plain(name) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}
