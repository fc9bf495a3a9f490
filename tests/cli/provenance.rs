//! Statements who built packages: an independent reader of in-toto's and SLSA's definitions, and what `verify` makes of them.

use std::fs;

use serde_json::{Value, json};

use crate::s3::{against_both, upload};
use crate::sbom::node_project;
use crate::support::kills::counted;
use crate::support::proxy::Action;
use crate::support::server::{Project, Server};
use crate::support::{Dir, PYTHON, Run, TestCommand, git, hash_of, run, sha256};

against_both!(
    a_statement_stands_beside_its_package,
    it_goes_where_its_package_goes,
    what_contradicts_a_package_is_found,
);

/// Refuses keys and types that the published definitions don't know, and what their authors' own checks don't accept; and what SLSA
/// requires beside.
const VALIDATE: &str = "import sys, json
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
text = open(sys.argv[1], encoding='utf-8').read()
Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
predicate = json_format.ParseDict(json.loads(text)['predicate'], provenance_pb2.Provenance())
for dependency in predicate.build_definition.resolved_dependencies:
    ResourceDescriptor.copy_from_pb(dependency).validate()
assert predicate.build_definition.build_type and predicate.build_definition.external_parameters
assert predicate.run_details.builder.id
print(json.loads(text)['predicateType'])";

const PASSWORD: &str = "hunter2-of-origin";

/// As on nobody's build server.
fn at_home(command: TestCommand) -> TestCommand {
    let command = command.env("GITHUB_ACTIONS", "").env("GITLAB_CI", "");
    command
        .env("CODEBUILD_BUILD_ARN", "")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
}

/// The only statement of a store in a directory, after the definitions have agreed.
#[track_caller]
fn stated(dir: &Dir) -> (Vec<u8>, Value) {
    let mut files = fs::read_dir(dir.join(".lambda-pack/store/provenance/app")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    let content = fs::read(&file).unwrap();
    let kind = run(&*PYTHON, &["-c", VALIDATE, file.to_str().unwrap()]);
    assert_eq!(kind.trim(), "https://slsa.dev/provenance/v1");
    let json = serde_json::from_slice(&content).unwrap();
    (content, json)
}

fn definition(statement: &Value) -> &Value {
    &statement["predicate"]["buildDefinition"]
}

fn commit_of(statement: &Value) -> &Value {
    &definition(statement)["resolvedDependencies"][0]
}

fn repository() -> (Dir, String) {
    let dir = Dir::with_app();
    dir.write(".gitignore", "/.lambda-pack/\n");
    git(dir.path(), &["init", "--quiet", "--initial-branch=trunk"]);
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--message=x"]);
    let remote = format!("https://user:{PASSWORD}@example.com/shop/app.git");
    git(dir.path(), &["remote", "add", "origin", &remote]);
    let head = git(dir.path(), &["rev-parse", "HEAD"]).trim().to_owned();
    (dir, head)
}

fn uploaded(dir: &Dir) -> Value {
    at_home(dir.command(["upload", "--json", "-vv"])).ok();
    stated(dir).1
}

fn verify(project: &Project, args: &[&str]) -> TestCommand {
    at_home(project.command(["verify", "--provenance"])).args(args.iter().copied())
}

/// Fails with exit code 4, after it has said what it found.
#[track_caller]
fn contradicted(command: TestCommand, words: &[&str]) -> Run {
    let run = command.run();
    assert_eq!(run.code, 4, "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "no {word:?} in {}", run.stderr);
    }
    run
}

fn a_statement_stands_beside_its_package(server: &'static Server) {
    let project = server.project();
    let row = at_home(project.command(["upload", "--json"])).ok().json()[0].clone();
    let package = project.keys_of("packages").remove(0);
    let digest = sha256(&project.get(&package));
    let source_hash = hash_of(&project.dir.join("code/app.py"));
    let key = format!("some/prefix/provenance/app/{source_hash}.{digest}.intoto.json");
    assert_eq!(project.keys_of("provenance"), std::slice::from_ref(&key));
    let content = project.get(&key);
    project
        .dir
        .write(".lambda-pack/store/provenance/app/copy.intoto.json", &content);
    let (_, statement) = stated(&project.dir);
    assert_eq!(
        statement,
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "app.zip", "digest": {"sha256": digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": "urn:lambda-pack:package:v1",
                    "externalParameters": {"function_name": "app"},
                    "internalParameters": {"hash_version": 1, "package_format": 1},
                    "resolvedDependencies": [{"name": "source", "digest": {"lambdaPackSourceV1": source_hash}}],
                },
                "runDetails": {
                    "builder": {"id": "urn:lambda-pack:builder:local", "version": {"lambda-pack": env!("CARGO_PKG_VERSION")}},
                },
            },
        })
    );
    assert_eq!(row["source_hash"], source_hash.as_str());

    // The first one stays, as its package does; what is unchanged asks for nothing of it.
    let elsewhere = |command| at_home(command).env("LAMBDA_PACK_BUILDER_ID", "https://builds.example.com/other");
    let (run, asked) = counted(
        &server.endpoint,
        elsewhere(project.command(["upload", "--json"])),
        |_| Action::Forward,
    );
    assert_eq!(run.statuses(), ["unchanged"]);
    assert!(
        asked.writes().is_empty() && !asked.0.iter().any(|it| it.contains("provenance")),
        "{asked:?}"
    );
    project.delete(&project.keys_of("records").remove(0));
    assert_eq!(
        elsewhere(project.command(["upload", "--json"])).ok().statuses(),
        ["uploaded"]
    );
    assert_eq!(project.get(&key), content);
}

