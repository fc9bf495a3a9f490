//! `verify`: packages on disk, in the store, and built a second time under other circumstances.

use std::fs;
use std::io::Write;

use serde_json::json;

use crate::s3::against_both;
use crate::support::Dir;
use crate::support::server::Server;

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

/// The same package with an entry more, or with another content of `app.py`.
fn forged(package: &std::path::Path, name: &str, content: &str) -> Vec<u8> {
    let mut forged = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut original = zip::ZipArchive::new(fs::File::open(package).unwrap()).unwrap();
    for index in 0..original.len() {
        let entry = original.by_index_raw(index).unwrap();
        if entry.name().unwrap() != name {
            forged.raw_copy_file(entry).unwrap();
        }
    }
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
    forged.start_file(name, options).unwrap();
    forged.write_all(content.as_bytes()).unwrap();
    forged.finish().unwrap().into_inner()
}

#[test]
fn a_package_on_disk_holds_its_source_and_nothing_else() {
    let dir = made_by("mkdir out && cp app.py out/");
    dir.command(["verify", "--level", "local"])
        .fails(3, &["cannot read `dist/app.zip`", "`lambda-pack build app` makes it"]);
    dir.command(["build"]).ok();
    // What a build made can't be told from its source.
    dir.command(["verify", "--level", "local"])
        .fails(1, &["function `made`", "verify --level rebuild"]);
    dir.command(["upload"]).ok();
    let rows = dir.command(["verify", "--level", "local", "--json"]).ok().json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    for row in rows.as_array().unwrap() {
        assert_eq!((&row["same"], &row["level"]), (&json!(true), &json!("local")), "{row}");
        assert!(row["proves"].as_str().unwrap().contains("on disk"), "{row}");
    }
    for name in ["app", "made"] {
        let package = dir.join(&format!("dist/{name}.zip"));
        fs::write(&package, forged(&package, "more.py", "")).unwrap();
        let run = dir.command(["verify", name, "--level", "local"]).run();
        assert_eq!(run.code, 4, "{run:?}");
        assert!(run.stderr.contains("the package differs: `more.py` (added)"), "{run:?}");
        assert!(run.stdout.contains("differs"), "{run:?}");
    }
    // What nobody says is `local`.
    let run = dir.command(["verify"]).run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stdout.starts_with("FUNCTION  LOCAL") || run.stdout.contains("local"),
        "{run:?}"
    );
    assert!(run.stderr.contains("`more.py` (added)"), "{run:?}");
    dir.command(["build"]).ok();
    assert_eq!(
        dir.command(["verify", "app", "--json"]).ok().json()[0]["level"],
        "local"
    );
    // Flags of other levels need them still.
    dir.command(["verify", "--alias", "live"]).fails(2, &["--level"]);
}

against_both!(a_stored_package_is_what_its_record_and_manifest_say);

fn a_stored_package_is_what_its_record_and_manifest_say(server: &'static Server) {
    let project = server.project();
    let verify = |args: &[&str]| {
        let command = project.command(["verify", "--level", "store"]);
        command.args(args.iter().copied()).run()
    };
    let nothing = verify(&[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (1, ""), "{nothing:?}");
    assert!(
        nothing.stderr.contains("`lambda-pack upload app` publishes it"),
        "{nothing:?}"
    );
    project.command(["upload"]).ok();
    // The source may go on.
    project.dir.write("code/app.py", "other\n");
    for args in [&[][..], &["--deep"]] {
        let run = verify(args);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains("app       same   "), "{run:?}");
    }
    let wrong = |args: &[&str], words: &[&str]| {
        let run = verify(args);
        assert_eq!(run.code, 4, "{run:?}");
        assert!(run.stdout.contains("differs"), "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word} in {run:?}");
        }
        let rows = verify(&[&["--json"], args].concat()).json();
        assert_eq!(rows[0]["same"], false, "{rows}");
    };
    let [manifest, package] = ["manifests", "packages"].map(|part| project.keys_of(part).remove(0));
    let original = project.get(&manifest);
    let text = String::from_utf8(original.clone()).unwrap();
    // Only a look into the package tells that.
    let (before, packed) = text.split_once("\"package_entries\"").unwrap();
    let digest = packed.split_once("\"digest\":\"").unwrap().1[..64].to_owned();
    let forged = format!(
        "{before}\"package_entries\"{}",
        packed.replacen(&digest, &"0".repeat(64), 1)
    );
    project.overwrite(&manifest, forged.into_bytes());
    assert_eq!(verify(&[]).code, 0);
    wrong(&["--deep"], &["the package differs: `app.py` (modified)"]);
    project.overwrite(&manifest, text.replacen("\"size\":", "\"size\":1", 2).into_bytes());
    wrong(&[], &[&manifest, "of another package than its record"]);
    project.delete(&manifest);
    wrong(&[], &[&manifest, "isn't there"]);
    project.overwrite(&manifest, original);
    let mut content = project.get(&package);
    let last = content.len() - 1;
    content[last] ^= 1;
    project.overwrite(&package, content);
    wrong(&[], &[&package, "can't be trusted"]);
    project.delete(&package);
    wrong(&["--deep"], &[&package, "isn't there"]);
}
