//! `watch`: what is said when something is saved, and what stands in the output directory then.

mod calls;
mod surroundings;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::s3::against_both;
use crate::support::server::Server;
use crate::support::watch::Watch;
use crate::support::{Dir, git, hash_of};

fn watch(dir: &Dir, args: &[&str]) -> Watch {
    Watch::start(dir.command(["watch"]).args(args.iter().copied()))
}

/// Past its first two events: what everything is, and what was built.
fn watching(dir: &Dir) -> Watch {
    let mut watch = watch(dir, &[]);
    watch.next("watching");
    watch.next("built");
    watch
}

/// Writes a file so that it is there at once, with all that is in it: nothing in between is there to be told.
fn save(dir: &Dir, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let file = dir.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mode = fs::metadata(&file).map_or(0o644, |metadata| metadata.permissions().mode());
    let mut new = tempfile::NamedTempFile::new_in(dir.path().parent().unwrap()).unwrap();
    new.write_all(content.as_ref()).unwrap();
    fs::set_permissions(new.path(), Permissions::from_mode(mode)).unwrap();
    new.persist(&file).unwrap();
    file
}

/// Names of what changed, and how.
fn entries(changed: &Value) -> Vec<(&str, &str, &str)> {
    let mut entries = Vec::new();
    for function in changed["functions"].as_array().unwrap() {
        for change in function["changes"].as_array().unwrap() {
            let texts = [&function["name"], &change["change"], &change["path"]];
            let [name, change, path] = texts.map(|text| text.as_str().unwrap());
            entries.push((name, change, path));
        }
    }
    entries
}

#[test]
fn what_is_saved_is_told_first_and_built_then() {
    let dir = Dir::with_app();
    let mut watch = watch(&dir, &[]);
    let before = hash_of(&dir.join("code/app.py"));
    let first = watch.next("watching");
    assert_eq!(first["functions"], json!([{"name": "app", "source_hash": before}]));
    assert_eq!(watch.next("built")["packages"][0]["source_hash"], before.as_str());

    let old = fs::metadata(dir.join("code/app.py")).unwrap().len();
    let file = save(
        &dir,
        "code/app.py",
        "def handler(event, context):\n    return 'another'\n",
    );
    let (changed, built) = watch.change();
    let after = hash_of(&file);
    assert_eq!(
        changed["functions"],
        json!([{
            "name": "app", "from": before, "to": after, "inputs": [], "definition_changed": false,
            "changes": [{"path": "app.py", "change": "modified", "size_before": old, "size_after": fs::metadata(&file).unwrap().len()}],
        }])
    );
    assert!(changed["elapsed_ms"].is_u64());
    let package = &built["packages"][0];
    assert_eq!(package["source_hash"], after.as_str());
    assert_eq!(package["path"], "dist/app.zip");
    // What `build` would write stands there already.
    let again = dir.command(["build", "--json"]).ok().json();
    assert_eq!(again[0]["status"], "unchanged");
    assert_eq!(again[0]["code_sha256"], package["code_sha256"]);
    // The same content, saved again, is no change.
    save(&dir, "code/app.py", fs::read(&file).unwrap());
    dir.chmod("code/app.py", 0o755);
    assert_eq!(entries(&watch.next("changed")), [("app", "mode", "app.py")]);
    watch.next("built");
    watch.says_no_more();
}

#[test]
fn people_read_the_words_of_diff() {
    let dir = Dir::with_app();
    let mut child = dir.command(["watch"]).spawn();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().starts_with("watching 1 function ("));
    assert!(next().starts_with("app: built dist/app.zip, "));
    let before = hash_of(&dir.join("code/app.py"));
    let file = save(
        &dir,
        "code/app.py",
        "def handler(event, context):\n    return event\n# 13 bytes\n#\n",
    );
    let title = next();
    let hashes = format!("app: {} -> {}", &before[..16], &hash_of(&file)[..16]);
    assert!(title.starts_with(&hashes) && title.ends_with(" ms)"), "{title}");
    assert_eq!(next(), "  app.py changed, +13 B");
    assert!(next().starts_with("app: built "));
    crate::support::run("kill", &["-s", "INT", &child.id().to_string()]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn editors_that_rename_are_understood() {
    let dir = Dir::with_app();
    let mut watch = watching(&dir);
    let is = |event: &Value, content: &str| {
        event["event"] == "built"
            && event["packages"][0]["source_hash"] == hash_of(&dir.write("other/app.py", content)).as_str()
    };
    // As vim: the old one moves away, a new one is written. What is there in between may be told, too.
    fs::rename(dir.join("code/app.py"), dir.join("code/app.py~")).unwrap();
    let file = dir.write("code/app.py", "# as vim\n");
    fs::remove_file(dir.join("code/app.py~")).unwrap();
    watch.until(|event| is(event, "# as vim\n"));
    // As others: a new one takes its place.
    save(&dir, "code/app.py", "# by a rename\n");
    watch.until(|event| is(event, "# by a rename\n"));
    // And into the same file, since what is watched must not be the one that went.
    fs::write(&file, "# in place\n").unwrap();
    watch.until(|event| is(event, "# in place\n"));
    watch.says_no_more();
}

#[test]
fn a_checkout_of_many_files_is_told_at_once() {
    let dir = Dir::with_app();
    save(&dir, "lambda-json/app.json", r#"{"source": "app"}"#);
    let write = |text: &str| {
        for number in 0..200 {
            save(
                &dir,
                &format!("code/app/{}/{number}.py", number % 10),
                format!("{text} {number}\n"),
            );
        }
    };
    git(dir.path(), &["init", "--quiet", "--initial-branch=main"]);
    for (branch, text) in [("old", "old"), ("new", "newer")] {
        git(dir.path(), &["checkout", "--quiet", "-b", branch]);
        write(text);
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "--quiet", "--message", text]);
    }
    let mut watch = watching(&dir);
    git(dir.path(), &["checkout", "--quiet", "old"]);
    let wanted = hash_of(&dir.join("code/app"));
    let mut events = 0;
    watch.until(|event| {
        events += 1;
        event["event"] == "built" && event["packages"][0]["source_hash"] == wanted.as_str()
    });
    // Two, if the machine has time for git; a whole second of it is told in between.
    assert!(events < 20, "{events}");
    watch.says_no_more();
}