fn it_goes_where_its_package_goes(server: &'static Server) {
    let (from, to) = (server.project(), server.project());
    upload(&from);
    let key = from.keys_of("provenance").remove(0);
    let promoted = from.command(["promote", "--to", &to.store(), "--json"]).ok().json();
    assert_eq!(promoted["packages"][0]["status"], "copied");
    assert_eq!(to.keys_of("provenance"), std::slice::from_ref(&key));
    assert_eq!(to.get(&key), from.get(&key));
    verify(&from, &["--store", &to.store(), "--deep"]).ok();
    // What was published without one is promoted without one.
    let bare = server.project();
    from.delete(&key);
    from.command(["promote", "--to", &bare.store()]).ok();
    assert!(bare.keys_of("provenance").is_empty() && bare.keys_of("records").len() == 1);

    let gc = [
        "gc",
        "--keep",
        "0",
        "--min-age",
        "0",
        "--without-lambda",
        "--without-sources",
        "--yes",
    ];
    let done = to.command(gc).args(["--json"]).ok().json();
    assert_eq!(done["objects"], 4, "{done}");
    assert!(to.keys_of("provenance").is_empty());
}

fn what_contradicts_a_package_is_found(server: &'static Server) {
    let project = server.project();
    upload(&project);
    let key = project.keys_of("provenance").remove(0);
    let sound = project.get(&key);
    for args in [
        &[][..],
        &["app", "--deep"],
        &["--builder-id", "urn:lambda-pack:builder:local"],
    ] {
        let run = verify(&project, args).ok();
        for words in ["same", "urn:lambda-pack:builder:local", "it isn't signed"] {
            assert!(run.stdout.contains(words), "{run:?}");
        }
    }
    let rows = verify(&project, &["--json"]).ok().json();
    assert_eq!(
        (
            &rows[0]["same"],
            &rows[0]["level"],
            &rows[0]["provenance"]["builder_id"]
        ),
        (
            &json!(true),
            &json!("provenance"),
            &json!("urn:lambda-pack:builder:local")
        ),
        "{rows}"
    );
    let text = String::from_utf8(sound.clone()).unwrap();
    let digest = sha256(&project.get(&project.keys_of("packages")[0]));
    let source_hash = hash_of(&project.dir.join("code/app.py"));
    let zeros = "0".repeat(64);
    for (from, to, words) in [
        (digest.as_str(), zeros.as_str(), "its subject has the SHA-256"),
        (&source_hash, &zeros, "its source hash is 0000"),
        ("app.zip", "other.zip", "its subject is called `other.zip`"),
        (
            r#""function_name":"app""#,
            r#""function_name":"other""#,
            "its function is `other`",
        ),
        (
            r#""function_name":"app""#,
            r#""function_name":"app","build_inputs":{"recipe":1}"#,
            "not those of the manifest: recipe",
        ),
        (
            r#""function_name":"app""#,
            r#""function_name":"app","deployment_profile":"prod\u001b[31m""#,
            "has control characters",
        ),
        (
            r#""hash_version":1"#,
            r#""hash_version":2"#,
            "its hash_version is 2, that of the package 1",
        ),
        (
            r#""package_format":1"#,
            r#""package_format":7"#,
            "its package_format is 7, that of the package 1",
        ),
        (
            "slsa.dev/provenance/v1",
            "slsa.dev/provenance/v2",
            "its predicateType is `https://slsa.dev/provenance/v2`",
        ),
        ("in-toto.io/Statement/v1", "in-toto.io/Statement/v0.1", "its _type is"),
        (":package:v1", ":package:v2", "its buildType is"),
        (r#""subject":[{"#, r#""subject":[{"name": "x"},{"#, "about 2 artifacts"),
        (
            "urn:lambda-pack:builder:local",
            "urn:\\u001b[31m\\nsame",
            "has control characters",
        ),
        ("{", "[", "not a statement"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        project.overwrite(&key, text.replace(from, to).into_bytes());
        contradicted(verify(&project, &[]), &[&key, words]);
        let rows = verify(&project, &["--json"]).run();
        assert_eq!((rows.code, &rows.json()[0]["same"]), (4, &json!(false)));
    }
    project.overwrite(&key, sound);
    for (flag, expected, words) in [
        (
            "--builder-id",
            "https://github.com/example",
            "its builder is `urn:lambda-pack:builder:local`, expected was",
        ),
        (
            "--source-uri",
            "github.com/example/shop",
            "its source is none, expected was",
        ),
        ("--source-commit", &zeros, "its commit is none, expected was"),
    ] {
        contradicted(verify(&project, &[flag, expected]), &[words]);
        project
            .command(["verify", "--level", "store", flag, expected])
            .fails(2, &["is for --level provenance"]);
    }
    let package = project.keys_of("packages").remove(0);
    let mut flipped = project.get(&package);
    flipped[40] ^= 1;
    project.delete(&key);
    contradicted(
        verify(&project, &["app"]),
        &[&key, "isn't there: nothing says who built", "older lambda-pack"],
    );
    // The package itself comes first.
    project.overwrite(&package, flipped);
    contradicted(verify(&project, &[]), &[&package]);
}

/// The manifest of a build that was killed after it, the statement of the next one.
#[test]
fn another_profile_in_the_manifest_is_a_note() {
    let dir = Dir::with_app();
    dir.write("lambda-pack.toml", "[profiles.prod]\nfunctions = [\"app\"]\n");
    let upload = |profile: &[&str]| at_home(dir.command(["upload"])).args(profile.iter().copied()).ok();
    upload(&["--deployment-profile", "prod"]);
    for part in ["provenance", "records"] {
        fs::remove_dir_all(dir.join(&format!(".lambda-pack/store/{part}"))).unwrap();
    }
    upload(&[]);
    let verify = || at_home(dir.command(["verify", "--provenance"]));
    let note = "its statement names the deployment profile none, the definition in its manifest `prod`";
    let run = verify().ok();
    assert!(run.stdout.contains(&format!("note: function `app`: {note}")), "{run:?}");
    let rows = verify().arg("--json").ok().json();
    assert_eq!(rows[0]["same"], true, "{rows}");
    assert!(rows[0]["note"].as_str().unwrap().contains(note), "{rows}");
    // The same build wrote both.
    fs::remove_dir_all(dir.join(".lambda-pack/store")).unwrap();
    upload(&["--deployment-profile", "prod"]);
    let rows = verify().arg("--json").ok().json();
    assert_eq!(
        (&rows[0]["note"], &rows[0]["provenance"]["deployment_profile"]),
        (&Value::Null, &json!("prod")),
        "{rows}"
    );
}

#[test]
fn the_same_commit_and_builder_make_the_same_bytes_elsewhere() {
    let (dir, head) = repository();
    uploaded(&dir);
    let (bytes, statement) = stated(&dir);
    assert_eq!(
        *commit_of(&statement),
        json!({
            "uri": "git+https://example.com/shop/app.git@refs/heads/trunk",
            "digest": {"gitCommit": head},
            "annotations": {"dirty": false},
        })
    );
    let other = Dir::new();
    let checkout = other.join("deep/er");
    git(
        other.path(),
        &["clone", "--quiet", dir.path().to_str().unwrap(), "deep/er"],
    );
    let remote = "https://another:token@example.com/shop/app.git";
    git(&checkout, &["remote", "set-url", "origin", remote]);
    let command = at_home(other.command(["upload"])).current_dir(&checkout);
    command.env("TZ", "Asia/Tokyo").ok();
    let name = fs::read_dir(checkout.join(".lambda-pack/store/provenance/app")).unwrap();
    let file = name.map(|it| it.unwrap().path()).next().unwrap();
    assert_eq!(fs::read(file).unwrap(), bytes);
    let find = ["--source-uri", "github.com/shop/app"];
    contradicted(
        at_home(dir.command(["verify", "--provenance"])).args(find),
        &["git+https://example.com/shop/app.git"],
    );
    let expected = [
        "--source-uri",
        "example.com/shop/app@refs/heads/trunk",
        "--source-commit",
        &head,
    ];
    at_home(dir.command(["verify", "--provenance"])).args(expected).ok();
}

#[test]
fn what_is_not_in_the_commit_is_said() {
    let (dir, head) = repository();
    dir.write("code/app.py", "def handler(event, context):\n    return 'changed'\n");
    let statement = uploaded(&dir);
    assert_eq!(commit_of(&statement)["annotations"]["dirty"], true);
    assert_eq!(commit_of(&statement)["digest"]["gitCommit"], head.as_str());
    contradicted(
        at_home(dir.command(["verify", "--provenance", "--source-commit", &head])),
        &["files differed"],
    );

    // Nor does a commit that this clone alone calls by that name count.
    let (dir, head) = repository();
    dir.write("code/app.py", "def handler(event, context):\n    return 'another'\n");
    git(dir.path(), &["commit", "--quiet", "--all", "--message=z"]);
    let other = git(dir.path(), &["rev-parse", "HEAD"]);
    git(dir.path(), &["reset", "--quiet", "--soft", &head]);
    git(dir.path(), &["replace", &head, other.trim()]);
    assert_eq!(commit_of(&uploaded(&dir))["annotations"]["dirty"], true);

    // A file that git doesn't know is packed, too.
    let (dir, head) = repository();
    dir.write("code/new.py", "def handler(event, context):\n    return 'new'\n");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "new.handler", "source": "new.py"}"#,
    );
    git(dir.path(), &["add", "lambda-json"]);
    git(dir.path(), &["commit", "--quiet", "--message=y"]);
    let statement = uploaded(&dir);
    assert_eq!(commit_of(&statement)["annotations"]["dirty"], true);
    contradicted(
        at_home(dir.command(["verify", "--provenance", "--source-commit", &head])),
        &["its commit is `"],
    );
}

