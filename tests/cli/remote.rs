//! Builds on CodeBuild: what is asked of it, and what is made of its answers.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::faults::wait_for;
use crate::support::codebuild::{CodeBuild, build, error, found, without_log};
use crate::support::{Dir, Run};

/// Short enough for many looks in a test.
const POLL: [&str; 2] = ["--poll-seconds", "0.01"];

fn wait(server: &CodeBuild, args: &[&str]) -> Run {
    let dir = Dir::new();
    server
        .command(&dir, ["remote", "wait", "p:1"])
        .args(POLL)
        .args(args.iter().copied())
        .run()
}

/// In this order, each at least once.
#[track_caller]
fn assert_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest
            .find(word)
            .unwrap_or_else(|| panic!("no {word:?} in its place in {text}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn phases_and_pages_of_the_log_are_shown_as_they_come() {
    let server = CodeBuild::scripted(|call, before| {
        let phases = [
            ("QUEUED", "SUCCEEDED", ""),
            ("PROVISIONING", "SUCCEEDED", ""),
            ("BUILD", "", ""),
        ];
        let done = [phases[0], phases[1], ("BUILD", "SUCCEEDED", ""), ("COMPLETED", "", "")];
        match call.operation.as_str() {
            "BatchGetBuilds" => match before {
                0 => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
                1..4 => found(&[build("p:1", "IN_PROGRESS", &phases)]),
                _ => found(&[build("p:1", "SUCCEEDED", &done)]),
            },
            // Two pages while it runs, a line after its end.
            "GetLogEvents" => {
                let event = |text: &str| json!({"timestamp": 1, "message": text});
                let token = call.body["nextToken"].as_str();
                let (events, next) = match (token, before) {
                    (None, _) => (vec![event("first\n"), event("\u{1b}[31msecond\u{1b}[0m\u{7}\n")], "f/1"),
                    (Some("f/1"), _) => (vec![event("third\n")], "f/2"),
                    (Some("f/2"), 6..) => (vec![event("last\n")], "f/3"),
                    (Some(same), _) => (vec![], same),
                };
                (200, json!({"events": events, "nextForwardToken": next}))
            }
            _ => error("InvalidAction"),
        }
    });
    let run = wait(&server, &["--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_order(
        &run.stderr,
        &[
            "p:1: QUEUED SUCCEEDED (3 s)",
            "PROVISIONING SUCCEEDED",
            "BUILD …",
            "first\n",
            "second\n",
            "third\n",
            "last\n",
        ],
    );
    for once in ["first", "second", "third", "last", "PROVISIONING"] {
        assert_eq!(run.stderr.matches(once).count(), 1, "{once}: {}", run.stderr);
    }
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{}", run.stderr);
    let rows = run.json();
    assert_eq!(rows[0]["build_id"], "p:1");
    assert_eq!(rows[0]["status"], "succeeded");
    assert_eq!(rows[0]["logs_url"], "https://logs.example/#group=g");
    assert!(server.calls("StopBuild").is_empty());
    for page in server.calls("GetLogEvents") {
        assert_eq!(page.body["logGroupName"], "/aws/codebuild/p");
        assert_eq!(page.body["startFromHead"], true);
    }
}

#[test]
fn whatever_is_not_a_success_is_exit_6_in_the_phases_own_words() {
    for (status, name, words) in [
        ("FAILED", "failed", "failed: BUILD"),
        ("FAULT", "fault", "fault of CodeBuild"),
        ("TIMED_OUT", "timed_out", "took too long"),
        ("STOPPED", "stopped", "was stopped"),
        ("APPROVAL_PENDING", "unknown", "`APPROVAL_PENDING`"),
        ("succeeded", "unknown", "`succeeded`"),
    ] {
        let phases = [
            ("INSTALL", "SUCCEEDED", ""),
            (
                "BUILD",
                status,
                "Error while executing \u{1b}[2Jcommand: make. Reason: exit status 2",
            ),
        ];
        let server = CodeBuild::looks(vec![
            build("p:1", "IN_PROGRESS", &phases[..1]),
            build("p:1", status, &phases),
        ]);
        let run = wait(&server, &["--json"]);
        assert_eq!(run.code, 6, "{status}: {run:?}");
        assert_eq!(run.json()[0]["status"], name);
        for word in [words, "remote logs p:1", "https://logs.example/"] {
            assert!(run.stderr.contains(word), "{status}: no {word:?} in {}", run.stderr);
        }
        if name != "unknown" {
            assert!(
                run.stderr.contains("command: make. Reason: exit status 2"),
                "{}",
                run.stderr
            );
        }
        assert!(!run.stderr.contains('\u{1b}'));
    }
    // No status at all.
    let mut nothing = build("p:1", "", &[]);
    nothing.as_object_mut().unwrap().remove("buildStatus");
    assert_eq!(wait(&CodeBuild::looks(vec![nothing]), &[]).code, 6);
}

#[test]
fn a_build_that_is_gone_is_no_success_but_one_that_is_not_known_yet_is_waited_for() {
    let missing_after = |known: usize| {
        CodeBuild::scripted(move |_, before| match before < known {
            true => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
            false => (200, json!({"builds": [], "buildsNotFound": ["p:1"]})),
        })
    };
    for known in [0, 2] {
        let run = wait(&missing_after(known), &["--json"]);
        assert_eq!(run.code, 6, "{run:?}");
        assert_eq!(run.json()[0]["status"], "missing");
        assert!(run.stderr.contains("knows no such build"), "{}", run.stderr);
    }
    let server = CodeBuild::scripted(|call, before| match (call.operation.as_str(), before) {
        ("BatchGetBuilds", 0 | 1) => (200, json!({"builds": [], "buildsNotFound": ["p:1"]})),
        _ => found(&[without_log(build("p:1", "SUCCEEDED", &[]))]),
    });
    assert_eq!(wait(&server, &[]).code, 0);
}

#[test]
fn throttling_faults_and_expired_credentials_are_waited_out() {
    let server = CodeBuild::scripted(|_, before| match before {
        0 => error("ThrottlingException"),
        1 => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
        2 | 3 => error("ExpiredTokenException"),
        4 => (503, json!({})),
        5 => error("TooManyRequestsException"),
        _ => found(&[without_log(build("p:1", "SUCCEEDED", &[]))]),
    });
    let run = wait(&server, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_order(&run.stderr, &["throttled", "credentials have expired", "throttled"]);
    assert!(server.calls("StopBuild").is_empty());
}

#[test]
fn new_credentials_are_found_while_waiting() {
    let dir = Dir::new();
    let file = dir.join("credentials");
    let credentials = |key: &str| format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n");
    fs::write(&file, credentials("OLDKEY")).unwrap();
    let (path, new) = (file.clone(), credentials("NEWKEY"));
    let server = CodeBuild::scripted(move |call, _| {
        let authorization = call.request.header("authorization").unwrap();
        if authorization.contains("NEWKEY") {
            return found(&[without_log(build("p:1", "SUCCEEDED", &[]))]);
        }
        fs::write(&path, &new).unwrap();
        error("ExpiredTokenException")
    });
    let command = dir.command(["remote", "wait", "p:1"]).args(POLL);
    let command = command
        .env("AWS_SHARED_CREDENTIALS_FILE", &file)
        .env("AWS_ENDPOINT_URL", &server.endpoint);
    command.ok();
    assert_eq!(server.calls("BatchGetBuilds").len(), 2);
}

#[test]
fn what_does_not_pass_ends_the_wait_and_not_the_build() {
    for (known, looks, code, words) in [
        (1, 21, "ExpiredTokenException", "log in again"),
        (1, 21, "ThrottlingException", "throttled"),
        // A mistake is more likely before anything went well.
        (0, 5, "ExpiredTokenException", "log in again"),
        (1, 2, "AccessDeniedException", "docs/remote.md"),
    ] {
        let server = CodeBuild::scripted(move |_, before| match before < known {
            true => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
            false => error(code),
        });
        let run = wait(&server, &[]);
        assert_eq!(run.code, 1, "{code}: {run:?}");
        assert_eq!(server.calls("BatchGetBuilds").len(), looks, "{code}");
        assert!(server.calls("StopBuild").is_empty());
        assert!(run.stderr.contains("the build goes on") && run.stderr.contains("remote wait p:1"));
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn the_deadline_stops_the_build() {
    for failures in [0, 2] {
        let server = CodeBuild::scripted(move |call, before| match call.operation.as_str() {
            "StopBuild" if before < failures => error("ThrottlingException"),
            "StopBuild" => (200, json!({"build": build("p:1", "STOPPED", &[])})),
            _ => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
        });
        let run = wait(&server, &["--deadline", "0.002", "--json"]);
        assert_eq!(run.code, 7, "{run:?}");
        let stops = server.calls("StopBuild");
        assert_eq!(stops.len(), failures + 1);
        assert_eq!(stops[0].body["id"], "p:1");
        assert!(
            run.stderr.contains("took too long") && run.stderr.contains("it was stopped"),
            "{}",
            run.stderr
        );
        assert_eq!(run.json()[0]["past_deadline"], true);
    }
    // It can't be stopped: the user must know.
    let server = CodeBuild::scripted(|call, _| match call.operation.as_str() {
        "StopBuild" => error("AccessDeniedException"),
        _ => found(&[without_log(build("p:1", "IN_PROGRESS", &[]))]),
    });
    let run = wait(&server, &["--deadline", "0.001"]);
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("could not be stopped"), "{}", run.stderr);
}

#[test]
fn many_builds_are_asked_for_a_hundred_at_a_time() {
    let server = CodeBuild::scripted(|call, before| {
        let status = if before < 2 { "IN_PROGRESS" } else { "SUCCEEDED" };
        let ids = call.body["ids"].as_array().unwrap();
        let builds: Vec<Value> = ids.iter().map(|id| build(id.as_str().unwrap(), status, &[])).collect();
        found(&builds)
    });
    let ids: Vec<String> = (0..150).map(|number| format!("p:{number}")).collect();
    let dir = Dir::new();
    let command = server.command(&dir, ["remote", "wait", "--json"]).args(POLL);
    let run = command.args(ids.iter().map(String::as_str)).ok();
    assert_eq!(run.json().as_array().unwrap().len(), 150);
    let sizes = server.calls("BatchGetBuilds");
    let sizes: Vec<usize> = sizes
        .iter()
        .map(|call| call.body["ids"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 50, 100, 50]);
    assert!(server.calls("GetLogEvents").is_empty(), "nobody reads 150 logs at once");
}

#[test]
fn an_interruption_ends_the_wait_and_says_how_to_go_on() {
    let server = CodeBuild::looks(vec![without_log(build("p:1", "IN_PROGRESS", &[]))]);
    let dir = Dir::new();
    let child = server.command(&dir, ["remote", "wait", "p:1"]).spawn();
    wait_for("a look", || !server.calls("BatchGetBuilds").is_empty());
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    for word in ["the build goes on", "remote wait p:1", "remote cancel p:1"] {
        assert!(run.stderr.contains(word), "{}", run.stderr);
    }
    assert!(server.calls("StopBuild").is_empty());
}

#[test]
fn status_and_cancel_answer_for_each_build() {
    let dir = Dir::new();
    let phases = [("BUILD", "FAILED", "exit status 1")];
    let failed = move || without_log(build("p:1", "FAILED", &phases));
    let server = CodeBuild::scripted(move |call, _| match call.operation.as_str() {
        "StopBuild" if call.body["id"] == "p:2" => error("ResourceNotFoundException"),
        "StopBuild" => (200, json!({"build": build("p:1", "STOPPED", &[])})),
        _ => found(&[failed()]),
    });
    let rows = server.command(&dir, ["remote", "status", "p:1", "--json"]).ok().json();
    assert_eq!(rows[0]["status"], "failed");
    assert_eq!(
        rows[0]["reason"],
        "BUILD FAILED: COMMAND_EXECUTION_ERROR: exit status 1"
    );
    let page = "https://us-east-1.console.aws.amazon.com/codesuite/codebuild/123456789012/projects/p/build/p%3A1/log?region=us-east-1";
    assert_eq!(rows[0]["logs_url"], page);
    let run = server.command(&dir, ["remote", "status", "p:1", "p:2"]).run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stdout.contains("p:1") && run.stderr.contains("no build p:2"));

    let rows = server.command(&dir, ["remote", "cancel", "p:1", "--json"]).ok().json();
    assert_eq!(rows[0]["status"], "stopped");
    server
        .command(&dir, ["remote", "cancel", "p:2"])
        .fails(2, &["no build p:2"]);
    server
        .command(&dir, ["remote", "status", "p"])
        .fails(2, &["PROJECT:UUID"]);
}

#[test]
fn logs_are_printed_whole_and_followed_to_the_end() {
    let server = || {
        CodeBuild::scripted(|call, before| match call.operation.as_str() {
            "BatchGetBuilds" if before < 2 => found(&[build("p:1", "IN_PROGRESS", &[])]),
            "BatchGetBuilds" => found(&[build("p:1", "FAILED", &[])]),
            _ => {
                let (text, next) = match call.body["nextToken"].as_str() {
                    None => ("one\u{1b}[2K\n", "f/1"),
                    Some("f/1") => ("two\n", "f/2"),
                    Some(same) => return (200, json!({"events": [], "nextForwardToken": same})),
                };
                (
                    200,
                    json!({"events": [{"timestamp": 7, "message": text}], "nextForwardToken": next}),
                )
            }
        })
    };
    let dir = Dir::new();
    let logs = |args: &[&str]| {
        let server = server();
        let command = server.command(&dir, ["remote", "logs", "p:1"]).args(POLL);
        (
            command.args(args.iter().copied()).ok().stdout,
            server.calls("BatchGetBuilds").len(),
        )
    };
    assert_eq!(logs(&[]), ("one\ntwo\n".to_owned(), 1));
    let (text, looks) = logs(&["--follow"]);
    assert_eq!(text, "one\ntwo\n");
    assert!(looks >= 3, "it was followed to the end");
    let lines = logs(&["--json"]).0;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({"timestamp": 7, "message": "one\u{1b}[2K\n"}));

    let server = CodeBuild::looks(vec![without_log(build("p:1", "IN_PROGRESS", &[]))]);
    server
        .command(&dir, ["remote", "logs", "p:1"])
        .fails(1, &["no log yet", "--follow"]);
}
