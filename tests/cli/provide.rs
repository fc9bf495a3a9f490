//! `secrets provide`: values of secrets, as the deploy module has them put into Secrets Manager.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_secretsmanager::Client;
use serde_json::{Value, json};

use crate::support::kills::{Moment, counted, kill_at_each_request};
use crate::support::proxy::Action;
use crate::support::server::{MOTO, Project, config};
use crate::support::{Run, TestCommand};

/// In no test twice, and in no message.
const PASSWORD: &str = "correct-horse-7Qv2mX";

/// A secret that Terraform made, as yet without a value.
struct Secret {
    project: Project,
    client: Client,
    name: String,
}

impl Secret {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let client = Client::new(&config(&MOTO.endpoint));
        let name = format!("lambda-pack/secret-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        MOTO.wait(client.create_secret().name(&name).send()).unwrap();
        Secret {
            project: MOTO.project(),
            client,
            name,
        }
    }

    fn provide(&self, declaration: &Value, version: &str) -> TestCommand {
        self.project
            .command([
                "secrets",
                "provide",
                "--secret-id",
                &self.name,
                "--value-version",
                version,
            ])
            .arg(&declaration.to_string())
    }

    fn value(&self) -> Option<String> {
        let read = MOTO.wait(self.client.get_secret_value().secret_id(&self.name).send());
        read.ok().map(|answer| answer.secret_string.unwrap())
    }
}

fn generated() -> Value {
    json!({"id": "cookie-key", "class": "per_install_generated", "target": "COOKIE_KEY", "length": 40, "charset": "hex"})
}

fn prompted() -> Value {
    json!({
        "id": "smtp-password", "class": "user_prompt", "target": "SMTP", "label": "SMTP password",
        "description": "of the relay", "pattern": "^[a-zA-Z0-9-]{8,}$"
    })
}

fn gives(command: TestCommand, values: &Value) -> TestCommand {
    command.env("LAMBDA_PACK_SECRET_VALUES", values.to_string())
}

fn said(run: &Run) -> String {
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
fn a_value_is_generated_once_for_each_version() {
    let secret = Secret::new();
    let provide = |version: &str| secret.provide(&generated(), version).ok().stdout;
    assert_eq!(provide(""), "secret `cookie-key`: made\n");
    let first = secret.value().unwrap();
    assert!(
        first.len() == 40 && first.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
        "{first}"
    );
    assert_eq!(provide(""), "secret `cookie-key`: kept\n");
    assert_eq!(secret.value().unwrap(), first);

    assert_eq!(provide("2"), "secret `cookie-key`: made\n");
    let second = secret.value().unwrap();
    assert_ne!(second, first);
    for version in ["2", ""] {
        assert_eq!(provide(version), "secret `cookie-key`: kept\n");
        assert_eq!(secret.value().unwrap(), second);
    }
}

#[test]
fn a_value_of_somebody_else_is_kept() {
    let secret = Secret::new();
    let put = secret
        .client
        .put_secret_value()
        .secret_id(&secret.name)
        .secret_string("theirs");
    MOTO.wait(put.send()).unwrap();
    secret.provide(&generated(), "").ok();
    secret.provide(&prompted(), "").ok();
    assert_eq!(secret.value().unwrap(), "theirs");
}

/// moto takes another value under the same id; AWS answers so.
#[test]
fn of_two_that_generate_at_once_the_first_wins() {
    let secret = Secret::new();
    let body = r#"{"__type": "ResourceExistsException", "message": "You can't use ClientRequestToken again"}"#;
    let (run, asked) = counted(
        &MOTO.endpoint,
        secret.provide(&generated(), ""),
        move |request| match request.operation() == "PutSecretValue" {
            true => Action::Answer(400, "Content-Type: application/x-amz-json-1.1\r\n", body),
            false => Action::Forward,
        },
    );
    assert_eq!(run.stdout, "secret `cookie-key`: kept\n", "{run:?}");
    assert_eq!(asked.writes().len(), 1, "{asked:?}");
}

#[test]
fn killed_at_any_request_the_next_run_mends_it_and_makes_nothing_twice() {
    let asked = kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::Before, Moment::After],
        Secret::new,
        |secret| secret.provide(&generated(), ""),
        |secret, number, moment, operation| {
            let before = secret.value();
            let run = secret.provide(&generated(), "").ok();
            let status = if before.is_some() { "kept" } else { "made" };
            assert_eq!(
                run.stdout,
                format!("secret `cookie-key`: {status}\n"),
                "{moment:?} {number} {operation}"
            );
            assert!(secret.value().is_some());
            assert!(
                before.is_none() || before == secret.value(),
                "{moment:?} {number} {operation}"
            );
        },
    );
    let operations: Vec<_> = asked.0.iter().map(|asks| asks.split(' ').next().unwrap()).collect();
    assert_eq!(operations, ["DescribeSecret", "PutSecretValue"]);
}

