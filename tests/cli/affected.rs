//! `affected`: which functions a change touches; against hashing everything before and after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Dir;

fn git(directory: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

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
        .fails(1, &["not a git repository", "--files"]);
    commit(&dir);
    dir.command(["affected", "--since", "nowhere"])
        .fails(2, &["no commit `nowhere`"]);
    dir.command(["affected", "--since=--output=x"])
        .fails(2, &["no commit `--output=x`"]);
    assert!(!dir.join("x").exists());
    dir.command(["affected", "--since", "HEAD"])
        .env("PATH", "")
        .fails(1, &["cannot run git", "--files"]);
    dir.command(["affected", "--files", "none"]).fails(3, &["`none`"]);
}

/// What can be compared of each function: source hash, definition and layers. `None` for what can't be hashed.
fn hashed(dir: &Dir) -> BTreeMap<String, Option<Value>> {
    let ask = |query: Value| {
        let run = dir.command(["external", "hash"]).stdin(query.to_string()).run();
        (run.code == 0).then(|| serde_json::from_str::<Value>(run.json()["packages"].as_str().unwrap()).unwrap())
    };
    let packages: BTreeMap<String, Value> = match ask(json!({})) {
        Some(all) => serde_json::from_value(all).unwrap(),
        None => {
            let names = fs::read_dir(dir.join("lambda-json")).unwrap();
            let names = names.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
            let each =
                names.map(|name| ask(json!({"names": json!([name]).to_string()})).unwrap_or(json!({name: null})));
            each.flat_map(|packages| packages.as_object().unwrap().clone())
                .collect()
        }
    };
    let models = fs::read_dir(dir.join("models")).unwrap().count().to_string()
        + &fs::read_to_string(dir.join("models/m.bin")).unwrap_or_default();
    let with_layers = packages.iter().map(|(name, package)| {
        if package.is_null() {
            return (name.clone(), None);
        }
        let layers = package["definition"]["layers"].as_array().cloned().unwrap_or_default();
        let layers: Vec<&Value> = layers.iter().map(|layer| &packages[layer.as_str().unwrap()]).collect();
        // Builds refuse it once the file is another one.
        let asset = (name == "m").then_some(&models);
        (name.clone(), Some(json!([package, layers, asset])))
    });
    with_layers.collect()
}

/// One random change. Returns whether it is of a kind for which `affected` may name too many: of ignore files and links it isn't
/// known what they said before.
fn change(dir: &Dir, random: &mut fastrand::Rng) -> bool {
    let mut files: Vec<String> = dir
        .snapshot()
        .iter()
        .map(|(path, _)| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned())
        .collect();
    files.retain(|path| !path.starts_with(".git/") && path != ".gitignore");
    let new = [
        "code/a/skip/n.py",
        "code/a/n.tmp",
        "code/a/n/m.py",
        "code/b/n.md",
        "code/b/n.py",
        "code/shared/n.md",
        "code/shared/log/n.py",
        "code/c/n",
        "code/g/n",
        "code/i/made.py",
        "code/i/n",
        "code/libs/n.go",
        "code/libs/n.md",
        "code/proto/n",
        "code/v1/n",
        "code/v2/n",
        "code/k/uv.lock",
        "code/k/pyproject.toml",
        "code/a/__pycache__/n.pyc",
        "code/a/skip/keep/.lambdaignore",
        "code/n",
        "README.md",
        "code/f/dist/n",
    ];
    let pool: Vec<&str> = files.iter().map(String::as_str).chain(new).collect();
    let path = pool[random.usize(..pool.len())];
    let file = dir.join(path);
    let is_link = file.is_symlink();
    let decides_others = path.ends_with("ignore") || is_link;
    match random.u8(..6) {
        _ if path.starts_with("lambda-json/") => {
            let Ok(text) = fs::read(&file) else { return false };
            let mut definition: Value = serde_json::from_slice(&text).unwrap();
            let glob = ["*.none", "n"][random.usize(..2)];
            match random.u8(..4) {
                0 if definition["type"] != "layer" => definition["timeout"] = random.u8(1..4).into(),
                1 => definition["description"] = json!(["x", "y"][random.usize(..2)]),
                2 if definition["source"].is_string() => {
                    definition["source"] = json!({"path": definition["source"], "exclude": [glob]});
                }
                _ => {}
            }
            fs::write(&file, definition.to_string()).unwrap();
            false
        }
        _ if path == "lambda-pack.toml" => {
            dir.write(path, format!("region = \"eu-west-{}\"\n", random.u8(1..4)));
            false
        }
        0 if !is_link && file.exists() => {
            fs::remove_file(file).unwrap();
            decides_others
        }
        1 if !is_link && file.exists() => {
            dir.chmod(path, if random.bool() { 0o755 } else { 0o644 });
            decides_others
        }
        2 if !is_link && file.exists() => {
            let to = dir.join(&format!("{path}{}", [".md", ".py", ".tmp"][random.usize(..3)]));
            fs::rename(&file, to).unwrap();
            decides_others
        }
        _ if path == "code/current" => {
            fs::remove_file(&file).unwrap();
            dir.symlink(["v1", "v2"][random.usize(..2)], path);
            true
        }
        _ if is_link => false,
        _ => {
            let lock = format!("{LOCK}# {}\n", random.u8(..3));
            let content = match path {
                "code/locks/d.txt" | "code/k/requirements.txt" => lock,
                path if path.ends_with("ignore") => ["skip/\n", "*.py\n", "!*.py\n"][random.usize(..3)].to_owned(),
                _ => random.u8(..3).to_string(),
            };
            dir.write(path, content);
            decides_others
        }
    }
}

