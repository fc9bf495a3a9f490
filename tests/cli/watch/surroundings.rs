//! What is watched: directories that come and go, links, what is left out, limits of the system.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::{entries, save, watch, watching};
use crate::support::watch::Watch;
use crate::support::{BINARY, Dir, Run, hash_of, run};

/// Two functions with a directory of their own each, and one that they share.
fn shared() -> Dir {
    let dir = Dir::new();
    for name in ["one", "two"] {
        save(&dir, &format!("code/{name}/app.py"), format!("# {name}\n"));
        save(
            &dir,
            &format!("lambda-json/{name}.json"),
            format!(r#"{{"source": ["{name}", {{"path": "shared", "prefix": "shared"}}]}}"#),
        );
    }
    save(&dir, "code/shared/log.py", "# log\n");
    save(&dir, "code/unused/log.py", "# nobody's\n");
    dir
}

#[test]
fn functions_that_share_a_directory_change_together() {
    let dir = shared();
    let mut watch = watching(&dir);
    save(&dir, "code/unused/log.py", "# still nobody's\n");
    save(&dir, "code/shared/log.py", "# longer\n");
    let (changed, built) = watch.change();
    let path = "shared/log.py";
    assert_eq!(
        entries(&changed),
        [("one", "modified", path), ("two", "modified", path)]
    );
    assert_eq!(built["packages"].as_array().unwrap().len(), 2);
    save(&dir, "code/two/app.py", "# the other\n");
    let (changed, built) = watch.change();
    assert_eq!(entries(&changed), [("two", "modified", "app.py")]);
    assert_eq!(built["packages"].as_array().unwrap().len(), 1);
    watch.says_no_more();
}

#[test]
fn only_the_named_functions_are_watched() {
    let dir = shared();
    let mut watch = watch(&dir, &["one"]);
    assert_eq!(watch.next("watching")["functions"].as_array().unwrap().len(), 1);
    assert_eq!(watch.next("built")["packages"].as_array().unwrap().len(), 1);
    save(&dir, "code/two/app.py", "# the other\n");
    save(&dir, "code/one/app.py", "# this one\n");
    assert_eq!(entries(&watch.change().0), [("one", "modified", "app.py")]);
    assert!(!dir.join("dist/two.zip").exists());
    watch.says_no_more();
}

#[test]
fn directories_come_and_go() {
    let dir = shared();
    let mut watch = watching(&dir);
    save(&dir, "code/one/a/b/new.py", "# new\n");
    assert_eq!(entries(&watch.change().0), [("one", "added", "a/b/new.py")]);
    // In a directory that wasn't there when watching began.
    save(&dir, "code/one/a/b/new.py", "# newer\n");
    assert_eq!(entries(&watch.change().0), [("one", "modified", "a/b/new.py")]);
    fs::rename(dir.join("code/one/a"), dir.join("code/one/c")).unwrap();
    assert_eq!(entries(&watch.change().0), [("one", "renamed", "c/b/new.py")]);
    save(&dir, "code/one/c/b/new.py", "# the newest\n");
    assert_eq!(entries(&watch.change().0), [("one", "modified", "c/b/new.py")]);
    fs::remove_dir_all(dir.join("code/one/c")).unwrap();
    assert_eq!(entries(&watch.change().0), [("one", "removed", "c/b/new.py")]);

    // All code moves away and comes back, then another directory takes its place.
    for place in ["code/one", "code"] {
        fs::rename(dir.join(place), dir.join("away")).unwrap();
        let error = watch.next("error");
        assert!(
            error["errors"][0]["message"].as_str().unwrap().contains("code"),
            "{error}"
        );
        fs::rename(dir.join("away"), dir.join(place)).unwrap();
        assert_eq!(watch.next("changed")["functions"], json!([]));
        save(&dir, "code/one/app.py", format!("# back in {place}\n"));
        assert_eq!(entries(&watch.change().0), [("one", "modified", "app.py")]);
    }
    run(
        "cp",
        &[
            "-r",
            dir.join("code").to_str().unwrap(),
            dir.join("copy").to_str().unwrap(),
        ],
    );
    // What is there in between may be told, too.
    fs::remove_dir_all(dir.join("code")).unwrap();
    watch.until(|event| event["event"] == "error" && event.to_string().contains("code directory"));
    fs::rename(dir.join("copy"), dir.join("code")).unwrap();
    watch.until(|event| event["event"] == "changed");
    save(&dir, "code/two/app.py", "# in a copy\n");
    watch.until(|event| event["event"] == "changed" && entries(event) == [("two", "modified", "app.py")]);
}

#[test]
fn definitions_come_and_go() {
    let dir = Dir::with_app();
    let mut watch = watching(&dir);
    save(&dir, "code/other/x.py", "# x\n");
    save(&dir, "lambda-json/other.json", r#"{"source": "other"}"#);
    let (changed, built) = watch.change();
    assert_eq!(changed["functions"][0]["from"], json!(null));
    assert_eq!(entries(&changed), [("other", "added", "x.py")]);
    assert_eq!(built["packages"][0]["name"], "other");
    // Its source is watched from then on.
    save(&dir, "code/other/x.py", "# xyz\n");
    assert_eq!(entries(&watch.change().0), [("other", "modified", "x.py")]);
    fs::remove_file(dir.join("lambda-json/other.json")).unwrap();
    let changed = watch.next("changed");
    assert_eq!(changed["functions"][0]["to"], json!(null));
    // Other directories by a new lambda-pack.toml.
    save(&dir, "elsewhere/app.py", "# elsewhere\n");
    save(&dir, "lambda-pack.toml", "code_dir = \"elsewhere\"\n");
    let file = dir.join("elsewhere/app.py");
    assert_eq!(watch.change().0["functions"][0]["to"], hash_of(&file).as_str());
    save(&dir, "elsewhere/app.py", "# elsewhere, too\n");
    assert_eq!(watch.change().0["functions"][0]["to"], hash_of(&file).as_str());
    watch.says_no_more();
}

#[test]
fn what_is_left_out_is_nothing_to_tell() {
    let dir = Dir::new();
    save(&dir, "code/app/app.py", "# 1\n");
    save(&dir, "code/app/.lambdaignore", "*.log\n");
    save(
        &dir,
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "exclude": ["tests/**"]}}"#,
    );
    let mut watch = watching(&dir);
    for left_out in ["app.log", ".git/index", "__pycache__/app.pyc", "tests/deep/test.py"] {
        save(&dir, &format!("code/app/{left_out}"), "left out");
    }
    save(&dir, "code/app/app.py", "# 22\n");
    assert_eq!(entries(&watch.change().0), [("app", "modified", "app.py")]);
    // Until it isn't any more.
    save(&dir, "code/app/.lambdaignore", "*.txt\n");
    assert_eq!(entries(&watch.change().0), [("app", "added", "app.log")]);
    watch.says_no_more();
}