#[test]
fn credentials_of_a_remote_are_shown_nowhere() {
    let (dir, _) = repository();
    for remote in [
        format!("https://user:{PASSWORD}@example.com/shop/app"),
        format!("https://{PASSWORD}@example.com/shop/app"),
        format!("https://example.com/shop/app?token={PASSWORD}"),
        format!("https://user:a/{PASSWORD}@example.com/shop/app"),
    ] {
        git(dir.path(), &["remote", "set-url", "origin", &remote]);
        fs::remove_dir_all(dir.join(".lambda-pack")).ok();
        let upload = at_home(dir.command(["upload", "-vv"])).ok();
        let verify = at_home(dir.command(["verify", "--provenance", "--json"])).ok();
        let refused = contradicted(
            at_home(dir.command(["verify", "--provenance", "--source-uri", "example.com/x"])),
            &["its source is"],
        );
        for run in [&upload, &verify, &refused] {
            assert!(!format!("{run:?}").contains(PASSWORD), "{run:?}");
        }
        let stored = dir.snapshot();
        let mut stored = stored
            .iter()
            .filter(|(path, _)| path.to_str().unwrap().contains("/store/"));
        let holds = |content: &[u8]| content.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
        assert!(stored.all(|(_, content)| !holds(content)));
    }
    // Nor is a path of this machine.
    git(
        dir.path(),
        &["remote", "set-url", "origin", dir.path().to_str().unwrap()],
    );
    fs::remove_dir_all(dir.join(".lambda-pack")).unwrap();
    let statement = uploaded(&dir);
    let git = commit_of(&statement);
    assert_eq!((&git["name"], git.get("uri")), (&json!("git"), None));
}

