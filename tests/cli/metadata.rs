//! `metadata`: what modules hand on, through the commands that Seed-Farmer's deployspecs use.

use std::fs;
use std::process::Child;

use crate::support::{BINARY, Dir, TestCommand};

const FILE: &str = "SEEDFARMER_MODULE_METADATA";

fn metadata(dir: &Dir, args: &[&str]) -> TestCommand {
    dir.command([&["metadata"], args].concat())
        .env("SEEDFARMER_PROJECT_NAME", "shop")
        .env("SEEDFARMER_DEPLOYMENT_NAME", "prod")
        .env("SEEDFARMER_MODULE_NAME", "data-orders")
        .env("SEEDFARMER_PARAMETER_VPC_ID", "vpc-9")
}

fn file(dir: &Dir) -> String {
    fs::read_to_string(dir.join(FILE)).unwrap()
}

#[test]
fn keys_are_added_read_and_deleted() {
    let dir = Dir::new();
    metadata(&dir, &["add", "-k", "VpcId", "-v", "vpc-1"]).ok();
    metadata(&dir, &["add", "--key", "Dash", "--value", "-1"]).ok();
    metadata(
        &dir,
        &[
            "add",
            "-j",
            r#"{"VpcId": "vpc-2", "Ids": ["a", 12345678901234567890123]}"#,
        ],
    )
    .ok();
    assert_eq!(
        file(&dir),
        "{\"Dash\":\"-1\",\"Ids\":[\"a\", 12345678901234567890123],\"VpcId\":\"vpc-2\"}\n"
    );
    assert_eq!(metadata(&dir, &["get", "VpcId"]).ok().stdout, "vpc-2\n");
    assert_eq!(
        metadata(&dir, &["get", "-k", "VpcId", "--json"]).ok().stdout,
        "\"vpc-2\"\n"
    );
    assert_eq!(
        metadata(&dir, &["get", "Ids"]).ok().stdout,
        "[\"a\", 12345678901234567890123]\n"
    );
    metadata(&dir, &["get", "VpcID"]).fails(1, &["`VpcID`", "did you mean `VpcId`?"]);
    metadata(&dir, &["delete", "Ids"]).ok();
    metadata(&dir, &["delete", "-k", "Dash"]).ok();
    assert_eq!(metadata(&dir, &["get"]).ok().stdout, "{\"VpcId\":\"vpc-2\"}\n");
    metadata(&dir, &["delete", "Dash"]).fails(1, &["`Dash`"]);
    metadata(&dir, &["delete"]).fails(2, &["--all"]);
    metadata(&dir, &["delete", "--all"]).ok();
    assert!(!dir.join(FILE).exists());
    assert_eq!(metadata(&dir, &["get"]).ok().stdout, "{}\n");
}

