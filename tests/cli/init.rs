//! `init`: what it writes works, in each language; what it adopts is accepted, and nothing else is written.

use std::fs;

use serde_json::{Value, json};

use crate::made::path_with_zigbuild;
use crate::support::lambda::{Function, invoke};
use crate::support::{BINARY, Dir, TestCommand};

/// As `init` and AWS spell this machine's.
const THIS_ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "x86_64"
};

pub fn json_of(dir: &Dir, path: &str) -> Value {
    serde_json::from_slice(&fs::read(dir.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// What a function of the project answers to an event. `None` where its runtime can't be installed.
pub fn answer(dir: &Dir, name: &str, zip: &str, event: &Value) -> Option<Value> {
    let definition = json_of(dir, &format!("lambda-json/{name}.json"));
    let environment = definition["environment"].as_object().into_iter().flatten();
    let function = Function {
        runtime: definition["runtime"].as_str().unwrap(),
        handler: definition["handler"].as_str().unwrap(),
        environment: environment
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
            .collect(),
    };
    Some(invoke(&dir.join(zip), &function, event)?.response())
}

/// A project of this language; its package answers.
fn works(language: &str, prepare: impl Fn(TestCommand) -> TestCommand) {
    let dir = Dir::new();
    let args = [
        "init",
        "--language",
        language,
        "--name",
        "greet",
        "--architecture",
        THIS_ARCHITECTURE,
        "--json",
    ];
    let written = dir.command(args).ok().json();
    let files = written["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["status"] == "written"), "{written}");
    for file in files {
        assert!(dir.join(file["path"].as_str().unwrap()).is_file(), "{file}");
    }
    let validated = dir.command(["validate", "--json"]).ok().json();
    assert_eq!(validated[0]["warnings"], json!([]), "{validated}");
    prepare(dir.command(["build"])).ok();
    if let Some(answer) = answer(&dir, "greet", "dist/greet.zip", &json!({"name": language})) {
        assert_eq!(answer, json!({"message": format!("Hello, {language}!")}));
    }
    let ignored = fs::read_to_string(dir.join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/dist/"), "{ignored}");
}

#[test]
fn a_python_project_works() {
    works("python", |command| command);
}

#[test]
fn a_node_project_works() {
    works("node", |command| command);
}

#[test]
fn a_go_project_works() {
    works("go", |command| command);
}

#[test]
fn a_rust_project_works() {
    works("rust", |command| command.env("PATH", path_with_zigbuild()));
}

#[test]
fn nothing_is_written_over() {
    let dir = Dir::new();
    dir.write("code/hello/app.py", "mine\n");
    dir.write("lambda-pack.toml", "code_dir = \"src\"\n");
    dir.write(".gitignore", "*.log\n");
    let before = dir.snapshot();
    let words = [
        "`./code/hello/app.py` is there already",
        "`./lambda-pack.toml` is there already",
        "nothing was written",
    ];
    dir.command(["init"]).fails(5, &words);
    assert_eq!(dir.snapshot(), before);
    // A file where a directory is needed.
    let dir = Dir::new();
    dir.write("code", "mine\n");
    let before = dir.snapshot();
    dir.command(["init"]).fails(3, &["code/hello/app.py"]);
    assert_eq!(dir.snapshot(), before);
    // A link is somebody's, too.
    let dir = Dir::new();
    dir.symlink("nowhere", "lambda-pack.toml");
    let before = dir.snapshot();
    dir.command(["init"]).fails(5, &["lambda-pack.toml"]);
    assert_eq!(dir.snapshot(), before);
}

#[test]
fn init_can_be_run_again_and_ahead() {
    let dir = Dir::new();
    dir.write(".gitignore", "*.log\n/dist/\n");
    let before = dir.snapshot();
    let planned = dir.command(["init", "--dry-run", "--json"]).ok().json();
    let planned = planned["files"].as_array().unwrap().clone();
    assert!(planned.iter().all(|file| file["status"] == "planned"), "{planned:?}");
    assert_eq!(dir.snapshot(), before);
    dir.command(["init"]).ok();
    let ignored = fs::read_to_string(dir.join(".gitignore")).unwrap();
    assert!(ignored.starts_with("*.log\n/dist/\n.lambda-pack/\n"), "{ignored}");
    let written = dir.snapshot();
    // As if it had been killed in between.
    fs::remove_file(dir.join("lambda-json/hello.json")).unwrap();
    let again = dir.command(["init", "--json"]).ok().json();
    let status = |path: &str| {
        let files = again["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).unwrap()["status"].clone()
    };
    assert_eq!(status("lambda-json/hello.json"), "written");
    assert_eq!(status("code/hello/app.py"), "unchanged");
    assert_eq!(status(".gitignore"), "unchanged");
    assert_eq!(dir.snapshot(), written);
}

/// What it leads to may be other projects' too; where it leads nowhere git ignores nothing.
#[test]
fn a_gitignore_that_is_a_link_stays_and_that_is_said() {
    let dir = Dir::new();
    dir.symlink("../shared/gitignore", ".gitignore");
    let run = dir.command(["init", "--json"]).ok();
    let json = run.json();
    let files = json["files"].as_array().unwrap();
    let row = files.iter().find(|file| file["path"] == ".gitignore").unwrap();
    assert_eq!(row["status"], "skipped");
    assert!(
        run.stderr.contains("see to it that git ignores /dist/ .lambda-pack/"),
        "{}",
        run.stderr
    );
    assert!(fs::symlink_metadata(dir.join(".gitignore")).unwrap().is_symlink());
}

#[test]
fn a_project_may_be_elsewhere_and_have_other_directories() {
    let dir = Dir::new();
    let args = [
        "init",
        "shop",
        "--config-dir",
        "definitions",
        "--code-dir",
        "src/functions",
        "--store",
        "s3://shop/lambda",
    ];
    dir.command(args).ok();
    let toml = fs::read_to_string(dir.join("shop/lambda-pack.toml")).unwrap();
    for line in [
        "code_dir = \"src/functions\"",
        "config_dir = \"definitions\"",
        "store = \"s3://shop/lambda\"",
    ] {
        assert!(toml.lines().any(|known| known == line), "{toml}");
    }
    dir.command(["validate"]).current_dir(&dir.join("shop")).ok();
    dir.command(["init", "--code-dir", "../elsewhere"])
        .fails(2, &["--code-dir", "leads out of the new project"]);
    dir.command(["init", "--name", "a b"])
        .fails(2, &["--name", "letters, digits"]);
    dir.command(["init", "--terraform", "--state-bucket", "My_Bucket"])
        .fails(2, &["--state-bucket", "lower-case"]);
}

/// What is commented out must be right when somebody needs it.
#[test]
fn the_profiles_of_the_settings_file_work() {
    let dir = Dir::new();
    dir.command(["init"]).ok();
    let toml = fs::read_to_string(dir.join("lambda-pack.toml")).unwrap();
    let (settings, profiles) = toml.split_once("# [profiles.prod]").unwrap();
    let profiles = format!("# [profiles.prod]{profiles}");
    let profiles: Vec<&str> = profiles
        .lines()
        .map(|line| line.trim_start_matches("# ").trim_end_matches('#'))
        .collect();
    dir.write("lambda-pack.toml", format!("{settings}\n{}\n", profiles.join("\n")));
    dir.command(["profile", "check"]).ok();
    let listed = dir.command(["profile", "list", "--json"]).ok().json();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].clone())
        .collect();
    assert_eq!(names, ["dev", "prod"]);
}

/// Runs `init` on a terminal of its own: types each answer when its question is there; `^C` is Ctrl-C. The exit code comes back.
const ON_A_TERMINAL: &str = r#"
import os, pty, sys
binary, *answers = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(binary, [binary, "init"])
seen, asked = b"", 0
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
    if seen.endswith(b": ") and asked < len(answers):
        os.write(terminal, b"\x03" if answers[asked] == "^C" else answers[asked].encode() + b"\n")
        asked, seen = asked + 1, b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

fn on_a_terminal(dir: &Dir, answers: &[&str]) -> i32 {
    let mut command = std::process::Command::new("python3");
    let status = command
        .args(["-c", ON_A_TERMINAL, BINARY])
        .args(answers)
        .current_dir(dir.path())
        .status();
    status.unwrap().code().unwrap()
}

#[test]
fn on_a_terminal_it_asks() {
    let dir = Dir::new();
    // The second language is none, and is asked for again; the last answers are the defaults.
    assert_eq!(
        on_a_terminal(&dir, &["cobol", "node", "book seats", "book-seats", "arm64", ""]),
        0
    );
    let definition = json_of(&dir, "lambda-json/book-seats.json");
    assert_eq!(definition["runtime"], "nodejs22.x");
    assert_eq!(definition["architectures"], json!(["arm64"]));
    assert!(!dir.join("root.hcl").exists());
    let with_modules = Dir::new();
    assert_eq!(on_a_terminal(&with_modules, &["", "", "", "yes", "state-of-shop"]), 0);
    let root = fs::read_to_string(with_modules.join("root.hcl")).unwrap();
    assert!(root.contains("state-of-shop"), "{root}");
}

#[test]
fn ctrl_c_at_a_question_leaves_nothing() {
    let dir = Dir::new();
    assert_eq!(on_a_terminal(&dir, &["go", "^C"]), 130);
    assert_eq!(dir.snapshot(), []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
