//! Keeps secrets out of what is shown.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

pub use crate::secrets::SecretValue;
use crate::secrets::cover::{covered, joined};
use crate::secrets::spellings;

/// Shorter ones are in every text; to mask them would tell what they are.
const SHORTEST: usize = 4;

/// A line that is longer is shown in parts.
const LONGEST_LINE: usize = 64 * 1024;

/// All spellings of all secrets.
pub struct Masks {
    spellings: Option<AhoCorasick>,
    longest: usize,
}

impl Masks {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretValue>) -> Self {
        let mut spellings = BTreeSet::new();
        for secret in secrets {
            add_spellings(secret.reveal(), &mut spellings);
        }
        let longest = spellings.iter().map(String::len).max().unwrap_or(0);
        let automaton = || {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(&spellings)
                .expect("there are few")
        };
        Masks {
            spellings: (!spellings.is_empty()).then(automaton),
            longest,
        }
    }

    /// With `***` in place of whatever a secret covers.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        covered(text, &self.places(text))
    }

    pub fn mask_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.mask(text.as_bytes())).into_owned()
    }

    fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let found = self.spellings.iter().flat_map(|all| all.find_overlapping_iter(text));
        joined(found.map(|found| found.range()).collect())
    }
}

/// Makes masked lines of output as it comes, however it is cut.
pub struct MaskedLines<'a> {
    masks: &'a Masks,
    pending: Vec<u8>,
}

impl<'a> MaskedLines<'a> {
    pub fn new(masks: &'a Masks) -> Self {
        MaskedLines {
            masks,
            pending: Vec::new(),
        }
    }

    /// Takes what was read; returns the lines that are whole by now, masked, without line breaks.
    pub fn take(&mut self, output: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(output);
        let mut lines = Vec::new();
        let mut done = 0;
        while let Some(length) = self.pending[done..].iter().position(|byte| *byte == b'\n') {
            lines.push(self.shown(&self.pending[done..done + length]));
            done += length + 1;
        }
        self.pending.drain(..done);
        while self.pending.len() > LONGEST_LINE + self.masks.longest {
            let cut = self.cut();
            lines.push(self.shown(&self.pending[..cut]));
            self.pending.drain(..cut);
        }
        lines
    }

    /// What came after the last line break.
    pub fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        (!rest.is_empty()).then(|| self.shown(&rest))
    }

    /// A place in a long line that is in no secret, whatever comes next.
    fn cut(&self) -> usize {
        let end = self.pending.len() - self.masks.longest;
        let places = self.masks.places(&self.pending);
        match places.into_iter().find(|place| place.start < end && end < place.end) {
            Some(place) if place.start == 0 => place.end,
            Some(place) => place.start,
            None => end,
        }
    }

    fn shown(&self, line: &[u8]) -> String {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(&self.masks.mask(line)).into_owned()
    }
}

/// The value, each of its lines, each text and number in it if it is JSON; and how programs write these.
fn add_spellings(value: &str, spellings: &mut BTreeSet<String>) {
    let mut parts = vec![value.to_owned(), value.trim().to_owned()];
    parts.extend(value.lines().map(|line| line.trim().to_owned()));
    if let Ok(json) = serde_json::from_str(value) {
        add_texts(&json, &mut parts);
    }
    for part in parts.into_iter().filter(|part| part.len() >= SHORTEST) {
        spellings.extend(spellings::of(&part));
    }
}

