//! `rollback`: the file that has an earlier package deployed again, with its definition.

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Dir, git, hash_of};

const FILE: &str = "lambda-deploy-module/rollback.auto.tfvars.json";
const DEFINITION: &str = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "memory_size": "#;

/// Three versions of a function, each with another definition; the last one is that of the sources.
pub struct Versions {
    pub dir: Dir,
    hashes: Vec<String>,
}

pub fn source(dir: &Dir, version: usize) -> String {
    dir.write(
        "code/app.py",
        format!("def handler(event, context):\n    return {version}\n"),
    );
    dir.write("lambda-json/app.json", format!("{DEFINITION}{}}}", 128 * version));
    hash_of(&dir.join("code/app.py"))
}

impl Versions {
    pub fn new() -> Self {
        let dir = Dir::with_app();
        fs::create_dir(dir.join("lambda-deploy-module")).unwrap();
        let versions = Versions {
            dir,
            hashes: Vec::new(),
        };
        versions.with(3)
    }

    fn with(mut self, count: usize) -> Self {
        for version in 1..=count {
            self.hashes.push(source(&self.dir, version));
            self.dir.command(["upload"]).ok();
            self.published(version, version);
        }
        self
    }

    fn record(&self, version: usize) -> std::path::PathBuf {
        let hash = &self.hashes[version - 1];
        self.dir.join(&format!(".lambda-pack/store/records/app/{hash}.json"))
    }

    /// Dates the record.
    fn published(&self, version: usize, hour: usize) {
        let time = UNIX_EPOCH + Duration::from_secs(3600 * hour as u64);
        let record = File::options().append(true).open(self.record(version)).unwrap();
        record.set_modified(time).unwrap();
    }

    fn manifest(&self, version: usize) -> std::path::PathBuf {
        let hash = &self.hashes[version - 1];
        self.dir.join(&format!(".lambda-pack/store/manifests/app/{hash}.json"))
    }

    /// As older versions of the program wrote it.
    fn forget_definition(&self, version: usize) {
        let mut manifest: Value = serde_json::from_slice(&fs::read(self.manifest(version)).unwrap()).unwrap();
        manifest.as_object_mut().unwrap().remove("definition").unwrap();
        fs::write(self.manifest(version), manifest.to_string()).unwrap();
    }

    fn overrides(&self) -> Value {
        serde_json::from_slice(&fs::read(self.dir.join(FILE)).unwrap()).unwrap()
    }

    fn rolled_back_to(&self) -> (usize, u64) {
        let package = &self.overrides()["package_overrides"]["app"];
        let hash = package["source_hash"].as_str().unwrap();
        let version = self.hashes.iter().position(|it| it == hash).unwrap() + 1;
        (version, package["definition"]["memory_size"].as_u64().unwrap())
    }
}

#[test]
fn an_earlier_package_comes_with_its_definition() {
    let versions = Versions::new();
    let dir = &versions.dir;
    let before = dir.snapshot();
    let dry = dir.command(["rollback", "app", "--dry-run"]).ok();
    let text: Value = serde_json::from_str(&dry.stdout).unwrap();
    assert!(dir.snapshot() == before, "it writes nothing");

    let run = dir.command(["rollback", "app"]).ok();
    assert_eq!(
        run.stdout,
        format!("{FILE}\ncd lambda-deploy-module && terraform plan\n")
    );
    assert!(
        run.stderr
            .contains("of 1970-01-01T02:00:00Z, with its definition from store"),
        "{run:?}"
    );
    assert_eq!(versions.rolled_back_to(), (2, 256));
    assert_eq!(versions.overrides(), text);

    // What `external published` said of it then.
    source(dir, 2);
    let hashed = dir.command(["external", "hash"]).stdin("{}").ok().json();
    let query = json!({"packages": hashed["packages"]}).to_string();
    let published = dir.command(["external", "published"]).stdin(query).ok().json();
    let published: Value = serde_json::from_str(published["packages"].as_str().unwrap()).unwrap();
    assert_eq!(versions.overrides()["package_overrides"], published);
    source(dir, 3);

    dir.command(["rollback", "app", "--steps", "2"]).ok();
    assert_eq!(versions.rolled_back_to(), (1, 128));
    let json = dir
        .command(["rollback", "app", "--to", &versions.hashes[0][..10], "--json"])
        .ok()
        .json();
    assert_eq!(json["status"], "unchanged");
    assert_eq!(json["package"]["source_hash"], versions.hashes[0].as_str());
    assert_eq!(json["plan"], "cd lambda-deploy-module && terraform plan");
    dir.write("lambda-deploy-module/terragrunt.hcl", "");
    let cleared = dir.command(["rollback", "app", "--clear"]).ok();
    assert!(
        cleared.stdout.ends_with("cd lambda-deploy-module && terragrunt plan\n"),
        "{cleared:?}"
    );
    assert!(!dir.join(FILE).exists());
    let nothing = dir.command(["rollback", "app", "--clear", "--json"]).ok().json();
    assert_eq!(nothing["status"], "unchanged");
}

