//! Bundles, against a real server of S3 and Parameter Store.

mod conflicts;
mod elsewhere;
mod faults;
mod fetch;
mod layouts;
mod outputs;
mod phases;
mod run;

use std::fs;

use serde_json::{Value, json};

use crate::support::TestCommand;
use crate::support::bundles::Bundles;
use crate::support::kills::counted;
use crate::support::proxy::Action;

/// A module in a project of its own, with the flags that name it.
pub struct Module {
    pub bundles: Bundles,
    pub group: String,
    pub name: String,
}

impl Module {
    pub fn new() -> Self {
        Self::named("data", "orders")
    }

    pub fn named(group: &str, name: &str) -> Self {
        let bundles = Bundles::new();
        bundles.project.dir.write("module/handler.py", "print('orders')\n");
        bundles
            .project
            .dir
            .write("module/sql/schema.sql", "create table orders;\n");
        Module {
            bundles,
            group: group.to_owned(),
            name: name.to_owned(),
        }
    }

    pub fn write(&self, path: &str, content: &str) {
        self.bundles.project.dir.write(&format!("module/{path}"), content);
    }

    /// `bundle VERB` of this module.
    pub fn command<'a>(&self, verb: &'a str, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        let identity = [
            ["--project", &self.bundles.name],
            ["--deployment", "dev"],
            ["--group", &self.group],
            ["--module", &self.name],
            ["--bucket", &self.bundles.project.bucket],
            ["--source", "module"],
        ];
        self.bundles
            .command(["bundle", verb])
            .args(identity.concat())
            .args(args)
    }

    pub fn check(&self) -> Value {
        self.check_with([])
    }

    pub fn check_with<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Value {
        self.command("check", ["--json"]).args(args).ok().json()
    }

    #[track_caller]
    pub fn decides(&self, decision: &str) {
        let answer = self.check();
        assert_eq!(answer["decision"], decision, "{answer}");
    }

    pub fn store(&self) -> Value {
        self.command("store", ["--json"]).ok().json()
    }

    pub fn key(&self) -> String {
        format!("dev/{}/{}/bundle.zip", self.group, self.name)
    }

    /// The name of a record.
    pub fn record(&self, record: &str) -> String {
        let (project, module) = (&self.bundles.name, format!("{}-{}", self.group, self.name));
        format!("/sf/{project}/dev/{module}/{record}")
    }

    /// Its text; empty if there is none.
    pub fn recorded(&self, record: &str) -> String {
        let name = self.record(record);
        let all = self.bundles.parameters(&format!("/sf/{}", self.bundles.name));
        all.get(&name).cloned().unwrap_or_default()
    }

    pub fn recorded_json(&self, record: &str) -> Value {
        serde_json::from_str(&self.recorded(record)).unwrap()
    }
}

#[test]
fn what_decides_the_content_is_a_miss_when_it_changes() {
    let module = Module::new();
    module.write("buildspec.yaml", "{version: 0.2, phases: {build: {commands: []}}}");
    module.decides("miss_no_bundle");
    let with = ["--param", "stage=dev", "--secret", "token=parameter-store:/token"];
    let stored = module.command("store", ["--json"]).args(with).ok().json();
    let hit = module.check_with(with);
    assert_eq!(hit["decision"], "hit");
    assert_eq!(hit["checksum"], stored["checksum"]);
    assert_eq!(hit["stored_checksum"], stored["checksum"]);
    assert_eq!(
        hit["bundle_url"],
        format!("s3://{}/{}", module.bundles.project.bucket, module.key())
    );
    assert_eq!(module.recorded("md5"), hit["md5"].as_str().unwrap());

    let changed = |what: &str, args: &[&str]| {
        let answer = module.check_with(args.iter().copied());
        let reason = answer["reason"].as_str().unwrap();
        let part = match what {
            _ if what.contains("param") || what.contains("secret") => "parameters",
            "another specification" => "build specification",
            _ => "source",
        };
        assert!(reason.contains(part), "{what}: {reason}");
        assert_eq!(answer["decision"], "miss_changed", "{what}: {answer}");
        assert_eq!(answer["stored_checksum"], stored["checksum"], "{what}");
        assert!(answer["md5"] != hit["md5"], "{what}");
    };
    let [_, stage, _, token] = with;
    changed("a parameter's value", &["--param", "stage=prod", "--secret", token]);
    changed("a parameter less", &["--param", stage]);
    changed(
        "another secret",
        &["--param", stage, "--secret", "token=secrets-manager:token"],
    );
    let dir = &module.bundles.project.dir;
    let at = |path: &str| dir.join("module").join(path);
    dir.chmod("module/handler.py", 0o755);
    changed("an executable", &with);
    dir.chmod("module/handler.py", 0o644);
    fs::rename(at("handler.py"), at("other.py")).unwrap();
    changed("another name", &with);
    fs::rename(at("sql/schema.sql"), at("handler.py")).unwrap();
    fs::rename(at("other.py"), at("sql/schema.sql")).unwrap();
    changed("two swapped files", &with);
    module.write("handler.py", "print('orders')\n");
    module.write("sql/schema.sql", "create table orders;\n");
    assert_eq!(module.check_with(with)["decision"], "hit");
    module.write("buildspec.yaml", "{version: 0.2, phases: {build: {commands: [make]}}}");
    changed("another specification", &with);
}

