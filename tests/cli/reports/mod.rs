//! `report`: the overview as JSON, as a page, and in Markdown.

mod pages;
mod summaries;

use std::fs;

use serde_json::{Value, json};

use crate::lookups::{Many, Requests};
use crate::s3::against_both;
use crate::support::Dir;
use crate::support::server::Server;

fn report(dir: &Dir) -> Value {
    dir.command(["report", "--json"]).ok().json()
}

/// A function's row.
fn function<'a>(report: &'a Value, name: &str) -> &'a Value {
    let functions = report["functions"].as_array().unwrap();
    functions.iter().find(|function| function["name"] == name).unwrap()
}

#[test]
fn what_is_published_is_told_from_what_is_new_and_what_changed() {
    let dir = Dir::with_app();
    let new = report(&dir);
    let app = function(&new, "app");
    assert_eq!(new["store"], "file://./.lambda-pack/store");
    assert_eq!(
        [&app["status"], &app["reason"], &app["package"], &app["history"]],
        [&json!("new"), &json!("first package"), &Value::Null, &json!([])]
    );
    assert_eq!(app["files"], json!([{"path": "app.py", "size": 46}]));
    let uploaded = dir.command(["upload", "--json"]).ok().json();
    let published = report(&dir);
    let app = function(&published, "app");
    assert_eq!([&app["status"], &app["reason"]], [&json!("published"), &Value::Null]);
    for key in ["code_sha256", "size_bytes", "unzipped_bytes"] {
        assert_eq!(app["package"][key], uploaded[0][key], "{key}");
    }
    assert_eq!(app["history"][0]["reason"], "first package");
    let before = app["source_hash"].clone();
    dir.write(
        "code/app.py",
        "def handler(event, context):\n    return event['body']\n",
    );
    let changed = report(&dir);
    let app = function(&changed, "app");
    assert_eq!(
        [&app["status"], &app["reason"]],
        [&json!("changed"), &json!("app.py changed, +8 B")]
    );
    assert_eq!(app["previous"]["source_hash"], before);
    assert_eq!(app["previous"]["unzipped_bytes"], 46);
    assert_eq!(app["unzipped_bytes"], 54);
}

