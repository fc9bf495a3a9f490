//! Globs as definitions have them. One that can never match what it was written for would pack what somebody meant to leave
//! out: it is refused where it is read, and the help says what was meant.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};

use super::text::GlobText;
use crate::json;

/// A glob that is held against the entry paths of a source.
pub struct EntryGlob(GlobText);

impl EntryGlob {
    const EXPECTED: &'static str = "a glob on entry paths such as `**/*.py` or `tests/**`: relative, with `/` but not at its end, without `.`, `..` and `!` in front";
    /// What of that needs no look-ahead.
    const PATTERN: &'static str = r"^[^/!]([\s\S]*[^/])?$";

    /// A list of these, for serde: they are checked once.
    pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GlobText>, D::Error> {
        let globs = Vec::<EntryGlob>::deserialize(deserializer)?;
        Ok(globs.into_iter().map(|EntryGlob(glob)| glob).collect())
    }

    /// The same where none is something else than an empty list.
    pub fn some_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<GlobText>>, D::Error> {
        let globs = Option::<Vec<EntryGlob>>::deserialize(deserializer)?;
        Ok(globs.map(|globs| globs.into_iter().map(|EntryGlob(glob)| glob).collect()))
    }
}

impl<'de> Deserialize<'de> for EntryGlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = GlobVisitor {
            expected: Self::EXPECTED,
            fault: glob_fault,
        };
        deserializer.deserialize_str(visitor).map(EntryGlob)
    }
}

impl JsonSchema for EntryGlob {
    fn schema_name() -> Cow<'static, str> {
        "EntryGlob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": Self::EXPECTED, "pattern": Self::PATTERN })
    }
}

impl<'de> Deserialize<'de> for GlobText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(GlobVisitor {
            expected: GlobText::EXPECTED,
            fault: class_fault,
        })
    }
}

struct GlobVisitor<F> {
    expected: &'static str,
    /// The help for a text that is a glob of no use.
    fault: F,
}

impl<F: Fn(&str) -> Option<String>> Visitor<'_> for GlobVisitor<F> {
    type Value = GlobText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GlobText, E> {
        let found = Unexpected::Str(text);
        if let Some(help) = (self.fault)(text) {
            return Err(E::invalid_value(found, &json::with_help(self.expected, &help).as_str()));
        }
        text.parse().map_err(|_: globset::Error| E::invalid_value(found, &self))
    }
}

/// Why a source can't have this glob.
pub fn glob_fault(text: &str) -> Option<String> {
    path_fault(text).or_else(|| class_fault(text))
}

/// The help for a glob that no entry path can match.
fn path_fault(text: &str) -> Option<String> {
    /// More alternatives than anybody writes: braces multiply.
    const MOST_ALTERNATIVES: u32 = 1000;
    path_fault_within(text, &mut { MOST_ALTERNATIVES })
}

fn path_fault_within(text: &str, budget: &mut u32) -> Option<String> {
    *budget = budget.checked_sub(1)?;
    if text.is_empty() {
        return Some("remove it; all there is would be `**`".to_owned());
    }
    if text.starts_with('!') {
        return Some(
            "`!` takes nothing back here: name what is taken in `include`, what isn't in `exclude`".to_owned(),
        );
    }
    let meant = with_slashes(text);
    let parts = || meant.split('/');
    if parts().any(|part| part == "..") {
        return Some("globs are relative to `path` of the source, and nothing above it is packed".to_owned());
    }
    if meant == text && parts().all(|part| !matches!(part, "" | ".")) {
        return alternatives(text)?.iter().find_map(|one| {
            let help = path_fault_within(one, budget)?;
            Some(format!("of its alternatives, `{one}`: {help}"))
        });
    }
    let mut named: Vec<&str> = parts().filter(|part| !matches!(*part, "" | ".")).collect();
    if named.is_empty() || (matches!(parts().next_back(), Some("" | ".")) && named.last() != Some(&"**")) {
        named.push("**");
    }
    let itself = match text.contains(r"\*") {
        true => ", or `[*]` for a `*` itself",
        false => "",
    };
    Some(format!("write `{}`{itself}", named.join("/")))
}

/// With `/` for each `\` that is a separator rather than an escape: whose next character means nothing of its own, or which
/// stands between a name and `*`, as in `tests\*.py`.
fn with_slashes(text: &str) -> String {
    let mut slashed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        match character {
            '[' => {
                let class = &rest[..1 + class_length(after)];
                slashed.push_str(class);
                rest = &rest[class.len()..];
                continue;
            }
            '\\' => {
                let next = after.chars().next();
                let is_separator = match next {
                    Some('*') => !slashed.is_empty() && !slashed.ends_with('/'),
                    Some(next) => next.is_alphanumeric() || matches!(next, '.' | '_' | '\\'),
                    None => true,
                };
                slashed.push(if is_separator { '/' } else { '\\' });
                if let Some(escaped) = next.filter(|_| !is_separator) {
                    slashed.push(escaped);
                    rest = &after[escaped.len_utf8()..];
                    continue;
                }
            }
            other => slashed.push(other),
        }
        rest = after;
    }
    slashed
}

