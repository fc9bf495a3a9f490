//! `bundle export`, `bundle verify` and `run`: from a profile to packages, a document, and Terraform's inputs.

mod project;
mod runs;
mod stored;
mod verify;
mod warnings;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Dir, PYTHON, run};

const PROFILE: [&str; 2] = ["--deployment-profile", "prod"];

/// The demo project of this repository, elsewhere.
fn demo() -> Dir {
    let dir = Dir::new();
    for part in ["code", "lambda-json", "lambda-pack.toml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
        run("cp", &["-r", from.to_str().unwrap(), dir.path().to_str().unwrap()]);
    }
    dir
}

fn export(dir: &Dir) -> String {
    dir.command(["bundle", "export"]).args(PROFILE).ok();
    fs::read_to_string(dir.join("dist/bundle.json")).unwrap()
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn flags_that_all_bundle_commands_have_change_nothing() {
    let dir = demo();
    let exported = export(&dir);
    let flags = "--project p --deployment d --group g --module m --bucket b --source s --spec f --param A=b";
    let again = dir
        .command(["bundle", "export"])
        .args(PROFILE)
        .args(flags.split(' '))
        .ok();
    let warning = "--param and --secret are for modules' bundles";
    assert!(again.stderr.contains(warning), "{again:?}");
    assert_eq!(fs::read_to_string(dir.join("dist/bundle.json")).unwrap(), exported);
}

#[test]
fn the_document_of_the_demo_project_is_as_it_was() {
    let text = export(&demo());
    assert_eq!(
        text,
        include_str!("../../fixtures/handoff/bundle.json"),
        "what changed is meant, or a fault"
    );
}

#[test]
fn the_same_inputs_give_the_same_bytes_elsewhere_and_once_they_are_in_the_store() {
    let (here, there) = (demo(), demo());
    let before = export(&here);
    assert_eq!(export(&there), before);
    assert!(
        !here.join(".lambda-pack/store/packages").exists(),
        "an export uploads nothing"
    );
    here.command(["upload"]).args(PROFILE).ok();
    run(
        "find",
        &[
            here.join("code").to_str().unwrap(),
            "-exec",
            "touch",
            "-d",
            "2001-01-01",
            "{}",
            "+",
        ],
    );
    assert_eq!(export(&here), before);

    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "bundle.json.sha256"])
        .current_dir(here.join("dist"))
        .output()
        .unwrap();
    assert!(checked.status.success());
}

#[test]
fn independent_validators_take_the_document_and_refuse_others() {
    let dir = demo();
    let text = export(&dir);
    let schema = dir.command(["schema", "bundle"]).ok().stdout;
    dir.write("schema.json", &schema);
    let mut wrong = document(&text);
    wrong["functions"][0]["code_sha256"] = json!("nonsense");
    dir.write("wrong.json", wrong.to_string());
    let mut more = document(&text);
    more["value"] = json!("a key that nobody knows");
    dir.write("more.json", more.to_string());
    let tool = PYTHON.with_file_name("check-jsonschema");
    let program = |validator: &str, file: &str| {
        let schema = dir.join("schema.json");
        let mut command = std::process::Command::new(match validator {
            "check-jsonschema" => &tool,
            _ => &*PYTHON,
        });
        match validator {
            "check-jsonschema" => command.arg("--schemafile").arg(&schema).arg(dir.join(file)),
            _ => command
                .args(["-c", "import json, sys, jsonschema\nschema, file = (json.load(open(path)) for path in sys.argv[1:])\njsonschema.Draft202012Validator.check_schema(schema)\njsonschema.Draft202012Validator(schema).validate(file)"])
                .arg(&schema)
                .arg(dir.join(file)),
        };
        command.output().unwrap().status.success()
    };
    for validator in ["check-jsonschema", "jsonschema"] {
        assert!(program(validator, "dist/bundle.json"), "{validator}");
        assert!(!program(validator, "wrong.json"), "{validator}");
        assert!(!program(validator, "more.json"), "{validator}");
    }
}

