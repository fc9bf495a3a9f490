//! Errors as GitHub's annotations.

use crate::support::{Dir, TestCommand};

fn on_github(dir: &Dir, args: &[&'static str]) -> TestCommand {
    let command = dir.command(args.iter().copied());
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", dir.path())
}

fn annotations(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("::")).collect()
}

#[test]
fn what_is_wrong_in_a_definition_is_shown_beside_its_line() {
    let dir = Dir::with_app();
    dir.write(
        "lambda-json/app.json",
        "{\n  \"source\": \"app.py\",\n  \"memry_size\": 1\n}\n",
    );
    let run = on_github(&dir, &["validate"]).fails(3, &["error: lambda-json/app.json:3:"]);
    let [annotation] = annotations(&run.stderr)[..] else {
        panic!("{run:?}")
    };
    assert!(
        annotation.starts_with("::error file=lambda-json/app.json,line=3,col="),
        "{annotation}"
    );
    assert!(
        annotation.contains("%0Ahelp: did you mean `memory_size`?"),
        "{annotation}"
    );
    // From another directory it is the same file of the workspace.
    let elsewhere = on_github(&dir, &["validate", "--config-dir", "../lambda-json", "--code-dir", "."]);
    let run = elsewhere.current_dir(&dir.join("code")).fails(3, &[]);
    assert!(
        annotations(&run.stderr)[0].starts_with("::error file=lambda-json/app.json,line=3,"),
        "{run:?}"
    );
    for (name, value) in [("GITHUB_ACTIONS", "false"), ("GITHUB_WORKSPACE", "/nowhere")] {
        let run = on_github(&dir, &["validate"])
            .env(name, value)
            .fails(3, &["memry_size"]);
        assert_eq!(annotations(&run.stderr), [""; 0], "{name}={value}");
    }
}

#[test]
fn each_error_has_its_own_and_others_have_none() {
    let dir = Dir::with_app();
    for name in ["one", "two"] {
        dir.write(&format!("lambda-json/{name}.json"), "{\n  \"sourc\": \"app.py\"\n}\n");
    }
    let run = on_github(&dir, &["validate"]).fails(3, &[]);
    let starts = annotations(&run.stderr)
        .into_iter()
        .map(|line| line.split(",col").next().unwrap());
    assert_eq!(
        starts.collect::<Vec<_>>(),
        [
            "::error file=lambda-json/one.json,line=2",
            "::error file=lambda-json/two.json,line=2"
        ]
    );
    let run = on_github(&dir, &["report", "--html"]).run();
    assert_eq!((run.code, annotations(&run.stderr).len()), (2, 0), "{run:?}");
}

#[test]
fn a_fault_of_a_function_is_shown_beside_its_definition() {
    let dir = Dir::with_app();
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "nope.handler", "source": "app.py"}"#,
    );
    let run = on_github(&dir, &["validate"]).fails(3, &["nope.py"]);
    let [annotation] = annotations(&run.stderr)[..] else {
        panic!("{run:?}")
    };
    assert!(
        annotation.starts_with("::error file=lambda-json/app.json::function `app`: its handler"),
        "{annotation}"
    );
    // In quotes, anywhere in the words.
    for name in ["b", "c"] {
        dir.write(
            &format!("lambda-json/{name}.json"),
            r#"{"function_name": "twice", "source": "app.py"}"#,
        );
    }
    let run = on_github(&dir, &["validate"]).fails(3, &["two definitions"]);
    assert!(
        annotations(&run.stderr)[0].starts_with("::error file=lambda-json/b.json::two definitions"),
        "{run:?}"
    );
    // Of the network no definition is to blame.
    for name in ["b", "c"] {
        std::fs::remove_file(dir.join(&format!("lambda-json/{name}.json"))).unwrap();
    }
    dir.write("lambda-json/app.json", r#"{"source": "app.py"}"#);
    let mut upload = on_github(&dir, &["upload", "--store", "s3://nowhere"]);
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ] {
        upload = upload.env(name, value);
    }
    let run = upload.fails(1, &["function `app`"]);
    assert_eq!(annotations(&run.stderr), [""; 0], "{run:?}");
}

/// What the runner would take for the end of a property, or of the command.
#[test]
fn odd_names_end_no_property() {
    let dir = Dir::with_app();
    let key = ["AKI", "AQZ7LFMHW3KXR", "VDT2"].concat();
    dir.write("code/lib/app.py", "");
    dir.write("code/lib/100%,a:b::c.txt", format!("\n\nkey = '{key}'\n"));
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    let run = on_github(&dir, &["build"]).fails(8, &["100%,a:b::c.txt:3"]);
    let [annotation] = annotations(&run.stderr)[..] else {
        panic!("{run:?}")
    };
    let (properties, message) = annotation.strip_prefix("::").unwrap().split_once("::").unwrap();
    assert_eq!(properties, "error file=code/lib/100%25%2Ca%3Ab%3A%3Ac.txt,line=3");
    assert!(message.contains("100%25,a:b::c.txt:3"), "{message}");
    assert!(!run.stderr.contains(&key), "{run:?}");
}
