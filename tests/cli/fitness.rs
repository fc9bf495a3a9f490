//! `fitness`: quotas of each tier through the real binary, sizes from the store, and what swaps would save.

use serde_json::{Value, json};

use crate::builds::path_without;
use crate::support::{Dir, Run};

const SDK: &str = include_str!("../fixtures/sdk/requirements.txt");

fn project(keys: &str) -> Dir {
    let dir = Dir::with_app();
    define(&dir, keys);
    dir
}

fn define(dir: &Dir, keys: &str) {
    let definition = format!(r#"{{"runtime": "python3.13", "handler": "app.handler", "source": "app.py"{keys}}}"#);
    dir.write("lambda-json/app.json", definition);
}

fn fitness(dir: &Dir, args: &[&str]) -> (Run, Value) {
    let command = dir.command(["fitness", "--json"]).args(args.iter().copied());
    let run = command.env("AWS_REGION", "us-east-1").run();
    let row = run.json()[0].clone();
    assert_eq!(run.code, if row["status"] == "fail" { 3 } else { 0 }, "{run:?}");
    (run, row)
}

#[track_caller]
fn status(dir: &Dir, tier: &str, check: &str) -> String {
    let (_, row) = fitness(dir, &["--tier", tier]);
    assert_eq!(row["tier"], tier);
    let found = row["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check} in {row}"));
    assert_eq!(found["remedy"].is_string(), found["status"] != "pass", "{found}");
    found["status"].as_str().unwrap().to_owned()
}

