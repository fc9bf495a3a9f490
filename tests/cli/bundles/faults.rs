//! Killed at each request, denied, throttled, without a bucket.

use serde_json::json;

use super::Module;
use crate::support::kills::{Moment, counted, kill_at_each_request};
use crate::support::proxy::Action;
use crate::support::server::MOTO;

/// A module with a bundle, whose source then changed.
fn changed() -> Module {
    let module = Module::new();
    module.store();
    module.write("handler.py", "print('new')\n");
    module
}

#[test]
fn killed_at_any_request_nothing_half_stored_is_a_hit() {
    let asked = kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::After],
        changed,
        |module| {
            let dir = &module.bundles.project.dir;
            dir.write("outputs.json", r#"{"version": "new"}"#);
            module.command("store", ["--outputs", "outputs.json"])
        },
        |module, number, moment, operation| {
            let place = format!("{moment:?} request {number}, {operation}");
            let answer = module.check();
            if answer["decision"] == "hit" {
                // All of the new one is there, if any.
                assert_eq!(module.recorded_json("outputs"), json!({"version": "new"}), "{place}");
                module.command("fetch", ["--out-dir", "new"]).ok();
            }
            // The old one is whole, or not said to be right.
            module.write("handler.py", "print('orders')\n");
            let old = module.check();
            if old["decision"] == "hit" {
                assert!(answer["decision"] != "hit", "{place}");
                assert_eq!(module.recorded_json("outputs"), json!({}), "{place}");
                module.command("fetch", ["--out-dir", "old"]).ok();
            }
            module.write("handler.py", "print('new')\n");
            module.store();
            module.decides("hit");
        },
    );
    let last = asked.writes();
    let commit = last.iter().rposition(|it| it.starts_with("PutParameter ")).unwrap();
    assert!(last[commit + 1..].iter().all(|it| it.contains("lease")), "{last:?}");
}

#[test]
fn a_first_bundle_that_is_killed_is_no_hit_before_its_commit() {
    kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::After],
        Module::new,
        |module| module.command("store", []),
        |module, number, moment, operation| {
            let answer = module.check();
            let committed = !module.recorded("md5").is_empty();
            assert_eq!(
                answer["decision"] == "hit",
                committed,
                "{moment:?} request {number}, {operation}: {answer}"
            );
            module.store();
            module.decides("hit");
        },
    );
}

#[test]
fn a_bucket_without_versions_is_warned_of_and_loses_no_more_than_the_old_bundle() {
    let module = Module::new();
    module.bundles.suspend_versions();
    let run = module.command("store", []).ok();
    assert!(run.stderr.contains("keeps no versions"), "{run:?}");
    module.decides("hit");
    module.bundles.project.overwrite(&module.key(), b"others".to_vec());
    module.decides("miss_corrupt");
    module
        .command("fetch", ["--committed", "--out-dir", "out"])
        .fails(4, &["its SHA-256 is"]);
}

#[test]
fn a_missing_bucket_is_named() {
    let mut module = Module::new();
    module.bundles.project.bucket = "no-such-bucket-here".to_owned();
    module
        .command("check", [])
        .fails(3, &["`no-such-bucket-here` does not exist", "--bucket"]);
    module
        .command("store", [])
        .fails(1, &["no-such-bucket-here", "does not exist"]);
    assert_eq!(module.recorded("status"), "");
}

#[test]
fn denied_access_names_the_permission_and_the_record() {
    let module = Module::new();
    let body =
        r#"{"__type": "AccessDeniedException", "message": "User: x is not authorized to perform: ssm:PutParameter"}"#;
    let (run, _) = counted(&MOTO.endpoint, module.command("store", []), move |request| {
        match request.operation() == "PutParameter" {
            true => Action::Answer(400, "Content-Type: application/x-amz-json-1.1\r\n", body),
            false => Action::Forward,
        }
    });
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.stderr.contains("ssm:PutParameter") && run.stderr.contains("/status"),
        "{run:?}"
    );
    module.decides("miss_no_bundle");
}

#[test]
fn throttling_is_waited_out() {
    let module = Module::new();
    let left = std::sync::atomic::AtomicI32::new(2);
    let (run, _) = counted(&MOTO.endpoint, module.command("store", []), move |request| {
        let is_put = request.operation() == "PutParameter";
        match is_put && left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) > 0 {
            true => Action::Answer(
                400,
                "Content-Type: application/x-amz-json-1.1\r\n",
                r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#,
            ),
            false => Action::Forward,
        }
    });
    assert_eq!(run.code, 0, "{run:?}");
    module.decides("hit");
}

#[test]
fn records_of_another_bucket_are_a_miss_that_heals() {
    let mut module = Module::new();
    module.store();
    module.bundles.project.bucket = Module::new().bundles.project.bucket;
    module.decides("miss_no_bundle");
    module.command("run", []).ok();
    module.decides("hit");
}

#[test]
fn who_may_only_read_uses_a_hit() {
    let module = Module::new();
    module.store();
    let denied = r#"{"__type": "AccessDeniedException", "message": "not authorized to perform: ssm:PutParameter"}"#;
    let run = module.command("run", ["--out-dir", "out"]);
    let (run, _) = counted(&MOTO.endpoint, run, move |request| {
        match request.operation() == "PutParameter" {
            true => Action::Answer(400, "Content-Type: application/x-amz-json-1.1\r\n", denied),
            false => Action::Forward,
        }
    });
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("is not noted"), "{run:?}");
}

#[test]
fn an_empty_source_is_no_bundle() {
    let module = Module::new();
    std::fs::create_dir(module.bundles.project.dir.join("empty")).unwrap();
    let identity = |verb| {
        module.bundles.command(["bundle", verb]).args([
            "--project",
            &module.bundles.name,
            "--deployment",
            "dev",
            "--group",
            "data",
            "--module",
            "orders",
            "--bucket",
            &module.bundles.project.bucket,
            "--source",
            "empty",
        ])
    };
    identity("store").fails(3, &["the source is empty"]);
}
