use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn function(definition: &Value) -> Function {
    Function::parse(Path::new("f.json"), definition.to_string().as_bytes()).expect("a definition")
}

fn suggestions(environment: &Value) -> Vec<Suggestion> {
    classify(&function(&json!({"source": "a", "environment": environment})))
}

/// The class, why, and the declaration, which must be one.
fn suggested(name: &str, value: &str) -> Option<(SecretClass, String, Value)> {
    let suggestion = suggestions(&json!({name: value})).pop()?;
    let secret = serde_json::to_value(&suggestion.secret).expect("JSON");
    let declared = function(&json!({"source": "a", "secrets": [secret.clone()]}));
    assert_eq!(declared.definition.secrets.len(), 1);
    Some((suggestion.class, suggestion.why, secret))
}

/// Put together when the tests run, so that no scanner finds any in this repository.
fn github_token() -> String {
    ["gh", "p_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM6"].concat()
}

#[test]
fn names_and_values_tell_the_class() {
    use SecretClass::{Infrastructure, PerInstallGenerated, UserPrompt};
    let stripe = ["sk_", "live_", "aB3dE6gH9jK2mN5pQ8sT1vW4"].concat();
    for (name, value, class, words) in [
        ("GITHUB_TOKEN", "", Infrastructure, "builds and deploys"),
        ("PLAIN", &github_token(), Infrastructure, "a GitHub token"),
        ("AWS_DEPLOY_KEY", "", Infrastructure, "credentials of its role"),
        ("SESSION_SECRET", "changeme", PerInstallGenerated, "nobody outside"),
        ("SECRET_KEY", "x", PerInstallGenerated, "nobody outside"),
        (
            "JWT_SIGNING_KEY",
            "a8f3b2c1d4e5f6a7b8c9",
            PerInstallGenerated,
            "its value looks like one",
        ),
        ("DB_PASSWORD", "tr0ub4dor&3!", UserPrompt, "remote_fetch"),
        ("GITHUB_WEBHOOK_SECRET", "", UserPrompt, "the other side"),
        ("STRIPE_KEY", &stripe, UserPrompt, "Stripe"),
        ("SMTP_PASSWORD", "", UserPrompt, "others issue it"),
    ] {
        let (found, why, secret) = suggested(name, value).expect(name);
        assert_eq!(found, class, "{name}: {why}");
        assert!(why.contains(words), "{name}: {why}");
        assert!(
            value.is_empty() || value == "x" || !format!("{why}{secret}").contains(value),
            "{name}: {secret}"
        );
    }
}

#[test]
fn declarations_can_be_pasted() {
    let (_, _, secret) = suggested("SESSION_SECRET", "").expect("one");
    let expected = json!({
        "id": "session-secret", "class": "per_install_generated", "target": "SESSION_SECRET_NAME",
        "length": 32, "charset": "alphanumeric",
    });
    assert_eq!(secret, expected);
    let (_, _, secret) = suggested("SMTP_PASSWORD", "").expect("one");
    let expected = json!({
        "id": "smtp-password", "class": "user_prompt", "target": "SMTP_PASSWORD_SECRET", "label": "Smtp password",
    });
    assert_eq!(secret, expected);
    let (_, _, secret) = suggested("CI_TOKEN", &github_token()).expect("one");
    assert_eq!(secret["kind"], "github-token");
    assert_eq!(secret["variable"], "CI_TOKEN");
}

#[test]
fn what_says_where_a_secret_is_is_fetched() {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
    for (name, value, key, place) in [
        ("DB", arn, "arn", arn),
        (
            "DB",
            &format!("{{{{resolve:secretsmanager:{arn}:SecretString:password}}}}"),
            "arn",
            arn,
        ),
        (
            "DB",
            "{{resolve:secretsmanager:shop/db:SecretString:password}}",
            "name",
            "shop/db",
        ),
        ("DB", "{{resolve:ssm-secure:/shop/db:3}}", "parameter", "/shop/db"),
        ("DB_PASSWORD", "/shop/db", "parameter", "/shop/db"),
        ("DB_PASSWORD", "shop/db", "name", "shop/db"),
        (
            "DB",
            "postgres://u:{{resolve:secretsmanager:shop/db}}@h",
            "name",
            "shop/db",
        ),
    ] {
        let (class, why, secret) = suggested(name, value).expect(value);
        assert_eq!(class, SecretClass::RemoteFetch, "{why}");
        assert_eq!(
            (&secret[key], &secret["target"]),
            (&json!(place), &json!(name)),
            "{value}"
        );
    }
}

#[test]
fn what_of_a_secret_is_meant_is_said() {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
    for (reference, said) in [
        ("secretsmanager:db", None),
        ("secretsmanager:db:SecretString", None),
        ("secretsmanager:db:SecretString:pw", Some("the key `pw` of its JSON")),
        (
            &format!("secretsmanager:{arn}:SecretString:pw"),
            Some("the key `pw` of its JSON"),
        ),
        (
            "secretsmanager:db:SecretString:pw:AWSPREVIOUS",
            Some("the key `pw` of its JSON; its version `AWSPREVIOUS`"),
        ),
        ("secretsmanager:db:SecretString:::1-2", Some("its version `1-2`")),
        ("ssm-secure:/shop/db:3", Some("its version `3`")),
        (
            "ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/db:3",
            Some("its version `3`"),
        ),
    ] {
        let (_, _, secret) = suggested("DB", &format!("{{{{resolve:{reference}}}}}")).expect(reference);
        assert_eq!(secret["description"].as_str(), said, "{reference}");
    }
    let (_, _, secret) = suggested("DB", "u:{{resolve:secretsmanager:db:SecretString:pw}}@h").expect("one");
    assert_eq!(
        secret["description"],
        "the key `pw` of its JSON; the variable held more than that"
    );
}

#[test]
fn settings_are_no_secrets() {
    let environment = json!({
        "LOG_LEVEL": "INFO", "TABLE_NAME": "orders", "MAX_TOKEN": "4096", "REQUIRE_PASSWORD": "true", "PARTITION_KEY": "id",
        "TOKEN_URL": "https://login.example.com/oauth2/token", "TLS_KEY": "/etc/ssl/private/key.pem",
        "DB_PASSWORD_NAME": "prod/db", "MONKEY": "banana", "BYPASS": "x7Kq2mVb9sPzR4tWn8Yd", "HINT": "Basic understanding",
        "SCHEME": "Basic eHg6", "LOGIN": "Bearer token", "QUEUE": "arn:aws:sqs:eu-west-1:123456789012:orders",
    });
    let found = suggestions(&environment);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn what_a_header_authorizes_with_is_one() {
    for value in [
        "Basic dXNlcjpodW50ZXIy",
        "basic dXNlcjpodW50ZXIy",
        "Bearer x7Kq2mVb9sPzR4tWn8Yd",
    ] {
        let (class, why, _) = suggested("UPSTREAM_HEADER", value).expect(value);
        assert_eq!(class, SecretClass::UserPrompt, "{value}");
        assert!(why.contains("its value is that of an `Authorization` header"), "{why}");
    }
}

#[test]
fn what_builds_need_never_leaves() {
    let build = json!({"type": "command", "command": ["make"], "output": "o", "environment": {"NPM_TOKEN": "abc"}});
    let found = classify(&function(&json!({"source": "a", "build": build})));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].key.as_str(), found[0].class),
        ("build.environment.NPM_TOKEN", SecretClass::Infrastructure)
    );
}
