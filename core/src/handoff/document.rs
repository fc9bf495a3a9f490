//! A document that somebody else hands in: read again, and whether it says what such a document can say.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::Value;

use super::{Document, SCHEMA_VERSION};
use crate::{Error, Result, json, shorten};

/// What the name of the file with the document's SHA-256 ends with.
pub const SUMS_EXTENSION: &str = "sha256";

impl Document {
    /// Takes what [`Document::to_json`] gives, with other spaces between it at most.
    pub fn parse(place: impl Display, content: &[u8]) -> Result<Self> {
        let document: Document = json::parse_object(&place, content)?;
        if document.schema_version != SCHEMA_VERSION {
            return Err(Error::invalid(format!(
                "{place}: key `schema_version`: found {}; allowed: {SCHEMA_VERSION}",
                document.schema_version
            ))
            .help("use the version of lambda-pack that wrote it"));
        }
        // Keys that may be left out elsewhere may not be left out here.
        let said: Value = json::parse(&place, content)?;
        let meant = serde_json::to_value(&document).expect("string keys");
        if let Some(difference) = difference("", &said, &meant) {
            return Err(Error::invalid(format!("{place}: {difference}")));
        }
        let problems = document.contradictions();
        let errors = problems
            .into_iter()
            .map(|problem| Error::invalid(format!("{place}: {problem}")));
        Error::join(errors).map_or(Ok(document), Err)
    }
}

/// The first key that isn't as it should be.
fn difference(key: &str, said: &Value, meant: &Value) -> Option<String> {
    match (said, meant) {
        (Value::Object(said), Value::Object(meant)) => {
            let nested = |name: &str| match key {
                "" => name.to_owned(),
                key => format!("{key}.{name}"),
            };
            let missing = meant.keys().find(|name| !said.contains_key(*name));
            let unknown = said.keys().find(|name| !meant.contains_key(*name));
            let missing = missing.map(|name| format!("key `{}` is missing", nested(name)));
            let unknown = unknown.map(|name| format!("unknown key `{}`", shorten(&nested(name))));
            missing.or(unknown).or_else(|| {
                let mut pairs = said.iter().zip(meant.values());
                pairs.find_map(|((name, said), meant)| difference(&nested(name), said, meant))
            })
        }
        (Value::Array(said), Value::Array(meant)) if said.len() == meant.len() => {
            let mut pairs = said.iter().zip(meant).enumerate();
            pairs.find_map(|(index, (said, meant))| difference(&format!("{key}[{index}]"), said, meant))
        }
        _ => (said != meant).then(|| format!("key `{key}` is not as this program writes it")),
    }
}

impl Document {
    /// The same packages, in a store of another name.
    pub fn rename_store(&mut self, name: &str) {
        for function in &mut self.functions {
            // A store without a prefix ends with a slash.
            let [old, new] = [&self.store, name].map(|store| store.trim_end_matches('/'));
            function.store_url = function.store_url.replacen(old, new, 1);
        }
        name.clone_into(&mut self.store);
    }

    /// What it says otherwise than one that was made again.
    pub fn differences(&self, again: &Document) -> Vec<String> {
        let value = |document: &Document| serde_json::to_value(document).expect("string keys");
        let mut differences = Vec::new();
        compare("", &value(self), &value(again), &mut differences);
        differences
    }
}

/// Notes each value that differs, with its key; of lists of other lengths what only one of them has.
fn compare(key: &str, said: &Value, made: &Value, differences: &mut Vec<String>) {
    match (said, made) {
        (Value::Object(said), Value::Object(made)) => {
            let names: BTreeSet<&String> = said.keys().chain(made.keys()).collect();
            for name in names {
                let [said, made] = [said, made].map(|object| object.get(name).unwrap_or(&Value::Null));
                let key = match key {
                    "" => name.clone(),
                    key => format!("{key}.{name}"),
                };
                compare(&key, said, made, differences);
            }
        }
        (Value::Array(said), Value::Array(made)) if said.len() == made.len() => {
            for (index, (said, made)) in said.iter().zip(made).enumerate() {
                compare(&format!("{key}[{index}]"), said, made, differences);
            }
        }
        (Value::Array(said), Value::Array(made)) => {
            let only = |these: &[Value], those: &[Value], what: &str| {
                let only = these.iter().filter(|value| !those.contains(value));
                let only = only.map(|value| format!("key `{key}`: {what}: `{}`", shorten(&value.to_string())));
                only.collect::<Vec<String>>()
            };
            let found = [only(made, said, "missing"), only(said, made, "not of the project")].concat();
            match found.is_empty() {
                true => differences.push(format!("key `{key}`: an element comes more than once")),
                false => differences.extend(found),
            }
        }
        _ if said == made => {}
        _ => differences.push(format!(
            "key `{key}` is said to be `{}`, and the project gives `{}`",
            shorten(&said.to_string()),
            shorten(&made.to_string())
        )),
    }
}

/// The line that `sha256sum --check` takes.
pub fn sums_line(sha256_hex: &str) -> String {
    format!("{sha256_hex}  {}\n", super::FILE_NAME)
}

/// The digest of a line that [`sums_line`] or `sha256sum` made, and the file that it is of, if it names one.
pub fn sums_of(line: &str) -> Option<(&str, Option<&str>)> {
    let mut words = line.trim_end().splitn(2, char::is_whitespace);
    let digest = words.next()?;
    // Before a name stands a space, or a `*` for a binary file.
    let name = words.next().map(|name| name.trim_start_matches([' ', '*']));
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some((digest, name))
}
