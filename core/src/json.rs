//! JSON in, or an error that names file, line, key, what was found and what is allowed.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::{Error, Result, shorten, suggest};

/// Parses a whole text that must be one object; `place` names it in messages.
pub fn parse_object<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    parse(place, bytes).map(|Object(value)| value)
}

/// Parses a whole text. `serde` finds the faults, this puts them into words.
pub fn parse<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    // What Windows editors put in front of UTF-8 (RFC 8259, section 8.1, lets parsers ignore it).
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let key = key_of(error.path());
        explain(&place, &key, error.inner())
    })?;
    deserializer.end().map_err(|error| explain(&place, "", &error))?;
    Ok(value)
}

/// `source[1].path`, or nothing at the top.
pub(crate) fn key_of(path: &serde_path_to_error::Path) -> String {
    let mut key = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => key.push_str(&format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !key.is_empty() {
                    key.push('.');
                }
                key.push_str(name);
            }
            Segment::Unknown => {}
        }
    }
    key
}

fn explain(place: &impl Display, key: &str, error: &serde_json::Error) -> Error {
    let place = format!("{place}:{}:{}", error.line(), error.column());
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _position)| message);
    if error.classify() != Category::Data {
        return Error::invalid(format!("{place}: not JSON: {text}"));
    }
    in_words(&place, key, text)
}

/// What serde says of data, in the words of people who write it. `place` is file and line.
pub(crate) fn in_words(place: &str, key: &str, text: &str) -> Error {
    let in_key = |what: String| match key {
        "" => Error::invalid(format!("{place}: {what}")),
        key => Error::invalid(format!("{place}: key `{}`: {what}", shorten(key))),
    };
    // serde quotes names with backquotes; what was found may hold some too, what is allowed doesn't.
    let (said, expected) = text.rsplit_once(", expected ").unwrap_or((text, ""));
    let allowed: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let quoted = |text: &str| -> String {
        let inner = text.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`'));
        inner.map_or(text, |(inner, _)| inner).to_owned()
    };
    let name = quoted(said);
    let nested = || match key {
        "" => shorten(&name),
        key => format!("{}.{}", shorten(key), shorten(&name)),
    };
    if said.starts_with("unknown field ") {
        // The path ends with the key that was found.
        Error::invalid(format!("{place}: unknown key `{}`", shorten(key))).help(allowed_names(&name, &allowed))
    } else if said.starts_with("unknown variant ") {
        in_key(format!("found `{}`", shorten(&name))).help(allowed_names(&name, &allowed))
    } else if said.starts_with("missing field ") {
        Error::invalid(format!("{place}: key `{}` is missing", nested()))
    } else if said.starts_with("duplicate field ") {
        let key = if key.ends_with(&name) { shorten(key) } else { nested() };
        Error::invalid(format!("{place}: key `{key}` comes twice"))
    } else if let Some(found) = said
        .strip_prefix("invalid type: ")
        .or_else(|| said.strip_prefix("invalid value: "))
    {
        in_key(format!(
            "found {}; allowed: {}",
            shorten(shown(key, found)),
            allowed_values(expected)
        ))
    } else {
        in_key(shorten(text))
    }
}

/// What was found, in serde's words: its type and value. Of an environment variable the type alone, since values there may be
/// secrets.
fn shown<'a>(key: &str, found: &'a str) -> &'a str {
    match key.split('.').any(|part| part == "environment") {
        true => found.split(['`', '"']).next().unwrap_or_default().trim_end(),
        false => found,
    }
}

/// What serde expected, without the names of Rust's numbers.
fn allowed_values(expected: &str) -> String {
    let (least, number) = match expected.strip_prefix("a nonzero ") {
        Some(number) => (1, number),
        None => (0, expected),
    };
    match number {
        "u8" => format!("a whole number from {least} to {}", u8::MAX),
        "u16" => format!("a whole number from {least} to {}", u16::MAX),
        "u32" => format!("a whole number from {least} to {}", u32::MAX),
        // Further than anybody counts.
        "u64" | "usize" => format!("a whole number, at least {least}"),
        _ => expected.to_owned(),
    }
}

pub(crate) fn allowed_names(found: &str, allowed: &[&str]) -> String {
    let names = allowed.join("`, `");
    match suggest(found, allowed.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? allowed: `{names}`"),
        None => format!("allowed: `{names}`"),
    }
}

/// A value that is an object in JSON. serde's derive would take a list of the fields in their order too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<fn() -> T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
