//! JSON in, or an error that names file, line, key, what was found and what is allowed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::{Error, Result, shorten, suggest};

/// Parses a whole text that must be one object; `place` names it in messages.
pub fn parse_object<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    parse(place, bytes).map(|Object(value)| value)
}

/// Parses a whole text. `serde` finds the faults, this puts them into words.
pub fn parse<T: DeserializeOwned>(place: impl Display, bytes: &[u8]) -> Result<T> {
    parse_at(place, without_mark(bytes), [0, 0], "")
}

/// Without what Windows editors put in front of UTF-8 (RFC 8259, section 8.1, lets parsers ignore it).
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// Parses a part of a text, which stands at a key of it; messages are those of the whole.
pub(crate) fn parse_part<T: DeserializeOwned>(
    place: impl Display,
    whole: &[u8],
    part: &RawValue,
    key: &str,
) -> Result<T> {
    let whole = without_mark(whole);
    let before = &whole[..part.get().as_ptr().addr() - whole.as_ptr().addr()];
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    parse_at(place, part.get().as_bytes(), [lines, before.len() - line_start], key)
}

/// Line and column of the value at a key such as `secrets[0].target`, or of what is there of it.
pub(crate) fn position(whole: &[u8], key: &str) -> Option<[usize; 2]> {
    let whole = without_mark(whole);
    let mut value: &RawValue = serde_json::from_slice(whole).ok()?;
    for name in key.split(['.', '[']) {
        let inner = match name.strip_suffix(']') {
            Some(index) => element(value, index.parse().ok()?),
            None => member(value, name),
        };
        match inner {
            Some(inner) => value = inner,
            None => break,
        }
    }
    let before = &whole[..value.get().as_ptr().addr() - whole.as_ptr().addr()];
    let mut lines = before.split(|byte| *byte == b'\n');
    Some([lines.clone().count(), lines.next_back()?.len() + 1])
}

fn element(list: &RawValue, index: usize) -> Option<&RawValue> {
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    list.get(index).copied()
}

fn member<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let object: BTreeMap<Cow<str>, &RawValue> = serde_json::from_str(object.get()).ok()?;
    object.get(name).copied()
}

/// `before` are the lines before the text, and the columns before it in its first line.
fn parse_at<T: DeserializeOwned>(place: impl Display, bytes: &[u8], before: [usize; 2], key: &str) -> Result<T> {
    let said = |inner: &str, error: &serde_json::Error| {
        let column = match error.line() {
            1 => before[1] + error.column(),
            _ => error.column(),
        };
        let key = match (key, inner.starts_with('[') || inner.is_empty()) {
            ("", _) => inner.to_owned(),
            (key, true) => format!("{key}{inner}"),
            (key, false) => format!("{key}.{inner}"),
        };
        explain(&format!("{place}:{}:{column}", before[0] + error.line()), &key, error)
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| said(&key_of(error.path()), error.inner()))?;
    deserializer.end().map_err(|error| said("", &error))?;
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

fn explain(place: &str, key: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _position)| message);
    if error.classify() != Category::Data {
        return Error::invalid(format!("{place}: not JSON: {text}"));
    }
    in_words(place, key, text, "an object")
}

/// Stands between what is allowed and the help, in serde's words: an error of serde has one text.
const HELP: &str = "\u{0}help: ";

/// What was expected, for serde, with a help that the error gets.
pub(crate) fn with_help(expected: &str, help: &str) -> String {
    format!("{expected}{HELP}{help}")
}

