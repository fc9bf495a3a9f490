//! `hash`: the promise that the same content has the same hash, everywhere.

use std::fs;
use std::process::Command;

use crate::support::{BINARY, Dir, PYTHON, hash_of, run};

/// A tree with all that a hash must tell apart.
fn tree() -> Dir {
    let dir = Dir::new();
    dir.write("tree/app.py", "print(1)\n");
    dir.write("tree/bin/run.sh", "#!/bin/sh\n");
    dir.chmod("tree/bin/run.sh", 0o755);
    dir.write("tree/a-b", "1");
    dir.write("tree/a/b", "2");
    dir.write("tree/a.b", "3");
    dir.write("tree/größe 'quoted' \"x\"", "4");
    dir.write("tree/empty", "");
    dir.write("tree/large.bin", vec![7; 300_000]);
    dir.symlink("../app.py", "tree/bin/link");
    dir.symlink("a", "tree/directory-link");
    dir
}

#[test]
fn the_hash_of_a_tree_is_pinned() {
    assert_eq!(
        hash_of(&tree().join("tree")),
        "6d672ed0bc868fe7442e82944190b1132e8ddd2d84f51a613128941b416dd0f5"
    );
}

#[test]
fn an_independent_implementation_agrees() {
    let dir = tree();
    dir.write("tree/__pycache__/app.pyc", "left out");
    dir.write("tree/x.pyc", "left out");
    dir.write("tree/.terragrunt-source-manifest", "left out");
    dir.write("tree/.git/HEAD", "left out");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/source_hash.py");
    for algorithm in ["blake3", "sha256", "md5"] {
        for path in ["tree", "tree/app.py"] {
            let path = dir.join(path);
            let path = path.to_str().unwrap();
            let theirs = run(&*PYTHON, &[script, "--algorithm", algorithm, path]);
            let ours = dir.command(["hash", "--algorithm", algorithm, path]).ok().stdout;
            assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn the_reference_implementation_agrees_with_its_vectors() {
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference");
    let script = format!("{reference}/source_hash.py");
    run(&*PYTHON, &[&script, "--vectors", &format!("{reference}/vectors.json")]);
}

#[test]
fn two_places_one_hash() {
    let dir = tree();
    run(
        "cp",
        &[
            "-r",
            dir.join("tree").to_str().unwrap(),
            dir.join("copy").to_str().unwrap(),
        ],
    );
    let run = dir.command(["hash", "tree", "copy"]).ok();
    let digests: Vec<&str> = run
        .stdout
        .lines()
        .map(|line| line.split_once("  ").unwrap().0)
        .collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn neither_time_zone_locale_umask_uid_nor_spelling_matter() {
    let dir = tree();
    let expected = hash_of(&dir.join("tree"));
    for (name, value) in [
        ("TZ", "Asia/Tokyo"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("HOME", "/nonexistent"),
        ("LAMBDA_PACK_JOBS", "8"),
    ] {
        let run = dir.command(["hash", "tree"]).env(name, value).ok();
        assert_eq!(run.stdout, format!("{expected}  tree\n"), "{name}");
    }
    let absolute = format!("{}/./tree/", dir.path().display());
    for path in ["./tree", "tree/", "tree/../tree", &absolute] {
        assert_eq!(dir.command(["hash", path]).ok().stdout, format!("{expected}  {path}\n"));
    }
    let script = format!("umask 077; exec {BINARY} hash tree");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}  tree\n"));
    run("chmod", &["-R", "g+w", dir.join("tree").to_str().unwrap()]);
    run("touch", &[dir.join("tree/app.py").to_str().unwrap()]);
    assert_eq!(hash_of(&dir.join("tree")), expected);
    // Only root can give files away; elsewhere the rest of this test has said enough.
    if run("id", &["-u"]).trim() == "0" {
        run("chown", &["-R", "12345:54321", dir.join("tree").to_str().unwrap()]);
        assert_eq!(hash_of(&dir.join("tree")), expected);
    }
}

#[test]
fn what_nobody_means_to_deploy_is_left_out() {
    let dir = tree();
    let expected = hash_of(&dir.join("tree"));
    for path in [
        ".git/HEAD",
        "a/.terragrunt-cache/x/y/z",
        ".terraform/providers",
        "a/.lambda-pack/store/x",
        "a/__pycache__/b.cpython-313.pyc",
        "b.pyc",
        ".venv/bin/python",
        ".pytest_cache/x",
        ".mypy_cache/x",
        ".ruff_cache/x",
        "a/.DS_Store",
        ".terragrunt-module-manifest",
    ] {
        dir.write(&format!("tree/{path}"), "noise");
    }
    assert_eq!(hash_of(&dir.join("tree")), expected);
    dir.write("tree/.gitignore", "a\n");
    assert_ne!(
        hash_of(&dir.join("tree")),
        expected,
        ".gitignore is a file like any other"
    );
}

#[test]
fn ignore_files_work_in_any_directory_without_a_repository() {
    let dir = tree();
    let expected = hash_of(&dir.join("tree"));
    dir.write("tree/notes.md", "left out");
    dir.write("tree/a/notes.md", "left out");
    dir.write("tree/a/kept.md", "");
    dir.write("tree/a/tests/deep/x", "left out");
    dir.write("tree/.lambdaignore", "*.md\n!kept.md\n");
    dir.write("tree/a/.lambdaignore", "tests/\nkept.md\n");
    assert_eq!(hash_of(&dir.join("tree")), expected);
}

/// What an ignore file that can't be read would have left out must not be packed in silence.
#[test]
fn an_ignore_file_that_cannot_be_read_is_refused() {
    let broken: [fn(&Dir); 4] = [
        |dir| drop(dir.write("tree/a/.lambdaignore", b"# H\xf6he\nsecret.env\n")),
        |dir| dir.symlink("../elsewhere", "tree/a/.lambdaignore"),
        |dir| drop(dir.write("tree/a/.lambdaignore/file", "")),
        |dir| drop(run("mkfifo", &[dir.join("tree/a/.lambdaignore").to_str().unwrap()])),
    ];
    for break_it in broken {
        let dir = tree();
        dir.write("tree/elsewhere", "*.env\n");
        break_it(&dir);
        dir.command(["hash", "tree"])
            .fails(3, &["tree/a/.lambdaignore", "help:"]);
    }
}

#[test]
fn the_empty_tree_has_the_digest_of_no_records() {
    let dir = Dir::new();
    fs::create_dir(dir.join("empty")).unwrap();
    let digest = "5e98c7474afb95297f1bc6c2819acddff5ed3a2edf5089526e612be0e04a7759";
    assert_eq!(hash_of(&dir.join("empty")), digest);
}

#[test]
fn json_is_the_manifest() {
    let dir = Dir::new();
    dir.write("t/b", "2");
    dir.write("t/a", "1");
    dir.chmod("t/a", 0o755);
    dir.symlink("a", "t/c");
    let manifest = dir.command(["hash", "--json", "t"]).ok().json();
    assert_eq!(manifest["hash_version"], 1);
    assert_eq!(manifest["algorithm"], "blake3");
    assert_eq!(manifest["source_hash"], hash_of(&dir.join("t")));
    let entries: Vec<_> = manifest["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["path"], &entry["kind"], &entry["size"]))
        .collect();
    assert_eq!(
        format!("{entries:?}"),
        r#"[(String("a"), String("executable"), Number(1)), (String("b"), String("file"), Number(1)), (String("c"), String("symlink"), Number(1))]"#
    );
}

#[test]
fn check_tells_what_changed() {
    let dir = tree();
    let lines = dir
        .command(["hash", "tree", "tree/app.py", "--algorithm", "sha256"])
        .ok()
        .stdout;
    dir.write("hashes", &lines);
    let run = dir.command(["hash", "--check", "hashes"]).ok();
    assert_eq!(run.stdout, "tree: OK\ntree/app.py: OK\n");
    assert_eq!(
        dir.command(["hash", "--check", "-", "--quiet"])
            .stdin(lines)
            .ok()
            .stdout,
        ""
    );
    dir.write("tree/empty", "no more");
    let run = dir.command(["hash", "--check", "hashes"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (4, "tree: FAILED\ntree/app.py: OK\n"));
    fs::remove_dir_all(dir.join("tree")).unwrap();
    let run = dir.command(["hash", "--check", "hashes"]).run();
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("No such file"), "{run:?}");
    dir.write("hashes", "no line of ours\n");
    dir.command(["hash", "--check", "hashes"]).fails(3, &["hashes:1"]);
    dir.write("hashes", "");
    dir.command(["hash", "--check", "hashes"]).fails(3, &["no line"]);
}

#[test]
fn strange_names_come_back_from_check() {
    let dir = Dir::new();
    dir.write("back\\slash/file", "1");
    dir.write("new\nline/file", "1");
    let run = dir.command(["hash", "back\\slash", "new\nline"]).ok();
    assert_eq!(run.stdout.lines().count(), 2);
    assert!(run.stdout.lines().all(|line| line.starts_with('\\')), "{}", run.stdout);
    dir.command(["hash", "--check", "-"]).stdin(run.stdout).ok();
}
