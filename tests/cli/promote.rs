//! `promote`: from one store to another, as it is.

use std::fs;
use std::thread;

use serde_json::{Value, json};

use crate::s3::{against_both, published, upload};
use crate::support::kills::{Moment, kill_at_each_request};
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{MOTO, Project, Server};
use crate::support::{Dir, TestCommand};

against_both!(
    a_package_arrives_with_all_that_belongs_to_it,
    forged_bytes_go_nowhere,
    forged_bytes_at_the_destination_are_found,
    what_only_lacks_its_record_is_made_sure_of,
    a_denied_destination_is_named,
    two_at_once_agree,
    a_first_record_of_other_bytes_stays,
    directories_and_buckets_exchange_packages,
);

/// Where packages go: another bucket, under another prefix.
struct Destination(Project);

impl Destination {
    fn new(server: &'static Server) -> Self {
        Destination(server.project())
    }

    fn url(&self) -> String {
        format!("s3://{}/elsewhere", self.0.bucket)
    }

    fn promote(&self, from: &Project) -> TestCommand {
        from.command(["promote", "--to", &self.url()])
    }

    fn key(&self, part: &str) -> String {
        let start = format!("elsewhere/{part}/");
        let mut keys = self.0.keys().into_iter().filter(|key| key.starts_with(&start));
        let key = keys.next().unwrap();
        assert_eq!(keys.next(), None);
        key
    }

    /// What is deployed from there.
    fn published(&self, from: &Project) -> Value {
        let hashed = from.dir.command(["external", "hash"]).stdin("{}").ok().json();
        let query = json!({"store": self.url(), "packages": hashed["packages"]});
        let result = from.command(["external", "published"]).stdin(query.to_string()).ok();
        serde_json::from_str(result.json()["packages"].as_str().unwrap()).unwrap()
    }
}

fn a_package_arrives_with_all_that_belongs_to_it(server: &'static Server) {
    let (mut from, to) = (server.project(), Destination::new(server));
    let row = upload(&from).as_array_mut().unwrap().remove(0);
    let plain = from.dir.command(["hash", "code/app.py"]).ok();
    assert!(plain.stdout.starts_with(row["source_hash"].as_str().unwrap()));

    let dry = to.promote(&from).args(["--dry-run", "--json"]).ok().json();
    assert_eq!(dry["packages"][0]["status"], "to_copy");
    assert_eq!(dry.get("inputs"), None, "they would name what isn't there");
    assert!(to.0.keys().is_empty());

    let proxy = Proxy::before(&server.endpoint, |_| Action::Forward);
    from.endpoint.clone_from(&proxy.endpoint);
    let promoted = to.promote(&from).arg("--json").ok().json();
    assert_eq!(promoted["packages"][0]["status"], "copied");
    assert_eq!(promoted["packages"][0]["code_sha256"], row["code_sha256"]);
    let downloads = proxy.asked();
    let downloads = downloads
        .iter()
        .filter(|it| it.starts_with("GET ") && it.contains("/packages/"));
    // moto doesn't say what a stored object's SHA-256 is: it is computed here, once, and before anything is written.
    let is_moto = std::ptr::eq(server, &raw const *MOTO);
    assert_eq!(downloads.count(), usize::from(is_moto), "{:?}", proxy.asked());
    from.endpoint.clone_from(&server.endpoint);

    let package = to.key("packages");
    assert_eq!(
        promoted["packages"][0]["store_url"],
        format!("s3://{}/{package}", to.0.bucket)
    );
    let original = from.keys_of("packages").remove(0);
    assert!(to.0.get(&package) == from.get(&original));
    assert_eq!(to.0.head(&package).metadata(), from.head(&original).metadata());
    assert_eq!(to.0.head(&package).content_type(), Some("application/zip"));
    assert!(to.0.get(&to.key("manifests")) == from.get(&from.keys_of("manifests")[0]));
    let record: Value = serde_json::from_slice(&to.0.get(&to.key("records"))).unwrap();
    assert_eq!(record["s3_key"], package.as_str());
    assert_eq!(record["etag"], to.0.head(&package).e_tag().unwrap());

    // One way makes what the deploy module takes.
    assert_eq!(promoted["inputs"], json!({"packages": to.published(&from)}));
    let again = to.promote(&from).args(["--tfvars", "deploy.tfvars.json"]).ok();
    assert!(
        again.stdout.contains("unchanged") && again.stdout.ends_with("\n\ndeploy.tfvars.json\n"),
        "{again:?}"
    );
    let written: Value = serde_json::from_slice(&fs::read(from.dir.join("deploy.tfvars.json")).unwrap()).unwrap();
    assert_eq!(written, promoted["inputs"]);
    assert_eq!(to.0.keys().len(), 4);
}

