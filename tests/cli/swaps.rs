//! Swaps of dependencies, with real installers: what is packed, hashed, listed and rebuilt.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use crate::builds::path_without;
use crate::support::{Dir, tool};

pub const SDK: &str = include_str!("../fixtures/sdk/requirements.txt");
const NODE_PACKAGE: &str = include_str!("../fixtures/node/package.json");
const NODE_LOCK: &str = include_str!("../fixtures/node/package-lock.json");

/// A function with boto3 and requests, and profiles with these keys.
pub fn sdk_project(profiles: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import boto3, requests\n");
    dir.write("code/app/requirements.txt", SDK);
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"}}"#,
    );
    dir.write("lambda-pack.toml", profiles);
    dir
}

/// A function whose source holds its dependencies: `a` needs `b` and `c`, `d` needs `c`.
fn vendored_project(swaps: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    for (name, needs) in [
        ("a", &["b", "c"][..]),
        ("b", &[]),
        ("c", &[]),
        ("d", &["C ; extra == 'x'"]),
    ] {
        let needs: String = needs
            .iter()
            .map(|needed| format!("Requires-Dist: {needed}\n"))
            .collect();
        let metadata = format!("code/app/{name}-1.dist-info");
        dir.write(
            &format!("{metadata}/METADATA"),
            format!("Name: {name}\nVersion: 1\n{needs}\n"),
        );
        dir.write(
            &format!("{metadata}/RECORD"),
            format!("{name}.py,,\nshared/{name}.py,,\nshared/__init__.py,,\n../../bin/{name},,\n"),
        );
        for file in [format!("{name}.py"), format!("shared/{name}.py"), format!("bin/{name}")] {
            dir.write(&format!("code/app/{file}"), "");
        }
    }
    dir.write("code/app/shared/__init__.py", "");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app"}"#,
    );
    dir.write("lambda-pack.toml", format!("[profiles.p]\nswaps = [{swaps}]\n"));
    dir
}

/// Answer of `external hash`: the map of packages.
fn planned(dir: &Dir, profile: &str) -> Value {
    let command = dir.command(["external", "hash", "--deployment-profile", profile]);
    let answer = command.stdin("{}").ok().json();
    serde_json::from_str(answer["packages"].as_str().unwrap()).unwrap()
}

fn build(dir: &Dir, profile: &str) -> Value {
    let args = ["build", "--json", "--sbom", "--deployment-profile", profile];
    dir.command(args).ok().json()
}

fn row<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["name"] == name).unwrap()
}

fn entries(dir: &Dir, name: &str) -> BTreeSet<String> {
    let zip = fs::File::open(dir.join(&format!("dist/{name}.zip"))).unwrap();
    zip::ZipArchive::new(zip)
        .unwrap()
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect()
}