#[test]
fn a_value_that_was_given_is_stored_and_needed_no_more() {
    let secret = Secret::new();
    let provide = |version: &str| secret.provide(&prompted(), version);
    let given = json!({"smtp-password": PASSWORD, "other": "x"});
    assert_eq!(
        gives(provide(""), &given).ok().stdout,
        "secret `smtp-password`: stored\n"
    );
    assert_eq!(secret.value().unwrap(), PASSWORD);
    assert_eq!(provide("").ok().stdout, "secret `smtp-password`: kept\n");

    // Mends a mistake of an apply that failed later.
    gives(provide(""), &json!({"smtp-password": "another-one"})).ok();
    assert_eq!(secret.value().unwrap(), "another-one");

    // A new version was asked for: the old one isn't it.
    provide("2").fails(3, &["`smtp-password`", "no value was given"]);
    gives(provide("2"), &given).ok();
    assert_eq!(secret.value().unwrap(), PASSWORD);
}

/// The secret was of another class when it got its value.
#[test]
fn a_value_that_was_made_up_is_no_answer_to_a_prompt() {
    let secret = Secret::new();
    let made = json!({"id": "smtp-password", "class": "per_install_generated", "target": "SMTP_PASSWORD"});
    secret.provide(&made, "").ok();
    let value = secret.value().unwrap();
    secret
        .provide(&prompted(), "")
        .fails(3, &["`smtp-password`", "no value was given"]);
    assert_eq!(secret.value().unwrap(), value, "functions go on reading it");
    gives(secret.provide(&prompted(), ""), &json!({"smtp-password": PASSWORD})).ok();
    assert_eq!(
        secret.provide(&prompted(), "").ok().stdout,
        "secret `smtp-password`: kept\n"
    );
    // Nor is what somebody gave replaced.
    assert_eq!(secret.provide(&made, "").ok().stdout, "secret `smtp-password`: kept\n");
    assert_eq!(secret.value().unwrap(), PASSWORD);
}

/// A root module that has no such variable: Terraform hands its environment on.
#[test]
fn a_value_may_pass_terraform_by() {
    let secret = Secret::new();
    let provide = || {
        let values = json!({"smtp-password": PASSWORD}).to_string();
        secret.provide(&prompted(), "").env("TF_VAR_secret_values", values)
    };
    gives(provide(), &json!({})).ok();
    assert_eq!(secret.value().unwrap(), PASSWORD);
    gives(provide(), &json!({"smtp-password": "the-variables-own"})).ok();
    assert_eq!(secret.value().unwrap(), "the-variables-own");
}