fn flipped(project: &Project, key: &str) -> Vec<u8> {
    let mut bytes = project.get(key);
    bytes[40] ^= 1;
    bytes
}

fn forged_bytes_go_nowhere(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    upload(&from);
    let key = from.keys_of("packages").remove(0);
    let sound = from.get(&key);
    // Size and metadata say that it is what it was.
    from.forge(&key, flipped(&from, &key));
    to.promote(&from)
        .fails(4, &["function `app`", &key, "can't be trusted"]);
    assert!(to.0.keys().is_empty(), "{:?}", to.0.keys());
    from.overwrite(&key, b"short".to_vec());
    to.promote(&from).fails(4, &[&key, "can't be trusted"]);
    assert!(to.0.keys().is_empty(), "{:?}", to.0.keys());
    // Right bytes are fine, whoever wrote them.
    from.overwrite(&key, sound.clone());
    let record = from.keys_of("records").remove(0);
    from.delete(&key);
    from.command(["upload"]).ok();
    from.forge(&key, sound);
    to.promote(&from).ok();
    // Of another function's, or of another source, a manifest says nothing.
    let manifest = from.keys_of("manifests").remove(0);
    let other = Destination::new(server);
    from.overwrite(&manifest, b"{}".to_vec());
    other.promote(&from).fails(4, &[&manifest]);
    from.delete(&manifest);
    other.promote(&from).fails(4, &[&manifest, "isn't there"]);
    from.delete(&record);
    other
        .promote(&from)
        .fails(1, &["there is no package", "lambda-pack upload app --expect app="]);
    assert!(other.0.keys().is_empty());
}

fn forged_bytes_at_the_destination_are_found(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    upload(&from);
    to.promote(&from).ok();
    let (package, record) = (to.key("packages"), to.key("records"));
    // As if a run had been killed before the record, and somebody came by.
    to.0.delete(&record);
    to.0.forge(&package, flipped(&to.0, &package));
    to.promote(&from).fails(4, &[&package, "can't be trusted"]);
    assert!(!to.0.keys().contains(&record));
    to.0.delete(&package);
    to.promote(&from).ok();
    // The record's package was deleted: it is brought again.
    to.0.delete(&package);
    let again = to.promote(&from).arg("--json").ok().json();
    assert_eq!(again["packages"][0]["status"], "copied");
    to.published(&from);
}

