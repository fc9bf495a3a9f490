//! Go.

use std::fs;

use super::{code_sha256_elsewhere, define, is_output, path_with};
use crate::builds::{AARCH64, X86_64, build, build_command, code_sha256, contents, path_without, source_hash};
use crate::support::Dir;

const GO_MOD: &str = include_str!("../../fixtures/go/go.mod");
const GO_SUM: &str = include_str!("../../fixtures/go/go.sum");
const MAIN_GO: &str = include_str!("../../fixtures/go/main.go");

fn go_project(architecture: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/go.mod", GO_MOD);
    dir.write("code/app/go.sum", GO_SUM);
    dir.write("code/app/main.go", MAIN_GO);
    define(&dir, "provided.al2023", architecture, r#""type": "go""#);
    dir
}

/// A module without dependencies.
fn small_go_project(main: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/go.mod", "module example.com/small\n\ngo 1.24\n");
    dir.write("code/app/main.go", main);
    define(&dir, "provided.al2023", "x86_64", r#""type": "go""#);
    dir
}

#[test]
fn a_go_bootstrap_is_the_same_everywhere() {
    let cache = Dir::new();
    let mut hashes = Vec::new();
    for (architecture, machine) in [("x86_64", X86_64), ("arm64", AARCH64)] {
        let dir = go_project(architecture);
        let first = build(&dir, &cache, &[]);
        assert_eq!(contents(&dir), (vec!["bootstrap".to_owned()], vec![machine]));
        let zip = zip::ZipArchive::new(fs::File::open(dir.join("dist/app.zip")).unwrap());
        assert_eq!(zip.unwrap().by_index(0).unwrap().unix_mode(), Some(0o100_755));
        // No program is started for what was made before.
        let again = build_command(&dir, &cache).env("PATH", "/nonexistent").ok().json()[0].clone();
        assert_eq!(again["status"], "unchanged");
        assert_eq!(again["source_hash"], first["source_hash"]);
        let elsewhere = code_sha256_elsewhere(
            &go_project(architecture),
            "GOFLAGS=-ldflags=-X=main.x=y GOAMD64=v3 GOARM64=v9.0 CGO_ENABLED=1 GOOS=darwin GOWORK=/nonexistent",
        );
        assert_eq!(first["code_sha256"], elsewhere.as_str(), "{architecture}");
        hashes.push(source_hash(&dir));
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn a_change_of_code_makes_the_package_again() {
    let cache = Dir::new();
    let dir = small_go_project("package main\n\nfunc main() {}\n");
    let before = (source_hash(&dir), code_sha256(&dir, &cache, &[]));
    let main = dir.join("code/app/main.go");
    let past = std::time::UNIX_EPOCH;
    fs::File::options()
        .write(true)
        .open(&main)
        .unwrap()
        .set_modified(past)
        .unwrap();
    assert_eq!(source_hash(&dir), before.0, "touched");
    dir.write("code/app/main.go", "package main\n\nfunc main() { println(1) }\n");
    assert_ne!(source_hash(&dir), before.0);
    assert_ne!(code_sha256(&dir, &cache, &[]), before.1);
}

#[test]
fn an_upload_has_what_was_made_and_names_its_sources() {
    let dir = small_go_project("package main\n\nfunc main() {}\n");
    // What isn't packed isn't held against Lambda's rules.
    dir.write("code/app/testdata/other.so", b"\x7fELF-------------\xb7\0\xb7\0");
    dir.command(["validate"]).ok();
    let uploaded = dir.command(["upload", "--json"]).ok().json()[0].clone();
    assert_eq!(uploaded["entries"], 1);
    let manifests = dir.join(".lambda-pack/store/manifests/app");
    let manifest = fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let paths = |key: &str| {
        let entries = manifest[key].as_array().unwrap().iter();
        entries
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths("entries"), ["go.mod", "main.go", "testdata/other.so"]);
    assert_eq!(paths("package_entries"), ["bootstrap"]);
    assert_eq!(manifest["build_inputs"]["type"], "go");
    assert_eq!(dir.command(["upload", "--json"]).ok().json()[0]["status"], "unchanged");
}

/// As a monorepo has it: a module beside the function's own.
#[test]
fn what_stands_beside_the_source_is_an_input_or_an_error() {
    let dir =
        small_go_project("package main\n\nimport \"example.com/shared\"\n\nfunc main() { println(shared.Name) }\n");
    dir.write(
        "code/app/go.mod",
        "module example.com/small\n\ngo 1.24\n\nrequire example.com/shared v0.0.0\n\nreplace example.com/shared => ../libs/shared\n",
    );
    dir.write("code/libs/shared/go.mod", "module example.com/shared\n\ngo 1.24\n");
    dir.write("code/libs/shared/shared.go", "package shared\n\nconst Name = \"one\"\n");
    dir.command(["validate"]).fails(
        3,
        &[
            "code/app/go.mod:7: the module in `../libs/shared` is not in the copy",
            "`inputs`",
            "shared/**",
        ],
    );
    define(
        &dir,
        "provided.al2023",
        "x86_64",
        r#""type": "go", "inputs": ["libs/*/**"]"#,
    );
    let before = (source_hash(&dir), code_sha256(&dir, &Dir::new(), &[]));
    assert_eq!(contents(&dir).0, ["bootstrap"]);
    dir.write("code/libs/shared/shared.go", "package shared\n\nconst Name = \"two\"\n");
    assert_ne!(source_hash(&dir), before.0);
    assert_ne!(code_sha256(&dir, &Dir::new(), &[]), before.1);
    for (input, message) in [
        ("libs/none", "cannot find the source `code/libs/none`"),
        ("libs/*.rs", "the input `libs/*.rs` matches nothing"),
        ("../x", "the input `../x` is not a path below the code directory"),
    ] {
        define(
            &dir,
            "provided.al2023",
            "x86_64",
            &format!(r#""type": "go", "inputs": ["{input}"]"#),
        );
        dir.command(["validate"]).fails(3, &["function `app`", message]);
    }
}

#[test]
fn what_go_would_refuse_late_is_refused_at_once() {
    let dir = go_project("x86_64");
    fs::remove_file(dir.join("code/app/go.sum")).unwrap();
    dir.command(["external", "hash"]).stdin("{}").fails(
        3,
        &[
            "its dependencies are not locked",
            "requires github.com/aws/aws-lambda-go",
            "go mod tidy",
        ],
    );
    fs::remove_file(dir.join("code/app/go.mod")).unwrap();
    dir.command(["validate"]).fails(3, &["its source has no `go.mod`"]);
    let dir = go_project("x86_64");
    define(
        &dir,
        "provided.al2023",
        "x86_64",
        r#""type": "go", "package": "./cmd/x""#,
    );
    dir.command(["validate"])
        .fails(3, &["no Go file in the package's directory `./cmd/x`"]);
    define(&dir, "python3.13", "x86_64", r#""type": "go""#);
    dir.command(["validate"])
        .fails(3, &["needs a custom runtime", "provided.al2023"]);
}

#[test]
fn a_failing_compiler_is_quoted_and_leaves_nothing() {
    let cache = Dir::new();
    let small = || small_go_project("package main\n\nfunc main() {}\n");
    // Nobody there to compile.
    let (_hidden, without_go) = path_without(&["go"]);
    build_command(&small(), &cache).env("PATH", without_go).fails(
        1,
        &["function `app`", "Go is not installed", "https://go.dev/doc/install"],
    );
    let dir = small_go_project("package main\n\nfunc main() { undefined() }\n");
    build_command(&dir, &cache).fails(
        1,
        &["function `app`", "undefined: undefined", "all of its output is in"],
    );
    // The lock file doesn't fit.
    let dir = go_project("x86_64");
    dir.write(
        "code/app/go.sum",
        "github.com/aws/aws-lambda-go v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    );
    build_command(&dir, &cache).fails(1, &["missing go.sum entry"]);
    // Nobody there to download from.
    let modules = Dir::new();
    build_command(&go_project("x86_64"), &cache)
        .env("GOPROXY", "http://127.0.0.1:9")
        .env("GOMODCACHE", modules.path())
        .fails(1, &["aws-lambda-go", "connection refused", "check the network"]);
    let (_bin, path) = path_with("go", "#!/bin/sh\ncase $1 in env) echo '{}' ;; *) kill -9 $$ ;; esac\n");
    build_command(&small(), &cache)
        .env("PATH", path)
        .fails(1, &["SIGKILL", "something killed it"]);
    let left: Vec<_> = cache
        .snapshot()
        .into_iter()
        .filter(|(path, _)| is_output(path))
        .collect();
    assert!(left.is_empty(), "{:?}", left.first());
}
