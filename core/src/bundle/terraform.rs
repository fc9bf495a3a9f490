//! Outputs of a module, as somebody gives them.

use serde_json::{Map, Value};

use crate::{Result, json};

/// The outputs in a text: a JSON object, or what `terraform output -json` prints, whose `sensitive` values are left out. Gives
/// them with the names of what was left out.
///
/// Terraform's form: <https://developer.hashicorp.com/terraform/cli/commands/output>
pub fn outputs(place: &str, text: &[u8]) -> Result<(Map<String, Value>, Vec<String>)> {
    let given: Map<String, Value> = json::parse_object(place, text)?;
    if given.is_empty() || !given.values().all(is_of_terraform) {
        return Ok((given, Vec::new()));
    }
    let mut outputs = Map::new();
    let mut left_out = Vec::new();
    for (name, mut output) in given {
        match output["sensitive"] {
            Value::Bool(false) => {
                outputs.insert(name, output["value"].take());
            }
            _ => left_out.push(name),
        }
    }
    Ok((outputs, left_out))
}

fn is_of_terraform(value: &Value) -> bool {
    let Value::Object(output) = value else {
        return false;
    };
    output.contains_key("value")
        && output.get("sensitive").is_some_and(Value::is_boolean)
        && output
            .keys()
            .all(|key| ["sensitive", "type", "value"].contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sensitive_values_of_terraform_are_left_out() {
        let text = r#"{"url": {"sensitive": false, "type": "string", "value": "u"},
                       "key": {"sensitive": true, "type": "string", "value": "k"}}"#;
        let (given, left_out) = outputs("it", text.as_bytes()).expect("JSON");
        assert_eq!(Value::Object(given), json!({"url": "u"}));
        assert_eq!(left_out, ["key"]);
    }

    #[test]
    fn other_objects_are_taken_as_they_are() {
        for text in [r#"{"url": "u", "list": [1]}"#, "{}", r#"{"url": {"value": "v"}}"#] {
            let (given, left_out) = outputs("it", text.as_bytes()).expect("JSON");
            assert_eq!(Value::Object(given), serde_json::from_str::<Value>(text).expect("JSON"));
            assert!(left_out.is_empty());
        }
        assert!(outputs("it", b"[]").is_err());
    }
}