#[test]
fn what_others_have_in_the_file_stays() {
    let versions = Versions::new();
    let dir = &versions.dir;
    let others =
        json!({"package_overrides": {"other": {"s3_key": "k"}}, "alias_versions": {"other": "7"}, "tags": {"a": "b"}});
    dir.write(FILE, others.to_string());
    dir.command(["rollback", "app"]).ok();
    let held = dir.command(["rollback", "app", "--alias-version", "12"]).ok();
    assert!(held.stderr.contains("held at version 12"), "{held:?}");
    let warned = dir.command(["rollback", "app", "--steps", "2"]).ok();
    assert!(
        warned.stderr.contains("the alias of `app` is held at version 12"),
        "{warned:?}"
    );
    let written = versions.overrides();
    assert_eq!(written["alias_versions"], json!({"app": "12", "other": "7"}));
    assert_eq!(
        written["package_overrides"]["other"],
        others["package_overrides"]["other"]
    );
    dir.command(["rollback", "app", "--clear"]).ok();
    assert_eq!(versions.overrides(), others);
    dir.write(FILE, r#"{"package_overrides": []}"#);
    dir.command(["rollback", "app"]).fails(3, &[FILE, "package_overrides"]);
    dir.write(FILE, "x");
    dir.command(["rollback", "app", "--clear"]).fails(3, &[FILE]);
    assert_eq!(fs::read(dir.join(FILE)).unwrap(), b"x");
    dir.command(["rollback", "app", "--file", "x.json"])
        .fails(2, &[".tfvars.json"]);
    dir.command(["rollback", "app", "--file", "no/x.tfvars.json"])
        .fails(3, &["no directory `no`"]);
    let named = dir.command(["rollback", "app", "--file", "x.tfvars.json"]).ok();
    assert!(
        named.stdout.ends_with("\nterraform plan -var-file=x.tfvars.json\n"),
        "{named:?}"
    );
}

#[test]
fn what_is_not_in_the_store_is_refused_with_what_is() {
    let versions = Versions::new();
    let dir = &versions.dir;
    let known = &versions.hashes[2][..16];
    dir.command(["rollback", "app", "--to", &"0".repeat(64)]).fails(
        5,
        &["function `app`", "no package of `app`", known, "1970-01-01T03:00:00Z"],
    );
    dir.command(["rollback", "app", "--to", ""])
        .fails(2, &["no source hash", "lambda-pack list app"]);
    dir.command(["rollback", "app", "--steps", "3"])
        .fails(5, &["has 2 packages before", known]);
    versions.published(2, 1);
    dir.command(["rollback", "app"])
        .fails(5, &["which was first isn't known", known]);
    dir.command(["rollback", "app", "--to", &versions.hashes[1]]).ok();
    source(dir, 4);
    dir.command(["rollback", "app"]).fails(5, &["not published", known]);
    dir.command(["rollback", "nobody"]).fails(2, &["nobody", "app"]);
    dir.command(["rollback", "nobody", "--to", "1"])
        .fails(5, &["nothing of it was ever published"]);
    fs::remove_dir_all(dir.join(".lambda-pack/store/packages")).unwrap();
    dir.command(["rollback", "app", "--to", &versions.hashes[0]])
        .fails(5, &["isn't there, which a record names"]);
}

#[test]
fn without_a_stored_definition_it_is_taken_from_git_or_a_file() {
    let dir = Dir::with_app();
    fs::create_dir(dir.join("lambda-deploy-module")).unwrap();
    git(dir.path(), &["init", "--quiet"]);
    dir.write(".gitignore", "/.lambda-pack\n");
    let mut versions = Versions {
        dir,
        hashes: Vec::new(),
    };
    for version in 1..=2 {
        versions.hashes.push(source(&versions.dir, version));
        git(versions.dir.path(), &["add", "--all"]);
        git(versions.dir.path(), &["commit", "--quiet", "--message", "a version"]);
        git(versions.dir.path(), &["tag", &format!("v{version}")]);
        versions.dir.command(["upload"]).ok();
        versions.published(version, version);
    }
    versions.forget_definition(1);
    let dir = &versions.dir;
    // A directory keeps no metadata that could name the commit.
    dir.command(["rollback", "app"]).fails(
        1,
        &["function `app`", "names no commit", "--commit REF", "--definition FILE"],
    );
    dir.command(["rollback", "app", "--commit", "v2"]).fails(
        5,
        &["in the commit v2 the source hash of `app` is", &versions.hashes[1]],
    );
    dir.command(["rollback", "app", "--commit", "v0"])
        .fails(2, &["no commit `v0`"]);
    let run = dir.command(["rollback", "app", "--commit", "v1"]).ok();
    assert!(run.stderr.contains("from git:v1"), "{run:?}");
    assert_eq!(versions.rolled_back_to(), (1, 128));
    dir.write("then/app.json", format!("{DEFINITION}512}}"));
    dir.command(["rollback", "app", "--definition", "then/app.json"]).ok();
    assert_eq!(versions.rolled_back_to(), (1, 512));
    dir.write("then/other.json", format!("{DEFINITION}512}}"));
    dir.command(["rollback", "app", "--definition", "then/other.json"])
        .fails(3, &["then/other.json", "defines `other`, not `app`"]);
    // The definition that was first with a source stays with it.
    dir.write("lambda-json/app.json", format!("{DEFINITION}1024}}"));
    dir.command(["upload"]).ok();
    dir.command(["rollback", "app", "--to", &versions.hashes[1]]).ok();
    assert_eq!(versions.rolled_back_to(), (2, 256));
}

#[test]
fn the_commit_that_a_package_names_is_looked_at() {
    let project = crate::support::server::MOTO.project();
    let dir = &project.dir;
    fs::create_dir(dir.join("lambda-deploy-module")).unwrap();
    git(dir.path(), &["init", "--quiet"]);
    let hash = source(dir, 1);
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--message", "a version"]);
    project.command(["upload"]).ok();
    let manifest = project.keys_of("manifests").remove(0);
    let mut stored: Value = serde_json::from_slice(&project.get(&manifest)).unwrap();
    stored.as_object_mut().unwrap().remove("definition").unwrap();
    project.overwrite(&manifest, stored.to_string().into_bytes());
    source(dir, 2);
    let run = project
        .command(["rollback", "app", "--to", &hash, "--json"])
        .ok()
        .json();
    let commit = git(dir.path(), &["rev-parse", "HEAD"]);
    assert_eq!(run["package"]["definition_from"], format!("git:{}", commit.trim()));
    let written: Value = serde_json::from_slice(&fs::read(dir.join(FILE)).unwrap()).unwrap();
    let package = &written["package_overrides"]["app"];
    assert_eq!(package["definition"]["memory_size"], 128);
    assert_eq!(package["s3_bucket"], project.bucket.as_str());
}

#[test]
fn a_profile_s_definition_is_for_that_profile() {
    let versions = Versions::new();
    let dir = &versions.dir;
    dir.write(
        "lambda-pack.toml",
        "[profiles.prod]\ntier = \"lambda\"\nfunctions = [\"*\"]\n",
    );
    let hash = source(dir, 4);
    let prod = |command: crate::support::TestCommand| command.env("LAMBDA_PACK_DEPLOYMENT_PROFILE", "prod");
    prod(dir.command(["upload"])).ok();
    dir.command(["rollback", "app", "--to", &hash])
        .fails(5, &["deployment profile `prod`", "--deployment-profile prod"]);
    prod(dir.command(["rollback", "app", "--to", &hash])).ok();
    // From before there were profiles.
    prod(dir.command(["rollback", "app", "--to", &versions.hashes[0]])).ok();
}

#[test]
fn no_secret_of_the_infrastructure_gets_into_manifest_or_file() {
    let versions = Versions::new();
    let dir = &versions.dir;
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "description": "deploys with PAT-0a1b2c3d"}"#,
    );
    dir.write("code/app.py", "def handler(event, context):\n    return 5\n");
    let hash = hash_of(&dir.join("code/app.py"));
    dir.command(["upload"]).ok();
    let declare = "\"secrets\": [{\"id\": \"ci-token\", \"class\": \"infrastructure\", \"reason\": \"deploys\", \"pattern\": \"PAT-[0-9a-f]{8}\"}]}";
    dir.write("lambda-json/app.json", format!("{DEFINITION}128, {declare}"));
    // It was declared after that.
    let run = dir.command(["rollback", "app", "--to", &hash]).fails(3, &["ci-token"]);
    assert!(!run.stderr.contains("0a1b2c3d") && !dir.join(FILE).exists(), "{run:?}");
    let to = format!("file://{}", dir.join("to").display());
    let run = dir
        .command(["promote", &format!("app={hash}"), "app", "--to", &to])
        .fails(2, &["twice"]);
    assert!(!run.stderr.contains("0a1b2c3d"));
    // Who uploads with such a definition is refused before anything is written.
    dir.write("code/app.py", "def handler(event, context):\n    return 6\n");
    let held = format!("{DEFINITION}128, \"description\": \"deploys with PAT-0a1b2c3d\", {declare}");
    dir.write("lambda-json/app.json", held);
    let before = dir.snapshot();
    dir.command(["upload", "--no-cache"]).fails(3, &["ci-token"]);
    assert!(dir.snapshot() == before);
}
