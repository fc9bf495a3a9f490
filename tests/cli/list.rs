//! `list`: what the store has, with few requests.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::lookups::Many;
use crate::s3::against_both;
use crate::support::functions::{Functions, upload};
use crate::support::server::{MOTO, Server};
use crate::support::{Dir, git};

against_both!(many_packages_take_three_lists, what_is_stored_is_listed);

fn many_packages_take_three_lists(server: &'static Server) {
    const COUNT: usize = 40;
    let mut many = Many::new(server, COUNT);
    many.upload().ok();
    many.requests();
    let list = |many: &Many| many.with_cache(many.project.command(["list", "--json"])).ok().json();
    // Uploading noted the records.
    let rows = list(&many);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), COUNT);
    assert!(
        rows.iter().all(|row| row["current"] == true && row["stored"] == true),
        "{rows:?}"
    );
    let requests = many.requests();
    assert_eq!(
        (requests.lists, requests.gets, requests.heads),
        (3, 0, 0),
        "{requests:?}"
    );
    // Another machine reads each record once.
    let elsewhere = Dir::new();
    for gets in [COUNT, 0] {
        let list = many.project.command(["list", "--json"]);
        let again = list.env("XDG_CACHE_HOME", elsewhere.path()).ok().json();
        assert_eq!(again.as_array().unwrap().len(), rows.len());
        let requests = many.requests();
        assert_eq!(
            (requests.lists, requests.gets, requests.heads),
            (3, gets, 0),
            "{requests:?}"
        );
    }
}

fn what_is_stored_is_listed(server: &'static Server) {
    let project = server.project();
    let list = |args: &[&str]| {
        project
            .command(["list", "--json"])
            .args(args.iter().copied())
            .ok()
            .json()
    };
    let empty = project.command(["list"]).ok();
    assert!(
        empty.stdout.is_empty() && empty.stderr.contains("nothing is published"),
        "{empty:?}"
    );
    git(project.dir.path(), &["init", "-q"]);
    git(project.dir.path(), &["add", "."]);
    git(project.dir.path(), &["commit", "-qm", "first"]);
    let commit = git(project.dir.path(), &["rev-parse", "HEAD"]);
    let first = upload(&project, 1);
    let second = upload(&project, 2);
    let rows = list(&[]);
    let find = |row: &Value| {
        let rows = rows.as_array().unwrap();
        rows.iter()
            .find(|it| it["source_hash"] == row["source_hash"])
            .unwrap()
            .clone()
    };
    for (row, is_current) in [(&first, false), (&second, true)] {
        let found = find(row);
        for key in ["code_sha256", "size_bytes", "unzipped_bytes", "entries", "store_url"] {
            assert_eq!(found[key], row[key], "{key}");
        }
        assert_eq!(
            (&found["current"], &found["git_commit"].as_str().unwrap()[..40]),
            (&json!(is_current), commit.trim()),
            "{found}"
        );
        assert!(found["age_seconds"].as_u64().unwrap() < 600, "{found}");
    }
    let table = project.command(["list", "app"]).ok().stdout;
    assert_eq!(table.matches("current").count(), 1, "{table}");
    project
        .command(["list", "ap"])
        .fails(2, &["no function is named `ap`", "`app`"]);
    project.delete(&crate::support::functions::key(&first));
    let table = project.command(["list"]).ok().stdout;
    assert_eq!(table.matches("without its package").count(), 1, "{table}");
    // Where there are no sources, and where they are out of order, the store is there all the same.
    project.dir.write("lambda-json/app.json", "{");
    let run = project.command(["list", "--json"]).ok();
    assert!(run.stderr.contains("which packages are current isn't known"), "{run:?}");
    assert_eq!(run.json()[0]["current"], Value::Null);
    let elsewhere = Dir::new();
    let run = project.command(["list", "--json"]).current_dir(elsewhere.path()).ok();
    assert_eq!(
        (run.json()[1]["current"].clone(), run.stderr.as_str()),
        (Value::Null, ""),
        "{run:?}"
    );
}

#[test]
fn the_newest_comes_first_in_a_directory_too() {
    let dir = Dir::with_app();
    for number in 0..3 {
        dir.write("code/app.py", crate::support::functions::source("file", number));
        let row = dir.command(["upload", "--json"]).ok().json()[0].clone();
        let hash = row["source_hash"].as_str().unwrap();
        age(&dir, &format!("records/app/{hash}.json"), [1, 3, 2][number]);
    }
    let rows = dir.command(["list", "--json"]).ok().json();
    let ages: Vec<u64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["age_seconds"].as_u64().unwrap() / 86_400)
        .collect();
    assert_eq!(ages, [1, 2, 3]);
}

/// Sets back when an object of a store in a directory was written.
pub fn age(dir: &Dir, key: &str, days: u64) {
    #[expect(clippy::disallowed_methods, reason = "makes files old")]
    let now = SystemTime::now();
    let file = File::options()
        .write(true)
        .open(dir.join(&format!(".lambda-pack/store/{key}")))
        .unwrap();
    // A little more, so that it is that old whenever somebody looks.
    file.set_modified(now - Duration::from_secs(days * 86_400 + 60))
        .unwrap();
}

#[test]
fn lambda_says_what_is_deployed() {
    let project = MOTO.project();
    let functions = Functions::of(&project);
    let rows: Vec<Value> = (0..3).map(|number| upload(&project, number)).collect();
    functions.create("app", &rows[0], &[]);
    functions.create_alias("app", "live", "1");
    functions.deploy("app", &rows[1]);
    let listed = project.command(["list", "--deployed", "--json"]).ok().json();
    let deployed = |row: &Value| {
        let listed = listed.as_array().unwrap();
        let found = listed
            .iter()
            .find(|it| it["source_hash"] == row["source_hash"])
            .unwrap();
        let uses = found["deployed"].as_array().unwrap().iter();
        uses.map(|it| {
            format!(
                "{} {} {}",
                it["name"].as_str().unwrap(),
                it["version"].as_str().unwrap(),
                it["aliases"]
            )
        })
        .collect::<Vec<_>>()
    };
    let name = format!("{}app", functions.prefix());
    assert_eq!(deployed(&rows[0]), [format!("{name} 1 [\"live\"]")]);
    assert_eq!(
        deployed(&rows[1]),
        [format!("{name} 2 []"), format!("{name} $LATEST []")]
    );
    assert!(deployed(&rows[2]).is_empty());
    let table = project.command(["list", "--deployed"]).ok().stdout;
    assert!(table.contains(&format!("{name}:1 (live)")), "{table}");
    let run = project
        .command(["list", "--deployed"])
        .env("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1")
        .run();
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(
        run.stderr.contains("ask Lambda for `all functions in us-east-1`"),
        "{run:?}"
    );
}
