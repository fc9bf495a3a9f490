//! What goes wrong around the tool: full disks, closed pipes, signals, files that change.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{BINARY, Dir, Run, on_small_disk};

/// Waits for a condition; a test that never sees it fails, but no test waits for a time.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// With one function, whose source is a sparse file of so many MiB: work that takes a while.
fn with_large(mebibytes: u64) -> Dir {
    let dir = Dir::with_app();
    let file = fs::File::create(dir.join("code/large")).unwrap();
    file.set_len(mebibytes * 1024 * 1024).unwrap();
    dir.write("lambda-json/app.json", r#"{"source": "large"}"#);
    dir
}

fn in_shell(dir: &Dir, script: &str) -> Run {
    let output = Command::new("bash")
        .args(["-c", script])
        .env("PACK", BINARY)
        .current_dir(dir.path())
        .output();
    Run::new(output.unwrap())
}

#[test]
fn lost_output_is_a_failure() {
    let dir = Dir::with_app();
    let before = dir.snapshot();
    for (script, words) in [
        (
            "\"$PACK\" hash code > /dev/full",
            "cannot write to stdout: No space left",
        ),
        ("\"$PACK\" hash code >&-", "stdout is closed"),
        ("\"$PACK\" upload >&-", "stdout is closed"),
        ("echo '{}' | \"$PACK\" external hash >&-", "stdout is closed"),
        (
            "set -o pipefail; \"$PACK\" schema | true",
            "cannot write to stdout: Broken pipe",
        ),
    ] {
        // Whether a reader is gone before we write is a race that the shell decides; it is lost now and then.
        let mut run = in_shell(&dir, script);
        while script.contains("| true") && run.code == 0 {
            run = in_shell(&dir, script);
        }
        assert_eq!(run.code, 1, "{script}: {run:?}");
        assert!(run.stderr.contains(words), "{script}: {run:?}");
    }
    assert!(dir.snapshot() == before);
}

/// A file system of its own with less room than the package needs. Making one takes root and `mount`.
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let dir = Dir::with_app();
    dir.write("code/app.py", crate::assets::noise());
    let small = dir.join("small");
    let script = format!(
        "'{BINARY}' build --out-dir '{0}'; echo build $?
         '{BINARY}' upload --store 'file://{0}'; echo upload $?
         find '{0}' -type f | wc -l",
        small.display()
    );
    let Some(run) = on_small_disk(dir.path(), &small, "size=64k", &script) else {
        return;
    };
    // The manifest of an upload is complete when the zip fails to fit: a file that nothing refers to.
    assert_eq!(run.stdout, "build 1\nupload 1\n1\n", "{run:?}");
    assert_eq!(run.stderr.matches("No space left on device").count(), 2, "{run:?}");
}

#[test]
fn an_interrupt_ends_with_130_and_leaves_nothing() {
    let dir = with_large(3 * 1024);
    let child = dir.command(["build"]).spawn();
    let pid = child.id().to_string();
    let starting = || fs::read_dir(dir.join("dist")).is_ok_and(|mut entries| entries.next().is_some());
    wait_for("the package's temporary file", starting);
    crate::support::run("kill", &["-INT", &pid]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    assert!(
        run.stderr.contains("interrupted; nothing unfinished is left behind"),
        "{run:?}"
    );
    assert_eq!(fs::read_dir(dir.join("dist")).unwrap().count(), 0);
}

#[test]
fn what_a_killed_run_left_is_removed_a_day_later() {
    let dir = Dir::with_app();
    for (name, age) in [(".lambda-pack-old.tmp", 25), (".lambda-pack-new.tmp", 1)] {
        let path = dir.write(&format!("dist/{name}"), "half a package");
        let then = fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_secs(age * 3600);
        fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(then))
            .unwrap();
    }
    dir.command(["build"]).ok();
    assert!(!dir.join("dist/.lambda-pack-old.tmp").exists());
    assert!(dir.join("dist/.lambda-pack-new.tmp").exists(), "it may be in use");
}

#[test]
fn long_work_shows_how_far_it_is() {
    let dir = with_large(400);
    // Calm lines where there is no terminal.
    let run = dir.command(["build", "-v"]).ok();
    assert!(
        run.stderr.contains("building: 1 file, 400.00 MiB of 400.00 MiB packed"),
        "{run:?}"
    );
    // On a terminal, which script(1) makes, a display that moves; it is gone at the end.
    let program = format!("'{BINARY}' build --no-cache >stdout");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &program, "/dev/null"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    for part in ["building: 1 file", "of 400.00 MiB packed (", "B/s, ", " left)"] {
        assert!(shown.contains(part), "{part}: {shown:?}");
    }
    assert!(!fs::read_to_string(dir.join("stdout")).unwrap().contains('\u{1b}'));
}

