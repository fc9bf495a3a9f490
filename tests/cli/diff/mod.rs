//! `diff`: what a function is, and what it was.

mod dependencies;
mod stores;
mod texts;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Dir, git, hash_of};

/// `app` and `other` on the directory `lib`, published, and then changed in every way.
fn changed() -> (Dir, String) {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", DEFINITION);
    for (path, content) in [
        ("app.py", "def handler(event, context):\n    return 1\n"),
        ("gone.py", "gone\n"),
        ("run.sh", "#!/bin/sh\n"),
        ("old/moved.py", "moved\n"),
        ("old/both.py", "moved, not yet\n"),
        ("b.txt", "b\n"),
    ] {
        dir.write(&format!("code/lib/{path}"), content);
    }
    fs::remove_file(dir.join("code/app.py")).unwrap();
    dir.symlink("app.py", "code/lib/link.py");
    dir.command(["upload"]).ok();
    let before = hash_of(&dir.join("code/lib"));
    dir.write("code/lib/app.py", "def handler(event, context):\n    return 22\n");
    fs::remove_file(dir.join("code/lib/gone.py")).unwrap();
    dir.chmod("code/lib/run.sh", 0o755);
    fs::create_dir(dir.join("code/lib/new")).unwrap();
    fs::rename(dir.join("code/lib/old/moved.py"), dir.join("code/lib/new/moved.py")).unwrap();
    fs::remove_file(dir.join("code/lib/link.py")).unwrap();
    dir.symlink("b.txt", "code/lib/link.py");
    dir.write("code/lib/came.py", "came!\n");
    fs::remove_file(dir.join("code/lib/old/both.py")).unwrap();
    dir.write("code/lib/new/both.py", "moved, edited\n");
    (dir, before)
}

const DEFINITION: &str = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "lib"}"#;

fn changes() -> Value {
    json!([
        {"path": "app.py", "change": "modified", "size_before": 42, "size_after": 43},
        {"path": "came.py", "change": "added", "size_before": null, "size_after": 6},
        {"path": "gone.py", "change": "removed", "size_before": 5, "size_after": null},
        {"path": "link.py", "change": "retargeted", "size_before": 6, "size_after": 5},
        {"path": "new/both.py", "change": "renamed", "from_path": "old/both.py", "size_before": 15, "size_after": 14},
        {"path": "new/both.py", "change": "modified", "size_before": 15, "size_after": 14},
        {"path": "new/moved.py", "change": "renamed", "from_path": "old/moved.py", "size_before": 6, "size_after": 6},
        {"path": "run.sh", "change": "mode", "size_before": 10, "size_after": 10},
    ])
}

#[test]
fn each_kind_of_change_is_named() {
    let (dir, before) = changed();
    let diff = dir.command(["diff", "--json"]).ok().json();
    let after = hash_of(&dir.join("code/lib"));
    assert_eq!(
        diff,
        json!({"functions": [{"name": "app", "from": before, "to": after, "changes": changes(), "inputs": []}]})
    );
    let text = dir.command(["diff"]).ok().stdout;
    let expected = format!(
        "app: {} -> {}\n\
         change      before  after\n\
         modified    42 B    43 B   app.py\n\
         added               6 B    came.py\n\
         removed     5 B            gone.py\n\
         retargeted  6 B     5 B    link.py\n\
         renamed     15 B    14 B   new/both.py (was old/both.py)\n\
         modified    15 B    14 B   new/both.py\n\
         renamed     6 B     6 B    new/moved.py (was old/moved.py)\n\
         mode        0644    0755   run.sh\n",
        &before[..16],
        &after[..16]
    );
    assert_eq!(text, expected);
    let markdown = dir.command(["diff", "--markdown"]).ok().stdout;
    let expected = format!(
        "### `app: {} -> {}`\n\n\
         | change | what | before | after |\n\
         | --- | --- | --- | --- |\n\
         | modified | `app.py` | `42 B` | `43 B` |\n\
         | added | `came.py` |  | `6 B` |\n\
         | removed | `gone.py` | `5 B` |  |\n\
         | retargeted | `link.py` | `6 B` | `5 B` |\n\
         | renamed | `new/both.py (was old/both.py)` | `15 B` | `14 B` |\n\
         | modified | `new/both.py` | `15 B` | `14 B` |\n\
         | renamed | `new/moved.py (was old/moved.py)` | `6 B` | `6 B` |\n\
         | mode | `run.sh` | `0644` | `0755` |\n",
        &before[..16],
        &after[..16]
    );
    assert_eq!(markdown, expected);
}

