//! Secrets are neither packed nor uploaded, nor shown. They are put together when the tests run.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::support::{Dir, Run};

/// Looks like an access key ID of AWS, and is none.
fn access_key() -> String {
    ["AKI", "AQZ7LFMHW3KXR", "VDT2"].concat()
}

/// A JSON Web Token that nobody signed.
fn token() -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let signature = URL_SAFE_NO_PAD.encode(Sha256::digest("nobody's"));
    let header = part(r#"{"alg":"HS256","typ":"JWT"}"#);
    [header, part(r#"{"sub":"service-17","iat":1795000000}"#), signature].join(".")
}

fn private_key() -> String {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(3);
    let mark = |what: &str| format!("-----{what} RSA PRIVATE {}-----\n", "KEY");
    mark("BEGIN") + &line + &mark("END")
}

const COMMANDS: [&[&str]; 3] = [&["validate"], &["build"], &["upload"]];

/// Runs each command, which must refuse with these words, show nothing of the secret, and write nothing.
#[track_caller]
fn refused(dir: &Dir, secret: &str, words: &[&str]) {
    for command in COMMANDS {
        for more in [&[][..], &["-vvv"], &["--json"], &["--no-cache"]] {
            let run = dir.command(command.iter().chain(more).copied()).fails(8, words);
            hides(&run, secret);
        }
    }
    assert!(files(&dir.join("dist")).is_empty(), "nothing is built");
    assert!(files(&dir.join(".lambda-pack")).is_empty(), "nothing is uploaded");
}

#[track_caller]
fn hides(run: &Run, secret: &str) {
    for part in secret.lines().flat_map(|line| line.as_bytes().windows(12)) {
        let part = std::str::from_utf8(part).unwrap();
        // The words around it may be said.
        if !part.contains("KEY") && !part.contains("-----") {
            assert!(!run.stderr.contains(part) && !run.stdout.contains(part), "{run:?}");
        }
    }
}

fn files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let entries = entries.map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path.display().to_string()],
        })
        .collect()
}

fn definition(dir: &Dir, more: &str) {
    let json = format!(
        "{{\"runtime\": \"python3.13\", \"handler\": \"app.handler\", \"source\": \"app\",\n  \"layers\": []{more}}}"
    );
    dir.write("lambda-json/app.json", json);
}

/// A function whose source is a directory.
fn project() -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "def handler(event, context):\n    return event\n");
    definition(&dir, "");
    dir
}

#[test]
fn a_key_in_a_file_is_refused_with_file_and_line() {
    let dir = project();
    let key = access_key();
    dir.write("code/app/settings.py", format!("import os\n\nKEY = \"{key}\"\n"));
    refused(
        &dir,
        &key,
        &[
            "code/app/settings.py:3: ",
            "an AWS access key ID",
            "rule `aws-access-key-id`",
            "\"path\": \"settings.py\", \"rule\": \"aws-access-key-id\"",
            "lambda-json/app.json",
        ],
    );
    dir.write("code/app/settings.py", private_key());
    refused(
        &dir,
        &private_key(),
        &["code/app/settings.py:1: ", "rule `private-key`"],
    );
    // A plan only hashes.
    dir.command(["external", "hash"]).stdin("{}").ok();
    dir.command(["hash", "code/app"]).ok();
}

#[test]
fn a_secret_in_the_environment_is_refused_with_line_and_key() {
    let dir = project();
    for (key, value) in [
        ("REGION_KEY", access_key()),
        ("DB_PASSWORD", "tr0ub4dor&3!xyz".to_owned()),
    ] {
        definition(
            &dir,
            &format!(",\n  \"environment\": {{\n    \"A1\": \"b\",\n    \"{key}\": \"{value}\"}}"),
        );
        let place = format!("lambda-json/app.json:5: key `environment.{key}`");
        refused(&dir, &value, &[place.as_str(), "Parameter Store"]);
    }
    let build = format!(
        ",\n  \"build\": {{\"type\": \"command\", \"command\": [\"true\"], \"output\": \"out\",\n  \"environment\": {{\"ACCESS\": \"{}\"}}}}",
        access_key()
    );
    definition(&dir, &build);
    refused(
        &dir,
        &access_key(),
        &["lambda-json/app.json:4: key `build.environment.ACCESS`"],
    );
    // Nor does a definition that can't be read show what is in it.
    definition(&dir, ",\n  \"environment\": {\"DB_PASSWORD\": 918273645546}");
    let run = dir
        .command(["validate"])
        .fails(3, &["environment.DB_PASSWORD", "found integer"]);
    assert!(!run.stderr.contains("918273"), "{run:?}");
}

