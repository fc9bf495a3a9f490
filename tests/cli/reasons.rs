//! `external hash` with `explain`: why packages are to be published, for Terraform's plan.

use std::fs;

use serde_json::{Value, json};

use crate::lookups::{Many, Requests};
use crate::s3::against_both;
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{Server, VERSITYGW};
use crate::support::{Dir, TestCommand};

/// The reasons that a command gives, by name.
fn reasons(command: TestCommand) -> Value {
    let run = command.stdin(r#"{"explain": "true"}"#).ok();
    assert_eq!(run.stderr, "");
    serde_json::from_str(run.json()["reasons"].as_str().unwrap()).unwrap()
}

fn in_dir(dir: &Dir) -> Value {
    reasons(dir.command(["external", "hash"]))
}

#[test]
fn functions_that_differ_have_one() {
    let dir = Dir::with_app();
    let unasked = dir.command(["external", "hash"]).stdin("{}").ok().json();
    assert_eq!(unasked.get("reasons"), None);
    let empty = dir
        .command(["external", "hash"])
        .stdin(r#"{"explain": "", "store": ""}"#)
        .ok();
    assert_eq!(empty.json(), unasked);
    assert_eq!(in_dir(&dir), json!({"app": "first package"}));
    dir.command(["upload"]).ok();
    assert_eq!(in_dir(&dir), json!({}));
    dir.write(
        "code/app.py",
        "def handler(event, context):\n    return event['body']\n",
    );
    let before = dir.snapshot();
    assert_eq!(in_dir(&dir), json!({"app": "app.py changed, +8 B"}));
    assert!(dir.snapshot() == before, "it writes nothing");
    // Beside the reasons nothing is another answer.
    let mut with = dir
        .command(["external", "hash"])
        .stdin(r#"{"explain": "true"}"#)
        .ok()
        .json();
    with.as_object_mut().unwrap().remove("reasons");
    assert_eq!(with, dir.command(["external", "hash"]).stdin("{}").ok().json());
    dir.command(["upload"]).ok();
    dir.write("code/app.py", "def handler(event, context):\n    return event\n");
    assert_eq!(in_dir(&dir), json!({"app": "as it was published before"}));
}

#[test]
fn a_store_that_cannot_be_read_fails_no_plan() {
    let dir = Dir::with_app();
    dir.command(["upload"]).ok();
    dir.write("code/app.py", "other\n");
    let manifests = dir.join(".lambda-pack/store/manifests/app");
    let manifest = fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    let starts = |expected: &str| {
        let found = in_dir(&dir)["app"].as_str().unwrap().to_owned();
        assert!(found.starts_with(expected), "{found}");
        assert!(
            !found.contains(dir.path().to_str().unwrap()),
            "no absolute path: {found}"
        );
        assert!(found.chars().count() <= 300 && !found.contains('\n'), "{found}");
    };
    fs::write(&manifest, "{\u{1b}").unwrap();
    starts("unknown: `file://<store>/manifests/app/");
    fs::remove_file(&manifest).unwrap();
    starts("unknown: `file://<store>/manifests/app/");
    let records = dir.join(".lambda-pack/store/records/app");
    fs::remove_dir_all(&records).unwrap();
    fs::write(&records, "").unwrap();
    starts("unknown: cannot read `<store>/records/app`");
    // Nobody is there; nobody is asked for a region first.
    let unreachable = dir
        .command(["external", "hash", "--store", "s3://bucket", "--region", "us-east-1"])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b");
    let found = reasons(unreachable)["app"].as_str().unwrap().to_owned();
    assert!(found.contains("the service can't be reached"), "{found}");
    dir.command(["external", "hash"])
        .stdin(r#"{"explain": "yes"}"#)
        .fails(3, &["query key `explain`: found `yes`; allowed: true, false"]);
}

against_both!(
    few_requests_tell_why,
    a_bucket_that_is_yet_to_be_made_is_no_fault,
    denied_access_is_told_once,
);

fn few_requests_tell_why(server: &'static Server) {
    let mut many = Many::new(server, 100);
    many.upload().ok();
    many.project.dir.write("code/f000/app.py", "number = 7\nadded = True\n");
    many.project.dir.write("code/f001/new.py", "");
    many.requests();
    let found = reasons(many.with_cache(many.project.command(["external", "hash"])));
    assert_eq!(found, json!({"f000": "app.py changed, +13 B", "f001": "new.py added"}));
    let expected = Requests {
        lists: 1,
        gets: 2,
        ..Requests::default()
    };
    assert_eq!(many.requests(), expected);
}

fn a_bucket_that_is_yet_to_be_made_is_no_fault(server: &'static Server) {
    let project = server.project();
    let command = project.command(["external", "hash", "--store", "s3://not-made-yet/a"]);
    assert_eq!(
        reasons(command),
        json!({"app": "first package: the bucket is not there yet"})
    );
}

fn denied_access_is_told_once(server: &'static Server) {
    const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let mut many = Many::behind(server, 300, |_| Action::Answer(403, "", DENIED));
    let found = reasons(many.with_cache(many.project.command(["external", "hash"])));
    let found = found.as_object().unwrap();
    assert_eq!(found.len(), 300);
    assert!(
        found.values().all(|it| it.as_str().unwrap().contains("access denied")),
        "{found:?}"
    );
    // Those that were under way when the first one came back.
    assert!(many.requests().lists <= 65);
}

#[test]
fn a_store_that_never_answers_is_not_waited_for() {
    let mut project = VERSITYGW.project();
    let proxy = Proxy::before(&VERSITYGW.endpoint, |_| Action::Stall);
    project.endpoint = proxy.endpoint.clone();
    let found = reasons(project.command(["external", "hash"]));
    assert_eq!(
        found,
        json!({"app": "unknown: no answer from the store within 10 seconds"})
    );
}
