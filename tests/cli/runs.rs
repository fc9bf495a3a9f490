//! Every package runs: unzipped alone, under AWS's own runtime clients, against a Runtime API, it answers an event.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::made::path_with_zigbuild;
use crate::support::lambda::{Answer, Function, invoke};
use crate::support::{Dir, TestCommand};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Lambda's name for this machine's architecture: machine code for another can't run here.
const THIS_ARCHITECTURE: Option<&str> = if cfg!(target_arch = "x86_64") {
    Some("x86_64")
} else if cfg!(target_arch = "aarch64") {
    Some("arm64")
} else {
    None
};

/// A function, an event, and what must be in the answer.
pub struct Case {
    pub title: &'static str,
    pub function: &'static str,
    project: Files,
    /// Below `code/`: a file that may get an empty line more.
    pub code: &'static str,
    pub event: Value,
    expected: Value,
    /// Of others: there are at least so many in it.
    packages: usize,
}

enum Files {
    /// This repository's own.
    Demo,
    Fixture {
        runtime: &'static str,
        build: &'static str,
        files: &'static [(&'static str, &'static str)],
    },
}

const PYTHON: &[(&str, &str)] = &[
    ("requirements.txt", include_str!("../fixtures/python/requirements.txt")),
    (
        "app.py",
        "import platform, pydantic, requests\n\n\
        class Event(pydantic.BaseModel):\n    url: pydantic.HttpUrl\n    n: int\n\n\
        def handler(event, context):\n    event = Event(**event)\n    \
        request = requests.Request('GET', str(event.url), params={'n': event.n + 1}).prepare()\n    \
        return {'url': request.url, 'python': platform.python_version_tuple()[:2]}\n",
    ),
];

/// Each direct dependency is loaded.
const NODE: &[(&str, &str)] = &[
    ("package.json", include_str!("../fixtures/npm-300/package.json")),
    (
        "package-lock.json",
        include_str!("../fixtures/npm-300/package-lock.json"),
    ),
    (
        "app.mjs",
        "import { readFileSync } from 'node:fs';\nimport semver from 'semver';\nimport { validate } from 'uuid';\n\n\
        const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)));\n\
        for (const name of Object.keys(dependencies)) await import(name);\n\n\
        export const handler = async (event, context) => ({\n  loaded: Object.keys(dependencies).length,\n  \
        next: semver.inc(event.version, 'minor'),\n  node: process.version.split('.')[0],\n  \
        id: validate(context.awsRequestId),\n});\n",
    ),
];

const GO: &[(&str, &str)] = &[
    ("main.go", include_str!("../fixtures/go/main.go")),
    ("go.mod", include_str!("../fixtures/go/go.mod")),
    ("go.sum", include_str!("../fixtures/go/go.sum")),
];

const RUST: &[(&str, &str)] = &[
    ("src/main.rs", include_str!("../fixtures/rust/src/main.rs")),
    ("Cargo.toml", include_str!("../fixtures/rust/Cargo.toml")),
    ("Cargo.lock", include_str!("../fixtures/rust/Cargo.lock")),
];

