//! JSON in which no key comes twice: others would silently keep the last.

use std::fmt::{self, Display};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{Result, json};

/// Parses a whole text that must be one object; no object in it has a key twice. `place` names it in messages.
pub fn parse_object(place: impl Display, bytes: &[u8]) -> Result<Map<String, Value>> {
    match json::parse(&place, bytes)? {
        Unique(Value::Object(object)) => Ok(object),
        // Says what it is instead.
        Unique(_) => json::parse_object(place, bytes),
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(value)) = access.next_element()? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` comes twice")));
            }
            let Unique(value) = access.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_an_error_at_any_depth() {
        let whole = r#"{"a": [{"b": null, "c": 1.5}, -1, true], "b": "x"}"#;
        let parsed = parse_object("file", whole.as_bytes()).unwrap();
        assert_eq!(Value::Object(parsed), serde_json::from_str::<Value>(whole).unwrap());
        for (text, said) in [
            (r#"{"a": 1, "a": 2}"#, "file:1:12: `a` comes twice"),
            ("{\"x\": [\n{\"a\": 1,\n\"a\": 1}]}", "file:3:3: "),
            ("[1]", "allowed: an object"),
            ("{", "not JSON"),
        ] {
            let error = parse_object("file", text.as_bytes()).unwrap_err();
            assert!(error.message().contains(said), "{error}");
        }
    }
}
