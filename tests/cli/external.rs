//! Terraform's protocol: one object of strings in, one out, and no effect.

use serde_json::{Value, json};

use crate::support::{Dir, hash_of};

fn packages(result: &Value) -> Value {
    serde_json::from_str(result["packages"].as_str().unwrap()).unwrap()
}

#[test]
fn hash_answers_with_strings_only_and_writes_nothing() {
    let dir = Dir::with_app();
    let before = dir.snapshot();
    let run = dir.command(["external", "hash"]).stdin("{}").ok();
    assert_eq!(run.stderr, "");
    let result = run.json();
    assert!(result.as_object().unwrap().values().all(Value::is_string), "{result}");
    let packages = packages(&result);
    assert_eq!(packages["app"]["source_hash"], hash_of(&dir.join("code/app.py")));
    assert_eq!(packages["app"]["definition"]["memory_size"], 128);
    assert_eq!(packages["app"]["definition"]["function_name"], "app");
    assert!(!run.stdout.contains(dir.path().to_str().unwrap()), "no absolute path");
    assert!(dir.snapshot() == before);
}

#[test]
fn the_answer_is_the_same_from_anywhere() {
    let dir = Dir::with_app();
    let here = dir.command(["external", "hash"]).stdin("{}").ok().stdout;
    let elsewhere = Dir::new();
    let query = json!({"config_dir": dir.join("lambda-json"), "code_dir": dir.join("code")}).to_string();
    assert_eq!(
        elsewhere.command(["external", "hash"]).stdin(query.clone()).ok().stdout,
        here
    );
    // As Windows editors write it.
    let marked = format!("\u{feff}{query}");
    assert_eq!(elsewhere.command(["external", "hash"]).stdin(marked).ok().stdout, here);
    // A query wins over flags and variables, as it is what the plan shows.
    let run = elsewhere
        .command(["external", "hash", "--code-dir", "nope"])
        .env("LAMBDA_PACK_CONFIG_DIR", "nope");
    assert_eq!(run.stdin(query).ok().stdout, here);
}

#[test]
fn renaming_the_file_of_a_named_function_changes_nothing() {
    let dir = Dir::with_app();
    let before = dir.command(["external", "hash"]).stdin("{}").ok().stdout;
    let definition =
        r#"{"function_name": "app", "runtime": "python3.13", "handler": "app.handler", "source": "app.py"}"#;
    std::fs::remove_file(dir.join("lambda-json/app.json")).unwrap();
    dir.write("lambda-json/renamed.json", definition);
    assert_eq!(dir.command(["external", "hash"]).stdin("{}").ok().stdout, before);
}

#[test]
fn names_choose_functions() {
    let dir = Dir::with_app();
    dir.write("lambda-json/other.json", r#"{"source": "app.py"}"#);
    let query = json!({"names": "[\"other\"]"}).to_string();
    let result = dir.command(["external", "hash"]).stdin(query).ok().json();
    assert_eq!(
        packages(&result).as_object().unwrap().keys().collect::<Vec<_>>(),
        ["other"]
    );
    let query = json!({"names": "[\"nope\"]"}).to_string();
    dir.command(["external", "hash"])
        .stdin(query)
        .fails(2, &["no function is named `nope`"]);
}

#[test]
fn a_definition_changes_the_hash_but_not_the_source_hash() {
    let dir = Dir::with_app();
    let before = dir.command(["external", "hash"]).stdin("{}").ok().json();
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "memory_size": 256}"#,
    );
    let after = dir.command(["external", "hash"]).stdin("{}").ok().json();
    assert_ne!(before["hash"], after["hash"]);
    assert_eq!(
        packages(&before)["app"]["source_hash"],
        packages(&after)["app"]["source_hash"]
    );
}

