//! `run`: what it says, and what becomes of it when it fails.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{PROFILE, demo, document};
use crate::support::{Dir, git, run as program, sha256};

/// Functions that commands make, by their names; each command gets a directory outside of the project as `$1`.
fn project(scripts: &[(&str, &str)]) -> Dir {
    let dir = Dir::new();
    for (name, script) in scripts {
        dir.write(
            &format!("code/{name}/app.py"),
            format!("# {name} {}\n", dir.path().display()),
        );
        let outside = dir.path().to_str().unwrap();
        let definition = json!({
            "runtime": "python3.13", "handler": "app.handler", "source": name,
            "build": {"type": "command", "command": ["sh", "-c", format!("mkdir out && cp app.py out && {script}"), "sh", outside], "output": "out"},
        });
        dir.write(&format!("lambda-json/{name}.json"), definition.to_string());
    }
    dir.write("lambda-pack.toml", "[profiles.prod]\n");
    dir
}

fn row<'a>(outcome: &'a Value, name: &str) -> &'a Value {
    let rows = outcome["steps"].as_array().unwrap();
    let found = rows.iter().find(|row| row["step"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {rows:?}"))
}

fn counts(outcome: &Value, name: &str) -> (u64, u64) {
    let row = row(outcome, name);
    (row["count"].as_u64().unwrap(), row["cached"].as_u64().unwrap())
}

fn last(outcome: &Value) -> (&str, &str) {
    let row = outcome["steps"].as_array().unwrap().last().unwrap();
    (row["step"].as_str().unwrap(), row["status"].as_str().unwrap())
}

#[test]
fn a_run_that_fails_says_its_steps_and_what_is_built_is_not_built_again() {
    let dir = project(&[("a", "true"), ("b", "test -e \"$1/flag\""), ("c", "true")]);
    let run = || dir.command(["run", "--json"]).args(PROFILE);
    let failed = run().run();
    assert_eq!(failed.code, 1, "{failed:?}");
    let outcome = failed.json();
    assert_eq!(last(&outcome), ("build", "failed"));
    assert_eq!(counts(&outcome, "look up"), (3, 0));
    assert_eq!(outcome["bundle"], Value::Null);
    assert!(outcome.get("inputs").is_none());
    assert!(failed.stderr.contains("function `b`"), "{failed:?}");

    dir.write("flag", "");
    let outcome = run().ok().json();
    assert_eq!(last(&outcome), ("inputs", "done"));
    let (built, cached) = counts(&outcome, "build");
    assert_eq!(built + cached, 3);
    assert!(cached >= 1, "at least what was built before the failure: {outcome}");
    assert_eq!(counts(&outcome, "upload"), (3, 0));
    let again = run().ok();
    assert_eq!(counts(&again.json(), "build"), (0, 3));
    assert_eq!(counts(&again.json(), "look up"), (0, 3));
    assert!(
        again.stderr.contains("build         0 packages, 3 in the store"),
        "{again:?}"
    );
}

#[test]
fn a_run_that_is_interrupted_says_its_steps() {
    let dir = project(&[("a", "touch \"$1/started\" && sleep 60")]);
    let started = dir.join("started");
    let run = dir.command(["run", "--json"]).args(PROFILE).run_with(|id| {
        while !started.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        program("kill", &["-INT", &id.to_string()]);
    });
    assert_eq!(run.code, 130, "{run:?}");
    assert_eq!(last(&run.json()), ("build", "interrupted"));
    assert!(!dir.join(".lambda-pack").exists(), "nothing is uploaded");
}

#[test]
fn what_cannot_be_written_in_the_end_is_refused_in_the_beginning() {
    let dir = demo();
    dir.write("file", "");
    fs::create_dir(dir.join("directory")).unwrap();
    for args in [
        &["--tfvars", "file/inputs.json"][..],
        &["--tfvars", "directory"],
        &["--out-dir", "file/dist"],
    ] {
        let run = dir.command(["run"]).args(args.iter().copied()).args(PROFILE).run();
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("cannot write `"), "{run:?}");
        assert!(!dir.join(".lambda-pack").exists(), "{args:?}: nothing is uploaded");
    }
    // A directory that isn't there is made, as for packages.
    dir.command(["run", "--tfvars", "made/here/inputs.json"])
        .args(PROFILE)
        .ok();
    assert!(dir.join("made/here/inputs.json").is_file());
}