/// What serde says of data, in the words of people who write it. `place` is file and line, `object` what the format calls one.
pub(crate) fn in_words(place: &str, key: &str, text: &str, object: &str) -> Error {
    if let Some((text, help)) = text.split_once(HELP) {
        return in_words(place, key, text, object).help(shorten(help));
    }
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
    } else if let Some(wanted) = said.strip_prefix("wanted ") {
        // Of TOML, which doesn't say what was found.
        in_key(format!("allowed: {}", allowed_values(wanted, object)))
    } else if let Some(length) = said.strip_prefix("invalid length ") {
        // What derives from serde takes the fields of an object as a list, too.
        in_key(format!(
            "found a list of {}; allowed: {}",
            shorten(length),
            allowed_values(expected, object)
        ))
    } else if let Some(found) = said
        .strip_prefix("invalid type: ")
        .or_else(|| said.strip_prefix("invalid value: "))
    {
        in_key(format!(
            "found {}; allowed: {}",
            shorten(in_format(shown(key, found), object)),
            allowed_values(expected, object)
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

/// serde's words for kinds of values, and everybody's. `None` is an object, for which each format has its own.
const KINDS: [(&str, Option<&str>); 11] = [
    ("map", None),
    ("a map", None),
    ("an object", None),
    ("sequence", Some("a list")),
    ("a sequence", Some("a list")),
    ("path string", Some("a path")),
    ("string or map", Some("a string")),
    ("string or table", Some("a string")),
    ("unit", Some("nothing")),
    ("unit value", Some("nothing")),
    ("null", Some("nothing")),
];

/// How serde begins where it goes on with the name of a type of this program, which tells users nothing.
const TYPES: [(&str, Option<&str>); 5] = [
    ("struct ", None),
    ("tuple struct ", Some("a list")),
    ("tuple ", Some("a list")),
    ("an array of ", Some("a list")),
    ("enum ", Some("a string")),
];

/// A kind of values in the words of who writes the format; what is none stays.
pub(crate) fn in_format<'a>(said: &'a str, object: &'a str) -> &'a str {
    let kind = KINDS.iter().find(|(kind, _)| said == *kind);
    let known = kind.or_else(|| TYPES.iter().find(|(prefix, _)| said.starts_with(prefix)));
    known.map_or(said, |(_, words)| words.unwrap_or(object))
}

/// What serde expected, without the names of Rust's types.
pub(crate) fn allowed_values(expected: &str, object: &str) -> String {
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
        "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        _ => in_format(expected, object).to_owned(),
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

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::function::Definition;
    use crate::handoff::Document;
    use crate::profile::Profiles;
    use crate::toml_text;

    /// All that a value can be wrong in.
    const VALUES: [&str; 11] = [
        "null",
        "1",
        "-1",
        "1.5",
        "\"x y\"",
        "true",
        "[]",
        "{}",
        "[1]",
        "[[]]",
        "{\"a\": {\"b\": [1]}}",
    ];

    fn has_everybodys_words(shown: &str) -> bool {
        let of_rust = r"\b(struct|enum|tuple|newtype|unit|sequence|map|variant|field identifier|untagged|option|[iuf](8|16|32|64)|usize|string or table)\b";
        !Regex::new(of_rust).expect("a regex").is_match(shown)
    }

    /// Each key with each wrong value.
    #[track_caller]
    fn try_all(keys: &[&str], parse: impl Fn(&str, &str) -> Option<Error>) {
        let inputs = keys.iter().flat_map(|key| VALUES.iter().map(move |value| (key, value)));
        let errors: Vec<String> = inputs
            .filter_map(|(key, value)| parse(key, value))
            .map(|error| format!("{} {}", error.message(), error.help_text().unwrap_or_default()))
            .collect();
        assert!(errors.len() > keys.len() * 4, "hardly any was wrong");
        let wrong_json: Vec<&String> = errors.iter().filter(|shown| shown.contains("not JSON")).collect();
        assert!(wrong_json.is_empty(), "{wrong_json:#?}");
        let of_rust: Vec<&String> = errors.iter().filter(|shown| !has_everybodys_words(shown)).collect();
        assert!(of_rust.is_empty(), "{of_rust:#?}");
    }

    /// The value within as many objects and lists as the key has parts: `a.b` and `a[].b`.
    fn nested(key: &str, value: &str) -> String {
        key.rsplit('.')
            .fold(value.to_owned(), |value, part| match part.strip_suffix("[]") {
                Some(part) => format!("{{\"{part}\": [{value}]}}"),
                None => format!("{{\"{part}\": {value}}}"),
            })
    }

    /// Keys that are one of a few words, with what is allowed.
    const FIXED_WORDS: [(&str, &str); 11] = [
        ("type", "`function`, `layer`"),
        ("architectures[]", "`x86_64`, `arm64`"),
        ("tracing_config.mode", "`Active`, `PassThrough`"),
        ("source.symlinks", "`preserve`, `follow`, `error`"),
        ("assets[].mode", "`0644`, `0755`"),
        (
            "secrets[].class",
            "`infrastructure`, `per_install_generated`, `user_prompt`, `remote_fetch`",
        ),
        ("secrets[].charset", "`alphanumeric`, `hex`, `url_safe`, `printable`"),
        ("build.type", "`python`, `node`, `go`, `rust`, `command`"),
        ("build.dependencies", "`package`, `layer`"),
        ("build.bundle.format", "`cjs`, `esm`"),
        ("policy_statements[].effect", "`Allow`, `Deny`"),
    ];

    #[test]
    fn values_are_found_by_their_keys() {
        let text = "\u{feff}{\n  \"a\": [1, {\"b.c\": 2,\n    \"d\": 3}],\n\"\\u0065\": 4}";
        for (key, line, column) in [("a", 2, 8), ("a[1]", 2, 12), ("a[1].d", 3, 10), ("e", 4, 11)] {
            assert_eq!(position(text.as_bytes(), key), Some([line, column]), "{key}");
        }
        // As far as there is something.
        assert_eq!(position(text.as_bytes(), "a[7].x"), Some([2, 8]));
        assert_eq!(position(text.as_bytes(), "z"), Some([1, 1]));
        assert_eq!(position(b"{", "z"), None);
    }

    #[test]
    fn what_is_one_of_a_few_words_is_nothing_but_a_string() {
        for (key, allowed) in FIXED_WORDS {
            let word = allowed.split('`').nth(1).expect("a word");
            let of_serde = format!("{{\"{word}\": null}}");
            let wrong = [
                ("1", "integer `1`"),
                ("true", "boolean `true`"),
                ("[]", "a list"),
                ("{}", "an object"),
                (&of_serde, "an object"),
            ];
            let place = key.replace("[]", "[0]");
            for (value, found) in wrong {
                let text = nested(key, value);
                let error = parse_object::<Definition>("f.json", text.as_bytes()).expect_err(&text);
                let end = format!(": key `{place}`: found {found}; allowed: {allowed}");
                assert!(error.message().starts_with("f.json:1:"), "{error}");
                assert!(error.message().ends_with(&end), "{text}: {error}");
            }
            // A word passes; what is wrong then is something else.
            let text = nested(key, &format!("\"{word}\""));
            let error = parse_object::<Definition>("f.json", text.as_bytes()).expect_err(&text);
            assert!(!error.message().contains(&format!("`{place}`")), "{text}: {error}");
        }
    }

    #[test]
    fn tables_of_toml_are_no_words_either() {
        for (wrong, found) in [("1", "integer `1`"), ("{ lambda = {} }", "a table")] {
            let error = toml_text::parse::<Profiles>("lambda-pack.toml", &format!("[p]\ntier = {wrong}"));
            assert_eq!(
                error.expect_err("no word").message(),
                format!(
                    "lambda-pack.toml:2:8: key `p.tier`: found {found}; allowed: `lambda`, `lambda-edge`, `container`"
                )
            );
        }
    }

    #[test]
    fn no_message_has_the_name_of_a_type() {
        let schema = serde_json::to_value(crate::function::json_schema()).expect("JSON");
        let keys = schema["properties"].as_object().expect("keys").keys();
        let mut keys: Vec<&str> = keys.map(String::as_str).collect();
        assert!(keys.len() > 20, "{keys:?}");
        keys.extend([
            "source.path",
            "source[].include",
            "build.type",
            "secrets[].class",
            "secrets[].length",
            "assets[].url",
        ]);
        keys.extend(FIXED_WORDS.map(|(key, _)| key));
        keys.extend([
            "vpc_config.subnet_ids",
            "policy_statements[].actions",
            "allowed_secrets[].rule",
            "environment.A",
        ]);
        try_all(&keys, |key, value| {
            parse_object::<Definition>("f.json", nested(key, value).as_bytes()).err()
        });
        try_all(
            &[
                "functions[]",
                "functions[].layers",
                "graph",
                "graph.nodes[]",
                "secrets[].class",
                "tier",
                "application",
            ],
            |key, value| parse_object::<Document>("bundle.json", nested(key, value).as_bytes()).err(),
        );
        let keys = [
            "p.tier",
            "p.functions",
            "p.swaps",
            "p.swaps[].from",
            "p.secrets",
            "p.secrets[].class",
            "p.limits",
            "p.limits.timeout",
        ];
        let keys = [
            &keys[..],
            &[
                "p",
                "p.parameters",
                "p.parameters.a",
                "p.store",
                "p.extends",
                "p.architecture",
            ],
        ]
        .concat();
        try_all(&keys, |key, value| {
            let value: serde_json::Value = serde_json::from_str(&nested(key, value)).expect("JSON");
            // TOML has no null.
            let text = toml::to_string(&value).ok()?;
            toml_text::parse::<Profiles>("lambda-pack.toml", &text).err()
        });
    }
}