#[test]
fn what_is_missing_or_damaged_is_a_miss() {
    let module = Module::new();
    let project = &module.bundles.project;
    module.store();
    let metadata = module.recorded("metadata");

    module.bundles.delete_parameter(&module.record("md5"));
    module.decides("miss_no_hash");
    module.store();
    module.bundles.delete_parameter(&module.record("metadata"));
    module.decides("miss_no_hash");
    module.bundles.put_parameter(&module.record("metadata"), "{");
    module.decides("miss_corrupt");
    // What is damaged is no obstacle.
    module.store();
    module.decides("hit");

    let size = project.get(&module.key()).len();
    project.overwrite(&module.key(), vec![0; size]);
    module.decides("miss_corrupt");
    module.store();
    project.delete(&module.key());
    module.decides("miss_no_bundle");
    module.store();
    module
        .bundles
        .put_parameter(&module.record("outputs"), "{\"url\": \"another\"}");
    module.decides("miss_corrupt");
    module.store();
    module.decides("hit");
    assert!(metadata.contains("\"s3_version\""), "{metadata}");
}

#[test]
fn the_same_files_are_the_same_bundle() {
    let (one, other) = (Module::new(), Module::new());
    let (stored, again) = (one.store(), other.store());
    assert_eq!(stored["code_sha256"], again["code_sha256"]);
    assert_eq!(stored["checksum"], again["checksum"]);
    let key = one.key();
    assert!(one.bundles.project.get(&key) == other.bundles.project.get(&key));
}