/// A link stands for the device, so that nothing worse than a link can be lost.
#[test]
fn what_is_written_to_a_device_leaves_it_in_place() {
    let dir = demo();
    dir.symlink("/dev/null", "nowhere");
    dir.command(["run", "--tfvars", "nowhere"]).args(PROFILE).ok();
    assert_eq!(fs::read_link(dir.join("nowhere")).unwrap(), Path::new("/dev/null"));
    let shown = dir
        .command(["run", "--quiet", "--tfvars", "/dev/stdout"])
        .args(PROFILE)
        .ok();
    assert!(shown.stdout.contains("\"code_sha256\""), "{shown:?}");
}

#[test]
fn an_export_looks_for_a_cycle_before_it_builds() {
    let dir = project(&[("a", "touch \"$1/built\""), ("b", "touch \"$1/built\"")]);
    for (name, needed) in [("a", "b"), ("b", "a")] {
        let file = format!("lambda-json/{name}.json");
        let mut definition: Value = serde_json::from_slice(&fs::read(dir.join(&file)).unwrap()).unwrap();
        definition["build"]["inputs"] = json!([format!("{needed}/out/**")]);
        dir.write(&format!("code/{name}/out/app.py"), "# built by hand\n");
        dir.write(&file, definition.to_string());
    }
    for command in [&["bundle", "export"][..], &["run"]] {
        dir.command(command.iter().copied())
            .args(PROFILE)
            .fails(3, &["graph         failed", "cycle"]);
        assert!(!dir.join("built").exists());
    }
}

#[test]
fn what_is_packed_and_not_tracked_is_said() {
    let dir = demo();
    git(dir.path(), &["init", "--quiet"]);
    dir.write(".gitignore", "dist/\n.lambda-pack/\n*.generated\n");
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--message", "all"]);
    let commit = || {
        dir.command(["bundle", "export"]).args(PROFILE).ok();
        let document = document(&fs::read_to_string(dir.join("dist/bundle.json")).unwrap());
        let checks = document["validation"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == "commit").unwrap().clone();
        (document["application"]["dirty"].clone(), check)
    };
    let (dirty, check) = commit();
    assert_eq!((&dirty, &check["status"]), (&json!(false), &json!("pass")), "{check}");
    // What isn't packed doesn't matter.
    dir.write("notes.txt", "");
    assert_eq!(commit().0, json!(false));
    for file in [
        "code/csv-to-json/src/new.js",
        "code/csv-to-json/src/made.generated",
        "lambda-json/new.json",
    ] {
        let content = match Path::new(file).extension().unwrap().to_str().unwrap() {
            "json" => r#"{"source": "csv-to-json"}"#,
            _ => "// new\n",
        };
        dir.write(file, content);
        let (dirty, check) = commit();
        assert_eq!((&dirty, &check["status"]), (&json!(true), &json!("warn")), "{file}");
        let detail = check["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{file}`")), "{detail}");
        fs::remove_file(dir.join(file)).unwrap();
    }
    let ignores = "code/csv-to-json/.lambdaignore";
    dir.write(ignores, "src/nothing.js\n");
    let (dirty, check) = commit();
    assert_eq!(dirty, json!(true), "{check}");
    fs::remove_file(dir.join(ignores)).unwrap();
    // What git is told not to look at is packed all the same.
    dir.write("code/csv-to-json/src/csv.js", "// changed\n");
    for told in [
        &["status"][..],
        &["update-index", "--assume-unchanged", "code/csv-to-json/src/csv.js"],
    ] {
        git(dir.path(), told);
        let (dirty, check) = commit();
        assert_eq!(dirty, json!(true), "{told:?}");
        assert_eq!(check["detail"], "tracked files differ from the commit");
    }
}

