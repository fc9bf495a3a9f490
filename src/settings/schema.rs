//! What JSON Schema says of TOML, which has no `null`.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

/// The schema of the same keys in TOML: what may be `null` in JSON must be left out.
pub fn of_toml(mut schema: Schema) -> Schema {
    RecursiveTransform(without_null).transform(&mut schema);
    schema
}

fn without_null(schema: &mut Schema) {
    let null = Value::from("null");
    match schema.get_mut("type") {
        Some(Value::Array(types)) => {
            types.retain(|name| *name != null);
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        Some(name) if *name == null => {
            *schema = false.into();
            return;
        }
        Some(_) | None => {}
    }
    // That of keys which may be left out.
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let is_null = |schema: &Value| schema["type"] == null;
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        forms.retain(|form| !is_null(form));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            only.into_iter()
                .for_each(|(key, value)| drop(schema.insert(key, value)));
        }
    }
}
