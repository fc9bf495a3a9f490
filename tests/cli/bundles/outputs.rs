//! What a module gives to others, and what Parameter Store takes of it.

use serde_json::{Value, json};

use super::Module;
use crate::support::TestCommand;
use crate::support::kills::counted;
use crate::support::ssm_limits::{SsmLimits, too_many_updates};

#[test]
fn sensitive_outputs_of_terraform_are_left_out() {
    let module = Module::new();
    let printed = json!({
        "url": {"sensitive": false, "type": "string", "value": "https://orders"},
        "password": {"sensitive": true, "type": "string", "value": "hunter2"},
    });
    let run = module
        .command("store", ["--outputs", "-"])
        .stdin(printed.to_string())
        .ok();
    assert!(run.stderr.contains("left out: password"), "{run:?}");
    assert!(!run.stderr.contains("hunter2") && !run.stdout.contains("hunter2"));
    assert_eq!(module.recorded_json("outputs"), json!({"url": "https://orders"}));
    module.decides("hit");
    module
        .command("store", ["--outputs", "-"])
        .stdin("[1]")
        .fails(3, &["an object"]);
}

/// Outputs whose JSON has this many bytes.
fn sized(bytes: usize) -> String {
    let frame = json!({"k": ""}).to_string().len();
    json!({"k": "x".repeat(bytes - frame)}).to_string()
}

#[test]
fn each_size_goes_where_it_fits() {
    let module = Module::new();
    let limits = std::sync::Arc::new(SsmLimits::default());
    let through = |command: TestCommand| {
        let limits = std::sync::Arc::clone(&limits);
        counted(&module.bundles.project.endpoint, command, move |request| {
            limits.decide(request)
        })
        .0
    };
    // Back down, too: a parameter that was advanced stays so.
    for bytes in [4096, 4097, 8192, 8193, 100_000, 4096, 10] {
        let outputs = sized(bytes);
        let run = through(module.command("store", ["--outputs", "-"]).stdin(outputs.clone()));
        assert_eq!(run.code, 0, "{bytes}: {run:?}");
        let recorded = module.recorded("outputs");
        if bytes <= 8192 {
            assert_eq!(recorded, outputs);
        } else {
            let pointer: Value = serde_json::from_str(&recorded).unwrap();
            let url = pointer["outputs_url"].as_str().unwrap();
            let key = url.split_once("://").unwrap().1.split_once('/').unwrap().1;
            assert_eq!(module.bundles.project.get(key), outputs.as_bytes());
            assert_eq!(pointer["sha256"], crate::support::sha256(outputs.as_bytes()));
        }
        module.decides("hit");
    }
}

#[test]
fn outputs_beside_the_record_are_proven_too() {
    let module = Module::new();
    let outputs = sized(10_000);
    let store = || module.command("store", ["--outputs", "-"]).stdin(outputs.clone()).ok();
    store();
    let project = &module.bundles.project;
    let keys = project.keys();
    let key = keys.iter().find(|key| key.contains("/outputs/")).unwrap();
    project.overwrite(key, outputs.replace("xx", "xy").into_bytes());
    module.decides("miss_corrupt");
    store();
    module.decides("hit");
    project.delete(key);
    module.decides("miss_corrupt");
}

#[test]
fn outputs_that_are_not_given_stay() {
    let module = Module::new();
    let outputs = r#"{"f":1.10,"n":12345678901234567890}"#;
    module.command("store", ["--outputs", "-"]).stdin(outputs).ok();
    module.store();
    assert_eq!(module.recorded("outputs"), outputs);
    module.decides("hit");
}

#[test]
fn a_parameter_that_others_always_change_is_given_up() {
    let module = Module::new();
    let (run, asked) = counted(
        &module.bundles.project.endpoint,
        module.command("store", []),
        too_many_updates,
    );
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.stderr.contains("TooManyUpdates") && run.stderr.contains("status"),
        "{run:?}"
    );
    let puts = asked
        .writes()
        .iter()
        .filter(|it| it.starts_with("PutParameter "))
        .count();
    assert!((2..=20).contains(&puts), "{puts} calls");
    module.decides("miss_no_bundle");
}