#[test]
fn later_wins_over_file_over_environment() {
    let dir = Dir::new();
    dir.write(FILE, r#"{"b": "file", "c": "file"}"#);
    let environment = r#"{"a": "environment", "b": "environment", "c": "environment"}"#;
    metadata(&dir, &["add", "-k", "c", "-v", "later"])
        .env(FILE, environment)
        .ok();
    assert_eq!(file(&dir), "{\"a\":\"environment\",\"b\":\"file\",\"c\":\"later\"}\n");
    let run = metadata(&dir, &["delete", "a"]).env(FILE, environment).ok();
    assert!(run.stderr.contains("comes back"), "{run:?}");
    metadata(&dir, &["get"])
        .env(FILE, "{'a': 1}")
        .fails(3, &["the variable SEEDFARMER_MODULE_METADATA", "not JSON"]);
}

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    for damaged in ["{\"a\": ", "", "[]", "{} x", "\u{0}"] {
        let dir = Dir::new();
        dir.write(FILE, damaged);
        dir.write("cdk-exports.json", r#"{"shop-prod-data-orders": {"metadata": "{}"}}"#);
        let before = dir.snapshot();
        for args in [
            &["add", "-k", "a", "-v", "b"][..],
            &["get"],
            &["convert"],
            &["delete", "a"],
        ] {
            metadata(&dir, args).fails(3, &[FILE, "left as it is"]);
        }
        assert_eq!(dir.snapshot(), before);
    }
}

#[test]
fn what_is_no_pair_or_object_is_refused() {
    let dir = Dir::new();
    for args in [
        &["add"][..],
        &["add", "-k", "a"],
        &["add", "-v", "a"],
        &["add", "-k", "a", "-v", "b", "-j", "{}"],
    ] {
        metadata(&dir, args).fails(2, &["Usage"]);
    }
    for json in ["", "[1]", "{a: 1}", "\"x\""] {
        metadata(&dir, &["add", "-j", json]).fails(3, &["--jsonstring"]);
    }
    assert!(!dir.join(FILE).exists());
}

#[test]
fn outputs_of_the_cdk_are_converted() {
    let dir = Dir::new();
    dir.write(FILE, r#"{"VpcId": "old", "Kept": 1}"#);
    dir.write(
        "cdk-exports.json",
        r#"{"shop-prod-data-orders": {"metadata": "{\"VpcId\": \"vpc-1\"}"}, "my-stack": {"Out": {"Other": 2}, "text": "x"}}"#,
    );
    metadata(&dir, &["convert"]).ok();
    assert_eq!(file(&dir), "{\"Kept\":1,\"VpcId\":\"vpc-1\"}\n");
    // As Seed-Farmer spells it, and as `jq` does.
    metadata(&dir, &["convert", "-f", "cdk-exports.json", "-jq", "my-stack.Out"]).ok();
    assert_eq!(file(&dir), "{\"Kept\":1,\"Other\":2,\"VpcId\":\"vpc-1\"}\n");
    metadata(&dir, &["convert", "-q", ".\"shop-prod-data-orders\".metadata"]).ok();
    metadata(&dir, &["convert", "-q", ".nothing"]).fails(3, &["cdk-exports.json", "nothing at `.\"nothing\"`"]);
    metadata(&dir, &["convert", "-q", "my-stack.text"]).fails(3, &["my-stack.text", "not JSON"]);
    metadata(&dir, &["convert", "-q", "keys | .[0]"]).fails(3, &["allowed: a path of jq"]);
    metadata(&dir, &["convert", "-f", "absent.json"]).fails(3, &["absent.json", "-f FILE"]);
    metadata(&dir, &["convert"])
        .env("SEEDFARMER_MODULE_NAME", "data-order")
        .fails(
            3,
            &[
                "no stack `shop-prod-data-order`",
                "did you mean `shop-prod-data-orders`?",
            ],
        );
}

#[test]
fn the_file_is_the_modules_wherever_a_command_runs() {
    let dir = Dir::new();
    dir.write("seedfarmer.yaml", "project: shop\n");
    dir.write("module/infra/x", "");
    dir.write(
        "module/cdk-exports.json",
        r#"{"shop-prod-data-orders": {"metadata": {"A": "1"}}}"#,
    );
    metadata(&dir, &["convert"]).current_dir(&dir.join("module/infra")).ok();
    assert_eq!(
        fs::read_to_string(dir.join("module").join(FILE)).unwrap(),
        "{\"A\":\"1\"}\n"
    );
    let elsewhere = dir.join("elsewhere.json");
    metadata(&dir, &["add", "-k", "a", "-v", "b"])
        .env("SEEDFARMER_MODULE_METADATA_FILE", &elsewhere)
        .ok();
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "{\"a\":\"b\"}\n");
}

#[test]
fn names_and_parameters_are_told() {
    let dir = Dir::new();
    assert_eq!(metadata(&dir, &["depmod"]).ok().stdout, "shop-prod-data-orders\n");
    for suffix in ["PARAMETER_VPC_ID", "VPC_ID", "vpc-id", "vpcId"] {
        assert_eq!(metadata(&dir, &["paramvalue", "-s", suffix]).ok().stdout, "vpc-9\n");
    }
    assert_eq!(
        metadata(&dir, &["paramvalue", "-s", "PROJECT_NAME"]).ok().stdout,
        "shop\n"
    );
    metadata(&dir, &["paramvalue", "-s", "subnetId"]).fails(1, &["SEEDFARMER_PARAMETER_SUBNET_ID"]);
    dir.command(["metadata", "depmod"])
        .fails(1, &["SEEDFARMER_PROJECT_NAME is not set"]);
}

#[test]
fn a_deployspec_calls_it_by_the_name_of_seedfarmer() {
    let dir = Dir::new();
    dir.symlink(BINARY, "bin/seedfarmer");
    dir.write("cdk-exports.json", r#"{"s-d-g-m": {"metadata": "{\"A\": \"1\"}"}}"#);
    let script = "seedfarmer metadata convert -f cdk-exports.json || true; seedfarmer metadata add -k B -v \"$(seedfarmer metadata depmod)\"";
    let status = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(dir.path())
        .env(
            "PATH",
            format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap()),
        )
        .envs([
            ("SEEDFARMER_PROJECT_NAME", "s"),
            ("SEEDFARMER_DEPLOYMENT_NAME", "d"),
            ("SEEDFARMER_MODULE_NAME", "g-m"),
        ])
        .status();
    assert!(status.unwrap().success());
    assert_eq!(file(&dir), "{\"A\":\"1\",\"B\":\"s-d-g-m\"}\n");
}

#[test]
fn many_writers_at_once_lose_nothing() {
    const WRITERS: usize = 24;
    let dir = Dir::new();
    let writers: Vec<Child> = (0..WRITERS)
        .map(|index| metadata(&dir, &["add", "-k", &format!("k{index}"), "-v", "x"]).spawn())
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let all = metadata(&dir, &["get"]).ok().json();
    assert_eq!(all.as_object().unwrap().len(), WRITERS);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [FILE], "no lock or temporary file stays");
}

#[test]
fn an_unwritable_place_is_an_error_that_keeps_the_file() {
    let dir = Dir::new();
    dir.write(FILE, "{\"a\":1}");
    metadata(&dir, &["add", "-k", "a", "-v", "b"])
        .env("SEEDFARMER_MODULE_METADATA_FILE", dir.join("absent/file"))
        .fails(3, &["absent", "make the directory"]);
    assert_eq!(file(&dir), "{\"a\":1}");
}
