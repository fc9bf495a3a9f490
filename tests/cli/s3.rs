//! The store in S3: one suite against moto and versitygw, and faults between the tool and a server.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::faults::wait_for;
use crate::support::http::Request;
use crate::support::kills::counted;
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{MOTO, Project, Server};
use crate::support::{Dir, Run, git, hash_of};

/// Runs each test of the suite against each server.
macro_rules! against_both {
    ($($test:ident),* $(,)?) => {
        mod moto {
            $(#[test] fn $test() { super::$test(&crate::support::server::MOTO); })*
        }
        mod versitygw {
            $(#[test] fn $test() { super::$test(&crate::support::server::VERSITYGW); })*
        }
    };
}

pub(crate) use against_both;

against_both!(
    uploads_once_and_says_what_is_where,
    somebody_elses_bytes_are_exit_4,
    what_was_deleted_is_missed_and_mended,
    writers_at_once_agree,
    three_hundred_functions_at_once,
    a_large_package_goes_in_parts,
    a_missing_bucket_is_named,
    a_killed_upload_shows_nothing,
    an_interrupted_upload_shows_nothing,
    throttling_is_waited_out_but_not_for_ever,
    denied_access_is_named,
    a_bucket_elsewhere_is_named,
);

pub fn upload(project: &Project) -> Value {
    project.command(["upload", "--json"]).ok().json()
}

pub fn published(project: &Project) -> crate::support::TestCommand {
    let hashed = project.dir.command(["external", "hash"]).stdin("{}").ok().json();
    let query = json!({"store": project.store(), "packages": hashed["packages"]});
    project.command(["external", "published"]).stdin(query.to_string())
}

fn uploads_once_and_says_what_is_where(server: &'static Server) {
    let project = server.project();
    let rows = upload(&project);
    let row = &rows[0];
    assert_eq!(row["status"], "uploaded");
    let source_hash = hash_of(&project.dir.join("code/app.py"));
    assert_eq!(row["source_hash"], source_hash.as_str());

    let key = &project.keys_of("packages")[0];
    assert_eq!(row["store_url"], format!("s3://{}/{key}", project.bucket));
    project.dir.command(["build"]).ok();
    assert!(project.get(key) == fs::read(project.dir.join("dist/app.zip")).unwrap());
    let head = project.head(key);
    let metadata = head.metadata().unwrap();
    assert_eq!(metadata["code-sha256"], row["code_sha256"].as_str().unwrap());
    assert_eq!(metadata["source-hash"], source_hash);
    assert_eq!(metadata["package-format"], "1");
    assert!(!metadata.contains_key("git-commit"), "no repository here");
    assert_eq!(
        project.keys_of("manifests"),
        [format!("some/prefix/manifests/app/{source_hash}.json")]
    );
    assert_eq!(
        project.keys_of("records"),
        [format!("some/prefix/records/app/{source_hash}.json")]
    );

    assert_eq!(upload(&project)[0]["status"], "unchanged");
    let result = published(&project).ok().json();
    let packages: Value = serde_json::from_str(result["packages"].as_str().unwrap()).unwrap();
    let package = &packages["app"];
    assert_eq!(package["s3_bucket"], project.bucket.as_str());
    assert_eq!(package["s3_key"], key.as_str());
    assert_eq!(package["code_sha256"], row["code_sha256"]);
    assert_eq!(package["size_bytes"], row["size_bytes"]);
    assert_eq!(package["definition"]["handler"], "app.handler");
}

fn somebody_elses_bytes_are_exit_4(server: &'static Server) {
    let project = server.project();
    upload(&project);
    let key = project.keys_of("packages").remove(0);
    let mut flipped = project.get(&key);
    flipped[40] ^= 1;
    for damaged in [flipped, b"short".to_vec()] {
        project.overwrite(&key, damaged);
        project
            .command(["upload"])
            .fails(4, &[&key, "can't be trusted", "aws s3 rm"]);
        published(&project).fails(4, &[&key, "can't be trusted"]);
        // Neither may another source hash that gives these bytes take them.
        let record = project.keys_of("records").remove(0);
        let sound = project.get(&record);
        project.delete(&record);
        project.command(["upload"]).fails(4, &[&key, "can't be trusted"]);
        project.overwrite(&record, sound);
    }
    let record = project.keys_of("records").remove(0);
    project.overwrite(&record, b"{}".to_vec());
    project.command(["upload"]).fails(4, &[&record, "can't be trusted"]);
}

fn what_was_deleted_is_missed_and_mended(server: &'static Server) {
    let project = server.project();
    let first = upload(&project);
    for part in ["packages", "records"] {
        project.delete(&project.keys_of(part)[0]);
        let run = published(&project).fails(1, &["function `app`", first[0]["source_hash"].as_str().unwrap()]);
        let mend = run
            .stderr
            .split("run: lambda-pack ")
            .nth(1)
            .unwrap()
            .trim()
            .replace('\'', "");
        let rows = project.command(mend.split(' ')).args(["--json"]).ok().json();
        assert_eq!(rows[0]["status"], "uploaded");
        assert_eq!(rows[0]["code_sha256"], first[0]["code_sha256"]);
        published(&project).ok();
    }
}

#[test]
fn what_was_published_last_is_compared() {
    // moto takes a minute for as many objects.
    let project = crate::support::server::VERSITYGW.project();
    let source = project.dir.join("code/app.py");
    upload(&project);
    // More than a page, before and behind the records.
    for number in 0..600 {
        for place in ['0', 'z'] {
            project.overwrite(&format!("some/prefix/records/app/{place}{number}.txt"), Vec::new());
        }
    }
    // The next record is younger by the server's clock, which counts in seconds.
    let record = &project
        .keys_of("records")
        .into_iter()
        .find(|key| key.ends_with(".json"))
        .unwrap();
    let written = |key: &str| project.head(key).last_modified().unwrap().secs();
    wait_for("the next second", || {
        project.overwrite("some/prefix/clock", Vec::new());
        written("some/prefix/clock") > written(record)
    });
    fs::write(&source, "def handler(event, context):\n    return 2\n").unwrap();
    upload(&project);
    let last = hash_of(&source);
    fs::write(&source, "def handler(event, context):\n    return 33\n").unwrap();
    let diff = project.command(["diff", "--json"]).ok().json();
    let change = json!({"path": "app.py", "change": "modified", "size_before": 42, "size_after": 43});
    let expected = json!({"name": "app", "from": last, "to": hash_of(&source), "changes": [change], "inputs": []});
    assert_eq!(diff["functions"], json!([expected]));
}

fn writers_at_once_agree(server: &'static Server) {
    let project = server.project();
    for index in 0..10 {
        project
            .dir
            .write(&format!("lambda-json/f{index}.json"), r#"{"source": "app.py"}"#);
    }
    let children: Vec<_> = (0..3).map(|_| project.command(["upload", "--json"]).spawn()).collect();
    for child in children {
        let run = Run::new(child.wait_with_output().unwrap());
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(project.keys_of("records").len(), 11);
    assert_eq!(project.keys_of("packages").len(), 11);
    assert!(
        project
            .command(["upload", "--json"])
            .ok()
            .statuses()
            .iter()
            .all(|status| status == "unchanged")
    );
}

fn three_hundred_functions_at_once(server: &'static Server) {
    let project = server.project();
    for index in 0..299 {
        project
            .dir
            .write(&format!("code/f{index}/app.py"), format!("number = {index}\n"));
        project.dir.write(
            &format!("lambda-json/f{index}.json"),
            format!(r#"{{"source": "f{index}"}}"#),
        );
    }
    let statuses = project.command(["upload", "--json"]).ok().statuses();
    assert_eq!(statuses, vec!["uploaded"; 300]);
    for part in ["packages", "manifests", "records"] {
        assert_eq!(project.keys_of(part).len(), 300);
    }
    assert_eq!(
        project.command(["upload", "--json"]).ok().statuses(),
        vec!["unchanged"; 300]
    );
}

/// Bytes that don't compress, so that the package is as large as they are.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn a_large_package_goes_in_parts(server: &'static Server) {
    let mut project = server.project();
    project.dir.write("code/app.py", noise(70 * 1024 * 1024));
    let proxy = Proxy::before(&server.endpoint, |_| Action::Forward);
    project.endpoint.clone_from(&proxy.endpoint);
    let rows = upload(&project);
    assert!(
        proxy.seen().iter().filter(|line| line.contains("partNumber=")).count() > 1,
        "{:?}",
        proxy.seen()
    );
    let key = project.keys_of("packages").remove(0);
    let zip = project.dir.join("dist/app.zip");
    project.dir.command(["build"]).ok();
    assert!(project.get(&key) == fs::read(zip).unwrap());
    assert_eq!(
        project.head(&key).metadata().unwrap()["code-sha256"],
        rows[0]["code_sha256"].as_str().unwrap()
    );
    assert_eq!(upload(&project)[0]["status"], "unchanged");
    // Interrupted, the parts that are there already are given up.
    let mut interrupted = server.project();
    interrupted.dir.write("code/app.py", noise(70 * 1024 * 1024));
    let stall = Proxy::before(&server.endpoint, |request| {
        if request.target.contains("partNumber=4") {
            Action::Stall
        } else {
            Action::Forward
        }
    });
    interrupted.endpoint.clone_from(&stall.endpoint);
    let child = interrupted.command(["upload"]).spawn();
    wait_for("the fourth part", || {
        stall.seen().iter().any(|line| line.contains("partNumber=4"))
    });
    crate::support::run("kill", &["-INT", &child.id().to_string()]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    assert_eq!(interrupted.multipart_uploads(), 0);
    // Again, without a record: the object is found when the upload completes, and the parts are given up.
    project.delete(&project.keys_of("records")[0]);
    assert_eq!(upload(&project)[0]["status"], "uploaded");
    assert_eq!(project.multipart_uploads(), 0);
}

fn a_missing_bucket_is_named(server: &'static Server) {
    let project = server.project();
    let run = project
        .command(["upload", "--store", "s3://no-such-bucket/x"])
        .fails(1, &["no-such-bucket", "bucket does not exist", "help:"]);
    assert_eq!(run.stderr.matches("error:").count(), 1, "{run:?}");
}

/// What fails for all is not tried for all, nor told a thousand times.
#[test]
fn a_failing_service_is_given_up_early() {
    let project = MOTO.project();
    for index in 0..500 {
        project
            .dir
            .write(&format!("lambda-json/f{index}.json"), r#"{"source": "app.py"}"#);
    }
    let run = project
        .command(["upload", "--store", "s3://no-such-bucket/x"])
        .fails(1, &["bucket does not exist"]);
    assert!(run.stderr.matches("error:").count() <= 21, "{run:?}");
}

fn is_package_put(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("/packages/")
}

fn stalling(project: &mut Project) -> Proxy {
    let proxy = Proxy::before(&project.server.endpoint, |request| {
        if is_package_put(request) {
            Action::Stall
        } else {
            Action::Forward
        }
    });
    project.endpoint.clone_from(&proxy.endpoint);
    proxy
}

fn wait_for_package_put(proxy: &Proxy) {
    wait_for("the upload of the package", || {
        proxy
            .seen()
            .iter()
            .any(|line| line.starts_with("PUT") && line.contains("/packages/"))
    });
}

fn a_killed_upload_shows_nothing(server: &'static Server) {
    let mut project = server.project();
    let proxy = stalling(&mut project);
    let mut child = project.command(["upload"]).spawn();
    wait_for_package_put(&proxy);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(project.keys_of("packages"), Vec::<String>::new());
    assert_eq!(project.keys_of("records"), Vec::<String>::new());
    project.endpoint.clone_from(&server.endpoint);
    published(&project).fails(1, &["there is no package"]);
    assert_eq!(upload(&project)[0]["status"], "uploaded");
}

fn an_interrupted_upload_shows_nothing(server: &'static Server) {
    let mut project = server.project();
    let proxy = stalling(&mut project);
    let temporary = Dir::new();
    let child = project.command(["upload"]).env("TMPDIR", temporary.path()).spawn();
    wait_for_package_put(&proxy);
    crate::support::run("kill", &["-TERM", &child.id().to_string()]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    assert_eq!(project.keys_of("records"), Vec::<String>::new());
    assert!(temporary.snapshot().is_empty(), "no temporary file is left");
}

const SLOW_DOWN: &str =
    "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

fn throttling_is_waited_out_but_not_for_ever(server: &'static Server) {
    let mut project = server.project();
    let refused = AtomicU32::new(0);
    let proxy = Proxy::before(&server.endpoint, move |_| {
        if refused.fetch_add(1, Ordering::Relaxed) < 3 {
            Action::Answer(503, "", SLOW_DOWN)
        } else {
            Action::Forward
        }
    });
    project.endpoint.clone_from(&proxy.endpoint);
    assert_eq!(upload(&project)[0]["status"], "uploaded");

    let proxy = Proxy::before(&server.endpoint, |_| Action::Answer(503, "", SLOW_DOWN));
    project.endpoint.clone_from(&proxy.endpoint);
    project
        .command(["upload"])
        .env("AWS_MAX_ATTEMPTS", "2")
        .fails(1, &["throttled, even after retries", "SlowDown"]);
    assert_eq!(proxy.seen().len(), 2);
}

fn denied_access_is_named(server: &'static Server) {
    const DENIED: &str =
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let mut project = server.project();
    for method in ["GET", "PUT"] {
        let proxy = Proxy::before(&server.endpoint, move |request| {
            if request.method == method {
                Action::Answer(403, "", DENIED)
            } else {
                Action::Forward
            }
        });
        project.endpoint.clone_from(&proxy.endpoint);
        project
            .command(["upload"])
            .fails(1, &["function `app`", "access denied", "s3:PutObject", "writer_arns"]);
        assert!(
            proxy.seen().iter().filter(|line| line.starts_with(method)).count() == 1,
            "it is not tried again"
        );
    }
    assert_eq!(project.keys_of("records"), Vec::<String>::new());
}

fn a_bucket_elsewhere_is_named(server: &'static Server) {
    let mut project = server.project();
    let proxy = Proxy::before(&server.endpoint, |_| {
        Action::Answer(
            301,
            "x-amz-bucket-region: eu-west-3\r\n",
            "<Error><Code>PermanentRedirect</Code></Error>",
        )
    });
    project.endpoint.clone_from(&proxy.endpoint);
    project
        .command(["upload"])
        .fails(1, &["the bucket is in the region eu-west-3", "--region eu-west-3"]);
}

/// moto verifies no checksum; versitygw does, as S3 does.
#[test]
fn damage_on_the_way_is_noticed() {
    let server = &crate::support::server::VERSITYGW;
    let mut project = server.project();
    let proxy = Proxy::before(&server.endpoint, |request| {
        if is_package_put(request) {
            Action::Damage
        } else {
            Action::Forward
        }
    });
    project.endpoint.clone_from(&proxy.endpoint);
    project.command(["upload"]).fails(1, &["damaged on their way"]);
    assert_eq!(project.keys_of("packages"), Vec::<String>::new());
    assert_eq!(project.keys_of("records"), Vec::<String>::new());
}

/// Uploads that stand still are another matter: their answers may come late.
#[test]
fn a_listing_that_never_comes_is_given_up() {
    let project = MOTO.project();
    upload(&project);
    let command = project.command(["list"]).env("AWS_MAX_ATTEMPTS", "1");
    let (run, _) = counted(&MOTO.endpoint, command, |request| {
        match request.target.contains("list-type=2") {
            true => Action::Stall,
            false => Action::Forward,
        }
    });
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    for words in ["cannot list", "the service can't be reached"] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

#[test]
fn what_comes_beyond_a_range_is_not_read() {
    let server = &MOTO;
    let project = server.project();
    upload(&project);
    let command = project.command(["upload", "app"]).env("AWS_MAX_ATTEMPTS", "1");
    let (run, asked) = counted(&server.endpoint, command, |request| {
        let is_range = request
            .headers
            .iter()
            .any(|it| it.to_ascii_lowercase().starts_with("range:"));
        match is_range && request.target.contains("/manifests/") {
            true => Action::EditAnswer(Arc::new(|end| end.repeat(2))),
            false => Action::Forward,
        }
    });
    assert_eq!(run.code, 1, "{run:?} {asked:?}");
    assert!(
        run.stderr.contains("its last 1 bytes were asked for, and more came"),
        "{run:?}"
    );
}

#[test]
fn wrong_credentials_are_named() {
    let project = crate::support::server::VERSITYGW.project();
    for (name, value) in [("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "wrong")] {
        project.command(["upload"]).env(name, value).fails(
            1,
            &["the credentials are not valid here", "aws sts get-caller-identity"],
        );
    }
}

/// A user whom the server itself gives no right to the bucket.
#[test]
fn a_user_without_rights_is_denied() {
    let server = &crate::support::server::VERSITYGW;
    let project = server.project();
    crate::support::run(
        crate::support::tool("versitygw"),
        &[
            "admin",
            "--access",
            "test",
            "--secret",
            "test-secret",
            "--endpoint-url",
            &server.endpoint,
            "create-user",
            "--access",
            "reader",
            "--secret",
            "reader-secret",
            "--role",
            "user",
        ],
    );
    let run = project
        .command(["upload"])
        .env("AWS_ACCESS_KEY_ID", "reader")
        .env("AWS_SECRET_ACCESS_KEY", "reader-secret");
    run.fails(1, &["access denied", "s3:PutObject"]);
}

#[test]
fn missing_configuration_is_named() {
    let dir = Dir::with_app();
    let upload = || dir.command(["upload", "--store", "s3://bucket/prefix"]);
    upload().fails(1, &["no AWS region is configured", "AWS_REGION"]);
    upload()
        .env("AWS_REGION", "eu-west-1")
        .fails(1, &["no AWS credentials were found", "aws sso login"]);
    upload()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "x")
        .fails(3, &["AWS_MAX_ATTEMPTS is `x`"]);
    // A profile that is named wins over keys in the environment.
    let keys =
        |command: crate::support::TestCommand| command.env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    keys(upload())
        .args(["--profile", "nobody"])
        .env("AWS_REGION", "eu-west-1")
        .fails(1, &["no AWS credentials were found", "--profile"]);
    // Port 9 is the discard service, which nobody runs.
    keys(upload())
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .fails(1, &["the service can't be reached", "AWS_ENDPOINT_URL"]);
}

#[test]
fn the_commit_is_noted_where_there_is_one() {
    let project = MOTO.project();
    let git = |args: &[&str]| git(project.dir.path(), args);
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "First"]);
    upload(&project);
    let commit = project.head(&project.keys_of("packages")[0]).metadata().unwrap()["git-commit"].clone();
    assert_eq!(commit.len(), 40);
    project.dir.write("code/app.py", "changed");
    upload(&project);
    let commits: Vec<String> = project
        .keys_of("packages")
        .iter()
        .map(|key| project.head(key).metadata().unwrap()["git-commit"].clone())
        .collect();
    assert!(commits.contains(&format!("{commit}-dirty")), "{commits:?}");
}
