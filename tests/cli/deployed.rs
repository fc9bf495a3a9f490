//! `verify --level deployed`: real calls of moto's Lambda, and edits that Terraform doesn't see.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::s3::published;
use crate::support::functions::{Functions, key, source, upload};
use crate::support::kills::counted;
use crate::support::proxy::Action;
use crate::support::server::{MOTO, Project};
use crate::support::{Run, TestCommand};

fn verify<'a>(project: &Project, prefix: &'a str, args: &[&'a str]) -> TestCommand {
    let command = project.command(["verify", "--level", "deployed", "--name-prefix", prefix]);
    command.args(args.iter().copied())
}

#[track_caller]
fn drifted(run: &Run, words: &[&str]) {
    assert_eq!(run.code, 4, "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "no {word:?} in {}", run.stderr);
    }
}

#[test]
fn an_edit_behind_terraforms_back_is_found_whatever_the_alias_says() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let prefix = functions.prefix();
    let with_alias = |args: &[&str]| verify(&project, &prefix, &[&["--alias", "live"], args].concat()).run();
    project
        .command(["verify", "--level", "deployed"])
        .fails(1, &["function `app`", "no package of its source", "--packages"]);
    let first = upload(&project, 1);
    let run = verify(&project, &prefix, &[]).run();
    drifted(
        &run,
        &[
            "function `app`",
            &format!("`{prefix}app` isn't deployed in us-east-1"),
            "--name-prefix",
        ],
    );
    assert!(
        run.stdout.contains("missing") && !run.stdout.contains("same:"),
        "{run:?}"
    );
    functions.create("app", &first, &[]);
    let run = verify(&project, &prefix, &[]).ok();
    assert!(run.stdout.contains("same: Lambda's SHA-256 of the code"), "{run:?}");
    drifted(&with_alias(&[]), &["live: alias is no such alias"]);
    functions.create_alias("app", "live", "1");
    let rows = with_alias(&["--json"]).json();
    let expected = json!([
        {"qualifier": "$LATEST", "version": "$LATEST", "differences": []},
        {"qualifier": "live", "version": "1", "differences": []},
    ]);
    assert_eq!(
        (&rows[0]["versions"], &rows[0]["same"]),
        (&expected, &json!(true)),
        "{rows}"
    );
    assert_eq!(rows[0]["function"], format!("{prefix}app"));

    functions.edit("app");
    let run = with_alias(&[]);
    let mend = format!(
        "update-function-code --function-name {prefix}app --s3-bucket {} --s3-key {}",
        project.bucket,
        key(&first)
    );
    drifted(
        &run,
        &[
            "$LATEST: code_sha256 is ",
            first["code_sha256"].as_str().unwrap(),
            &mend,
        ],
    );
    assert!(!run.stderr.contains("live"), "the alias is right: {run:?}");
    let rows = with_alias(&["--json"]).json();
    assert_eq!(
        rows[0]["versions"][0]["differences"][0]["what"], "code_sha256",
        "{rows}"
    );
    assert_eq!(
        (&rows[0]["versions"][1]["differences"], &rows[0]["same"]),
        (&json!([]), &json!(false)),
        "{rows}"
    );
    let edited = functions.publish("app");
    functions.move_alias("app", "live", &edited);
    drifted(&with_alias(&[]), &[&format!("live ({edited}): code_sha256 is ")]);

    // What the message says mends it.
    let version = functions.deploy("app", &first);
    functions.move_alias("app", "live", &version);
    assert_eq!(with_alias(&[]).code, 0);
    functions.set_handler("app", "app.other");
    drifted(
        &with_alias(&[]),
        &["$LATEST: handler is app.other, should be app.handler", "terraform plan"],
    );
    functions.set_handler("app", "app.handler");

    // Of what was deployed, whatever the sources are now.
    let packages = published(&project).ok().stdout;
    project
        .dir
        .write("code/app.py", "def handler(event, context):\n    return 'newer'\n");
    let run = with_alias(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    verify(&project, &prefix, &["--alias", "live", "--packages", "-"])
        .stdin(packages.clone())
        .ok();
    let plain: Value = serde_json::from_str(&packages).unwrap();
    project.dir.write("packages.json", plain["packages"].as_str().unwrap());
    verify(&project, &prefix, &["app", "--packages", "packages.json"]).ok();
    verify(&project, &prefix, &["nobody", "--packages", "packages.json"]).fails(2, &["`nobody`"]);
    let second = upload(&project, 2);
    let run = verify(&project, &prefix, &[]).run();
    drifted(
        &run,
        &[
            second["code_sha256"].as_str().unwrap(),
            first["code_sha256"].as_str().unwrap(),
        ],
    );
}

