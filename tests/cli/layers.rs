//! Layers that are defined beside the functions which name them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Dir, PYTHON, hash_of, run};

/// MiB in a file of zeros, which packs fast.
const MIB: usize = 1024 * 1024;

/// A layer `rules`, and the function `app` that names these layers.
fn project(layers: &[&str]) -> Dir {
    let dir = Dir::with_app();
    dir.write("code/rules/python/rules.py", "RATE = 7\n");
    dir.write(
        "lambda-json/rules.json",
        r#"{"type": "layer", "compatible_runtimes": ["python3.13"], "source": "rules"}"#,
    );
    dir.write("code/other.py", "def handler(event, context):\n    return event\n");
    dir.write("lambda-json/other.json", definition("other", &[]).to_string());
    dir.write("lambda-json/app.json", definition("app", layers).to_string());
    dir
}

fn definition(name: &str, layers: &[&str]) -> Value {
    json!({
        "runtime": "python3.13", "handler": format!("{name}.handler"), "source": format!("{name}.py"), "layers": layers
    })
}

fn packages(dir: &Dir, query: Value) -> Value {
    let answer = dir.command(["external", "hash"]).stdin(query.to_string()).ok().json();
    serde_json::from_str(answer["packages"].as_str().unwrap()).unwrap()
}

#[test]
fn a_layer_that_is_not_defined_is_an_error() {
    let refused = |layers: &[&str], expected: &[&str]| {
        project(layers)
            .command(["external", "hash"])
            .stdin("{}")
            .fails(3, &[&["app.json: key `layers`"], expected].concat());
    };
    refused(&["rulse"], &["no layer `rulse` is defined", "did you mean `rules`?"]);
    refused(&["zzz"], &["no layer `zzz` is defined", "\"type\": \"layer\"", "ARN"]);
    refused(&["other"], &["`other` is a function"]);
    refused(&["rules", "rules"], &["`rules` comes twice"]);
    let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:any:1";
    project(&["rules", arn]).command(["validate"]).ok();
}

/// Lambda takes one version of each layer.
#[test]
fn a_layer_comes_once_by_whatever_arn() {
    let arn = |version: u32| format!("arn:aws:lambda:eu-central-1:123456789012:layer:tools:{version}");
    for versions in [[1, 1], [1, 2]] {
        let [first, second] = versions.map(arn);
        let dir = project(&[&first, &second]);
        dir.command(["validate"]).fails(
            3,
            &["key `layers`: `arn:aws:lambda:eu-central-1:123456789012:layer:tools` comes twice"],
        );
    }
    let other = arn(2).replace("tools", "others");
    project(&[&arn(1), &other]).command(["validate"]).ok();
}

/// The deploy module can't do without them.
#[test]
fn external_hash_of_a_function_has_its_layers() {
    let dir = project(&["rules"]);
    let named = packages(&dir, json!({"names": "[\"app\"]"}));
    let all = packages(&dir, json!({}));
    let names: Vec<&String> = named.as_object().unwrap().keys().collect();
    assert_eq!(names, ["app", "rules"]);
    assert_eq!(named["rules"], all["rules"]);
    assert_eq!(named["app"], all["app"]);
}

/// What is asked for is done, and nothing else: each upload of the build module is for one package.
#[test]
fn building_a_function_does_not_build_its_layers() {
    let dir = project(&["rules"]);
    let rows = dir.command(["build", "app", "--json"]).ok().json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert!(!dir.join("dist/rules.zip").exists());
    let rows = dir.command(["upload", "app", "--json"]).ok().json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert!(!dir.join(".lambda-pack/store/packages/rules").exists());
}

/// A change of a layer changes the layer alone; the functions that name it get it by their configuration.
#[test]
fn a_layer_does_not_decide_what_is_in_a_function() {
    let dir = project(&["rules"]);
    let before = packages(&dir, json!({}));
    dir.write("code/rules/python/rules.py", "RATE = 19\n");
    let after = packages(&dir, json!({}));
    assert_eq!(before["app"], after["app"]);
    assert_ne!(before["rules"]["source_hash"], after["rules"]["source_hash"]);
}

#[test]
fn layers_count_for_the_unzipped_size() {
    let dir = project(&["rules"]);
    dir.write("code/app.py", vec![b'#'; MIB]);
    let fill = |mib: usize| dir.write("code/rules/python/model.bin", vec![0; mib * MIB]);
    // "RATE = 7" is what makes it too large.
    fill(249);
    let expected = [
        "function `app`",
        "Lambda takes at most 262144000",
        "layer rules 261.1 MB",
    ];
    dir.command(["validate", "app"]).fails(3, &expected);
    dir.command(["upload", "app"]).fails(3, &expected);
    assert!(!dir.join(".lambda-pack/store/packages").exists());
    let warned = dir.command(["build", "app"]).ok();
    assert!(warned.stderr.contains("262144009 bytes"), "{}", warned.stderr);
    // The layer alone has its place.
    dir.command(["validate", "rules"]).ok();
    fs::remove_file(dir.join("code/rules/python/rules.py")).unwrap();
    dir.command(["validate"]).ok();
    dir.command(["upload"]).ok();
    // What was published can't be deployed any more.
    fill(250);
    dir.command(["upload", "app"]).fails(3, &expected[..2]);
}