#[test]
fn every_digest_of_the_document_is_verified() {
    let dir = demo();
    dir.write("code/asset.txt", "an asset\n");
    let sha256 = crate::support::sha256(b"an asset\n");
    dir.write(
        "lambda-json/with-asset.json",
        format!(
            r#"{{"source": "shared", "assets": [{{"url": "file:code/asset.txt", "path": "data/asset.txt", "sha256": "{sha256}"}}]}}"#
        ),
    );
    let verify = || dir.command(["bundle", "verify", "dist/bundle.json", "--no-cache"]);
    let refused = |code: i32, words: &[&str]| {
        let run = verify().run();
        assert_eq!(run.code, code, "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
    };
    export(&dir);
    refused(1, &["there is no package for the source hash", "lambda-pack upload"]);
    dir.command(["upload"]).args(PROFILE).ok();
    let rows = verify().args(["--json"]).ok().json();
    let count = |what: &str| {
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["what"] == what)
            .count()
    };
    assert_eq!(
        (count("document"), count("source"), count("package"), count("asset")),
        (1, 7, 7, 1)
    );

    let document_text = fs::read_to_string(dir.join("dist/bundle.json")).unwrap();
    let document = document(&document_text);
    let function = &document["functions"][0];
    let name = function["name"].as_str().unwrap();
    let store = dir.join(".lambda-pack/store");

    // Each fault alone, and mended after it.
    dir.write(
        "dist/bundle.json",
        document_text.replace("\"size_bytes\"", "\"size_bytes\" "),
    );
    refused(4, &["bundle.json` has the SHA-256"]);
    dir.write("dist/bundle.json", &document_text);

    let manifest = store.join(format!(
        "manifests/{name}/{}.json",
        function["source_hash"].as_str().unwrap()
    ));
    let good = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        good.replacen("\"size\":", "\"size\": ", 1).replacen("src/", "Src/", 1),
    )
    .unwrap();
    refused(4, &["its entries make the source hash"]);
    fs::write(&manifest, good).unwrap();

    let package = fs::read_dir(store.join(format!("packages/{name}")))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let good = fs::read(&package).unwrap();
    let mut bad = good.clone();
    bad[100] ^= 1;
    fs::write(&package, bad).unwrap();
    refused(4, &[name]);
    fs::write(&package, good).unwrap();

    dir.write("code/asset.txt", "an assxt\n");
    refused(4, &["asset.txt` is not what the definition says"]);
    dir.write("code/asset.txt", "an asset\n");
    verify().ok();
}

#[test]
fn a_run_leads_from_a_profile_to_inputs_of_the_deploy_module() {
    let dir = demo();
    let first = dir
        .command(["run", "--json", "--tfvars", "inputs.json"])
        .args(PROFILE)
        .ok();
    let steps = |outcome: &Value| -> Vec<(String, u64, u64)> {
        let rows = outcome["steps"].as_array().unwrap().iter();
        rows.map(|row| {
            let number = |key: &str| row[key].as_u64().unwrap();
            (
                row["step"].as_str().unwrap().to_owned(),
                number("count"),
                number("cached"),
            )
        })
        .collect()
    };
    let of = |name: &str, steps: &[(String, u64, u64)]| {
        let step = steps.iter().find(|(step, ..)| step == name).unwrap();
        (step.1, step.2)
    };
    let done = steps(&first.json());
    let names: Vec<&str> = done.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "hash",
            "validate",
            "graph",
            "look up",
            "fetch assets",
            "build",
            "check",
            "upload",
            "export",
            "inputs"
        ]
    );
    assert_eq!(of("upload", &done), (6, 0));
    let inputs: Value = serde_json::from_slice(&fs::read(dir.join("inputs.json")).unwrap()).unwrap();
    assert_eq!(inputs["deployment_profile"], "prod");
    let published = dir
        .command(["external", "hash"])
        .stdin(r#"{"deployment_profile": "prod"}"#)
        .ok()
        .json();
    let query = json!({"packages": published["packages"]}).to_string();
    let published = dir.command(["external", "published"]).stdin(query).ok().json();
    let published: Value = serde_json::from_str(published["packages"].as_str().unwrap()).unwrap();
    assert_eq!(inputs["packages"], published, "what the build module's output would be");

    // Again: it goes on from what is in the store.
    let outcome = dir.command(["run", "--json"]).args(PROFILE).ok().json();
    assert_eq!(of("upload", &steps(&outcome)), (0, 6));
    assert_eq!(outcome["inputs"], inputs);
    dir.command(["bundle", "verify", "dist/bundle.json"]).ok();
}

#[test]
fn a_run_that_failed_goes_on_where_it_stopped() {
    let dir = demo();
    dir.write("code/broken/app.py", "import x\n");
    dir.write(
        "lambda-json/broken.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "broken",
            "build": {"type": "command", "command": ["sh", "-c", "cat ../flag && mkdir out && cp app.py out"], "output": "out", "inputs": ["flag"]}}"#,
    );
    dir.write("code/flag", "x");
    dir.write("code/broken/app.py", "import y\n");
    let definition = fs::read_to_string(dir.join("lambda-json/broken.json")).unwrap();
    dir.write("lambda-json/broken.json", definition.replace("cat ../flag", "false"));
    dir.command(["run"])
        .args(PROFILE)
        .fails(1, &["build         failed", "function `broken`"]);
    assert!(!dir.join("dist/bundle.json").exists());
    dir.write("lambda-json/broken.json", definition);
    let outcome = dir.command(["run"]).args(PROFILE).ok();
    assert!(
        outcome.stderr.contains("upload        7 packages"),
        "{}",
        outcome.stderr
    );
}
