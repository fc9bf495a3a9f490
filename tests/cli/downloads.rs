//! How assets come over a network that breaks, and onto a disk that is full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::Value;

use crate::assets::{blake3_of, command, define, definition, fetched, kept, noise, project};
use crate::faults::wait_for;
use crate::support::web::{Action, Web};
use crate::support::{BINARY, Dir, Run, on_small_disk, sha256};

/// What was downloaded so far of the asset with this digest.
fn part(dir: &Dir, digest: &str) -> PathBuf {
    dir.join(&format!("cache/lambda-pack/assets/{digest}.part"))
}

/// A download that has come so far.
fn downloading(dir: &Dir, digest: &str, bytes: u64) -> Child {
    let child = command(dir, ["assets", "fetch"]).spawn();
    wait_for("the part", || {
        fs::metadata(part(dir, digest)).is_ok_and(|part| part.len() == bytes)
    });
    child
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let content = noise();
    let web = Web::serve(content.clone(), |before, _| match before {
        0 => Action::Cut(1_000_000),
        1 => Action::Cut(500_000),
        _ => Action::Serve,
    });
    let dir = project(&format!(
        r#""url": "{}/m", "path": "m", "sha256": "{}""#,
        web.url,
        sha256(&content)
    ));
    assert_eq!(
        command(&dir, ["assets", "fetch", "--json"]).ok().statuses(),
        ["downloaded"]
    );
    let ranges: Vec<_> = web
        .seen()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=1000000-".to_owned()),
            Some("bytes=1500000-".to_owned())
        ]
    );
    assert!(fetched(&dir, &sha256(&content)) == content);
}

#[test]
fn a_killed_download_goes_on_where_it_stopped() {
    let content = noise();
    let web = Web::serve(content.clone(), |before, _| match before {
        0 => Action::Hang(700_000),
        _ => Action::Serve,
    });
    let digest = sha256(&content);
    let dir = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, web.url));
    let mut child = downloading(&dir, &digest, 700_000);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = command(&dir, ["assets", "fetch", "-v"]).ok();
    assert!(run.stderr.contains("going on after"), "{run:?}");
    assert_eq!(web.seen()[1].header("range"), Some("bytes=700000-"));
    assert_eq!(kept(&dir), [digest.as_str()]);
    assert!(fetched(&dir, &digest) == content);
}

#[test]
fn an_interrupted_download_is_kept() {
    let content = noise();
    let web = Web::serve(content.clone(), |_, _| Action::Hang(700_000));
    let digest = sha256(&content);
    let dir = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, web.url));
    let child = downloading(&dir, &digest, 700_000);
    crate::support::run("kill", &["-INT", &child.id().to_string()]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    assert!(run.stderr.contains("the next run goes on from there"), "{run:?}");
    assert_eq!(fs::metadata(part(&dir, &digest)).unwrap().len(), 700_000);
}

#[test]
fn a_server_that_knows_no_ranges_or_has_new_content_is_read_from_the_start() {
    let content = noise();
    let web = Web::serve(content.clone(), |before, _| match before {
        0 => Action::Cut(1_000_000),
        _ => Action::ServeAll,
    });
    let digest = sha256(&content);
    let dir = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, web.url));
    command(&dir, ["assets", "fetch"]).ok();
    assert_eq!(web.seen().len(), 2);
    assert!(fetched(&dir, &digest) == content);

    // A part of what the address gave before.
    let old = Web::serve(vec![7; 1_000_000], |_, _| Action::Hang(600_000));
    let new = Web::serve(content.clone(), |_, _| Action::Serve);
    let dir = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, old.url));
    let mut child = downloading(&dir, &digest, 600_000);
    child.kill().unwrap();
    child.wait().unwrap();
    let state = part(&dir, &digest).with_extension("part.json");
    let text = fs::read_to_string(&state).unwrap();
    define(
        &dir,
        "app",
        &format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, new.url),
    );
    // Another address: not even asked for the rest.
    command(&dir, ["assets", "fetch"]).ok();
    assert_eq!(new.seen()[0].header("range"), None);
    // The same address.
    let other = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, new.url));
    let mut child = command(&other, ["assets", "fetch"]).spawn();
    child.wait().unwrap();
    fs::rename(
        other.join(&format!("cache/lambda-pack/assets/{digest}")),
        part(&other, &digest),
    )
    .unwrap();
    let mut state: Value = serde_json::from_str(&text).unwrap();
    let name = blake3_of(&format!("{}/m", new.url));
    state["address"] = format!("url-{name}").into();
    fs::write(part(&other, &digest).with_extension("part.json"), state.to_string()).unwrap();
    fs::write(part(&other, &digest), [7; 1000]).unwrap();
    command(&other, ["assets", "fetch"]).ok();
    assert_eq!(new.seen().last().unwrap().header("range"), Some("bytes=1000-"));
    assert!(fetched(&other, &digest) == content);
}

