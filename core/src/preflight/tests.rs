use super::*;
use crate::Meter;
use crate::cache::DigestCache;
use crate::function::Function;
use crate::source::{Outputs, Tree};
use std::fs;
use std::path::Path;

/// What is found in a function with this definition and these files; a name that ends with `*` is executable.
fn findings(definition: &str, files: &[(&str, &[u8])]) -> Vec<Finding> {
    let directory = tempfile::tempdir().expect("a directory");
    for (path, content) in files {
        let file = directory.path().join("app").join(path.trim_end_matches('*'));
        fs::create_dir_all(file.parent().expect("below")).expect("made");
        fs::write(&file, content).expect("written");
        #[cfg(unix)]
        if path.ends_with('*') {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
        }
    }
    let definition = format!(r#"{{"source": "app", {definition}}}"#);
    let function = Function::parse(Path::new("app.json"), definition.as_bytes()).expect("a definition");
    let trees = Tree::of_functions(
        &[&function],
        directory.path(),
        &Outputs::new([]),
        &DigestCache::none(),
        &Meter::default(),
    )
    .expect("a tree");
    super::findings(&function.definition, &Contents::of(&trees[0]).expect("readable"), &[])
}

#[track_caller]
fn finds(definition: &str, files: &[(&str, &[u8])], severity: Severity, expected: &str) {
    let findings = findings(definition, files);
    assert!(
        findings
            .iter()
            .any(|it| it.severity == severity && it.problem.contains(expected)),
        "{expected}: {findings:?}"
    );
}

#[track_caller]
fn is_fine(definition: &str, files: &[(&str, &[u8])]) {
    assert_eq!(findings(definition, files), []);
}

const PYTHON: &str = r#""runtime": "python3.13", "handler": "app.handler""#;
const NODE: &str = r#""runtime": "nodejs22.x", "handler": "src/index.handler""#;

#[test]
fn a_handler_must_be_there() {
    is_fine(PYTHON, &[("app.py", b"")]);
    is_fine(PYTHON, &[("app/__init__.py", b"")]);
    is_fine(PYTHON, &[("app.cpython-313-x86_64-linux-gnu.so", b"")]);
    is_fine(NODE, &[("src/index.mjs", b"")]);
    is_fine(r#""runtime": "java21", "handler": "a.B::c""#, &[("x", b"")]);
    finds(
        PYTHON,
        &[("main.py", b"")],
        Severity::Error,
        "no app.py and no app/__init__.py",
    );
    finds(NODE, &[("index.mjs", b"")], Severity::Error, "no src/index.js");
    finds(
        r#""runtime": "python3.13", "handler": "app""#,
        &[("app.py", b"")],
        Severity::Error,
        "names no function",
    );
    let with_layer = r#""runtime": "python3.13", "handler": "app.handler", "layers": ["other"]"#;
    is_fine(with_layer, &[("main.py", b"")]);
}

#[test]
fn machine_code_must_fit_the_architecture() {
    let elf = |machine: u8| [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 11], &[machine, 0, 0]].concat();
    let (x86, arm) = (elf(62), elf(183));
    is_fine(PYTHON, &[("app.py", b""), ("lib/a.so", &x86)]);
    finds(
        PYTHON,
        &[("app.py", b""), ("lib/a.so.1", &arm)],
        Severity::Error,
        "`lib/a.so.1` is for arm64",
    );
    finds(
        PYTHON,
        &[("app.py", b""), ("tool*", &arm)],
        Severity::Error,
        "`tool` is for arm64",
    );
    let arm64 = format!(r#"{PYTHON}, "architectures": ["arm64"]"#);
    is_fine(
        &arm64,
        &[("app.py", b""), ("lib/a.so", &arm), ("script*", b"#!/bin/sh\n")],
    );
    finds(
        &arm64,
        &[("app.py", b""), ("lib/a.so", &x86)],
        Severity::Error,
        "its architecture is arm64, but",
    );
}

#[test]
fn a_custom_runtime_needs_an_executable_bootstrap() {
    let custom = r#""runtime": "provided.al2023", "handler": "x""#;
    is_fine(custom, &[("bootstrap*", b"#!/bin/sh\n")]);
    finds(
        custom,
        &[("bootstrap", b"#!/bin/sh\n")],
        Severity::Error,
        "not executable",
    );
    finds(custom, &[("main*", b"")], Severity::Error, "starts `bootstrap`");
}

#[test]
fn quotas_are_known() {
    let six = r#""layers": ["a", "b", "c", "d", "e", "f"]"#;
    finds(six, &[("x", b"")], Severity::Error, "6 layers");
    let long = format!(r#""environment": {{"KEY": "{}"}}"#, "x".repeat(4094));
    finds(&long, &[("x", b"")], Severity::Error, "4097 bytes");
    let fits = format!(r#""environment": {{"KEY": "{}"}}"#, "x".repeat(4093));
    is_fine(&fits, &[("x", b"")]);
}

#[test]
fn what_may_be_meant_is_a_warning() {
    let old = r#""runtime": "python3.8", "handler": "app.handler""#;
    finds(old, &[("app.py", b"")], Severity::Warning, "deprecated");
    finds(
        PYTHON,
        &[("app.py", b""), ("json.py", b"")],
        Severity::Warning,
        "`json`",
    );
    finds(
        PYTHON,
        &[("app.py", b""), ("boto3/x", b"1")],
        Severity::Warning,
        "packs boto3",
    );
}

#[test]
fn parts_are_packages() {
    for (path, expected) in [
        ("numpy/core/a.so", "numpy"),
        (
            "node_modules/@aws-sdk/client-s3/x.js",
            "node_modules/@aws-sdk/client-s3",
        ),
        ("python/numpy/a", "python/numpy"),
        ("app.py", "app.py"),
    ] {
        assert_eq!(part(path), expected);
    }
}
