//! Bundles that are built on CodeBuild, which here is this machine.

use std::fs;

use serde_json::{Value, json};

use super::Module;
use super::run::{DEV, buildable};
use crate::starts::simulate;
use crate::support::codebuild::{CodeBuild, build, error, found, without_log};
use crate::support::server::Project;
use crate::support::{Dir, Run};

/// CodeBuild whose builds do what they are told, if they work, and then end with this status.
fn codebuild(module: &Module, works: bool, status: &'static str) -> CodeBuild {
    let Project {
        server,
        endpoint,
        bucket,
        ..
    } = &module.bundles.project;
    let project = Project {
        server,
        endpoint: endpoint.clone(),
        bucket: bucket.clone(),
        dir: Dir::new(),
    };
    CodeBuild::scripted(move |call, _| match call.operation.as_str() {
        "StartBuild" => {
            if works {
                simulate(&project, call, "handler.py");
            }
            let started = build("p:1", "IN_PROGRESS", &[("QUEUED", "", "")]);
            (200, json!({"build": without_log(started)}))
        }
        "BatchGetBuilds" => {
            let ended = build("p:1", status, &[("BUILD", status, "says the phase")]);
            found(&[without_log(ended)])
        }
        _ => error("InvalidAction"),
    })
}

fn run(module: &Module, server: &CodeBuild) -> Run {
    let args = [
        "--json",
        "--remote",
        "--codebuild-project",
        "p",
        "--poll-seconds",
        "0.01",
    ];
    let command = module
        .command("run", args)
        .args(DEV)
        .args(["--out-dir", "out", "--replace"]);
    server.after(command).run()
}

fn report(run: &Run) -> Value {
    let report = run.json();
    json!([report["decision"], report["result"]])
}

#[test]
fn a_miss_is_built_there_and_fetched_and_a_hit_starts_nothing() {
    let module = buildable();
    let server = codebuild(&module, true, "SUCCEEDED");
    let built = run(&module, &server);
    assert_eq!(built.code, 0, "{built:?}");
    assert_eq!(report(&built), json!(["miss_no_bundle", "built"]));
    let told = fs::read_to_string(module.bundles.project.dir.join("out/told")).unwrap();
    assert_eq!(told, "dev data-orders\nprint('orders')\n");
    assert_eq!(module.recorded_json("outputs"), json!({"Stage": "dev"}));
    assert_eq!(server.calls("StartBuild").len(), 1);

    let hit = run(&module, &server);
    assert_eq!(report(&hit), json!(["hit", "hit"]));
    assert_eq!(server.calls("StartBuild").len(), 1);
    // What was built there is what would be built here.
    let forced = module
        .command("run", ["--json", "--force-update"])
        .args(DEV)
        .ok()
        .json();
    assert_eq!(forced["bundle"]["code_sha256"], hit.json()["bundle"]["code_sha256"]);
}

#[test]
fn a_build_that_fails_there_is_exit_6_with_its_own_words() {
    let module = buildable();
    let failed = run(&module, &codebuild(&module, false, "FAILED"));
    assert_eq!(failed.code, 6, "{failed:?}");
    assert!(
        failed.stderr.contains("says the phase") && failed.stderr.contains("p:1"),
        "{failed:?}"
    );
    assert_eq!(report(&failed), json!(["miss_no_bundle", "failed"]));
    assert!(!module.bundles.project.dir.join("out").exists());
}

#[test]
fn a_success_without_a_bundle_is_none() {
    let module = buildable();
    let lied = run(&module, &codebuild(&module, false, "SUCCEEDED"));
    assert_eq!(lied.code, 6, "{lied:?}");
    assert!(
        lied.stderr.contains("its bundle is not right: miss_no_bundle"),
        "{lied:?}"
    );
}

#[test]
fn what_is_asked_for_dry_starts_nothing() {
    let module = buildable();
    let server = codebuild(&module, false, "SUCCEEDED");
    let args = ["--remote", "--codebuild-project", "p", "--dry-run"];
    let run = server.after(module.command("run", args)).ok();
    assert!(run.stdout.contains("would build"), "{run:?}");
    assert!(server.seen().is_empty() && module.bundles.project.keys().is_empty());
}
