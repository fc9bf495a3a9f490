//! `affected`: which functions a change touches.

mod random;
mod repositories;

use std::fs;

use serde_json::{Value, json};

use crate::support::{Dir, git};

fn commit(dir: &Dir) {
    if !dir.join(".git").exists() {
        git(dir.path(), &["init", "--quiet", "--initial-branch=main"]);
    }
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--allow-empty", "--message=x"]);
}

fn define(dir: &Dir, name: &str, definition: &Value) {
    let mut definition = definition.clone();
    if definition["type"] != "layer" {
        definition["handler"] = "x.y".into();
    }
    dir.write(
        &format!("lambda-json/{name}.json"),
        serde_json::to_string_pretty(&definition).unwrap(),
    );
}

/// Names, as `affected` prints them.
#[track_caller]
fn since(dir: &Dir, reference: &str) -> Vec<String> {
    let run = dir.command(["affected", "--since", reference]).ok();
    run.stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn of_files(dir: &Dir, files: &str) -> Vec<String> {
    let run = dir.command(["affected", "--files", "-"]).stdin(files).ok();
    run.stdout.lines().map(str::to_owned).collect()
}

const LOCK: &str = "a==1 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n";

/// A function for each way in which a file can decide something.
fn project() -> Dir {
    let dir = Dir::new();
    for file in [
        "a/x.py",
        "a/doc.md",
        "a/skip/y.py",
        "a/skip/keep/z.py",
        "shared/log/l.py",
        "shared/s.py",
        "shared/readme.md",
        "b/x.py",
        "b/readme.md",
        "b/sub/y.py",
        "util.py",
        "c/x.py",
        "d/x.py",
        "e/main.go",
        "f/main.sh",
        "g/x.py",
        "h/x.py",
        "v1/x.py",
        "v2/x.py",
        "i/x.py",
        "i/made.py",
        "k/x.py",
        "l/python/r.py",
        "libs/one/a.go",
        "libs/one/readme.md",
        "libs/two/b.go",
        "proto/p.proto",
    ] {
        dir.write(&format!("code/{file}"), file);
    }
    dir.write("code/a/.lambdaignore", "skip/\n*.tmp\n");
    dir.write("code/i/.gitignore", "made.py\n");
    dir.write("code/locks/d.txt", LOCK);
    dir.write("code/k/requirements.txt", LOCK);
    dir.symlink("../shared", "code/g/common");
    dir.symlink("../b/readme.md", "code/g/one.txt");
    dir.symlink("x.py", "code/h/link.py");
    dir.symlink("v1", "code/current");
    dir.write("models/m.bin", "model");
    dir.write("lambda-pack.toml", "region = \"eu-west-1\"\n");
    let shared = json!({"path": "shared", "prefix": "shared", "exclude": ["**/*.md"]});
    let python = json!({"type": "python"});
    let command = |more: Value| {
        let mut build = json!({"type": "command", "command": ["true"], "output": "dist"});
        build.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        build
    };
    for (name, definition) in [
        ("a", json!({"source": ["a", shared], "layers": ["rules"]})),
        (
            "b",
            json!({"source": [{"path": "b", "include": ["**/*.py"]}, "util.py"]}),
        ),
        (
            "c",
            json!({"source": {"path": ".", "include": ["c/**", "shared/log/**"]}}),
        ),
        (
            "d",
            json!({"source": "d", "runtime": "python3.13", "build": {"type": "python", "lock": "locks/d.txt"}}),
        ),
        (
            "e",
            json!({"source": "e", "build": command(json!({"inputs": ["libs/**/*.go", "proto"]}))}),
        ),
        (
            "f",
            json!({"source": "f", "build": command(json!({"inputs": ["proto"], "identity": "one"}))}),
        ),
        (
            "g",
            json!({"source": {"path": "g", "symlinks": "follow", "exclude": ["common/log/**"]}}),
        ),
        ("h", json!({"source": "h", "environment": {"AB": "1"}})),
        ("i", json!({"source": {"path": "i", "gitignore": true}})),
        (
            "k",
            json!({"source": {"path": "k", "exclude": ["*.txt"]}, "runtime": "python3.13", "build": python}),
        ),
        (
            "m",
            json!({"source": "util.py", "assets": [{"url": "file:models/m.bin", "path": "m", "sha256": "0".repeat(64)}]}),
        ),
        (
            "rules",
            json!({"type": "layer", "source": "l", "compatible_runtimes": ["python3.13"]}),
        ),
        ("s", json!({"source": "current"})),
        (
            "split",
            json!({"source": "c", "runtime": "python3.13",
            "build": {"type": "python", "lock": "locks/d.txt", "dependencies": "layer"}}),
        ),
    ] {
        define(&dir, name, &definition);
    }
    dir.write(".gitignore", "/.lambda-pack/\n*.log\n");
    dir
}

#[test]
fn each_kind_of_file_touches_what_it_decides() {
    let dir = project();
    let touched = |file: &str, expected: &[&str]| {
        assert_eq!(of_files(&dir, file), expected, "{file}");
    };
    touched("code/shared/log/l.py", &["a", "c"]);
    touched("code/shared/s.py", &["a", "g"]);
    touched("code/shared/readme.md", &["g"]);
    touched("code/b/readme.md", &["g"]);
    touched("code/b/sub/y.py", &["b"]);
    touched("code/util.py", &["b", "m"]);
    // Left out, by an ignore file or by name, there or gone.
    touched("code/a/skip/y.py", &[]);
    touched("code/a/skip/gone/y.py", &[]);
    touched("code/a/gone.tmp", &[]);
    touched("code/a/__pycache__/x.pyc", &[]);
    touched("code/i/made.py", &[]);
    touched("code/a/gone.py", &["a"]);
    // Ignore files themselves.
    touched("code/a/.lambdaignore", &["a", "c"]);
    touched("code/i/.gitignore", &["i"]);
    touched("code/a/skip/.lambdaignore", &[]);
    // Lock files, and one that would come before the one that is there.
    touched("code/locks/d.txt", &["d", "split", "split-dependencies"]);
    touched("code/k/requirements.txt", &["k"]);
    touched("code/k/uv.lock", &["k"]);
    // Build inputs; an identity stands for those of `f`.
    touched("code/libs/one/a.go", &["e"]);
    touched("code/libs/one/readme.md", &[]);
    touched("code/proto/p.proto", &["e"]);
    // Links on the way to a source, and links in it.
    touched("code/v1/x.py", &["s"]);
    touched("code/v2/x.py", &[]);
    touched("code/current", &["s"]);
    touched("code/h/link.py", &["h"]);
    touched("code/g/common", &["g"]);
    // An asset that stands in the project, a layer, and what decides about all.
    touched("models/m.bin", &["m"]);
    touched("code/l/python/r.py", &["a", "rules"]);
    touched("lambda-json/rules.json", &["a", "rules"]);
    touched("lambda-json/split.json", &["split", "split-dependencies"]);
    assert_eq!(of_files(&dir, "lambda-pack.toml").len(), 15);
    // A directory is all that may be in it.
    touched("code/libs/", &["c", "e"]);
    touched("code/shared", &["a", "c", "g"]);
    touched("README.md", &[]);
    touched("", &[]);
}

#[test]
fn lists_are_read_as_git_prints_them_wherever_one_stands() {
    let dir = project();
    commit(&dir);
    dir.write("code/b/gr\u{fc}n \"1\".py", "x");
    dir.write("code/v1/x.py", "changed");
    git(dir.path(), &["add", "--all"]);
    let expected = ["b", "s"];
    let plain = git(dir.path(), &["diff", "--name-only", "HEAD"]);
    assert!(plain.contains("\\303\\274"), "git quotes it: {plain}");
    let raw = git(dir.path(), &["diff", "--name-only", "-z", "HEAD"]);
    for list in [plain.as_str(), &raw, &plain.replace('\n', "\r\n")] {
        assert_eq!(of_files(&dir, list), expected, "{list:?}");
        let file = dir.write("list", list);
        let run = dir.command(["affected", "--files", file.to_str().unwrap()]).ok();
        assert_eq!(run.stdout, "b\ns\n");
    }
    // git names files from the top of the repository, people from where they are.
    let inside = dir.join("code/v1");
    for list in [plain.as_str(), "x.py\n../b/x.py\n"] {
        let config = dir.join("lambda-json");
        let command = dir.command(["affected", "--files", "-", "--config-dir", config.to_str().unwrap()]);
        assert_eq!(command.current_dir(&inside).stdin(list).ok().stdout, "b\ns\n");
    }
}

#[test]
fn what_is_committed_staged_changed_or_new_counts_since_a_commit() {
    let dir = project();
    commit(&dir);
    assert_eq!(since(&dir, "HEAD"), [""; 0]);
    dir.write("code/a/x.py", "committed");
    git(dir.path(), &["mv", "code/b/sub/y.py", "code/c/moved.py"]);
    commit(&dir);
    dir.write("code/d/x.py", "staged");
    git(dir.path(), &["add", "--all"]);
    dir.write("code/e/main.go", "changed");
    dir.write("code/h/new.py", "new");
    fs::remove_file(dir.join("code/v1/x.py")).unwrap();
    dir.write("code/v1/z.py", "new");
    // What git ignores isn't known to have changed.
    dir.write("code/f/some.log", "ignored");
    assert_eq!(since(&dir, "HEAD~1"), ["a", "b", "c", "d", "e", "h", "s", "split"]);
    assert_eq!(since(&dir, "main"), ["d", "e", "h", "s"]);
    dir.chmod("code/f/main.sh", 0o755);
    assert!(since(&dir, "HEAD").contains(&"f".to_owned()));
}

#[test]
fn definitions_count_by_what_they_say() {
    let dir = project();
    commit(&dir);
    let rewrite = |name: &str, change: fn(&mut Value)| {
        let file = dir.join(&format!("lambda-json/{name}.json"));
        let mut definition: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        change(&mut definition);
        fs::write(file, serde_json::to_string(&definition).unwrap()).unwrap();
    };
    // Another spelling, a default that is said, a glob that matches nothing, a file's name.
    rewrite("a", |_| {});
    rewrite("b", |definition| definition["timeout"] = 3.into());
    rewrite("d", |definition| {
        definition["source"] = json!({"path": "d", "exclude": ["*.none"]})
    });
    rewrite("h", |definition| definition["function_name"] = "h".into());
    fs::rename(dir.join("lambda-json/h.json"), dir.join("lambda-json/other.json")).unwrap();
    dir.write("lambda-pack.toml", "region = \"eu-west-2\"\n");
    assert_eq!(since(&dir, "HEAD"), [""; 0]);
    rewrite("b", |definition| definition["timeout"] = 4.into());
    rewrite("rules", |definition| definition["description"] = "x".into());
    rewrite("c", |definition| definition["source"]["exclude"] = json!(["shared/**"]));
    rewrite("s", |definition| definition["allowed_secrets"] = json!([]));
    define(&dir, "new", &json!({"source": "util.py"}));
    assert_eq!(since(&dir, "HEAD"), ["a", "b", "c", "new", "rules"]);
    // With nothing but paths, what a file says may be anything.
    assert!(of_files(&dir, "lambda-json/d.json").contains(&"d".to_owned()));
    dir.write("lambda-pack.toml", "code_dir = \"./code\"\nregion = \"x\"\n");
    assert_eq!(since(&dir, "HEAD"), ["a", "b", "c", "new", "rules"]);
    fs::rename(dir.join("code"), dir.join("src")).unwrap();
    dir.write("lambda-pack.toml", "code_dir = \"src\"\n");
    assert_eq!(since(&dir, "HEAD").len(), 16);
}

#[test]
fn a_profile_decides_what_is_deployed() {
    let dir = Dir::new();
    for name in ["one", "two"] {
        dir.write(&format!("code/{name}.py"), name);
        define(&dir, name, &json!({"source": format!("{name}.py")}));
    }
    let settings = |architecture: &str, functions: &str| {
        let tables = format!("[profiles.p]\narchitecture = \"{architecture}\"\nfunctions = [{functions}]\n");
        dir.write("lambda-pack.toml", tables);
    };
    let affected = |profile: &str| {
        let run = dir
            .command(["affected", "--since", "HEAD", "--deployment-profile", profile])
            .ok();
        run.stdout
    };
    settings("x86_64", "\"one\"");
    commit(&dir);
    settings("x86_64", "\"*\"");
    assert_eq!(affected("p"), "two\n");
    assert_eq!(affected(""), "");
    settings("arm64", "\"one\"");
    assert_eq!(affected("p"), "one\n");
    dir.write("lambda-pack.toml", "[profiles.q]\n");
    assert_eq!(affected("q"), "one\ntwo\n");
}

#[test]
fn a_project_may_be_a_part_of_a_repository() {
    let outer = Dir::new();
    let dir = project();
    fs::rename(dir.path(), outer.join("inner project")).unwrap();
    fs::create_dir(dir.path()).unwrap();
    commit(&outer);
    outer.write("inner project/code/v1/x.py", "changed");
    outer.write("elsewhere/code/v2/x.py", "no part of it");
    outer.write("code/a/x.py", "nor is this");
    let inside = outer.join("inner project");
    let run = outer
        .command(["affected", "--since", "HEAD", "--json"])
        .current_dir(&inside)
        .ok();
    let expected = json!([{"name": "s", "type": "function",
        "reasons": [{"kind": "source", "path": "inner project/code/v1/x.py"}]}]);
    assert_eq!(run.json(), expected);
}

#[test]
fn json_says_why() {
    let dir = project();
    let run = dir
        .command(["affected", "--files", "-", "--json"])
        .stdin("code/l/python/r.py\ncode/a/x.py\n");
    let expected = json!([
        {"name": "a", "type": "function",
            "reasons": [{"kind": "source", "path": "code/a/x.py"}, {"kind": "layer", "name": "rules"}]},
        {"name": "rules", "type": "layer", "reasons": [{"kind": "source", "path": "code/l/python/r.py"}]},
    ]);
    assert_eq!(run.ok().json(), expected);
    let run = dir
        .command(["affected", "--files", "-", "-v"])
        .stdin("code/v1/x.py\n")
        .ok();
    assert!(run.stderr.contains("s: source `code/v1/x.py`"), "{}", run.stderr);
    assert_eq!(dir.command(["affected", "--files", "-", "--json"]).ok().stdout, "[]\n");
}

#[test]
fn what_can_not_be_answered_is_an_error() {
    let dir = project();
    dir.command(["affected"]).fails(2, &["--since", "--files"]);
    dir.command(["affected", "--since", "HEAD"])
        .env("GIT_CEILING_DIRECTORIES", dir.path().parent().unwrap())
        .fails(1, &["is not in a git repository", "--files"]);
    commit(&dir);
    dir.command(["affected", "--since", "nowhere"])
        .fails(2, &["no commit `nowhere`"]);
    dir.command(["affected", "--since=--output=x"])
        .fails(2, &["no commit `--output=x`"]);
    assert!(!dir.join("x").exists());
    dir.command(["affected", "--since", "HEAD"])
        .env("PATH", "")
        .fails(1, &["cannot run git", "install git"]);
    dir.command(["affected", "--files", "none"]).fails(3, &["`none`"]);
}
