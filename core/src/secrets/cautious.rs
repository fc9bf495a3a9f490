//! Whether a text that is copied out of somebody's files may hold a secret. Rules for what is packed leave alone what may
//! well be none; here the price of a mistake is a note.

use std::sync::LazyLock;

use regex::Regex;

use super::environment::{Named, OTHER_KEYS, is_word};
use super::scan::scan;

/// What the last of the names that lead to a value says of it, and what those before it say that hold it:
/// `["local", "secrets", "db"]`.
pub fn named_by(path: &[&str]) -> Option<Named> {
    let (last, holders) = path.split_last()?;
    if is_of_another_thing(last) {
        return None;
    }
    let holders = holders
        .iter()
        .filter_map(|name| words(name).last().and_then(|word| said_by(word, &[])));
    holders.chain(said(last)).max()
}

/// Whether a value that such names lead to may be a secret, or hold one.
pub fn may_be(named: Option<Named>, text: &str) -> bool {
    is_by_name(named, text) || !scan(format!("={text}").as_bytes()).is_empty() || holds_one(text)
}

/// Whether a name is one of a name, an address or a setting: `db_password_arn`, `token_ttl`.
pub fn is_of_another_thing(name: &str) -> bool {
    const THINGS: [&str; 47] = [
        "ALGORITHM",
        "ARN",
        "AUDIENCE",
        "BUCKET",
        "COUNT",
        "DAYS",
        "DIR",
        "DIRECTORY",
        "ENABLED",
        "ENDPOINT",
        "EXPIRATION",
        "EXPIRES",
        "EXPIRY",
        "FILE",
        "FORMAT",
        "HANDLER",
        "HEADER",
        "HOURS",
        "ID",
        "ISSUER",
        "LENGTH",
        "LIMIT",
        "LOCATION",
        "MINUTES",
        "NAME",
        "NAMES",
        "PARAMETER",
        "PATH",
        "POLICY",
        "PREFIX",
        "REFERENCE",
        "REGION",
        "REQUIRED",
        "RUNTIME",
        "SCOPE",
        "SECONDS",
        "SIZE",
        "SUFFIX",
        "TABLE",
        "TIMEOUT",
        "TTL",
        "TYPE",
        "URI",
        "URL",
        "USER",
        "USERNAME",
        "VERSION",
    ];
    words(name).last().is_some_and(|word| THINGS.contains(&word.as_str()))
}

/// What a name says: any of its words.
fn said(name: &str) -> Option<Named> {
    let words = words(name);
    let said = words
        .iter()
        .enumerate()
        .filter_map(|(index, word)| said_by(word, &words[..index]));
    said.max()
}

/// What a word says, after those before it.
fn said_by(word: &str, before: &[String]) -> Option<Named> {
    const PASSWORDS: [&str; 7] = ["PASSWORD", "PASSWD", "PASSPHRASE", "PASSCODE", "PASS", "PWD", "PSWD"];
    const SECRETS: [&str; 10] = [
        "SECRET",
        "TOKEN",
        "KEY",
        "CREDENTIAL",
        "CRED",
        "AUTH",
        "AUTHORIZATION",
        "SIGNATURE",
        "JWT",
        "COOKIE",
    ];
    const SHORT: [&str; 6] = ["SIG", "SALT", "PEPPER", "PIN", "OTP", "LICENSE"];
    // As templates name the keys of tables.
    const KEYS_OF_TABLES: [&str; 4] = ["TABLE", "INDEX", "HASH", "RANGE"];
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let one = word.strip_suffix('S').filter(|one| !one.ends_with('S')).unwrap_or(word);
    let ends_with = |names: &[&str]| names.iter().any(|name| word.ends_with(name) || one.ends_with(name));
    let others = || OTHER_KEYS.into_iter().chain(KEYS_OF_TABLES);
    let is_other = || one.ends_with("KEY") && before.iter().any(|word| others().any(|other| other == word));
    match () {
        () if is_word(one) || is_word(word) => None,
        () if ends_with(&PASSWORDS) || one == "PW" => Some(Named::Password),
        () if (ends_with(&SECRETS) || SHORT.contains(&one)) && !is_other() => Some(Named::Secret),
        () => None,
    }
}

/// In capitals: of `sort-key`, `db.password`, `dbPassword`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let is_part = c.is_ascii_alphanumeric();
        if !is_part || was_lower && c.is_ascii_uppercase() {
            words.push(String::new());
        }
        if is_part {
            words.last_mut().expect("there is one").push(c.to_ascii_uppercase());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_by_name(named: Option<Named>, value: &str) -> bool {
    const SWITCHES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
    let has = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
    // Names of things are words, and settings small numbers.
    let is_setting = || value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_long = || value.len() >= 12 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_mixed = || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let may_be = match named {
        Some(Named::Password) => !value.is_empty(),
        Some(Named::Secret) => has(u8::is_ascii_digit) && !is_setting() || is_long() && is_mixed(),
        None => false,
    };
    may_be && !SWITCHES.contains(&value.to_ascii_lowercase().as_str()) && !is_reference(value)
}

/// Whether it only tells where a secret is kept: an ARN, CloudFormation's form, a URL that has none in it, or a path of words, as
/// Secrets Manager and Parameter Store name them.
fn is_reference(value: &str) -> bool {
    const MOST_DIGITS: usize = 3;
    let is_one_word = !value.contains(char::is_whitespace);
    let is_word = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
    };
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_path = value.contains('/') && value.split('/').all(is_word) && digits <= MOST_DIGITS;
    let is_url = value.contains("://") && !value.contains(['@', '?', '#']);
    is_one_word && (is_path || is_url || value.starts_with("arn:") || value.starts_with("{{resolve:"))
}