/// None is missed, and no more are named than differ.
#[test]
fn random_changes_touch_what_hashing_everything_says() {
    const ROUNDS: u64 = 16;
    let (mut touched, mut untouched, mut inexact) = (0, 0, 0);
    let dir = project();
    commit(&dir);
    let mut before = hashed(&dir);
    for seed in 0..ROUNDS {
        let mut random = fastrand::Rng::with_seed(seed);
        let changes = random.usize(1..5);
        let may_name_more = (0..changes).fold(false, |more, _| change(&dir, &mut random) | more);
        if random.bool() {
            git(dir.path(), &["add", "--all"]);
        }
        let files = git(dir.path(), &["diff", "--name-only", "--no-renames", "-z", "HEAD"])
            + &git(dir.path(), &["ls-files", "-z", "--others", "--exclude-standard"]);
        let after = hashed(&dir);
        let found: BTreeSet<String> = since(&dir, "HEAD").into_iter().collect();
        let of_files: BTreeSet<String> = of_files(&dir, &files).into_iter().collect();
        let what = git(dir.path(), &["status", "--short", "--untracked-files=all"]);
        assert!(
            found.is_subset(&of_files),
            "seed {seed}: {found:?} {of_files:?}\n{what}"
        );
        for (name, state) in &after {
            let differs = match (before.get(name).and_then(Option::as_ref), state) {
                // Nothing is known of what couldn't be hashed.
                (None, None) => continue,
                (before, after) => before != after.as_ref(),
            };
            let is_named = found.contains(name);
            touched += usize::from(differs);
            untouched += usize::from(!differs);
            inexact += usize::from(is_named && !differs);
            assert!(is_named || !differs, "seed {seed}: `{name}` is missed\n{what}");
            assert!(
                !is_named || differs || may_name_more,
                "seed {seed}: `{name}` is too many\n{what}"
            );
        }
        commit(&dir);
        before = after;
        if before.values().any(Option::is_none) {
            // Each round of what is broken takes longer, and tells less.
            git(dir.path(), &["rm", "--quiet", "-r", "--", "."]);
            git(dir.path(), &["checkout", "--quiet", &first(&dir), "--", "."]);
            commit(&dir);
            before = hashed(&dir);
        }
    }
    // The rounds are not all alike.
    assert!(
        touched > 20 && untouched > 80 && inexact < touched / 4,
        "{touched} {untouched} {inexact}"
    );
}

fn first(dir: &Dir) -> String {
    git(dir.path(), &["rev-list", "--max-parents=0", "HEAD"])
        .trim()
        .to_owned()
}
