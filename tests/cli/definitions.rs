//! Definitions and sources: what is taken, and what is refused with which words.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::{Dir, hash_of};

/// Entry paths of the function `app`.
fn entries(dir: &Dir) -> Vec<String> {
    dir.command(["build", "app"]).ok();
    let archive = zip::ZipArchive::new(std::fs::File::open(dir.join("dist/app.zip")).unwrap()).unwrap();
    archive.file_names().map(|name| name.unwrap().into_owned()).collect()
}

fn source_hash(dir: &Dir) -> String {
    dir.command(["build", "app", "--json"]).ok().json()[0]["source_hash"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn with_source(source: &str) -> Dir {
    let dir = Dir::new();
    for path in [
        "app/main.py",
        "app/lib/util.py",
        "app/lib/notes.md",
        "app/tests/test_main.py",
        "app/.venv/bin/tool",
        "app/lib/__pycache__/util.pyc",
        "shared/log.py",
        "shared/notes.md",
    ] {
        dir.write(&format!("code/{path}"), path);
    }
    dir.write("lambda-json/app.json", format!(r#"{{"source": {source}}}"#));
    dir
}

#[test]
fn a_plain_source_hashes_like_the_path_itself() {
    let dir = with_source(r#""app""#);
    assert_eq!(source_hash(&dir), hash_of(&dir.join("code/app")));
    dir.write("lambda-json/app.json", r#"{"source": "app/main.py"}"#);
    assert_eq!(source_hash(&dir), hash_of(&dir.join("code/app/main.py")));
    assert_eq!(entries(&dir), ["main.py"]);
}

/// Nothing in it can be at fault, and nothing in it costs time.
#[test]
fn an_excluded_directory_is_not_read() {
    let dir = with_source(r#"{"path": "app", "exclude": ["tests/**"]}"#);
    fs::write(dir.join("code/app/tests").join(OsStr::from_bytes(b"\xff")), "").unwrap();
    assert_eq!(entries(&dir), ["lib/notes.md", "lib/util.py", "main.py"]);
}

#[test]
fn globs_choose_entries() {
    let all = ["lib/notes.md", "lib/util.py", "main.py", "tests/test_main.py"];
    assert_eq!(entries(&with_source(r#""app""#)), all);
    for (source, expected) in [
        (
            r#"{"path": "app", "exclude": ["**/*.md", "tests/**"]}"#,
            &["lib/util.py", "main.py"][..],
        ),
        (r#"{"path": "app", "include": ["*.py"]}"#, &["main.py"]),
        (
            r#"{"path": "app", "include": ["**/*.py"], "exclude": ["tests/**"]}"#,
            &["lib/util.py", "main.py"],
        ),
        (r#"{"path": "app", "include": ["**"]}"#, &all),
        (
            r#"{"path": "app", "include": ["*.py", ".venv/**"]}"#,
            &[".venv/bin/tool", "main.py"],
        ),
        (
            r#"{"path": "app", "include": [".venv/**", "lib/__pycache__/**", "main.py"]}"#,
            &[".venv/bin/tool", "main.py"],
        ),
        (
            r#"{"path": "app", "include": ["lib/__pycache__/*.pyc"]}"#,
            &["lib/__pycache__/util.pyc"],
        ),
        (
            r#"{"path": "app", "include": ["*.py"], "prefix": "python/lib"}"#,
            &["python/lib/main.py"],
        ),
        (
            r#"[{"path": "app", "include": ["*.py"]}, {"path": "shared", "prefix": "shared/"}]"#,
            &["main.py", "shared/log.py", "shared/notes.md"],
        ),
        (r#"["app/main.py", "shared/log.py"]"#, &["log.py", "main.py"]),
    ] {
        assert_eq!(entries(&with_source(source)), expected, "{source}");
    }
}

#[test]
fn executable_globs_override_the_file_system() {
    let dir = with_source(r#"{"path": "app", "executable": ["main.py"]}"#);
    dir.chmod("code/app/lib/util.py", 0o755);
    let hash = source_hash(&dir);
    let plain = with_source(r#""app""#);
    plain.chmod("code/app/main.py", 0o755);
    assert_eq!(hash, source_hash(&plain));
}

#[test]
fn gitignore_counts_only_when_asked_for_and_only_within_the_tree() {
    let dir = with_source(r#"{"path": "app", "gitignore": true, "exclude": [".gitignore"]}"#);
    dir.write(".gitignore", "*.py\n");
    dir.write("code/app/.gitignore", "tests/\n");
    assert_eq!(entries(&dir), ["lib/notes.md", "lib/util.py", "main.py"]);
    dir.write("lambda-json/app.json", r#"{"source": "app"}"#);
    assert_eq!(entries(&dir).len(), 5);
}

#[test]
fn links_are_kept_followed_or_refused() {
    let dir = with_source(r#"{"path": "app", "include": ["lib/*.py", "link*", "link/**"]}"#);
    dir.symlink("lib", "code/app/link");
    assert_eq!(entries(&dir), ["lib/util.py", "link"]);
    dir.write(
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "include": ["lib/*.py", "link*/**"], "symlinks": "follow"}}"#,
    );
    assert_eq!(entries(&dir), ["lib/util.py", "link/notes.md", "link/util.py"]);
    // What is excluded is not followed, whatever it leads to.
    dir.symlink("/usr", "code/app/usr");
    dir.symlink("nowhere", "code/app/dangling");
    dir.command(["build"]).fails(3, &["code/app/usr", "is absolute"]);
    dir.write(
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "include": ["main.py"], "exclude": ["usr", "dangling"], "symlinks": "follow"}}"#,
    );
    assert_eq!(entries(&dir), ["main.py"]);
    std::fs::remove_file(dir.join("code/app/usr")).unwrap();
    std::fs::remove_file(dir.join("code/app/dangling")).unwrap();
    // Other code may be reached, but nothing outside of the code directory.
    dir.symlink("../../shared", "code/app/lib/link-out");
    dir.write(
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "include": ["lib/link-out/*.py"], "symlinks": "follow"}}"#,
    );
    assert_eq!(entries(&dir), ["lib/link-out/log.py"]);
    dir.symlink("../../outside", "code/app/escape");
    dir.write("outside/secret", "");
    dir.command(["build"])
        .fails(3, &["code/app/escape", "leads out of the code directory"]);
    dir.write(
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "symlinks": "error"}}"#,
    );
    dir.command(["build"])
        .fails(3, &["code/app/link", "`symlinks` is `error`"]);
}

/// A link may lead to what another part of the merged source brings.
#[test]
fn links_are_resolved_in_the_merged_tree() {
    let dir = with_source(
        r#"[{"path": "app", "include": ["shared-log"]}, {"path": "shared", "prefix": "lib", "include": ["log.py"]}]"#,
    );
    dir.symlink("lib/log.py", "code/app/shared-log");
    assert_eq!(entries(&dir), ["lib/log.py", "shared-log"]);
}

#[test]
fn links_that_would_break_are_refused() {
    for (target, words) in [
        ("/etc/passwd", "absolute"),
        ("missing", "dangling"),
        ("loop", "leads back to itself"),
        ("../../../secret", "leads out of the source tree"),
        (".venv/bin/tool", "not in the package: left out"),
        ("main.py/x", "dangling"),
    ] {
        let dir = with_source(r#""app""#);
        dir.symlink(target, "code/app/loop");
        let run = dir.command(["build"]).fails(3, &["code/app/loop", words, "help:"]);
        assert!(!dir.join("dist").exists(), "{run:?}");
        let path = dir.join("code/app").display().to_string();
        dir.command(["hash", &path]).fails(3, &[words]);
    }
}

#[test]
fn merged_sources_may_not_meet() {
    let dir = with_source(r#"["app/lib", "shared"]"#);
    dir.command(["build"]).fails(
        3,
        &["the entry `notes.md` comes twice", "`app/lib`", "`shared`", "prefix"],
    );
    let dir = with_source(r#"[{"path": "app/main.py", "prefix": "x"}, {"path": "shared", "prefix": "x/main.py"}]"#);
    dir.command(["build"]).fails(
        3,
        &["`x/main.py` is a file or link in one source and a directory in another"],
    );
}

#[test]
fn bad_sources_are_refused() {
    for (source, words) in [
        (r#""nope""#, &["cannot find the source `code/nope`", "--code-dir"][..]),
        (r#""../outside""#, &["lambda-json/app.json:1:", "key `source`"]),
        (r#""/etc/passwd""#, &["key `source`", "relative"]),
        (
            r#"{"path": "app", "include": ["nothing/**"]}"#,
            &["function `app`", "the source is empty"],
        ),
        (r#"{"path": "app", "include": ["{a"]}"#, &["key `source.include[0]`"]),
        (r#"{"path": "app", "prefix": "../x"}"#, &["key `source.prefix`"]),
    ] {
        let dir = with_source(source);
        dir.command(["build"]).fails(3, words);
        dir.command(["validate"]).fails(3, words);
        dir.command(["external", "hash"]).stdin("{}").fails(3, words);
        assert!(!dir.join("dist").exists());
    }
    let long = format!(r#"{{"source": {{"path": "app", "prefix": "{}"}}}}"#, "p".repeat(70_000));
    let dir = with_source(r#""app""#);
    dir.write("lambda-json/app.json", long);
    dir.command(["build"]).fails(3, &["longer than a zip can hold"]);
    let dir = with_source(r#""escape""#);
    dir.write("outside/x", "");
    dir.symlink("../outside", "code/escape");
    dir.command(["build"])
        .fails(3, &["code/escape", "leads out of the code directory"]);
}

#[test]
fn strange_files_are_refused_by_name() {
    let dir = with_source(r#""app""#);
    let bad = std::ffi::OsStr::from_bytes(b"code/app/bad\xff");
    std::fs::write(dir.path().join(bad), "").unwrap();
    dir.write("code/app/new\nline", "");
    dir.write("code/app/back\\slash", "");
    Command::new("mkfifo").arg(dir.join("code/app/fifo")).status().unwrap();
    let run = dir
        .command(["build"])
        .fails(3, &["not UTF-8", "control character", "backslash", "FIFO"]);
    assert_eq!(run.stderr.matches("error:").count(), 4, "each is named: {run:?}");
    // What is left out may be as strange as it likes.
    dir.write(
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "include": ["main.py"]}}"#,
    );
    dir.command(["build"]).ok();
}

/// What globs take decides, whatever bytes a name is made of.
#[test]
fn names_that_are_not_utf8_are_held_against_globs() {
    let dir = with_source(r#""app""#);
    let at = |path: &[u8]| dir.join("code/app").join(OsStr::from_bytes(path));
    fs::write(at(b"caf\xe9.txt"), "").unwrap();
    fs::create_dir(at(b"lib/d\xff")).unwrap();
    fs::write(at(b"lib/d\xff/x.py"), "").unwrap();
    fs::write(at(b"lib/d\xff/y.py"), "").unwrap();
    let (file, directory) = (r#""code/app/caf\xE9.txt""#, r#""code/app/lib/d\xFF""#);
    for (globs, faults) in [
        (r#""#, &[file, directory][..]),
        (r#", "include": ["**"]"#, &[file, directory]),
        (r#", "include": ["main.py", "**/*.py"]"#, &[directory]),
        (r#", "include": ["caf?.txt"]"#, &[file]),
        (r#", "exclude": ["**/caf*"]"#, &[directory]),
        (r#", "exclude": ["caf?.txt", "lib/d?/*.py"]"#, &[]),
        (r#", "exclude": ["caf*", "lib/d*/**"]"#, &[]),
        (r#", "include": ["main.py"]"#, &[]),
    ] {
        dir.write(
            "lambda-json/app.json",
            format!(r#"{{"source": {{"path": "app"{globs}}}}}"#),
        );
        if faults.is_empty() {
            assert!(entries(&dir).contains(&"main.py".to_owned()));
            continue;
        }
        let run = dir.command(["build"]).fails(3, faults);
        assert_eq!(
            run.stderr.matches("its name is not UTF-8").count(),
            faults.len(),
            "{run:?}"
        );
        assert!(run.stderr.contains("help: rename it"), "{run:?}");
    }
}

/// What such a glob was meant to leave out would be packed.
#[test]
fn globs_that_match_no_entry_path_are_refused() {
    for (glob, help) in [
        ("", "all there is would be `**`"),
        ("/tests/**", "write `tests/**`"),
        ("./tests/**", "write `tests/**`"),
        ("tests/", "write `tests/**`"),
        ("tests/**/", "write `tests/**`"),
        ("lib/./x//*.md", "write `lib/x/*.md`"),
        (".", "write `**`"),
        ("../shared/*", "nothing above it is packed"),
        ("!main.py", "name what is taken in `include`"),
        (r"tests\\test_main.py", "write `tests/test_main.py`"),
        (r"tests\\**", "write `tests/**`"),
        (r"tests\\", "write `tests/**`"),
        ("[éè]*.md", "write `{é,…}` or `*`"),
    ] {
        for key in ["include", "exclude", "executable"] {
            let dir = with_source(&format!("{{\"path\": \"app\",\n\"{key}\": [\"**/*.md\", \"{glob}\"]}}"));
            let key = format!("key `source.{key}[1]`");
            let run = dir.command(["validate"]).fails(
                3,
                &[
                    "lambda-json/app.json:2:",
                    &key,
                    "found string",
                    "allowed: a glob on entry paths",
                ],
            );
            assert!(
                run.stderr
                    .lines()
                    .any(|line| line.contains("help:") && line.contains(help)),
                "{glob}: {run:?}"
            );
        }
    }
    // Escapes are no separators, and `inputs` of builds may name directories.
    let dir = with_source(
        r#"{"path": "app", "exclude": ["\\!main.py", "\\{x\\}", "\\*b", "**/[!a-z]?.{md,txt}", ".venv/**", "..x", "é"]}"#,
    );
    dir.command(["validate"]).ok();
    dir.write(
        "lambda-json/app.json",
        r#"{"source": "app", "build": {"type": "command", "command": ["true"], "output": "x", "inputs": ["shared/", "./shared"]}}"#,
    );
    dir.command(["validate"]).ok();
}

#[test]
fn an_exclude_that_names_a_directory_is_warned_of() {
    for (source, words) in [
        (
            r#"{"path": "app", "exclude": ["tests"]}"#,
            Some(["the directory `tests`", "`tests/**` leaves out"]),
        ),
        (
            r#"{"path": "app", "exclude": ["**/*sts"], "prefix": "p"}"#,
            Some(["the directory `tests`", "`**/*sts/**`"]),
        ),
        (r#"["shared", {"path": "app/tests", "exclude": ["*.md"]}]"#, None),
        (r#"{"path": "app", "exclude": ["tests", "tests/**"]}"#, None),
        (r#"{"path": "app", "exclude": ["*", "tests/*.md"]}"#, None),
    ] {
        let dir = with_source(source);
        for verb in ["build", "validate"] {
            let run = dir.command([verb]).ok();
            let warned = run.stderr.contains("leaves out nothing of");
            assert_eq!(warned, words.is_some(), "{source}: {run:?}");
            assert!(
                words.iter().flatten().all(|words| run.stderr.contains(words)),
                "{run:?}"
            );
        }
    }
    // It is the same package as ever.
    let dir = with_source(r#"{"path": "app", "exclude": ["tests"]}"#);
    assert_eq!(source_hash(&dir), hash_of(&dir.join("code/app")));
}

#[test]
fn globs_hold_for_a_single_file() {
    for (source, expected) in [
        (
            r#"{"path": "app/main.py", "include": ["*.py"], "prefix": "x"}"#,
            &["x/main.py"][..],
        ),
        (
            r#"[{"path": "app/main.py", "exclude": ["*.py"]}, "shared"]"#,
            &["log.py", "notes.md"],
        ),
        // Named itself, it needs no glob that spells it.
        (
            r#"{"path": "app/lib/__pycache__/util.pyc", "include": ["*"]}"#,
            &["util.pyc"],
        ),
    ] {
        assert_eq!(entries(&with_source(source)), expected, "{source}");
    }
    for globs in [r#""exclude": ["main.py"]"#, r#""include": ["app/*.py"]"#] {
        let dir = with_source(&format!(r#"{{"path": "app/main.py", {globs}}}"#));
        dir.command(["build"])
            .fails(3, &["function `app`", "the source is empty"]);
    }
}

/// Runs the binary as nobody: root reads everything.
fn as_nobody(dir: &Dir, args: &[&str]) -> crate::support::Run {
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let binary = dir.join("lambda-pack");
    std::fs::copy(crate::support::BINARY, &binary).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(args)
        .current_dir(dir.path())
        .output()
        .unwrap();
    crate::support::Run::new(output)
}

/// `include` speaks of files: what it names may be in there.
#[test]
fn an_unreadable_directory_is_refused_whatever_is_included() {
    let dir = with_source(r#"{"path": "app", "include": ["**/*.py"]}"#);
    dir.write("code/app/lib/more.py", "");
    dir.chmod("code/app/lib", 0o000);
    let args = ["validate", "--no-cache"];
    let run = match std::fs::read_dir(dir.join("code/app/lib")) {
        Ok(_) => as_nobody(&dir, &args),
        Err(_) => dir.command(args).run(),
    };
    dir.chmod("code/app/lib", 0o755);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("code/app/lib"), "{run:?}");
}

#[test]
fn an_unreadable_file_is_refused() {
    let dir = with_source(r#""app""#);
    dir.chmod("code/app/main.py", 0o000);
    if std::fs::read(dir.join("code/app/main.py")).is_ok() {
        let run = as_nobody(&dir, &["hash", "code/app"]);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(
            run.stderr.contains("code/app/main.py") && run.stderr.contains("ermission denied"),
            "{run:?}"
        );
    } else {
        dir.command(["build"])
            .fails(3, &["code/app/main.py", "ermission denied"]);
    }
}

#[test]
fn names_that_only_some_systems_tell_apart_are_a_warning() {
    let dir = with_source(r#""app""#);
    dir.write("code/app/Main.py", "");
    dir.write("code/app/u\u{308}.py", "");
    dir.write("code/app/\u{fc}.py", "");
    let run = dir.command(["build"]).ok();
    assert_eq!(run.stderr.matches("warning:").count(), 2, "{run:?}");
    assert!(run.stderr.contains("`Main.py` and `main.py`"), "{run:?}");
    assert_eq!(dir.command(["build", "--quiet"]).ok().stderr, "");
}

#[test]
fn outputs_inside_a_source_are_refused() {
    let dir = with_source(r#""app""#);
    dir.command(["build", "--out-dir", "code/app/dist"])
        .fails(3, &["output directory", "inside its source"]);
    let store = format!("file://{}", dir.join("code/app/store").display());
    dir.command(["upload", "--store", &store])
        .fails(3, &["store", "inside its source"]);
    dir.command(["validate", "--store", &store])
        .fails(3, &["store", "inside its source"]);
    let variable = |args: [&'static str; 2]| dir.command(args).env("LAMBDA_PACK_OUT_DIR", "code/app/dist");
    variable(["external", "hash"])
        .stdin("{}")
        .fails(3, &["output directory", "inside its source"]);
    variable(["validate", "app"]).fails(3, &["output directory", "inside its source"]);
    assert!(!dir.join("code/app/dist").exists() && !dir.join("code/app/store").exists());
}

#[test]
fn variables_that_lambda_sets_itself_are_refused() {
    let dir = with_source(r#""app", "environment": {"AWS_REGION": "x"}"#);
    dir.command(["validate"])
        .fails(3, &["lambda-json/app.json:1:", "`AWS_REGION` is set by Lambda itself"]);
}

#[test]
fn the_project_file_is_found_upward_and_flags_win() {
    let dir = with_source(r#""app""#);
    dir.write("lambda-pack.toml", "out_dir = \"out\"\nstore = \"file://./packages\"\n");
    dir.command(["build"]).current_dir(&dir.join("code/app")).ok();
    assert!(dir.join("out/app.zip").exists());
    dir.command(["upload"]).current_dir(&dir.join("code")).ok();
    assert!(dir.join("packages/records/app").exists());
    dir.command(["build"]).env("LAMBDA_PACK_OUT_DIR", "variable").ok();
    assert!(dir.join("variable/app.zip").exists());
    dir.command(["build", "--out-dir", "flag"])
        .env("LAMBDA_PACK_OUT_DIR", "variable2")
        .ok();
    assert!(dir.join("flag/app.zip").exists() && !dir.join("variable2").exists());
    dir.command(["build"]).env("LAMBDA_PACK_OUT_DIR", "").ok();
    dir.write("lambda-pack.toml", "out = 1\n");
    dir.command(["build"])
        .fails(3, &["lambda-pack.toml", ":1:1: unknown key `out`"]);
    // Somebody meant a file.
    fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
    dir.symlink("nowhere", "lambda-pack.toml");
    dir.command(["validate"]).fails(3, &["lambda-pack.toml` is no file"]);
    fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
    fs::create_dir(dir.join("lambda-pack.toml")).unwrap();
    dir.command(["validate"]).fails(3, &["lambda-pack.toml` is no file"]);
}

#[test]
fn every_bad_definition_is_reported_at_once() {
    let dir = with_source(r#""app""#);
    dir.write("lambda-json/b.json", r#"{"source": "app", "timeout": 901}"#);
    dir.write("lambda-json/c.json", "{");
    dir.write("lambda-json/d.json", r#"{"function_name": "app", "source": "app"}"#);
    dir.write("lambda-json/.hidden.json", "{");
    dir.write("lambda-json/notes.txt", "{");
    let run = dir.command(["validate"]).fails(
        3,
        &[
            "lambda-json/b.json:1:",
            "lambda-json/c.json:1:",
            "two definitions of the function `app`",
            "from 1 to 900",
        ],
    );
    assert_eq!(run.stderr.matches("error:").count(), 3, "{run:?}");
}

#[test]
fn functions_whose_names_differ_only_by_case_are_warned_of() {
    let dir = with_source(r#""app""#);
    dir.write("lambda-json/other.json", r#"{"source": "app"}"#);
    let warning = "`App` and `app` differ only by case";
    let run = dir.command(["build"]).ok();
    assert!(!run.stderr.contains(warning), "{run:?}");
    dir.write("lambda-json/other.json", r#"{"function_name": "App", "source": "app"}"#);
    for command in ["validate", "build"] {
        let run = dir.command([command]).ok();
        assert_eq!(run.stderr.matches(warning).count(), 1, "{run:?}");
    }
}

#[test]
fn a_directory_without_definitions_is_an_error_and_no_empty_answer() {
    let dir = with_source(r#""app""#);
    std::fs::remove_file(dir.join("lambda-json/app.json")).unwrap();
    dir.command(["external", "hash"])
        .stdin("{}")
        .fails(3, &["lambda-json", "holds no `*.json` definition"]);
    std::fs::remove_dir(dir.join("lambda-json")).unwrap();
    dir.command(["external", "hash"])
        .stdin("{}")
        .fails(3, &["lambda-json", "--config-dir"]);
}

#[test]
fn validate_says_what_deploying_will_miss() {
    let dir = with_source(r#""app""#);
    let rows = dir.command(["validate", "--json"]).ok().json();
    assert_eq!(rows[0]["warnings"].as_array().unwrap().len(), 2);
    assert_eq!(rows[0]["entries"], 4);
}

/// The schema must take what the tool takes, and refuse what it refuses.
#[test]
fn the_schema_agrees_with_the_parser() {
    let dir = with_source(r#""app""#);
    let schema = dir.command(["schema"]).ok();
    dir.write("schema.json", &schema.stdout);
    dir.write(
        "check.py",
        r#"
import json, pathlib, sys
from jsonschema import Draft202012Validator
schema = json.load(open("schema.json"))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for text in open("cases.jsonl"):
    print("ok" if validator.is_valid(json.loads(text)) else "bad")
"#,
    );
    let cases = [
        r#"{"source": "app"}"#,
        r#"{"source": {"path": "app", "symlinks": "follow", "executable": ["*"]}, "architectures": ["arm64"]}"#,
        r#"{"source": ["app", {"path": "shared", "prefix": "s"}], "environment": {"LOG_LEVEL": "x"}}"#,
        r#"{"$schema": "x", "type": "layer", "source": "app", "compatible_runtimes": ["python3.13"]}"#,
        r#"{"source": []}"#,
        r#"{"source": "app", "architectures": []}"#,
        r#"{"source": "app", "memory_size": 127}"#,
        r#"{"source": "app", "timeout": "3"}"#,
        r#"{"source": "app", "handlr": "x"}"#,
        r#"{"source": "app", "runtime": "python"}"#,
        r#"{"source": "app", "environment": {"1": "x"}}"#,
        r#"{"source": {"path": "app", "symlink": "follow"}}"#,
        r#"{"function_name": "a b", "source": "app"}"#,
        r#"{}"#,
    ];
    dir.write("cases.jsonl", cases.map(|case| format!("{case}\n")).concat());
    let output = Command::new(&*crate::support::PYTHON)
        .arg("check.py")
        .current_dir(dir.path())
        .output()
        .unwrap();
    let verdicts = crate::support::Run::new(output);
    assert_eq!(verdicts.code, 0, "{verdicts:?}");
    for (case, verdict) in cases.iter().zip(verdicts.stdout.lines()) {
        dir.write("lambda-json/app.json", case);
        let ours = dir.command(["validate"]).run();
        assert_eq!(if ours.code == 0 { "ok" } else { "bad" }, verdict, "{case} {ours:?}");
    }
    assert_eq!(verdicts.stdout.lines().count(), cases.len());
}

/// What Lambda would refuse late is refused before anything is uploaded.
#[test]
fn a_function_that_cannot_start_is_not_uploaded() {
    let dir = Dir::with_app();
    dir.write("code/other.py", "");
    dir.write(
        "lambda-json/broken.json",
        r#"{"runtime": "python3.13", "handler": "absent.handler", "source": "other.py"}"#,
    );
    for command in ["validate", "upload"] {
        dir.command([command]).fails(
            3,
            &[
                "function `broken`",
                "`absent.handler`",
                "no absent.py",
                "correct `handler`",
            ],
        );
    }
    assert!(
        !dir.join(".lambda-pack/store").exists(),
        "not even the one that is fine"
    );
    dir.command(["build"]).ok();
}

#[test]
fn what_may_be_meant_is_warned_of() {
    let dir = Dir::with_app();
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.8", "handler": "app.handler", "source": "app.py"}"#,
    );
    for command in ["validate", "upload"] {
        let run = dir.command([command]).ok();
        assert!(
            run.stderr
                .contains("warning: function `app`: the runtime python3.8 is deprecated"),
            "{run:?}"
        );
    }
    let run = dir.command(["upload"]).ok();
    assert_eq!(run.stderr, "", "nothing is uploaded, nothing is said");
}

#[test]
fn every_secret_that_is_wrong_is_reported_at_once() {
    let dir = Dir::with_app();
    let define = |secrets: &str| {
        let keys = r#""source": "app.py", "environment": {"AA": "x", "BB": "y"}"#;
        dir.write(
            "lambda-json/app.json",
            format!("{{{keys},\n \"secrets\": [{secrets}]}}\n"),
        );
    };
    // What can't be read, and what is read and contradicts itself.
    define(
        "{\"id\": \"a\", \"class\": \"infra\"},\n  {\"id\": \"b\", \"class\": \"user_prompt\", \"target\": \"X\"},\n  {\"id\": \"c\", \"class\": \"infrastructure\"}, {\"id\": \"d\", \"class\": \"infrastructure\", \"reason\": \"r\"}",
    );
    let run = dir.command(["validate"]).fails(
        3,
        &[
            "app.json:2:41: key `secrets[0].class`: found `infra`",
            "did you mean `infrastructure`?",
            "app.json:3:51: key `secrets[1].target`: found string \"X\"",
            "app.json:4:3: key `secrets[2]`: key `reason` is missing",
        ],
    );
    assert_eq!(run.stderr.matches("error: ").count(), 3, "each once: {run:?}");
    // What contradicts the rest of the definition.
    define(
        r#"{"id": "a", "class": "user_prompt", "target": "AA"}, {"id": "b", "class": "user_prompt", "target": "BB"},
           {"id": "c", "class": "user_prompt", "target": "AWS_REGION"}, {"id": "d", "class": "infrastructure"}"#,
    );
    let run = dir.command(["validate"]).fails(
        3,
        &[
            "the variable `AA` is in `environment`, and the target of the secret `a`",
            "the variable `BB` is in `environment`, and the target of the secret `b`",
            "the variable `AWS_REGION`, the target of the secret `c`",
            "key `secrets[3]`: key `reason` is missing",
        ],
    );
    assert_eq!(run.stderr.matches("error: ").count(), 4, "{run:?}");
}
