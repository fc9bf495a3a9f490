//! JSON in, or an error that names file, line, key, what was found and what is allowed.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::{Error, Result, shorten, suggest};

/// Parses a whole text; `place` names it in messages. `serde` finds the faults, this puts them into words.
pub fn parse<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let key = key_of(error.path());
        explain(&place, &key, error.inner())
    })?;
    deserializer.end().map_err(|error| explain(&place, "", &error))?;
    Ok(value)
}

/// `source[1].path`, or nothing at the top.
fn key_of(path: &serde_path_to_error::Path) -> String {
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
    // serde quotes names with backquotes: the first is what was found, the others are what is allowed.
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let in_key = |what: String| match key {
        "" => Error::invalid(format!("{place}: {what}")),
        key => Error::invalid(format!("{place}: key `{}`: {what}", shorten(key))),
    };
    match (text.split_once(' ').map_or("", |(word, _)| word), quoted.split_first()) {
        ("unknown", Some((found, allowed))) if text.starts_with("unknown field") => {
            let parent = key.strip_suffix(found).unwrap_or(key);
            let error = Error::invalid(format!("{place}: unknown key `{parent}{}`", shorten(found)));
            error.help(allowed_names(found, allowed))
        }
        ("unknown", Some((found, allowed))) => {
            in_key(format!("found `{}`", shorten(found))).help(allowed_names(found, allowed))
        }
        ("missing", Some((name, _))) => {
            let parent = if key.is_empty() {
                String::new()
            } else {
                format!("{key}.")
            };
            Error::invalid(format!("{place}: key `{parent}{name}` is missing"))
        }
        ("duplicate", Some((name, _))) => Error::invalid(format!("{place}: key `{name}` comes twice")),
        ("invalid", _) => {
            let text = text
                .strip_prefix("invalid type: ")
                .or_else(|| text.strip_prefix("invalid value: "))
                .unwrap_or(text);
            in_key(match text.rsplit_once(", expected ") {
                Some((found, allowed)) => format!("found {}; allowed: {allowed}", shorten(found)),
                None => shorten(text),
            })
        }
        _ => in_key(shorten(text)),
    }
}

fn allowed_names(found: &str, allowed: &[&str]) -> String {
    let names = allowed.join("`, `");
    match suggest(found, allowed.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? allowed: `{names}`"),
        None => format!("allowed: `{names}`"),
    }
}
