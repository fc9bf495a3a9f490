//! Strings and numbers of a definition that allow less than JSON does. Each type parses itself, so that a bad value is
//! reported with its line, and describes itself to the JSON Schema.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use globset::{Glob, GlobBuilder};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use serde::{Serialize, Serializer};

use super::asset::Sha256;

/// What a [`Text`] of this kind must look like.
pub trait Rule {
    /// Name of the type in the JSON Schema.
    const NAME: &'static str;
    /// ECMA-262 and Rust agree on what is used here, so validator and JSON Schema share it.
    const PATTERN: &'static str;
    /// The pattern in words.
    const EXPECTED: &'static str;

    /// The pattern, compiled once for the whole run: compiling takes longer than all else in a definition.
    fn regex() -> &'static Regex;
}

/// A string that matches its rule's pattern.
pub struct Text<R> {
    text: String,
    rule: PhantomData<fn() -> R>,
}

impl<R> Text<R> {
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<R> AsRef<str> for Text<R> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<R: Rule> FromStr for Text<R> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !R::regex().is_match(text) {
            return Err(R::EXPECTED);
        }
        Ok(Text {
            text: text.to_owned(),
            rule: PhantomData,
        })
    }
}

// Derives would ask the same of the rule, which is never a value.
impl<R> Clone for Text<R> {
    fn clone(&self) -> Self {
        Text {
            text: self.text.clone(),
            rule: PhantomData,
        }
    }
}

impl<R> PartialEq for Text<R> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<R> Eq for Text<R> {}

impl<R> PartialOrd for Text<R> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Text<R> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<R> fmt::Debug for Text<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<R> fmt::Display for Text<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<R> Serialize for Text<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, R: Rule> Deserialize<'de> for Text<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_string(deserializer, R::EXPECTED)
    }
}

impl<R: Rule> JsonSchema for Text<R> {
    fn schema_name() -> Cow<'static, str> {
        R::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": R::PATTERN, "description": R::EXPECTED })
    }
}

/// Reads a string that parses as `T`; `expected` says in words what does.
fn parse_string<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<T, D::Error> {
    struct Parse<T>(&'static str, PhantomData<fn() -> T>);

    impl<T: FromStr> Visitor<'_> for Parse<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse()
                .map_err(|_: T::Err| E::invalid_value(Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_str(Parse(expected, PhantomData))
}

/// An integer within bounds that AWS sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Bounded<MIN, MAX> {
    /// A default, checked when it is compiled in.
    pub const fn literal(value: i64) -> Self {
        assert!(MIN <= value && value <= MAX);
        Bounded(value)
    }

    pub fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Within<const MIN: i64, const MAX: i64>;

        impl<const MIN: i64, const MAX: i64> Visitor<'_> for Within<MIN, MAX> {
            type Value = Bounded<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an integer from {MIN} to {MAX}")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                if (MIN..=MAX).contains(&value) {
                    return Ok(Bounded(value));
                }
                Err(E::invalid_value(Unexpected::Signed(value), &self))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                match i64::try_from(value) {
                    Ok(value) => self.visit_i64(value),
                    Err(_too_large) => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
                }
            }
        }

        deserializer.deserialize_i64(Within)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Bounded<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("IntegerFrom{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A path below the code directory, `/`-separated and normal: no `..`, no `.` but for the directory itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    const EXPECTED: &'static str =
        "a path below the code directory: relative, with `/`, without `..`, `\\` or a drive letter";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for RelativePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for RelativePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.starts_with('/') || text.contains(['\\', '\0']) {
            return Err(Self::EXPECTED);
        }
        let mut components = Vec::new();
        for component in text.split('/') {
            match component {
                "" | "." => {}
                ".." => return Err(Self::EXPECTED),
                name => components.push(name),
            }
        }
        if components.is_empty() {
            components.push(".");
        }
        let path = components.join("/");
        if has_drive_letter(&path) {
            return Err(Self::EXPECTED);
        }
        Ok(RelativePath(path))
    }
}

/// Windows takes `C:x` for a place of its own, whatever directory it is joined to.
pub fn has_drive_letter(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
}

/// Where entries are put in the archive: an entry path of its own, ending with `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryPrefix(String);

