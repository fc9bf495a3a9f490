//! Bills of materials: real installs, and an independent validator with the official schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::made::path_with_zigbuild;
use crate::support::{Dir, PYTHON, run};

const VALIDATE: &str = "import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding='utf-8').read())
sys.exit(error and str(error))";

fn python_project() -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import requests\n");
    dir.write(
        "code/app/requirements.txt",
        include_str!("../fixtures/python/requirements.txt"),
    );
    define(&dir, "python3.13", "app", r#"{"type": "python"}"#);
    dir
}

pub fn node_project() -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.mjs", "import ms from 'ms';\n");
    dir.write("code/app/package.json", include_str!("../fixtures/node/package.json"));
    dir.write(
        "code/app/package-lock.json",
        include_str!("../fixtures/node/package-lock.json"),
    );
    define(&dir, "nodejs22.x", "app", r#"{"type": "node"}"#);
    dir
}

fn define(dir: &Dir, runtime: &str, source: &str, build: &str) {
    dir.write(
        "lambda-json/app.json",
        format!(r#"{{"runtime": "{runtime}", "handler": "app.handler", "source": "{source}", "build": {build}}}"#),
    );
}

/// What `build --sbom` writes, after the schema has agreed.
fn build(dir: &Dir) -> (Value, Vec<u8>) {
    build_with(dir, &std::env::var("PATH").unwrap())
}

fn build_with(dir: &Dir, path: &str) -> (Value, Vec<u8>) {
    let command = dir.command(["build", "--json", "--sbom"]).env("PATH", path);
    let row = command.ok().json()[0].clone();
    let file = dir.join("dist/app.cdx.json");
    run(&*PYTHON, &["-c", VALIDATE, file.to_str().unwrap()]);
    (row, fs::read(file).unwrap())
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn components(sbom: &Value) -> BTreeMap<&str, &Value> {
    let components = sbom["components"].as_array().unwrap().iter();
    components.map(|it| (it["purl"].as_str().unwrap(), it)).collect()
}

/// What the graph says below a component.
fn needs<'a>(sbom: &'a Value, reference: &str) -> &'a Value {
    let nodes = sbom["dependencies"].as_array().unwrap();
    &nodes.iter().find(|node| node["ref"] == reference).unwrap()["dependsOn"]
}

#[test]
fn python_packages_are_listed_with_licence_digests_and_graph() {
    let dir = python_project();
    let (row, bytes) = build(&dir);
    let sbom = parse(&bytes);
    assert_eq!(sbom["metadata"]["component"]["version"], row["source_hash"]);
    let components = components(&sbom);
    // As many as the requirements file pins.
    assert_eq!(components.len(), 10);
    let requests = components["pkg:pypi/requests@2.34.2"];
    assert_eq!(requests["licenses"], json!([{"license": {"id": "Apache-2.0"}}]));
    let digests = &requests["externalReferences"][0]["hashes"];
    assert_eq!(
        digests[0],
        json!({"alg": "SHA-256", "content": "2a0d60c172f83ac6ab31e4554906c0f3b3588d37b5cb939b1c061f4907e278e0"})
    );
    // The name is normal in the URL, and the package's own beside it.
    let core = components.values().find(|it| it["name"] == "pydantic_core").unwrap();
    assert!(core["purl"].as_str().unwrap().starts_with("pkg:pypi/pydantic-core@"));
    assert_eq!(
        needs(&sbom, "app"),
        &json!(["pkg:pypi/pydantic@2.14.3", "pkg:pypi/requests@2.34.2"])
    );
    // Not what its extras would need.
    let of_requests = needs(&sbom, "pkg:pypi/requests@2.34.2").as_array().unwrap();
    assert_eq!(of_requests.len(), 4, "{of_requests:?}");
    assert_eq!(build(&python_project()).1, bytes, "elsewhere");
}

