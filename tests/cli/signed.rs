//! Code that AWS Signer signed, in real calls of moto's Lambda. moto knows no signing: the test writes what Signer writes, and a proxy has Lambda name the job.

use std::io::{Cursor, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::functions::{Functions, key, upload};
use crate::support::kills::counted;
use crate::support::proxy::Action;
use crate::support::server::{MOTO, Project};
use crate::support::{Run, TestCommand};

const JOB: &str = "5ca1ab1e-0000-4000-8000-000000000000";
const JOB_ARN: &str = "arn:aws:signer:us-east-1:123456789012:/signing-jobs/5ca1ab1e-0000-4000-8000-000000000000";
const OTHER_JOB: &str = "0ff1ce00-0000-4000-8000-000000000000";
const OTHER_JOB_ARN: &str = "arn:aws:signer:us-east-1:123456789012:/signing-jobs/0ff1ce00-0000-4000-8000-000000000000";
const SIGNATURE: &str = "META_INF/aws_signer_signature_v1.0.SF";

/// A package with other entries behind its own.
fn with_entries(package: Vec<u8>, entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new_append(Cursor::new(package)).unwrap();
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    if entries.is_empty() {
        zip.set_comment("the same entries in other bytes").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What the job would have written of the package of a row, and of these entries; as a row that Lambda can be told to deploy.
fn sign(project: &Project, row: &Value, entries: &[(&str, &str)]) -> Value {
    let signed = with_entries(project.get(&key(row)), entries);
    let key = key(row)
        .replace("/packages/", "/signed/")
        .replace(".zip", &format!("/{JOB}.zip"));
    project.overwrite(&key, signed);
    json!({"store_url": format!("s3://{}/{key}", project.bucket)})
}

/// An answer of Lambda's in which a job made all code of functions that are called so; other tests have functions, too.
fn of_job(answer: &str, prefix: &str, arn: &str) -> String {
    fn name(value: &mut Value, prefix: &str, arn: &str) {
        match value {
            Value::Object(object) => {
                let function = object.get("FunctionName").and_then(Value::as_str);
                if object.contains_key("CodeSha256") && function.is_none_or(|name| name.starts_with(prefix)) {
                    object.insert("SigningJobArn".to_owned(), arn.into());
                }
                object.values_mut().for_each(|value| name(value, prefix, arn));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| name(value, prefix, arn)),
            _ => {}
        }
    }
    let Ok(mut answer) = serde_json::from_str(answer) else {
        return answer.to_owned();
    };
    name(&mut answer, prefix, arn);
    answer.to_string()
}

/// Runs a command to which Lambda says that all code of functions is of one job, and that of layers of another one.
fn asked_of(project: &Project, command: TestCommand, functions: &'static str, layers: &'static str) -> Run {
    let prefix = format!("{}-", project.bucket);
    let (run, _) = counted(&MOTO.endpoint, command, move |request| {
        let arn = match &request.target {
            target if target.contains("/layers") => layers,
            target if target.contains("/functions") => functions,
            _ => return Action::Forward,
        };
        let prefix = prefix.clone();
        Action::EditAnswer(Arc::new(move |answer| of_job(&answer, &prefix, arn)))
    });
    run
}

fn asked(project: &Project, command: TestCommand) -> Run {
    asked_of(project, command, JOB_ARN, JOB_ARN)
}

fn verify(project: &Project, functions: &Functions, args: &[&str]) -> Run {
    let prefix = functions.prefix();
    let command = project.command(["verify", "--level", "deployed", "--name-prefix", &prefix]);
    asked(project, command.args(args.iter().copied()))
}

#[test]
fn signed_code_of_the_package_is_in_order() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let row = upload(&project, 1);
    let signed = sign(&project, &row, &[(SIGNATURE, "a time, and more")]);
    assert_ne!(project.get(&key(&signed)), project.get(&key(&row)));
    functions.create("app", &signed, &[]);
    functions.create_alias("app", "live", "1");
    let run = verify(&project, &functions, &["--alias", "live"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(
        run.stdout.contains("same, signed") && !run.stdout.contains("differs\n"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("holds the entries of the published package"),
        "{run:?}"
    );
    let rows = verify(&project, &functions, &["--json"]).json();
    assert_eq!(
        (&rows[0]["same"], &rows[0]["versions"][0]["signing_job"]),
        (&json!(true), &json!(JOB_ARN)),
        "{rows}"
    );
    assert!(rows[0]["proves"].as_str().unwrap().contains("signing job"), "{rows}");

    // Somebody changed what is beside the code.
    functions.set_handler("app", "app.other");
    let run = verify(&project, &functions, &[]);
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stderr.contains("handler is app.other") && !run.stderr.contains("code_sha256"),
        "{run:?}"
    );
}

#[test]
fn signed_code_of_something_else_differs() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let row = upload(&project, 1);
    let signed = sign(&project, &row, &[(SIGNATURE, "a time"), ("evil.py", "import os")]);
    functions.create("app", &signed, &[]);
    let run = verify(&project, &functions, &[]);
    assert_eq!(run.code, 4, "{run:?}");
    for word in [
        "signed code whose entries aren't the package's: `evil.py` (added)",
        "describe-signing-job --job-id 5ca1ab1e",
    ] {
        assert!(run.stderr.contains(word), "{word}: {run:?}");
    }

    // The package of before, signed as it should be.
    let second = upload(&project, 2);
    let run = verify(&project, &functions, &[]);
    assert_eq!(run.code, 4, "{run:?}");
    let of_the_first = format!("signed code of the package {}", row["code_sha256"].as_str().unwrap());
    assert!(run.stderr.contains(&of_the_first), "{run:?}");
    assert!(run.stderr.contains(second["code_sha256"].as_str().unwrap()), "{run:?}");
}

#[test]
fn code_has_one_signature() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let row = upload(&project, 1);
    let second = "META_INF/aws_signer_signature_v2.0.SF";
    let deeper = "META_INF/aws_signer_signature_v1.0/evil.SF";
    for (entries, words) in [
        (&[][..], "with the entries of the package and no signature"),
        (
            &[(SIGNATURE, "a time"), (second, "another time")],
            "whose entries aren't the package's: `META_INF/aws_signer_signature_v1.0.SF` (added), `META_INF/aws_signer_signature_v2.0.SF` (added)",
        ),
        (
            &[(SIGNATURE, "a time"), (deeper, "import os")],
            "whose entries aren't the package's: `META_INF/aws_signer_signature_v1.0/evil.SF` (added)",
        ),
        (
            &[(deeper, "import os")],
            "`META_INF/aws_signer_signature_v1.0/evil.SF` (added)",
        ),
    ] {
        let signed = sign(&project, &row, entries);
        functions.create("app", &signed, &[]);
        let run = verify(&project, &functions, &[]);
        assert!(run.code == 4 && run.stderr.contains(words), "{words}: {run:?}");
        functions.delete("app");
    }
}

#[test]
fn what_is_not_proved_of_signed_code_is_said() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let row = upload(&project, 1);
    let signed = sign(&project, &row, &[(SIGNATURE, "a time")]);
    functions.create("app", &signed, &[]);
    let not_proved = |words: &[&str]| {
        let run = verify(&project, &functions, &[]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(
            run.stdout.contains("not proved") && !run.stderr.contains("drifted"),
            "{run:?}"
        );
        for word in words.iter().chain(&[
            "this isn't proved: $LATEST: whether the signed code",
            "aws signer describe-signing-job",
        ]) {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
    };
    // Who may write there replaced it.
    let kept = project.get(&key(&signed));
    project.overwrite(&key(&signed), with_entries(kept.clone(), &[("more", "")]));
    not_proved(&["isn't the code that Lambda has"]);
    project.delete(&key(&signed));
    not_proved(&[&format!("/{JOB}.zip` isn't there")]);
    // Nor is that forgotten beside something that differs.
    functions.set_handler("app", "app.other");
    let run = verify(&project, &functions, &[]);
    assert_eq!(run.code, 4, "{run:?}");
    for word in [
        "handler is app.other",
        "and this isn't proved: $LATEST: whether the signed code",
    ] {
        assert!(run.stderr.contains(word), "{word}: {run:?}");
    }
    functions.set_handler("app", "app.handler");
    project.overwrite(&key(&signed), kept);
    let package = project.get(&key(&row));
    project.forge(&key(&row), with_entries(package.clone(), &[("more", "")]));
    // By the file that names it: the store itself would be found damaged before.
    let run = verify(&project, &functions, &[]);
    assert!(run.code == 4 && run.stderr.contains("its record says"), "{run:?}");
    project.forge(&key(&row), package);
    assert_eq!(verify(&project, &functions, &[]).code, 0);
}

#[test]
fn layers_are_signed_too() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    project.dir.write(
        "lambda-json/common.json",
        r#"{"type": "layer", "source": {"path": "common.py", "prefix": "python"}}"#,
    );
    project
        .dir
        .write("code/common.py", format!("NAME = '{}'\n", project.bucket));
    project.dir.write(
        "lambda-json/app.json",
        r#"{"source": "app.py", "runtime": "python3.13", "handler": "app.handler", "layers": ["common"]}"#,
    );
    let rows = project.command(["upload", "--json"]).ok().json();
    let row = |name: &str| {
        rows.as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name)
            .unwrap()
            .clone()
    };
    let layer = sign(&project, &row("common"), &[(SIGNATURE, "a time")]);
    let arn = functions.publish_layer("common", &layer);
    let app = sign(&project, &row("app"), &[(SIGNATURE, "another time")]);
    // One job makes one object; which one doesn't matter here.
    let other = key(&app).replace(JOB, OTHER_JOB);
    project.overwrite(&other, project.get(&key(&app)));
    project.delete(&key(&app));
    functions.create(
        "app",
        &json!({"store_url": format!("s3://{}/{other}", project.bucket)}),
        std::slice::from_ref(&arn),
    );
    let prefix = functions.prefix();
    let command = project.command(["verify", "--level", "deployed", "--name-prefix", &prefix]);
    let run = asked_of(&project, command, OTHER_JOB_ARN, JOB_ARN);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(run.stdout.matches("same, signed  ").count(), 2, "{run:?}");

    // Of a function that isn't signed itself, too, it is said how its layer was compared.
    functions.delete("app");
    functions.create("app", &row("app"), &[arn]);
    let prefix = functions.prefix();
    let command = project.command([
        "verify",
        "--level",
        "deployed",
        "--json",
        "--name-prefix",
        &prefix,
        "app",
    ]);
    let functions_prefix = format!("{}-", project.bucket);
    let (run, _) = counted(&MOTO.endpoint, command, move |request| {
        if !request.target.contains("/layers") {
            return Action::Forward;
        }
        let prefix = functions_prefix.clone();
        Action::EditAnswer(Arc::new(move |answer| of_job(&answer, &prefix, JOB_ARN)))
    });
    let rows = run.json();
    assert!(rows[0]["versions"][0].get("signing_job").is_none(), "{rows}");
    assert_eq!((run.code, &rows[0]["same"]), (0, &json!(true)), "{run:?}");
    assert!(rows[0]["proves"].as_str().unwrap().contains("the entries of"), "{rows}");
}

#[test]
fn packages_that_run_signed_are_in_use() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let rows: Vec<Value> = (0..3).map(|number| upload(&project, number)).collect();
    let signed = sign(&project, &rows[0], &[(SIGNATURE, "a time")]);
    functions.create("app", &signed, &[]);
    let listed = asked(&project, project.command(["list", "--deployed", "--json"])).json();
    let of = |row: &Value| {
        let listed = listed.as_array().unwrap();
        listed
            .iter()
            .find(|it| it["source_hash"] == row["source_hash"])
            .unwrap()["deployed"]
            .clone()
    };
    assert_eq!(
        of(&rows[0])[0]["name"],
        format!("{}app", functions.prefix()),
        "{listed}"
    );
    assert_eq!(of(&rows[1]), json!([]), "{listed}");

    // Neither the newest nor the sources of now: signing alone keeps it.
    let gc = || {
        let plan = asked(
            &project,
            project.command(["gc", "--keep", "0", "--min-age", "0", "--json"]),
        )
        .json();
        let stay = plan["packages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["reasons"] != json!([]));
        let mut stay: Vec<String> = stay.map(|it| it["source_hash"].as_str().unwrap().to_owned()).collect();
        stay.sort();
        stay
    };
    let hashes = |rows: &[&Value]| {
        let mut hashes: Vec<String> = rows
            .iter()
            .map(|row| row["source_hash"].as_str().unwrap().to_owned())
            .collect();
        hashes.sort();
        hashes
    };
    assert_eq!(gc(), hashes(&[&rows[0], &rows[2]]));
    // Nobody knows any more which one runs.
    project.delete(&key(&signed));
    assert_eq!(gc(), hashes(&[&rows[0], &rows[1], &rows[2]]));
}