#[test]
fn history_says_what_changed_each_time() {
    let dir = Dir::with_app();
    dir.command(["upload"]).ok();
    for round in 0..3 {
        dir.write("code/app.py", format!("{}# {round}\n", "#\n".repeat(40 * (round + 1))));
        dir.command(["upload"]).ok();
    }
    let all = report(&dir);
    let reasons = |report: &Value| -> Vec<String> {
        let history = function(report, "app")["history"].as_array().unwrap().clone();
        history
            .iter()
            .map(|past| past["reason"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        reasons(&all),
        [
            "app.py changed, +80 B",
            "app.py changed, +80 B",
            "app.py changed, +38 B",
            "first package"
        ]
    );
    let history = &function(&all, "app")["history"];
    assert_eq!(
        history[0]["changes"],
        json!([{"path": "app.py", "change": "modified", "size_before": 164, "size_after": 244}])
    );
    assert!(history[0]["published"].as_str().unwrap().ends_with('Z'));
    let short = dir.command(["report", "--json", "--history", "1"]).ok().json();
    assert_eq!(
        (reasons(&short).len(), &function(&short, "app")["older"]),
        (1, &json!(3))
    );
    // A manifest that is gone is said in its place.
    let first = history[3]["source_hash"].as_str().unwrap();
    fs::remove_file(dir.join(&format!(".lambda-pack/store/manifests/app/{first}.json"))).unwrap();
    let gone = report(&dir);
    assert!(
        reasons(&gone)[2].starts_with("unknown: `file://<store>/manifests/app/"),
        "{gone}"
    );
    assert_eq!(reasons(&gone)[..2], reasons(&all)[..2]);
}

#[test]
fn files_have_the_sizes_that_the_zip_has_and_name_their_packages() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    dir.write("code/lib/app.py", "");
    dir.write("code/lib/a_b/core.py", "#".repeat(1000));
    let metadata = "Metadata-Version: 2.4\nName: A.b\nVersion: 1.5\nLicense-Expression: MIT\n";
    dir.write("code/lib/A.b-1.5.dist-info/METADATA", metadata);
    dir.command(["upload"]).ok();
    let found = report(&dir);
    let app = function(&found, "app");
    let core = app["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == "a_b/core.py")
        .unwrap();
    assert_eq!((&core["size"], &core["dependency"]), (&json!(1000), &json!("a-b")));
    dir.command(["build"]).ok();
    let mut zip = zip::ZipArchive::new(fs::File::open(dir.join("dist/app.zip")).unwrap()).unwrap();
    let compressed = zip.by_name("a_b/core.py").unwrap().compressed_size();
    assert_eq!(core["compressed"], compressed);
    assert_eq!(
        app["dependencies"],
        json!([{
            "name": "a-b", "versions": ["1.5"], "licenses": ["MIT"], "purls": ["pkg:pypi/a-b@1.5"],
            "files": 2, "size": 1000 + metadata.len(),
        }])
    );
}

#[test]
fn limits_count_layers() {
    let dir = Dir::with_app();
    dir.write("code/layer/data.bin", [0; 3000]);
    dir.write("lambda-json/layer.json", r#"{"type": "layer", "source": "layer"}"#);
    dir.write("lambda-json/app.json", r#"{"source": "app.py", "layers": ["layer"]}"#);
    let limits = |dir: &Dir| {
        let found = report(dir);
        let limits = function(&found, "app")["limits"].as_array().unwrap().clone();
        let limits = limits
            .into_iter()
            .map(|limit| (limit["name"].as_str().unwrap().to_owned(), limit));
        limits.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = limits(&dir);
    assert_eq!(before["unzipped_bytes"]["amount"], 3046);
    assert_eq!(before["unzipped_bytes"]["most"], 250 * 1024 * 1024);
    assert_eq!(
        (&before["layers"]["amount"], &before["layers"]["most"]),
        (&json!(1), &json!(5))
    );
    assert!(!before.contains_key("direct_upload_bytes"), "the zip isn't known yet");
    dir.command(["upload"]).ok();
    assert_eq!(limits(&dir)["direct_upload_bytes"]["most"], 50 * 1024 * 1024);
}

#[test]
fn files_that_functions_share_are_counted_once() {
    let dir = Dir::new();
    for (name, files) in [("a", &["x", "y"][..]), ("b", &["x", "y"]), ("c", &["x"]), ("d", &[])] {
        dir.write(&format!("lambda-json/{name}.json"), json!({"source": name}).to_string());
        dir.write(&format!("code/{name}/own.py"), name);
        dir.write(&format!("code/{name}/empty.py"), "");
        for file in files {
            dir.write(&format!("code/{name}/{file}.py"), file.repeat(100));
            // Twice in one function saves nothing.
            dir.write(&format!("code/{name}/again/{file}.py"), file.repeat(100));
        }
    }
    let shared = report(&dir)["shared"].clone();
    let group = |functions: &[&str], file: &str, saves: u64| {
        json!({
            "functions": functions, "files": 1, "size": 100, "saves_bytes": saves, "dependencies": [],
            "largest": [{"path": format!("again/{file}.py"), "size": 100}],
        })
    };
    assert_eq!(
        shared,
        json!({
            "saves_bytes": 300, "more_groups": 0,
            "groups": [group(&["a", "b", "c"], "x", 200), group(&["a", "b"], "y", 100)],
        })
    );
}

against_both!(
    requests_are_few,
    a_bucket_that_is_yet_to_be_made_is_said,
    sizes_in_the_zip_come_from_its_end,
);

fn requests_are_few(server: &'static Server) {
    const COUNT: usize = 50;
    let mut many = Many::new(server, COUNT);
    many.upload().ok();
    many.requests();
    let run = many.with_cache(many.project.command(["report", "--markdown"])).ok();
    assert!(run.stdout.contains("No change in 50"), "{run:?}");
    // Records of history and of what is there, and packages.
    let lists = Requests {
        lists: 3,
        ..Requests::default()
    };
    assert_eq!(many.requests(), lists);
    let json = many.with_cache(many.project.command(["report", "--json"])).ok().json();
    assert_eq!(json["functions"][7]["history"][0]["reason"], "first package");
    // A manifest, for the history, and the end of the package each.
    let expected = Requests {
        lists: 3,
        gets: 2 * COUNT,
        ..Requests::default()
    };
    assert_eq!(many.requests(), expected);
}

fn sizes_in_the_zip_come_from_its_end(server: &'static Server) {
    let project = server.project();
    project.dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    for index in 0..300 {
        project
            .dir
            .write(&format!("code/lib/{index:03}.py"), format!("{index}\n").repeat(index));
    }
    project.command(["upload"]).ok();
    project.command(["build"]).ok();
    let mut zip = zip::ZipArchive::new(fs::File::open(project.dir.join("dist/app.zip")).unwrap()).unwrap();
    let json = project.command(["report", "--json"]).ok().json();
    let files = function(&json, "app")["files"].as_array().unwrap();
    assert_eq!(files.len(), 300);
    for file in files {
        let entry = zip.by_name(file["path"].as_str().unwrap()).unwrap();
        assert_eq!(file["compressed"], entry.compressed_size(), "{file}");
    }
}

fn a_bucket_that_is_yet_to_be_made_is_said(server: &'static Server) {
    for count in [1, 20] {
        let many = Many::new(server, count);
        let report = ["report", "--store", "s3://not-made-yet/a"];
        let json = many.with_cache(many.project.command(report)).arg("--json").ok().json();
        assert_eq!(
            (&json["store_exists"], &json["functions"][0]["status"]),
            (&json!(false), &json!("new"))
        );
        let text = many.with_cache(many.project.command(report)).ok().stdout;
        assert!(text.contains("isn't there yet"), "{text}");
    }
}
