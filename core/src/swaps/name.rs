//! Names of packages, as swaps name them.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::build::Ecosystem;
use crate::sbom::python::normal;

const EXPECTED: &str = "the name of a package, such as `boto3` or `@aws-sdk/client-s3`; `*` stands for any part of a name, such as `@aws-sdk/*`, and `*` alone for all";

/// What names and globs consist of.
pub(super) const PATTERN: &str = "^[A-Za-z0-9@/._*~-]+$";

/// The name of a package, or a glob on names in which `*` stands for any part of one, that of npm's scopes included.
#[derive(Clone, Debug)]
pub struct PackageName {
    text: String,
    /// In the spelling of npm, and in the normal one of Python.
    node: GlobMatcher,
    python: GlobMatcher,
}

impl PackageName {
    /// One that this program knows.
    pub(super) fn literal(text: &str) -> Self {
        text.parse().expect("a name")
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_glob(&self) -> bool {
        self.text.contains('*')
    }

    /// Whether a package of this name is meant. Of Python packages it is the normal name.
    pub fn is_of(&self, ecosystem: Ecosystem, name: &str) -> bool {
        match ecosystem {
            Ecosystem::Python => self.python.is_match(name),
            Ecosystem::Node => self.node.is_match(name),
        }
    }

    /// Whether all that the other one may mean is meant by this.
    pub fn covers(&self, ecosystem: Ecosystem, other: &Self) -> bool {
        if !other.is_glob() {
            return match ecosystem {
                Ecosystem::Python => self.python.is_match(normal(&other.text)),
                Ecosystem::Node => self.node.is_match(&other.text),
            };
        }
        let start = self.text.strip_suffix('*').filter(|start| !start.contains('*'));
        self == other || start.is_some_and(|start| other.text.starts_with(start))
    }
}

impl PartialEq for PackageName {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PackageName {}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PackageName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |char: char| char.is_ascii_alphanumeric() || "@/._-*~".contains(char);
        if text.is_empty() || !text.chars().all(is_part) {
            return Err(EXPECTED);
        }
        let matcher = |text: &str| {
            // `*` would otherwise leave out every package with a scope.
            let glob = GlobBuilder::new(text).literal_separator(false).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|_| EXPECTED)
        };
        Ok(PackageName {
            text: text.to_owned(),
            node: matcher(text)?,
            python: matcher(&normal(text))?,
        })
    }
}

impl Serialize for PackageName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PackageName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|expected| de::Error::invalid_value(de::Unexpected::Str(&text), &expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_their_ecosystem() {
        let is_of = |text: &str, ecosystem, name| text.parse::<PackageName>().expect("a name").is_of(ecosystem, name);
        assert!(is_of("Python_dateutil", Ecosystem::Python, "python-dateutil"));
        assert!(is_of("types-*", Ecosystem::Python, "types-requests"));
        assert!(is_of("@aws-sdk/*", Ecosystem::Node, "@aws-sdk/client-s3"));
        assert!(is_of("lodash", Ecosystem::Node, "lodash"));
        for glob in ["*", "@*", "*/client-s3", "*client*", "@aws-sdk/client-*"] {
            assert!(is_of(glob, Ecosystem::Node, "@aws-sdk/client-s3"), "{glob}");
        }
        assert!(
            !is_of("client-*", Ecosystem::Node, "@aws-sdk/client-s3"),
            "all of a name"
        );
        assert!(!is_of("@aws-sdk/*", Ecosystem::Node, "@aws-sdk-extra/client-s3"));
        assert!(!is_of("lodash", Ecosystem::Node, "lodash.get"));
        assert!(!is_of("boto3", Ecosystem::Python, "boto3-stubs"));
        for text in ["", "requests[socks]", "a b", "a==1"] {
            assert!(text.parse::<PackageName>().is_err(), "{text}");
        }
    }
}
