//! Whether the store has a package yet makes no difference: the same document, the same refusals.

use std::fs;

use serde_json::{Value, json};

use super::{PROFILE, document, export};
use crate::support::{Dir, Run};

/// Looks like an access key ID of AWS, and is none.
fn access_key() -> String {
    ["AKI", "AQZ7LFMHW3KXR", "VDT2"].concat()
}

/// A function that a command makes of its source, and one that is packed as it is.
struct Project {
    /// What the command does after it has copied the source.
    script: String,
    keys: Value,
    settings: String,
}

impl Project {
    fn new() -> Self {
        Project {
            script: "true".to_owned(),
            keys: json!({}),
            settings: String::new(),
        }
    }

    fn write(&self, dir: &Dir) {
        dir.write("code/made/app.py", "def handler(event, context):\n    return event\n");
        dir.write("code/plain/app.py", "def handler(event, context):\n    return event\n");
        let script = format!("mkdir out && cp app.py out/ && {}", self.script);
        let mut made = json!({
            "runtime": "python3.13", "handler": "app.handler", "source": "made",
            "build": {"type": "command", "command": ["sh", "-c", script], "output": "out"},
        });
        for (key, value) in self.keys.as_object().unwrap() {
            made[key] = value.clone();
        }
        dir.write("lambda-json/made.json", made.to_string());
        let plain = json!({"runtime": "python3.13", "handler": "app.handler", "source": "plain"});
        dir.write("lambda-json/plain.json", plain.to_string());
        dir.write("lambda-pack.toml", format!("[profiles.prod]\n{}", self.settings));
    }
}

/// What `export` says, and what it wrote; with a cache of its own, so that nothing is known but what the store knows.
fn outcome(dir: &Dir) -> (Run, Option<String>) {
    let cache = dir.join("cache");
    let run = dir
        .command(["bundle", "export", "--quiet"])
        .args(PROFILE)
        .env("XDG_CACHE_HOME", &cache)
        .run();
    (run, fs::read_to_string(dir.join("dist/bundle.json")).ok())
}

/// Uploads the one project, changes it to the other, which has the same packages, and exports it: with what is stored, and
/// elsewhere with nothing. Returns what both said and wrote.
#[track_caller]
fn with_and_without_store(uploaded: &Project, changed: &Project) -> (Run, Option<String>) {
    let (here, there) = (Dir::new(), Dir::new());
    uploaded.write(&here);
    let first = here.command(["run", "--json"]).args(PROFILE).ok().json();
    changed.write(&here);
    changed.write(&there);
    fs::remove_file(here.join("dist/bundle.json")).unwrap();
    let hash = |dir: &Dir| {
        let packages = dir.command(["external", "hash"]).args(PROFILE).stdin("{}").ok().json();
        let packages: Value = serde_json::from_str(packages["packages"].as_str().unwrap()).unwrap();
        packages["made"]["source_hash"].clone()
    };
    assert_eq!(
        hash(&here),
        first["inputs"]["packages"]["made"]["source_hash"],
        "it is stored"
    );
    let (stored, none) = (outcome(&here), outcome(&there));
    let said = |dir: &Dir, run: &Run| (run.code, run.stderr.replace(dir.path().to_str().unwrap(), "…"));
    assert_eq!(said(&here, &stored.0), said(&there, &none.0));
    assert_eq!(stored.1, none.1);
    // `run` refuses what `export` refuses, and nothing else.
    let run = here.command(["run", "--quiet"]).args(PROFILE).run();
    assert_eq!(run.code, stored.0.code, "{run:?}");
    assert_eq!(
        run.stderr.is_empty(),
        stored.0.code == 0 && !run.stderr.contains("bucket")
    );
    stored
}

#[track_caller]
fn refuses(outcome: &(Run, Option<String>), code: i32, words: &[&str]) {
    let (run, document) = outcome;
    assert_eq!(run.code, code, "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {run:?}");
    }
    assert!(!run.stderr.contains("function `made`: function `made`"), "{run:?}");
    assert_eq!(*document, None);
}

fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["validation"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

#[test]
fn a_handler_that_a_stored_package_lacks_is_refused() {
    let mut project = Project::new();
    let uploaded = Project::new();
    project.keys = json!({"handler": "zzz.handler"});
    refuses(
        &with_and_without_store(&uploaded, &project),
        3,
        &["function `made`: its handler is `zzz.handler`, but the package has no zzz.py"],
    );
}

#[test]
fn upload_refuses_what_run_refuses_of_a_stored_package() {
    let mut project = Project::new();
    let dir = Dir::new();
    project.write(&dir);
    let upload = |args: &[&str]| dir.command(["upload", "--json"]).args(args.iter().copied());
    upload(&[]).ok();
    project.keys = json!({"handler": "zzz.handler"});
    project.write(&dir);
    for args in [&[][..], &["made"], &["--no-cache"], &["made", "--no-cache"]] {
        upload(args).fails(
            3,
            &["function `made`: its handler is `zzz.handler`, but the package has no zzz.py"],
        );
    }
    // It may be there as well as not, once it has a layer.
    let layer = "arn:aws:lambda:eu-west-1:123456789012:layer:common:1";
    project.keys = json!({"handler": "zzz.handler", "layers": [layer]});
    project.write(&dir);
    assert_eq!(upload(&[]).ok().statuses(), ["unchanged", "unchanged"]);
    // What a version left in the store that knew less is made again, once.
    let manifests = fs::read_dir(dir.join(".lambda-pack/store/manifests/made")).unwrap();
    let manifest = manifests.map(|entry| entry.unwrap().path()).next().unwrap();
    let whole = fs::read(&manifest).unwrap();
    let mut less: Value = serde_json::from_slice(&whole).unwrap();
    less.as_object_mut().unwrap().remove("machine_code").unwrap();
    fs::write(&manifest, less.to_string()).unwrap();
    assert_eq!(upload(&[]).ok().statuses(), ["unchanged", "unchanged"]);
    assert_eq!(
        fs::read(&manifest).unwrap(),
        less.to_string().as_bytes(),
        "it passed before"
    );
    assert_eq!(upload(&["--no-cache"]).ok().statuses(), ["unchanged", "unchanged"]);
    assert_eq!(fs::read(&manifest).unwrap(), whole);
}

#[test]
fn what_is_in_a_stored_package_is_in_the_document() {
    let mut project = Project::new();
    project.script = "mkdir out/boto3 && echo x > out/boto3/x.py && echo x > out/json.py".to_owned();
    let (run, text) = with_and_without_store(&project, &project);
    assert_eq!(run.code, 0, "{run:?}");
    let document = document(&text.unwrap());
    let sdk = check(&document, "fitness.bundled_sdk/made");
    assert_eq!(sdk["status"], "warn");
    let shadowed = check(&document, "fitness.shadowed_module/made");
    assert!(shadowed["detail"].as_str().unwrap().contains("`json`"));
    assert_eq!(check(&document, "preflight/made")["status"], "warn");
    assert_eq!(check(&document, "preflight/plain")["status"], "pass");
}

/// What is stored is what would be handed on, whatever a build would make now; the messages say so.
#[track_caller]
fn refuses_stored_or_not(uploaded: &Project, changed: &Project, code: i32, words: &[&str]) {
    for stored in [true, false] {
        let dir = Dir::new();
        if stored {
            uploaded.write(&dir);
            dir.command(["run"]).args(PROFILE).ok();
        }
        changed.write(&dir);
        for command in [&["bundle", "export"][..], &["run"]] {
            let run = dir.command(command.iter().copied()).args(PROFILE).fails(code, words);
            assert_eq!(run.stderr.contains(".zip`: "), stored, "{run:?}");
        }
    }
}

#[test]
fn a_secret_that_is_no_longer_allowed_is_refused() {
    let allowed = |path: &str| json!({"allowed_secrets": [{"path": path, "rule": "aws-access-key-id", "reason": "an example of the manual"}]});
    let (mut uploaded, mut changed) = (Project::new(), Project::new());
    // In the source: in the one that is packed, too.
    let dir = Dir::new();
    uploaded.keys = allowed("app.py");
    uploaded.write(&dir);
    let with_key = format!(
        "KEY = \"{}\"\ndef handler(event, context):\n    return event\n",
        access_key()
    );
    dir.write("code/made/app.py", &with_key);
    let first = document(&{
        dir.command(["run"]).args(PROFILE).ok();
        export(&dir)
    });
    assert_eq!(
        check(&first, "secrets/made")["detail"],
        "none in its source, package and environment, but for what its definition allows: `app.py` (rule `aws-access-key-id`): an example of the manual"
    );
    changed.write(&dir);
    dir.write("code/made/app.py", &with_key);
    for command in [&["bundle", "export"][..], &["run"]] {
        let run = dir
            .command(command.iter().copied())
            .args(PROFILE)
            .fails(8, &["error: function `made`: code/made/app.py:1: secret found"]);
        assert!(!run.stderr.contains(&access_key()));
    }

    // In what is built alone.
    let [start, end] = ["AKIAQZ7LFM", "HW3KXRVDT2"];
    let script = format!("printf 'KEY = \"%s%s\"\\n' {start} {end} > out/settings.py");
    uploaded.script = script.clone();
    uploaded.keys = allowed("settings.py");
    let (run, text) = with_and_without_store(&uploaded, &uploaded);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(text.unwrap().contains("an example of the manual"));
    changed.script = script;
    refuses_stored_or_not(
        &uploaded,
        &changed,
        8,
        &["settings.py", "secret found", "rule `aws-access-key-id`"],
    );
}

#[test]
fn a_secret_of_the_infrastructure_that_is_declared_later_is_refused() {
    let (mut uploaded, mut changed) = (Project::new(), Project::new());
    let script = "printf 'deploy-%s' 12345678 > out/token.txt".to_owned();
    uploaded.script = script.clone();
    changed.script = script;
    changed.settings = "[[profiles.prod.secrets]]\nid = \"deploy-token\"\nclass = \"infrastructure\"\npattern = \"deploy-[0-9]{8}\"\nreason = \"it deploys\"\n".to_owned();
    refuses_stored_or_not(
        &uploaded,
        &changed,
        3,
        &["token.txt:1: infrastructure secret `deploy-token` found"],
    );
    // What was declared before it was uploaded isn't made again.
    let dir = Dir::new();
    changed.script = "true".to_owned();
    changed.write(&dir);
    dir.command(["run"]).args(PROFILE).ok();
    let again = dir.command(["run", "--no-cache"]).args(PROFILE).ok();
    assert!(
        again.stderr.contains("build         0 packages, 1 in the store"),
        "{again:?}"
    );
}

#[test]
fn a_stored_package_whose_manifest_says_too_little_is_made_again() {
    let mut project = Project::new();
    let dir = Dir::new();
    project.write(&dir);
    dir.command(["run"]).args(PROFILE).ok();
    let manifests = fs::read_dir(dir.join(".lambda-pack/store/manifests/made")).unwrap();
    let manifest = manifests.map(|entry| entry.unwrap().path()).next().unwrap();
    let whole: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    project.keys = json!({"handler": "zzz.handler"});
    project.write(&dir);
    for key in ["machine_code", "secrets", "moved"] {
        // As versions wrote it that couldn't check a stored package.
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(key).unwrap();
        fs::write(&manifest, less.to_string()).unwrap();
        dir.command(["bundle", "export"])
            .args(PROFILE)
            .fails(3, &["the package has no zzz.py"]);
    }
    // One run makes it again, and notes what is in it.
    project.keys = json!({});
    project.write(&dir);
    let run = || dir.command(["run", "--no-cache"]).args(PROFILE).ok();
    let again = run();
    assert!(again.stderr.contains("build         1 package ("), "{again:?}");
    assert!(
        again.stderr.contains("upload        0 packages, 2 unchanged"),
        "{again:?}"
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&fs::read(&manifest).unwrap()).unwrap(),
        whole
    );
    let again = run();
    assert!(
        again.stderr.contains("build         0 packages, 1 in the store"),
        "{again:?}"
    );
    fs::write(&manifest, "{").unwrap();
    dir.command(["bundle", "export"])
        .args(PROFILE)
        .fails(4, &["not a manifest"]);
}

