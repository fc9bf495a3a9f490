use super::*;
use crate::Meter;
use crate::cache::DigestCache;
use crate::function::Function;
use crate::source::{Outputs, Tree};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// What is found in a function with this definition and these files.
fn findings(definition: &str, files: &[(&str, &[u8])]) -> Vec<Finding> {
    let (function, tree, _directory) = made(definition, files);
    super::findings(&function.definition, &Contents::of(&tree).expect("readable"), &[])
}

/// The same with a layer `other` of these files.
fn findings_with_layer(definition: &str, files: &[(&str, &[u8])], of_layer: &[(&str, &[u8])]) -> Vec<Finding> {
    let (function, tree, _directory) = made(definition, files);
    let (layer, source, _other) = made(r#""type": "layer", "function_name": "other""#, of_layer);
    let layer = Layer {
        function: &layer,
        bytes: 0,
        source: Some(&source),
    };
    super::findings(&function.definition, &Contents::of(&tree).expect("readable"), &[layer])
}

/// A name that ends with `*` is executable.
fn made(definition: &str, files: &[(&str, &[u8])]) -> (Function, Tree, TempDir) {
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
    let mut trees = Tree::of_functions(
        &[&function],
        directory.path(),
        &Outputs::new([]),
        &DigestCache::none(),
        &Meter::default(),
    )
    .expect("a tree");
    (function, trees.remove(0), directory)
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
}

#[test]
fn a_handler_may_be_in_a_layer() {
    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";
    let python = |layers: &str| format!(r#"{PYTHON}, "layers": [{layers}]"#);
    let own = python(r#""other""#);
    let nothing: &[(&str, &[u8])] = &[("main.py", b"")];
    for path in [
        "python/app.py",
        "python/app/__init__.py",
        "python/lib/python3.13/site-packages/app.py",
        "python/app.cpython-313-x86_64-linux-gnu.so",
    ] {
        assert_eq!(findings_with_layer(&own, nothing, &[(path, b"")]), [], "{path}");
    }
    for path in ["app.py", "python/lib/python3.12/site-packages/app.py", "python/main.py"] {
        let found = findings_with_layer(&own, nothing, &[(path, b"")]);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        assert_eq!(
            (found[0].check, found[0].severity),
            ("handler", Severity::Error),
            "{path}"
        );
    }
    let foreign = python(&format!(r#""other", "{ARN}""#));
    let found = findings_with_layer(&foreign, nothing, &[("x", b"")]);
    assert_eq!((found[0].check, found[0].severity), ("handler", Severity::Warning));
    assert!(
        found[0]
            .problem
            .ends_with(&format!("whether a layer has it wasn't checked: `{ARN}`")),
        "{found:?}"
    );
    // What is in the package is found whatever else there may be.
    assert_eq!(findings_with_layer(&foreign, &[("app.py", b"")], &[("x", b"")]), []);
    let node = |handler: &str| format!(r#""runtime": "nodejs22.x", "handler": "{handler}", "layers": ["other"]"#);
    for (handler, path) in [
        ("/opt/nodejs/wrap.handler", "nodejs/wrap.mjs"),
        ("tools/wrap.handler", "nodejs/node_modules/tools/wrap.js"),
        ("tools.handler", "nodejs/node22/node_modules/tools/package.json"),
    ] {
        assert_eq!(
            findings_with_layer(&node(handler), nothing, &[(path, b"")]),
            [],
            "{path}"
        );
    }
    let custom = r#""runtime": "provided.al2023", "handler": "x", "layers": ["other"]"#;
    assert_eq!(findings_with_layer(custom, nothing, &[("bootstrap*", b"")]), []);
    // One that isn't executable starts nothing.
    assert_eq!(
        findings_with_layer(custom, nothing, &[("bootstrap", b"")])[0].severity,
        Severity::Error
    );
    assert_eq!(
        findings_with_layer(custom, nothing, &[("x", b"")])[0].severity,
        Severity::Error
    );
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