fn add_texts(json: &serde_json::Value, parts: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => parts.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| add_texts(value, parts)),
        serde_json::Value::Object(values) => values.values().for_each(|value| add_texts(value, parts)),
        serde_json::Value::Number(number) => parts.push(number.to_string()),
        serde_json::Value::Bool(_) | serde_json::Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn masks(secrets: &[&str]) -> Masks {
        let secrets: Vec<SecretValue> = secrets
            .iter()
            .map(|secret| SecretValue::new(secret.to_string()))
            .collect();
        Masks::new(&secrets)
    }

    #[test]
    fn every_spelling_is_masked() {
        const SECRET: &str = "pä ss/w\"o'rd+1\\x";
        let masks = masks(&[SECRET]);
        let encoded = STANDARD.encode(SECRET);
        for text in [
            SECRET.to_owned(),
            serde_json::to_string(SECRET).expect("JSON"),
            serde_json::json!({"a": serde_json::json!({"b": SECRET}).to_string()}).to_string(),
            r#""p\u00e4 ss/w\"o'rd+1\\x""#.to_owned(),
            "p%C3%A4%20ss%2Fw%22o%27rd%2B1%5Cx".to_owned(),
            "p%c3%a4+ss%2fw%22o%27rd%2b1%5cx".to_owned(),
            "p%C3%A4%20ss/w%22o%27rd%2B1%5Cx".to_owned(),
            "'pä ss/w\"o'\\''rd+1\\x'".to_owned(),
            encoded.clone(),
            STANDARD.encode(format!("{SECRET}\n")),
            STANDARD.encode(format!("u:{SECRET}")),
            STANDARD.encode(format!("user:{SECRET}:more")),
            STANDARD.encode(format!("use:{SECRET}\n")),
            URL_SAFE.encode(SECRET),
        ] {
            let masked = masks.mask_text(&format!("before {text} after"));
            assert!(masked.starts_with("before "), "{masked}");
            assert!(masked.ends_with(" after"), "{masked}");
            assert!(masked.contains("***"), "{text}: {masked}");
            for left in ["rd", &encoded[4..12]] {
                assert!(
                    !masked["before ".len()..].contains(left) || left.len() < 8 && !text.contains(left),
                    "{masked}"
                );
            }
        }
    }

    #[test]
    fn each_line_and_each_text_of_json_is_masked() {
        let key = format!(
            "-----BEGIN KEY-----\n{}\n{}\n-----END KEY-----\n",
            "QUJD".repeat(16),
            "tail1234"
        );
        let json = r#"{"user": "admin-user", "password": "correct horse", "pin": 98765432, "port": 443, "open": true}"#;
        let masks = masks(&[&key, json]);
        assert_eq!(masks.mask_text("x tail1234 y"), "x *** y");
        assert_eq!(masks.mask_text("password=correct horse"), "password=***");
        assert_eq!(masks.mask_text(json), "***");
        assert_eq!(
            masks.mask_text("pin 98765432, port 443, true"),
            "pin ***, port 443, true"
        );
        let wrapped: Vec<String> = STANDARD
            .encode(&key)
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        for line in &wrapped[..wrapped.len() - 1] {
            assert_eq!(masks.mask_text(line), "***");
        }
    }

    #[test]
    fn secrets_that_overlap_are_masked_whole() {
        let masks = masks(&["abcdef", "defghi", "cd"]);
        assert_eq!(masks.mask_text("-abcdefghi-abcdefabcdef-"), "-***-***-");
        assert_eq!(masks.mask_text("xcdx"), "xcdx");
    }

    #[test]
    fn reads_may_cut_anywhere() {
        let masks = masks(&["secret-value"]);
        let text = b"a secret-value b\r\n\nsecret-valuesecret-value\nend secret-value";
        for size in 1..text.len() {
            let mut lines = MaskedLines::new(&masks);
            let mut shown: Vec<String> = text.chunks(size).flat_map(|part| lines.take(part)).collect();
            shown.extend(lines.rest());
            assert_eq!(shown, ["a *** b", "", "***", "end ***"]);
        }
    }

    #[test]
    fn lines_without_end_are_shown_in_parts_and_masked_where_they_are_cut() {
        let masks = masks(&["secret-value"]);
        let text = ["x".repeat(1000), "secret-value".to_owned()].concat().repeat(200);
        let mut lines = MaskedLines::new(&masks);
        let mut shown: Vec<String> = text.as_bytes().chunks(777).flat_map(|part| lines.take(part)).collect();
        assert!(!shown.is_empty(), "nothing is kept for ever");
        shown.extend(lines.rest());
        assert_eq!(shown.concat().replace("***", ""), "x".repeat(200 * 1000));
    }

    #[test]
    fn without_secrets_nothing_changes() {
        for secrets in [&[][..], &["", "abc", " \n "]] {
            assert_eq!(masks(secrets).mask_text("abc \n x"), "abc \n x");
        }
    }
}
