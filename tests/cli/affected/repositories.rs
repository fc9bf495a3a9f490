//! What git is told not to look at, what it converts, and the repositories that people have.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::{commit, define, git, of_files, since};
use crate::support::{Dir, TestCommand};

/// Functions `a` and `b`, each of its directory.
fn two() -> Dir {
    let dir = Dir::new();
    for name in ["a", "b"] {
        dir.write(&format!("code/{name}/x.py"), "one\ntwo\n");
        define(&dir, name, &json!({"source": name}));
    }
    dir
}

fn names(command: TestCommand) -> Vec<String> {
    command.ok().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn links_to_the_code_or_on_the_way_there_touch_everything_in_it() {
    let dir = two();
    fs::create_dir(dir.join("real")).unwrap();
    fs::rename(dir.join("code"), dir.join("real/one")).unwrap();
    dir.write("real/two/a/x.py", "other");
    dir.write("real/two/b/x.py", "other");
    dir.symlink("way/one", "code");
    dir.symlink("real", "way");
    dir.symlink("real", "other-way");
    commit(&dir);
    let relink = |target: &str, link: &str| {
        fs::remove_file(dir.join(link)).unwrap();
        dir.symlink(target, link);
    };
    relink("way/two", "code");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    assert_eq!(of_files(&dir, "code\n"), ["a", "b"]);
    commit(&dir);
    relink("./real", "way");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    assert_eq!(of_files(&dir, "way\n"), ["a", "b"]);
    assert_eq!(of_files(&dir, "other-way\n"), [""; 0]);
    // What a `..` leaves again would lead elsewhere as a link.
    relink("way/../real/two", "code");
    commit(&dir);
    fs::remove_file(dir.join("way")).unwrap();
    dir.write("way/x", "a directory now");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
}

#[test]
fn definitions_behind_a_link_that_changed_are_not_taken_for_the_old_ones() {
    let dir = two();
    fs::rename(dir.join("lambda-json"), dir.join("defs-1")).unwrap();
    for name in ["a", "b"] {
        dir.write(
            &format!("defs-2/{name}.json"),
            json!({"source": name, "timeout": if name == "a" { 9 } else { 3 }}).to_string(),
        );
    }
    dir.symlink("defs-1", "lambda-json");
    dir.write("lambda-pack.toml", "[application]\nversion = \"1\"\n");
    commit(&dir);
    fs::remove_file(dir.join("lambda-json")).unwrap();
    dir.symlink("defs-2", "lambda-json");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    dir.write("lambda-pack.toml", "[application]\nversion = \"2\"\n");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    dir.write("defs-2/b.json", json!({"source": "b", "timeout": 4}).to_string());
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    // A file with settings that once was a link to others.
    commit(&dir);
    dir.write("settings.toml", "code_dir = \"elsewhere\"\n");
    fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
    dir.symlink("settings.toml", "lambda-pack.toml");
    dir.write("elsewhere/x", "x");
    commit(&dir);
    fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
    dir.write("lambda-pack.toml", "");
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
}

#[test]
fn bytes_that_git_converts_count_as_they_stand_there() {
    let dir = two();
    dir.write(".gitattributes", "* text=auto\n");
    commit(&dir);
    let nothing = [""; 0];
    dir.write("code/a/x.py", "one\r\ntwo\r\n");
    // After that git takes the file for unchanged.
    git(dir.path(), &["add", "--all"]);
    assert_eq!(git(dir.path(), &["status", "--short"]), "");
    assert_eq!(since(&dir, "HEAD"), ["a"]);
    dir.write("code/a/x.py", "one\ntwo\n");
    assert_eq!(since(&dir, "HEAD"), nothing);
    // What a checkout converts by itself is no change, and what it would convert is one.
    dir.write(".gitattributes", "*.py text eol=crlf ident\n");
    dir.write("code/b/x.py", "$Id$\r\n");
    commit(&dir);
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    for name in ["a", "b"] {
        fs::remove_file(dir.join(&format!("code/{name}/x.py"))).unwrap();
    }
    git(dir.path(), &["checkout", "--quiet", "--", "."]);
    assert!(
        fs::read_to_string(dir.join("code/b/x.py"))
            .unwrap()
            .starts_with("$Id: ")
    );
    assert_eq!(since(&dir, "HEAD"), nothing);
    dir.write("code/b/x.py", "$Id: mine $\r\n");
    assert_eq!(since(&dir, "HEAD"), ["b"]);
    git(dir.path(), &["checkout", "--quiet", "--", "."]);
    // Attributes hold for files that stay as they are.
    dir.write(
        ".gitattributes",
        "b/*.py text eol=crlf ident\n# other lines\n*.md text\n",
    );
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    dir.write(
        ".gitattributes",
        "*.py text eol=crlf ident\n*.md text\n*.py diff=python\n",
    );
    assert_eq!(since(&dir, "HEAD"), nothing);
    // The machine's settings convert, too.
    fs::remove_file(dir.join(".gitattributes")).unwrap();
    commit(&dir);
    git(dir.path(), &["config", "core.autocrlf", "input"]);
    dir.write("code/a/new.py", "one\r\ntwo\r\n");
    commit(&dir);
    assert_eq!(since(&dir, "HEAD"), ["a"]);
    git(dir.path(), &["rm", "--quiet", "code/a/new.py"]);
    // A filter may drop anything.
    git(dir.path(), &["config", "filter.first.clean", "head -n 1"]);
    dir.write(".gitattributes", "*.py -text filter=first\n");
    git(dir.path(), &["add", "--renormalize", "."]);
    commit(&dir);
    for name in ["a", "b"] {
        fs::remove_file(dir.join(&format!("code/{name}/x.py"))).unwrap();
    }
    git(dir.path(), &["checkout", "--quiet", "--", "."]);
    assert_eq!(since(&dir, "HEAD"), nothing);
    let first = fs::read_to_string(dir.join("code/a/x.py")).unwrap();
    dir.write("code/a/x.py", first + "dropped\n");
    git(dir.path(), &["add", "--all"]);
    assert_eq!(git(dir.path(), &["status", "--short"]), "");
    assert_eq!(since(&dir, "HEAD"), ["a"]);
}

#[test]
fn what_git_was_told_not_to_look_at_is_looked_at() {
    let dir = two();
    dir.symlink("x.py", "code/b/link.py");
    commit(&dir);
    git(dir.path(), &["config", "core.fileMode", "false"]);
    dir.chmod("code/a/x.py", 0o755);
    assert_eq!(since(&dir, "HEAD"), ["a"]);
    dir.chmod("code/a/x.py", 0o644);
    git(dir.path(), &["config", "core.fileMode", "true"]);
    for flag in ["assume-unchanged", "skip-worktree"] {
        for file in ["code/a/x.py", "code/b/link.py"] {
            git(dir.path(), &["update-index", &format!("--{flag}"), file]);
        }
        assert_eq!(since(&dir, "HEAD"), [""; 0], "{flag}");
        dir.write("code/a/x.py", "six\ntwo\n");
        assert_eq!(since(&dir, "HEAD"), ["a"], "{flag}");
        dir.write("code/a/x.py", "one\ntwo\n");
        dir.chmod("code/a/x.py", 0o755);
        assert_eq!(since(&dir, "HEAD"), ["a"], "{flag}");
        dir.chmod("code/a/x.py", 0o644);
        fs::remove_file(dir.join("code/b/link.py")).unwrap();
        dir.symlink("./x.py", "code/b/link.py");
        assert_eq!(since(&dir, "HEAD"), ["b"], "{flag}");
        fs::remove_file(dir.join("code/b/link.py")).unwrap();
        // A sparse checkout leaves files out with such a flag.
        let gone: &[&str] = if flag == "skip-worktree" { &[] } else { &["b"] };
        assert_eq!(since(&dir, "HEAD"), gone, "{flag}");
        dir.symlink("x.py", "code/b/link.py");
        git(
            dir.path(),
            &["update-index", &format!("--no-{flag}"), "code/a/x.py", "code/b/link.py"],
        );
    }
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["sparse-checkout", "set", "lambda-json", "code/a"]);
    assert!(!dir.join("code/b").exists());
    dir.write("code/a/x.py", "changed");
    let run = dir.command(["affected", "--since", "HEAD"]);
    assert_eq!(names(run), ["a"]);
}

