//! A module's metadata: what its build hands on to other modules, one JSON object.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{Error, Result, json, shorten, suggest};

/// Values by key. They are kept as they were written, so that no number loses digits.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Outputs(BTreeMap<String, Box<RawValue>>);

impl Outputs {
    pub(super) fn of(values: BTreeMap<String, Box<RawValue>>) -> Self {
        Outputs(values)
    }

    /// Parses a text that must be one JSON object; `place` names it in messages.
    pub fn parse(place: impl Display, text: &[u8]) -> Result<Self> {
        json::parse_object(place, text).map(Outputs)
    }

    /// A JSON object, or a JSON string that holds one, as the AWS CDK writes it.
    pub fn parse_nested(place: impl Display, text: &str) -> Result<Self> {
        match serde_json::from_str::<String>(text) {
            Ok(inner) => Outputs::parse(format_args!("{place} (the JSON in its text)"), inner.as_bytes()),
            Err(_no_string) => Outputs::parse(place, text.as_bytes()),
        }
    }

    /// The output `metadata` of a stack in a file that `cdk deploy --outputs-file` wrote.
    pub fn of_cdk(place: impl Display, text: &[u8], stack: &str) -> Result<Self> {
        const OUTPUT: &str = "metadata";
        let stacks: BTreeMap<String, BTreeMap<String, Box<RawValue>>> = json::parse_object(&place, text)?;
        let outputs = stacks.get(stack).ok_or_else(|| {
            let absent = format!("{place}: there is no stack `{}`", shorten(stack));
            Error::invalid(absent).help(format!(
                "{}; or name the place: -q '.STACK.{OUTPUT}'",
                known(stacks.keys(), stack)
            ))
        })?;
        let metadata = outputs.get(OUTPUT).ok_or_else(|| {
            let absent = format!("{place}: the stack `{}` has no output `{OUTPUT}`", shorten(stack));
            Error::invalid(absent).help(format!(
                "{}; or name the place: -q '.STACK.OUTPUT'",
                known(outputs.keys(), OUTPUT)
            ))
        })?;
        Outputs::parse_nested(format_args!("{place}: `{stack}.{OUTPUT}`"), metadata.get())
    }

    /// One text.
    pub fn one(key: &str, value: &str) -> Result<Self> {
        if key.is_empty() {
            return Err(Error::invalid("the key is empty"));
        }
        let value = to_raw_value(value).expect("a string is JSON");
        Ok(Outputs(BTreeMap::from([(key.to_owned(), value)])))
    }

    /// With those of `later`, which win.
    #[must_use]
    pub fn with(mut self, later: Outputs) -> Self {
        self.0.extend(later.0);
        self
    }

    /// The JSON of a value.
    pub fn get(&self, key: &str) -> Result<&RawValue> {
        self.0.get(key).map(Box::as_ref).ok_or_else(|| self.unknown(key))
    }

    pub fn remove(&mut self, key: &str) -> Result<()> {
        match self.0.remove(key) {
            Some(_) => Ok(()),
            None => Err(self.unknown(key)),
        }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// On one line, sorted by key.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("the keys are strings")
    }

    fn unknown(&self, key: &str) -> Error {
        Error::failed(format!("the metadata has no key `{}`", shorten(key))).help(known(self.0.keys(), key))
    }
}

/// What is there instead of what was looked for.
fn known<'a>(names: impl Iterator<Item = &'a String> + Clone, wanted: &str) -> String {
    let all: Vec<&str> = names.clone().map(String::as_str).collect();
    match suggest(wanted, all.iter().copied()) {
        Some(meant) => format!("did you mean `{}`?", shorten(meant)),
        None if all.is_empty() => "there is nothing at all".to_owned(),
        None => format!("there are: {}", shorten(&all.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Outputs {
        Outputs::parse("x", text.as_bytes()).expect(text)
    }

    #[test]
    fn later_wins_and_values_stay_as_written() {
        let outputs = parse(r#"{"b": 12345678901234567890123, "a": {"x": [1,  2]}}"#);
        let outputs = outputs
            .with(parse(r#"{"a": 1.10}"#))
            .with(Outputs::one("c", "x\"y").expect("one"));
        assert_eq!(
            outputs.to_json(),
            r#"{"a":1.10,"b":12345678901234567890123,"c":"x\"y"}"#
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "1", "{", "{} {}", "null", "\"{}\"", "{\"a\": }"] {
            assert!(Outputs::parse("x", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_cdk_writes_an_object_into_a_text() {
        let file = br#"{"p-d-g-m": {"metadata": "{\"VpcId\": \"vpc-1\"}", "other": "x"}, "q": {"metadata": {"A": 1}}}"#;
        assert_eq!(
            Outputs::of_cdk("f", file, "p-d-g-m").expect("metadata").to_json(),
            r#"{"VpcId":"vpc-1"}"#
        );
        assert_eq!(
            Outputs::of_cdk("f", file, "q").expect("metadata").to_json(),
            r#"{"A":1}"#
        );
        let error = Outputs::of_cdk("f", file, "p-d-g-n").expect_err("no such stack");
        assert!(
            error
                .help_text()
                .is_some_and(|help| help.contains("did you mean `p-d-g-m`?")),
            "{error:?}"
        );
        let error = Outputs::of_cdk("f", br#"{"s": {"metadata": "x"}}"#, "s").expect_err("no JSON");
        assert!(error.message().contains("`s.metadata`"), "{error}");
    }
}
