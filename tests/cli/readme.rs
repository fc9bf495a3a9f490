//! The README's commands, run as written: what follows each must be what it prints.

use std::path::Path;
use std::process::Command;

use crate::support::{BINARY, Dir, run};

const README: &str = include_str!("../../README.md");

/// Commands of the `console` blocks with the lines that the README shows after them.
fn commands() -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), String::new())),
                None => {
                    let (_, output) = commands.last_mut().unwrap();
                    output.push_str(line);
                    output.push('\n');
                }
            },
        }
    }
    commands
}

#[test]
fn the_commands_print_what_the_readme_shows() {
    let dir = Dir::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["code", "lambda-json", "lambda-pack.toml"] {
        run(
            "cp",
            &[
                "-r",
                repository.join(folder).to_str().unwrap(),
                dir.path().to_str().unwrap(),
            ],
        );
    }
    let bin = Path::new(BINARY).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let commands = commands();
    assert!(commands.len() > 10, "the README has commands");
    for (command, expected) in commands {
        let output = Command::new("bash")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(dir.path())
            .env("PATH", &path)
            .env_remove("LAMBDA_PACK_STORE")
            .output();
        assert_eq!(
            String::from_utf8(output.unwrap().stdout).unwrap(),
            expected,
            "{command}"
        );
    }
}

#[test]
fn the_rust_that_is_needed_is_said_in_full() {
    let needed = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"));
    for page in [
        README,
        include_str!("../../CONTRIBUTING.md"),
        include_str!("../../docs/install.md"),
    ] {
        assert!(page.contains(needed), "{needed}: {page}");
    }
}
