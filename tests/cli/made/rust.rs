//! Rust, linked by cargo-zigbuild: of the standard libraries for Lambda, it alone gets by with a common one.

use std::fs;
use std::path::Path;

use super::{code_sha256_elsewhere, define};
use crate::builds::{AARCH64, X86_64, build_command, contents, path_without, source_hash};
use crate::support::{Dir, run, tool};

const CARGO_TOML: &str = include_str!("../../fixtures/rust/Cargo.toml");
const CARGO_LOCK: &str = include_str!("../../fixtures/rust/Cargo.lock");
const MAIN_RS: &str = include_str!("../../fixtures/rust/src/main.rs");

fn project(architecture: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/Cargo.toml", CARGO_TOML);
    dir.write("code/app/Cargo.lock", CARGO_LOCK);
    dir.write("code/app/src/main.rs", MAIN_RS);
    define(&dir, "provided.al2023", architecture, r#""type": "rust""#);
    dir
}

/// `PATH` with cargo-zigbuild in front.
pub fn path() -> String {
    let zigbuild = tool("zigbuild");
    format!(
        "{}:{}",
        zigbuild.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    )
}

fn has_standard_library(target: &str) -> bool {
    let directory = run("rustc", &["--print", "target-libdir", "--target", target]);
    Path::new(directory.trim()).is_dir()
}

#[test]
fn a_rust_bootstrap_is_the_same_everywhere() {
    for (architecture, machine, target) in [
        ("x86_64", X86_64, "x86_64-unknown-linux-gnu"),
        ("arm64", AARCH64, "aarch64-unknown-linux-gnu"),
    ] {
        if !has_standard_library(target) {
            eprintln!("SKIPPED: Rust has no standard library for {target} here (rustup target add {target})");
            continue;
        }
        let cache = Dir::new();
        let dir = project(architecture);
        let first = build_command(&dir, &cache).env("PATH", path()).ok().json()[0].clone();
        assert_eq!(contents(&dir), (vec!["bootstrap".to_owned()], vec![machine]));
        let again = build_command(&dir, &cache).env("PATH", "/nonexistent").ok().json()[0].clone();
        assert_eq!(again["status"], "unchanged");
        // What cargo left by hand is no source.
        let elsewhere = project(architecture);
        elsewhere.write("code/app/target/debug/orders", "old");
        let misleading = format!("PATH='{}' RUSTFLAGS=-Ctarget-cpu=native CARGO_BUILD_JOBS=1", path());
        assert_eq!(
            code_sha256_elsewhere(&elsewhere, &misleading),
            first["code_sha256"].as_str().unwrap()
        );
        // A change of code compiles that alone, although all times in the copy are the same.
        dir.write("code/app/src/main.rs", MAIN_RS.replace("n + 1", "n + 2"));
        let log = cache.join("cargo.log");
        let cargo = format!(
            "#!/bin/sh\nPATH='{}'\nexec cargo \"$@\" 2>>'{}'\n",
            path(),
            log.display()
        );
        let (_bin, watched) = super::path_with("cargo", &cargo);
        let changed = build_command(&dir, &cache)
            .env("PATH", format!("{watched}:{}", path()))
            .ok()
            .json()[0]
            .clone();
        assert_ne!(changed["code_sha256"], first["code_sha256"]);
        let log = fs::read_to_string(log).unwrap();
        assert!(
            log.contains("Compiling orders") && !log.contains("Compiling serde_json"),
            "{log}"
        );
    }
}

#[test]
fn what_cargo_would_refuse_late_is_refused_at_once() {
    let dir = project("x86_64");
    let before = source_hash(&dir);
    assert_ne!(source_hash(&project("arm64")), before);
    fs::remove_file(dir.join("code/app/Cargo.lock")).unwrap();
    dir.command(["validate"]).fails(
        3,
        &[
            "its dependencies are not locked",
            "Cargo.lock",
            "cargo generate-lockfile",
        ],
    );
    fs::remove_file(dir.join("code/app/Cargo.toml")).unwrap();
    dir.command(["validate"]).fails(3, &["its source has no `Cargo.toml`"]);
}

#[test]
fn what_rust_lacks_is_said() {
    let cache = Dir::new();
    let (_hidden, without_cargo) = path_without(&["cargo"]);
    build_command(&project("x86_64"), &cache)
        .env("PATH", without_cargo)
        .fails(1, &["Rust is not installed", "https://rustup.rs"]);
    if has_standard_library("x86_64-unknown-linux-musl") {
        eprintln!("SKIPPED: without cargo-zigbuild, for this machine needs none");
    } else {
        let (_hidden, without_zigbuild) = path_without(&["cargo-zigbuild"]);
        build_command(&project("x86_64"), &cache)
            .env("PATH", without_zigbuild)
            .fails(
                1,
                &[
                    "can't compile for x86_64",
                    "rustup target add x86_64-unknown-linux-musl",
                    "cargo-zigbuild",
                ],
            );
    }
    let several = project("x86_64");
    several.write("code/app/src/bin/other.rs", "fn main() {}\n");
    build_command(&several, &cache).fails(3, &["several binaries", "`orders`, `other`"]);
    define(
        &several,
        "provided.al2023",
        "x86_64",
        r#""type": "rust", "binary": "third""#,
    );
    build_command(&several, &cache).fails(3, &["no binary `third`", "`orders`, `other`"]);
    // The lock file doesn't fit.
    let stale = project("x86_64");
    stale.write(
        "code/app/Cargo.toml",
        CARGO_TOML.replace("minreq = \"2\"", "minreq = \"2\"\nzmij = \"=1.0.1\""),
    );
    build_command(&stale, &cache)
        .env("PATH", path())
        .fails(1, &["lock file", "--locked"]);
    // Nobody there to download from.
    let home = Dir::new();
    build_command(&project("x86_64"), &cache)
        .env("PATH", path())
        .env("CARGO_HOME", home.path())
        .env("CARGO_NET_RETRY", "0")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("https_proxy", "http://127.0.0.1:9")
        .fails(1, &["check the network"]);
}
