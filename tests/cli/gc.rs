//! `gc`: what nothing refers to goes, and nothing else.

mod ages;
mod races;

use std::collections::BTreeSet;
use std::fs;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};

use crate::s3::{against_both, published};
use crate::support::functions::{Functions, key, upload};
use crate::support::kills::counted;
use crate::support::proxy::Action;
use crate::support::server::{MOTO, Project, Server, VERSITYGW};
use crate::support::{Dir, TestCommand, hash_of};

against_both!(what_nothing_refers_to_goes);

/// Everything that isn't the source of now, however young.
const ALL: [&str; 6] = ["gc", "--keep", "0", "--min-age", "0", "--without-lambda"];

fn gc(project: &Project, args: &[&str]) -> TestCommand {
    project.command(ALL).args(args.iter().copied())
}

/// Every record has its manifest and its package; returns how many there are.
#[track_caller]
fn assert_whole(project: &Project) -> usize {
    let keys = BTreeSet::from_iter(project.keys());
    let records = project.keys_of("records");
    for key in &records {
        let record: Value = serde_json::from_slice(&project.get(key)).unwrap();
        assert!(keys.contains(record["s3_key"].as_str().unwrap()), "{key} in {keys:?}");
        assert!(
            keys.contains(&key.replace("/records/", "/manifests/")),
            "{key} in {keys:?}"
        );
        let statement = key.replace("/records/", "/provenance/").replace(".json", ".");
        assert!(keys.iter().any(|it| it.starts_with(&statement)), "{key} in {keys:?}");
    }
    records.len()
}

fn count(project: &Project) -> [usize; 3] {
    ["records", "manifests", "packages"].map(|part| project.keys_of(part).len())
}

