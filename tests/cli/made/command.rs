//! Any program.

use std::fs;
use std::io::Read;

use super::{code_sha256_elsewhere, define};
use crate::builds::{build, build_command, code_sha256, contents, source_hash};
use crate::support::Dir;

/// Says all that a program could take notice of.
const SCRIPT: &str = "#!/bin/sh\nset -e\nmkdir -p dist/bin\ncp ../shared/names.txt dist/\necho '#!/bin/sh' > dist/bin/run\nchmod +x dist/bin/run\n\
    { env | sort | grep -v -e ^PATH= -e ^HOME= -e ^PWD= -e ^OLDPWD=; umask; ls -l --time-style=full-iso build.sh ../shared; basename \"$PWD\"; } > dist/seen.txt\n";

fn project(keys: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/build.sh", SCRIPT);
    dir.chmod("code/app/build.sh", 0o755);
    dir.write("code/shared/names.txt", "one\n");
    dir.write("code/shared/unseen.md", "# not declared\n");
    define(
        &dir,
        "python3.13",
        "arm64",
        &format!(
            r#""type": "command", "command": ["./build.sh"], "output": "dist", "environment": {{"MODE": "fast"}}{keys}"#
        ),
    );
    dir
}

const INPUTS: &str = r#", "inputs": ["shared/*.txt"]"#;

