//! Outputs of a module, as somebody gives them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Outputs;
use crate::{Result, json};

/// The outputs in a text: a JSON object, or what `terraform output -json` prints. Gives them with the names of what was left
/// out: whatever says that it is `sensitive`, and whatever doesn't say clearly that it isn't.
///
/// Terraform's form: <https://developer.hashicorp.com/terraform/cli/commands/output>
pub fn outputs(place: &str, text: &[u8]) -> Result<(Outputs, Vec<String>)> {
    let given: BTreeMap<String, Box<RawValue>> = json::parse_object(place, text)?;
    let mut left_out = Vec::new();
    let mut kept = BTreeMap::new();
    let mut plain = BTreeMap::new();
    for (name, value) in given {
        match Entry::of(&value) {
            Entry::Sensitive => left_out.push(name),
            Entry::OfTerraform(inner) => {
                plain.insert(name.clone(), inner);
                kept.insert(name, value);
            }
            Entry::Other => {
                kept.insert(name, value);
            }
        }
    }
    // An object of somebody's own is taken as it is.
    let is_of_terraform = plain.len() == kept.len();
    Ok((Outputs::of(if is_of_terraform { plain } else { kept }), left_out))
}

enum Entry {
    Sensitive,
    /// The value within.
    OfTerraform(Box<RawValue>),
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    #[expect(dead_code, reason = "it may be there, and is told apart from other keys by that")]
    #[serde(rename = "type")]
    kind: Option<Value>,
    #[expect(dead_code, reason = "it was looked at before")]
    sensitive: bool,
    value: Box<RawValue>,
}

impl Entry {
    fn of(value: &RawValue) -> Self {
        let object: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        match object.get("sensitive").map(|it| it.get()) {
            None => Entry::Other,
            Some("false") => match serde_json::from_str::<Output>(value.get()) {
                Ok(output) => Entry::OfTerraform(output.value),
                Err(_other_keys) => Entry::Other,
            },
            Some(_) => Entry::Sensitive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> (String, Vec<String>) {
        let (outputs, left_out) = outputs("it", text.as_bytes()).expect("JSON");
        (outputs.to_json(), left_out)
    }

    #[test]
    fn sensitive_values_of_terraform_are_left_out() {
        let text = r#"{"url": {"sensitive": false, "type": "string", "value": "u"},
                       "key": {"sensitive": true, "type": "string", "value": "k"}}"#;
        assert_eq!(given(text), (r#"{"url":"u"}"#.to_owned(), vec!["key".to_owned()]));
    }

    #[test]
    fn one_that_is_sensitive_is_left_out_whatever_stands_beside_it() {
        for entry in [
            r#"{"sensitive": true, "value": "k"}"#,
            r#"{"sensitive": "true", "value": "k"}"#,
            r#"{"sensitive": true, "value": "k", "more": 1}"#,
            r#"{"sensitive": null, "value": "k"}"#,
        ] {
            let text = format!(r#"{{"key": {entry}, "extra": 1}}"#);
            assert_eq!(given(&text), (r#"{"extra":1}"#.to_owned(), vec!["key".to_owned()]));
        }
    }

    #[test]
    fn other_objects_are_taken_as_they_are_digit_by_digit() {
        for text in [
            r#"{"list":[1],"url":"u"}"#,
            "{}",
            r#"{"url":{"value":"v"}}"#,
            r#"{"f":1.10,"n":12345678901234567890123456789}"#,
        ] {
            assert_eq!(given(text), (text.to_owned(), Vec::new()));
        }
        assert!(outputs("it", b"[]").is_err());
    }
}
