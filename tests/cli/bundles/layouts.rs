//! Seed-Farmer's paths, and what others see of ours.

use std::process::Command;

use serde_json::{Value, json};

use super::Module;
use crate::support::server::MOTO;

#[test]
fn seed_farmers_paths_are_read_and_written() {
    let module = Module::new();
    let layout = ["--layout", "seedfarmer"];
    let store = || module.command("store", layout).ok();
    store();
    let root = format!("/{}/dev/data/orders", module.bundles.name);
    let recorded = module.bundles.parameters(&root);
    let hash: Value = serde_json::from_str(&recorded[&format!("{root}/md5/bundle")]).unwrap();
    let answer = module.check_with(layout);
    assert_eq!(hash, json!({"hash": answer["md5"]}));
    assert_eq!(answer["decision"], "hit");
    assert_eq!(recorded[&format!("{root}/metadata")], "{}");
    assert!(
        module
            .bundles
            .project
            .keys()
            .contains(&"bundle/dev/data/orders/bundle.zip".to_owned())
    );
    assert_eq!(
        module.command("list", layout).args(["--json"]).ok().json()[0]["status"],
        "succeeded"
    );

    // What Seed-Farmer writes is another hash.
    let hash = json!({"hash": "d41d8cd98f00b204e9800998ecf8427e"}).to_string();
    module.bundles.put_parameter(&format!("{root}/md5/bundle"), &hash);
    assert_eq!(module.check_with(layout)["decision"], "miss_changed");
    store();
    assert_eq!(module.check_with(layout)["decision"], "hit");
    // Our own paths are others.
    module.decides("miss_no_bundle");
}

#[test]
fn modules_whose_names_run_together_have_paths_of_their_own() {
    let one = Module::named("a-b", "c");
    let layout = ["--layout", "seedfarmer"];
    one.command("store", layout).ok();
    let other = Module {
        bundles: one.bundles,
        group: "a".to_owned(),
        name: "b-c".to_owned(),
    };
    assert_eq!(other.check_with(layout)["decision"], "miss_no_bundle");
    other.command("store", layout).ok();
    assert_eq!(other.check_with(layout)["decision"], "hit");
}

/// The `aws` program, as users look at records.
fn aws(args: &[&str]) -> Option<Value> {
    let output = Command::new("aws")
        .args(args)
        .args([
            "--endpoint-url",
            &MOTO.endpoint,
            "--region",
            "us-east-1",
            "--output",
            "json",
        ])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output();
    match output {
        Err(error) => {
            eprintln!("SKIPPED: no aws program here: {error}");
            None
        }
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
    }
}

#[test]
fn the_aws_program_shows_the_same_records() {
    let module = Module::new();
    let stored = module.store();
    let path = format!("/sf/{}", module.bundles.name);
    let Some(shown) = aws(&["ssm", "get-parameters-by-path", "--recursive", "--path", &path]) else {
        return;
    };
    let value = |record: &str| {
        let parameters = shown["Parameters"].as_array().unwrap();
        let found = parameters
            .iter()
            .find(|it| it["Name"] == module.record(record))
            .unwrap();
        assert_eq!(found["Type"], "String");
        found["Value"].as_str().unwrap().to_owned()
    };
    assert_eq!(value("md5"), stored["md5"].as_str().unwrap());
    let metadata: Value = serde_json::from_str(&value("metadata")).unwrap();
    assert_eq!(metadata["bundle"]["checksum"], stored["checksum"]);
    let status: Value = serde_json::from_str(&value("status")).unwrap();
    assert_eq!(status["status"], "succeeded");
    assert_eq!(value("outputs"), "{}");
    let bucket = module.bundles.project.bucket.as_str();
    let head = aws(&["s3api", "head-object", "--bucket", bucket, "--key", &module.key()]).unwrap();
    assert_eq!(head["VersionId"], stored["s3_version"]);
    assert_eq!(head["Metadata"]["code-sha256"], stored["code_sha256"]);
}
