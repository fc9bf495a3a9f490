//! Keeping declared secrets out of what is shown, also where what declares them is wrong.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};
use serde_json::Value;

use super::search::Search;
use super::values::SHORTEST;
use super::{Declared, Infrastructure, searching};
use crate::Result;
use crate::function::variable_of_id;
use crate::secrets::cover::{covered, joined};
use crate::secrets::rules::Rule;
use crate::secrets::{SecretValue, rules, scan};

/// What [`crate::shorten`] puts where it cuts a text.
const CUT: &[u8] = "…".as_bytes();

impl Infrastructure {
    /// Those that documents declare which may be wrong in all else, so that no message about them shows one. `None` if there are
    /// none. What is wrong in a declaration itself is nobody's to find here.
    pub fn declared_in(
        documents: &[Value],
        value_of: impl Fn(&str) -> Result<Option<SecretValue>>,
    ) -> Result<Option<Self>> {
        let mut declared = BTreeSet::new();
        for document in documents {
            add_declared(document, &mut declared);
        }
        match declared.is_empty() {
            true => Ok(None),
            false => Infrastructure::new(declared, value_of).map(Some),
        }
    }

    /// A text with `***` in place of these secrets.
    pub fn masked<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        match joined(self.search.places(text)).as_slice() {
            [] => Cow::Borrowed(text),
            places => covered(text, places).into(),
        }
    }
}

/// A text with as many strokes in place of digests, as this program writes them: 64 hexadecimal digits, or SHA-256 in base64.
/// A secret may look like one, but what others read must name the very package.
pub(super) fn without_digests(text: &[u8]) -> Cow<'_, [u8]> {
    static DIGEST: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?-u)\b[0-9a-f]{64}\b|\b[0-9A-Za-z+/]{43}=").expect("it is constant"));
    DIGEST.replace_all(text, |found: &Captures| vec![b'-'; found[0].len()])
}

