//! Canonical JSON (RFC 8785): the same text for the same value, whatever the order of its keys was.

use serde::Serialize;
use serde_json::{Number, Value};

/// A value as canonical JSON. It has string keys and finite numbers only.
pub fn canonical_json(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("keys are strings");
    match is_printed_so(&value) {
        true => value.to_string(),
        false => serde_json_canonicalizer::to_string(&value).expect("numbers are finite"),
    }
}

/// Whether `serde_json` prints it as canonical JSON, which takes it a fifth of the library's time: that counts for a thousand
/// functions.
fn is_printed_so(value: &Value) -> bool {
    match value {
        Value::Number(number) => has_one_spelling(number),
        Value::Array(values) => values.iter().all(is_printed_so),
        // Canonical is the order of UTF-16.
        Value::Object(values) => {
            values.keys().is_sorted() && values.iter().all(|(key, value)| key.is_ascii() && is_printed_so(value))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Whether all JSON implementations print it alike: larger integers lose digits in some (RFC 8785, section 3.2.2.3).
pub(crate) fn has_one_spelling(number: &Number) -> bool {
    const FIRST_INEXACT_INTEGER: u64 = 1 << 53;
    number
        .as_i64()
        .is_some_and(|integer| integer.unsigned_abs() < FIRST_INEXACT_INTEGER)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{hash_map, vec};
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-100..100_i64).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                hash_map("[a-c_]{0,3}", inner.clone(), 0..6).prop_map(|it| it.into_iter().collect()),
                hash_map(".{0,3}", inner, 0..6).prop_map(|it| it.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_prints(value in values()) {
            let printed = serde_json_canonicalizer::to_string(&value).expect("a value");
            prop_assert_eq!(canonical_json(&value), printed);
        }
    }
}