#[test]
fn npm_packages_are_listed_with_licence_digests_and_graph() {
    let dir = node_project();
    let sbom = parse(&build(&dir).1);
    let components = components(&sbom);
    let found: Vec<&str> = components.keys().copied().collect();
    // Neither what is for development alone nor what is for other machines; but what esbuild's program was built from.
    let [esbuild, go] = ["pkg:npm/%40esbuild/linux-x64@0.25.0", "pkg:golang/stdlib@1.23.5"];
    assert_eq!(
        found,
        [
            "pkg:golang/golang.org/x/sys@v0.0.0-20220715151400-c0bba94af5f8",
            go,
            esbuild,
            "pkg:npm/esbuild@0.25.0",
            "pkg:npm/ms@2.1.3"
        ]
    );
    let scoped = components[esbuild];
    assert_eq!(
        (&scoped["group"], &scoped["name"]),
        (&json!("@esbuild"), &json!("linux-x64"))
    );
    let ms = components["pkg:npm/ms@2.1.3"];
    assert_eq!(ms["licenses"], json!([{"license": {"id": "MIT"}}]));
    // The lock file has the same digest in base64.
    assert_eq!(ms["hashes"][0]["alg"], "SHA-512");
    assert!(
        ms["hashes"][0]["content"]
            .as_str()
            .unwrap()
            .starts_with("e85973b9b4cb646d")
    );
    let direct = json!([found[0], go, "pkg:npm/esbuild@0.25.0", "pkg:npm/ms@2.1.3"]);
    assert_eq!(needs(&sbom, "app"), &direct);
    assert_eq!(needs(&sbom, "pkg:npm/esbuild@0.25.0"), &json!([esbuild]));
}

#[test]
fn go_modules_are_listed_as_the_linker_notes_them() {
    let dir = Dir::new();
    dir.write("code/app/main.go", include_str!("../fixtures/go/main.go"));
    dir.write("code/app/go.mod", include_str!("../fixtures/go/go.mod"));
    dir.write("code/app/go.sum", include_str!("../fixtures/go/go.sum"));
    define(&dir, "provided.al2023", "app", r#"{"type": "go"}"#);
    let sbom = parse(&build(&dir).1);
    let components = components(&sbom);
    // Not the modules in go.sum that only the module's own tests need.
    let found: Vec<&str> = components.keys().copied().collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "pkg:golang/github.com/aws/aws-lambda-go@v1.55.1");
    assert!(found[1].starts_with("pkg:golang/stdlib@1."), "{found:?}");
    // `h1:We2cCp4BwqqH…`
    let digest = &components[found[0]]["hashes"][0]["content"];
    assert!(digest.as_str().unwrap().starts_with("59ed9c0a9e01c2aa87"), "{digest}");
    assert_eq!(needs(&sbom, "app"), &json!(found));
}

