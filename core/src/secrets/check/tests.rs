use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::secrets::protect;

/// Status and detail of a check, of the functions that declare these secrets.
fn checked(functions: &[Value], check_name: &str) -> Vec<(Status, String)> {
    let parsed = functions.iter().enumerate().map(|(index, definition)| {
        let file = format!("f{index}.json");
        let function = Function::parse(Path::new(&file), definition.to_string().as_bytes()).expect("a definition");
        (function.name.to_string(), function)
    });
    let mut functions = parsed.collect();
    let value_of = |name: &str| {
        let value = [("LONG", "0123456789"), ("SHORT", "0123")]
            .into_iter()
            .find(|(known, _)| *known == name);
        Ok(value.map(|(_, value)| SecretValue::new(value.to_owned())))
    };
    protect(&mut functions, &[], value_of).expect("protected");
    let checks = check(&functions, None, value_of).expect("checked").checks;
    let of_name = checks.into_iter().filter(|check| check.check == check_name);
    of_name.map(|check| (check.status, check.detail)).collect()
}

#[track_caller]
fn assert_one(secret: Value, check: &str, status: Status, words: &str) {
    let found = checked(&[json!({"source": "a", "secrets": [secret]})], check);
    let [(found, detail)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(*found, status, "{detail}");
    assert!(detail.contains(words), "{detail}");
}

#[test]
fn places_are_names_that_aws_takes() {
    let fetch = |key: &str, value: &str| json!({"id": "a", "class": "remote_fetch", "target": "AB", key: value});
    for (key, value) in [
        ("name", "prod/db@x+y=z"),
        ("parameter", "/shop/smtp"),
        ("parameter", "smtp"),
        (
            "arn",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/x-AbCdEf",
        ),
        ("arn", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/shop/x"),
    ] {
        assert_one(fetch(key, value), "place", Status::Pass, value);
    }
    for (key, value, words) in [
        ("name", "a b", "no such name"),
        ("parameter", "/a//b", "no such name"),
        ("parameter", "/awsx/b", "keeps for AWS"),
        ("parameter", "SSM-x", "keeps for AWS"),
        ("parameter", "a/b", "doesn't begin with `/`"),
        ("parameter", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "15 levels"),
        (
            "arn",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/*",
            "more than one",
        ),
        ("arn", "arn:aws:s3:::bucket", "no ARN of a secret"),
        ("arn", "arn:aws:ssm:eu-west-1:1234:parameter/x", "no ARN of a secret"),
    ] {
        assert_one(fetch(key, value), "place", Status::Fail, words);
    }
    let made = |id: &str| json!({"id": id, "class": "per_install_generated", "target": "AB"});
    assert_one(made("shop/cookie-key"), "place", Status::Pass, "under its id");
    let cut_off = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cookie-secret";
    assert_one(fetch("arn", cut_off), "place", Status::Warn, "ends like a name");
}

#[test]
fn the_infrastructures_secrets_are_known_by_something() {
    let secret = |more: Value| {
        let mut secret = json!({"id": "a-b", "class": "infrastructure", "reason": "r"});
        secret
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        secret
    };
    let cases = [
        (json!({"variable": "LONG"}), Status::Pass, "the value of `LONG`"),
        (json!({"id": "LONG"}), Status::Pass, "the value of `LONG`"),
        (json!({"kind": "npm-token"}), Status::Pass, "kind `npm-token`"),
        (json!({"pattern": "corp_x"}), Status::Pass, "its pattern"),
        (json!({"variable": "SHORT"}), Status::Warn, "fewer than 8"),
        (json!({"variable": "NONE"}), Status::Warn, "not set here"),
        (json!({}), Status::Warn, "nothing says"),
    ];
    for (more, status, words) in cases {
        assert_one(secret(more), "known_by", status, words);
    }
}

#[test]
fn one_id_is_one_secret() {
    let definition = |length: u32, target: &str| {
        let secret = json!({"id": "key", "class": "per_install_generated", "length": length, "target": target});
        json!({"source": "a", "secrets": [secret]})
    };
    let alike = checked(&[definition(32, "AB"), definition(32, "CD")], "declaration");
    assert_eq!(
        alike,
        [(
            Status::Pass,
            "per_install_generated, declared by 2 definitions".to_owned()
        )]
    );
    let unlike = checked(&[definition(32, "AB"), definition(33, "AB")], "declaration");
    assert_eq!(
        unlike,
        [(
            Status::Fail,
            "`f0` and `f1` say different things of its `length`".to_owned()
        )]
    );
}

#[test]
fn values_in_the_environment_fail_and_are_not_shown() {
    let definition = json!({"source": "a", "environment": {"DB_PASSWORD": "hunter2!x", "MODE": "on"}});
    let found = checked(&[definition], "environment");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Status::Fail);
    assert!(
        found[0].1.contains("environment.DB_PASSWORD") && !found[0].1.contains("hunter2"),
        "{found:?}"
    );
    let fine = checked(&[json!({"source": "a", "environment": {"MODE": "on"}})], "environment");
    assert_eq!(
        fine,
        [(Status::Pass, "no variable of 1 definition holds a secret".to_owned())]
    );
}

#[test]
fn a_prompt_that_takes_nothing_is_warned_of() {
    let secret = |pattern: &str| json!({"id": "a", "class": "user_prompt", "target": "AB", "pattern": pattern});
    assert_one(secret("^.{8,}$"), "pattern", Status::Pass, "compiles");
    assert_one(secret("^.*$"), "pattern", Status::Warn, "empty");
}