pub fn demo_functions() -> Vec<Case> {
    const ORDER: &str =
        r#"{"order_id": "1", "currency": "EUR", "lines": [{"sku": "a", "quantity": 3, "price": "12.50"}]}"#;
    let demo = |function, code, event, expected| Case {
        title: function,
        function,
        project: Files::Demo,
        code,
        event,
        expected,
        packages: 0,
    };
    vec![
        demo(
            "csv-to-json",
            "csv-to-json/src/handler.js",
            json!({"body": "a,b\r\n1,\"x\"\"y\"\r\n"}),
            json!({"statusCode": 200, "body": r#"[{"a":"1","b":"x\"y"}]"#}),
        ),
        demo(
            "iban-check",
            "iban-check/iban_check/handler.py",
            json!({"iban": "DE89 3704 0044 0532 0130 00"}),
            json!({"valid": true, "printed": "DE89 3704 0044 0532 0130 00"}),
        ),
        demo(
            "order-intake",
            "order-intake/order_intake.py",
            json!({"body": ORDER}),
            json!({"statusCode": 200, "body": r#"{"order_id": "1", "currency": "EUR", "total": "37.50"}"#}),
        ),
        demo(
            "order-summary",
            "order-summary/order_summary.py",
            json!({"Records": [{"messageId": "1", "body": ORDER}, {"messageId": "2", "body": "{"}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "2"}]}),
        ),
        demo(
            "test-lambda-hash-demo-2",
            "test-lambda-hash-demo-2.py",
            json!({"text": "abc"}),
            json!({
                "bytes": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            }),
        ),
        // Its only target is the Runtime API itself, which knows no such page.
        demo(
            "uptime-probe",
            "uptime-probe/bootstrap",
            json!({}),
            json!([{"status": "404"}]),
        ),
    ]
}

pub fn fixtures() -> Vec<Case> {
    let fixture = |title, runtime, build, files, (code, packages), event, expected| Case {
        title,
        function: "app",
        project: Files::Fixture { runtime, build, files },
        code,
        event,
        expected,
        packages,
    };
    let python = r#"{"type": "python"}"#;
    let asked = json!({"url": "https://example.org/a", "n": "41"});
    let answered = |minor: &str| json!({"url": "https://example.org/a?n=42", "python": ["3", minor]});
    vec![
        fixture(
            "requests and pydantic",
            "python3.12",
            python,
            PYTHON,
            ("app/app.py", 10),
            asked.clone(),
            answered("12"),
        ),
        fixture(
            "requests and pydantic",
            "python3.13",
            python,
            PYTHON,
            ("app/app.py", 10),
            asked,
            answered("13"),
        ),
        fixture(
            "more than 300 npm packages",
            "nodejs22.x",
            r#"{"type": "node"}"#,
            NODE,
            ("app/app.mjs", 300),
            json!({"version": "1.2.3"}),
            json!({"loaded": 31, "next": "1.3.0", "node": "v22", "id": true}),
        ),
        fixture(
            "aws-lambda-go",
            "provided.al2023",
            r#"{"type": "go"}"#,
            GO,
            ("app/main.go", 0),
            json!({"n": 41}),
            json!({"n": 42, "language": "go"}),
        ),
        fixture(
            "minreq and serde_json",
            "provided.al2023",
            r#"{"type": "rust"}"#,
            RUST,
            ("app/src/main.rs", 0),
            json!({"n": 41}),
            json!({"n": 42, "language": "rust"}),
        ),
    ]
}

impl Case {
    /// A project with this function alone. `None`, said aloud, where nothing of it could run.
    pub fn write(&self) -> Option<Dir> {
        let dir = Dir::new();
        match &self.project {
            Files::Demo => {
                let definition = format!("lambda-json/{}.json", self.function);
                dir.write(&definition, fs::read(Path::new(REPOSITORY).join(&definition)).unwrap());
                copy(&Path::new(REPOSITORY).join("code"), &dir.join("code"));
            }
            Files::Fixture { runtime, build, files } => {
                let Some(architecture) = THIS_ARCHITECTURE else {
                    eprintln!("SKIPPED: Lambda has no {}", std::env::consts::ARCH);
                    return None;
                };
                for (path, content) in *files {
                    dir.write(&format!("code/app/{path}"), content);
                }
                dir.write(
                    "lambda-json/app.json",
                    format!(
                        r#"{{"runtime": "{runtime}", "handler": "app.handler", "architectures": ["{architecture}"],
                            "source": "app", "build": {build}}}"#
                    ),
                );
            }
        }
        Some(dir)
    }

    /// Builds it; for Rust with the linker that the tests install.
    pub fn build<'a>(&self, dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        let command = dir.command(["build", "--json"]).args(args);
        match self.project {
            Files::Fixture { files: RUST, .. } => command.env("PATH", path_with_zigbuild()),
            Files::Fixture { .. } | Files::Demo => command,
        }
    }

    pub fn definition(&self, dir: &Dir) -> Value {
        let file = dir.join(&format!("lambda-json/{}.json", self.function));
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    /// Runs the package that was built in this project, and checks its answer. `None`, said aloud, where its runtime can't be
    /// installed.
    pub fn run(&self, dir: &Dir) -> Option<Value> {
        let zip = dir.join(&format!("dist/{}.zip", self.function));
        assert!(packages(&zip) >= self.packages, "{}", self.title);
        let definition = self.definition(dir);
        let variables = definition["environment"].as_object().into_iter().flatten();
        let environment = variables.map(|(key, value)| (key.as_str(), value.as_str().unwrap()));
        let function = Function {
            runtime: definition["runtime"].as_str().unwrap(),
            handler: definition["handler"].as_str().unwrap(),
            environment: environment.chain([("TARGETS", "{runtime api}")]).collect(),
        };
        let answer = invoke(&zip, &function, &self.event)?.response();
        assert!(holds(&answer, &self.expected), "{}: {answer}", self.title);
        Some(answer)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&source, &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(source).unwrap(), target).unwrap();
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

/// Whether `value` has all that is `expected`, and maybe more keys.
fn holds(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(key, expected)| value.get(key).is_some_and(|value| holds(value, expected))),
        (Value::Array(value), Value::Array(expected)) => {
            value.len() == expected.len()
                && value
                    .iter()
                    .zip(expected)
                    .all(|(value, expected)| holds(value, expected))
        }
        _ => value == expected,
    }
}

