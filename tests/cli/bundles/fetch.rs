//! From the bucket to a directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Module;
use crate::faults::wait_for;
use crate::support::kills::counted;
use crate::support::on_small_disk;
use crate::support::proxy::{Action, Proxy};

#[test]
fn it_is_what_was_stored() {
    let module = Module::new();
    let dir = &module.bundles.project.dir;
    dir.write("module/bin/run", "#!/bin/sh\n");
    dir.chmod("module/bin/run", 0o755);
    dir.symlink("run", "module/bin/start");
    let stored = module.store();
    let fetched = module
        .command("fetch", ["--out-dir", "some/place", "--json"])
        .ok()
        .json();
    for key in ["checksum", "code_sha256", "s3_version", "entries"] {
        assert_eq!(fetched[key], stored[key], "{key}");
    }
    let hash = |path: &str| dir.command(["hash", path]).ok().stdout[..64].to_owned();
    assert_eq!(hash("some/place"), hash("module"));
    let mode = fs::metadata(dir.join("some/place/bin/run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn what_is_there_is_replaced_only_on_request() {
    let module = Module::new();
    let dir = &module.bundles.project.dir;
    module.store();
    dir.write("out/precious", "mine");
    module
        .command("fetch", ["--out-dir", "out"])
        .fails(5, &["`out` is not empty", "--replace"]);
    assert!(dir.join("out/precious").exists());
    module.command("fetch", ["--out-dir", "out", "--replace"]).ok();
    assert!(!dir.join("out/precious").exists() && dir.join("out/handler.py").exists());
    fs::create_dir(dir.join("empty")).unwrap();
    module.command("fetch", ["--out-dir", "empty"]).ok();
    let left = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with(".lambda-pack-"))
    );
}

#[test]
fn what_it_put_there_itself_is_the_users_only_once_it_was_changed() {
    let module = Module::new();
    let dir = &module.bundles.project.dir;
    let fetch = || module.command("fetch", ["--out-dir", "out"]);
    module.store();
    fetch().ok();
    fetch().ok();
    module.write("handler.py", "print('later')\n");
    module.store();
    fetch().ok();
    assert_eq!(
        fs::read_to_string(dir.join("out/handler.py")).unwrap(),
        "print('later')\n"
    );
    dir.write("out/handler.py", "print('mine')\n");
    fetch().fails(5, &["something else than a bundle of this module"]);
    // A run finds that out before it builds anything.
    let run = module.command("run", ["--force-update", "--out-dir", "out"]);
    let (run, asked) = counted(&module.bundles.project.endpoint, run, |_| Action::Forward);
    assert_eq!((run.code, asked.writes()), (5, vec![]), "{run:?}");
}

#[test]
fn no_directory_is_taken_away_from_its_user() {
    let module = Module::new();
    module.store();
    let before = module.bundles.project.dir.snapshot();
    for (out_dir, words) in [
        (".", "is where you stand"),
        ("..", "is where you stand"),
        ("/", "is where you stand"),
        ("module", "is the source"),
        ("module/out", "is inside its source"),
    ] {
        for (verb, code) in [("fetch", 3), ("run", 3)] {
            module
                .command(verb, ["--out-dir", out_dir, "--replace"])
                .fails(code, &["`", words]);
        }
    }
    module
        .command("run", ["--report-dir", "module/reports"])
        .fails(3, &["the report directory", "is inside its source"]);
    assert!(before == module.bundles.project.dir.snapshot());
}

#[test]
fn a_miss_is_no_bundle_but_the_one_in_force_can_be_had() {
    let module = Module::new();
    module
        .command("fetch", ["--out-dir", "out"])
        .fails(5, &["miss_no_bundle", "bundle run"]);
    module
        .command("fetch", ["--out-dir", "out", "--committed"])
        .fails(5, &["no bundle of", "is in force"]);
    module.store();
    module.write("handler.py", "print('later')\n");
    module
        .command("fetch", ["--out-dir", "out"])
        .fails(5, &["miss_changed", "--committed"]);
    assert!(!module.bundles.project.dir.join("out").exists());
    module.command("fetch", ["--out-dir", "out", "--committed"]).ok();
    let fetched = fs::read_to_string(module.bundles.project.dir.join("out/handler.py")).unwrap();
    assert_eq!(fetched, "print('orders')\n");
}

#[test]
fn the_recorded_version_is_fetched_and_verified() {
    let module = Module::new();
    let project = &module.bundles.project;
    module.store();
    project.overwrite(&module.key(), b"something else".to_vec());
    module
        .command("fetch", ["--out-dir", "out"])
        .fails(5, &["miss_corrupt"]);
    // What was recorded is still there.
    module.command("fetch", ["--out-dir", "out", "--committed"]).ok();

    // Bytes that change on their way.
    let damage = Proxy::before(&project.endpoint, |request| {
        match request.method == "GET" && request.target.contains("bundle.zip") {
            true => Action::DamageAnswer,
            false => Action::Forward,
        }
    });
    module
        .command("fetch", ["--out-dir", "damaged", "--committed"])
        .env("AWS_ENDPOINT_URL", &damage.endpoint)
        .fails(4, &["its SHA-256 is", "recorded was"]);
    assert!(!project.dir.join("damaged").exists());
}

#[test]
fn an_interrupted_fetch_leaves_nothing() {
    let module = Module::new();
    module.store();
    let project = &module.bundles.project;
    let before = project.dir.snapshot();
    let stall = Proxy::before(&project.endpoint, |request| {
        match request.method == "GET" && request.target.contains("bundle.zip") {
            true => Action::Stall,
            false => Action::Forward,
        }
    });
    let child = module
        .command("fetch", ["--out-dir", "out/deep"])
        .env("AWS_ENDPOINT_URL", &stall.endpoint)
        .spawn();
    wait_for("the download", || {
        stall
            .seen()
            .iter()
            .any(|it| it.starts_with("GET") && it.contains("bundle.zip"))
    });
    crate::support::run("kill", &["-TERM", &child.id().to_string()]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(before == project.dir.snapshot());
}

#[test]
fn a_full_disk_leaves_nothing() {
    let module = Module::new();
    let noise: String = (0..400_000_u64)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect();
    module.write("noise", &noise);
    module.store();
    let project = &module.bundles.project;
    let command = format!(
        "AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1 '{}' bundle fetch --committed \
         --project {} --deployment dev --group data --module orders --bucket {} --out-dir small/out; code=$?; \
         find small -mindepth 1 >&2; exit $code",
        project.endpoint,
        crate::support::BINARY,
        module.bundles.name,
        project.bucket
    );
    let Some(run) = on_small_disk(project.dir.path(), "small".as_ref(), "size=1m", &command) else {
        return;
    };
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("No space left"), "{run:?}");
    assert!(
        !run.stderr.contains("small/out") && !run.stderr.contains(".lambda-pack-"),
        "{run:?}"
    );
}