fn seen(dir: &Dir) -> String {
    let mut zip = zip::ZipArchive::new(fs::File::open(dir.join("dist/app.zip")).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name("seen.txt").unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_command_sees_what_is_hashed_and_nothing_else() {
    let cache = Dir::new();
    let dir = project(INPUTS);
    let first = build(&dir, &cache, &[]);
    assert_eq!(contents(&dir).0, ["bin/run", "names.txt", "seen.txt"]);
    let seen = seen(&dir);
    for expected in [
        "LAMBDA_PACK_ARCHITECTURE=arm64\nLAMBDA_PACK_RUNTIME=python3.13\nLANG=C.UTF-8\nMODE=fast\nSOURCE_DATE_EPOCH=318211200\nTZ=UTC\n0022\n",
        "-rwxr-xr-x",
        "1980-02-01 00:00:00.000000000 +0000 build.sh",
        "names.txt\napp\n",
    ] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
    assert!(!seen.contains("unseen.md"), "{seen}");
    let elsewhere = project(INPUTS);
    // What a build by hand leaves is no source.
    elsewhere.write("code/app/dist/old.txt", "old");
    elsewhere.chmod("code/app/build.sh", 0o700);
    assert_eq!(source_hash(&elsewhere), source_hash(&dir));
    assert_eq!(
        code_sha256_elsewhere(&elsewhere, "MODE=slow MORE=1"),
        first["code_sha256"].as_str().unwrap()
    );
    let again = build_command(&dir, &cache).env("PATH", "/nonexistent").ok().json()[0].clone();
    assert_eq!(again["status"], "unchanged");
}

#[test]
fn declared_inputs_count_unless_an_identity_stands_for_them() {
    let with_digests = project(INPUTS);
    let before = (source_hash(&with_digests), code_sha256(&with_digests, &Dir::new(), &[]));
    with_digests.write("code/shared/unseen.md", "changed");
    assert_eq!(source_hash(&with_digests), before.0);
    with_digests.write("code/shared/names.txt", "two\n");
    assert_ne!(source_hash(&with_digests), before.0);
    assert_ne!(code_sha256(&with_digests, &Dir::new(), &[]), before.1);
    let identity = |text: &str| format!(r#"{INPUTS}, "identity": "{text}""#);
    let by_hand = project(&identity("names-1"));
    let before = source_hash(&by_hand);
    by_hand.write("code/shared/names.txt", "two\n");
    assert_eq!(source_hash(&by_hand), before);
    assert_ne!(source_hash(&project(&identity("names-2"))), before);
}

#[test]
fn every_option_of_a_command_is_in_the_source_hash() {
    let hashes = [
        r#""command": ["true"], "output": "dist""#,
        r#""command": ["true", ""], "output": "dist""#,
        r#""command": ["true"], "output": "out""#,
        r#""command": ["true"], "output": "dist", "environment": {"AB": "1"}"#,
        r#""command": ["true"], "output": "dist", "inputs": ["shared"]"#,
    ]
    .map(|keys| {
        let dir = project("");
        define(&dir, "python3.13", "arm64", &format!(r#""type": "command", {keys}"#));
        source_hash(&dir)
    });
    let unique: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(unique.len(), hashes.len());
}

#[test]
fn a_command_that_makes_nothing_is_an_error() {
    let cache = Dir::new();
    for (command, words) in [
        (
            r#"["true"]"#,
            ["the command `true` made no directory `dist`", "`build.output`"].as_slice(),
        ),
        (
            r#"["mkdir", "dist"]"#,
            &["the command `mkdir dist` left nothing in `dist`"],
        ),
        (
            r#"["sh", "-c", "echo because >&2; exit 3"]"#,
            &["exit status: 3", "because"],
        ),
        (r#"["no-such-program"]"#, &["no-such-program", "not found"]),
        (r#"["sh", "-c", "kill -9 $$"]"#, &["SIGKILL", "something killed it"]),
        (
            r#"["sh", "-c", "echo no space left on device; exit 1"]"#,
            &["free space on the disk"],
        ),
        (
            r#"["sh", "-c", "mkdir dist; ln -s /etc/passwd dist/x"]"#,
            &["x` -> `/etc/passwd`", "is absolute"],
        ),
    ] {
        let dir = project("");
        define(
            &dir,
            "python3.13",
            "arm64",
            &format!(r#""type": "command", "command": {command}, "output": "dist""#),
        );
        let run = build_command(&dir, &cache).run();
        assert!(run.code != 0 && run.stderr.contains("function `app`"), "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
    }
}

/// Who runs the command by hand changes no other function that is built of the same directory.
#[test]
fn what_a_build_by_hand_leaves_is_no_input_of_others() {
    let dir = Dir::new();
    for (name, input) in [("one", "two/**"), ("two", "one/**")] {
        dir.write(&format!("code/{name}/main.sh"), "x");
        dir.write(
            &format!("lambda-json/{name}.json"),
            format!(
                r#"{{"runtime": "provided.al2023", "source": "{name}",
                    "build": {{"type": "command", "command": ["true"], "output": "dist", "inputs": ["{input}"]}}}}"#
            ),
        );
    }
    // One that isn't asked for counts too, whatever its tool.
    dir.write(
        "code/three/Cargo.toml",
        "[package]\nname = \"three\"\nversion = \"1.0.0\"\n",
    );
    dir.write("code/three/Cargo.lock", "version = 4\n");
    dir.write("code/three/src/main.rs", "fn main() {}");
    dir.write(
        "lambda-json/three.json",
        r#"{"runtime": "provided.al2023", "source": "three", "build": {"type": "rust"}}"#,
    );
    dir.write(
        "lambda-json/four.json",
        r#"{"runtime": "provided.al2023", "source": "one",
            "build": {"type": "command", "command": ["true"], "output": "dist", "inputs": ["*/src/**", "three"]}}"#,
    );
    let hashes = |names: &str| {
        let query = format!(r#"{{"names": "{}"}}"#, names.replace('"', "\\\""));
        dir.command(["external", "hash"]).stdin(query).ok().json()["packages"].to_string()
    };
    let names = [
        r#"["one"]"#,
        r#"["two"]"#,
        r#"["four"]"#,
        r#"["one", "two", "three", "four"]"#,
    ];
    let before = names.map(hashes);
    dir.command(["graph"]).ok();
    for left in ["one/dist/made", "two/dist/deep/made", "three/target/debug/three"] {
        dir.write(&format!("code/{left}"), "made by hand");
    }
    assert_eq!(names.map(hashes), before);
    dir.command(["graph"]).ok();
    let affected = dir.command(["affected", "--files", "-", "--json"]);
    let affected = affected.stdin("code/one/dist/made\n").ok();
    assert_eq!(affected.json(), serde_json::json!([]), "{affected:?}");
    // What others do need is seen.
    dir.write("code/two/main.sh", "changed");
    assert_ne!(hashes(names[0]), before[0]);
}
