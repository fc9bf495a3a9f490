//! `secrets list`, `check` and `classify`.

use serde_json::{Value, json};

use crate::support::Dir;

/// Two functions and a profile, with a secret of each class.
fn project() -> Dir {
    let dir = Dir::new();
    for name in ["orders", "mails"] {
        dir.write(
            &format!("code/{name}.py"),
            "def handler(event, context):\n    return event\n",
        );
    }
    definition(
        &dir,
        "orders",
        &json!({
            "secrets": [
                {"id": "ci-token", "class": "infrastructure", "reason": "of the pipeline", "variable": "CI_TOKEN"},
                {"id": "cookie-key", "class": "per_install_generated", "target": "COOKIE_KEY_SECRET"},
                {"id": "stripe", "class": "remote_fetch", "target": "STRIPE_SECRET", "name": "shop/stripe"},
            ],
        }),
    );
    definition(
        &dir,
        "mails",
        &json!({
            "secrets": [{"id": "smtp", "class": "user_prompt", "target": "SMTP_SECRET", "label": "SMTP password"}],
        }),
    );
    dir.write(
        "lambda-pack.toml",
        r#"
[profiles.prod]
[[profiles.prod.secrets]]
id = "smtp"
class = "remote_fetch"
target = "SMTP_SECRET"
parameter = "/prod/smtp"
functions = ["mails"]
"#,
    );
    dir
}

fn definition(dir: &Dir, name: &str, more: &Value) {
    let mut definition =
        json!({"runtime": "python3.13", "handler": format!("{name}.handler"), "source": format!("{name}.py")});
    definition
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    dir.write(
        &format!("lambda-json/{name}.json"),
        serde_json::to_string_pretty(&definition).unwrap(),
    );
}

#[test]
fn all_that_is_declared_is_listed() {
    let dir = project();
    let listed = dir.command(["secrets", "list", "--json"]).ok().json();
    let orders = "lambda-json/orders.json";
    assert_eq!(
        listed,
        json!([
            {"id": "ci-token", "class": "infrastructure", "functions": ["mails", "orders"], "declared_in": [orders]},
            {"id": "cookie-key", "class": "per_install_generated", "target": "COOKIE_KEY_SECRET", "functions": ["orders"], "declared_in": [orders]},
            {"id": "smtp", "class": "user_prompt", "target": "SMTP_SECRET", "functions": ["mails"], "declared_in": ["lambda-json/mails.json"]},
            {"id": "stripe", "class": "remote_fetch", "target": "STRIPE_SECRET", "functions": ["orders"], "declared_in": [orders]},
        ])
    );
    let of_profile = dir
        .command(["secrets", "list", "mails", "--json", "--deployment-profile", "prod"])
        .ok()
        .json();
    assert_eq!(
        of_profile,
        json!([{
            "id": "smtp", "class": "remote_fetch", "target": "SMTP_SECRET", "functions": ["mails"],
            "declared_in": ["lambda-pack.toml: profile `prod`"],
        }])
    );
    let table = dir.command(["secrets", "list"]).ok().stdout;
    assert!(
        table.contains("ci-token    infrastructure         -                  in none    lambda-json/orders.json"),
        "{table}"
    );
}

