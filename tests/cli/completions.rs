//! What shells complete with.

use std::path::Path;

use crate::support::{BINARY, Dir, run};

/// What bash would offer for the last word of a line, through the script that it loads.
fn offered(dir: &Dir, line: &[&str]) -> Vec<String> {
    let binary = Path::new(BINARY).parent().unwrap().display();
    let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "set -eu; cd '{dir}'; PATH='{binary}':$PATH; unset LAMBDA_PACK_CONFIG_DIR; source <(lambda-pack completions bash); \
         COMP_TYPE=9; COMP_WORDS=({words}); COMP_CWORD={last}; \
         $(complete -p lambda-pack | sed 's/.*-F \\([^ ]*\\).*/\\1/') lambda-pack \"${{COMP_WORDS[-1]}}\" '' 2>/dev/null; \
         printf '%s\\n' \"${{COMPREPLY[@]-}}\"",
        dir = dir.path().display(),
        words = words.join(" "),
        last = line.len() - 1,
    );
    run("bash", &["-c", &script])
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completes_commands_options_functions_and_profiles() {
    let dir = Dir::with_app();
    dir.write("lambda-json/another.json", r#"{"source": "app.py"}"#);
    dir.write("lambda-pack.toml", "[profiles.prod]\n[profiles.preview]\n");
    assert_eq!(offered(&dir, &["lambda-pack", "doc"]), ["doctor"]);
    assert_eq!(offered(&dir, &["lambda-pack", "build", "--sb"]), ["--sbom"]);
    for command in ["build", "upload", "diff", "graph", "validate", "fitness", "watch"] {
        assert_eq!(
            offered(&dir, &["lambda-pack", command, "a"]),
            ["another", "app"],
            "{command}"
        );
    }
    assert_eq!(
        offered(&dir, &["lambda-pack", "run", "--deployment-profile", "pre"]),
        ["preview"]
    );
    assert_eq!(
        offered(&dir, &["lambda-pack", "profile", "check", "p"]),
        ["preview", "prod"]
    );
}

#[test]
fn what_cannot_be_read_completes_with_nothing() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", "{");
    assert_eq!(offered(&dir, &["lambda-pack", "build", "a"]), Vec::<String>::new());
}

#[test]
fn every_shell_has_a_script() {
    let dir = Dir::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = dir.command(["completions", shell]).ok();
        assert!(run.stdout.contains("LAMBDA_PACK_COMPLETE"), "{shell}: {run:?}");
    }
}
