//! The page as a file; `tests/e2e/page.py` has a browser open it.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::Dir;

/// Names that would be markup, or end a script.
const ODD: [&str; 5] = [
    "</script><script>alert(1)",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "quotes\"'&amp;",
    "\u{1F9F6}\u{20BB7}",
];

/// What follows the control in the middle is shown before it.
const TURNED: &str = "gpj.\u{202e}py.exe";

fn with_odd_names() -> Dir {
    let dir = Dir::with_app();
    for name in ODD {
        dir.write(&format!("code/lib/{name}"), name);
    }
    let long = ["d".repeat(145), "e".repeat(100), "f".repeat(53)].join("/");
    dir.write(&format!("code/lib/{long}"), "");
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    dir
}

fn page(dir: &Dir) -> String {
    let run = dir.command(["report", "--html", "page.html"]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    fs::read_to_string(dir.join("page.html")).unwrap()
}

/// What stands between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start)
        .skip(1)
        .map(|rest| rest.split(end).next().unwrap())
        .collect()
}

#[test]
fn no_name_is_markup() {
    let dir = with_odd_names();
    let page = page(&dir);
    let data = between(&page, r#"id="data">"#, "</script>")[0];
    assert!(!data.contains('<'), "{data}");
    let json = dir.command(["report", "--json"]).ok().json();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), json);
    let paths = json["functions"][0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["path"]);
    for name in ODD {
        assert!(paths.clone().any(|path| path == name), "{name}");
    }
    // Two scripts and the data, however names look.
    assert_eq!(page.matches("<script").count(), 3 + page.matches("\"<script").count());
    assert_eq!(between(&page, "<script>", "</script>").len(), 2);
}

#[test]
fn what_turns_text_round_is_written_out_and_stdout_is_a_file_too() {
    let dir = Dir::with_app();
    dir.write(&format!("code/lib/{TURNED}"), "");
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    let page = page(&dir);
    assert!(page.contains(r"gpj.\u003cU+202E>py.exe"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains(r"\u202e"));
    assert_eq!(dir.command(["report", "--html", "-"]).ok().stdout, page);
    for other in ["--markdown", "--json"] {
        dir.command(["report", "--html", "-", other])
            .fails(2, &["both print to stdout"]);
    }
    let both = dir.command(["report", "--html", "-", "--markdown=summary.md"]).ok();
    assert_eq!(both.stdout, page);
}

#[test]
fn nothing_but_its_own_scripts_and_style_may_run() {
    let page = page(&Dir::with_app());
    let policy = between(&page, r#"Content-Security-Policy" content=""#, "\"")[0];
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let scripts = between(&page, "<script>", "</script>");
    let style = between(&page, "<style>", "</style>");
    for text in scripts.into_iter().chain(style) {
        let digest = BASE64.encode(Sha256::digest(text.as_bytes()));
        assert!(policy.contains(&format!("'sha256-{digest}'")), "{policy}");
    }
    let before_data = page.find(r#"id="data""#).unwrap();
    assert!(before_data < 1_500_000);
    // What could ask somebody. A licence may name an address.
    for asking in [
        "src=\"",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "import(",
        "sendBeacon",
    ] {
        assert!(!page.contains(asking), "{asking}");
    }
}

#[test]
fn the_same_gives_the_same_bytes_and_no_path_of_this_machine() {
    let dir = Dir::with_app();
    dir.command(["upload"]).ok();
    let first = page(&dir);
    assert_eq!(page(&dir), first);
    assert!(!first.contains(dir.path().to_str().unwrap()));
    let elsewhere = Dir::new();
    let url = format!("file://{}", elsewhere.join("packages").display());
    dir.command(["upload", "--store", &url]).ok();
    dir.command(["report", "--html", "elsewhere.html", "--store", &url])
        .ok();
    let other = fs::read_to_string(dir.join("elsewhere.html")).unwrap();
    assert!(other.contains("file://…/packages") && !other.contains(elsewhere.path().to_str().unwrap()));
    let left = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left
        .filter(|name| name.to_string_lossy().starts_with(".lambda-pack-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_and_leaves_the_old_one() {
    let dir = Dir::with_app();
    let place = "no/such/page.html";
    dir.command(["report", "--html", place])
        .fails(1, &["cannot write `no/such/page.html`", "name another place"]);
    dir.write("page.html", "old");
    dir.write("lambda-json/app.json", "{");
    dir.command(["report", "--html", "page.html"]).fails(3, &["not JSON"]);
    assert_eq!(fs::read_to_string(dir.join("page.html")).unwrap(), "old");
}

#[test]
fn no_infrastructure_secret_is_in_it() {
    let dir = Dir::with_app();
    let value = ["q8Zr5vN2", "xLw7TkPd"].concat();
    let secrets = json!([{"id": "ci", "class": "infrastructure", "reason": "of the pipeline", "variable": "CI_TOKEN"}]);
    dir.write(
        "lambda-json/app.json",
        json!({"source": "lib", "secrets": secrets}).to_string(),
    );
    dir.write("code/lib/app.py", "");
    // Packages refuse such a name; a report must not show what nobody packed yet.
    dir.write(&format!("code/lib/{value}.txt"), "");
    let report = |arguments: &[&'static str]| {
        let command = dir.command(arguments.iter().copied()).env("CI_TOKEN", &value);
        let run = command.ok();
        assert!(!run.stdout.contains(&value) && !run.stderr.contains(&value), "{run:?}");
        run.stdout
    };
    assert!(report(&["report", "--json"]).contains(r#""***.txt""#));
    report(&["report", "--html", "page.html"]);
    let page = fs::read_to_string(dir.join("page.html")).unwrap();
    assert!(page.contains(r#""***.txt""#) && !page.contains(&value));
    // Where a name gets into what differs.
    fs::remove_file(dir.join(&format!("code/lib/{value}.txt"))).unwrap();
    dir.command(["upload"]).env("CI_TOKEN", &value).ok();
    dir.write(&format!("code/lib/{value}.txt"), "");
    report(&["report", "--markdown=summary.md"]);
    let summary = fs::read_to_string(dir.join("summary.md")).unwrap();
    assert!(summary.contains("txt added") && !summary.contains(&value), "{summary}");
}
