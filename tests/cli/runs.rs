//! Every package runs: unzipped alone, under AWS's own runtime clients, against a Runtime API, it answers an event.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::Dir;
use crate::support::lambda::{Answer, Function, invoke};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Machine code runs here only if it is this machine's.
const THIS_ARCHITECTURE: Option<&str> = if cfg!(target_arch = "x86_64") {
    Some("x86_64")
} else if cfg!(target_arch = "aarch64") {
    Some("arm64")
} else {
    None
};

/// Each demo function: an event, and what must be in the answer to it.
fn demo_functions() -> Vec<(&'static str, Value, Value)> {
    const ORDER: &str =
        r#"{"order_id": "1", "currency": "EUR", "lines": [{"sku": "a", "quantity": 3, "price": "12.50"}]}"#;
    vec![
        (
            "csv-to-json",
            json!({"body": "a,b\r\n1,\"x\"\"y\"\r\n"}),
            json!({"statusCode": 200, "body": r#"[{"a":"1","b":"x\"y"}]"#}),
        ),
        (
            "iban-check",
            json!({"iban": "DE89 3704 0044 0532 0130 00"}),
            json!({"valid": true, "printed": "DE89 3704 0044 0532 0130 00"}),
        ),
        (
            "order-intake",
            json!({"body": ORDER}),
            json!({"statusCode": 200, "body": r#"{"order_id": "1", "currency": "EUR", "total": "37.50"}"#}),
        ),
        (
            "order-summary",
            json!({"Records": [{"messageId": "1", "body": ORDER}, {"messageId": "2", "body": "{"}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "2"}]}),
        ),
        (
            "test-lambda-hash-demo-2",
            json!({"text": "abc"}),
            json!({
                "bytes": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            }),
        ),
        // Its only target is the Runtime API itself, which knows no such page.
        ("uptime-probe", json!({}), json!([{"status": "404"}])),
    ]
}

#[test]
fn every_demo_function_answers() {
    let dir = Dir::new();
    let code = Path::new(REPOSITORY).join("code");
    let config = Path::new(REPOSITORY).join("lambda-json");
    dir.command(["build"])
        .env("LAMBDA_PACK_CODE_DIR", &code)
        .env("LAMBDA_PACK_CONFIG_DIR", &config)
        .env("LAMBDA_PACK_OUT_DIR", dir.join("dist"))
        .ok();
    let cases = demo_functions();
    let defined = fs::read_dir(&config).unwrap().count();
    assert_eq!(cases.len(), defined, "an event for each demo function");
    for (name, event, expected) in cases {
        let definition: Value =
            serde_json::from_slice(&fs::read(config.join(format!("{name}.json"))).unwrap()).unwrap();
        let text = |key: &str| definition[key].as_str().unwrap();
        let variables = definition["environment"].as_object();
        let mut environment: Vec<(&str, &str)> = variables
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
            .collect();
        environment.push(("TARGETS", "{runtime api}"));
        let function = Function {
            runtime: text("runtime"),
            handler: text("handler"),
            environment,
        };
        let zip = dir.join(&format!("dist/{name}.zip"));
        let Some(answer) = invoke(&zip, &function, &event) else {
            continue;
        };
        let answer = answer.response();
        assert!(holds(&answer, &expected), "{name}: {answer}");
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

/// A function with dependencies: what is written, and what it answers.
struct Project {
    runtime: &'static str,
    build: &'static str,
    files: &'static [(&'static str, &'static str)],
    event: fn() -> Value,
    expected: fn() -> Value,
    /// There are at least as many.
    packages: usize,
}

const PYTHON_FILES: &[(&str, &str)] = &[
    ("requirements.txt", include_str!("../fixtures/python/requirements.txt")),
    (
        "app.py",
        "import platform, pydantic, requests\n\n\
        class Event(pydantic.BaseModel):\n    url: pydantic.HttpUrl\n    n: int\n\n\
        def handler(event, context):\n    event = Event(**event)\n    \
        request = requests.Request('GET', str(event.url), params={'n': event.n + 1}).prepare()\n    \
        return {'url': request.url, 'python': platform.python_version_tuple()[:2], 'id': context.aws_request_id}\n",
    ),
];

const PROJECTS: &[Project] = &[
    Project {
        runtime: "python3.12",
        build: r#"{"type": "python"}"#,
        files: PYTHON_FILES,
        event: || json!({"url": "https://example.org/a", "n": "41"}),
        expected: || json!({"url": "https://example.org/a?n=42", "python": ["3", "12"]}),
        packages: 9,
    },
    Project {
        runtime: "python3.13",
        build: r#"{"type": "python"}"#,
        files: PYTHON_FILES,
        event: || json!({"url": "https://example.org/a", "n": "41"}),
        expected: || json!({"url": "https://example.org/a?n=42", "python": ["3", "13"]}),
        packages: 9,
    },
    // Each direct dependency is loaded.
    Project {
        runtime: "nodejs22.x",
        build: r#"{"type": "node"}"#,
        files: &[
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
        ],
        event: || json!({"version": "1.2.3"}),
        expected: || json!({"loaded": 31, "next": "1.3.0", "node": "v22", "id": true}),
        packages: 300,
    },
];

#[test]
fn every_package_with_dependencies_answers_and_has_the_same_bytes_elsewhere() {
    let Some(architecture) = THIS_ARCHITECTURE else {
        eprintln!("SKIPPED: Lambda has no {}", std::env::consts::ARCH);
        return;
    };
    for project in PROJECTS {
        let dirs = [project.write(architecture), project.write(architecture)];
        let [first, second] = dirs.each_ref().map(|dir| {
            let built = dir.command(["build", "--json", "--no-cache"]).ok();
            built.json()[0].clone()
        });
        assert_eq!(first["code_sha256"], second["code_sha256"], "{}", project.runtime);
        assert_eq!(first["source_hash"], second["source_hash"], "{}", project.runtime);
        let zip = dirs[0].join("dist/app.zip");
        assert!(packages(&zip) >= project.packages, "{}", project.runtime);
        let function = Function {
            runtime: project.runtime,
            handler: "app.handler",
            environment: Vec::new(),
        };
        if let Some(answer) = invoke(&zip, &function, &(project.event)()) {
            let (answer, expected) = (answer.response(), (project.expected)());
            assert!(holds(&answer, &expected), "{}: {answer}", project.runtime);
        }
    }
}

impl Project {
    fn write(&self, architecture: &str) -> Dir {
        let dir = Dir::new();
        for (path, content) in self.files {
            dir.write(&format!("code/app/{path}"), content);
        }
        let Project { runtime, build, .. } = self;
        dir.write(
            "lambda-json/app.json",
            format!(
                r#"{{"runtime": "{runtime}", "handler": "app.handler", "architectures": ["{architecture}"],
                    "source": "app", "build": {build}}}"#
            ),
        );
        dir
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
