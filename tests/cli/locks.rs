//! `lock`: real tools, and the registries that this machine is set up for.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Dir, TestCommand, tool};

fn define(dir: &Dir, name: &str, runtime: &str, architecture: &str, build: Value) {
    let definition = json!({"runtime": runtime, "handler": "app.handler", "architectures": [architecture], "source": "app", "build": build});
    dir.write(&format!("lambda-json/{name}.json"), definition.to_string());
}

/// With uv on its `PATH`.
fn command<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
    let uv = tool("uv").parent().unwrap().display().to_string();
    dir.command(args)
        .env("PATH", format!("{uv}:{}", std::env::var("PATH").unwrap()))
}

fn status(dir: &Dir, args: &[&str]) -> String {
    let run = command(dir, ["lock", "--json"]).args(args.iter().copied()).ok();
    run.statuses().join(" ")
}

#[test]
fn requirements_are_locked_and_stay_so_until_they_are_upgraded() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import six\n");
    define(&dir, "app", "python3.13", "arm64", json!({"type": "python"}));
    command(&dir, ["build"]).fails(3, &["not locked", "lambda-pack lock app"]);
    command(&dir, ["lock"]).fails(
        3,
        &["function `app`", "nothing says what it depends on", "requirements.in"],
    );

    dir.write("code/app/requirements.in", "six\n");
    dir.write("code/app/requirements.txt", "six==1.15.0\n");
    command(&dir, ["validate"]).fails(3, &["requirements.txt:1: `six`", "lambda-pack lock"]);
    assert_eq!(status(&dir, &[]), "changed");
    let lock = || fs::read_to_string(dir.join("code/app/requirements.txt")).unwrap();
    let locked = lock();
    assert!(
        locked.contains("six==1.15.0") && locked.contains("--hash=sha256:"),
        "{locked}"
    );
    assert!(
        !locked.contains("://") && !locked.contains(dir.path().to_str().unwrap()),
        "{locked}"
    );
    assert_eq!(status(&dir, &["app"]), "unchanged");
    assert_eq!(lock(), locked);
    assert_eq!(status(&dir, &["--upgrade"]), "changed");
    assert!(!lock().contains("six==1.15.0"));
    fs::remove_file(dir.join("code/app/requirements.txt")).unwrap();
    assert_eq!(status(&dir, &[]), "created");
    command(&dir, ["validate"]).ok();
}

#[test]
fn what_is_locked_fits_the_function_or_all_that_share_it() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    let marked = "six; platform_machine == 'aarch64'\nidna; python_version < '3.13'\n";
    dir.write("code/app/requirements.in", marked);
    define(&dir, "app", "python3.13", "arm64", json!({"type": "python"}));
    let lock = || fs::read_to_string(dir.join("code/app/requirements.txt")).unwrap();
    status(&dir, &[]);
    assert!(lock().contains("six==") && !lock().contains("idna=="), "{}", lock());
    define(&dir, "other", "python3.12", "x86_64", json!({"type": "python"}));
    assert_eq!(status(&dir, &[]), "changed changed");
    assert!(lock().contains("six==") && lock().contains("idna=="), "{}", lock());
    // Another name, made of another file.
    define(
        &dir,
        "other",
        "python3.12",
        "x86_64",
        json!({"type": "python", "lock": "locks/other.txt"}),
    );
    dir.write("code/locks/other.in", marked);
    assert_eq!(status(&dir, &["other"]), "created");
    let other = fs::read_to_string(dir.join("code/locks/other.txt")).unwrap();
    assert!(other.contains("idna==") && !other.contains("six=="), "{other}");
}