#[test]
fn a_check_says_all_that_is_wrong() {
    let dir = project();
    let checks = |run: crate::support::Run| {
        let checks = run.json();
        let checks = checks.as_array().unwrap().iter().map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("check"), text("secret"), text("status"))
        });
        checks.collect::<Vec<_>>()
    };
    let passed = dir
        .command(["secrets", "check", "--json"])
        .env("CI_TOKEN", "0123456789")
        .ok();
    assert!(!passed.stdout.contains("0123456789"));
    let expected = [
        "declaration ci-token pass",
        "known_by ci-token pass",
        "declaration cookie-key pass",
        "place cookie-key pass",
        "declaration smtp pass",
        "place smtp pass",
        "declaration stripe pass",
        "place stripe pass",
        "environment - pass",
    ];
    assert_eq!(checks(passed), expected);
    let warned = dir.command(["secrets", "check"]).ok().stdout;
    assert!(warned.contains("`CI_TOKEN` is not set here"), "{warned}");

    definition(
        &dir,
        "mails",
        &json!({
            "environment": {"SMTP_PASSWORD": "tr0ub4dor&3", "MODE": "0123456789"},
            "secrets": [{"id": "stripe", "class": "remote_fetch", "target": "STRIPE_SECRET", "name": "a b"}],
        }),
    );
    let failed = dir
        .command(["secrets", "check", "--json"])
        .env("CI_TOKEN", "0123456789")
        .run();
    assert_eq!(failed.code, 3, "{failed:?}");
    for value in ["tr0ub4dor", "0123456789"] {
        assert!(
            !failed.stdout.contains(value) && !failed.stderr.contains(value),
            "{failed:?}"
        );
    }
    for word in [
        "environment.MODE",
        "infrastructure secret `ci-token`",
        "different things of its `name`",
    ] {
        assert!(failed.stderr.contains(word), "{word}: {failed:?}");
    }
    assert!(checks(failed).contains(&"declaration stripe fail".to_owned()));
    // What isn't declared is a secret like others.
    let failed = dir.command(["secrets", "check"]).run();
    assert_eq!(failed.code, 8, "{failed:?}");
    // What a definition may not say at all ends earlier.
    definition(
        &dir,
        "mails",
        &json!({
            "environment": {"AB": "x"},
            "secrets": [{"id": "a", "class": "user_prompt", "target": "AB", "pattern": "("}, {"id": "a", "class": "user_prompt", "target": "AB"}],
        }),
    );
    dir.command(["secrets", "check"]).fails(
        3,
        &[
            "mails.json:11:18: key `secrets[0]`: key `pattern`: ",
            "mails.json:14:5: key `secrets[1]`: ",
            "the secret `a` comes twice",
        ],
    );
}

#[test]
fn a_class_is_suggested_for_what_looks_like_a_secret() {
    let dir = project();
    let dull = dir.command(["secrets", "classify"]).ok().stdout;
    assert_eq!(dull, "no environment variable looks like a secret\n");
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
    definition(
        &dir,
        "mails",
        &json!({
            "environment": {"SMTP_PASSWORD": "tr0ub4dor&3", "LOG_LEVEL": "INFO", "SESSION_SECRET": "", "DB": arn, "NPM_TOKEN": "x1"},
        }),
    );
    let rows = dir.command(["secrets", "classify", "--json"]).ok();
    assert!(!rows.stdout.contains("tr0ub4dor"), "{rows:?}");
    let rows = rows.json();
    let rows: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert!(!row["why"].as_str().unwrap().is_empty());
            assert_eq!(
                (&row["function"], &row["file"]),
                (&json!("mails"), &json!("lambda-json/mails.json"))
            );
            (row["key"].as_str().unwrap(), row["class"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("environment.DB", "remote_fetch"),
            ("environment.NPM_TOKEN", "infrastructure"),
            ("environment.SESSION_SECRET", "per_install_generated"),
            ("environment.SMTP_PASSWORD", "user_prompt"),
        ]
    );
    // What it says can be pasted: then nothing is left to suggest.
    let text = dir.command(["secrets", "classify", "mails"]).ok().stdout;
    assert!(
        text.contains("lambda-json/mails.json:7: environment.SMTP_PASSWORD: user_prompt"),
        "{text}"
    );
    let pasted = text
        .lines()
        .filter_map(|line| line.strip_prefix("  declare: \"secrets\": "));
    let pasted: Vec<Value> = pasted
        .flat_map(|json| serde_json::from_str::<Vec<Value>>(json).unwrap())
        .collect();
    assert_eq!(pasted.len(), 4);
    definition(
        &dir,
        "mails",
        &json!({"environment": {"LOG_LEVEL": "INFO"}, "secrets": pasted}),
    );
    dir.command(["validate"]).ok();
    dir.command(["secrets", "check"]).ok();
    assert_eq!(dir.command(["secrets", "classify"]).ok().stdout, dull);
}