#[test]
fn sources_are_watched_where_links_lead() {
    let dir = Dir::new();
    save(&dir, "code/elsewhere/a/lib.py", "# a\n");
    save(&dir, "code/elsewhere/b/lib.py", "# bb\n");
    save(&dir, "code/app/app.py", "# 1\n");
    dir.symlink("../elsewhere/a", "code/app/lib");
    save(
        &dir,
        "lambda-json/app.json",
        r#"{"source": {"path": "app", "symlinks": "follow"}}"#,
    );
    let mut watch = watching(&dir);
    save(&dir, "code/elsewhere/a/lib.py", "# aaa\n");
    assert_eq!(entries(&watch.change().0), [("app", "modified", "lib/lib.py")]);
    // The link leads elsewhere, where is watched then.
    dir.symlink("../elsewhere/b", "new");
    fs::rename(dir.join("new"), dir.join("code/app/lib")).unwrap();
    watch.change();
    save(&dir, "code/elsewhere/b/lib.py", "# bbbb\n");
    assert_eq!(entries(&watch.change().0), [("app", "modified", "lib/lib.py")]);
    watch.says_no_more();
}

#[test]
fn limits_of_the_system_are_named_with_what_raises_them() {
    let dir = Dir::new();
    save(&dir, "code/app/a/b/c/app.py", "# 1\n");
    save(&dir, "lambda-json/app.json", r#"{"source": "app"}"#);
    // A user namespace has limits of its own.
    let limited = |limit: &str, number: u32, command: &str| {
        let script = format!("echo {number} > /proc/sys/user/{limit} && {command}");
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "sh", "-c", &script])
            .current_dir(dir.path())
            .output();
        Run::new(output.unwrap())
    };
    if limited("max_inotify_watches", 2, "true").code != 0 {
        eprintln!("SKIPPED: no right to make a user namespace here");
        return;
    }
    for (limit, number, remedy) in [
        ("max_inotify_watches", 2, "fs.inotify.max_user_watches="),
        ("max_inotify_instances", 0, "fs.inotify.max_user_instances="),
    ] {
        let run = limited(limit, number, &format!("'{BINARY}' watch"));
        assert_eq!(run.code, 1, "{run:?}");
        for words in ["cannot watch", remedy, "lambda-pack watch --poll"] {
            assert!(run.stderr.contains(words), "{run:?}");
        }
    }
}

#[test]
fn polling_needs_nobody_who_tells() {
    let dir = Dir::with_app();
    let mut watch = watch(&dir, &["--poll"]);
    watch.next("watching");
    watch.next("built");
    let file = save(&dir, "code/app.py", "# another\n");
    assert_eq!(watch.change().0["functions"][0]["to"], hash_of(&file).as_str());
    // A fault is told once, not every second.
    save(&dir, "lambda-json/app.json", "{");
    watch.next("error");
    save(&dir, "lambda-json/app.json", r#"{"source": "app.py"}"#);
    watch.next("changed");
    watch.says_no_more();
}

#[test]
fn it_ends_where_nobody_reads_any_more() {
    let dir = Dir::with_app();
    let mut child = dir.command(["watch", "--json"]).spawn();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    for _ in 0..2 {
        std::io::BufRead::read_line(&mut reader, &mut String::new()).unwrap();
    }
    drop(reader);
    save(&dir, "code/app.py", "# another\n");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let (dir, temporary) = (Dir::with_app(), Dir::new());
    for signal in ["INT", "TERM"] {
        let command = dir.command(["watch"]).env("TMPDIR", temporary.path());
        let mut watch = Watch::start(command);
        watch.next("watching");
        let run = watch.stop(signal);
        assert_eq!(run.code, 130, "{run:?}");
        assert!(temporary.snapshot().is_empty(), "{:?}", temporary.snapshot());
    }
}