#[test]
fn crates_are_listed_from_the_lock_file() {
    let dir = Dir::new();
    dir.write("code/app/src/main.rs", include_str!("../fixtures/rust/src/main.rs"));
    dir.write("code/app/Cargo.toml", include_str!("../fixtures/rust/Cargo.toml"));
    dir.write("code/app/Cargo.lock", include_str!("../fixtures/rust/Cargo.lock"));
    define(&dir, "provided.al2023", "app", r#"{"type": "rust"}"#);
    let sbom = parse(&build_with(&dir, &path_with_zigbuild()).1);
    let components = components(&sbom);
    let direct: Vec<&str> = needs(&sbom, "app")
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert_eq!(direct.len(), 2, "{direct:?}");
    assert!(direct[0].starts_with("pkg:cargo/minreq@2."), "{direct:?}");
    assert!(direct[1].starts_with("pkg:cargo/serde_json@1."), "{direct:?}");
    assert!(needs(&sbom, direct[1]).to_string().contains("pkg:cargo/itoa@1."));
    assert!(components.values().all(|it| it["hashes"][0]["alg"] == "SHA-256"));
}

#[test]
fn the_store_has_it_beside_the_manifest() {
    let dir = node_project();
    let (row, bytes) = build(&dir);
    dir.command(["upload"]).ok();
    let source_hash = row["source_hash"].as_str().unwrap();
    let stored = dir.join(&format!(".lambda-pack/store/sboms/app/{source_hash}.cdx.json"));
    assert_eq!(fs::read(&stored).unwrap(), bytes);
    // What is published stays as it is.
    fs::write(&stored, "kept").unwrap();
    assert_eq!(dir.command(["upload", "--json"]).ok().statuses(), ["unchanged"]);
    fs::remove_dir_all(dir.join(".lambda-pack/store/records")).unwrap();
    assert_eq!(dir.command(["upload", "--json"]).ok().statuses(), ["uploaded"]);
    assert_eq!(fs::read(&stored).unwrap(), b"kept");
}

/// A function that holds nothing of others costs no request, and gets a document where one is asked for.
#[test]
fn a_plain_function_has_one_on_demand_only() {
    let dir = Dir::with_app();
    let sbom = parse(&build(&dir).1);
    assert_eq!(sbom["components"], json!([]));
    assert_eq!(sbom["metadata"]["component"]["name"], "app");
    dir.command(["upload"]).ok();
    assert!(!dir.join(".lambda-pack/store/sboms").exists());
    fs::remove_dir_all(dir.join("dist")).unwrap();
    dir.command(["build"]).ok();
    assert!(!dir.join("dist/app.cdx.json").exists());
}

/// What somebody installed into the source by hand is in the package too.
#[test]
fn vendored_packages_are_listed() {
    let dir = Dir::with_app();
    let metadata = "Metadata-Version: 2.1\nName: Foo.Bar_baz\nVersion: 2.0+local\nLicense: see\n  the website\n\
        Classifier: License :: OSI Approved :: BSD License\nClassifier: License :: OSI Approved :: MIT License\n\
        Requires-Dist: other[x] (>=1) ; python_version > '3'\n\nName: not a header\n";
    dir.write("code/app/lib/foo-1.dist-info/METADATA", metadata);
    dir.write(
        "code/app/lib/other-3.dist-info/METADATA",
        "Name: Other\nVersion: 3\nRequires-Dist: foo-bar-baz\n",
    );
    let manifest =
        r#"{"name": "@a/b", "version": "1.0.0", "license": {"type": "BSD-3-Clause OR MIT"}, "dependencies": ["?"]}"#;
    dir.write("code/app/node_modules/alias/package.json", manifest);
    dir.write("code/app/node_modules/alias/test/package.json", "{}");
    dir.write("code/app/node_modules/broken/package.json", "{");
    dir.write("lambda-json/app.json", r#"{"source": "app"}"#);
    let sbom = parse(&build(&dir).1);
    let components = components(&sbom);
    let found: Vec<&str> = components.keys().copied().collect();
    assert_eq!(
        found,
        [
            "pkg:npm/%40a/b@1.0.0",
            "pkg:npm/broken",
            "pkg:pypi/foo-bar-baz@2.0%2Blocal",
            "pkg:pypi/other@3"
        ]
    );
    assert_eq!(
        components[found[0]]["licenses"],
        json!([{"expression": "BSD-3-Clause OR MIT"}])
    );
    assert_eq!(
        components[found[2]]["licenses"],
        json!([{"license": {"name": "BSD License"}}, {"license": {"id": "MIT"}}])
    );
    // Two that need each other hang together, and with the function.
    assert_eq!(needs(&sbom, "app"), &json!([found[0], found[1], found[2]]));
    assert_eq!(needs(&sbom, found[2]), &json!([found[3]]));
    assert_eq!(needs(&sbom, found[3]), &json!([found[2]]));
    dir.command(["upload"]).ok();
    assert!(Path::new(&dir.join(".lambda-pack/store/sboms/app")).exists());
}

#[test]
fn a_deleted_bill_of_materials_is_noticed_and_put_back() {
    let dir = node_project();
    dir.command(["upload"]).ok();
    let file = || {
        let mut files = fs::read_dir(dir.join(".lambda-pack/store/sboms/app")).unwrap();
        files.next().map(|file| file.unwrap().path())
    };
    let path = file().unwrap();
    let before = fs::read(&path).unwrap();
    dir.command(["verify", "--level", "store"]).ok();
    fs::remove_file(&path).unwrap();
    let run = dir.command(["verify", "--level", "store"]).run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stderr.contains("/sboms/app/")
            && run.stderr.contains("isn't there")
            && run.stderr.contains("lambda-pack upload app"),
        "{run:?}"
    );
    assert_eq!(dir.command(["upload", "app", "--json"]).ok().statuses(), ["unchanged"]);
    assert_eq!(fs::read(file().unwrap()).unwrap(), before);
    dir.command(["verify", "--level", "store"]).ok();
}

/// What is larger nobody reads again.
#[test]
fn what_would_be_too_large_is_refused_before_anything_is_written() {
    const LIMIT: usize = 32 * 1024 * 1024;
    let dir = Dir::new();
    dir.write("code/app/app.mjs", "export const handler = async () => 1;\n");
    // The document says it several times.
    let version = format!("1.0.0-{}", "a".repeat(LIMIT / 2));
    dir.write(
        "code/app/node_modules/large/package.json",
        format!(r#"{{"name": "large", "version": "{version}"}}"#),
    );
    dir.write("lambda-json/app.json", r#"{"source": "app"}"#);
    dir.command(["upload"])
        .fails(3, &["/sboms/app/", &format!("the limit is {LIMIT}")]);
    assert!(!dir.join(".lambda-pack/store").exists());
}