/// The target of a secret is a variable like others: Lambda refuses its name, or more than 4 KB, when the function is deployed.
#[test]
fn a_target_is_a_variable_of_the_function() {
    let dir = project();
    let mails = |target: &str, name: &str| {
        let secret = json!({"id": "key", "class": "remote_fetch", "target": target, "name": name});
        // 3 + 4029 bytes.
        let environment = json!({"BIG": "x".repeat(4029)});
        definition(&dir, "mails", &json!({"secrets": [secret], "environment": environment}));
        dir.command(["validate", "mails"])
    };
    mails("KEY_SECRET", &"n".repeat(54)).ok();
    mails("KEY_SECRET", &"n".repeat(55)).fails(3, &["environment variables have 4097 bytes"]);
    mails("AWS_SESSION_TOKEN", "n").fails(3, &["`AWS_SESSION_TOKEN`", "is set by Lambda itself"]);
}

#[test]
fn what_one_profile_keeps_out_is_kept_out_everywhere() {
    const VALUE: &str = "S3cr3tVaXlueQx99Zk41";
    let dir = Dir::with_app();
    dir.write(
        "code/app.py",
        format!("def handler(event, context):\n    return 1  # {VALUE}\n"),
    );
    dir.write(
        "lambda-pack.toml",
        "[profiles.other]\n\n[[profiles.dev.secrets]]\nid = \"deploy-token\"\nclass = \"infrastructure\"\nreason = \"of the pipeline\"\nvariable = \"DEPLOY_TOKEN\"\n",
    );
    for profile in ["", "other", "dev"] {
        for command in ["validate", "build", "upload"] {
            let run = dir
                .command([command, "--deployment-profile", profile])
                .env("DEPLOY_TOKEN", VALUE);
            let run = run.fails(3, &["deploy-token"]);
            assert!(!run.stderr.contains(VALUE), "{run:?}");
        }
    }
    assert!(!dir.join(".lambda-pack/store/packages").exists());
}

/// What one command refuses of a declaration, no other one deploys.
#[test]
fn what_a_check_refuses_is_deployed_by_nobody() {
    let remote =
        |keys: &str| format!(r#"{{"id": "stripe", "class": "remote_fetch", "target": "STRIPE_SECRET", {keys}}}"#);
    let cases = [
        (remote(r#""name": "a b""#), "Secrets Manager takes no such name"),
        (remote(r#""parameter": "a/b""#), "doesn't begin with `/`"),
        (remote(r#""parameter": "/aws/x""#), "keeps for AWS"),
        (remote(r#""arn": "arn:aws:s3:::x""#), "no ARN of a secret"),
        (
            remote(r#""arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*""#),
            "names more than one secret",
        ),
        (
            r#"{"id": "ci", "class": "per_install_generated", "target": "CI_SECRET", "length": 40}"#.to_owned(),
            "`app` and `other` say different things of its `length`",
        ),
    ];
    for (secret, words) in cases {
        let dir = Dir::new();
        dir.write("lambda-pack.toml", "[profiles.prod]\n");
        for (name, secret) in [
            ("app", secret.as_str()),
            (
                "other",
                r#"{"id": "ci", "class": "per_install_generated", "target": "CI_SECRET"}"#,
            ),
        ] {
            dir.write(&format!("code/{name}/{name}.py"), "");
            dir.write(
                &format!("lambda-json/{name}.json"),
                format!(
                    r#"{{"runtime": "python3.13", "handler": "{name}.handler", "source": "{name}", "secrets": [{secret}]}}"#
                ),
            );
        }
        for args in [
            &["secrets", "check"][..],
            &["profile", "check"],
            &["validate"],
            &["upload"],
            &["bundle", "export", "--deployment-profile", "prod"],
            &["run", "--deployment-profile", "prod"],
        ] {
            let run = dir.command(args.iter().copied()).run();
            assert_eq!(run.code, 3, "{args:?}: {run:?}");
            assert!(run.stderr.contains(words), "{args:?}: {words}: {run:?}");
        }
        assert!(!dir.join(".lambda-pack/store/packages").exists(), "nothing is uploaded");
    }
}
