//! What `remote start` sends, and shards: many machines that upload one project.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use aws_sdk_codebuild::types::{
    ArtifactsType, ComputeType, EnvironmentType, ProjectArtifacts, ProjectEnvironment, ProjectSource, SourceType,
};
use serde_json::{Value, json};

use crate::s3::published;
use crate::support::codebuild::{Call, CodeBuild, build, error, without_log};
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{MOTO, Project, config};
use crate::support::{BINARY, Dir, PYTHON, TestCommand, run};

/// CodeBuild that starts one build for each token.
fn codebuild() -> CodeBuild {
    CodeBuild::scripted(|call, before| match call.operation.as_str() {
        "StartBuild" => {
            let id = format!("p:{before}");
            (
                200,
                json!({"build": without_log(build(&id, "IN_PROGRESS", &[("QUEUED", "", "")]))}),
            )
        }
        _ => error("InvalidAction"),
    })
}

fn start(project: &Project, server: &CodeBuild) -> TestCommand {
    server.after(project.command(["remote", "start", "--codebuild-project", "p", "--json"]))
}

/// With a module beside the functions. Each project has one of its own: moto's records are those of all tests.
fn with_module(project: &Project) -> Vec<&str> {
    project.dir.write("module/app.tf", "# nothing\n");
    project.dir.write("module/deployspec.yaml", "version: 0.2\n");
    project.dir.write("module/tool", "#!/bin/sh\n");
    project.dir.chmod("module/tool", 0o755);
    project.dir.symlink("tool", "module/link");
    vec![
        "--project",
        &project.bucket,
        "--deployment",
        "prod",
        "--group",
        "data",
        "--module",
        "orders",
        "--source",
        "module",
        "--layout",
        "lambda-pack",
        "--bucket",
        &project.bucket,
    ]
}

fn variable(call: &Call, name: &str) -> Value {
    let variables = call.body["environmentVariablesOverride"].as_array().unwrap();
    let found = variables.iter().find(|variable| variable["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {variables:?}")).clone()
}

#[test]
fn a_module_is_sent_once_and_its_build_knows_all_by_its_environment() {
    let project = MOTO.project();
    let server = codebuild();
    let module = with_module(&project);
    let proxy = Proxy::before(&project.endpoint, |_| Action::Forward);
    let command = || {
        let command = start(&project, &server).args(module.clone());
        let command = command.args(["--param", "size=large $(x)", "--secret", "password=parameter-store:/db"]);
        command.env("AWS_ENDPOINT_URL", &proxy.endpoint)
    };
    let answer = command().args(["--timeout", "30", "--image", "i"]).ok().json();
    assert_eq!(answer["build_id"], "p:0");
    assert_eq!(answer["status"], "queued");
    assert!(
        answer["logs_url"]
            .as_str()
            .unwrap()
            .contains("/projects/p/build/p%3A0/log")
    );
    command().args(["--timeout", "30", "--image", "i"]).ok();
    command().args(["--timeout", "31", "--image", "i"]).ok();
    command().args(["--timeout", "30", "--image", "i", "--again"]).ok();

    let puts: Vec<String> = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.starts_with("PUT"))
        .collect();
    assert_eq!(puts.len(), 1, "{puts:?}");
    let keys = project.keys();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(
        key.starts_with("prod/data/orders/sources/") && key.ends_with(".zip"),
        "{key}"
    );

    let calls = server.calls("StartBuild");
    let tokens: Vec<&str> = calls
        .iter()
        .map(|call| call.body["idempotencyToken"].as_str().unwrap())
        .collect();
    assert_eq!(tokens[0], tokens[1]);
    assert!(tokens[0] != tokens[2] && tokens[0] != tokens[3]);
    let call = &calls[0];
    assert_eq!(call.body["projectName"], "p");
    assert_eq!(call.body["sourceTypeOverride"], "S3");
    assert_eq!(call.body["sourceLocationOverride"], format!("{}/{key}", project.bucket));
    assert_eq!(call.body["timeoutInMinutesOverride"], 30);
    assert_eq!(call.body["imageOverride"], "i");
    assert_eq!(variable(call, "LAMBDA_PACK_BUNDLE_GROUP")["value"], "data");
    assert_eq!(variable(call, "LAMBDA_PACK_PARAMETER_1")["value"], "size=large $(x)");
    assert_eq!(
        variable(call, "LAMBDA_PACK_HIDDEN_1"),
        json!({"name": "LAMBDA_PACK_HIDDEN_1", "type": "PARAMETER_STORE", "value": "/db"})
    );
    let buildspec = call.body["buildspecOverride"].as_str().unwrap();
    assert!(
        buildspec.contains("bundle run") && !buildspec.contains("large"),
        "{buildspec}"
    );
}