#[test]
fn a_secret_of_the_infrastructure_is_in_no_statement() {
    let (dir, _) = repository();
    dir.write(
        "lambda-pack.toml",
        "[[profiles.p.secrets]]\nid = \"ci\"\nclass = \"infrastructure\"\nreason = \"x\"\npattern = \"tok_[0-9]{8}\"\n",
    );
    let branch = "feature/tok_12345678";
    git(dir.path(), &["checkout", "--quiet", "-b", branch]);
    let run = at_home(dir.command(["upload"])).fails(3, &["its provenance"]);
    assert!(!format!("{run:?}").contains("tok_12345678"), "{run:?}");
    assert!(!dir.join(".lambda-pack/store/records").exists());
}

#[test]
fn builders_are_known_by_what_their_service_says() {
    let (dir, head) = repository();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        (
            "GITHUB_WORKFLOW_REF",
            "example/shop/.github/workflows/build.yml@refs/heads/main",
        ),
        ("GITHUB_REPOSITORY", "example/shop"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SHA", &head),
        ("GITHUB_REF", "refs/tags/v1"),
    ];
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_URL", "https://gitlab.example.com/shop/app"),
        ("CI_RUNNER_ID", "12"),
        ("CI_JOB_URL", "https://gitlab.example.com/shop/app/-/jobs/9"),
        ("CI_COMMIT_SHA", "0000000000000000000000000000000000000000"),
        ("CI_COMMIT_BRANCH", "of-another-commit"),
    ];
    let arn = "arn:aws:codebuild:eu-west-1:123456789012:build/shop:5ca1ab1e";
    let named = "https://jenkins.example.com/job/shop";
    let trunk = "refs/heads/trunk";
    for (variables, id, invocation, reference) in [
        (
            &github[..],
            "https://github.com/example/shop/.github/workflows/build.yml@refs/heads/main",
            json!("https://github.com/example/shop/actions/runs/77/attempts/2"),
            "refs/tags/v1",
        ),
        (
            &gitlab[..],
            "https://gitlab.example.com/shop/app/-/runners/12",
            json!("https://gitlab.example.com/shop/app/-/jobs/9"),
            trunk,
        ),
        (
            &[("CODEBUILD_BUILD_ARN", arn)],
            "arn:aws:codebuild:eu-west-1:123456789012:project/shop",
            json!(arn),
            trunk,
        ),
        (&[("LAMBDA_PACK_BUILDER_ID", named)], named, Value::Null, trunk),
    ] {
        fs::remove_dir_all(dir.join(".lambda-pack")).ok();
        let mut command = at_home(dir.command(["upload"]));
        for (name, value) in variables {
            command = command.env(name, value);
        }
        command.ok();
        let statement = stated(&dir).1;
        let details = &statement["predicate"]["runDetails"];
        assert_eq!(details["builder"]["id"], id);
        assert_eq!(details["metadata"]["invocationId"], invocation);
        let uri = format!("git+https://example.com/shop/app.git@{reference}");
        assert_eq!(commit_of(&statement)["uri"], uri);
        at_home(dir.command(["verify", "--provenance", "--builder-id", id])).ok();
    }
    for id in ["jenkins", "https://user:hunter2@jenkins", "https://jenkins/a b", "://x"] {
        let command = at_home(dir.command(["upload"])).env("LAMBDA_PACK_BUILDER_ID", id);
        let run = command.fails(2, &["LAMBDA_PACK_BUILDER_ID"]);
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
}