/// How many packages were installed.
fn packages(zip: &Path) -> usize {
    let zip = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    let is_package = |name: &str| {
        let npm = name
            .strip_suffix("/package.json")
            .and_then(|name| name.rsplit_once("node_modules/"));
        let npm =
            npm.is_some_and(|(_, package)| package.split('/').count() == 1 + usize::from(package.starts_with('@')));
        npm || name.ends_with(".dist-info/METADATA")
    };
    zip.file_names()
        .filter(|name| is_package(name.as_ref().unwrap()))
        .count()
}

#[test]
fn every_demo_function_answers() {
    let cases = demo_functions();
    let defined = fs::read_dir(Path::new(REPOSITORY).join("lambda-json"));
    assert_eq!(cases.len(), defined.unwrap().count(), "an event for each demo function");
    for case in cases {
        let dir = case.write().unwrap();
        case.build(&dir, []).ok();
        case.run(&dir);
    }
}

#[test]
fn every_package_with_dependencies_answers_and_has_the_same_bytes_elsewhere() {
    for case in fixtures() {
        let Some(dirs) = case.write().zip(case.write()) else {
            return;
        };
        let [first, second] = [&dirs.0, &dirs.1].map(|dir| {
            let built = case.build(dir, ["--no-cache"]).ok();
            built.json()[0].clone()
        });
        assert_eq!(first["code_sha256"], second["code_sha256"], "{}", case.title);
        assert_eq!(first["source_hash"], second["source_hash"], "{}", case.title);
        case.run(&dirs.0);
    }
}

/// What the harness is for: it tells a function that works from one that doesn't.
#[test]
fn a_package_that_lacks_something_does_not_run() {
    let dir = Dir::new();
    dir.write("code/app.py", "import requests\n");
    dir.write(
        "code/raises.py",
        "def handler(event, context):\n    raise KeyError(event)\n",
    );
    for name in ["app", "raises"] {
        let definition = format!(r#"{{"runtime": "python3.13", "handler": "{name}.handler", "source": "{name}.py"}}"#);
        dir.write(&format!("lambda-json/{name}.json"), definition);
    }
    dir.command(["build"]).ok();
    let invoke = |name: &str| {
        let function = Function {
            runtime: "python3.13",
            handler: &format!("{name}.handler"),
            environment: Vec::new(),
        };
        invoke(&dir.join(&format!("dist/{name}.zip")), &function, &json!("this"))
    };
    if let Some(answer) = invoke("app") {
        let Answer::InitError(error) = answer else {
            panic!("{answer:?}")
        };
        assert!(
            error["errorMessage"]
                .as_str()
                .unwrap()
                .contains("No module named 'requests'"),
            "{error}"
        );
    }
    if let Some(answer) = invoke("raises") {
        let Answer::Error(error) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(error["errorType"], "KeyError");
    }
}
