//! What isn't worth an error is said, each time and to all who ask: on stderr, and in the document if it isn't of this machine.

use std::fs;

use serde_json::{Value, json};

use super::document;
use super::verify::{put, refused};
use crate::builds::path_without;
use crate::support::{Dir, Run};
use crate::swaps::{SDK, requests_in_a_layer, sdk_project, without_notes};

fn check(dir: &Dir, name: &str) -> Value {
    let document = document(&fs::read_to_string(dir.join("dist/bundle.json")).unwrap());
    let mut checks = document["validation"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == name).cloned().unwrap()
}

fn manifest(dir: &Dir, name: &str) -> std::path::PathBuf {
    let mut manifests = fs::read_dir(dir.join(&format!(".lambda-pack/store/manifests/{name}"))).unwrap();
    manifests.next().unwrap().unwrap().path()
}

#[test]
fn what_swaps_may_break_is_said_of_stored_packages_too() {
    let dir = sdk_project("[profiles.p]\nswaps = [{ from = \"urllib3\", to = \"drop\" }]\n");
    let missing = "`requests` needs `urllib3`, which the swap of `urllib3` drops; it fails where it uses that";
    let command = |verbs: &[&str]| dir.command(verbs.iter().copied()).args(["--deployment-profile", "p"]);
    let says = |run: &Run| assert_eq!(run.stderr.matches(missing).count(), 1, "{run:?}");
    let is_in_document = || {
        let check = check(&dir, "swaps/app");
        assert_eq!(check["status"], "warn", "{check}");
        assert!(check["detail"].as_str().unwrap().contains(missing), "{check}");
    };
    says(&command(&["run"]).ok());
    is_in_document();
    let first = fs::read(dir.join("dist/bundle.json")).unwrap();
    // Nothing is installed to know that.
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3", "python"]);
    for verbs in [
        &["run", "--no-cache"][..],
        &["bundle", "export", "--no-cache"],
        &["upload"],
        &["upload"],
    ] {
        says(&command(verbs).env("PATH", &path).ok());
        assert_eq!(fs::read(dir.join("dist/bundle.json")).unwrap(), first, "{verbs:?}");
    }
    let verify = || dir.command(["bundle", "verify", "dist/bundle.json"]);
    verify().ok();

    // Of what an older version stored nobody knows it; it is made again once, and known from then on.
    let manifest = manifest(&dir, "app");
    let mut older = document(&fs::read_to_string(&manifest).unwrap());
    assert!(older.as_object_mut().unwrap().remove("warnings_of_swaps").is_some());
    fs::write(&manifest, older.to_string()).unwrap();
    verify().ok();
    command(&["run", "--no-cache"]).env("PATH", &path).fails(1, &["uv"]);
    says(&command(&["run"]).ok());
    assert_eq!(fs::read(dir.join("dist/bundle.json")).unwrap(), first);
    says(&command(&["run", "--no-cache"]).env("PATH", &path).ok());
    // A document that keeps quiet about it isn't right.
    let mut silent = document(std::str::from_utf8(&first).unwrap());
    let checks = silent["validation"].as_array_mut().unwrap();
    let of_swaps = checks.iter_mut().find(|check| check["check"] == "swaps/app").unwrap();
    of_swaps["status"] = json!("pass");
    put(&dir, &silent);
    refused(
        verify(),
        3,
        "function `app`: the store knows what its swaps may break, and `swaps/app` doesn't warn of it",
    );
}