#[test]
fn a_layer_for_something_else_is_a_warning() {
    let dir = project(&["rules"]);
    let warned = |changed: Value, expected: &str| {
        let mut definition = definition("app", &["rules"]);
        definition
            .as_object_mut()
            .unwrap()
            .extend(changed.as_object().unwrap().clone());
        dir.write("lambda-json/app.json", definition.to_string());
        let stderr = dir.command(["validate", "app"]).ok().stderr;
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    };
    warned(
        json!({"runtime": "python3.12"}),
        "its runtime is python3.12, its layer `rules` is for python3.13",
    );
    warned(
        json!({"architectures": ["arm64"]}),
        "its architecture is arm64, its layer `rules` is for x86_64",
    );
    dir.write("lambda-json/app.json", definition("app", &["rules"]).to_string());
    assert_eq!(dir.command(["validate", "app"]).ok().stderr, "");
}

/// A function whose dependencies go into a layer.
fn split(build: Value) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import idna\n");
    dir.write(
        "code/app/requirements.txt",
        format!("idna==3.10 --hash=sha256:{}\n", "0".repeat(64)),
    );
    let definition = json!({
        "runtime": "python3.13", "handler": "app.handler", "architectures": ["arm64"], "source": "app",
        "layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:any:1"], "build": build
    });
    dir.write("lambda-json/app.json", definition.to_string());
    dir
}

#[test]
fn dependencies_split_off_are_a_layer_that_the_function_names() {
    let dir = split(json!({"type": "python", "dependencies": "layer"}));
    let before = packages(&dir, json!({"names": "[\"app\"]"}));
    assert_eq!(
        before["app-dependencies"]["definition"],
        json!({
            "function_name": "app-dependencies", "type": "layer", "description": "Dependencies of app",
            "architectures": ["arm64"], "compatible_runtimes": ["python3.13"]
        })
    );
    assert_eq!(
        before["app"]["definition"]["layers"],
        json!(["arn:aws:lambda:eu-west-1:123456789012:layer:any:1", "app-dependencies"])
    );
    // The function is its sources, the layer its dependencies: neither changes with the other.
    assert_eq!(before["app"]["source_hash"], hash_of(&dir.join("code/app")));
    dir.write("code/app/app.py", "import idna  # changed\n");
    let after = packages(&dir, json!({}));
    assert_ne!(after["app"]["source_hash"], before["app"]["source_hash"]);
    assert_eq!(after["app-dependencies"], before["app-dependencies"]);
    dir.write(
        "code/app/requirements.txt",
        format!("idna==3.10 --hash=sha256:{}\n", "1".repeat(64)),
    );
    let locked = packages(&dir, json!({}));
    assert_ne!(
        locked["app-dependencies"]["source_hash"],
        after["app-dependencies"]["source_hash"]
    );
}

#[test]
fn dependencies_in_the_package_are_no_layer() {
    let dir = split(json!({"type": "python", "dependencies": "package"}));
    let answer = packages(&dir, json!({}));
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let plain = packages(&split(json!({"type": "python"})), json!({}));
    assert_eq!(answer, plain);
}

#[test]
fn dependencies_that_cannot_be_split_off_are_an_error() {
    let build = json!({"type": "python", "dependencies": "layer"});
    let refused = |changed: Value, expected: &[&str]| {
        let dir = split(build.clone());
        let mut definition =
            json!({"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": build});
        definition
            .as_object_mut()
            .unwrap()
            .extend(changed.as_object().unwrap().clone());
        let definition: serde_json::Map<_, _> = definition
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect();
        dir.write("lambda-json/app.json", Value::from(definition).to_string());
        dir.command(["validate"]).fails(3, expected);
    };
    refused(json!({"runtime": null}), &["app.json: key `runtime` is missing"]);
    refused(
        json!({"type": "layer", "runtime": null, "handler": null}),
        &["app.json:1:", ": key `build.dependencies`", "remove the key"],
    );
    let long = "a".repeat(60);
    refused(
        json!({"function_name": long}),
        &["-dependencies`, whose name must be 1 to 64", "shorten"],
    );
    refused(
        json!({"build": {"type": "python", "dependencies": "both"}}),
        &["app.json:1:", "`both`", "`layer`"],
    );
    refused(
        json!({"layers": ["app-dependencies"]}),
        &["`app-dependencies` comes twice"],
    );
}