#[test]
fn a_json_web_token_is_refused_in_files_and_in_the_environment() {
    let dir = project();
    let token = token();
    let file = dir.write(
        "code/app/client.py",
        format!("AUTH = {{'Authorization': 'Bearer {token}'}}\n"),
    );
    refused(
        &dir,
        &token,
        &["code/app/client.py:1: ", "a JSON Web Token (rule `jwt`)"],
    );
    fs::remove_file(file).unwrap();
    definition(&dir, &format!(",\n  \"environment\": {{\"SERVICE\": \"{token}\"}}"));
    refused(
        &dir,
        &token,
        &["lambda-json/app.json:3: key `environment.SERVICE`", "rule `jwt`"],
    );
    let rows = dir.command(["secrets", "classify", "--json"]).ok();
    hides(&rows, &token);
    assert!(
        rows.stdout.contains("JSON Web Token") && rows.stdout.contains("SERVICE"),
        "{rows:?}"
    );
    // What a program needs to make and to read them, and what everybody shows.
    definition(&dir, "");
    let (start, signature) = token.rsplit_once('.').unwrap();
    dir.write(
        "code/app/client.py",
        format!("HEADER = '{start}.'\nSIGNATURE = '{signature}'\n"),
    );
    dir.command(["validate"]).ok();
}

#[test]
fn a_file_of_secrets_is_refused_by_its_name() {
    let dir = project();
    dir.write("code/app/.env.example", "TOKEN=\n");
    dir.command(["build"]).ok();
    fs::remove_dir_all(dir.join("dist")).unwrap();
    dir.write("code/app/sub/.env", "MODE=test\n");
    refused(&dir, "MODE=test", &["code/app/sub/.env: ", "rule `env-file`"]);
    // What isn't packed doesn't matter.
    dir.write("code/app/.lambdaignore", ".env\n");
    dir.command(["build"]).ok();
}

#[test]
fn a_cache_of_blocks_hides_no_secret() {
    let dir = project();
    let cache = dir.join("cache");
    let key = access_key();
    let text = format!("{}\nKEY = \"{key}\"\n", "# a line of a comment\n".repeat(2000));
    let file = dir.write("code/app/settings.py", text);
    // Of younger files no digest is kept.
    let modified = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
    crate::faults::wait_for("the file to be 2 s old", || {
        let age = modified(&dir.write("clock", ""))
            .duration_since(modified(&file))
            .unwrap();
        age > std::time::Duration::from_millis(2100)
    });
    let allowed = r#", "allowed_secrets": [{"path": "settings.py", "rule": "aws-access-key-id", "reason": "a test"}]"#;
    definition(&dir, allowed);
    let build = || dir.command(["build"]).env("XDG_CACHE_HOME", &cache);
    build().ok();
    assert_eq!(files(&cache.join("lambda-pack")).len(), 2, "digests and blocks");
    fs::remove_dir_all(dir.join("dist")).unwrap();
    definition(&dir, "");
    for command in COMMANDS {
        let run = dir.command(command.iter().copied()).env("XDG_CACHE_HOME", &cache);
        hides(&run.fails(8, &["code/app/settings.py:2002: "]), &key);
    }
    assert!(files(&dir.join("dist")).is_empty());
}

/// A file above 32 MiB is packed in pieces of 4 MiB.
#[test]
fn a_secret_across_two_pieces_of_a_large_file_is_found() {
    let dir = project();
    let key = access_key();
    let mut content = b"0123456789abcde\n".repeat(34 * 1024 * 1024 / 16);
    for (piece, within) in [(4, 10), (5, 0), (6, 24)] {
        let at = piece * 4 * 1024 * 1024 - within;
        content[at..at + key.len() + 1].copy_from_slice(format!(" {key}").as_bytes());
        content[at + key.len() + 1] = b'\n';
    }
    dir.write("code/app/large", content);
    for command in COMMANDS {
        let run = dir.command(command.iter().copied()).fails(8, &["code/app/large:"]);
        assert_eq!(run.stderr.matches("rule `aws-access-key-id`").count(), 3, "{run:?}");
        hides(&run, &key);
    }
}