#[test]
fn what_a_run_writes_takes_the_place_of_nothing() {
    let dir = project(&[("orders", "true")]);
    dir.write("models/model.txt", "weights\n");
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "source": "orders", "function_name": "more",
        "assets": [{"url": "file:models/model.txt", "path": "model.txt", "sha256": sha256(b"weights\n")}],
        "build": {"type": "python"},
    });
    dir.write("code/orders/requirements.txt", "");
    dir.write("lambda-json/more.json", definition.to_string());
    let before = dir.snapshot();
    for (args, why) in [
        (&["--tfvars", "dist/bundle.json"][..], "bundle.json goes there"),
        (
            &["--tfvars", "dist/../dist/bundle.json.sha256"],
            "its SHA-256 goes there",
        ),
        (&["--out-dir", ".", "--tfvars", "bundle.json"], "bundle.json goes there"),
        (&["--tfvars", "lambda-pack.toml"], "the project's settings are there"),
        (&["--tfvars", "lambda-json/other.json"], "definitions are there"),
        (&["--out-dir", "lambda-json"], "definitions are there"),
        (&["--tfvars", ".lambda-pack/store/inputs.json"], "the store is there"),
        (&["--tfvars", "models/model.txt"], "it is an asset"),
        (&["--tfvars", ""], "which is no file's name"),
        (&["--tfvars", "new/"], "which is no file's name"),
        (&["--tfvars", "code/orders/inputs.json"], "is inside its source"),
    ] {
        let run = dir.command(["run"]).args(PROFILE).args(args.iter().copied()).run();
        assert!(
            [2, 3].contains(&run.code) && run.stderr.contains(why),
            "{args:?}: {run:?}"
        );
    }
    let export = dir
        .command(["bundle", "export"])
        .args(PROFILE)
        .args(["--out-dir", "lambda-json"]);
    export.fails(
        2,
        &[
            "bundle.json can't be written to",
            "definitions are there",
            "choose another place",
        ],
    );
    assert!(dir.snapshot() == before, "nothing was written");
    dir.symlink("lambda-pack.toml", "inputs.json");
    let linked = dir.command(["run", "--tfvars", "inputs.json"]).args(PROFILE);
    linked.fails(2, &["the project's settings are there"]);
}

#[test]
fn stdout_is_no_file_of_inputs() {
    let dir = demo();
    dir.command(["run", "--tfvars", "-"])
        .args(PROFILE)
        .fails(2, &["--tfvars takes a file", "leave it out: `run` prints the inputs"]);
    assert!(!dir.join("-").exists() && !dir.join(".lambda-pack").exists());
    dir.command(["run", "--tfvars", "./-"]).args(PROFILE).ok();
    assert!(dir.join("-").exists());
}

/// What reads them next must not take them for this run's.
#[test]
fn a_run_that_fails_leaves_what_an_earlier_one_wrote_and_says_so() {
    let dir = project(&[("a", "true")]);
    let export = || dir.command(["bundle", "export"]).args(PROFILE);
    let run = || dir.command(["run", "--tfvars", "inputs.tfvars.json"]).args(PROFILE);
    let written = || {
        ["dist/bundle.json", "dist/bundle.json.sha256", "inputs.tfvars.json"].map(|file| fs::read(dir.join(file)).ok())
    };
    dir.write("code/a/app.py", "syntax\n");
    dir.write("lambda-pack.toml", "[profiles.prod]\nlimits = { timeout = 1 }\n");
    let first = run().run();
    assert_eq!(first.code, 3, "{first:?}");
    assert!(!first.stderr.contains("earlier run"), "there is none: {first:?}");
    assert_eq!(written(), [None, None, None]);

    dir.write("lambda-pack.toml", "[profiles.prod]\n");
    let good = run().ok();
    assert!(!good.stderr.contains("earlier run"), "{good:?}");
    let before = written();
    assert!(before.iter().all(Option::is_some));
    dir.write("code/a/app.py", "other\n");
    dir.write("lambda-pack.toml", "[profiles.prod]\nlimits = { timeout = 1 }\n");
    run().fails(
        3,
        &[
            "still as an earlier run wrote it",
            "`dist/bundle.json`, `dist/bundle.json.sha256`, `inputs.tfvars.json`",
        ],
    );
    assert_eq!(written(), before, "all three, or none");
    // What is exported says that it fails.
    let exported = export().run();
    assert_eq!(exported.code, 3, "{exported:?}");
    assert!(!exported.stderr.contains("earlier run"), "{exported:?}");
    let before = written();
    dir.write("lambda-json/a.json", "{");
    export().fails(
        3,
        &[
            "still as an earlier run wrote it",
            "`dist/bundle.json`, `dist/bundle.json.sha256`",
        ],
    );
    assert_eq!(written(), before);
}