#[test]
fn half_a_service_is_warned_of() {
    let (dir, _) = repository();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_WORKFLOW_REF", "o/r/.github/workflows/b.yml@refs/heads/main"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SHA", "0"),
        ("GITHUB_REF", "refs/heads/main"),
    ];
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_URL", "https://gitlab.example.com/o/r"),
        ("CI_RUNNER_ID", "12"),
        ("CI_JOB_URL", "https://gitlab.example.com/o/r/-/jobs/9"),
        ("CI_COMMIT_SHA", "0"),
        ("CI_COMMIT_BRANCH", "main"),
    ];
    const LOCAL: &str = "urn:lambda-pack:builder:local";
    const OF_GITHUB: &str = "https://github.com/o/r/.github/workflows/b.yml@refs/heads/main";
    const OF_GITLAB: &str = "https://gitlab.example.com/o/r/-/runners/12";
    // The variable that isn't as it should be, what it is, and what is said.
    for (variables, variable, value, builder, said) in [
        (
            &github[..],
            "GITHUB_REPOSITORY",
            "",
            OF_GITHUB,
            "GITHUB_REPOSITORY isn't set",
        ),
        (
            &github,
            "GITHUB_WORKFLOW_REF",
            "",
            LOCAL,
            "GITHUB_WORKFLOW_REF isn't set",
        ),
        (
            &github,
            "GITHUB_WORKFLOW_REF",
            "o/r/b.yml@refs/heads/größe",
            LOCAL,
            "GITHUB_WORKFLOW_REF has characters that no URI has",
        ),
        (
            &github,
            "GITHUB_WORKFLOW_REF",
            "o/r/b.yml?token=hunter2",
            LOCAL,
            "GITHUB_WORKFLOW_REF names no builder",
        ),
        (
            &github,
            "GITHUB_SERVER_URL",
            "https:u:hunter2@h",
            LOCAL,
            "GITHUB_SERVER_URL is no address of a page",
        ),
        (
            &gitlab,
            "CI_PROJECT_URL",
            "u:hunter2@gitlab.example.com/o/r",
            LOCAL,
            "CI_PROJECT_URL is no address of a page",
        ),
        (&gitlab, "CI_RUNNER_ID", "", LOCAL, "CI_RUNNER_ID isn't set"),
        (
            &gitlab,
            "CI_COMMIT_BRANCH",
            "größe",
            OF_GITLAB,
            "CI_COMMIT_BRANCH has characters that no URI has",
        ),
        (
            &[("CODEBUILD_BUILD_ID", "shop:5ca1ab1e")],
            "CODEBUILD_BUILD_ARN",
            "",
            LOCAL,
            "CODEBUILD_BUILD_ARN isn't set",
        ),
        (
            &[],
            "CODEBUILD_BUILD_ARN",
            "arn:aws:codebuild",
            LOCAL,
            "CODEBUILD_BUILD_ARN names no builder",
        ),
    ] {
        fs::remove_dir_all(dir.join(".lambda-pack")).ok();
        let mut command = at_home(dir.command(["upload"]));
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let run = command.env(variable, value).ok();
        assert!(
            run.stderr.contains(said) && run.stderr.contains("LAMBDA_PACK_BUILDER_ID"),
            "{said}: {run:?}"
        );
        assert_eq!(run.stderr.contains("somebody's"), builder == LOCAL, "{run:?}");
        let statement = stated(&dir).1;
        assert_eq!(statement["predicate"]["runDetails"]["builder"]["id"], builder, "{said}");
        assert!(!format!("{run:?}{statement}").contains("hunter2"), "{said}");
    }
    fs::remove_dir_all(dir.join(".lambda-pack")).unwrap();
    let mut whole = at_home(dir.command(["upload"]));
    for (name, value) in github {
        whole = whole.env(name, value);
    }
    assert_eq!(whole.ok().stderr, "");
}

