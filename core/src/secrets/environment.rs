//! Secrets in the `environment` of a definition: every rule for files, and what a variable's name says of its value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::guard::VARIABLES;
use super::likeness::{is_mixed, is_password, is_real};
use super::rules::{self, Rule};
use super::scan::scan;

/// The secret that a variable holds.
pub fn find(key: &str, value: &str) -> Option<&'static Rule> {
    rules(key, value).next()
}

/// All rules that find a secret in a variable.
pub fn rules(key: &str, value: &str) -> impl Iterator<Item = &'static Rule> {
    // As a shell would set it, so that rules that look for a name find that too.
    let found = scan(format!("{key}={value}").as_bytes());
    let by_content = found.into_iter().map(|finding| finding.rule);
    let by_name = (speaks_of_secret(key, value) || is_authorization(value))
        .then(|| rules::find(rules::VARIABLE).expect("a rule"));
    by_content.chain(by_name)
}

/// What a variable's name says that its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A token or key.
    Secret,
    Password,
}

/// Keys that are no secrets: of tables, objects, caches, and those that only name one.
pub(super) const OTHER_KEYS: [&str; 9] = [
    "PUBLIC",
    "KMS",
    "PARTITION",
    "SORT",
    "PRIMARY",
    "FOREIGN",
    "OBJECT",
    "S3",
    "CACHE",
];

/// Whether a word, in capitals, is one of those that end like a secret's name and mean something else.
pub(super) fn is_word(word: &str) -> bool {
    const WORDS: [&str; 12] = [
        "BYPASS",
        "COMPASS",
        "ENCOMPASS",
        "OVERPASS",
        "UNDERPASS",
        "DONKEY",
        "HOCKEY",
        "HOTKEY",
        "JOCKEY",
        "MONKEY",
        "TURKEY",
        "WHISKEY",
    ];
    WORDS.contains(&word)
}

/// Whether a variable, or a member of a JSON object, is named like a secret.
pub fn named(key: &str) -> Option<Named> {
    const PASSWORDS: [&str; 5] = ["PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD"];
    const SECRETS: [&str; 6] = ["SECRET", "TOKEN", "KEY", "APIKEY", "CREDENTIAL", "CREDENTIALS"];
    let key = key.to_ascii_uppercase();
    let mut words = key.rsplit('_');
    let last = words.next().unwrap_or_default();
    let ends_with = |names: &[&str]| !is_word(last) && names.iter().any(|name| last.ends_with(name));
    let is_other = words.any(|word| OTHER_KEYS.contains(&word));
    match (ends_with(&PASSWORDS), ends_with(&SECRETS) && !is_other) {
        (true, _) => Some(Named::Password),
        (false, true) => Some(Named::Secret),
        (false, false) => None,
    }
}

fn speaks_of_secret(key: &str, value: &str) -> bool {
    let is_like = match named(key) {
        Some(Named::Password) => is_password,
        Some(Named::Secret) => looks_random,
        None => return false,
    };
    !is_reference(value) && is_like(value)
}

/// Whether it is what an `Authorization` header has: `Basic` with a name and a password (RFC 7617), or `Bearer` with a token
/// (RFC 6750).
fn is_authorization(value: &str) -> bool {
    let Some((scheme, given)) = value.trim().split_once(' ') else {
        return false;
    };
    let given = given.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            let decoded = STANDARD.decode(given).unwrap_or_default();
            let decoded = String::from_utf8(decoded).unwrap_or_default();
            let password = decoded.split_once(':').map(|(_, password)| password);
            password.is_some_and(|password| !password.is_empty() && is_real(password.as_bytes()))
        }
        "bearer" => looks_random(given),
        _ => false,
    }
}

/// Whether a value only tells where the secret is kept.
pub fn is_reference(value: &str) -> bool {
    // `prod/db/password`, as Secrets Manager names them.
    let is_word = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
    };
    let is_name = value.contains('/') && value.split('/').all(is_word);
    // An ARN, a path of Parameter Store or of a file, a URL (whose password has its own rule), CloudFormation's form.
    is_name || value.starts_with("arn:") || value.starts_with('/') || value.contains("://") || value.contains("{{")
}

/// Whether it is no name: names are words and numbers, joined.
fn looks_random(value: &str) -> bool {
    const SHORTEST: usize = 16;
    const SHORTEST_PART: usize = 10;
    let is_one_word = !value.chars().any(char::is_whitespace);
    let mut parts = value.split(['-', '_', '.', '/', ':']);
    value.len() >= SHORTEST
        && is_one_word
        && is_mixed(value.as_bytes())
        && parts.any(|part| part.len() >= SHORTEST_PART && is_mixed(part.as_bytes()))
}

/// In which line of a definition each variable stands, by its key; none if the file isn't what it was any more.
pub fn lines(definition: &Path) -> BTreeMap<String, u64> {
    type Variables<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;
    #[derive(Deserialize)]
    struct Definition<'a> {
        #[serde(borrow, default)]
        environment: Variables<'a>,
        #[serde(borrow)]
        build: Option<Build<'a>>,
    }
    #[derive(Deserialize)]
    struct Build<'a> {
        #[serde(borrow, default)]
        environment: Variables<'a>,
    }
    let Ok(text) = fs::read_to_string(definition) else {
        return BTreeMap::new();
    };
    let json = text.trim_start_matches('\u{FEFF}');
    let Ok(parsed) = serde_json::from_str::<Definition>(json) else {
        return BTreeMap::new();
    };
    let line_of = |value: &RawValue| {
        let at = value.get().as_ptr().addr() - json.as_ptr().addr();
        1 + json[..at].matches('\n').count() as u64
    };
    let of_build = parsed.build.map(|build| build.environment).unwrap_or_default();
    let environments = VARIABLES.into_iter().zip([parsed.environment, of_build]);
    environments
        .flat_map(|(prefix, variables)| {
            let lines = variables.into_iter();
            lines.map(move |(name, value)| (format!("{prefix}{name}"), line_of(value)))
        })
        .collect()
}