/// Letters and digits, mixed, as long as nobody writes them.
fn is_no_word(text: &str) -> bool {
    const SHORTEST: usize = 12;
    text.len() >= SHORTEST
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// `password=…`, `Password: …`, `{"token": "…"}`, `--api-key …`, `Bearer …`, `https://user:…@host`, a JSON web token (RFC 7519, 3),
/// or an address that nobody can guess; anywhere in a text.
fn holds_one(text: &str) -> bool {
    // `…:secret:orders-AbC123` only names one.
    if text.starts_with("arn:") && !text.contains(char::is_whitespace) {
        return false;
    }
    fn constant(regex: &str) -> Regex {
        Regex::new(regex).expect("it is constant")
    }
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        constant(r#"(?:--([A-Za-z][A-Za-z0-9_.-]*)[\s=]|([A-Za-z][A-Za-z0-9_.-]*)[\\"']*\s*[=:])\s*[\\"']*"#)
    });
    static VALUE: LazyLock<Regex> = LazyLock::new(|| constant(r#"^[^\s\\"';,&{}]+"#));
    static CONTENT: LazyLock<Regex> = LazyLock::new(|| {
        constant(
            r"(?x)
            ://[^/\s:@]*:[^/\s@]+@ | ://[^/\s:@]*[0-9][^/\s:@]*@
            | (?i:\b(?:bearer|basic)\s+[a-z0-9+/=_.~:-]{8}) | (?i:\b(?:token|apikey|digest)\s+[a-z+/=_.~:-]*[0-9])
            | \beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6}",
        )
    });
    let is_unguessable = |url: &str| {
        let (_, path) = url.split_once('/').unwrap_or((url, ""));
        path.split(['/', '?', '&', '=', '#', '-', '_', '.']).any(is_no_word)
    };
    let mut urls = text
        .split("://")
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap_or_default());
    CONTENT.is_match(text)
        || urls.any(is_unguessable)
        || NAME.captures_iter(text).any(|found| {
            let name = found.get(1).or_else(|| found.get(2)).expect("one of both");
            let end = found.get_match().end();
            let value = VALUE.find(&text[end..]);
            value.is_some_and(|value| is_by_name(named_by(&[name.as_str()]), value.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_one() {
        for (name, text) in [
            ("DB_PASSWORD", "hunter2"),
            ("Password", "correct horse"),
            ("api-token", "abc1"),
            ("DSN", "host=db user=app password=hunter2"),
            ("CONN", "Server=db;User Id=app;Password=hunter2;"),
            ("CONFIG", r#"{"db":{"password":"hunter2"}}"#),
            ("NESTED", r#"{\"dbPassword\":\"hunter2\"}"#),
            ("URL", "postgres://app:pw@db/orders"),
            ("ARGS", "--token=abc123 -v"),
            ("DSN", "conn:password=hunter2"),
            ("URL", "https://example.com/?a=b&password=hunter2"),
            ("A", "Authorization: Bearer hunterhunter"),
            ("A", "Basic dXNlcjpodW50ZXI="),
            ("A", "run --api-key hunter2 -v"),
            ("A", "run --password hunter"),
            ("A", "sv=2022-11-02&sig=hunter2%3D&se=2030"),
            ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
            ("A", "https://hooks.example.com/services/T0/B0/x7Kq2mVb9sPzR4tWn8Yd"),
            ("A", "amqps://hunter2@host"),
            ("DB_PASSWORD_PROD", "hunter"),
            ("passwords", "hunter"),
            ("PGPASSWORD2", "hunter"),
            ("DB_PASSWORD", "/hunter/2x+Z"),
            ("dbPassword", "1234"),
            ("SERVICE_TOKEN", "AbcdefGhijklMnop"),
        ] {
            assert!(may_be(named_by(&[name]), text), "{name}={text}");
        }
    }

    #[test]
    fn what_is_none_is_copied() {
        for (name, text) in [
            ("LOG_LEVEL", "INFO"),
            ("TABLE_KEY", "order_id"),
            ("DB_PASSWORD_SECRET", "prod/db/password"),
            (
                "TOKEN_SECRET_ARN",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-1",
            ),
            ("URL", "https://example.com:8443/a?b=1&page=2"),
            ("JSON", r#"{"retries":3,"level":"debug"}"#),
            ("DB_PASSWORD", ""),
            ("PARTITION_KEY", "pk1"),
            ("partitionKey", "pk1"),
            ("DB_PASSWORD_ARN", "x1"),
            ("TOKEN_TTL", "3600"),
            ("TOKENS", "4096"),
            ("REQUIRE_PASSWORD", "true"),
            ("BYPASS", "all"),
            ("API_KEY", "prod/api/key-2"),
            ("QUEUE", "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"),
            ("TEXT", "a token is needed"),
        ] {
            assert!(!may_be(named_by(&[name]), text), "{name}={text}");
        }
    }

    #[test]
    fn what_holds_a_value_counts_too() {
        assert_eq!(named_by(&["local", "secrets", "db"]), Some(Named::Secret));
        assert_eq!(named_by(&["var", "passwords", "db"]), Some(Named::Password));
        assert_eq!(named_by(&["local", "token_handler", "memory"]), None);
        assert_eq!(named_by(&["local", "secrets", "db_arn"]), None);
    }
}