#[test]
fn layers_are_compared_by_what_is_in_them() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let prefix = functions.prefix();
    project
        .dir
        .write("code/shared/python/shared.py", format!("name = '{prefix}'\n"));
    project.dir.write(
        "lambda-json/shared.json",
        json!({"type": "layer", "source": "shared"}).to_string(),
    );
    let app = json!({"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "layers": ["shared"]});
    project.dir.write("lambda-json/app.json", app.to_string());
    let rows = project.command(["upload", "--json"]).ok().json();
    let verify = || verify(&project, &prefix, &[]).run();
    let of_layer = |run: &Run| run.stderr.contains("function `shared`");
    let layer = functions.publish_layer("shared", &rows[1]);
    functions.create("app", &rows[0], &[layer]);
    let run = verify();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("newest (1)"), "{run:?}");

    // Another layer of the same content isn't that layer.
    let other = functions.publish_layer("other", &rows[1]);
    functions.delete("app");
    functions.create("app", &rows[0], &[other]);
    let run = verify();
    drifted(&run, &["layers is arn:", "other:1, should be shared"]);
    assert!(!of_layer(&run), "{run:?}");
    // A version with other content.
    let wrong = functions.publish_layer("shared", &rows[0]);
    functions.delete("app");
    functions.create("app", &rows[0], &[wrong]);
    let run = verify();
    drifted(&run, &["shared:2, should be shared", "newest (2): code_sha256"]);
    functions.delete("app");
    functions.create("app", &rows[0], &[]);
    drifted(&verify(), &["layers is none, should be shared"]);
}

#[test]
fn throttling_is_waited_out_and_missing_rights_are_named() {
    const THROTTLED: &str = r#"{"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate exceeded"}"#;
    const DENIED: &str = r#"{"Message": "User: x is not authorized to perform: lambda:GetFunctionConfiguration"}"#;
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let prefix = functions.prefix();
    functions.create("app", &upload(&project, 1), &[]);
    let is_question = |target: &str| target.contains("/functions/");
    let asked = AtomicUsize::new(0);
    let (run, _) = counted(&MOTO.endpoint, verify(&project, &prefix, &[]), move |request| {
        match is_question(&request.target) && asked.fetch_add(1, Ordering::SeqCst) < 2 {
            true => Action::Answer(429, "x-amzn-ErrorType: TooManyRequestsException\r\n", THROTTLED),
            false => Action::Forward,
        }
    });
    assert_eq!(run.code, 0, "{run:?}");
    let refused = |status, kind, body, attempts: &str| {
        let command = verify(&project, &prefix, &[]).env("AWS_MAX_ATTEMPTS", attempts);
        let (run, asked) = counted(&MOTO.endpoint, command, move |request| {
            match is_question(&request.target) {
                true => Action::Answer(status, kind, body),
                false => Action::Forward,
            }
        });
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        (run.stderr, asked.0.iter().filter(|it| is_question(it)).count())
    };
    let (said, count) = refused(403, "x-amzn-ErrorType: AccessDeniedException\r\n", DENIED, "5");
    assert!(
        said.contains("not authorized to perform: lambda:GetFunctionConfiguration"),
        "{said}"
    );
    assert!(
        said.contains("function `app`") && said.contains("lambda:GetAlias"),
        "{said}"
    );
    assert_eq!(count, 1);
    let (said, count) = refused(429, "x-amzn-ErrorType: TooManyRequestsException\r\n", THROTTLED, "2");
    assert!(
        said.contains("throttled, even after retries") && said.contains("run again later"),
        "{said}"
    );
    assert_eq!(count, 2);
}