/// More than may be on this machine at a time, each read at both ends where the service tells no SHA-256.
fn what_only_lacks_its_record_is_made_sure_of(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    for number in 0..9 {
        from.dir.write(
            &format!("code/f{number}.py"),
            format!("def handler(event, context):\n    return {number}\n"),
        );
        let definition = format!(r#"{{"runtime": "python3.13", "handler": "x.handler", "source": "f{number}.py"}}"#);
        from.dir.write(
            &format!("lambda-json/f{number}.json"),
            definition.replace("x.", &format!("f{number}.")),
        );
    }
    upload(&from);
    to.promote(&from).ok();
    for key in to.0.keys() {
        if key.contains("/records/") {
            to.0.delete(&key);
        }
    }
    to.promote(&from).arg("--no-cache").ok();
    assert_eq!(to.0.keys().len(), 40);
}

fn a_denied_destination_is_named(server: &'static Server) {
    let (mut from, to) = (server.project(), Destination::new(server));
    upload(&from);
    let place = format!("/{}/", to.0.bucket);
    for part in ["manifests", "packages", "records"] {
        let denied = format!("{place}elsewhere/{part}/");
        let proxy = Proxy::before(&server.endpoint, move |request| {
            match request.method == "PUT" && request.target.starts_with(&denied) {
                true => Action::Answer(
                    403,
                    "Content-Type: application/xml\r\n",
                    "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>",
                ),
                false => Action::Forward,
            }
        });
        from.endpoint.clone_from(&proxy.endpoint);
        let run = to
            .promote(&from)
            .fails(1, &["function `app`", "access denied", "not you", part]);
        assert_eq!(run.stderr.contains("--to-profile"), part == "packages", "{run:?}");
        assert!(to.0.keys().iter().all(|key| !key.contains("/records/")));
    }
    // Of other credentials each can do a half: then the package goes through this machine.
    from.dir.write(
        "aws",
        "[profile prod]\naws_access_key_id = test\naws_secret_access_key = test-secret\nregion = us-east-1\n",
    );
    let proxy = Proxy::before(&server.endpoint, move |request| {
        let is_copy = request.header("x-amz-copy-source").is_some();
        match is_copy {
            true => Action::Answer(
                403,
                "Content-Type: application/xml\r\n",
                "<Error><Code>AccessDenied</Code><Message>not that</Message></Error>",
            ),
            false => Action::Forward,
        }
    });
    from.endpoint.clone_from(&proxy.endpoint);
    let to = Destination::new(server);
    let config = from.dir.join("aws");
    let promoted = to.promote(&from).args(["--to-profile", "prod", "--json"]);
    let promoted = promoted.env("AWS_CONFIG_FILE", &config).ok();
    assert_eq!(promoted.json()["packages"][0]["status"], "transferred");
    assert!(
        promoted.stderr.contains("through this machine went 1 of them"),
        "{promoted:?}"
    );
    let original = from.keys_of("packages").remove(0);
    assert_eq!(
        to.0.head(&to.key("packages")).metadata(),
        from.head(&original).metadata()
    );
}

fn two_at_once_agree(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    let second = "def handler(event, context):\n    return 2\n";
    from.dir.write("code/second.py", second);
    from.dir.write(
        "lambda-json/second.json",
        r#"{"runtime": "python3.13", "handler": "second.handler", "source": "second.py"}"#,
    );
    upload(&from);
    let runs: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| to.promote(&from).args(["--no-cache", "--json"]).ok().json()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for run in &runs {
        assert_eq!(run["inputs"], runs[0]["inputs"]);
    }
    assert_eq!(to.0.keys().len(), 8);
    assert_eq!(runs[0]["inputs"]["packages"], to.published(&from));
}

fn a_first_record_of_other_bytes_stays(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    let lines = (0..5_000).map(|number| format!("value_{} = {}\n", number * 7919 % 1013, number * number));
    from.dir.write("code/app.py", lines.collect::<String>());
    upload(&from);
    let store = to.url();
    from.command(["upload", "--compression", "best", "--store", &store])
        .ok();
    let before = to.0.get(&to.key("records"));
    let run = to
        .promote(&from)
        .fails(4, &["function `app`", "the first package stays"]);
    assert!(run.stdout.is_empty());
    assert!(to.0.get(&to.key("records")) == before);
    assert_eq!(to.0.keys().len(), 4);
}

fn directories_and_buckets_exchange_packages(server: &'static Server) {
    let (from, to) = (server.project(), Destination::new(server));
    upload(&from);
    let directory = format!("file://{}", from.dir.join("kept").display());
    let there = from.command(["promote", "--to", &directory, "--json"]).ok();
    assert_eq!(there.json()["packages"][0]["status"], "transferred");
    assert!(there.stderr.contains("through this machine"), "{there:?}");
    assert_eq!(there.json()["inputs"]["packages"]["app"]["s3_bucket"], Value::Null);
    let back = from.command(["promote", "--from", &directory, "--to", &to.url(), "--json"]);
    assert_eq!(back.ok().json()["packages"][0]["status"], "transferred");
    assert!(to.0.get(&to.key("packages")) == from.get(&from.keys_of("packages")[0]));
    to.published(&from);
    from.command(["promote", "--to", &from.store()])
        .fails(2, &["--to names the store that is copied from"]);
}

#[test]
fn a_promotion_that_is_killed_at_any_request_is_done_by_the_next() {
    let whole = kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::Before, Moment::After],
        || {
            let from = MOTO.project();
            upload(&from);
            (from, Destination::new(&MOTO))
        },
        |(from, to)| to.promote(from).arg("--no-cache"),
        |(from, to), number, moment, asks| {
            let case = format!("{moment:?} request {number}, {asks}");
            let there = to.0.keys();
            let has = |part: &str| there.iter().any(|key| key.starts_with(&format!("elsewhere/{part}/")));
            let committed = asks.contains("/records/") && asks.starts_with("PUT ") && moment == Moment::After;
            // Whether somebody deleted is looked at before the first write, and after the record.
            let is_at_the_end = asks.contains("gc.json") && has("packages");
            assert_eq!(has("records"), committed || is_at_the_end, "{case}");
            assert!(has("packages") && has("manifests") || !has("records"), "{case}");
            to.promote(from).arg("--no-cache").ok();
            to.published(from);
            assert_eq!(to.0.keys().len(), 4, "{case}");
        },
    );
    assert_eq!(whole.writes().len(), 4, "{whole:?}");
    assert!(
        whole.writes().last().unwrap().contains("/elsewhere/records/app/"),
        "{whole:?}"
    );
}

