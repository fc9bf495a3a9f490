//! Declared secrets of the infrastructure are in no package, whatever place they are planted in, and in no output.

mod kinds;
mod places;
mod shown;
mod spelled;
mod stored;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Dir, Run, TestCommand};

const VALUE: &str = "tr0ub4dor/3xyz";

/// A function from a directory, and one secret that is declared in its definition.
fn project(secret: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "def handler(event, context):\n    return event\n");
    define(&dir, secret, "");
    dir
}

fn define(dir: &Dir, secret: &str, more: &str) {
    let declared = format!(r#"{{"id": "ci", "class": "infrastructure", "reason": "of the pipeline"{secret}}}"#);
    dir.write(
        "lambda-json/app.json",
        format!(
            "{{\"runtime\": \"python3.13\", \"handler\": \"app.handler\", \"source\": \"app\",\n  \"secrets\": [{declared}]{more}}}"
        ),
    );
}

const BY_VARIABLE: &str = r#", "variable": "CI_PASSWORD""#;

/// With the secret's value in the environment.
fn command<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
    dir.command(args).env("CI_PASSWORD", VALUE)
}

/// Each command that packs refuses with these words, shows nothing of the secret, and writes nothing.
#[track_caller]
fn refused(dir: &Dir, secret: &str, words: &[&str]) {
    for args in [&["validate"][..], &["build", "-vvv"], &["upload", "--json"]] {
        hides(&command(dir, args.iter().copied()).fails(3, words), secret);
    }
    nothing_is_written(dir);
}

#[track_caller]
fn hides(run: &Run, secret: &str) {
    for output in [&run.stdout, &run.stderr] {
        for shown in [secret.to_owned(), STANDARD.encode(secret), hex::encode(secret)] {
            assert!(!output.contains(&shown), "{run:?}");
        }
    }
}

#[track_caller]
fn nothing_is_written(dir: &Dir) {
    for place in ["dist", ".lambda-pack"] {
        assert_eq!(files(&dir.join(place)), [""; 0], "{place}");
    }
}

fn files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path.display().to_string()],
        })
        .collect()
}

#[test]
fn a_value_is_found_however_it_is_written() {
    let wide: Vec<u8> = VALUE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = STANDARD.encode(format!("user:{VALUE}"));
    // As `base64` and YAML have it, with a break in the middle of it.
    let in_lines = |indentation: &str| {
        let encoded = STANDARD.encode(format!("{}{VALUE}", "x".repeat(50)));
        format!("{}\n{indentation}{}", &encoded[..76], &encoded[76..])
    };
    let of_powershell: Vec<u8> = format!("login {VALUE}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for content in [
        format!("\n\n{}\n", in_lines("")).into_bytes(),
        format!("a:\n  b: >-\n    {}\n", in_lines("    ")).into_bytes(),
        format!(
            "\n\nauths: {}\n",
            STANDARD.encode(format!("{{\"auth\":\"{encoded}\"}}"))
        )
        .into_bytes(),
        format!("\n\npowershell -EncodedCommand {}\n", STANDARD.encode(of_powershell)).into_bytes(),
        format!("\n\npassword = '{VALUE}'\n").into_bytes(),
        format!("\n\nAuthorization: Basic {encoded}\n").into_bytes(),
        format!("\n\n{}", hex::encode(VALUE)).into_bytes(),
        b"\n\nhttps://ci:tr0ub4dor%2F3xyz@host/".to_vec(),
        [&b"\x7fELF\n\n\0\0"[..], &wide, &b"\0"[..]].concat(),
    ] {
        let dir = project(BY_VARIABLE);
        dir.write("code/app/deep/data.bin", content);
        let words = [
            "code/app/deep/data.bin:3: infrastructure secret `ci` found",
            "value of the variable `CI_PASSWORD`",
            "of the pipeline",
        ];
        refused(&dir, VALUE, &words);
        // Without the value there is nothing to look for.
        dir.command(["build"]).ok();
    }
}

