//! Paths into JSON: the part of jq's language that says where something is.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::value::RawValue;

use crate::{Error, Result, json, shorten};

const ALLOWED: &str = "allowed: a path of jq, such as `.stack.metadata`, `.\"my stack\".list[0]` or `my-stack.metadata`; for more \
     let jq do it: lambda-pack metadata add -j \"$(jq FILTER FILE)\"";

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The JSON at a path, as it is written there.
pub fn at(place: impl Display, text: &[u8], path: &str) -> Result<Box<RawValue>> {
    let mut value: Box<RawValue> = json::parse(&place, text)?;
    let mut done = String::new();
    for step in parse(path)? {
        let next = match &step {
            Step::Key(key) => serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get())
                .ok()
                .and_then(|mut keys| keys.remove(key)),
            Step::Index(index) => serde_json::from_str::<Vec<Box<RawValue>>>(value.get())
                .ok()
                .and_then(|list| list.into_iter().nth(*index)),
        };
        match &step {
            Step::Key(key) => done.push_str(&format!(".\"{key}\"")),
            Step::Index(index) => done.push_str(&format!("[{index}]")),
        }
        value = next.ok_or_else(|| {
            Error::invalid(format!("{place}: there is nothing at `{}`", shorten(&done)))
                .help("look at the file, and name a path that it has: -q PATH")
        })?;
    }
    Ok(value)
}

/// Keys may hold hyphens without quotes, as Seed-Farmer has them.
fn parse(path: &str) -> Result<Vec<Step>> {
    let wrong = || Error::invalid(format!("the path `{}` can't be read", shorten(path))).help(ALLOWED);
    let mut steps = Vec::new();
    let mut rest = path.trim();
    if rest == "." {
        return Ok(steps);
    }
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('[') {
            Some(inside) => in_brackets(inside),
            None => {
                let name = rest
                    .strip_prefix('.')
                    .or(steps.is_empty().then_some(rest))
                    .ok_or_else(wrong)?;
                match name.strip_prefix('[') {
                    Some(inside) => in_brackets(inside),
                    None => key(name),
                }
            }
        }
        .ok_or_else(wrong)?;
        steps.push(step);
        rest = after;
    }
    match steps.is_empty() {
        true => Err(wrong()),
        false => Ok(steps),
    }
}

fn key(text: &str) -> Option<(Step, &str)> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    (end > 0).then(|| (Step::Key(text[..end].to_owned()), &text[end..]))
}

/// `0]` or `"key"]`
fn in_brackets(text: &str) -> Option<(Step, &str)> {
    let (step, rest) = match text.starts_with('"') {
        true => quoted(text)?,
        false => {
            let end = text.find(']')?;
            (Step::Index(text[..end].parse().ok()?), &text[end..])
        }
    };
    Some((step, rest.strip_prefix(']')?))
}

/// A JSON string, and what stands after it.
fn quoted(text: &str) -> Option<(Step, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let key = strings.next()?.ok()?;
    Some((Step::Key(key), &text[strings.byte_offset()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] =
        br#"{"my-stack": {"metadata": "{}", "list": [1, {"a b": 12345678901234567890123}]}, "x.y": {"": 2}}"#;

    #[test]
    fn paths_of_jq_lead_to_what_is_there() {
        for (path, found) in [
            ("my-stack.metadata", r#""{}""#),
            (".my-stack.metadata", r#""{}""#),
            (r#"."my-stack".metadata"#, r#""{}""#),
            (r#".["my-stack"]["metadata"]"#, r#""{}""#),
            (r#"."my-stack".list[1]."a b""#, "12345678901234567890123"),
            (r#".["my-stack"].list.[0]"#, "1"),
            (r#"."x.y"."""#, "2"),
        ] {
            assert_eq!(at("f", FILE, path).expect(path).get(), found, "{path}");
        }
        assert_eq!(at("f", b" {} ", ".").expect("all").get(), "{}");
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (path, shown) in [
            (".my-stack.list[2]", r#"`."my-stack"."list"[2]`"#),
            (".my-stack.metadata.x", r#"`."my-stack"."metadata"."x"`"#),
            (".nothing.x", r#"`."nothing"`"#),
        ] {
            let error = at("f", FILE, path).expect_err(path);
            assert!(error.message().contains(shown), "{error}");
        }
    }

    #[test]
    fn other_filters_are_refused() {
        for path in [
            "", "..", ".a | .b", ".a[]", ".a[-1]", ".a[1:2]", ".a b", ".a.", ".\"a", ".a?", "a\"b\"",
        ] {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
