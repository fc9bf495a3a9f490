//! Values change: what is in the store was searched for others, or for none.

use serde_json::json;

use super::{VALUE, hides, kinds};
use crate::s3::against_both;
use crate::support::server::Server;
use crate::support::{Dir, TestCommand};

against_both!(a_package_in_a_bucket_is_searched_for_another_value);

/// A function whose build puts the value into the package, though no source has it.
fn write_project(dir: &Dir) {
    dir.write("code/app/x.txt", "nothing\n");
    let halves = format!("{}''{}", &VALUE[..6], &VALUE[6..]);
    let definition = json!({
        "runtime": "provided.al2023", "handler": "bootstrap", "architectures": ["x86_64"], "source": "app",
        "build": {
            "type": "command", "output": "out",
            "command": ["sh", "-c", format!("mkdir out; printf '#!/bin/sh\n{halves}' >out/bootstrap; chmod +x out/bootstrap")],
        },
    });
    dir.write("lambda-json/app.json", definition.to_string());
    dir.write(
        "lambda-pack.toml",
        "[application]\nname = 'shop'\n[profiles.prod]\n[[profiles.prod.secrets]]\nid = 'ci'\nclass = 'infrastructure'\nreason = 'r'\nvariable = 'CI_PASSWORD'\n",
    );
}

/// Whether the value was never known, or was another one, when the package was stored.
fn is_searched_again(command: impl Fn(&[&str]) -> TestCommand) {
    const EACH: [&[&str]; 3] = [&["run"], &["bundle", "export"], &["upload"]];
    let with = |args: &[&str]| {
        let profile = ["--deployment-profile", "prod"];
        command(&[args, &profile].concat())
    };
    with(&["run"]).ok();
    for args in EACH {
        let run = with(args).env("CI_PASSWORD", "another-one").ok();
        // It isn't built again for that: this machine may have no program for it.
        assert!(
            args == ["upload"] || run.stderr.contains("0 packages, 1 in the store"),
            "{run:?}"
        );
    }
    for args in EACH {
        let words = [
            "function `app`",
            ".zip`: bootstrap:2: infrastructure secret `ci` found",
            "change the secret",
        ];
        hides(
            &with(&[args, &["-vvv"]].concat())
                .env("CI_PASSWORD", VALUE)
                .fails(3, &words),
            VALUE,
        );
    }
}

#[test]
fn a_package_is_searched_for_another_value() {
    let dir = Dir::new();
    write_project(&dir);
    is_searched_again(|args| dir.command(args.iter().copied()));
}

fn a_package_in_a_bucket_is_searched_for_another_value(server: &'static Server) {
    let project = server.project();
    write_project(&project.dir);
    is_searched_again(|args| project.command(args.iter().copied()));
}

/// A function that is built of what no hash knows, as when a compiler is another one the next time.
fn made_of(dir: &Dir, outside: &str, more: &str) {
    dir.write("code/app/x.txt", "nothing\n");
    let outside = dir.write("outside.txt", outside);
    let copy = format!(
        "mkdir out; cp '{}' out/bootstrap; chmod +x out/bootstrap",
        outside.display()
    );
    let command = json!(["sh", "-c", copy]);
    dir.write(
        "lambda-json/app.json",
        format!(
            r#"{{"runtime": "provided.al2023", "handler": "bootstrap", "source": "app", {more}
                 "build": {{"type": "command", "output": "out", "command": {command}}}}}"#
        ),
    );
}

/// Each that hands on what is stored, on a machine that knows nothing of it.
#[track_caller]
fn each_refuses(dir: &Dir, profile: &str, code: i32, words: &[&str]) {
    for (number, args) in [&["run"][..], &["bundle", "export"], &["upload"]]
        .into_iter()
        .enumerate()
    {
        let args = args.iter().copied().chain(["--deployment-profile", profile]);
        let cache = dir.join(&format!("cache-{number}"));
        dir.command(args).env("XDG_CACHE_HOME", cache).fails(code, words);
    }
}

#[test]
fn what_is_declared_since_is_looked_for_in_what_is_stored() {
    let dir = Dir::new();
    // What one profile declares counts for all: each time they are others.
    let profiles = |text: &str| dir.write("lambda-pack.toml", text);
    let before = "[profiles.before]\n";
    let since = "[[profiles.since.secrets]]\nid = 'corp'\nclass = 'infrastructure'\nreason = 'r'\npattern = 'corp_[a-z0-9]{20}'\n";
    let kind =
        "[[profiles.kind.secrets]]\nid = 'token'\nclass = 'infrastructure'\nreason = 'r'\nkind = 'github-token'\n";
    profiles(before);
    let token = kinds::token("github-token");
    // By a person's word it is none.
    let allowed = r#""allowed_secrets": [{"path": "**", "rule": "github-token", "reason": "a sample"}],"#;
    made_of(&dir, &format!("corp_abcdefghij0123456789\n{token}\n"), allowed);
    dir.command(["run", "--deployment-profile", "before"]).ok();
    made_of(&dir, "clean\n", allowed);
    profiles(since);
    each_refuses(
        &dir,
        "since",
        3,
        &[".zip`: bootstrap:1: infrastructure secret `corp` found"],
    );
    profiles(kind);
    dir.command(["run", "--deployment-profile", "kind"]).ok();
    made_of(&dir, "clean\n", "");
    profiles(before);
    each_refuses(
        &dir,
        "before",
        8,
        &[".zip`: bootstrap: secret found", "rule `github-token`"],
    );
}

#[test]
fn a_package_that_was_searched_since_is_not_searched_again() {
    let dir = Dir::new();
    let secret = "[[profiles.since.secrets]]\nid = 'corp'\nclass = 'infrastructure'\nreason = 'r'\npattern = 'corp_[a-z0-9]{20}'\n";
    dir.write("lambda-pack.toml", "[profiles.before]\n");
    made_of(&dir, "clean\n", "");
    dir.command(["run", "--deployment-profile", "before"]).ok();
    dir.write("lambda-pack.toml", secret);
    let run = || dir.command(["run", "-v", "--deployment-profile", "since"]).ok().stderr;
    assert!(run().contains("app: searching "));
    assert!(!run().contains("app: searching "));
}