#[test]
fn a_large_file_is_searched_wherever_it_is_cut() {
    /// Larger than what is read at once. It is read in pieces of a number of MiB.
    const SIZE: usize = 33 * 1024 * 1024;
    const CUT: usize = 16 * 1024 * 1024;
    const TOKEN: &str = "corp_a1b2c3d4e5f6a7b8";
    let dir = project(&format!(r#"{BY_VARIABLE}, "pattern": "^corp_[a-z0-9]{{16}}$""#));
    let mut content = vec![b'.'; SIZE];
    for (secret, at) in [(VALUE, CUT - 5), (TOKEN, 2 * CUT - 9)] {
        content[at - 1] = b'\n';
        content[at..at + secret.len()].copy_from_slice(secret.as_bytes());
    }
    dir.write("code/app/model.bin", content);
    for args in [["validate", "-q"], ["build", "-q"]] {
        let run = command(&dir, args).fails(3, &["model.bin:2: ", "`CI_PASSWORD`", "model.bin:3: ", "its pattern"]);
        hides(&run, VALUE);
        hides(&run, TOKEN);
    }
    nothing_is_written(&dir);
}

#[test]
fn names_and_links_are_searched_and_not_shown() {
    const TOKEN: &str = "corp_a1b2c3d4e5f6a7b8";
    let pattern = r#", "pattern": "^corp_[a-z0-9]{16}$""#;
    let dir = project(pattern);
    dir.write(&format!("code/app/{TOKEN}/data.txt"), "nothing\n");
    refused(
        &dir,
        TOKEN,
        &["code/app/***/data.txt: infrastructure secret `ci` found: what its pattern matches"],
    );
    let dir = project(pattern);
    dir.write("code/app/real.txt", "nothing\n");
    dir.symlink(&format!("sub/{TOKEN}"), "code/app/link");
    dir.write(&format!("code/app/sub/{TOKEN}"), "nothing\n");
    refused(&dir, TOKEN, &["code/app/link: infrastructure secret"]);
}

#[test]
fn all_that_a_definition_hands_on_is_searched_at_plan_too() {
    let dir = project(BY_VARIABLE);
    for (more, place) in [
        (
            format!(",\n  \"environment\": {{\n    \"MODE\": \"{VALUE}\"}}"),
            "lambda-json/app.json:4: key `environment.MODE`",
        ),
        (
            format!(",\n  \"tags\": {{\"by\": \"{VALUE}\"}}"),
            "lambda-json/app.json: key `tags.by`",
        ),
        // By its name alone: nobody has to see what it holds.
        (
            ",\n  \"environment\": {\"CI_PASSWORD\": \"x\"}".to_owned(),
            "key `environment.CI_PASSWORD`",
        ),
        (
            format!(
                ",\n  \"build\": {{\"type\": \"command\", \"command\": [\"login\", \"{VALUE}\"], \"output\": \"o\"}}"
            ),
            "key `build.command[1]`",
        ),
    ] {
        define(&dir, BY_VARIABLE, &more);
        refused(
            &dir,
            VALUE,
            &[place, "infrastructure secret `ci`", "no function needs it"],
        );
        let plan = command(&dir, ["external", "hash"]).stdin("{}");
        hides(&plan.fails(3, &[place]), VALUE);
    }
    define(&dir, BY_VARIABLE, "");
    let plan = command(&dir, ["external", "hash"]).stdin("{}").ok();
    assert!(
        !plan.stdout.contains("CI_PASSWORD") && !plan.stdout.contains("secrets"),
        "not even its name: {plan:?}"
    );
}

#[test]
fn what_one_function_declares_is_kept_out_of_all() {
    let dir = project(BY_VARIABLE);
    dir.write("code/other/other.py", format!("x = '{VALUE}'\n"));
    dir.write(
        "lambda-json/other.json",
        r#"{"runtime": "python3.13", "handler": "other.handler", "source": "other"}"#,
    );
    for args in [["build", "other"], ["upload", "other"], ["validate", "other"]] {
        hides(
            &command(&dir, args).fails(3, &["function `other`", "code/other/other.py:1"]),
            VALUE,
        );
    }
    // What is refused for a rule doesn't hide it.
    dir.write("code/app/.env", "MODE=test\n");
    command(&dir, ["build"]).fails(3, &["rule `env-file`", "infrastructure secret `ci`"]);
}

#[test]
fn dependencies_are_searched_too() {
    let dir = project(r#", "pattern": "Benjamin Peterson""#);
    define(
        &dir,
        r#", "pattern": "Benjamin Peterson""#,
        r#", "build": {"type": "python"}"#,
    );
    dir.write(
        "code/app/requirements.txt",
        "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n",
    );
    for args in [["build", "-v"], ["upload", "-v"]] {
        command(&dir, args).fails(3, &["six.py:", "infrastructure secret `ci`"]);
    }
    nothing_is_written(&dir);
    define(
        &dir,
        r#", "pattern": "Benjamin Petersen""#,
        r#", "build": {"type": "python"}"#,
    );
    command(&dir, ["build"]).ok();
}

#[test]
fn what_was_uploaded_before_it_was_declared_is_refused() {
    let dir = project(BY_VARIABLE);
    dir.write("code/app/config.py", format!("x = '{VALUE}'\n"));
    dir.command(["upload"]).ok();
    hides(&command(&dir, ["upload"]).fails(3, &["code/app/config.py:1"]), VALUE);
    dir.write("code/app/config.py", "x = ''\n");
    command(&dir, ["upload"]).ok();
    assert_eq!(command(&dir, ["upload", "--json"]).ok().statuses(), ["unchanged"]);
}

#[test]
fn only_what_looks_like_one_can_be_allowed() {
    let token = kinds::token("github-token");
    let allowed =
        r#", "allowed_secrets": [{"path": "fixture.txt", "rule": "github-token", "reason": "opens nothing"}]"#;
    let by_kind = r#", "kind": "github-token", "variable": "CI_PASSWORD""#;
    let dir = project(by_kind);
    dir.write("code/app/fixture.txt", &token);
    refused(
        &dir,
        &token,
        &[
            "code/app/fixture.txt:1: ",
            "a GitHub token (kind `github-token`)",
            "\"allowed_secrets\"",
        ],
    );
    define(&dir, by_kind, allowed);
    command(&dir, ["build"]).ok();
    fs::remove_dir_all(dir.join("dist")).unwrap();
    // The value itself never is.
    dir.write("code/app/fixture.txt", VALUE);
    refused(&dir, VALUE, &["value of the variable `CI_PASSWORD`"]);
}

/// What else is wrong, and however much of it, hides none of them.
#[test]
fn other_findings_do_not_hide_one() {
    let dir = project(BY_VARIABLE);
    dir.write("lambda-pack.toml", "[profiles.prod]\n");
    dir.write("code/app/config.py", format!("x = '{VALUE}'\n"));
    // Nothing has this handler: that alone would end it.
    for number in 0..30 {
        dir.write(
            &format!("lambda-json/a{number}.json"),
            r#"{"runtime": "python3.13", "handler": "gone.handler", "source": "plain"}"#,
        );
    }
    dir.write("code/plain/plain.py", "");
    for args in [
        &["validate"][..],
        &["upload"],
        &["bundle", "export", "--deployment-profile", "prod"],
        &["run", "--deployment-profile", "prod"],
    ] {
        let run = command(&dir, args.iter().copied()).fails(3, &["and 11 more"]);
        let first = run.stderr.lines().find(|line| line.starts_with("error: "));
        let first = first.unwrap_or_default();
        assert!(
            first.contains("code/app/config.py:1: infrastructure secret `ci` found"),
            "{args:?}: {run:?}"
        );
        hides(&run, VALUE);
    }
    nothing_is_written(&dir);
}