#[test]
fn a_failed_build_is_no_answer_to_a_new_request() {
    let project = MOTO.project();
    let module = with_module(&project);
    // CodeBuild remembers tokens: the first one leads to a build that has failed by now.
    let server = CodeBuild::scripted(|_, before| match before {
        0 => (200, json!({"build": build("p:old", "FAILED", &[])})),
        _ => (200, json!({"build": without_log(build("p:new", "IN_PROGRESS", &[]))})),
    });
    let answer = start(&project, &server).args(module.clone()).ok().json();
    assert_eq!(answer["build_id"], "p:new");
    let calls = server.calls("StartBuild");
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].body["idempotencyToken"], calls[1].body["idempotencyToken"]);
}

#[test]
fn a_failed_build_in_the_records_is_no_answer_either() {
    let project = MOTO.project();
    let module = with_module(&project);
    let server = codebuild();
    let token = || {
        start(&project, &server).args(module.clone()).ok();
        let calls = server.calls("StartBuild");
        calls.last().unwrap().body["idempotencyToken"].clone()
    };
    let first = token();
    let build = project
        .command(["bundle", "run"])
        .args(module.clone())
        .args(["--", "false"]);
    let build = build
        .env("CODEBUILD_BUILD_ID", "p:old")
        .env("AWS_REGION", "us-east-1")
        .run();
    assert_ne!(build.code, 0, "{build:?}");
    let second = token();
    assert_ne!(first, second);
    assert_eq!(second, token());
}

#[test]
fn a_request_that_is_sent_again_has_the_same_token() {
    let project = MOTO.project();
    let module = with_module(&project);
    let server = CodeBuild::scripted(|_, before| match before {
        0 => (500, json!({})),
        1 => error("ThrottlingException"),
        _ => (200, json!({"build": without_log(build("p:1", "IN_PROGRESS", &[]))})),
    });
    start(&project, &server).args(module.clone()).ok();
    let mut tokens: Vec<Value> = (server.calls("StartBuild").iter())
        .map(|call| call.body["idempotencyToken"].clone())
        .collect();
    assert_eq!(tokens.len(), 3);
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
}

#[test]
fn dry_runs_ask_for_nothing_and_tell_all() {
    let project = MOTO.project();
    let server = codebuild();
    let module = with_module(&project);
    let proxy = Proxy::before(&project.endpoint, |_| Action::Forward);
    let dry = || {
        start(&project, &server)
            .arg("--dry-run")
            .env("AWS_ENDPOINT_URL", &proxy.endpoint)
    };
    let answer = dry().args(module.clone()).ok().json();
    assert_eq!(answer["status"], "dry_run");
    assert_eq!(answer["build_id"], Value::Null);
    assert!(answer["source_url"].as_str().unwrap().starts_with("s3://"));
    let answer = dry().args(["--shards", "3"]).ok().json();
    assert_eq!(answer.as_array().unwrap().len(), 3);
    assert_eq!(proxy.seen().len() + server.seen().len(), 0);
    assert!(project.keys().is_empty());
}

#[test]
fn what_cannot_be_built_elsewhere_is_said_before_anything_is_sent() {
    let project = MOTO.project();
    let server = codebuild();
    let module = with_module(&project);
    project.dir.write(
        "module/key",
        "aws_secret_access_key = \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY\"\n",
    );
    let refused = start(&project, &server).args(module.clone());
    refused.fails(8, &["module/key", "secret"]);
    start(&project, &server)
        .args(["--shards", "2", "--store", "file://./store"])
        .fails(2, &["s3://bucket/prefix"]);
    project.dir.write("big.bin", "x");
    project.dir.write(
        "lambda-json/app.json",
        r#"{"source": "app.py", "assets": [{"url": "file:big.bin", "path": "bin/big", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}"#,
    );
    start(&project, &server)
        .args(["--shards", "2"])
        .fails(3, &["function `app`", "assets[0].url", "this machine only"]);
    let unnamed = server.after(project.command(["remote", "start", "--shards", "2"]));
    unnamed.fails(2, &["--codebuild-project", "modules/codebuild"]);
    assert!(project.keys().is_empty() && server.seen().is_empty());
}