impl EntryPrefix {
    const EXPECTED: &'static str =
        "a path in the archive such as `python/lib`: relative, with `/`, without `.` and `..`";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryPrefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let fine = |component: &str| {
            !matches!(component, "" | "." | "..") && !component.contains(|c: char| c == '\\' || c.is_control())
        };
        if !path.split('/').all(fine) {
            return Err(Self::EXPECTED);
        }
        Ok(EntryPrefix(format!("{path}/")))
    }
}

/// Where one entry, or a directory of entries, is in the archive; `.` is its top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryPath(String);

impl EntryPath {
    const EXPECTED: &'static str = "a path in the archive such as `bin/tool`: relative, with `/`, without `.` and `..`";

    /// Without `/` at its end; empty for the top.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for EntryPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "." | "./") {
            return Ok(EntryPath(String::new()));
        }
        let EntryPrefix(mut path) = text
            .strip_prefix("./")
            .unwrap_or(text)
            .parse()
            .map_err(|_| Self::EXPECTED)?;
        path.pop();
        Ok(EntryPath(path))
    }
}

/// A glob on entry paths: `*` and `?` stay within one component, `**` crosses `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GlobText(Glob);

impl GlobText {
    pub(super) const EXPECTED: &'static str =
        "a glob such as `**/*.py` (`*` stays within one directory, `**` does not)";

    pub fn glob(&self) -> &Glob {
        &self.0
    }

    /// For all that is in a directory.
    pub fn all_below(directory: &str) -> Self {
        let glob = format!("{}/**", globset::escape(directory)).parse();
        glob.expect("an escaped path")
    }

    pub fn as_str(&self) -> &str {
        self.0.glob()
    }
}

impl Serialize for GlobText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for GlobText {
    fn schema_name() -> Cow<'static, str> {
        "GlobText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": Self::EXPECTED })
    }
}

impl FromStr for GlobText {
    type Err = globset::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        GlobBuilder::new(text)
            .literal_separator(true)
            // Windows would otherwise read `\` as a separator: one glob, one meaning.
            .backslash_escape(true)
            .build()
            .map(GlobText)
    }
}

/// A Go package of the source: `.`, or a path that starts with `./`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoPackage(String);

impl GoPackage {
    const EXPECTED: &'static str = "a package of the source: `.`, or a path such as `./cmd/orders`";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GoPackage {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path: RelativePath = text.parse().map_err(|_| Self::EXPECTED)?;
        let fine = (text == "." || text.starts_with("./")) && !text.contains("...");
        // As Go prints it: one package, one spelling.
        let spelled = match path.as_str() {
            "." => ".".to_owned(),
            path => format!("./{path}"),
        };
        fine.then_some(GoPackage(spelled)).ok_or(Self::EXPECTED)
    }
}

/// String types whose rule is no regular expression.
macro_rules! parsed_from_string {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse_string(deserializer, $name::EXPECTED)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $name::EXPECTED })
            }
        }
    )*};
}

parsed_from_string!(RelativePath, EntryPrefix, EntryPath, GoPackage, Sha256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_root() {
        let path = |text: &str| text.parse::<RelativePath>().map(|path| path.0);
        assert_eq!(path("./a//b/"), Ok("a/b".to_owned()));
        assert_eq!(path("."), Ok(".".to_owned()));
        assert_eq!(path("ab:c/d:e"), Ok("ab:c/d:e".to_owned()));
        for bad in ["", "/a", "..", "a/../b", "a\\b"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_of_windows_are_none_of_a_definition() {
        let bad = [
            r"C:\a",
            "C:/a",
            "c:a",
            "C:",
            "./C:/a",
            r"\\server\share",
            "//server/share",
            r"\\?\C:\a",
            r"a\..\..\b",
        ];
        for bad in bad {
            assert!(bad.parse::<RelativePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn entry_paths_may_be_the_top() {
        let path = |text: &str| text.parse::<EntryPath>().map(|path| path.0);
        assert_eq!(path("./bin/tool/"), Ok("bin/tool".to_owned()));
        assert_eq!(path("."), Ok(String::new()));
        for bad in ["", "/", "/a", "a/../b", "a\\b", "a\nb", "..", "././a"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_are_entry_paths() {
        let prefix = |text: &str| text.parse::<EntryPrefix>().map(|prefix| prefix.0);
        assert_eq!(prefix("python/lib/"), Ok("python/lib/".to_owned()));
        for bad in ["", "/", "/a", "a//b", "a/./b", "../a", "a\\b", "a\nb"] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }
}