#[test]
fn a_file_that_is_written_meanwhile_is_refused() {
    let dir = Dir::with_app();
    let path = dir.write("code/app.py", vec![0; 1000]);
    let writer = Command::new("bash")
        .args([
            "-c",
            "while :; do echo more >> \"$1\"; done",
            "-",
            path.to_str().unwrap(),
        ])
        .spawn();
    let mut writer = writer.unwrap();
    let mut refused = None;
    wait_for("a change during the read", || {
        let run = dir.command(["hash", "code/app.py"]).run();
        let changed = run.code == 3;
        refused = Some(run);
        changed
    });
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(
        refused
            .unwrap()
            .stderr
            .contains("code/app.py` changed while it was read")
    );
}

#[test]
fn what_was_done_before_a_failure_is_reported() {
    let dir = Dir::with_app();
    dir.write("lambda-json/other.json", r#"{"source": "app.py"}"#);
    dir.write("dist/app.zip/file", "a directory in the package's place");
    let run = dir.command(["build", "--json"]).run();
    assert!(run.code == 1 && run.stderr.contains("dist/app.zip"), "{run:?}");
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{run:?}");
    assert_eq!(
        (&rows[0]["name"], &rows[0]["status"]),
        (&"other".into(), &"built".into())
    );
}

#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let dir = with_large(512);
    let script = format!("trap '' HUP; exec '{BINARY}' build --json");
    let child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let starting = || fs::read_dir(dir.join("dist")).is_ok_and(|mut entries| entries.next().is_some());
    wait_for("the package's temporary file", starting);
    crate::support::run("kill", &["-HUP", &child.id().to_string()]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_directory_that_may_not_be_written_is_named() {
    let dir = Dir::with_app();
    dir.write("dist", "a file where a directory should be");
    dir.command(["build"]).fails(1, &["dist", "cannot"]);
    dir.command(["upload", "--store", "file:///dev/null/store"])
        .fails(1, &["/dev/null/store", "cannot"]);
}

#[test]
fn help_has_examples_and_usage_errors_are_exit_2() {
    let dir = Dir::new();
    for command in [&["external"][..], &["profile", "list"], &["hash"], &["man"]] {
        let help = dir.command(command.iter().copied()).arg("--help").ok().stdout;
        assert!(help.contains("Example"), "{command:?}: {help}");
    }
    dir.command(["bild"]).fails(2, &["unrecognized subcommand", "build"]);
    dir.command(["build", "--jobs", "0"]).fails(2, &["--jobs"]);
    assert!(dir.command(["man"]).ok().stdout.contains(".TH lambda-pack"));
    assert!(dir.command(["completions", "bash"]).ok().stdout.contains("complete"));
    dir.command(["man", "--out-dir", "man1"]).ok();
    assert!(dir.join("man1/lambda-pack-upload.1").is_file());
}

/// Comments of examples stand below each other, as in `--help`.
#[test]
fn manual_pages_have_examples_as_they_are_typed() {
    let dir = Dir::new();
    dir.command(["man", "--out-dir", "man1"]).ok();
    let mut pages = vec![dir.command(["man"]).ok().stdout];
    for entry in fs::read_dir(dir.join("man1")).unwrap() {
        pages.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(pages.len() > 50, "{}", pages.len());
    for page in &pages {
        assert!(
            page.contains("\n.SH EXAMPLES\n.nf\n") && page.contains("\n.fi\n"),
            "{page}"
        );
        assert!(!page.contains("EXTRA") && !page.contains("Examples:"), "{page}");
    }
    let words = [
        "\n.SH EXAMPLES\n.nf\nlambda\\-pack hash code/                 one digest of a directory",
        "\nlambda\\-pack build                      dist/<function>.zip",
        "\n.fi\n.SH \"EXIT STATUS\"\n0 done, 1 failed",
    ];
    for words in words {
        assert!(pages[0].contains(words), "{words}: {}", pages[0]);
    }
}

#[test]
fn a_pipe_gets_no_colour_and_no_progress() {
    let dir = Dir::with_app();
    let run = dir.command(["build", "nope"]).fails(2, &["error:"]);
    assert!(!run.stderr.contains('\u{1b}'));
    let run = dir
        .command(["build", "nope", "--color", "always"])
        .fails(2, &["\u{1b}["]);
    assert!(run.stderr.contains("error:"));
    assert_eq!(dir.command(["build"]).ok().stderr, "");
}