#[test]
fn a_deleted_file_counts_where_it_may_have_stood() {
    let dir = two();
    dir.write("sub/code/a/x.py", "a namesake");
    commit(&dir);
    fs::remove_file(dir.join("code/a/x.py")).unwrap();
    let list = git(dir.path(), &["diff", "--name-only", "HEAD"]);
    dir.write("lambda-pack.toml", "");
    let command = dir.command(["affected", "--files", "-"]).current_dir(&dir.join("sub"));
    assert_eq!(names(command.stdin(list)), ["a"]);
}

#[test]
fn names_may_hold_anything_but_nul() {
    let dir = two();
    define(&dir, "a", &json!({"source": {"path": "a", "include": ["*.py"]}}));
    commit(&dir);
    let name = OsStr::from_bytes(b"caf\xe9 \"1\"\n2.txt");
    fs::write(dir.join("code/a").join(name), "x").unwrap();
    fs::write(dir.join("code/b").join(name), "x").unwrap();
    let list = git(dir.path(), &["ls-files", "--others"]);
    assert!(list.contains("caf\\351"), "{list}");
    assert_eq!(since(&dir, "HEAD"), ["b"]);
    assert_eq!(of_files(&dir, &list), ["b"]);
    // The glob takes it, so it is an error of `a`.
    let taken = dir.join("code/a").join(OsStr::from_bytes(b"caf\xe9.py"));
    fs::write(&taken, "x").unwrap();
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
    fs::remove_file(taken).unwrap();
    assert_eq!(of_files(&dir, "code/b/a b\nc.py\0code/none\0"), ["b"]);
    fs::remove_file(dir.join("code/b").join(name)).unwrap();
    git(dir.path(), &["mv", "code/b/x.py", "code/a/from b.py"]);
    assert_eq!(since(&dir, "HEAD"), ["a", "b"]);
}

