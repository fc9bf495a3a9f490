//! `doctor` on projects, machines and stores that lack something.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::server::{MOTO, Project};
use crate::support::web::{Action, Web};
use crate::support::{Dir, Run, TestCommand};

/// The check of this name.
#[track_caller]
fn check(run: &Run, name: &str) -> Value {
    let findings = run.json();
    let mut named = findings.as_array().unwrap().iter().filter(|it| it["check"] == name);
    named.next().unwrap_or_else(|| panic!("no {name} in {run:?}")).clone()
}

#[track_caller]
fn assert_check(run: &Run, name: &str, status: &str, detail: &str, fix: &str) {
    let found = check(run, name);
    assert_eq!(found["status"], status, "{found}");
    assert!(found["detail"].as_str().unwrap().contains(detail), "{found}");
    assert!(found["fix"].as_str().unwrap_or_default().contains(fix), "{found}");
}

/// A directory whose programs print these texts.
fn programs(dir: &Dir, said: &[(&str, &str)]) -> String {
    for (name, text) in said {
        let path = format!("bin/{name}");
        dir.write(&path, format!("#!/bin/sh\ncat <<'END'\n{text}\nEND\n"));
        fs::set_permissions(dir.join(&path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:/usr/bin:/bin", dir.join("bin").display())
}

fn json(command: TestCommand) -> Run {
    command.args(["doctor", "--json"]).run()
}

#[test]
fn a_project_that_has_everything_passes_and_nothing_is_written() {
    let dir = Dir::with_app();
    let path = programs(&dir, &[("terraform", "Terraform v1.11.4\non linux_amd64")]);
    let before = dir.snapshot();
    let run = dir.command(["doctor"]).env("PATH", &path).ok();
    assert!(run.stdout.starts_with("result  check"), "{run:?}");
    let run = json(dir.command([]).env("PATH", &path));
    assert_eq!(run.code, 0, "{run:?}");
    assert_check(&run, "definitions", "pass", "1 in `lambda-json`", "");
    assert_check(&run, "terraform", "pass", "terraform 1.11.4", "");
    assert_check(&run, "store", "pass", "may be written", "");
    assert_check(&run, "credentials", "skip", "the store is a directory", "");
    assert_eq!(dir.snapshot(), before);
}

#[test]
fn what_is_missing_is_said_with_what_mends_it() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", r#"{"source": "app", "build": {"type": "go"}}"#);
    dir.write("root.hcl", "");
    dir.write(
        "lambda-deploy-module/.terraform.lock.hcl",
        "provider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"4.8.0\"\n}\n",
    );
    fs::remove_dir_all(dir.join("code")).unwrap();
    let path = programs(&dir, &[("terraform", "Terraform v1.9.8")]);
    let run = json(dir.command(["--no-cache"]).env("PATH", path));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("4 of 12 checks failed"), "{run:?}");
    assert_check(&run, "code", "fail", "`code` is no directory", "--code-dir");
    assert_check(
        &run,
        "terraform",
        "fail",
        "terraform 1.9.8, and 1.10.0 is needed",
        "Terraform 1.10",
    );
    assert_check(
        &run,
        "terragrunt",
        "warn",
        "not on PATH",
        "https://docs.terragrunt.com/",
    );
    let named = check(&run, "terragrunt")["fix"].as_str().unwrap().to_owned();
    assert!(
        !named.contains("pipelines/"),
        "a file that `init` doesn't write: {named}"
    );
    assert_check(
        &run,
        "providers",
        "fail",
        "too old: hashicorp/aws 4.8.0",
        "terraform init -upgrade",
    );
    assert_check(&run, "go builds", "fail", "go isn't on PATH", "https://go.dev/dl");
    assert_check(&run, "cache", "warn", "none", "--no-cache");
}

#[test]
fn a_broken_project_is_named() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", "{\"sourc\": 1}");
    let run = json(dir.command([]));
    assert_eq!(run.code, 1, "{run:?}");
    assert_check(&run, "definitions", "fail", "lambda-json/app.json:1", "source");
    dir.write("lambda-pack.toml", "stor = 1");
    let run = json(dir.command([]));
    assert_eq!(run.code, 1, "{run:?}");
    assert_check(&run, "project", "fail", "lambda-pack.toml:1", "store");
}

#[test]
fn a_bucket_is_asked_and_only_asked() {
    let project = MOTO.project();
    let run = json(project.command([]));
    assert_eq!(run.code, 0, "{run:?}");
    assert_check(&run, "credentials", "pass", "arn:aws:", "");
    assert_check(&run, "clock", "pass", "as the service's", "");
    assert_check(&run, "store", "pass", "nothing published yet", "");
    assert_eq!(project.keys(), Vec::<String>::new());
    project.command(["upload"]).ok();
    assert_check(&json(project.command([])), "store", "pass", "can be read", "");
}

#[test]
fn a_bucket_that_is_missing_fails() {
    let project = Project {
        bucket: "no-such-bucket-anywhere".to_owned(),
        ..MOTO.project()
    };
    let run = json(project.command([]));
    assert_eq!(run.code, 1, "{run:?}");
    assert_check(&run, "store", "fail", "the bucket does not exist", "create it");
}

#[test]
fn without_a_region_nothing_is_asked() {
    let dir = Dir::with_app();
    let run = json(dir.command(["--store", "s3://some-bucket/x"]));
    assert_eq!(run.code, 1, "{run:?}");
    assert_check(&run, "region", "fail", "no AWS region", "AWS_REGION");
    assert_check(&run, "store", "skip", "needs a region", "");
}

#[test]
fn a_wrong_clock_is_told_by_answers_that_refuse() {
    let server = Web::serve(Vec::new(), |_, _| {
        Action::Answer(403, "Date: Mon, 01 Jan 2001 00:00:00 GMT".to_owned())
    });
    let project = Project {
        endpoint: server.url.clone(),
        ..MOTO.project()
    };
    let run = json(project.command([]).env("AWS_MAX_ATTEMPTS", "1"));
    assert_eq!(run.code, 1, "{run:?}");
    assert_check(&run, "clock", "fail", "seconds ahead of the service's", "timedatectl");
    assert_check(&run, "credentials", "fail", "access denied", "aws sts");
    assert_check(&run, "store", "fail", "access denied", "s3:ListBucket");
}