/// What one store has and the other lacks.
fn copy_missing(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_missing(&entry.path(), &target);
        } else if !target.exists() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn sides_are_hashes_stores_and_packages() {
    let (dir, before) = changed();
    dir.command(["build", "--out-dir", "new"]).ok();
    dir.command(["upload", "--store", "file://./second"]).ok();
    let after = hash_of(&dir.join("code/lib"));
    let of = |args: &[&str]| {
        let args = ["diff", "app", "--json"].into_iter().chain(args.iter().copied());
        let diff = dir.command(args).ok().json();
        diff["functions"][0].clone()
    };
    let expected = json!({"name": "app", "from": before, "to": after, "changes": changes(), "inputs": []});
    assert_eq!(of(&["--from", &before[..8]]), expected);
    assert_eq!(of(&["--to", "file://./second"]), expected);
    let second = ["--store", "file://./second"];
    let same = of(&[&["--to", &after, "--from", &after], &second[..]].concat());
    assert_eq!(same["changes"], json!([]));
    // Two hashes, and two stores.
    dir.command(["upload", "--store", "file://./both"]).ok();
    let [one, two] = [".lambda-pack/store", "both"].map(|store| dir.join(store));
    copy_missing(&one, &two);
    assert_eq!(
        of(&["--from", &before, "--to", &after[..12], "--store", "file://./both"]),
        expected
    );
    assert_eq!(
        of(&["--from", "file://./.lambda-pack/store", "--to", "file://./second"]),
        expected
    );
    let store = dir.join(".lambda-pack/store/packages/app");
    let package = fs::read_dir(store).unwrap().next().unwrap().unwrap().path();
    let zips = of(&["--from", package.to_str().unwrap(), "--to", "new/app.zip"]);
    assert_eq!(zips["changes"], changes());
    let refused = dir.command(["diff", "app", "--from", "new/app.zip"]);
    refused.fails(2, &["a package holds other entries than a source"]);
    dir.command(["diff", "app", "--from", "01234567"])
        .fails(5, &["has no package of `app` with the source hash 01234567"]);
    dir.command(["diff", "--from", "main"])
        .fails(2, &["allowed: source, published"]);
    dir.command(["diff", "ap"])
        .fails(2, &["no function is named `ap`", "did you mean `app`?"]);
}

#[test]
fn no_change_says_what_was_compared() {
    let dir = Dir::with_app();
    let new = dir.command(["diff", "--json", "--detailed-exitcode"]).run();
    assert_eq!(new.code, 10, "{new:?}");
    assert_eq!(new.json()["functions"][0]["from"], Value::Null);
    dir.command(["upload"]).ok();
    let same = dir.command(["diff", "--detailed-exitcode"]).ok();
    assert_eq!(
        same.stdout,
        "no change in 1 of 1: compared what was published last in file://./.lambda-pack/store with the source\n"
    );
    let manifests = dir.join(".lambda-pack/store/manifests/app");
    let manifest = fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(manifest).unwrap();
    // Who has nothing to compare needs none.
    dir.command(["diff"]).ok();
    let hash = hash_of(&dir.join("code/app.py"));
    dir.write("code/app.py", "def handler(event, context):\n    return 2\n");
    let url = format!("/.lambda-pack/store/manifests/app/{hash}.json` isn't there");
    dir.command(["diff"]).fails(
        1,
        &[
            "function `app`: `file://",
            &url,
            &format!("lambda-pack upload app --expect app={hash}"),
        ],
    );
}

