//! How a definition is written, for people to read on.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value as Json;

/// In the order in which people write them; others follow.
const ORDER: [&str; 12] = [
    "function_name",
    "type",
    "description",
    "runtime",
    "compatible_runtimes",
    "handler",
    "architectures",
    "memory_size",
    "timeout",
    "environment",
    "source",
    "build",
];

#[derive(Serialize)]
#[serde(untagged)]
pub enum Field {
    Json(Json),
    One(Source),
    Many(Vec<Source>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Source {
    Path(String),
    Spec(Spec),
}

#[derive(Serialize)]
pub struct Spec {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symlinks: Option<&'static str>,
}

/// Keys in the order in which people write them.
pub struct Ordered(pub BTreeMap<&'static str, Field>);

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for key in ORDER.iter().filter(|key| self.0.contains_key(*key)) {
            map.serialize_entry(key, &self.0[key])?;
        }
        for (key, value) in self.0.iter().filter(|(key, _)| !ORDER.contains(key)) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