fn what_nothing_refers_to_goes(server: &'static Server) {
    let project = server.project();
    let rows: Vec<Value> = (0..3).map(|number| upload(&project, number)).collect();
    let before = project.keys();
    let plan = gc(&project, &[]).ok();
    assert_eq!(project.keys(), before);
    for word in [
        "Lambda was not asked",
        "current source",
        "delete",
        "8 objects",
        "gc --yes",
    ] {
        assert!(plan.stdout.contains(word), "{word}: {plan:?}");
    }
    let json = gc(&project, &["--json"]).ok().json();
    assert_eq!(
        (&json["deleted"], &json["objects"], &json["left_over"]),
        (&json!(false), &json!(8), &json!(0)),
        "{json}"
    );
    let keeps = json["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["keep"] == true);
    let keeps: Vec<&Value> = keeps.collect();
    assert_eq!(
        (keeps.len(), &keeps[0]["source_hash"], &keeps[0]["reasons"]),
        (1, &rows[2]["source_hash"], &json!(["current"]))
    );
    let sizes: u64 = before
        .iter()
        .filter(|key| {
            let source_hash = rows[2]["source_hash"].as_str().unwrap();
            !key.contains(source_hash) && !key.contains(hex_of(&rows[2]))
        })
        .map(|key| project.get(key).len() as u64)
        .sum();
    assert_eq!(json["size_bytes"], sizes, "{json}");

    let done = gc(&project, &["--yes"]).ok();
    assert!(
        done.stdout.contains("deleted 8 objects") && done.stdout.contains("nothing referred to it"),
        "{done:?}"
    );
    assert_eq!((count(&project), assert_whole(&project)), ([1, 1, 1], 1));
    assert!(project.keys().contains(&key(&rows[2])));
    let again = gc(&project, &["--yes"]).ok();
    assert!(again.stdout.contains("nothing to delete"), "{again:?}");
    // A record that this machine knows of is no record.
    assert_eq!(upload(&project, 0)["status"], "uploaded");
    assert_eq!(upload(&project, 0)["status"], "unchanged");
    assert_eq!(count(&project), [2, 2, 2]);
    // Nobody knows which source is that of now.
    let elsewhere = Dir::new();
    gc(&project, &[])
        .current_dir(elsewhere.path())
        .fails(3, &["--without-sources"]);
    let all = gc(&project, &["--without-sources", "--yes"])
        .current_dir(elsewhere.path())
        .ok();
    assert!(all.stdout.contains("deleted 8 objects"), "{all:?}");
    assert_eq!(count(&project), [0, 0, 0]);
}

/// The package's name in its key.
fn hex_of(row: &Value) -> &str {
    row["store_url"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[test]
fn a_package_of_two_records_stays_with_one_of_them() {
    let project = MOTO.project();
    let made = |number: usize| {
        let script = format!("mkdir out && cp app.py out/ && : {number}");
        let definition = json!({
            "runtime": "python3.13", "handler": "app.handler", "source": "app.py",
            "build": {"type": "command", "command": ["sh", "-c", script], "output": "out"}
        });
        project.dir.write("lambda-json/app.json", definition.to_string());
        upload(&project, 1)
    };
    let (first, second) = (made(1), made(2));
    assert_ne!(first["source_hash"], second["source_hash"]);
    assert_eq!(
        (first["store_url"].clone(), count(&project)),
        (second["store_url"].clone(), [2, 2, 1])
    );
    let done = gc(&project, &["--yes"]).ok();
    assert!(done.stdout.contains("deleted 3 objects"), "{done:?}");
    assert_eq!((count(&project), assert_whole(&project)), ([1, 1, 1], 1));
}

#[test]
fn what_lambda_has_or_a_file_names_stays() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let rows: Vec<Value> = (0..3).map(|number| upload(&project, number)).collect();
    let packages = published(&project).ok().stdout;
    project.dir.write("packages.json", packages);
    let last = upload(&project, 3);
    upload(&project, 4);
    functions.create("app", &rows[0], &[]);
    functions.create_alias("app", "live", "1");
    functions.deploy("app", &rows[1]);
    functions.edit("app");
    let gc = |args: &[&str]| {
        let command = project.command(["gc", "--keep", "0", "--min-age", "0", "--keep-bundle", "packages.json"]);
        command.args(args.iter().copied())
    };
    let plan = gc(&[]).ok().stdout;
    let name = format!("{}app", functions.prefix());
    for word in [
        format!("{name}:1 (live)"),
        format!("{name}:2"),
        "packages.json".to_owned(),
        "asked Lambda in us-east-1: ".to_owned(),
    ] {
        assert!(plan.contains(&word), "{word} in {plan}");
    }
    let json = gc(&["--yes", "--json"]).ok().json();
    assert_eq!(
        (&json["objects"], &json["keeps_versions"]),
        (&json!(4), &json!(false)),
        "{json}"
    );
    assert_eq!((count(&project), assert_whole(&project)), ([4, 4, 4], 4));
    assert!(!project.keys().contains(&key(&last)));

    // Nobody said that what is deployed doesn't count.
    let denied = r#"{"Message": "User: x is not authorized to perform: lambda:ListFunctions"}"#;
    let before = project.keys();
    let (run, asked) = counted(&MOTO.endpoint, gc(&["--yes"]), move |request| {
        match request.target.starts_with("/2015-03-31/functions") {
            true => Action::Answer(403, "x-amzn-ErrorType: AccessDeniedException\r\n", denied),
            false => Action::Forward,
        }
    });
    assert_eq!(
        (run.code, run.stdout.as_str(), project.keys()),
        (1, "", before),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("lambda:ListFunctions") && run.stderr.contains("--without-lambda"),
        "{run:?}"
    );
    assert!(asked.writes().is_empty(), "{asked:?}");
    // Nobody waits for long where nobody answers.
    let (run, asked) = counted(&MOTO.endpoint, gc(&["--yes"]), move |request| {
        match request.target.starts_with("/2015-03-31/functions") {
            true => Action::Drop,
            false => Action::Forward,
        }
    });
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(run.stderr.contains("--without-lambda"), "{run:?}");
    let asks = asked.0.iter().filter(|it| it.contains("/2015-03-31/functions")).count();
    assert_eq!((asks, asked.writes().len()), (3, 0), "{asked:?}");
    // What should name packages, and doesn't, keeps nothing in silence.
    project.dir.write("none.json", "{}");
    gc(&["--keep-bundle", "none.json"]).fails(3, &["none.json: no packages are named"]);
    gc(&["--lambda-profile", "nobody"]).fails(1, &["nobody"]);
    gc(&["--lambda-profile", "x", "--without-lambda"]).fails(2, &["--without-lambda"]);
}

#[test]
fn layers_that_are_deployed_stay() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    fs::remove_file(project.dir.join("lambda-json/app.json")).unwrap();
    project.dir.write(
        "lambda-json/shared.json",
        json!({"type": "layer", "source": "shared"}).to_string(),
    );
    let upload = |number: usize| {
        project.dir.write(
            "code/shared/python/shared.py",
            format!("name = '{} {number}'\n", project.bucket),
        );
        project.command(["upload", "--json"]).ok().json()[0].clone()
    };
    let deployed = upload(0);
    functions.publish_layer("shared", &deployed);
    upload(1);
    upload(2);
    let done = project.command(["gc", "--keep", "0", "--min-age", "0", "--yes"]).ok();
    assert!(
        done.stdout.contains("deleted 4 objects") && done.stdout.contains("shared:1"),
        "{done:?}"
    );
    assert!(project.keys().contains(&key(&deployed)));
}

#[test]
fn a_bucket_that_keeps_versions_is_named() {
    let project = MOTO.project();
    let versioned = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let call = MOTO.s3().put_bucket_versioning().bucket(&project.bucket);
    MOTO.wait(call.versioning_configuration(versioned).send()).unwrap();
    upload(&project, 0);
    upload(&project, 1);
    let run = gc(&project, &["--yes"]).ok();
    assert!(run.stderr.contains("noncurrent_days"), "{run:?}");
    assert_eq!(assert_whole(&project), 1);
}

#[test]
fn more_than_a_request_takes_are_deleted() {
    let project = VERSITYGW.project();
    const COUNT: usize = 1_001;
    for number in 0..COUNT {
        project.overwrite(&format!("some/prefix/sboms/app/{number:064x}.cdx.json"), b"{}".to_vec());
    }
    let (run, asked) = counted(&VERSITYGW.endpoint, gc(&project, &["--yes"]), |_| Action::Forward);
    assert!(
        run.stdout.contains("deleted 1001 objects") && run.stdout.contains("1001 of them left over"),
        "{run:?}"
    );
    assert_eq!(
        asked.writes().iter().filter(|it| it.starts_with("POST ")).count(),
        2,
        "{asked:?}"
    );
    assert_eq!(project.keys().len(), 1, "who deleted last");
}

#[test]
fn what_a_profile_makes_of_the_source_is_of_now_too() {
    let project = MOTO.project();
    project
        .dir
        .write("lambda-pack.toml", "[profiles.arm]\narchitecture = \"arm64\"\n");
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "source": "app.py",
        "build": {"type": "command", "command": ["sh", "-c", "mkdir out && cp app.py out/"], "output": "out"}
    });
    project.dir.write("lambda-json/app.json", definition.to_string());
    for number in 0..2 {
        upload(&project, number);
        project.command(["upload", "--deployment-profile", "arm"]).ok();
    }
    assert_eq!(count(&project), [4, 4, 2]);
    for profile in [&[][..], &["--deployment-profile", "arm"]] {
        let json = gc(&project, profile).arg("--json").ok().json();
        let kept = json["packages"].as_array().unwrap().iter();
        assert_eq!(kept.filter(|row| row["keep"] == true).count(), 2, "{json}");
    }
    gc(&project, &["--yes"]).ok();
    assert_eq!((count(&project), assert_whole(&project)), ([2, 2, 1], 2));
}

#[test]
fn what_the_project_rolled_back_to_stays() {
    let dir = Dir::with_app();
    fs::create_dir(dir.join("lambda-deploy-module")).unwrap();
    let publish = |version: &str| {
        dir.write(
            "code/app.py",
            format!("def handler(event, context):\n    return {version}\n"),
        );
        dir.command(["upload"]).ok();
        hash_of(&dir.join("code/app.py"))
    };
    let [first, second, _] = ["1", "2", "3"].map(publish);
    dir.command(["rollback", "app", "--to", &first]).ok();
    let done = dir.command(ALL).args(["--yes", "--json"]).ok().json();
    let kept = |hash: &str| {
        let rows = done["packages"].as_array().unwrap();
        rows.iter().find(|row| row["source_hash"] == *hash).unwrap()["keep"] == true
    };
    assert!(kept(&first) && !kept(&second), "{done}");
    // It may hold versions of aliases alone.
    dir.command(["rollback", "app", "--clear"]).ok();
    dir.command(["rollback", "app", "--alias-version", "7"]).ok();
    dir.command(ALL).ok();
}
