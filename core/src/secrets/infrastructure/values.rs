//! What is looked for where a secret is known by its value.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::secrets::likeness::is_mixed;
use crate::secrets::{SecretValue, environment, spellings};

/// Characters that a value has at least. Shorter ones are in every text.
pub const SHORTEST: usize = 8;

/// Why a variable's value isn't looked for, and what mends that; `None` if it is.
pub fn fault(variable: &str, value: Option<&SecretValue>) -> Option<(String, &'static str)> {
    match value {
        None => Some((
            format!("`{variable}` is not set here: its value is looked for only where it is"),
            "set it where packages are made, or say what it looks like with `kind` or `pattern`",
        )),
        Some(value) if value.reveal().trim().chars().count() < SHORTEST => Some((
            format!("`{variable}` holds fewer than {SHORTEST} characters: that much is in every text"),
            "use a longer secret",
        )),
        Some(_) => None,
    }
}

/// All spellings of a value, and of the parts that give it away too; nothing for one that is too short.
pub fn spellings(value: &SecretValue) -> BTreeSet<Vec<u8>> {
    let spelled = parts(value).into_iter().flat_map(|part| {
        // As .NET and Windows keep texts.
        let wide = [u16::to_le_bytes, u16::to_be_bytes].map(|bytes| wide(&part, bytes));
        let spelled = spellings::of(&part)
            .into_iter()
            .chain(encoded(&part))
            .map(String::into_bytes);
        spelled.chain(wide).collect::<Vec<_>>()
    });
    spelled.collect()
}

/// Those that may stand broken into lines.
pub fn folded(value: &SecretValue) -> BTreeSet<Vec<u8>> {
    /// Longer than words and names, which may well stand one below the other.
    const TOKEN: usize = 20;
    let spelled = parts(value).into_iter().flat_map(|part| {
        let encoded = encoded(&part);
        let token = (part.len() >= TOKEN).then_some(part);
        encoded.into_iter().chain(token).map(String::into_bytes)
    });
    spelled.collect()
}

/// What those mean that are written in another way, byte by byte or character by character: UTF-8, and the bytes that stand for the
/// characters themselves where they are all below 256.
pub fn decoded(value: &SecretValue) -> BTreeSet<Vec<u8>> {
    let meant = parts(value).into_iter().flat_map(|part| {
        let latin: Option<Vec<u8>> = part.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        [part.into_bytes()].into_iter().chain(latin)
    });
    meant.collect()
}

/// In base64 and hex, of PowerShell's encoded commands too.
fn encoded(part: &str) -> Vec<String> {
    let of_powershell = spellings::encoded(&wide(part, u16::to_le_bytes));
    [
        spellings::encoded(part.as_bytes()),
        of_powershell,
        spellings::encoded_twice(part.as_bytes()),
    ]
    .concat()
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// It, and what of it gives it away too.
fn parts(value: &SecretValue) -> Vec<String> {
    let whole = value.reveal().trim();
    let mut parts = vec![whole.to_owned()];
    match serde_json::from_str(whole) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => add_secret_texts(&json, false, &mut parts),
        _ => add_secret_lines(whole, &mut parts),
    }
    parts.retain(|part| part.chars().count() >= SHORTEST);
    parts
}

/// Of credentials in JSON: the texts whose keys speak of secrets. The others (addresses, names of projects) are everywhere.
fn add_secret_texts(json: &Value, is_secret: bool, parts: &mut Vec<String>) {
    match json {
        Value::String(text) if is_secret => {
            parts.push(text.trim().to_owned());
            add_secret_lines(text, parts);
        }
        Value::Object(members) => {
            for (key, value) in members {
                add_secret_texts(value, environment::named(key).is_some(), parts);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| add_secret_texts(value, is_secret, parts)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Of a key in several lines: those that are like nothing else.
fn add_secret_lines(text: &str, parts: &mut Vec<String>) {
    /// Half of a line of PEM (RFC 7468, 2).
    const SHORTEST_LINE: usize = 32;
    let lines = text.lines().skip(usize::from(text.lines().nth(1).is_none()));
    let lines = lines.map(str::trim).filter(|line| {
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
        line.len() >= SHORTEST_LINE && line.bytes().all(is_key) && is_mixed(line.as_bytes())
    });
    parts.extend(lines.map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, spelling: &str) -> bool {
        spellings(&SecretValue::new(value.to_owned())).contains(spelling.as_bytes())
    }

    #[test]
    fn a_value_is_known_in_each_spelling() {
        const VALUE: &str = "pa/ss wörd\"1";
        for spelling in [
            VALUE,
            "pa%2Fss%20w%C3%B6rd%221",
            "pa/ss w\\u00f6rd\\\"1",
            "70612f73732077c3b67264223131",
        ] {
            assert_eq!(
                has(VALUE, spelling),
                spelling != "70612f73732077c3b67264223131",
                "{spelling}"
            );
        }
        assert!(has(VALUE, &hex::encode(VALUE)));
        assert!(has(&format!("  {VALUE}\n"), VALUE), "around it nothing counts");
        let wide: Vec<u8> = VALUE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(spellings(&SecretValue::new(VALUE.to_owned())).contains(&wide));
    }

    #[test]
    fn short_values_are_in_every_text() {
        assert!(spellings(&SecretValue::new("1234567".to_owned())).is_empty());
        assert!(spellings(&SecretValue::new("   \n".to_owned())).is_empty());
        assert!(!spellings(&SecretValue::new("12345678".to_owned())).is_empty());
    }

    #[test]
    fn of_what_has_parts_only_the_secret_ones_count() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let key = format!("-----BEGIN X-----\n{line}\nshort1\n-----END X-----\n");
        assert!(has(&key, line));
        assert!(!has(&key, "short1") && !has(&key, "-----BEGIN X-----"));
        let json = serde_json::json!({
            "type": "service_account", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "private_key": key, "nested": {"client_secret": "correct-horse"},
        });
        let json = json.to_string();
        assert!(has(&json, line) && has(&json, "correct-horse") && has(&json, &json));
        for other in ["service_account", "https://accounts.google.com/o/oauth2/auth"] {
            assert!(!has(&json, other), "{other}");
        }
    }
}