#[test]
fn bad_queries_are_errors_with_a_place() {
    let dir = Dir::with_app();
    let before = dir.snapshot();
    for (command, query, words) in [
        ("hash", "", &["query:1:0", "not JSON"][..]),
        ("hash", "{\n \"code_dir\": }", &["query:2:14", "not JSON"]),
        ("hash", "[]", &["query:1:"]),
        ("hash", r#"{"code_dir": 3}"#, &["key `code_dir`: found integer `3`"]),
        (
            "hash",
            r#"{"code_dr": "x"}"#,
            &["unknown key `code_dr`", "did you mean `code_dir`?"],
        ),
        ("hash", r#"{"names": "app"}"#, &["query key `names`:1:"]),
        (
            "hash",
            r#"{"names": "[]"}"#,
            &["`names` is an empty list", "leave the key out"],
        ),
        (
            "hash",
            r#"["lambda-json", "code", "[]"]"#,
            &["query:1:", "allowed: an object"],
        ),
        (
            "published",
            r#"{"packages": "{\"../x; touch y\": {}}"}"#,
            &["../x; touch y", "letters, digits"],
        ),
        ("hash", r#"{"names": "[1]"}"#, &["query key `names`:1:", "integer `1`"]),
        ("published", "{}", &["key `packages` is missing"]),
        ("published", r#"{"packages": "{\"a\": {}}"}"#, &["source_hash"]),
        (
            "published",
            r#"{"packages": "{\"a\": {\"source_hash\": \"zz\", \"definition\": {}}}"}"#,
            &["packages.a.source_hash"],
        ),
        (
            "published",
            r#"{"packages": "{}", "store": "ftp://x"}"#,
            &["ftp://x", "s3://bucket/prefix"],
        ),
    ] {
        dir.command(["external", command]).stdin(query).fails(3, words);
    }
    assert!(dir.snapshot() == before);
}

#[test]
fn a_five_megabyte_query_is_answered_or_refused_in_few_words() {
    let dir = Dir::with_app();
    let long = "x".repeat(5 * 1024 * 1024);
    for query in [
        json!({"code_dir": long}),
        json!({ long.clone(): "x" }),
        json!({"names": format!("[\"{long}\"]")}),
        json!({"names": long}),
    ] {
        let run = dir.command(["external", "hash"]).stdin(query.to_string()).run();
        assert!(matches!(run.code, 2 | 3), "{}", run.code);
        assert!(run.stderr.len() < 4000, "{} bytes of message", run.stderr.len());
    }
    // As large as the definitions of thousands of functions are together.
    dir.command(["upload"]).ok();
    let result = dir.command(["external", "hash"]).stdin("{}").ok().json();
    let mut packages = packages(&result);
    packages["app"]["definition"]["environment"] = json!({ "LONG": long });
    let query = json!({ "packages": packages.to_string() }).to_string();
    let published = dir.command(["external", "published"]).stdin(query).ok().json();
    assert_eq!(
        self::packages(&published)["app"]["definition"],
        packages["app"]["definition"]
    );
}

#[test]
fn published_names_what_the_records_say() {
    let dir = Dir::with_app();
    let hashed = dir.command(["external", "hash"]).stdin("{}").ok().json();
    let query = json!({"packages": hashed["packages"]}).to_string();
    let source_hash = hash_of(&dir.join("code/app.py"));
    // Not there yet: the message holds the command that mends it.
    let run = dir
        .command(["external", "published"])
        .stdin(query.clone())
        .fails(1, &["function `app`", &source_hash]);
    let mend = run
        .stderr
        .split("run: lambda-pack ")
        .nth(1)
        .unwrap()
        .trim()
        .replace('\'', "");
    let uploaded = dir.command(mend.split(' ')).args(["--json"]).ok().json();
    // It never reads the sources.
    std::fs::remove_dir_all(dir.join("code")).unwrap();
    let published = dir.command(["external", "published"]).stdin(query).ok();
    assert!(
        !published.stdout.contains(dir.path().to_str().unwrap()),
        "no absolute path"
    );
    let packages = packages(&published.json());
    assert_eq!(packages["app"]["code_sha256"], uploaded[0]["code_sha256"]);
    assert_eq!(packages["app"]["size_bytes"], uploaded[0]["size_bytes"]);
    assert_eq!(packages["app"]["s3_bucket"], Value::Null);
    let key = packages["app"]["s3_key"].as_str().unwrap();
    assert!(dir.join(".lambda-pack/store").join(key).is_file(), "{key}");
    // Its answer is no question.
    let again = json!({ "packages": published.json()["packages"] }).to_string();
    dir.command(["external", "published"])
        .stdin(again)
        .fails(3, &["unknown key `app."]);
}

/// The command behind the last `run: ` of a message, without the program.
fn told_to_run(stderr: &str) -> Vec<String> {
    let (_, command) = stderr.rsplit_once("run: lambda-pack ").expect("a command");
    shlex::split(command.lines().next().unwrap()).unwrap()
}

/// What is to mend it does, word by word.
#[track_caller]
fn mended(dir: &Dir, profile: Option<&str>, name: &str) {
    let query = json!({"deployment_profile": profile.unwrap_or_default()}).to_string();
    let hashed = dir.command(["external", "hash"]).stdin(query).ok().json();
    let query = json!({"packages": hashed["packages"]}).to_string();
    let published = || dir.command(["external", "published"]).stdin(query.clone());
    let refused = published().fails(1, &["there is no package"]);
    let command = told_to_run(&refused.stderr);
    dir.command(command.iter().map(String::as_str)).ok();
    assert!(
        packages(&published().ok().json())[name]["code_sha256"].is_string(),
        "{command:?}"
    );
}

#[test]
fn the_command_for_a_missing_package_names_the_profile_of_the_plan() {
    let dir = Dir::with_app();
    // The architecture of a build decides its source hash.
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "source": "app.py",
        "build": {"type": "command", "command": ["sh", "-c", "mkdir out && cp app.py out/"], "output": "out"},
    });
    dir.write("lambda-json/app.json", definition.to_string());
    dir.write("lambda-pack.toml", "[profiles.'-x y']\narchitecture = \"arm64\"\n");
    mended(&dir, Some("-x y"), "app");
    mended(&dir, None, "app");
}

#[test]
fn the_command_for_a_missing_package_knows_names_that_look_like_options() {
    let dir = Dir::with_app();
    std::fs::rename(dir.join("lambda-json/app.json"), dir.join("lambda-json/-x.json")).unwrap();
    mended(&dir, None, "-x");
    let run = dir.command(["verify"]).run();
    assert!(run.stderr.contains("`lambda-pack build -- -x` makes it"), "{run:?}");
    dir.command(["build", "--", "-x"]).ok();
}