#[test]
fn a_value_that_is_missing_or_wrong_is_named_and_not_shown() {
    let secret = Secret::new();
    let provide = || secret.provide(&prompted(), "");
    provide().fails(
        3,
        &[
            "`smtp-password` (SMTP password: of the relay)",
            "no value was given",
            "TF_VAR_secret_values",
            "`parameter`",
        ],
    );
    let long = "x".repeat(65_537);
    for (values, words) in [
        (json!({"smtp-pasword": PASSWORD}), "values were given for: smtp-pasword"),
        (json!({"smtp-password": ""}), "no value was given"),
        (
            json!({"smtp-password": format!("{PASSWORD} ")}),
            "doesn't match its pattern",
        ),
        (json!({"smtp-password": long}), "is longer than 65536 bytes"),
        (
            json!({"smtp-password": [PASSWORD]}),
            "LAMBDA_PACK_SECRET_VALUES is no JSON object of strings",
        ),
        (
            json!(PASSWORD),
            "LAMBDA_PACK_SECRET_VALUES is no JSON object of strings",
        ),
    ] {
        let run = gives(provide(), &values).fails(3, &[words]);
        assert!(
            !said(&run).contains(PASSWORD) && !said(&run).contains("xxxxxx"),
            "{run:?}"
        );
    }
    assert_eq!(secret.value(), None);
}

#[test]
fn the_most_talkative_run_shows_no_value() {
    let secret = Secret::new();
    let run = gives(
        secret.provide(&prompted(), "").arg("-vvv"),
        &json!({"smtp-password": PASSWORD}),
    )
    .ok();
    assert_eq!(secret.value().unwrap(), PASSWORD);
    assert!(run.stderr.contains("PutSecretValue"), "{run:?}");
    assert!(!said(&run).contains(PASSWORD), "{run:?}");

    let secret = Secret::new();
    let run = secret.provide(&generated(), "").arg("-vvv").ok();
    assert!(!said(&run).contains(&secret.value().unwrap()), "{run:?}");
}

#[test]
fn an_existing_parameter_is_looked_for_and_not_read() {
    let secret = Secret::new();
    let name = format!("/{}", secret.name);
    let declaration = json!({"id": "relay-token", "class": "user_prompt", "target": "RELAY", "parameter": name});
    let provide = || {
        secret
            .project
            .command(["secrets", "provide", "--secret-id", ""])
            .arg(&declaration.to_string())
    };
    provide().fails(
        1,
        &[
            "`relay-token`",
            &format!("no SSM parameter `{name}`"),
            "aws ssm put-parameter",
        ],
    );

    let put = aws_sdk_ssm::Client::new(&config(&MOTO.endpoint))
        .put_parameter()
        .name(&name)
        .value(PASSWORD);
    MOTO.wait(put.r#type(aws_sdk_ssm::types::ParameterType::SecureString).send())
        .unwrap();
    let (run, asked) = counted(&MOTO.endpoint, provide().arg("--json"), |request| {
        assert!(!String::from_utf8_lossy(&request.body).contains("\"WithDecryption\":true"));
        Action::Forward
    });
    assert_eq!(run.json(), json!({"id": "relay-token", "status": "found"}));
    assert_eq!(asked.0, [format!("GetParameter {name}")]);
    assert_eq!(secret.value(), None);
}

#[test]
fn what_is_not_its_business_is_refused() {
    let secret = Secret::new();
    let remote = json!({"id": "stripe-key", "class": "remote_fetch", "target": "STRIPE", "name": "shop/stripe"});
    secret
        .provide(&remote, "")
        .fails(3, &["`stripe-key`", "`remote_fetch`"]);
    secret
        .provide(&json!({"id": "a", "class": "user_prompt"}), "")
        .fails(3, &["key `target` is missing"]);
    secret
        .provide(&json!({"id": "a", "class": "prompt"}), "")
        .fails(3, &["found `prompt`"]);
    let command = |args: [&str; 4]| secret.project.command(args).arg(&generated().to_string());
    command(["secrets", "provide", "--secret-id", ""]).fails(2, &["`cookie-key`", "--secret-id"]);
    command(["secrets", "provide", "--secret-id", "lambda-pack/no-such-secret"])
        .fails(1, &["lambda-pack/no-such-secret"]);
}