#[test]
fn each_ecosystem_is_locked_by_its_own_tool() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    dir.write(
        "code/app/pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"six\"]\n",
    );
    define(
        &dir,
        "app",
        "python3.13",
        "x86_64",
        json!({"type": "python", "dependencies": "layer"}),
    );
    assert_eq!(status(&dir, &["app"]), "created");
    assert!(
        fs::read_to_string(dir.join("code/app/uv.lock"))
            .unwrap()
            .contains("six")
    );
    assert_eq!(status(&dir, &[]), "unchanged");

    let dir = Dir::new();
    dir.write(
        "code/app/package.json",
        r#"{"name": "app", "version": "1.0.0", "dependencies": {"ms": "^2.0.0"}}"#,
    );
    define(&dir, "app", "nodejs22.x", "x86_64", json!({"type": "node"}));
    assert_eq!(status(&dir, &[]), "created");
    assert_eq!(status(&dir, &[]), "unchanged");
    assert!(!dir.join("code/app/node_modules").exists());
    dir.write(
        "code/app/package.json",
        r#"{"name": "app", "version": "1.0.0", "dependencies": {"ms": "^1.0.0"}}"#,
    );
    assert_eq!(status(&dir, &[]), "changed");

    let dir = Dir::new();
    dir.write("code/app/go.mod", "module example.org/app\n\ngo 1.21\n");
    dir.write(
        "code/app/main.go",
        "package main\n\nimport \"github.com/google/uuid\"\n\nfunc main() { println(uuid.Nil.String()) }\n",
    );
    define(&dir, "app", "provided.al2023", "arm64", json!({"type": "go"}));
    assert_eq!(status(&dir, &[]), "created");
    assert_eq!(status(&dir, &[]), "unchanged");
    assert!(
        fs::read_to_string(dir.join("code/app/go.mod"))
            .unwrap()
            .contains("google/uuid")
    );

    let dir = Dir::new();
    dir.write(
        "code/app/Cargo.toml",
        "[package]\nname = \"bootstrap\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\nitoa = \"1\"\n",
    );
    dir.write("code/app/src/main.rs", "fn main() {}\n");
    define(&dir, "app", "provided.al2023", "arm64", json!({"type": "rust"}));
    assert_eq!(status(&dir, &[]), "created");
    assert_eq!(status(&dir, &[]), "unchanged");
    assert!(
        fs::read_to_string(dir.join("code/app/Cargo.lock"))
            .unwrap()
            .contains("itoa")
    );
}

#[test]
fn a_failing_or_missing_tool_is_named() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    dir.write("code/app/requirements.in", "six\n");
    define(&dir, "app", "python3.13", "x86_64", json!({"type": "python"}));
    let run = dir.command(["lock"]).env("PATH", "/nonexistent");
    run.fails(
        1,
        &[
            "function `app`",
            "neither uv nor pip-compile is installed",
            "https://docs.astral.sh/uv",
        ],
    );
    dir.write("code/app/requirements.in", "no-such-package-of-lambda-pack==99\n");
    dir.write("lambda-json/plain.json", r#"{"source": "app"}"#);
    command(&dir, ["lock"]).fails(
        1,
        &[
            "function `app`",
            "uv` failed",
            "no-such-package-of-lambda-pack",
            "output is in",
        ],
    );
    command(&dir, ["lock", "plain"]).fails(2, &["no dependencies to lock", "assets lock"]);
}

/// Parameters decide nothing of a lock file: the remedy that `build` names works as it says.
#[test]
fn what_a_definition_has_of_profiles_is_not_asked_for_to_lock_it() {
    let dir = Dir::new();
    dir.write(
        "lambda-pack.toml",
        "[profiles.prod]\nparameters = { stage = \"prod\" }\n",
    );
    dir.write("code/app/app.py", "");
    dir.write("code/app/requirements.in", "six\n");
    dir.write("model.bin", "x");
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"},
        "environment": {"STAGE": "${parameters.stage}"}, "assets": [{"url": "file:model.bin", "path": "model.bin"}],
    });
    dir.write("lambda-json/app.json", definition.to_string());
    let validate = || command(&dir, ["validate", "--deployment-profile", "prod"]);
    validate().fails(3, &["`lambda-pack lock app`"]);
    assert_eq!(status(&dir, &["app"]), "created");
    validate().fails(3, &["`lambda-pack assets lock app`"]);
    command(&dir, ["assets", "lock", "app"]).ok();
    validate().ok();
    command(&dir, ["assets", "fetch", "app"]).ok();
    command(&dir, ["validate"]).fails(3, &["no profile says what it is", "--deployment-profile"]);
}