#[test]
fn a_broken_definition_is_told_and_watching_goes_on() {
    let dir = Dir::with_app();
    let definition = fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    let mut watch = watching(&dir);
    save(&dir, "lambda-json/app.json", definition.replace("source", "sourse"));
    let error = watch.next("error");
    let message = error["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("unknown key `sourse`"), "{message}");
    assert!(
        error["errors"][0]["help"].as_str().unwrap().contains("did you mean"),
        "{error}"
    );
    // Told again, since somebody saved and it is still wrong.
    let file = save(&dir, "code/app.py", "def handler(event, context):\n    return 1\n");
    watch.next("error");
    save(&dir, "lambda-json/app.json", &definition);
    assert_eq!(watch.change().0["functions"][0]["to"], hash_of(&file).as_str());
    // Mended, and nothing else: that is told, too.
    save(&dir, "lambda-json/app.json", "{");
    watch.next("error");
    save(&dir, "lambda-json/app.json", &definition);
    assert_eq!(watch.next("changed")["functions"], json!([]));
    // The package stays, the definition is another one.
    save(&dir, "lambda-json/app.json", definition.replace("3.13", "3.12"));
    let changed = &watch.next("changed")["functions"][0];
    assert_eq!(changed["definition_changed"], true);
    assert_eq!(changed["from"], changed["to"]);
    save(&dir, "lambda-pack.toml", "code_dir = 5\n");
    let error = watch.next("error");
    assert!(
        error["errors"][0]["message"].as_str().unwrap().contains("code_dir"),
        "{error}"
    );
    fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
    assert_eq!(watch.next("changed")["functions"], json!([]));
    watch.says_no_more();
}

#[test]
fn what_is_wrong_at_the_beginning_may_be_mended() {
    let dir = Dir::with_app();
    let definition = fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    save(&dir, "lambda-json/app.json", "{");
    let mut watch = watch(&dir, &["app"]);
    watch.next("error");
    save(&dir, "lambda-json/app.json", definition);
    assert_eq!(watch.next("watching")["functions"][0]["name"], "app");
    watch.next("built");
    watch.says_no_more();
    // But a name that nobody has won't appear by itself.
    dir.command(["watch", "ap"])
        .fails(2, &["no function is named `ap`", "did you mean `app`?"]);
}

#[test]
fn a_build_that_fails_is_told_and_done_when_it_is_mended() {
    let dir = Dir::new();
    let script = "#!/bin/sh\nmkdir -p dist && echo made > dist/app.py\n";
    save(&dir, "code/app/build.sh", script);
    dir.chmod("code/app/build.sh", 0o755);
    save(
        &dir,
        "lambda-json/app.json",
        r#"{"source": "app", "runtime": "python3.13", "handler": "app.handler",
            "build": {"type": "command", "command": ["./build.sh"], "output": "dist"}}"#,
    );
    let mut watch = watching(&dir);
    save(&dir, "code/app/build.sh", "#!/bin/sh\necho 'no way' >&2; exit 3\n");
    watch.next("changed");
    let error = watch.next("error");
    assert!(
        error["errors"][0]["message"].as_str().unwrap().contains("no way"),
        "{error}"
    );
    // Saved without a change: tried again.
    save(&dir, "code/app/build.sh", "#!/bin/sh\necho 'no way' >&2; exit 3\n");
    watch.next("error");
    save(&dir, "code/app/build.sh", format!("{script}# mended\n"));
    let (changed, built) = watch.change();
    assert_eq!(built["packages"][0]["source_hash"], changed["functions"][0]["to"]);
    watch.says_no_more();
}

against_both!(new_packages_are_uploaded);

fn new_packages_are_uploaded(server: &'static Server) {
    let project = server.project();
    let mut watch = Watch::start(project.command(["watch", "app", "--upload"]));
    watch.next("watching");
    watch.next("built");
    assert_eq!(watch.next("uploaded")["packages"][0]["status"], "uploaded");
    let file = project
        .dir
        .write("code/app.py", "def handler(event, context):\n    return 1\n");
    watch.change();
    let uploaded = watch.next("uploaded");
    assert_eq!(uploaded["packages"][0]["source_hash"], hash_of(&file).as_str());
    assert_eq!(project.keys_of("records").len(), 2);
    // What the store has is used, as `upload` does.
    project
        .dir
        .write("code/app.py", "def handler(event, context):\n    return event\n");
    watch.change();
    assert_eq!(watch.next("uploaded")["packages"][0]["status"], "unchanged");
    assert_eq!(project.keys_of("records").len(), 2);
    watch.says_no_more();
}
