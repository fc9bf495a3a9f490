//! `verify --rebuild`: a second build under other circumstances.

use serde_json::json;

use crate::support::Dir;

/// A function that a shell script makes.
fn made_by(script: &str) -> Dir {
    let dir = Dir::with_app();
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "source": "app.py",
        "build": {"type": "command", "command": ["sh", "-c", script], "output": "out"}
    });
    dir.write("lambda-json/made.json", definition.to_string());
    dir
}

#[test]
fn what_builds_alike_is_the_same() {
    let dir = made_by("mkdir out && cp app.py out/ && chmod +x out/app.py && ln -s app.py out/link");
    dir.symlink("app.py", "code/linked.py");
    let before = dir.snapshot();
    let rows = dir.command(["verify", "--rebuild", "--json"]).ok().json();
    assert_eq!(dir.snapshot(), before);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(row["same"], true, "{row}");
        assert_eq!(row["code_sha256"], row["rebuilt_code_sha256"]);
        assert_eq!(row["differences"], json!([]));
    }
    let built = dir.command(["build", "--json"]).ok().json();
    assert_eq!(built[0]["code_sha256"], rows[0]["code_sha256"]);
    let table = dir.command(["verify", "app", "--rebuild"]).ok().stdout;
    assert!(
        table.contains("app") && table.contains("same") && !table.contains("made"),
        "{table}"
    );
}

#[test]
fn what_differs_is_named() {
    let dir = made_by(
        "mkdir -p out/lib && cp app.py out/ && head -c 16 /dev/urandom > out/lib/random && : > out/$(head -c 8 /dev/urandom | od -An -tx8 | tr -d ' ')",
    );
    let run = dir.command(["verify", "made", "--rebuild"]).run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stdout.contains("differs"), "{run:?}");
    for expected in ["function `made`", "`lib/random` (modified)", "(added)", "(removed)"] {
        assert!(run.stderr.contains(expected), "{expected}: {run:?}");
    }
    assert!(!run.stderr.contains("app.py"), "{run:?}");
    let rows = dir.command(["verify", "made", "--rebuild", "--json"]).run().json();
    let differences = rows[0]["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 3, "{rows}");
    let modified = json!({"path": "lib/random", "change": "modified", "size_before": 16, "size_after": 16});
    assert!(differences.contains(&modified), "{rows}");
}

#[test]
fn a_mode_that_differs_is_told_from_content() {
    let elsewhere = Dir::new();
    let flag = elsewhere.join("flag").display().to_string();
    let dir = made_by(&format!(
        "mkdir out && cp app.py out/ && if test -e '{flag}'; then chmod +x out/app.py; fi; touch '{flag}'"
    ));
    let run = dir
        .command(["verify", "made", "--rebuild"])
        .env("XDG_CACHE_HOME", elsewhere.path())
        .run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("`app.py` (mode)"), "{run:?}");
}

#[test]
fn a_build_that_fails_says_so_once() {
    let dir = made_by("echo out of order >&2; exit 1");
    dir.command(["verify", "made", "--rebuild"])
        .fails(1, &["out of order", "the first build failed"]);
    dir.command(["verify", "nobody", "--rebuild"])
        .fails(2, &["no function is named `nobody`"]);
    dir.command(["verify", "made"]).fails(2, &["--rebuild"]);
}

/// What it failed of is what the build failed of.
#[test]
fn the_exit_code_is_that_of_the_build() {
    let dir = made_by("true");
    dir.write("code/.env", "A=1\n");
    let definition = json!({"runtime": "python3.13", "handler": "app.handler", "source": ["app.py", ".env"]});
    dir.write("lambda-json/app.json", definition.to_string());
    dir.command(["verify", "app", "--rebuild"])
        .fails(8, &["`env-file`", "the first build failed"]);
}