#[test]
fn what_differs_in_a_submodule_is_said() {
    let inner = Dir::new();
    inner.write("app.py", "def handler(event, context):\n    return 1\n");
    git(inner.path(), &["init", "--quiet"]);
    git(inner.path(), &["add", "--all"]);
    git(inner.path(), &["commit", "--quiet", "--message=x"]);
    let fresh = || {
        let dir = Dir::new();
        dir.write(
            "lambda-json/app.json",
            r#"{"runtime": "python3.13", "handler": "app.handler", "source": "sub"}"#,
        );
        dir.write(".gitignore", "/.lambda-pack/\n");
        git(dir.path(), &["init", "--quiet"]);
        let url = inner.path().to_str().unwrap();
        git(
            dir.path(),
            &[
                "-c",
                "protocol.file.allow=always",
                "submodule",
                "--quiet",
                "add",
                url,
                "code/sub",
            ],
        );
        git(dir.path(), &["add", "--all"]);
        git(dir.path(), &["commit", "--quiet", "--message=x"]);
        dir
    };
    let is_dirty = |dir: &Dir| commit_of(&uploaded(dir))["annotations"]["dirty"].clone();
    assert_eq!(is_dirty(&fresh()), false);
    for hide in ["--assume-unchanged", "--skip-worktree"] {
        let dir = fresh();
        let sub = dir.join("code/sub");
        git(&sub, &["update-index", hide, "app.py"]);
        dir.write("code/sub/app.py", "def handler(event, context):\n    return 2\n");
        assert_eq!(is_dirty(&dir), true, "{hide}");
        // Also where something else differs, that isn't packed.
        fs::remove_dir_all(dir.join(".lambda-pack")).unwrap();
        dir.write("code/sub/.lambdaignore", "notes\n");
        dir.write("code/sub/notes", "");
        assert_eq!(is_dirty(&dir), true, "{hide}");
    }
    let dir = fresh();
    dir.write("code/sub/.lambdaignore", "notes\n");
    dir.write("code/sub/notes", "");
    assert_eq!(is_dirty(&dir), true);
    // Another commit, of which git was told not to speak.
    let dir = fresh();
    let sub = dir.join("code/sub");
    git(&sub, &["commit", "--quiet", "--allow-empty", "--message=y"]);
    git(dir.path(), &["update-index", "--assume-unchanged", "code/sub"]);
    assert_eq!(is_dirty(&dir), true);
}