/// What an independent validator says of these definitions.
fn schema_accepts(dir: &Dir, definitions: &[Value]) -> Vec<bool> {
    const VALIDATE: &str = "import json, sys, jsonschema\n\
        schema, definitions = (json.load(open(path)) for path in sys.argv[1:])\n\
        jsonschema.Draft202012Validator.check_schema(schema)\n\
        validator = jsonschema.Draft202012Validator(schema)\n\
        print(json.dumps([validator.is_valid(definition) for definition in definitions]))";
    let schema = dir.write("schema.json", dir.command(["schema"]).ok().stdout);
    let definitions = dir.write("definitions.json", json!(definitions).to_string());
    let answer = run(
        &*PYTHON,
        &["-c", VALIDATE, schema.to_str().unwrap(), definitions.to_str().unwrap()],
    );
    serde_json::from_str(&answer).unwrap()
}

/// An editor knows the schema alone.
#[test]
fn schema_and_validate_refuse_the_same_keys_of_layers() {
    let sample = |key: &str| match key {
        "runtime" => json!("python3.13"),
        "handler" => json!("app.handler"),
        "memory_size" => json!(256),
        "timeout" | "reserved_concurrent_executions" => json!(5),
        "environment" | "tags" => json!({"LEVEL": "info"}),
        "layers" => json!(["arn:aws:lambda:eu-west-1:123456789012:layer:rules:1"]),
        "ephemeral_storage" => json!({"size": 512}),
        "tracing_config" => json!({"mode": "Active"}),
        "dead_letter_config" => json!({"target_arn": "arn:aws:sqs:eu-west-1:123456789012:dead"}),
        "vpc_config" => json!({"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}),
        "kms_key_arn" => json!("arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"),
        "policy_statements" => json!([{"actions": ["s3:GetObject"], "resources": ["*"]}]),
        other => panic!("say a value of `{other}`"),
    };
    let dir = Dir::with_app();
    dir.write("code/rules/python/rules.py", "RATE = 7\n");
    let layer = |key: &str, value: Value| {
        let mut layer = json!({"type": "layer", "compatible_runtimes": ["python3.13"], "source": "rules"});
        layer[key] = value;
        layer
    };
    let function = |key: &str, value: Value| {
        let mut function = json!({"runtime": "python3.13", "handler": "app.handler", "source": "app.py"});
        function[key] = value;
        function
    };
    let schema = dir.command(["schema"]).ok().json();
    let refused = schema["then"]["properties"].as_object().unwrap();
    let keys = refused.iter().filter(|(_, schema)| **schema == json!(false));
    let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys.len(), 14, "{keys:?}");
    let refused = keys
        .iter()
        .map(|key| (layer(key, sample(key)), format!("key `{key}` is for functions only")));
    let secret = json!([{"id": "token", "class": "user_prompt", "target": "TOKEN"}]);
    let refused = refused.chain([
        (
            function("compatible_runtimes", json!(["python3.13"])),
            "is for layers only".to_owned(),
        ),
        (
            layer("secrets", secret.clone()),
            "a layer can't have the secret `token`".to_owned(),
        ),
        (
            layer("build", json!({"type": "python", "dependencies": "layer"})),
            "a layer has its dependencies in itself".to_owned(),
        ),
        (
            layer("build", json!({"type": "node", "bundle": {"entry": ["index.ts"]}})),
            "a bundle is for functions".to_owned(),
        ),
        (
            layer("build", json!({"type": "go"})),
            "which layers have no use for".to_owned(),
        ),
        (
            layer("build", json!({"type": "rust"})),
            "which layers have no use for".to_owned(),
        ),
    ]);
    let refused: Vec<(Value, String)> = refused.collect();
    for (definition, words) in &refused {
        dir.write("lambda-json/tried.json", definition.to_string());
        dir.command(["validate", "tried"]).fails(3, &[words]);
    }
    let definitions: Vec<Value> = refused.into_iter().map(|(definition, _)| definition).collect();
    let accepts = schema_accepts(&dir, &definitions);
    let missed: Vec<_> = definitions
        .iter()
        .zip(accepts)
        .filter(|(_, accepts)| *accepts)
        .collect();
    assert!(missed.is_empty(), "the schema takes {missed:#?}");
    // The kind alone makes the difference.
    let accepted = keys.iter().map(|key| function(key, sample(key)));
    let command = json!({"type": "command", "command": ["make"], "output": "out"});
    let accepted = accepted.chain([
        function("type", json!("function")),
        function("secrets", secret),
        function("build", json!({"type": "go"})),
        function("build", json!({"type": "python", "dependencies": "layer"})),
        layer("description", json!("Rules")),
        layer("build", json!({"type": "python", "dependencies": "package"})),
        layer("build", command),
    ]);
    let accepted: Vec<Value> = accepted.collect();
    for (definition, accepts) in accepted.iter().zip(schema_accepts(&dir, &accepted)) {
        assert!(accepts, "the schema refuses {definition}");
    }
    for definition in accepted.iter().filter(|definition| definition["build"].is_null()) {
        dir.write("lambda-json/tried.json", definition.to_string());
        dir.command(["validate", "tried"]).ok();
    }
}
