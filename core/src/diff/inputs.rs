//! Build inputs, key by key.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::sbom::Versions;

/// A key of the build inputs whose value differs; or a dependency, by its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// As `jq` would be asked for it, without the first point: `locks."requirements.txt"`, `dependencies.requests`.
    pub key: String,
    /// `None` where the key isn't there.
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// The name of the dependency, of those.
    #[serde(skip)]
    pub dependency: Option<String>,
}

impl InputChange {
    /// Whether it is the digest of a lock file.
    pub(super) fn is_lock(&self) -> bool {
        self.key.starts_with("locks.") || self.key.ends_with("].lock")
    }
}

/// Dependencies by name and version, as if they were build inputs: lock files are, and this is what is in them.
pub(super) fn dependencies(before: &Versions, after: &Versions) -> Vec<InputChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let names = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let changes = names.map(|name| {
        let version = |versions: &Versions| versions.get(name).map(|version| Value::from(version.as_str()));
        InputChange {
            key: format!("dependencies.{}", word(name)),
            before: version(before),
            after: version(after),
            dependency: Some(name.clone()),
        }
    });
    changes.collect()
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
        dependency: None,
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