fn text(dir: &Dir, name: &str, entry: &str) -> String {
    let zip = fs::File::open(dir.join(&format!("dist/{name}.zip"))).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let mut text = String::new();
    zip.by_name(entry).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// What stands at the top of the package, without metadata.
fn top(dir: &Dir, name: &str, below: &str) -> BTreeSet<String> {
    let entries = entries(dir, name).into_iter();
    let below = entries.filter_map(|path| path.strip_prefix(below).map(str::to_owned));
    let top = below.map(|path| path.split('/').next().unwrap().to_owned());
    top.filter(|part| !part.contains("dist-info")).collect()
}

fn listed(dir: &Dir, name: &str) -> BTreeSet<String> {
    let sbom: Value = serde_json::from_slice(&fs::read(dir.join(&format!("dist/{name}.cdx.json"))).unwrap()).unwrap();
    let components = sbom["components"].as_array().unwrap();
    components
        .iter()
        .map(|component| component["name"].as_str().unwrap().to_owned())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const RUNTIME: &str = r#"
[profiles.p]
swaps = [{ from = "boto3", to = "runtime", impact = "the version of the runtime" }]
"#;

#[test]
fn what_the_runtime_has_is_left_out_with_what_only_that_needed() {
    let dir = sdk_project(RUNTIME);
    // A plan installs nothing.
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3", "python"]);
    let plan = dir.command(["external", "hash", "--deployment-profile", "p"]);
    let answer = plan.env("PATH", path).stdin("{}").ok().json();
    let plan: Value = serde_json::from_str(answer["packages"].as_str().unwrap()).unwrap();
    let whole = build(&dir, "");
    assert!(top(&dir, "app", "").contains("botocore"));
    let rows = build(&dir, "p");
    assert_eq!(row(&rows, "app")["source_hash"], plan["app"]["source_hash"]);
    assert_ne!(row(&rows, "app")["source_hash"], row(&whole, "app")["source_hash"]);
    // requests needs urllib3 as well as botocore.
    let kept = [
        "app.py",
        "certifi",
        "charset_normalizer",
        "idna",
        "requests",
        "requirements.txt",
        "urllib3",
    ];
    assert_eq!(top(&dir, "app", ""), set(&kept));
    assert_eq!(
        listed(&dir, "app"),
        set(&["certifi", "charset-normalizer", "idna", "requests", "urllib3"])
    );
    dir.command(["verify", "--rebuild", "--deployment-profile", "p"]).ok();
    // What is said to people decides nothing.
    dir.write(
        "lambda-pack.toml",
        RUNTIME.replace("the version of the runtime", "another text"),
    );
    assert_eq!(planned(&dir, "p")["app"]["source_hash"], plan["app"]["source_hash"]);
}

#[test]
fn dependencies_in_a_layer_of_their_own_are_swapped_there() {
    let dir = sdk_project(RUNTIME);
    let definition = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app",
        "build": {"type": "python", "dependencies": "layer"}}"#;
    dir.write("lambda-json/app.json", definition);
    let only_app = RUNTIME.replace("from =", "functions = [\"app\"], from =");
    dir.write("lambda-pack.toml", only_app);
    let (plain, plan) = (planned(&dir, ""), planned(&dir, "p"));
    assert_eq!(plain["app"]["source_hash"], plan["app"]["source_hash"]);
    assert_ne!(
        plain["app-dependencies"]["source_hash"],
        plan["app-dependencies"]["source_hash"]
    );
    let rows = build(&dir, "p");
    assert_eq!(
        row(&rows, "app-dependencies")["source_hash"],
        plan["app-dependencies"]["source_hash"]
    );
    let packages = top(&dir, "app-dependencies", "python/");
    assert_eq!(
        packages,
        set(&["certifi", "charset_normalizer", "idna", "requests", "urllib3"])
    );
}

#[test]
fn what_the_source_holds_is_dropped_by_what_its_metadata_says() {
    let dir = vendored_project(r#"{ from = "a", to = "drop" }"#);
    let plan = planned(&dir, "p");
    let rows = build(&dir, "p");
    assert_eq!(row(&rows, "app")["source_hash"], plan["app"]["source_hash"]);
    let kept = [
        "app.py",
        "bin/c",
        "bin/d",
        "c.py",
        "d.py",
        "shared/__init__.py",
        "shared/c.py",
        "shared/d.py",
    ];
    let files = entries(&dir, "app")
        .into_iter()
        .filter(|path| !path.contains("dist-info"));
    assert_eq!(files.collect::<BTreeSet<_>>(), set(&kept));
    assert_eq!(listed(&dir, "app"), set(&["c", "d"]));
    // Another content, with the same swaps: another hash.
    dir.write("code/app/c.py", "changed");
    assert_ne!(planned(&dir, "p")["app"]["source_hash"], plan["app"]["source_hash"]);
    let swapped = planned(&dir, "p");
    // What is gone decides nothing any more.
    dir.write("code/app/a.py", "changed");
    assert_eq!(planned(&dir, "p")["app"]["source_hash"], swapped["app"]["source_hash"]);
}

#[test]
fn dropping_what_others_need_is_said() {
    let dir = vendored_project(r#"{ from = "b", to = "drop" }"#);
    let run = dir.command(["build", "--deployment-profile", "p"]).ok();
    assert!(
        run.stderr.contains("`a` needs `b`, which the swap of `b` drops"),
        "{run:?}"
    );
    fs::remove_file(dir.join("code/app/b-1.dist-info/RECORD")).unwrap();
    dir.command(["build", "--deployment-profile", "p"])
        .fails(3, &["no `b-1.dist-info/RECORD`"]);
}

fn layer_project() -> Dir {
    let dir = vendored_project(r#"{ from = "a", to = "layer:common" }"#);
    dir.write("code/common/python/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\n");
    dir.write("code/common/python/a-1.dist-info/RECORD", "a.py,,\n");
    dir.write("code/common/python/a.py", "");
    // It goes with `a`.
    dir.write("code/common/python/b-1.dist-info/METADATA", "Name: b\nVersion: 1\n\n");
    dir.write("code/common/python/b-1.dist-info/RECORD", "");
    dir.write(
        "lambda-json/common.json",
        r#"{"type": "layer", "compatible_runtimes": ["python3.13"], "source": "common"}"#,
    );
    dir.write("code/other.py", "");
    dir.write(
        "lambda-json/other.json",
        r#"{"runtime": "python3.13", "handler": "other.handler", "source": "other.py"}"#,
    );
    dir
}

#[test]
fn what_a_layer_has_is_left_out_of_the_functions_that_get_the_layer() {
    let dir = layer_project();
    let plan = planned(&dir, "p");
    assert_eq!(plan["app"]["definition"]["layers"], json!(["common"]));
    // Where the swap means nothing, the layer is of no use.
    assert_eq!(plan["other"]["definition"]["layers"], json!([]));
    assert_eq!(
        plan["common"]["source_hash"],
        planned(&dir, "")["common"]["source_hash"]
    );
    // Asked for alone, a function is the same.
    let alone = dir.command(["external", "hash", "--deployment-profile", "p"]);
    let alone = alone.stdin(json!({"names": "[\"app\"]"}).to_string()).ok().json();
    let alone: Value = serde_json::from_str(alone["packages"].as_str().unwrap()).unwrap();
    assert_eq!(alone["app"], plan["app"]);
    build(&dir, "p");
    assert!(!entries(&dir, "app").contains("a.py"));
    assert!(entries(&dir, "common").contains("python/a.py"));
    for file in ["a-1.dist-info/METADATA", "a-1.dist-info/RECORD"] {
        fs::remove_file(dir.join("code/common/python").join(file)).unwrap();
    }
    dir.command(["build", "--deployment-profile", "p"]).fails(
        3,
        &["function `app`: the swap of `a` to `layer:common`: the layer `common` doesn't hold `a`"],
    );
}

#[test]
fn a_layer_has_all_that_goes_for_its_sake() {
    let dir = layer_project();
    let metadata = "code/common/python/b-1.dist-info/METADATA";
    dir.write(metadata, "Name: b\nVersion: 2\n\n");
    let run = dir.command(["validate", "--deployment-profile", "p"]).ok();
    assert!(run.stderr.contains("the layer holds `b` 2, in place of 1"), "{run:?}");
    fs::remove_file(dir.join(metadata)).unwrap();
    dir.command(["validate", "--deployment-profile", "p"])
        .fails(3, &["the layer `common` doesn't hold `b`, which only `a` needs here"]);
    // Where no function looks.
    for name in ["a", "b"] {
        dir.write(
            &format!("code/common/{name}-1.dist-info/METADATA"),
            format!("Name: {name}\nVersion: 1\n\n"),
        );
        dir.write(&format!("code/common/{name}-1.dist-info/RECORD"), "");
    }
    dir.command(["build", "--deployment-profile", "p"])
        .fails(3, &["the layer `common` doesn't hold `b`", "below `python`"]);
}

/// With a layer that holds requests alone, which needs certifi and others.
pub fn requests_in_a_layer(requirements: &str) -> Dir {
    let dir = sdk_project("[profiles.p]\nswaps = [{ from = \"Requests\", to = \"layer:lay\" }]\n");
    dir.write("code/app/requirements.txt", requirements);
    let site = "code/lay/python/requests-2.34.2.dist-info";
    dir.write(&format!("{site}/METADATA"), "Name: requests\nVersion: 2.34.2\n\n");
    dir.write(&format!("{site}/RECORD"), "");
    dir.write(
        "lambda-json/lay.json",
        r#"{"type": "layer", "compatible_runtimes": ["python3.13"], "source": "lay"}"#,
    );
    dir
}

#[test]
fn what_goes_is_looked_for_in_the_layer_before_anything_is_installed_if_the_lock_file_tells() {
    let dir = requests_in_a_layer(SDK);
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3", "python"]);
    let lacking =
        "the layer `lay` doesn't hold `certifi`, `charset-normalizer`, `idna`, which only `Requests` needs here";
    let plan = dir.command(["validate", "--deployment-profile", "p"]);
    plan.env("PATH", path).fails(3, &["function `app`", lacking]);
    let dir = requests_in_a_layer(&without_notes(SDK));
    dir.command(["validate", "--deployment-profile", "p"]).ok();
    dir.command(["build", "app", "--deployment-profile", "p"])
        .fails(3, &["function `app`", lacking]);
}

/// As poetry writes it.
pub fn without_notes(requirements: &str) -> String {
    let lines = requirements.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_layer_that_loses_what_a_stored_package_left_to_it_is_refused() {
    let dir = requests_in_a_layer(&without_notes(SDK));
    let metadata = |name: &str| format!("code/lay/python/{name}-1.dist-info/METADATA");
    let hold = |name: &str, version: u32| {
        dir.write(&metadata(name), format!("Name: {name}\nVersion: {version}\n\n"));
        dir.write(&metadata(name).replace("METADATA", "RECORD"), "");
    };
    for name in ["certifi", "charset_normalizer", "idna"] {
        hold(name, 1);
    }
    let command = |verbs: &[&str]| dir.command(verbs.iter().copied()).args(["--deployment-profile", "p"]);
    let first = command(&["run", "--json"]).ok().json();
    let source_hash = |packages: &Value| packages["app"]["source_hash"].clone();
    let warning = "the layer holds `idna` 1, in place of";
    command(&["upload"]).ok();
    fs::remove_file(dir.join(&metadata("idna"))).unwrap();
    // What a layer holds is no part of the functions that use it.
    assert_eq!(
        source_hash(&planned(&dir, "p")),
        source_hash(&first["inputs"]["packages"])
    );
    let lacking = "the layer `lay` doesn't hold `idna`, which only `Requests` needs here";
    for verbs in [&["run"][..], &["bundle", "export"], &["upload"], &["upload", "app"]] {
        command(verbs).fails(3, &["function `app`", lacking]);
    }
    let uploaded = fs::read_dir(dir.join(".lambda-pack/store/records/lay")).unwrap();
    assert_eq!(uploaded.count(), 1, "the layer isn't uploaded either");
    // With it all is well again, and nothing is installed to know that.
    hold("idna", 1);
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3", "python"]);
    let again = command(&["run", "--no-cache"]).env("PATH", path).ok();
    assert!(again.stderr.contains(warning), "{again:?}");
    let again = command(&["upload", "--json"]).ok();
    assert_eq!(again.statuses(), ["unchanged", "unchanged"]);
}

#[test]
fn a_layer_of_dependencies_that_swaps_leave_empty_goes() {
    let dir = requests_in_a_layer("");
    // What is named is asked for; nothing else is there.
    let hash = "0".repeat(64);
    let requirement = |name: &str, by: &str| format!("{name}==1 --hash=sha256:{hash}\n    # via {by}\n");
    let names = ["certifi", "idna", "urllib3"].map(|name| requirement(name, "requests"));
    let requests = requirement("requests", "-r requirements.in").replace("==1", "==2.34.2");
    dir.write("code/app/requirements.txt", format!("{requests}{}", names.concat()));
    for name in ["certifi", "idna", "urllib3"] {
        let site = format!("code/lay/python/{name}-1.dist-info");
        dir.write(&format!("{site}/METADATA"), format!("Name: {name}\nVersion: 1\n\n"));
        dir.write(&format!("{site}/RECORD"), "");
    }
    let definition = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app",
        "build": {"type": "python", "dependencies": "layer"}}"#;
    dir.write("lambda-json/app.json", definition);
    let plan = planned(&dir, "p");
    assert_eq!(plan["app"]["definition"]["layers"], json!(["lay"]));
    assert!(plan.get("app-dependencies").is_none(), "{plan}");
    let rows = build(&dir, "p");
    let names: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["app", "lay"]);
}

/// `a` needs `b`; what npm puts into `.bin` leads to both, and to `c`.
fn vendored_modules(swaps: &str) -> Dir {
    let dir = node_project(swaps);
    fs::remove_file(dir.join("code/app/package-lock.json")).unwrap();
    dir.write("code/app/package.json", r#"{"dependencies": {"a": "1", "c": "1"}}"#);
    for (name, needs) in [("a", r#"{"b": "1"}"#), ("b", "{}"), ("c", "{}"), ("@types/node", "{}")] {
        let manifest = format!(r#"{{"name": "{name}", "version": "1.0.0", "dependencies": {needs}}}"#);
        dir.write(&format!("code/app/node_modules/{name}/package.json"), manifest);
        dir.write(&format!("code/app/node_modules/{name}/cli.js"), "");
        let link = dir.join(&format!(
            "code/app/node_modules/.bin/{}",
            name.trim_start_matches("@types/")
        ));
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(format!("../{name}/cli.js"), link).unwrap();
    }
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "nodejs22.x", "handler": "app.handler", "source": "app"}"#,
    );
    dir
}

#[test]
fn links_that_installers_made_go_with_what_they_lead_to() {
    let dir = vendored_modules(r#"{ from = "a", to = "drop" }"#);
    build(&dir, "p");
    assert_eq!(top(&dir, "app", "node_modules/"), set(&[".bin", "@types", "c"]));
    assert_eq!(top(&dir, "app", "node_modules/.bin/"), set(&["c", "node"]));
    // A suggestion is measured without them, too.
    let rows = dir.command(["fitness", "--json"]).ok().json();
    assert_eq!(rows[0]["swaps"][0]["from"], "@types/*");
    // A link of the user's own may not lead to nothing; so that isn't suggested either.
    std::os::unix::fs::symlink("node_modules/@types/node/cli.js", dir.join("code/app/own.js")).unwrap();
    let rows = dir.command(["fitness", "--json"]).ok().json();
    assert_eq!(rows[0]["swaps"], json!([]));
}

#[test]
fn what_the_source_holds_is_listed_beside_what_a_swap_installs() {
    let dir = vendored_modules(r#"{ from = "a", to = "left-pad", lock = "other/package-lock.json" }"#);
    build(&dir, "p");
    assert_eq!(listed(&dir, "app"), set(&["c", "left-pad", "node"]));
}

#[test]
fn swaps_that_contradict_each_other_are_refused() {
    for (one, other) in [("ms", "m*"), ("m*", "ms")] {
        let swaps = format!(
            r#"{{ from = "{one}", to = "drop" }}, {{ from = "{other}", to = "left-pad", lock = "other/package-lock.json" }}"#
        );
        let dir = node_project(&swaps);
        dir.command(["build", "--deployment-profile", "p"])
            .fails(3, &["two swaps of `ms` apply", &format!("`{other}` to `left-pad`")]);
    }
    let dir = sdk_project(
        "[profiles.p]\nswaps = [{ from = \"boto3\", to = \"runtime\" }, { from = \"Boto3\", to = \"drop\" }]\n",
    );
    dir.command(["validate", "--deployment-profile", "p"])
        .fails(3, &["two swaps of `boto3` apply"]);
    let dir = node_project(r#"{ from = "ms", to = "drop" }, { from = "m*", to = "drop" }"#);
    dir.command(["validate", "--deployment-profile", "p"]).ok();
}

#[test]
fn a_profile_with_fewer_functions_may_inherit_swaps_of_others() {
    let dir = vendored_project("");
    dir.write("code/other.py", "");
    dir.write(
        "lambda-json/other.json",
        r#"{"runtime": "python3.13", "handler": "other.handler", "source": "other.py"}"#,
    );
    let swaps = r#"swaps = [{ from = "b", to = "drop", functions = ["app"] }]"#;
    dir.write(
        "lambda-pack.toml",
        format!("[profiles.p]\n{swaps}\n[profiles.q]\nextends = \"p\"\nfunctions = [\"other\"]\n[profiles.own]\nfunctions = [\"other\"]\n{swaps}\n"),
    );
    for profile in ["p", "q"] {
        dir.command(["validate", "--deployment-profile", profile]).ok();
    }
    dir.command(["validate", "--deployment-profile", "own"]).fails(
        3,
        &["the swap of `b` to `drop` is for none of the functions that the profile selects"],
    );
}

#[test]
fn what_goes_is_said_to_those_who_ask() {
    let dir = vendored_project(r#"{ from = "a", to = "drop" }"#);
    let run = dir.command(["build", "-v", "--deployment-profile", "p"]).ok();
    assert!(
        run.stderr.contains("app: the swap of `a` to `drop` leaves out a, b"),
        "{run:?}"
    );
}

/// esbuild and ms, and a lock file of left-pad alone.
fn node_project(swaps: &str) -> Dir {
    let dir = Dir::new();
    dir.write(
        "code/app/app.mjs",
        "import ms from 'ms';\nexport const handler = () => ms(1);\n",
    );
    dir.write("code/app/package.json", NODE_PACKAGE);
    dir.write("code/app/package-lock.json", NODE_LOCK);
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "nodejs22.x", "handler": "app.handler", "source": "app", "build": {"type": "node"}}"#,
    );
    let lock: Value = serde_json::from_str(NODE_LOCK).unwrap();
    let mut package = lock["packages"]["node_modules/left-pad"].clone();
    package.as_object_mut().unwrap().remove("dev");
    let manifest = json!({"name": "other", "dependencies": {"left-pad": "1.3.0"}});
    let other = json!({
        "name": "other", "lockfileVersion": 3, "packages": {"": manifest, "node_modules/left-pad": package}
    });
    dir.write("code/other/package.json", manifest.to_string());
    dir.write("code/other/package-lock.json", other.to_string());
    dir.write("lambda-pack.toml", format!("[profiles.p]\nswaps = [{swaps}]\n"));
    dir
}

#[test]
fn another_dependency_takes_the_place_of_one() {
    let dir = node_project(r#"{ from = "ms", to = "left-pad", lock = "other/package-lock.json" }"#);
    let plan = planned(&dir, "p");
    let rows = build(&dir, "p");
    assert_eq!(row(&rows, "app")["source_hash"], plan["app"]["source_hash"]);
    let modules = top(&dir, "app", "node_modules/");
    assert_eq!(modules, set(&["@esbuild", "esbuild", "left-pad"]));
    assert!(listed(&dir, "app").contains("left-pad") && !listed(&dir, "app").contains("ms"));
    dir.command(["verify", "--rebuild", "--deployment-profile", "p"]).ok();
    // The other lock file decides the content, too.
    let lock = fs::read_to_string(dir.join("code/other/package-lock.json")).unwrap();
    dir.write("code/other/package-lock.json", format!("{lock}\n"));
    assert_ne!(planned(&dir, "p")["app"]["source_hash"], plan["app"]["source_hash"]);
}

#[test]
fn a_bundle_leaves_out_what_is_swapped() {
    let dir = node_project(r#"{ from = "ms", to = "drop" }"#);
    let definition = r#"{"runtime": "nodejs22.x", "handler": "app.handler", "source": "app",
        "build": {"type": "node", "bundle": {"entry": ["app.mjs"], "format": "esm"}}}"#;
    dir.write("lambda-json/app.json", definition);
    let size = |profile| row(&build(&dir, profile), "app")["unzipped_bytes"].as_u64().unwrap();
    let whole = size("");
    assert!(listed(&dir, "app").contains("ms"));
    assert!(size("p") < whole);
    assert!(!listed(&dir, "app").contains("ms"));
    // A glob means packages, and none of the function's own files.
    dir.write("code/app/own.mjs", "export const own = 'of the function itself';\n");
    let imports = "import ms from 'ms';\nimport {own} from './own.mjs';\nexport const handler = () => ms(own);\n";
    dir.write("code/app/app.mjs", imports);
    dir.write(
        "lambda-pack.toml",
        "[profiles.p]\nswaps = [{ from = \"*\", to = \"drop\" }]\n",
    );
    build(&dir, "p");
    let bundle = text(&dir, "app", "app.mjs");
    assert!(
        bundle.contains("of the function itself") && bundle.contains("from \"ms\""),
        "{bundle}"
    );
    // What nothing imports isn't in the bundle: such a swap does nothing, and that is said.
    dir.write("code/app/app.mjs", "export const handler = () => 1;\n");
    dir.write(
        "lambda-pack.toml",
        "[profiles.p]\nswaps = [{ from = \"ms\", to = \"drop\" }]\n",
    );
    dir.command(["build", "--deployment-profile", "p"]).fails(
        3,
        &["the swap of `ms` to `drop` leaves nothing out of the bundle: nothing in it imports `ms`"],
    );
    let replaced = r#"[profiles.p]
        swaps = [{ from = "ms", to = "left-pad", lock = "other/package-lock.json" }]"#;
    dir.write("lambda-pack.toml", replaced);
    dir.command(["build", "--deployment-profile", "p"])
        .fails(3, &["takes its dependencies from its own lock file", "npm:dayjs"]);
}

#[test]
fn swaps_that_can_not_be_are_refused() {
    let refused = |swap: &str, words: &[&str]| {
        let dir = node_project(swap);
        dir.command(["build", "--deployment-profile", "p"]).fails(3, words);
    };
    refused(
        r#"{ from = "mss", to = "drop" }"#,
        &["the swap of `mss` to `drop` matches nothing", "did you mean `ms`?"],
    );
    // Only what is installed counts.
    refused(r#"{ from = "left-pad", to = "drop" }"#, &["matches nothing"]);
    refused(
        r#"{ from = "ms", to = "left-pad" }"#,
        &["no `lock` says which `left-pad`"],
    );
    refused(
        r#"{ from = "ms", to = "drop", lock = "other/package-lock.json" }"#,
        &["`lock` is for another dependency"],
    );
    refused(r#"{ from = "ms[x]", to = "drop" }"#, &["the name of a package"]);
    let refused = |swap: &str, words: &[&str]| {
        let words = [&["function `app`: the swap of `ms`"], words].concat();
        node_project(swap)
            .command(["build", "--deployment-profile", "p"])
            .fails(3, &words);
    };
    refused(
        r#"{ from = "ms", to = "runtime" }"#,
        &["the runtime nodejs22.x doesn't have it", "@aws-sdk/*"],
    );
    refused(
        r#"{ from = "ms", to = "dayjs", lock = "other/package-lock.json" }"#,
        &["doesn't name `dayjs`"],
    );
    refused(
        r#"{ from = "ms", to = "left-pad", lock = "gone/package-lock.json" }"#,
        &["gone/package-lock.json"],
    );
}

/// What a lock file has for other machines alone is left out of nothing.
#[test]
fn a_swap_of_what_is_not_installed_here_is_refused_or_said() {
    let colorama = "colorama==0.4.6 ; sys_platform == 'win32' --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6\n";
    let swaps = r#"swaps = [{ from = "colorama", to = "drop" }]"#;
    let dir = sdk_project(&format!("[profiles.p]\n{swaps}\n"));
    dir.write("code/app/requirements.txt", format!("{SDK}{colorama}"));
    let idle = "the swap of `colorama` to `drop` leaves out nothing";
    let uv = tool("uv").parent().unwrap().display().to_string();
    let path = format!("{uv}:{}", std::env::var("PATH").unwrap());
    let command = |args: &[&str]| {
        let command = dir.command(args.iter().copied()).env("PATH", &path);
        command.args(["--deployment-profile", "p"])
    };
    let run = command(&["build"]).ok();
    assert!(run.stderr.contains(&format!("function `app`: {idle}")), "{run:?}");
    for words in [&["run"][..], &["bundle", "export"]] {
        let run = command(words).run();
        assert_eq!(run.code, 3, "{run:?}");
        for words in ["profile `p`", idle, "for other machines alone"] {
            assert!(run.stderr.contains(words), "{words}: {run:?}");
        }
    }
    assert!(
        !dir.join(".lambda-pack/store/packages").exists(),
        "nothing was uploaded"
    );
}

/// `*` stands for any part of a name, npm's scopes included.
#[test]
fn a_glob_means_packages_with_a_scope_too() {
    let modules = |from: &str| {
        let dir = node_project(&format!(r#"{{ from = "{from}", to = "drop" }}"#));
        for package in ["@aws-sdk/client-s3", "@aws-sdk/core", "@smithy/core", "plain"] {
            let manifest = json!({"name": package, "version": "1.0.0"});
            dir.write(
                &format!("code/app/node_modules/{package}/package.json"),
                manifest.to_string(),
            );
        }
        dir.write(
            "lambda-json/app.json",
            r#"{"runtime": "nodejs22.x", "handler": "app.handler", "source": {"path": "app", "exclude": ["package*.json"]}}"#,
        );
        build(&dir, "p");
        top(&dir, "app", "node_modules/")
    };
    assert_eq!(modules("@aws-sdk/*"), set(&["@smithy", "plain"]));
    assert_eq!(modules("*/core"), set(&["@aws-sdk", "plain"]));
    assert_eq!(modules("@*"), set(&["plain"]));
    assert_eq!(modules("*"), set(&[]));
    assert_eq!(modules("pla*"), set(&["@aws-sdk", "@smithy"]));
}