/// The globs that a glob with braces stands for, as far as its first braces go; `None` without any.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let (mut start, mut depth, mut ends) = (None, 0, Vec::new());
    let mut position = 0;
    while let Some(character) = text[position..].chars().next() {
        let here = position;
        position += character.len_utf8();
        match character {
            '[' => position += class_length(&text[position..]),
            '\\' => position += text[position..].chars().next().map_or(0, char::len_utf8),
            '{' => {
                start.get_or_insert(position);
                depth += 1;
            }
            ',' if depth == 1 => ends.push(here),
            '}' if depth == 1 => {
                ends.push(here);
                break;
            }
            '}' if depth > 1 => depth -= 1,
            _ => {}
        }
    }
    let mut start = start?;
    let (before, after) = (&text[..start - 1], &text[position..]);
    let mut globs = Vec::new();
    for end in ends {
        // One that is empty is passed over when globs are compiled.
        if end > start {
            globs.push(format!("{before}{}{after}", &text[start..end]));
        }
        start = end + 1;
    }
    Some(globs)
}

/// The help for a glob with letters of several bytes in `[…]`, of which one byte would match.
fn class_fault(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(first) = rest.find(['\\', '[']) {
        let after = &rest[first + 1..];
        let skipped = match rest[first..].starts_with('[') {
            true => class_length(after),
            false => after.chars().next().map_or(0, char::len_utf8),
        };
        let is_class = rest[first..].starts_with('[');
        if is_class && let Some(letter) = after[..skipped].chars().find(|letter| !letter.is_ascii()) {
            return Some(format!(
                "`[…]` stands for one byte, and `{letter}` is {} of them: write `{{{letter},…}}` or `*`",
                letter.len_utf8()
            ));
        }
        rest = &after[skipped..];
    }
    None
}

/// Bytes up to the `]` of a class whose `[` stands before; 0 if it isn't closed. Nothing is escaped in there.
fn class_length(after: &str) -> usize {
    let negation = usize::from(after.starts_with(['!', '^']));
    let first = after[negation..].chars().next().map_or(0, char::len_utf8);
    let members = negation + first;
    after[members..].find(']').map_or(0, |end| members + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_a_glob_without_fault() {
        for (text, meant) in [
            ("tests/", "tests/**"),
            ("tests/**/", "tests/**"),
            ("./a", "a"),
            ("/", "**"),
            ("a//./b/.", "a/b/**"),
            (r"a\b\", "a/b/**"),
            (r"a\\b", "a/b"),
            (r"lib\[ab]\_x", r"lib\[ab]/_x"),
        ] {
            assert_eq!(path_fault(text), Some(format!("write `{meant}`")), "{text}");
            assert_eq!(path_fault(meant), None, "{meant}");
        }
        for windows in [r"tests\*.py", r"tests\**", r"a\**\*.py"] {
            let meant = windows.replace('\\', "/");
            let help = format!("write `{meant}`, or `[*]` for a `*` itself");
            assert_eq!(path_fault(windows), Some(help));
        }
        for without in ["", "!a", "..", "../a", "a/..", r"..\a"] {
            assert!(
                path_fault(without).is_some_and(|help| !help.contains("write")),
                "{without}"
            );
        }
    }

    #[test]
    fn each_alternative_must_be_of_use() {
        for (text, help) in [
            ("{tests/,docs/**}", "of its alternatives, `tests/`: write `tests/**`"),
            (
                "a/{b,{c,./d}}",
                "of its alternatives, `a/{c,./d}`: of its alternatives, `a/./d`: write `a/d`",
            ),
        ] {
            assert_eq!(path_fault(text).as_deref(), Some(help));
        }
        for fine in ["{a,b}/c", "{a/,}b", "x{,.y}", "[{]/,}", r"\{/,a", "{", "}"] {
            assert_eq!(path_fault(fine), None, "{fine}");
        }
        assert_eq!(path_fault(&"{a,b}".repeat(64)), None, "ends soon");
    }

    #[test]
    fn globs_that_can_match_have_no_fault() {
        for fine in [
            "**", "*", ".venv/**", "..a", "a..", r"\!a", r"\*", r"\{a\}", r"[\w]x", "[/a]", "{a,b}/c", "a[]/]b", "é",
        ] {
            assert_eq!(path_fault(fine), None, "{fine}");
            assert_eq!(class_fault(fine), None, "{fine}");
        }
    }

    #[test]
    fn classes_are_of_bytes() {
        for bad in ["[é]", "a/[!é]", "[a-é]", "[]é]", "{x,[ü]}", r"\\[ß]"] {
            assert!(class_fault(bad).is_some(), "{bad}");
        }
        for fine in [r"\[é]", "[a]é", "[]a]é[b]", "é"] {
            assert_eq!(class_fault(fine), None, "{fine}");
        }
    }
}