#[test]
fn a_damaged_part_is_noticed_and_downloaded_anew() {
    let content = noise();
    let digest = sha256(&content);
    let web = Web::serve(content.clone(), |before, _| match before {
        0 => Action::Hang(700_000),
        _ => Action::Serve,
    });
    let dir = project(&format!(r#""url": "{}/m", "path": "m", "sha256": "{digest}""#, web.url));
    let mut child = downloading(&dir, &digest, 700_000);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(part(&dir, &digest), vec![0; 700_000]).unwrap();
    command(&dir, ["assets", "fetch"]).ok();
    assert_eq!(web.seen().len(), 3);
    assert!(fetched(&dir, &digest) == content);

    // The same of what is kept.
    dir.write(&format!("cache/lambda-pack/assets/{digest}"), "damaged");
    assert_eq!(
        command(&dir, ["assets", "fetch", "--json"]).ok().statuses(),
        ["downloaded"]
    );
    assert!(fetched(&dir, &digest) == content);
}

#[test]
fn a_busy_server_is_asked_again() {
    let web = Web::serve(b"model".to_vec(), |before, _| match before {
        0 => Action::Answer(503, "Retry-After: 0".to_owned()),
        1 => Action::Answer(429, "X: y".to_owned()),
        // Silence; the client's patience is the setting.
        2 => Action::Hang(0),
        _ => Action::Serve,
    });
    let dir = project(&format!(r#""url": "{}/m", "path": "m""#, web.url));
    let run = command(&dir, ["assets", "lock", "-v", "--download-timeout", "1"]).ok();
    for words in [
        "HTTP status 503",
        "HTTP status 429",
        "nothing came for 1 s; trying again",
    ] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(web.seen().len(), 4);
}

#[test]
fn a_server_that_is_away_is_given_up() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let dir = project(&format!(r#""url": "http://u:hidden@{port}/m?x=hidden", "path": "m""#));
    let run = command(&dir, ["assets", "lock", "-v"]).fails(1, &["after 5 attempts", "HTTPS_PROXY", "refused"]);
    assert!(run.stderr.contains(&format!("`http://{port}/m?…`")), "{run:?}");
    assert!(!run.stderr.contains("hidden"), "{run:?}");
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let web = Web::serve(b"model".to_vec(), |_, request| match request.target.as_str() {
        "/a?token=hidden" => Action::Answer(302, "Location: /b".to_owned()),
        "/b" => Action::Serve,
        _ => Action::Answer(307, "Location: /loop".to_owned()),
    });
    let dir = project(&format!(r#""url": "{}/a?token=hidden", "path": "m""#, web.url));
    command(&dir, ["assets", "lock"]).ok();
    assert_eq!(definition(&dir)["assets"][0]["sha256"], sha256(b"model"));
    assert_eq!(web.seen()[1].header("referer"), None, "it would give the token away");
    define(&dir, "app", &format!(r#""url": "{}/loop", "path": "m""#, web.url));
    command(&dir, ["assets", "lock"]).fails(1, &["redirects without end"]);
    assert!(web.seen().len() < 20);
}

#[test]
fn two_processes_download_once() {
    let content = noise();
    let web = Web::serve(content.clone(), |_, _| Action::Serve);
    let dir = project(&format!(
        r#""url": "{}/m", "path": "m", "sha256": "{}""#,
        web.url,
        sha256(&content)
    ));
    let children: Vec<_> = (0..4)
        .map(|_| command(&dir, ["assets", "fetch", "--json"]).spawn())
        .collect();
    let runs: Vec<Run> = children
        .into_iter()
        .map(|child| Run::new(child.wait_with_output().unwrap()))
        .collect();
    let mut all: Vec<String> = runs.iter().flat_map(Run::statuses).collect();
    all.sort();
    assert_eq!(all, ["cached", "cached", "cached", "downloaded"], "{runs:?}");
    assert_eq!(web.seen().len(), 1);
}

/// A file system of its own with less room than the asset needs. Making one takes root and `mount`.
#[test]
fn a_full_disk_is_named_and_spoils_nothing() {
    let content = noise();
    let web = Web::serve(content.clone(), |_, _| Action::Serve);
    let dir = project(&format!(
        r#""url": "{}/m", "path": "m", "sha256": "{}""#,
        web.url,
        sha256(&content)
    ));
    let script = format!(
        "export XDG_CACHE_HOME=$PWD/small NO_PROXY=127.0.0.1
         '{BINARY}' assets fetch; echo fetch $?
         mount -o remount,size=8m small
         '{BINARY}' assets fetch --json -v; echo fetch $?"
    );
    let Some(run) = on_small_disk(dir.path(), Path::new("small"), "size=1m", &script) else {
        return;
    };
    assert!(
        run.stdout.starts_with("fetch 1\n") && run.stdout.ends_with("fetch 0\n"),
        "{run:?}"
    );
    assert!(run.stderr.contains("No space left on device"), "{run:?}");
    assert!(run.stderr.contains("going on after"), "{run:?}");
}