#[test]
fn worktrees_submodules_and_hooks_are_their_own_repositories() {
    let dir = two();
    let library = Dir::new();
    library.write("l.py", "1\n");
    library.write(".gitattributes", "* text=auto\n");
    commit(&library);
    let library_path = library.path().to_str().unwrap();
    commit(&dir);
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        library_path,
        "code/b/library",
    ];
    git(dir.path(), &add);
    commit(&dir);
    let module = dir.join("code/b/library");
    assert_eq!(since(&dir, "HEAD"), [""; 0]);
    fs::write(module.join("l.py"), "1\r\n").unwrap();
    git(&module, &["status", "--short"]);
    assert_eq!(since(&dir, "HEAD"), ["b"]);
    fs::write(module.join("l.py"), "2\n").unwrap();
    git(&module, &["commit", "--quiet", "--all", "--message=x"]);
    assert_eq!(since(&dir, "HEAD"), ["b"]);
    commit(&dir);
    assert_eq!(since(&dir, "HEAD~1"), ["b"]);
    assert_eq!(since(&dir, "HEAD"), [""; 0]);
    // Another working tree of the same repository, as a hook of it runs there.
    let elsewhere = Dir::new();
    let tree = elsewhere.join("tree");
    git(
        dir.path(),
        &["worktree", "add", "--quiet", tree.to_str().unwrap(), "HEAD"],
    );
    fs::write(tree.join("code/a/x.py"), "changed").unwrap();
    let here = || dir.command(["affected", "--since", "HEAD"]).current_dir(&tree);
    assert_eq!(names(here()), ["a"]);
    let in_hook = here()
        .env("GIT_DIR", dir.join(".git"))
        .env("GIT_INDEX_FILE", dir.join(".git/none"))
        .env("GIT_WORK_TREE", dir.path());
    assert_eq!(names(in_hook), ["a"]);
}

#[test]
fn what_git_refuses_is_said_in_its_words() {
    let dir = two();
    commit(&dir);
    let affected = || {
        let command = dir.command(["affected", "--since", "HEAD"]);
        command
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
    };
    let strange = || affected().env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    strange().fails(
        1,
        &[
            "git rev-parse: detected dubious ownership",
            "git config --global --add safe.directory",
        ],
    );
    // As containers say it.
    let allowed = strange()
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*");
    assert_eq!(names(allowed), [""; 0]);
    // A working tree whose repository was not brought along.
    fs::rename(dir.join(".git"), dir.join("git")).unwrap();
    dir.write(".git", "gitdir: /none/.git/worktrees/x\n");
    affected().fails(1, &["not a git repository: /none/.git/worktrees/x"]);
    fs::remove_file(dir.join(".git")).unwrap();
    affected().fails(1, &["is not in a git repository", "--files"]);
    affected()
        .env("PATH", "")
        .fails(1, &["is not in a git repository", "--files"]);
    fs::rename(dir.join("git"), dir.join(".git")).unwrap();
    git(dir.path(), &["config", "core.bare", "true"]);
    affected().fails(1, &["must be run in a work tree"]);
    // Of a clone without the older commits.
    git(dir.path(), &["config", "core.bare", "false"]);
    let first = git(dir.path(), &["rev-parse", "HEAD"]);
    dir.write("code/a/x.py", "changed");
    commit(&dir);
    let clones = Dir::new();
    let address = format!("file://{}", dir.path().display());
    git(clones.path(), &["clone", "--quiet", "--depth=1", &address, "."]);
    clones
        .command(["affected", "--since", first.trim()])
        .fails(2, &["no commit", "git fetch --unshallow", "fetch-depth: 0"]);
    assert_eq!(since(&clones, "HEAD"), [""; 0]);
}
