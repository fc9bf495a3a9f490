//! A scratch directory with the binary in it, and what the tests ask of both.

pub mod bundles;
pub mod codebuild;
pub mod functions;
pub mod http;
pub mod kills;
pub mod lambda;
pub mod proxy;
pub mod server;
pub mod ssm_limits;
pub mod watch;
pub mod web;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use sha2::Digest;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_lambda-pack");

/// A temporary directory that is a project: `code/`, `lambda-json/`, and commands that run in it.
pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Self {
        Dir(tempfile::tempdir().unwrap())
    }

    /// With one function, `app`.
    pub fn with_app() -> Self {
        let dir = Dir::new();
        dir.write("code/app.py", "def handler(event, context):\n    return event\n");
        dir.write(
            "lambda-json/app.json",
            r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app.py"}"#,
        );
        dir
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        file
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.join(path), Permissions::from_mode(mode)).unwrap();
    }

    pub fn symlink(&self, target: &str, path: &str) {
        fs::create_dir_all(self.join(path).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, self.join(path)).unwrap();
    }

    /// The binary, to run here, in an environment that says nothing of this machine's AWS.
    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        let mut command = Command::new(BINARY);
        command.args(args).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("AWS_") || name.starts_with("LAMBDA_PACK_") {
                command.env_remove(name);
            }
        }
        // The user's own caches neither help nor suffer; one that outlives the tests must not matter either.
        command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
        // Neither a real account nor the machine's instance role may answer.
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        TestCommand { command, input: None }
    }

    /// Every file below the directory, with its content: to tell that nothing was written.
    pub fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut directories = vec![self.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap();
                if kind.is_dir() {
                    directories.push(path);
                } else if kind.is_file() {
                    files.push((path.clone(), fs::read(path).unwrap_or_default()));
                } else {
                    files.push((path, Vec::new()));
                }
            }
        }
        files.sort();
        files
    }
}

pub struct TestCommand {
    command: Command,
    input: Option<Vec<u8>>,
}

impl TestCommand {
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(args);
        self
    }

    pub fn arg(self, arg: &str) -> Self {
        self.args([arg])
    }

    pub fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    pub fn spawn(mut self) -> Child {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn run(self) -> Run {
        self.run_with(|_| ())
    }

    /// The same, and tells the process's id once it is there.
    pub fn run_with(mut self, started: impl FnOnce(u32)) -> Run {
        let input = self.input.take().unwrap_or_default();
        let mut child = self.spawn();
        started(child.id());
        let mut stdin = child.stdin.take().unwrap();
        // On a thread: a child that fails early reads none of it.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let written = writer.join().unwrap();
        let run = Run::new(output);
        assert!(written.is_ok() || run.code != 0, "stdin was not read: {run:?}");
        run
    }

    /// Runs, and expects success.
    #[track_caller]
    pub fn ok(self) -> Run {
        let run = self.run();
        assert_eq!(run.code, 0, "{run:?}");
        run
    }

    /// Runs, and expects this exit code, nothing on stdout, and these words on stderr.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Run {
        let run = self.run();
        assert_eq!(run.code, code, "{run:?}");
        assert_eq!(run.stdout, "", "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "no {word:?} in {}", run.stderr);
        }
        run
    }
}

#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn new(output: Output) -> Self {
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The paths of a manifest's entries, as `hash --json` prints it.
    pub fn entry_paths(&self) -> Vec<String> {
        let manifest = self.json();
        let entries = manifest["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The status of each package of `build --json` or `upload --json`.
    pub fn statuses(&self) -> Vec<String> {
        let rows = self.json();
        let rows = rows.as_array().unwrap();
        rows.iter()
            .map(|row| row["status"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// In hex.
pub fn sha256(content: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(content))
}

/// The digest in the first line of `hash`.
pub fn hash_of(path: &Path) -> String {
    let dir = Dir::new();
    let run = dir.command(["hash", path.to_str().unwrap()]).ok();
    run.stdout.split_once("  ").unwrap().0.to_owned()
}

/// Runs a shell script in `directory`, with a small file system of its own, made with these options of tmpfs, at `place` in it.
/// `None`, said aloud, without the right to mount one, which root has.
pub fn on_small_disk(directory: &Path, place: &Path, options: &str, script: &str) -> Option<Run> {
    const NO_RIGHT: i32 = 99;
    fs::create_dir(directory.join(place)).unwrap();
    let place = place.display();
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c"])
        .arg(format!(
            "mount -t tmpfs -o {options} none '{place}' || exit {NO_RIGHT}\n{script}"
        ))
        .current_dir(directory)
        .output();
    let run = Run::new(output.unwrap());
    if run.code == NO_RIGHT || run.stderr.starts_with("unshare:") {
        eprintln!("SKIPPED: no right to mount a file system here: {}", run.stderr);
        return None;
    }
    Some(run)
}

/// What `tests/setup.sh` installs: a path.
pub fn tool(name: &str) -> PathBuf {
    find_tool(name).unwrap_or_else(|| panic!("tests/setup.sh {name}: it can't be installed here"))
}

/// The same; `None` where this kind of machine or user can't have it. The script says why, past libtest's capture.
pub fn find_tool(name: &str) -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup.sh");
    let output = Command::new(script)
        .arg(name)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    match output.status.code() {
        Some(0) => Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())),
        Some(3) => {
            eprintln!("SKIPPED: {name} can't be installed here");
            None
        }
        _ => panic!("tests/setup.sh {name} failed"),
    }
}

/// The interpreter of the tests' virtual environment, which has `blake3`.
pub static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| tool("moto").with_file_name("python"));

/// What git prints, as somebody whose own configuration doesn't count.
#[track_caller]
pub fn git(directory: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a program that must succeed; returns its output.
#[track_caller]
pub fn run(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let output = Command::new(program.as_ref()).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    assert!(output.status.success(), "{}: {output:?}", program.as_ref().display());
    String::from_utf8(output.stdout).unwrap()
}