fn add_declared(document: &Value, declared: &mut BTreeSet<Declared>) {
    match document {
        Value::Object(members) => {
            let secrets = members.get("secrets").and_then(Value::as_array);
            declared.extend(secrets.into_iter().flatten().filter_map(declaration));
            members.values().for_each(|member| add_declared(member, declared));
        }
        Value::Array(values) => values.iter().for_each(|value| add_declared(value, declared)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// A declaration as far as it can be understood. What has another class, rightly written, isn't the infrastructure's.
fn declaration(secret: &Value) -> Option<Declared> {
    let text = |key: &str| secret.get(key).and_then(Value::as_str);
    if matches!(
        text("class"),
        Some("per_install_generated" | "user_prompt" | "remote_fetch")
    ) {
        return None;
    }
    let kind = text("kind").and_then(rules::find).map(|rule| rule.id);
    let pattern = text("pattern").filter(|pattern| searching(pattern).is_ok());
    let id = text("id").unwrap_or_default();
    let variable = match (kind, pattern) {
        (None, None) => text("variable").or_else(|| variable_of_id(id)),
        _ => text("variable"),
    };
    Some(Declared {
        id: id.to_owned(),
        reason: String::new(),
        kind,
        variable: variable.map(str::to_owned),
        pattern: pattern.map(str::to_owned),
    })
}

impl Search {
    /// Where what is looked for stands in a text for people, which may have been cut.
    fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let values = self
            .values
            .iter()
            .flat_map(|values| values.automaton.find_overlapping_iter(text));
        let looks = match self.patterns.is_empty() && !self.has_kinds() {
            true => Cow::Borrowed(text),
            false => without_digests(text),
        };
        let patterns = self.patterns.iter().flat_map(|(pattern, _)| pattern.find_iter(&looks));
        let mut places: Vec<Range<usize>> = values.map(|found| found.range()).collect();
        places.extend(patterns.map(|found| found.range()));
        if self.has_kinds() {
            let found = scan::places(&looks).into_iter();
            let found = found.filter(|(rule, _)| self.kinds.iter().any(|(kind, _)| kind.id == rule.id));
            places.extend(found.map(|(rule, place)| place.start..end_of_token(rule, text, place.end)));
        }
        let cuts = memchr::memmem::find_iter(text, CUT);
        places.extend(cuts.filter_map(|cut| self.cut_value(&text[..cut]).map(|length| cut - length..cut)));
        places
    }

    /// How much of a value a text ends with that was cut there, if it is as much as is looked for.
    fn cut_value(&self, text: &[u8]) -> Option<usize> {
        let spelled = self.values.iter().flat_map(|values| &values.spelled);
        let lengths = spelled.filter_map(|spelled| {
            let longest = text.len().min(spelled.len());
            (SHORTEST..longest)
                .rev()
                .find(|length| text.ends_with(&spelled[..*length]))
        });
        lengths.max()
    }
}

/// A rule needs no more of a token than what tells it from others: where it ends. Lines of a key go on.
fn end_of_token(rule: &Rule, text: &[u8], found: usize) -> usize {
    /// Less than a line of PEM has, more than a word.
    const LINE: usize = 40;
    // What isn't base64 ends where a path goes on.
    let signs: &[u8] = if rule.id == rules::PRIVATE_KEY {
        br"+/=\"
    } else {
        b"+=_.~%-"
    };
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || signs.contains(byte);
    let run = |from: usize| text[from..].iter().take_while(is_part).count();
    let mut end = found + run(found);
    while let Some(b'\n') = text.get(end) {
        match run(end + 1) {
            length if length >= LINE => end += 1 + length,
            _ => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const VALUE: &str = "tr0ub4dor/3xyz";

    fn masked(declarations: &Value, text: &str) -> String {
        let long = "0123456789".repeat(30);
        let value_of = |name: &str| {
            let value = match name {
                "CI_PASSWORD" => Some(VALUE),
                "CI_LONG" => Some(long.as_str()),
                _ => None,
            };
            Ok(value.map(|value| SecretValue::new(value.to_owned())))
        };
        let document = json!({"profiles": {"p": {"secrets": declarations}}, "timeout": "wrong"});
        let infrastructure = Infrastructure::declared_in(&[document], value_of).expect("values");
        let infrastructure = infrastructure.expect("some are declared");
        String::from_utf8(infrastructure.masked(text.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn whatever_declares_it_and_however_it_is_known() {
        let token = ["gh", "p_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM6"].concat();
        for (declaration, secret) in [
            (
                json!({"id": "CI_PASSWORD", "class": "infrastructure"}),
                VALUE.to_owned(),
            ),
            (
                json!({"id": "x", "class": "infrastucture", "variable": "CI_PASSWORD"}),
                VALUE.to_owned(),
            ),
            (json!({"id": "CI_PASSWORD", "pattern": "corp_["}), hex::encode(VALUE)),
            (
                json!({"id": "x", "reason": 1, "pattern": "^corp_[a-z]{8}$"}),
                "corp_abcdefgh".to_owned(),
            ),
            (json!({"id": "x", "kind": "github-token", "functions": 1}), token),
        ] {
            let text = format!("code/{secret}/a.py: found `{secret}`");
            assert_eq!(masked(&json!([declaration]), &text), "code/***/a.py: found `***`");
        }
        let prompt = json!({"id": "CI_PASSWORD", "class": "user_prompt"});
        let none = Infrastructure::declared_in(&[json!({"secrets": [prompt]})], |_| Ok(None)).expect("nothing");
        assert!(none.is_none());
    }

    #[test]
    fn what_is_cut_is_hidden_too() {
        let declarations = json!([{"id": "CI_LONG", "class": "infrastructure"}]);
        let shown = crate::shorten(&format!("found `{}`", "0123456789".repeat(30)));
        assert_eq!(masked(&declarations, &shown), "found `***… (308 bytes)");
        // No more of it than is in every text.
        assert_eq!(masked(&declarations, "found `0123456…"), "found `0123456…");
    }

    #[test]
    fn digests_are_shown_whatever_a_pattern_says() {
        let declarations = json!([{"id": "CI_TOKEN", "class": "infrastructure", "pattern": "[0-9a-f]{40}"}]);
        let (token, digest) = ("0123456789abcdef".repeat(3), "0123456789abcdef".repeat(4));
        let sha256 = "xT0tY51U1sli8DjLGSRuBGOo5xcN7dHUagY+Be5QJ5I=";
        let text = format!(r#"{{"source_hash": "{digest}", "code_sha256": "{sha256}"}}"#);
        assert_eq!(masked(&declarations, &text), text);
        assert_eq!(
            masked(&declarations, &format!("found `{token}`")),
            "found `***89abcdef`"
        );
    }

    #[test]
    fn of_a_key_all_lines_are_hidden() {
        let declarations = json!([{"id": "x", "kind": "private-key"}]);
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let key = format!(
            "-----BEGIN PRIVATE {}-----\n{line}\n{line}\n{}\nnext line",
            "KEY",
            &line[..41]
        );
        assert_eq!(masked(&declarations, &key), "-----BEGIN ***\nnext line");
        assert_eq!(
            masked(&declarations, &crate::shorten(&key)),
            "-----BEGIN ***… (209 bytes)"
        );
    }
}