#[test]
fn what_is_installed_and_downloaded_is_named() {
    let dir = node_project();
    dir.write("model.bin", "weights");
    let digest = sha256(b"weights");
    let definition_of_app = json!({
        "runtime": "nodejs22.x", "handler": "app.handler", "source": "app", "build": {"type": "node"},
        "assets": [{"url": "file:model.bin", "sha256": digest, "path": "model.bin"}],
    });
    dir.write("lambda-json/app.json", definition_of_app.to_string());
    let statement = uploaded(&dir);
    let parameters = &definition(&statement)["externalParameters"];
    let manifest = fs::read_dir(dir.join(".lambda-pack/store/manifests/app")).unwrap();
    let manifest = fs::read(manifest.map(|it| it.unwrap().path()).next().unwrap()).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(parameters["build_inputs"], manifest["build_inputs"]);
    assert!(parameters["build_inputs"].to_string().contains("package-lock.json"));
    let dependencies = definition(&statement)["resolvedDependencies"].as_array().unwrap();
    let asset = json!({"name": "model.bin", "digest": {"sha256": digest}});
    assert!(dependencies.contains(&asset), "{dependencies:?}");
    let ms = dependencies.iter().find(|it| it["uri"] == "pkg:npm/ms@2.1.3").unwrap();
    assert_eq!(ms["digest"]["sha512"].as_str().unwrap().len(), 128);
    at_home(dir.command(["verify", "--provenance", "--deep"])).ok();
}