#[test]
fn what_was_rolled_back_is_what_is_meant() {
    const FILE: &str = "lambda-deploy-module/rollback.auto.tfvars.json";
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let prefix = functions.prefix();
    fs::create_dir(project.dir.join("lambda-deploy-module")).unwrap();
    let first = upload(&project, 1);
    upload(&project, 2);
    let packages = published(&project).ok().json()["packages"].as_str().unwrap().to_owned();
    project.dir.write("packages.json", packages);
    functions.create("app", &first, &[]);
    let verify = |args: &[&str]| verify(&project, &prefix, args).run();
    drifted(&verify(&[]), &["$LATEST: code_sha256"]);
    let hash = first["source_hash"].as_str().unwrap();
    project.command(["rollback", "app", "--to", hash]).ok();
    // As Terraform: by itself, or beside the file that it overrides.
    let both = ["--packages", "packages.json", "--packages", FILE];
    for args in [&[][..], &["--packages", FILE], &both] {
        assert_eq!(verify(args).code, 0, "{args:?}");
    }
    drifted(&verify(&["--packages", "packages.json"]), &["$LATEST: code_sha256"]);
    project.command(["rollback", "app", "--clear"]).ok();

    // A version that an alias is held at.
    functions.create_alias("app", "live", "1");
    project.dir.write("code/app.py", source(&project.bucket, 2));
    let newest = project.command(["upload", "--json"]).ok().json()[0].clone();
    functions.deploy("app", &newest);
    let hold = |version: &'static str| project.command(["rollback", "app", "--alias-version", version]);
    hold("1").fails(
        5,
        &["Lambda has no version 1 of `app`", "--name-prefix", "--without-lambda"],
    );
    hold("9")
        .args(["--name-prefix", &prefix])
        .fails(5, &[&format!("version 9 of `{prefix}app`")]);
    let unknown = hold("9").env("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1").ok();
    assert!(
        unknown.stderr.contains("nobody knows whether Lambda has version 9"),
        "{unknown:?}"
    );
    let run = hold("9").arg("--without-lambda").ok();
    assert!(!run.stderr.contains("nobody knows"), "{run:?}");
    hold("1").args(["--name-prefix", &prefix]).ok();
    let run = verify(&[]);
    assert!(run.code == 0 && run.stderr.contains("held at version 1"), "{run:?}");
    let run = verify(&["--alias", "live"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(
        run.stdout.contains("held") && run.stdout.contains("live (1)"),
        "{run:?}"
    );
    functions.move_alias("app", "live", "2");
    drifted(
        &verify(&["--alias", "live"]),
        &["live: alias is version 2, should be version 1"],
    );

    project
        .dir
        .write(FILE, r#"{"alias_versions": {"app": "1", "app": "2"}}"#);
    for run in [verify(&[]), hold("1").arg("--without-lambda").run()] {
        assert_eq!(run.code, 3, "{run:?}");
        assert!(
            run.stderr.contains(FILE) && run.stderr.contains("`app` comes twice"),
            "{run:?}"
        );
    }
    project.dir.write("none.json", "{}");
    let run = verify(&["--packages", "none.json"]);
    assert!(
        run.code == 3 && run.stderr.contains("none.json: no packages are named"),
        "{run:?}"
    );
}

#[test]
fn flags_of_another_level_are_refused() {
    let project = MOTO.project();
    project
        .command(["verify", "--level", "store", "--alias", "live"])
        .fails(2, &["--alias is for --level deployed"]);
    project.dir.write("not.json", "{\"app\": 1}");
    project
        .command(["verify", "--level", "deployed", "--packages", "not.json"])
        .fails(3, &["not.json", "terraform output -json packages"]);
}

#[test]
fn a_lambda_that_never_answers_is_given_up() {
    let project = MOTO.project();
    upload(&project, 1);
    let command = verify(&project, "", &[]).env("AWS_MAX_ATTEMPTS", "1");
    let (run, _) = counted(&MOTO.endpoint, command, |request| {
        match request.target.contains("/functions/") {
            true => Action::Stall,
            false => Action::Forward,
        }
    });
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(
        run.stderr.contains("the service can't be reached") && run.stderr.contains("--endpoint-url"),
        "{run:?}"
    );
}
