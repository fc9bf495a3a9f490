//! YAML in (and so JSON), or an error that names file, line, key, what was found and what is allowed.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_saphyr::Options;

use crate::json::{allowed_names, allowed_values, in_format, key_of};
use crate::{Error, Result, shorten};

/// No specification that somebody wrote is larger; a few bytes with anchors can stand for gigabytes.
const MOST_BYTES: usize = 1024 * 1024;
const MOST_NODES: usize = 100_000;

/// Parses a whole text, one document. `place` names it in messages.
pub fn parse<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    if bytes.len() > MOST_BYTES {
        return Err(Error::invalid(format!(
            "{place}: {} bytes are too many; allowed: {MOST_BYTES}",
            bytes.len()
        )));
    }
    let mut key = String::new();
    let parsed = serde_saphyr::with_deserializer_from_slice_with_options(bytes, options(), |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            key = key_of(error.path());
            error.into_inner()
        })
    });
    parsed.map_err(|error| explain(&place, &key, &error))
}

fn options() -> Options {
    serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_NODES },
        budget: serde_saphyr::budget! { max_events: MOST_NODES, max_recorded_anchor_events: MOST_NODES },
        with_snippet: false,
    }
}

/// What YAML calls an object.
const OBJECT: &str = "a mapping";

fn explain(place: &impl Display, key: &str, error: &serde_saphyr::Error) -> Error {
    use serde_saphyr::Error as Yaml;
    let place = match error.location() {
        Some(at) => format!("{place}:{}:{}", at.line(), at.column()),
        None => place.to_string(),
    };
    let in_key = |what: String| match key {
        "" => Error::invalid(format!("{place}: {what}")),
        key => Error::invalid(format!("{place}: key `{}`: {what}", shorten(key))),
    };
    let nested = |name: &str| match key {
        "" => shorten(name),
        key if key == name || key.ends_with(&format!(".{name}")) => shorten(key),
        key => format!("{}.{}", shorten(key), shorten(name)),
    };
    let wrong = |found: &str, expected: &str| {
        let (found, expected) = (in_format(found, OBJECT), allowed_values(expected, OBJECT));
        in_key(format!("found {}; allowed: {expected}", shorten(found)))
    };
    let cause = match error.without_snippet() {
        Yaml::AliasError { error, .. } => error.without_snippet(),
        cause => cause,
    };
    match cause {
        Yaml::SerdeUnknownField { field, expected, .. } => {
            Error::invalid(format!("{place}: unknown key `{}`", nested(field))).help(allowed_names(field, expected))
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => {
            in_key(format!("found `{}`", shorten(variant))).help(allowed_names(variant, expected))
        }
        Yaml::SerdeMissingField { field, .. } => Error::invalid(format!("{place}: key `{}` is missing", nested(field))),
        Yaml::DuplicateMappingKey { key: Some(name), .. } => {
            Error::invalid(format!("{place}: key `{}` comes twice", nested(name)))
        }
        Yaml::SerdeInvalidType {
            unexpected, expected, ..
        }
        | Yaml::SerdeInvalidValue {
            unexpected, expected, ..
        } => wrong(unexpected, expected),
        Yaml::NullIntoString { .. } => wrong("nothing", "a string"),
        Yaml::Unexpected { expected, .. } => match *expected {
            "string scalar" => wrong("a mapping or list", "a string").help(
                "quote it where it holds `: ` or begins with a sign that YAML reads, such as `[`, `{`, `*` or `&`",
            ),
            "mapping start" => in_key("allowed: a mapping (`key: value`)".to_owned()),
            "sequence start" => in_key("allowed: a list".to_owned()),
            other => in_key(format!("allowed: {other}")),
        },
        Yaml::AliasReplayLimitExceeded { .. } | Yaml::Budget { .. } => {
            Error::invalid(format!("{place}: the anchors and keys stand for too much"))
                .help(format!("write what is meant with less than {MOST_NODES} values"))
        }
        Yaml::Message { msg, .. } => in_key(msg.clone()),
        other => {
            let text = other.to_string();
            in_key(shorten(text.lines().next().unwrap_or_default()))
        }
    }
}