#[test]
fn what_is_allowed_is_packed_and_changes_no_hash() {
    let dir = project();
    let key = access_key();
    dir.write("code/app/lib/settings.py", format!("KEY = \"{key}\"\n"));
    let environment = format!(", \"environment\": {{\"ACCESS\": \"{key}\"}}");
    let allow = |path: &str| format!(r#"{{"path": "{path}", "rule": "aws-access-key-id", "reason": "revoked"}}"#);
    let both = format!(
        "{environment}, \"allowed_secrets\": [{}, {}]",
        allow("lib/*.py"),
        allow("environment.ACCESS")
    );
    let hash = || dir.command(["external", "hash"]).stdin("{}").ok().stdout;
    definition(&dir, &environment);
    let before = hash();
    definition(&dir, &both);
    assert_eq!(hash(), before);
    for command in COMMANDS {
        let run = dir.command(command.iter().copied()).ok();
        assert_eq!(run.stderr, "");
    }
    // Neither another rule, nor another path, nor everything allows it.
    for other in [
        allow("lib/*.py").replace("aws-access-key-id", "private-key"),
        allow("*.py"),
        allow("environment.ACCESS"),
    ] {
        definition(&dir, &format!(", \"allowed_secrets\": [{other}]"));
        dir.command(["build"]).fails(8, &["lib/settings.py:1"]);
    }
    definition(&dir, &format!("{environment}, \"allowed_secrets\": [{}]", allow("**")));
    dir.command(["build"]).fails(8, &["key `environment.ACCESS`"]);
}

#[test]
fn an_allowance_that_is_not_needed_is_a_warning() {
    let dir = project();
    let allowed = r#", "allowed_secrets": [{"path": "gone.pem", "rule": "private-key", "reason": "a fixture"}]"#;
    definition(&dir, allowed);
    for command in COMMANDS {
        let run = dir.command(command.iter().copied()).ok();
        for word in [
            "function `app`",
            "allowed_secrets[0]",
            "gone.pem",
            "private-key",
            "remove it",
        ] {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
    }
}

#[test]
fn an_allowance_needs_path_rule_and_reason() {
    let dir = project();
    for (entry, words) in [
        (
            r#"{"path": "a", "rule": "private-key"}"#,
            &["`allowed_secrets[0].reason` is missing"][..],
        ),
        (
            r#"{"path": "a", "rule": "private-key", "reason": " "}"#,
            &["allowed_secrets[0].reason", "a text that is not empty"],
        ),
        (
            r#"{"path": "a", "rule": "privat-key", "reason": "b"}"#,
            &["allowed_secrets[0].rule", "did you mean `private-key`?"],
        ),
    ] {
        definition(&dir, &format!(", \"allowed_secrets\": [{entry}]"));
        dir.command(["validate"]).fails(3, words);
    }
}

#[test]
fn nothing_is_uploaded_where_one_function_has_a_secret() {
    let dir = project();
    dir.write("code/b/app.py", format!("KEY = \"{}\"\n", access_key()));
    let json = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "b"}"#;
    dir.write("lambda-json/b.json", json);
    dir.command(["upload"]).fails(8, &["function `b`: code/b/app.py:1: "]);
    assert!(files(&dir.join(".lambda-pack")).is_empty());
    // `build` does what it can, as with any failure.
    let run = dir.command(["build", "--json"]).run();
    assert_eq!(
        (run.code, run.statuses().as_slice()),
        (8, &["built".to_owned()][..]),
        "{run:?}"
    );
    assert_eq!(files(&dir.join("dist")).len(), 1);
}

/// Neither the source alone nor the definition shows this one.
#[test]
fn what_a_build_makes_is_searched_too() {
    let dir = project();
    let key = access_key();
    let (one, two) = key.split_at(6);
    let script =
        format!("mkdir out && echo 'def handler(): pass' >out/app.py && printf 'KEY=%s%s\\n' {one} {two} >out/key\n");
    dir.write("code/app/make.sh", script);
    let build = r#", "build": {"type": "command", "command": ["sh", "make.sh"], "output": "out"}"#;
    definition(&dir, build);
    for command in [["build"], ["upload"]] {
        let run = dir.command(command).fails(
            8,
            &[
                "function `app`: its package: key:1: ",
                "rule `aws-access-key-id`",
                "change what its build makes",
            ],
        );
        hides(&run, &access_key());
        // Where a cache keeps it says nothing to the user, and nothing there is left out with `exclude`.
        assert!(
            !run.stderr.contains("/outputs/") && !run.stderr.contains("leave the file out"),
            "{run:?}"
        );
    }
    assert!(files(&dir.join("dist")).is_empty() && files(&dir.join(".lambda-pack")).is_empty());
}

/// Packages that were installed into the source ship test keys, which are public. Whatever else stands there is not.
#[test]
fn what_was_published_is_no_secret() {
    let dir = project();
    let key = private_key();
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&key));
    let recorded = format!(
        "tornado/__init__.py,,\ntornado/test/test.key,sha256={digest},{}\n",
        key.len()
    );
    dir.write("code/app/lib/tornado-6.5.dist-info/RECORD", recorded);
    dir.write("code/app/lib/tornado/test/test.key", &key);
    dir.write("code/app/node_modules/public-encrypt/test/1024.priv", &key);
    dir.write("code/app/node_modules/jsonwebtoken/README.md", token());
    for command in COMMANDS {
        dir.command(command.iter().copied()).ok();
    }
    dir.write("code/app/lib/tornado/test/test.key", format!("{key}\n"));
    dir.command(["validate"])
        .fails(8, &["lib/tornado/test/test.key:1", "`private-key`"]);
    dir.command(["build"]).fails(8, &["lib/tornado/test/test.key:1"]);
}