#[test]
fn the_processor_of_stored_machine_code_is_known() {
    let mut project = Project::new();
    // The start of a shared object: e_machine is 62.
    project.script = r"printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\076\0' > out/x.so".to_owned();
    project.keys = json!({"architectures": ["x86_64"]});
    let dir = Dir::new();
    project.write(&dir);
    dir.command(["run"]).args(PROFILE).ok();
    let manifests = fs::read_dir(dir.join(".lambda-pack/store/manifests/made")).unwrap();
    let manifest = manifests.map(|entry| entry.unwrap().path()).next().unwrap();
    let mut stored: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    assert_eq!(stored["machine_code"], json!({"x.so": "x86_64"}));
    stored["machine_code"]["x.so"] = json!("arm64");
    fs::write(&manifest, stored.to_string()).unwrap();
    dir.command(["bundle", "export"])
        .args(PROFILE)
        .fails(3, &["its architecture is x86_64, but `x.so` is for arm64"]);
}

#[test]
fn the_region_of_the_machine_is_no_input() {
    let mut project = Project::new();
    project.settings = "tier = \"lambda-edge\"\narchitecture = \"x86_64\"\n".to_owned();
    let dir = Dir::new();
    project.write(&dir);
    let written = |region: Option<&str>| {
        let command = dir.command(["bundle", "export"]).args(PROFILE);
        match region {
            Some(region) => command.env("AWS_REGION", region).ok(),
            None => command.ok(),
        };
        fs::read_to_string(dir.join("dist/bundle.json")).unwrap()
    };
    let text = written(None);
    assert_eq!(written(Some("us-east-1")), text);
    assert_eq!(written(Some("eu-west-1")), text);
    dir.command(["run"]).args(PROFILE).env("AWS_REGION", "eu-west-1").ok();
    // What the project says is one.
    let settings = fs::read_to_string(dir.join("lambda-pack.toml")).unwrap();
    dir.write("lambda-pack.toml", format!("region = \"eu-west-1\"\n{settings}"));
    dir.command(["run"])
        .args(PROFILE)
        .fails(3, &["region: the region is eu-west-1"]);
}