#[test]
fn what_is_promoted_is_said_in_four_ways() {
    let (from, to) = (MOTO.project(), Destination::new(&MOTO));
    let first = upload(&from)[0]["source_hash"].as_str().unwrap().to_owned();
    let output = published(&from).ok().json();
    let packages = output["packages"].as_str().unwrap();
    from.dir
        .write("code/app.py", "def handler(event, context):\n    return 2\n");
    let second = upload(&from)[0]["source_hash"].as_str().unwrap().to_owned();
    assert_ne!(first, second);

    // Of whatever time: its definition is the one that the store has.
    let pair = format!("app={first}");
    let by_hash = from
        .command(["promote", &pair, "--to", &to.url(), "--json"])
        .ok()
        .json();
    assert_eq!(by_hash["packages"][0]["source_hash"], first.as_str());
    let inputs: Value = serde_json::from_str(packages).unwrap();
    let definition = &by_hash["inputs"]["packages"]["app"]["definition"];
    assert_eq!(*definition, inputs["app"]["definition"]);

    let from_stdin = from.command(["promote", "--packages", "-", "--to", &to.url(), "--json"]);
    let from_stdin = from_stdin.stdin(packages).ok().json();
    assert_eq!(from_stdin["packages"][0]["status"], "unchanged");
    assert_eq!(from_stdin["inputs"], by_hash["inputs"]);
    // However Terraform dresses it, and as inputs of the deploy module.
    let tfvars = json!({"packages": {"app": {"source_hash": second, "code_sha256": inputs["app"]["code_sha256"], "definition": definition}},
        "package_overrides": {"app": inputs["app"], "nobody": inputs["app"]}});
    for dress in [
        json!({"packages": {"sensitive": false, "type": "dynamic", "value": inputs}, "bucket": {"sensitive": false, "type": "string", "value": "b"}}),
        json!({"packages": inputs, "name_prefix": "x-"}),
        output.clone(),
        tfvars,
    ] {
        let dressed = from.command(["promote", "--packages", "-", "--to", &to.url(), "--json"]);
        assert_eq!(dressed.stdin(dress.to_string()).ok().json(), from_stdin, "{dress}");
    }
    from.command(["promote", "--packages", "-", "--to", &to.url()])
        .stdin(r#"{"package_overrides": {}}"#)
        .fails(3, &["stdin: no packages are named"]);
    let mut other = inputs.clone();
    other["app"]["code_sha256"] = format!("{}=", "A".repeat(43)).into();
    from.command(["promote", "--packages", "-", "--to", &to.url()])
        .stdin(other.to_string())
        .fails(4, &["function `app`", "its code sha256 is to be AAAA"]);
    from.command(["promote", "nobody", "--packages", "-", "--to", &to.url()])
        .stdin(packages)
        .fails(2, &["nobody", "app"]);
    from.command(["promote", &pair, "--packages", "-", "--to", &to.url()])
        .stdin(packages)
        .fails(2, &["names alone"]);
    from.command(["promote", "app=12", "--to", &to.url()])
        .fails(5, &["no package of `app` with the source hash 12", &first[..16]]);
    from.command(["promote", "app=", "--to", &to.url()])
        .fails(2, &["no source hash", "lambda-pack list app"]);
    let start = &format!("app={}", &first[..8]);
    let by_start = from
        .command(["promote", start, "--to", &to.url(), "--json"])
        .ok()
        .json();
    assert_eq!(by_start["packages"][0]["source_hash"], *first);
    from.command(["promote", "app", &pair, "--to", &to.url()])
        .fails(2, &["named twice"]);

    from.dir.write(
        "lambda-pack.toml",
        "[profiles.prod]\ntier = \"lambda\"\nfunctions = [\"*\"]\n",
    );
    let of_profile = |command: TestCommand| command.env("LAMBDA_PACK_DEPLOYMENT_PROFILE", "prod");
    of_profile(from.command(["run"])).ok();
    let bundled = of_profile(from.command(["promote", "--bundle", "dist/bundle.json", "--to", &to.url(), "--json"]));
    let bundled = bundled.ok().json();
    assert_eq!(bundled["packages"][0]["source_hash"], second.as_str());
    assert_eq!(bundled["packages"][0]["status"], "copied");
    fs::write(from.dir.join("dist/bundle.json.sha256"), "0".repeat(64)).unwrap();
    of_profile(from.command(["promote", "--bundle", "dist/bundle.json", "--to", &to.url()])).fails(4, &["bundle.json"]);
    assert_eq!(to.0.keys().len(), 8);
}

#[test]
fn without_its_definition_a_package_is_promoted_but_not_deployed() {
    let dir = Dir::with_app();
    dir.command(["upload"]).ok();
    let hash = crate::support::hash_of(&dir.join("code/app.py"));
    let manifest = dir.join(&format!(".lambda-pack/store/manifests/app/{hash}.json"));
    let mut stored: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    stored.as_object_mut().unwrap().remove("definition").unwrap();
    // As an older version wrote it.
    fs::write(&manifest, stored.to_string()).unwrap();
    let to = format!("file://{}", dir.join("to").display());
    let pair = format!("app={hash}");
    dir.command(["promote", &pair, "--to", &to, "--tfvars", "x.tfvars.json"])
        .fails(1, &["function `app`", "what definition belonged to", "--packages"]);
    assert!(!dir.join("to").exists() && !dir.join("x.tfvars.json").exists());
    let promoted = dir.command(["promote", &pair, "--to", &to, "--json"]).ok();
    assert!(
        promoted.stderr.contains("no inputs for lambda-deploy-module"),
        "{promoted:?}"
    );
    assert_eq!(promoted.json().get("inputs"), None);
    assert_eq!(promoted.json()["packages"][0]["status"], "transferred");
}

#[test]
fn inputs_of_some_functions_leave_the_others_alone() {
    let (from, to) = (MOTO.project(), Destination::new(&MOTO));
    from.dir.write(
        "lambda-json/other.json",
        r#"{"source": "app.py", "runtime": "python3.13", "handler": "app.handler"}"#,
    );
    from.command(["upload"]).ok();
    let inputs =
        || -> Value { serde_json::from_slice(&fs::read(from.dir.join("p.auto.tfvars.json")).unwrap()).unwrap() };
    from.dir.write(
        "p.auto.tfvars.json",
        r#"{"alias_name": "live", "packages": {"gone": {}}}"#,
    );
    to.promote(&from).args(["--tfvars", "p.auto.tfvars.json"]).ok();
    let whole = inputs();
    assert_eq!(whole["alias_name"], "live");
    let names = |inputs: &Value| -> Vec<String> { inputs["packages"].as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&whole), ["app", "other"]);
    from.dir
        .write("code/app.py", "def handler(event, context):\n    return 2\n");
    from.command(["upload", "app"]).ok();
    to.promote(&from).args(["app", "--tfvars", "p.auto.tfvars.json"]).ok();
    let part = inputs();
    assert_eq!(names(&part), ["app", "other"]);
    assert_eq!(part["packages"]["other"], whole["packages"]["other"]);
    assert_ne!(part["packages"]["app"], whole["packages"]["app"]);
}