#[test]
fn another_version_in_a_layer_is_in_the_document() {
    let dir = requests_in_a_layer(&without_notes(SDK));
    for name in ["certifi", "charset_normalizer", "idna"] {
        let site = format!("code/lay/python/{name}-1.dist-info");
        dir.write(&format!("{site}/METADATA"), format!("Name: {name}\nVersion: 1\n\n"));
        dir.write(&format!("{site}/RECORD"), "");
    }
    let run = || dir.command(["run", "--deployment-profile", "p"]).ok();
    let warning = "the layer holds `idna` 1, in place of";
    for _ in ["made", "stored"] {
        assert_eq!(run().stderr.matches(warning).count(), 1);
        let check = check(&dir, "swaps/app");
        assert!(check["detail"].as_str().unwrap().contains(warning), "{check}");
        assert_eq!(check["status"], "warn");
    }
    let verify = || dir.command(["bundle", "verify", "dist/bundle.json"]);
    verify().ok();
    // The package leaves it to a layer that the function, as it is described now, doesn't get.
    let good = document(&fs::read_to_string(dir.join("dist/bundle.json")).unwrap());
    let mut without = good.clone();
    let functions = without["functions"].as_array_mut().unwrap();
    let function = functions.iter_mut().find(|function| function["name"] == "app").unwrap();
    function["layers"] = json!([]);
    let edges = without["graph"]["edges"].as_array_mut().unwrap();
    edges.retain(|edge| !(edge["from"] == "function:app" && edge["to"] == "layer:lay"));
    for check in without["validation"].as_array_mut().unwrap() {
        if check["check"] == "fitness.layers/app" {
            check["detail"] = json!("no layers");
        }
    }
    put(&dir, &without);
    refused(
        verify(),
        3,
        "its package leaves `idna` to the layer `lay`, which isn't among its layers",
    );
    let mut without = good;
    without["swaps"] = json!([]);
    without["validation"]
        .as_array_mut()
        .unwrap()
        .retain(|check| check["check"] != "swaps/app");
    put(&dir, &without);
    refused(
        verify(),
        3,
        "its package leaves `idna` to the layer `lay`, and no swap says so",
    );
}

const VALUE: &str = "tr0ub4dor/3xyz";

fn declared(more: &str) -> Dir {
    let dir = Dir::with_app();
    let secret = "[[profiles.p.secrets]]\nid = 'ci'\nclass = 'infrastructure'\nreason = 'it deploys'\nvariable = 'CI_PASSWORD'\n";
    dir.write("lambda-pack.toml", format!("[profiles.p]\n{secret}{more}"));
    dir
}

#[test]
fn a_secret_whose_value_this_machine_does_not_know_is_said() {
    let dir = declared("");
    const PACKING: [&[&str]; 5] = [&["validate"], &["build"], &["bundle", "export"], &["run"], &["upload"]];
    let run = |verbs: &[&str], value: Option<&str>| {
        let command = dir.command(verbs.iter().copied()).args(["--deployment-profile", "p"]);
        match value {
            Some(value) => command.env("CI_PASSWORD", value),
            None => command,
        }
    };
    let mut documents = std::collections::BTreeSet::new();
    for (value, warning) in [
        (None, "infrastructure secret `ci`: `CI_PASSWORD` is not set here"),
        (
            Some("short"),
            "infrastructure secret `ci`: `CI_PASSWORD` holds fewer than 8 characters",
        ),
        (Some(VALUE), ""),
    ] {
        for verbs in PACKING {
            let run = run(verbs, value).ok();
            assert_eq!(
                run.stderr.contains("infrastructure secret"),
                !warning.is_empty(),
                "{run:?}"
            );
            assert!(run.stderr.contains(warning), "{run:?}");
        }
        documents.insert(fs::read(dir.join("dist/bundle.json")).unwrap());
    }
    assert_eq!(documents.len(), 1, "what a machine knows is no part of the document");
}

#[test]
fn a_secret_in_what_the_document_will_say_is_found_before_anything_is_uploaded() {
    let swap = |impact: &str| format!("[[profiles.p.swaps]]\nfrom = 'b'\nto = 'drop'\nimpact = '{impact}'\n");
    let reason = "[[profiles.p.secrets]]\nid = 'other'\nclass = 'infrastructure'\npattern = 'corp_[a-z]{9}'\nreason = ";
    for (more, key) in [
        (format!("[application]\nname = '{VALUE}'\n"), "application.name"),
        (
            format!("[application]\nname = 'shop'\nversion = '1-{VALUE}'\n"),
            "application.version",
        ),
        (swap(VALUE), "swaps[0].impact"),
        (format!("{reason}'as {VALUE} says'\n"), "excluded[1].reason"),
    ] {
        let dir = declared(&more);
        dir.write("code/app/b-1.dist-info/METADATA", "Name: b\nVersion: 1\n\n");
        dir.write("code/app/b-1.dist-info/RECORD", "b.py,,\n");
        dir.write("code/app/b.py", "");
        dir.write(
            "lambda-json/app.json",
            r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app"}"#,
        );
        dir.write("code/app/app.py", "");
        let words = format!("bundle.json: key `{key}`: infrastructure secret `ci` found");
        let run = dir
            .command(["run", "--deployment-profile", "p"])
            .env("CI_PASSWORD", VALUE);
        let run = run.fails(3, &[&words]);
        assert!(!format!("{run:?}").contains(VALUE), "{run:?}");
        assert!(!dir.join(".lambda-pack/store").exists(), "{key}");
    }
}
