//! A document that somebody else hands in: read again, and whether it says what such a document can say.

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

/// The line that `sha256sum --check` takes.
pub fn sums_line(sha256_hex: &str) -> String {
    format!("{sha256_hex}  {}\n", super::FILE_NAME)
}

/// The digest of a line that [`sums_line`] or `sha256sum` made.
pub fn sums_of(line: &str) -> Option<&str> {
    let digest = line.split_whitespace().next()?;
    (digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digest)
}