#[test]
fn each_tier_has_limits_of_its_own() {
    let variable = |bytes: usize| format!(r#", "environment": {{"KEY": "{}"}}"#, "x".repeat(bytes - 3));
    let edge_alone: [(&str, String, [&str; 3]); 9] = [
        ("environment", String::new(), ["", "pass", ""]),
        ("environment", variable(4), ["", "fail", ""]),
        ("environment_bytes", variable(4096), ["pass", "", "pass"]),
        ("environment_bytes", variable(4097), ["fail", "", "fail"]),
        ("timeout", r#", "timeout": 30"#.to_owned(), ["pass", "warn", "pass"]),
        ("timeout", r#", "timeout": 31"#.to_owned(), ["pass", "fail", "pass"]),
        (
            "layers",
            r#", "layers": ["arn:aws:lambda:us-east-1:123456789012:layer:x:1"]"#.to_owned(),
            ["pass", "fail", "fail"],
        ),
        (
            "architecture",
            r#", "architectures": ["arm64"]"#.to_owned(),
            ["", "fail", ""],
        ),
        (
            "ephemeral_storage",
            r#", "ephemeral_storage": {"size": 513}"#.to_owned(),
            ["pass", "fail", "pass"],
        ),
    ];
    for (check, keys, expected) in edge_alone {
        let dir = project(&keys);
        for (tier, expected) in ["lambda", "lambda-edge", "container"].into_iter().zip(expected) {
            if !expected.is_empty() {
                assert_eq!(status(&dir, tier, check), expected, "{tier} {check} {keys}");
            }
        }
    }
}

#[test]
fn the_edge_is_in_one_region() {
    let dir = project("");
    let region = |name: &str| {
        let run = dir
            .command(["fitness", "--tier", "lambda-edge", "--json", "--region", name])
            .run();
        let row = run.json()[0].clone();
        let checks = row["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["check"] == "region").unwrap()["status"].clone()
    };
    assert_eq!(
        [region("us-east-1"), region("eu-west-1"), region("")],
        ["pass", "fail", "warn"]
    );
}

#[test]
fn what_fails_says_what_would_make_it_pass() {
    let dir = project(r#", "environment": {"KEY": "x", "OTHER": "y"}"#);
    let run = dir.command(["fitness", "--tier", "lambda-edge"]).run();
    assert_eq!(run.code, 3, "{run:?}");
    let words = [
        "fail  environment: 2 environment variables; Lambda@Edge takes none",
        "Parameter Store",
    ];
    assert!(words.iter().all(|word| run.stdout.contains(word)), "{run:?}");
    assert!(
        run.stderr.contains("1 of 1 don't fit the tier lambda-edge: app"),
        "{run:?}"
    );
}

/// A profile names tier and limits; the sizes are those of the very package.
#[test]
fn a_profile_allows_less() {
    let dir = project("");
    let size = fitness(&dir, &[]).1["size_bytes"].as_u64().unwrap();
    assert_eq!(size, dir.command(["build", "--json"]).ok().json()[0]["size_bytes"]);
    for (most, expected) in [(size, "pass"), (size - 1, "fail")] {
        let profile = format!("[profiles.p]\ntier = \"lambda-edge\"\nlimits = {{ size_bytes = {most} }}\n");
        dir.write("lambda-pack.toml", profile);
        let (_, row) = fitness(&dir, &["--deployment-profile", "p"]);
        assert_eq!(
            (&row["tier"], &row["status"]),
            (&json!("lambda-edge"), &json!(expected)),
            "{row}"
        );
    }
}

/// Zeros, which pack fast.
#[test]
fn what_unzips_too_large_fails_with_its_largest_parts() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    dir.write("code/app/model.bin", "");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app"}"#,
    );
    let model = std::fs::File::options()
        .write(true)
        .open(dir.join("code/app/model.bin"));
    model.unwrap().set_len(262_144_001).unwrap();
    let (run, row) = fitness(&dir, &[]);
    assert_eq!(row["status"], "fail");
    assert_eq!(row["unzipped_bytes"], 262_144_001);
    assert!(
        run.stdout
            .contains("so 1 too much; its largest parts are model.bin 262.1 MB"),
        "{run:?}"
    );
}

#[test]
fn what_the_store_has_needs_no_build() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import requests\n");
    dir.write(
        "code/app/requirements.txt",
        include_str!("../fixtures/python/requirements.txt"),
    );
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"}}"#,
    );
    let uploaded = dir.command(["upload", "--json"]).ok().json();
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3", "python"]);
    let without = |command: &str| dir.command([command, "--json", "--no-cache"]).env("PATH", &path);
    without("build").fails(1, &["neither uv nor pip"]);
    let row = without("fitness").ok().json()[0].clone();
    for key in ["size_bytes", "unzipped_bytes"] {
        assert_eq!(row[key], uploaded[0][key], "{key}");
    }
}

#[test]
fn a_suggested_swap_saves_what_it_says() {
    saves_what_it_says(SDK);
    // What the function itself asks for stays, as uv export tells it.
    saves_what_it_says(
        &SDK.replace("# via -r requirements.in", "# via app")
            .replace("    #   botocore\n", "    #   app\n    #   botocore\n"),
    );
}

fn saves_what_it_says(requirements: &str) {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import boto3, requests\n");
    dir.write("code/app/requirements.txt", requirements);
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"}}"#,
    );
    let profile = "[profiles.p]\nswaps = [{ from = \"boto3\", to = \"runtime\" }]\n";
    dir.write("lambda-pack.toml", profile);
    let (_, row) = fitness(&dir, &[]);
    let swap = &row["swaps"][0];
    assert_eq!(
        (&swap["from"], &swap["to"]),
        (&json!("boto3"), &json!("runtime")),
        "{row}"
    );
    let (_, swapped) = fitness(&dir, &["--deployment-profile", "p"]);
    for (size, saves) in [
        ("size_bytes", "saves_bytes"),
        ("unzipped_bytes", "saves_unzipped_bytes"),
    ] {
        let saved = row[size].as_u64().unwrap() - swapped[size].as_u64().unwrap();
        assert_eq!(swap[saves], saved, "{saves}");
        assert!(saved > 0);
    }
    assert_eq!(swapped["swaps"], json!([]));
}
