//! The commit that is noted in documents and metadata.

use std::fs;

use serde_json::Value;

use crate::support::{Dir, TestCommand, git};

fn project() -> Dir {
    let dir = Dir::with_app();
    dir.write("lambda-pack.toml", "[profiles.p]\n");
    dir.write(".gitignore", "/dist/\n/.lambda-pack/\n");
    git(dir.path(), &["init", "--quiet"]);
    dir
}

fn commit(dir: &Dir) -> String {
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--message=x"]);
    git(dir.path(), &["rev-parse", "HEAD"]).trim().to_owned()
}

fn export(dir: &Dir) -> TestCommand {
    let command = dir.command(["bundle", "export", "--deployment-profile", "p"]);
    command
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
}

/// Commit, whether files differ, and the check of both; and what is on stderr.
#[track_caller]
fn exported(dir: &Dir, command: TestCommand) -> ([Value; 4], String) {
    let stderr = command.ok().stderr;
    let text = fs::read(dir.join("dist/bundle.json")).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    let mut checks = document["validation"].as_array().unwrap().iter();
    let check = checks.find(|check| check["check"] == "commit").unwrap();
    let application = &document["application"];
    let said = [
        &application["git_commit"],
        &application["dirty"],
        &check["status"],
        &check["detail"],
    ];
    (said.map(Value::clone), stderr)
}

#[test]
fn a_document_names_the_commit_of_its_own_project() {
    let dir = project();
    let head = commit(&dir);
    let ([commit, dirty, status, _], _) = exported(&dir, export(&dir));
    assert_eq!(
        (commit, dirty, status),
        (head.as_str().into(), false.into(), "pass".into())
    );
    dir.write("code/app.py", "def handler(event, context):\n    return 1\n");
    let ([commit, dirty, status, _], _) = exported(&dir, export(&dir));
    assert_eq!(
        (commit, dirty, status),
        (head.as_str().into(), true.into(), "warn".into())
    );
    // A hook of another repository says where that one is.
    let other = project();
    other.write("x", "x");
    self::commit(&other);
    let in_hook = export(&dir)
        .env("GIT_DIR", other.join(".git"))
        .env("GIT_INDEX_FILE", other.join(".git/index"))
        .env("GIT_WORK_TREE", other.path());
    let ([commit, dirty, ..], _) = exported(&dir, in_hook);
    assert_eq!((commit, dirty), (head.as_str().into(), true.into()));
}

#[test]
fn a_repository_that_git_does_not_open_is_not_taken_for_none() {
    let dir = project();
    let (said, stderr) = exported(&dir, export(&dir));
    let detail = "the project is in a git repository, and git did not tell its commit";
    assert_eq!(said, [Value::Null, Value::Null, "warn".into(), detail.into()]);
    assert!(stderr.contains("there is no commit yet"), "{stderr}");
    commit(&dir);
    let strange = export(&dir).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let (said, stderr) = exported(&dir, strange);
    assert_eq!(said, [Value::Null, Value::Null, "warn".into(), detail.into()]);
    for words in [
        "bundle.json names no commit",
        "dubious ownership",
        "git config --global --add safe.directory",
    ] {
        assert!(stderr.contains(words), "{stderr}");
    }
    // Nothing of the machine is in the document.
    let text = fs::read_to_string(dir.join("dist/bundle.json")).unwrap();
    assert!(!text.contains(dir.path().to_str().unwrap()), "{text}");
    let (said, stderr) = exported(&dir, export(&dir).env("PATH", ""));
    assert_eq!(said[3], detail);
    assert!(stderr.contains("cannot run git"), "{stderr}");
    let upload = dir.command(["upload"]).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let upload = upload
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .ok();
    assert!(
        upload
            .stderr
            .contains("metadata and provenance name no commit: git status: "),
        "{}",
        upload.stderr
    );
    fs::remove_dir_all(dir.join(".git")).unwrap();
    for command in [export(&dir), export(&dir).env("PATH", "")] {
        let ([.., detail], stderr) = exported(&dir, command);
        assert_eq!(detail, "the project is in no git repository");
        assert!(!stderr.contains("commit"), "{stderr}");
    }
}