#[test]
fn records_say_who_made_it_from_what() {
    let module = Module::new();
    let stored = module.store();
    let metadata = module.recorded_json("metadata");
    assert_eq!(metadata["project"], module.bundles.name.as_str());
    assert_eq!(
        [&metadata["deployment"], &metadata["group"], &metadata["module"]],
        ["dev", "data", "orders"]
    );
    for key in ["checksum", "md5", "code_sha256", "s3_version", "size_bytes", "entries"] {
        assert_eq!(metadata["bundle"][key], stored[key], "{key}");
    }
    assert!(metadata["bundle"]["tool"].as_str().unwrap().starts_with("lambda-pack "));
    assert!(metadata["bundle"]["stored_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(module.recorded_json("status")["status"], "succeeded");
    assert_eq!(module.recorded_json("outputs"), json!({}));
    assert_eq!(metadata.get("previous"), None);

    module.write("handler.py", "print('more')\n");
    module.store();
    assert_eq!(module.recorded_json("metadata")["previous"], metadata["bundle"]);
}

#[test]
fn a_mark_forces_until_it_is_built_again() {
    let module = Module::new();
    module.command("taint", []).fails(5, &["no bundle of", "bundle list"]);
    module.store();
    module.command("taint", []).ok();
    let answer = module.check();
    assert_eq!(answer["decision"], "forced");
    assert!(answer["reason"].as_str().unwrap().contains("marked it"), "{answer}");
    let rows = module.command("list", ["--json"]).ok().json();
    assert_eq!(rows[0]["tainted"], true);
    module.store();
    module.decides("hit");
    let forced = module.check_with(["--force-update"]);
    assert_eq!(forced["decision"], "forced");
}

#[test]
fn the_list_has_all_of_the_project() {
    let module = Module::new();
    let empty = module.command("list", []).ok();
    assert!(empty.stderr.contains("no bundle of the project"), "{empty:?}");
    let stored = module.store();
    let other = Module {
        name: "invoices".to_owned(),
        bundles: module.bundles,
        group: "data".to_owned(),
    };
    other.store();
    let rows = other
        .bundles
        .command(["bundle", "list", "--json", "--project", &other.bundles.name])
        .ok()
        .json();
    let names: Vec<_> = rows.as_array().unwrap().iter().map(|row| &row["module"]).collect();
    assert_eq!(names, ["invoices", "orders"]);
    assert_eq!(rows[1]["checksum"], stored["checksum"]);
    assert_eq!(rows[1]["size_bytes"], stored["size_bytes"]);
    assert_eq!(rows[1]["status"], "succeeded");
    assert!(rows[1]["age_seconds"].as_u64().unwrap() < 600);
    let table = other.command("list", []).ok().stdout;
    assert!(table.contains("invoices") && !table.contains("orders"), "{table}");
}

#[test]
fn what_only_reads_writes_nothing() {
    let module = Module::new();
    let endpoint = module.bundles.project.endpoint.clone();
    let quiet = |command: TestCommand| {
        let (run, asked) = counted(&endpoint, command, |_| Action::Forward);
        assert_eq!(asked.writes(), Vec::<&str>::new(), "{run:?}");
        assert!(!asked.reads().is_empty(), "{run:?}");
        run
    };
    let check = || module.command("check", ["--detailed-exitcode"]);
    assert_eq!(quiet(check()).code, 10);
    assert_eq!(quiet(module.command("store", ["--dry-run"])).code, 0);
    module.decides("miss_no_bundle");
    module.store();
    let dir = module.bundles.project.dir.snapshot();
    assert_eq!(quiet(check()).code, 0);
    assert_eq!(quiet(module.command("list", [])).code, 0);
    assert_eq!(quiet(module.command("taint", ["--dry-run"])).code, 0);
    assert_eq!(quiet(module.command("store", ["--dry-run"])).code, 0);
    module.decides("hit");
    assert!(dir == module.bundles.project.dir.snapshot());
}

#[test]
fn the_project_file_has_the_same_settings() {
    let module = Module::new();
    let stored = module.command("store", ["--json", "--param", "stage=dev"]).ok().json();
    let dir = &module.bundles.project.dir;
    dir.write(
        "lambda-pack.toml",
        format!(
            "[bundle]\nproject = {:?}\ndeployment = \"dev\"\ngroup = \"data\"\nmodule = \"orders\"\nbucket = {:?}\n\
             source = \"module\"\n[bundle.parameters]\nstage = \"dev\"\n",
            module.bundles.name, module.bundles.project.bucket
        ),
    );
    let below = dir.join("module/sql");
    let command = |args: &[&'static str]| {
        let args = ["bundle", "check", "--json"].iter().chain(args).copied();
        module.bundles.command(args).current_dir(&below)
    };
    let answer = command(&[]).ok().json();
    assert_eq!(
        [&answer["decision"], &answer["checksum"]],
        [&json!("hit"), &stored["checksum"]]
    );
    let answer = command(&["--param", "stage=prod"]).ok().json();
    assert_eq!(answer["decision"], "miss_changed");
    dir.write("lambda-pack.toml", "[bundle]\nprojct = \"x\"\n");
    command(&[]).fails(3, &["lambda-pack.toml", "projct"]);
}

#[test]
fn wrong_arguments_are_named() {
    let module = Module::new();
    let bundles = &module.bundles;
    bundles
        .command(["bundle", "check"])
        .fails(2, &["--project is missing", "lambda-pack.toml"]);
    for (args, words) in [
        (["--param", "novalue"], ["--param: not KEY=VALUE", ""]),
        (["--param", "1=x"], ["the parameter name `1`", "letters"]),
        (
            ["--secret", "token=hunter2"],
            ["`token` is no reference", "parameter-store:NAME"],
        ),
        (["--spec", "absent.yaml"], ["absent.yaml", "--spec"]),
    ] {
        let run = module.command("check", args).run();
        assert!([2, 3].contains(&run.code), "{run:?}");
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
    Module {
        name: "a/b".to_owned(),
        ..module
    }
    .command("check", [])
    .fails(3, &["--module: found `a/b`"]);
}

#[test]
fn a_secret_in_the_source_is_not_stored() {
    let module = Module::new();
    module.write(
        "settings.env",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEY1\n",
    );
    let run = module.command("store", []).fails(8, &["settings.env"]);
    assert!(!run.stderr.contains("wJalrXUtnFEMI"), "{run:?}");
    module.decides("miss_failed");
    assert_eq!(module.bundles.project.keys(), ["dev/data-orders.lease.json"]);
}
