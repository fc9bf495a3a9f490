//! Whether a text that is copied out of somebody's files may hold a secret. Rules for what is packed leave alone what may
//! well be none; here the price of a mistake is a note.

use std::sync::LazyLock;

use regex::Regex;

use super::environment::{Named, is_reference, named};
use super::scan::scan;

/// Whether the value of a variable, tag or member of this name may be a secret, or hold one.
pub fn may_be_in(name: &str, text: &str) -> bool {
    is_by_name(name, text) || !scan(format!("{name}={text}").as_bytes()).is_empty() || holds_pair(text)
}

/// Whether what has this name is a secret, by the name alone.
pub fn is_named_like_one(name: &str) -> bool {
    named(&words(name)).is_some()
}

fn is_by_name(name: &str, value: &str) -> bool {
    let may_be = match named(&words(name)) {
        Some(Named::Password) => !value.is_empty(),
        // Names of things are words.
        Some(Named::Secret) => value.bytes().any(|byte| byte.is_ascii_digit()),
        None => false,
    };
    may_be && !is_reference(value)
}

/// With `_` between words: `sort-key`, `db.password`.
fn words(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// `password=…`, `Password: …`, `{"token": "…"}`, `https://user:…@host`, anywhere in a text.
fn holds_pair(text: &str) -> bool {
    // `…:secret:orders-AbC123` only names one.
    if text.starts_with("arn:") && !text.contains(char::is_whitespace) {
        return false;
    }
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"([A-Za-z][A-Za-z0-9_.-]*)[\\"']*\s*[=:]\s*[\\"']*"#).expect("it is constant"));
    static VALUE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"^[^\s\\"';,&{}]+"#).expect("it is constant"));
    static USER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"://[^/\s:@]*:[^/\s@]+@").expect("it is constant"));
    let mut names = NAME.captures_iter(text);
    USER.is_match(text)
        || names.any(|found| {
            let value = VALUE.find(&text[found.get_match().end()..]);
            value.is_some_and(|value| is_by_name(&found[1], value.as_str()))
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
        ] {
            assert!(may_be_in(name, text), "{name}={text}");
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
        ] {
            assert!(!may_be_in(name, text), "{name}={text}");
        }
    }
}