#[test]
fn build_inputs_are_named_by_key() {
    let dir = Dir::with_app();
    let definition = |runtime: &str| {
        format!(
            r#"{{"runtime": "{runtime}", "handler": "app.handler", "source": "app.py",
                "build": {{"type": "command", "command": ["sh", "-c", "mkdir -p out && cp app.py out/"], "output": "out"}}}}"#
        )
    };
    dir.write("lambda-json/app.json", definition("python3.12"));
    dir.command(["upload"]).ok();
    dir.write(
        "lambda-json/app.json",
        definition("python3.13").replace("mkdir -p", "mkdir"),
    );
    let diff = dir.command(["diff", "--json"]).ok().json();
    assert_eq!(diff["functions"][0]["changes"], json!([]), "{diff}");
    let keys: Vec<&str> = diff["functions"][0]["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["key"].as_str().unwrap())
        .collect();
    assert!(keys.iter().any(|key| key.contains("command")), "{diff}");
}

#[test]
fn the_newest_of_several_is_what_was_published_last() {
    let dir = Dir::with_app();
    for number in 0..3 {
        dir.write(
            "code/app.py",
            format!("def handler(event, context):\n    return {number}\n"),
        );
        dir.command(["upload"]).ok();
    }
    let last = hash_of(&dir.join("code/app.py"));
    dir.write("code/app.py", "def handler(event, context):\n    return event\n");
    let diff = dir.command(["diff", "--json"]).ok().json();
    assert_eq!(diff["functions"][0]["from"], last);
}

#[test]
fn commits_are_compared_as_they_were() {
    let dir = Dir::with_app();
    git(dir.path(), &["init", "--quiet"]);
    dir.write("lambda-pack.toml", "code_dir = \"sources\"\n");
    fs::rename(dir.join("code"), dir.join("sources")).unwrap();
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "-m", "one"]);
    let before = hash_of(&dir.join("sources/app.py"));
    // Directories that the settings name may be others now, and functions may have come and gone.
    dir.write("lambda-pack.toml", "code_dir = \"code\"\n");
    fs::rename(dir.join("sources"), dir.join("code")).unwrap();
    dir.write("code/app.py", "def handler(event, context):\n    return 2\n");
    dir.write(
        "lambda-json/new.json",
        fs::read(dir.join("lambda-json/app.json")).unwrap(),
    );
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "-m", "two"]);
    let after = hash_of(&dir.join("code/app.py"));
    let names_and_sides = |args: &[&str]| -> Vec<Value> {
        let args = ["diff", "--json"].into_iter().chain(args.iter().copied());
        let diff = dir.command(args).ok().json();
        let functions = diff["functions"].as_array().unwrap().iter();
        functions
            .map(|it| {
                json!([
                    it["name"],
                    it["from"],
                    it["to"],
                    it["changes"].as_array().unwrap().len()
                ])
            })
            .collect()
    };
    let expected = [json!(["app", before, after, 1]), json!(["new", null, after, 1])];
    assert_eq!(names_and_sides(&["--from", "git:HEAD~1"]), expected);
    assert_eq!(names_and_sides(&["--from", "git:HEAD~1", "--to", "git:HEAD"]), expected);
    fs::remove_file(dir.join("lambda-json/new.json")).unwrap();
    let gone = names_and_sides(&["--from", "git:HEAD"]);
    assert_eq!(gone, [json!(["app", after, after, 0]), json!(["new", after, null, 1])]);
    dir.command(["diff", "--from", "git:nowhere"])
        .fails(2, &["git knows no commit `nowhere` here"]);
    assert_eq!(git(dir.path(), &["status", "--short"]).trim(), "D lambda-json/new.json");
}