/// Functions with executables, links, shared files, and files that are left out.
fn with_functions(project: &Project, count: usize) {
    let dir = &project.dir;
    dir.write("code/shared/log.py", "print(1)\n");
    dir.write("code/tool/run", "#!/bin/sh\n");
    dir.chmod("code/tool/run", 0o755);
    dir.symlink("run", "code/tool/link");
    // A link that only leads somewhere once the parts are merged, and one that leads nowhere and is ignored.
    dir.symlink("shared/log.py", "code/tool/merged");
    dir.symlink("/nowhere", "code/tool/.venv");
    dir.write("code/tool/.lambdaignore", "*.tmp\n");
    dir.write("code/tool/x.tmp", "x");
    for number in 0..count {
        dir.write(
            &format!("lambda-json/f{number}.json"),
            format!(
                r#"{{"source": ["tool", {{"path": "shared", "prefix": "shared"}}], "tags": {{"number": "{number}"}}}}"#
            ),
        );
    }
}

/// Runs a build as CodeBuild would, on this machine: in a clean directory, with the source as Python unpacks it, which keeps
/// neither modes nor links.
pub fn simulate(project: &Project, call: &Call, executable: &str) {
    const UNPACK: &str = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    let clean = Dir::new();
    let location = call.body["sourceLocationOverride"].as_str().unwrap();
    let key = location.strip_prefix(&format!("{}/", project.bucket)).unwrap();
    let zip = clean.write("source.zip", project.get(key));
    let source = clean.join("src");
    run(
        &*PYTHON,
        &["-c", UNPACK, zip.to_str().unwrap(), source.to_str().unwrap()],
    );
    let mode = fs::metadata(source.join(executable)).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0, "Python keeps no modes");

    let spec: Value = serde_json::from_str(call.body["buildspecOverride"].as_str().unwrap()).unwrap();
    let phases = ["install", "pre_build", "build"].map(|phase| spec["phases"][phase]["commands"].as_array().unwrap());
    let commands: Vec<&str> = phases
        .iter()
        .flat_map(|commands| commands.iter())
        .map(|it| it.as_str().unwrap())
        .collect();
    let bin = std::path::Path::new(BINARY).parent().unwrap().display();
    let mut command = Command::new("sh");
    command
        .args(["-ec", &commands.join("\n")])
        .current_dir(&source)
        .env_clear()
        .env("PATH", format!("{bin}:/usr/bin:/bin"))
        .env("HOME", clean.path())
        .env("CODEBUILD_SRC_DIR", &source)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test-secret")
        .env("AWS_ENDPOINT_URL", &project.endpoint);
    for variable in call.body["environmentVariablesOverride"].as_array().unwrap() {
        command.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn builds_of_shards_publish_what_this_machine_would() {
    let project = MOTO.project();
    with_functions(&project, 12);
    let server = codebuild();
    let rows = start(&project, &server).args(["--shards", "3"]).ok().json();
    let ids: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["build_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["p:0", "p:1", "p:2"]);
    assert_eq!(rows[1]["shard"], "2/3");
    let calls = server.calls("StartBuild");
    let sources: Vec<&Value> = calls.iter().map(|call| &call.body["sourceLocationOverride"]).collect();
    assert!(sources.iter().all(|source| source == &sources[0]), "one source for all");
    for call in &calls {
        simulate(&project, call, "code/tool/run");
    }
    // What Terraform asks for is all there, and nothing is left to do.
    published(&project).ok();
    let statuses = project.command(["upload", "--json"]).ok().statuses();
    assert_eq!(statuses.len(), 13);
    assert!(statuses.iter().all(|status| status == "unchanged"), "{statuses:?}");
}

#[test]
fn the_build_of_a_module_stores_what_this_machine_would() {
    let project = MOTO.project();
    let server = codebuild();
    let module = with_module(&project);
    project.dir.write(
        "elsewhere.yaml",
        "version: 0.2\nphases: {build: {commands: [./link]}}\n",
    );
    let module = [module, vec!["--spec", "elsewhere.yaml"]].concat();
    start(&project, &server)
        .args(module.clone())
        .args(["--param", "a=b c", "--", "./tool", "x y"])
        .ok();
    simulate(&project, &server.calls("StartBuild")[0], "tool");
    let check = |parameter: &str| {
        let check = project.command(["bundle", "check", "--json"]).args(module.clone());
        check
            .env("AWS_REGION", "us-east-1")
            .args(["--param", parameter])
            .ok()
            .json()["decision"]
            .clone()
    };
    assert_eq!(check("a=b c"), "hit");
    assert_eq!(check("a=b"), "miss_changed");
}

#[test]
fn overlapping_and_repeated_shards_are_harmless() {
    let project = MOTO.project();
    with_functions(&project, 30);
    let shards = ["1/2", "2/2", "1/3", "2/3", "3/3", "1/3", "2/2"];
    let uploaded: Vec<(&str, Value)> = thread::scope(|scope| {
        let running = shards.map(|shard| {
            let project = &project;
            scope.spawn(move || {
                (
                    shard,
                    project.command(["upload", "--json", "--shard", shard]).ok().json(),
                )
            })
        });
        running.map(|thread| thread.join().unwrap()).into()
    });
    let names = |of: &str| -> Vec<String> {
        let rows = uploaded.iter().filter(|(shard, _)| shard.ends_with(of));
        let rows = rows.flat_map(|(_, rows)| rows.as_array().unwrap());
        let mut names: Vec<String> = rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(names("/2").len(), 31);
    assert_eq!(names("/2"), names("/3"));
    assert_eq!(project.keys_of("records").len(), 31);
    assert_eq!(project.keys_of("packages").len(), 31);
    published(&project).ok();
    let statuses = project.command(["upload", "--json"]).ok().statuses();
    assert!(statuses.iter().all(|status| status == "unchanged"));
}

#[test]
fn a_shard_without_functions_is_done_at_once() {
    let dir = Dir::with_app();
    let rows = |shard: &str| dir.command(["upload", "--json", "--shard", shard]).ok().json();
    let sizes: Vec<usize> = (1..=5)
        .map(|index| rows(&format!("{index}/5")).as_array().unwrap().len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1, "{sizes:?}");
    dir.command(["upload", "--shard", "6/5"]).fails(2, &["I/N"]);
}

#[test]
fn restoring_refuses_what_was_not_sent() {
    let project = MOTO.project();
    with_functions(&project, 1);
    let server = codebuild();
    start(&project, &server).args(["--shards", "1"]).ok();
    let dir = Dir::new();
    let zip = dir.write("source.zip", project.get(&project.keys()[0]));
    zip::ZipArchive::new(fs::File::open(zip).unwrap())
        .unwrap()
        .extract(dir.join("src"))
        .unwrap();
    let restore = || dir.command(["remote", "restore", "src"]);
    restore().ok();
    restore().ok();
    dir.write("src/code/tool/run", "#!/bin/sh\nreboot\n");
    restore().fails(4, &["code/tool/run", "not what was sent"]);
    let notes = fs::read_to_string(dir.join("src/.lambda-pack/source.json")).unwrap();
    dir.write("src/.lambda-pack/source.json", notes.replace("code/tool/run", "../run"));
    restore().fails(3, &["../run", "leads elsewhere"]);
    dir.command(["remote", "restore", "."])
        .fails(3, &["source.json", "remote start"]);
}

fn create_codebuild_project(name: &str) {
    let source = ProjectSource::builder().r#type(SourceType::S3).location("b/k");
    let environment = ProjectEnvironment::builder()
        .r#type(EnvironmentType::LinuxContainer)
        .image("i")
        .compute_type(ComputeType::BuildGeneral1Small);
    let create = aws_sdk_codebuild::Client::new(&config(&MOTO.endpoint))
        .create_project()
        .name(name)
        .source(source.build().unwrap())
        .artifacts(
            ProjectArtifacts::builder()
                .r#type(ArtifactsType::NoArtifacts)
                .build()
                .unwrap(),
        )
        .environment(environment.build().unwrap())
        .service_role("arn:aws:iam::123456789012:role/x");
    MOTO.wait(create.send()).unwrap();
}

#[test]
fn starts_and_waits_against_moto() {
    let project = MOTO.project();
    create_codebuild_project(&project.bucket);
    let command = |args: &[&'static str]| project.command(args.iter().copied()).env("AWS_REGION", "us-east-1");
    let start = command(&["remote", "start", "--json", "--shards", "2"]).args(["--codebuild-project", &project.bucket]);
    let rows = start.ok().json();
    let ids: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["build_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(rows[0]["status"] == "queued" && ids[0] != ids[1]);
    let wait = command(&["remote", "wait", "--json", "--poll-seconds", "0.1"]).args(ids.iter().map(String::as_str));
    let done = wait.ok().json();
    assert!(done.as_array().unwrap().iter().all(|row| row["status"] == "succeeded"));
    let missing = command(&["remote", "start", "--shards", "1", "--codebuild-project", "nobody"]);
    missing.fails(1, &["nobody", "check the name"]);
}
