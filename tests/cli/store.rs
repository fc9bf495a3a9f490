//! The embedded store: first record wins, contradictions are found, nothing half-done is visible.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Dir, hash_of, run};

fn upload(dir: &Dir) -> Value {
    dir.command(["upload", "--json"]).ok().json()
}

fn package(dir: &Dir, row: &Value) -> PathBuf {
    let url = row["store_url"].as_str().unwrap();
    let path = PathBuf::from(url.strip_prefix("file://").unwrap());
    assert!(path.starts_with(dir.path()));
    path
}

#[test]
fn a_store_holds_manifest_package_and_record() {
    let dir = Dir::with_app();
    let rows = upload(&dir);
    let row = &rows[0];
    assert_eq!(row["status"], "uploaded");
    assert_eq!(row["path"], Value::Null);
    let source_hash = hash_of(&dir.join("code/app.py"));
    let read = |kind: &str| -> Value {
        let path = dir.join(&format!(".lambda-pack/store/{kind}/app/{source_hash}.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let manifest = dir.command(["hash", "--json", "code/app.py"]).ok().json();
    let stored = read("manifests");
    for key in ["hash_version", "algorithm", "source_hash", "entries"] {
        assert_eq!(stored[key], manifest[key]);
    }
    assert_eq!(stored["package_entries"], manifest["entries"]);
    let record = read("records");
    for key in ["source_hash", "code_sha256", "size_bytes", "unzipped_bytes", "entries"] {
        assert_eq!(record[key], row[key], "{key}");
    }
    dir.command(["build"]).ok();
    assert!(fs::read(package(&dir, row)).unwrap() == fs::read(dir.join("dist/app.zip")).unwrap());
}

#[test]
fn the_first_record_wins_whatever_was_built_then() {
    let dir = Dir::with_app();
    let first = upload(&dir);
    // As another tool version would have made it: same source, other bytes.
    let source_hash = hash_of(&dir.join("code/app.py"));
    let record_path = dir.join(&format!(".lambda-pack/store/records/app/{source_hash}.json"));
    let other = dir.write("other.zip", "other bytes");
    let sum = crate::support::run("sha256sum", &[other.to_str().unwrap()]);
    let hex = &sum[..64];
    let mut record: Value = serde_json::from_slice(&fs::read(&record_path).unwrap()).unwrap();
    record["s3_key"] = format!("packages/app/{hex}.zip").into();
    record["code_sha256"] = base64_of_hex(hex).into();
    record["size_bytes"] = 11.into();
    fs::copy(&other, dir.join(&format!(".lambda-pack/store/packages/app/{hex}.zip"))).unwrap();
    fs::write(&record_path, record.to_string()).unwrap();

    let second = upload(&dir);
    assert_eq!(second[0]["status"], "unchanged");
    assert_eq!(second[0]["code_sha256"], record["code_sha256"]);
    assert_ne!(second[0]["code_sha256"], first[0]["code_sha256"]);

    // If those bytes are lost, they can't be made again: the record follows what can.
    fs::remove_file(dir.join(&format!(".lambda-pack/store/packages/app/{hex}.zip"))).unwrap();
    let third = upload(&dir);
    assert_eq!(third[0]["status"], "uploaded");
    assert_eq!(third[0]["code_sha256"], first[0]["code_sha256"]);
    assert_eq!(upload(&dir)[0]["status"], "unchanged");
}

fn base64_of_hex(hex: &str) -> String {
    let python = "import base64, sys; print(base64.b64encode(bytes.fromhex(sys.argv[1])).decode())";
    crate::support::run(&*crate::support::PYTHON, &["-c", python, hex])
        .trim()
        .to_owned()
}

#[test]
fn damaged_bytes_and_damaged_records_are_exit_4() {
    let dir = Dir::with_app();
    let rows = upload(&dir);
    let zip = package(&dir, &rows[0]);
    let whole = fs::read(&zip).unwrap();
    let record = dir.join(&format!(
        ".lambda-pack/store/records/app/{}.json",
        rows[0]["source_hash"].as_str().unwrap()
    ));
    let sound = fs::read(&record).unwrap();
    let query = serde_json::json!({"packages": dir.command(["external", "hash"]).stdin("{}").ok().json()["packages"]});

    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for damaged in [flipped, whole[1..].to_vec(), Vec::new()] {
        fs::write(&zip, damaged).unwrap();
        dir.command(["upload"])
            .fails(4, &[zip.to_str().unwrap(), "can't be trusted", "upload"]);
        dir.command(["external", "published"])
            .stdin(query.to_string())
            .fails(4, &["can't be trusted"]);
    }
    fs::write(&zip, &whole).unwrap();

    let text = String::from_utf8(sound.clone()).unwrap();
    let size = format!("\"size_bytes\":{}", whole.len());
    for damaged in [
        "{".to_owned(),
        text.replace("\"name\":\"app\"", "\"name\":\"other\""),
        text.replace(&size, "\"size_bytes\":1"),
        text.replace("packages/app/", "packages/other/"),
        text.replace("\"hash_version\":1", "\"hash_version\":2"),
    ] {
        assert_ne!(damaged, text);
        fs::write(&record, &damaged).unwrap();
        dir.command(["upload"]).fails(4, &["can't be trusted"]);
    }
    fs::write(&record, sound).unwrap();
    assert_eq!(upload(&dir)[0]["status"], "unchanged");

    // The remedy of the message works.
    fs::write(&zip, "damaged").unwrap();
    fs::remove_file(&zip).unwrap();
    assert_eq!(upload(&dir)[0]["status"], "uploaded");
    assert!(fs::read(&zip).unwrap() == whole);
}

#[test]
fn expect_refuses_anything_else() {
    let dir = Dir::with_app();
    let hash = hash_of(&dir.join("code/app.py"));
    dir.command(["upload", "app", "--expect", &format!("app={hash}")]).ok();
    dir.write("code/app.py", "changed after the plan");
    let now = hash_of(&dir.join("code/app.py"));
    let before = dir.snapshot();
    dir.command(["upload", "app", "--expect", &format!("app={hash}")])
        .fails(5, &["function `app`", &hash, &now]);
    dir.command(["upload", "--expect", &format!("other={hash}")])
        .fails(2, &["`other`"]);
    dir.command(["upload", "--expect", "app=short"])
        .fails(2, &["NAME=HASH"]);
    dir.command([
        "upload",
        "--expect",
        &format!("app={hash}"),
        "--expect",
        &format!("app={now}"),
    ])
    .fails(2, &["twice"]);
    assert!(dir.snapshot() == before, "nothing was written");
    // Without names, those that are expected are meant.
    dir.write("lambda-json/other.json", r#"{"source": "app.py"}"#);
    let rows = dir
        .command(["upload", "--json", "--expect", &format!("app={now}")])
        .ok()
        .json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

#[test]
fn upload_refuses_what_lambda_would() {
    let dir = Dir::with_app();
    let sparse = fs::File::create(dir.join("code/large")).unwrap();
    sparse.set_len(250 * 1024 * 1024 + 1).unwrap();
    dir.write("lambda-json/app.json", r#"{"source": "large"}"#);
    dir.command(["upload"])
        .fails(3, &["function `app`", "262144001", "262144000"]);
    dir.command(["validate"]).fails(3, &["262144001"]);
    assert!(!dir.join(".lambda-pack").exists());
    let run = dir.command(["build"]).ok();
    assert!(
        run.stderr.contains("warning") && run.stderr.contains("262144001"),
        "{run:?}"
    );
}

#[test]
fn two_processes_at_once_agree() {
    let dir = Dir::with_app();
    for index in 0..20 {
        dir.write(&format!("lambda-json/f{index}.json"), r#"{"source": "app.py"}"#);
    }
    let children: Vec<_> = (0..4).map(|_| dir.command(["upload", "--json"]).spawn()).collect();
    let runs: Vec<_> = children
        .into_iter()
        .map(|child| crate::support::Run::new(child.wait_with_output().unwrap()))
        .collect();
    let mut answers: Vec<Vec<(Value, Value)>> = Vec::new();
    for run in runs {
        assert_eq!(run.code, 0, "{run:?}");
        let rows = run.json();
        answers.push(
            rows.as_array()
                .unwrap()
                .iter()
                .map(|row| (row["name"].clone(), row["code_sha256"].clone()))
                .collect(),
        );
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let left: Vec<_> = dir
        .snapshot()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Nobody waits for who writes into a pipe, nor keeps in memory what can't be right.
#[cfg(unix)]
#[test]
fn what_is_no_file_or_far_too_large_is_named() {
    let dir = Dir::with_app();
    dir.command(["upload"]).ok();
    let store = dir.join(".lambda-pack/store");
    let only = |part: &str| {
        let mut files = fs::read_dir(store.join(part).join("app")).unwrap();
        files.next().unwrap().unwrap().path()
    };
    for (part, command) in [
        ("provenance", &["verify", "--provenance"][..]),
        ("manifests", &["verify", "--level", "store"]),
        ("records", &["verify", "--level", "store"]),
        ("records", &["list"]),
        ("packages", &["verify", "--level", "store", "--deep"]),
    ] {
        let file = only(part);
        let sound = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        run("mkfifo", &[file.to_str().unwrap()]);
        let answer = dir.command(command.iter().copied()).run();
        assert_eq!(answer.code, 4, "{part}: {answer:?}");
        assert!(answer.stderr.contains("it is no file"), "{part}: {answer:?}");
        fs::remove_file(&file).unwrap();
        if part != "packages" {
            // With holes: it takes no place on the disk.
            let large = fs::File::create(&file).unwrap();
            large.set_len(300 * 1024 * 1024).unwrap();
            let answer = dir.command(command.iter().copied()).run();
            assert_eq!(answer.code, 4, "{part}: {answer:?}");
            assert!(
                answer.stderr.contains("which nothing has that belongs there"),
                "{part}: {answer:?}"
            );
        }
        fs::write(&file, sound).unwrap();
        dir.command(command.iter().copied()).ok();
    }
}
