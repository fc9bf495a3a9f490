//! Policies of others as `policy_statements`, statement by statement: those that are wholly known.

use serde_json::{Map, Value as Json, json};

use super::carry::ROLE;
use super::draft::Draft;
use super::value::Value;

/// IAM's policy document, as an object or as JSON in a text; `key` is where it stands.
pub fn document(draft: &mut Draft, key: &str, document: &Value) {
    let parsed = document.as_str().and_then(|text| serde_json::from_str(text).ok());
    let parsed = parsed.map(|json| Value::of_json(&document.place, json));
    let known = parsed.as_ref().unwrap_or(document);
    match (known.get("Statement"), document.first_unknown()) {
        (Some(all), _) => statements(draft, key, all),
        (None, Some(unknown)) => draft.unknown(&document.place, key, unknown, ROLE),
        (None, None) => draft.lost(&document.place, key, ROLE),
    }
}

/// Statements in IAM's spelling (`Action`), or in that of Terraform's `aws_iam_policy_document` (`actions`).
pub fn statements(draft: &mut Draft, key: &str, statements: &Value) {
    for statement in statements.members() {
        match carried(statement).filter(|_| !statement.may_be_secret()) {
            Some(json) => draft.add_statement(key, &statement.place, json),
            None => match statement.first_unknown() {
                Some(unknown) => draft.unknown(&statement.place, key, unknown, ROLE),
                None => draft.lost(&statement.place, key, ROLE),
            },
        }
    }
}

/// `None` for one that isn't wholly known, or says what a definition can't: `NotAction`, `Principal`.
fn carried(statement: &Value) -> Option<Json> {
    let mut json = Map::new();
    for (key, value) in statement.entries().iter().filter(|(_, value)| !value.is_null()) {
        let (key, value) = match key.as_str() {
            "Sid" | "sid" => ("sid", value.text()?.into()),
            "Effect" | "effect" => ("effect", value.text()?.into()),
            "Action" | "actions" => ("actions", texts(value)?),
            "Resource" | "resources" => ("resources", texts(value)?),
            "Condition" => ("conditions", conditions(value)?),
            "condition" => ("conditions", blocks(value)?),
            _ => return None,
        };
        json.insert(key.to_owned(), value);
    }
    (json.contains_key("actions") && json.contains_key("resources")).then_some(json.into())
}

fn texts(value: &Value) -> Option<Json> {
    let texts: Vec<String> = value.members().iter().map(Value::text).collect::<Option<_>>()?;
    Some(json!(texts))
}

/// `{"StringEquals": {"aws:SourceAccount": "…"}}`
fn conditions(value: &Value) -> Option<Json> {
    let mut operators = Map::new();
    for (operator, keys) in value.entries() {
        let keys = keys
            .entries()
            .iter()
            .map(|(key, value)| Some((key.clone(), texts(value)?)));
        operators.insert(operator.clone(), Json::Object(keys.collect::<Option<_>>()?));
    }
    (!operators.is_empty()).then_some(operators.into())
}

/// `condition { test = "StringEquals" variable = "…" values = […] }`
fn blocks(value: &Value) -> Option<Json> {
    let mut operators = Map::new();
    for block in value.members() {
        let keys = operators.entry(block.get("test")?.text()?).or_insert_with(|| json!({}));
        keys[block.get("variable")?.text()?] = texts(block.get("values")?)?;
    }
    Some(operators.into())
}
