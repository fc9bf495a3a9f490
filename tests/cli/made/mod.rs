//! `build` in definitions where a tool makes the package of the source: real compilers, one file each.

mod bundle;
mod command;
mod go;
mod rust;

use std::path::Path;

pub use rust::path as path_with_zigbuild;

use crate::support::{BINARY, Dir, run};

/// A function `app` of the source `app`, with these keys beside `type`.
fn define(dir: &Dir, runtime: &str, architecture: &str, build: &str) {
    dir.write(
        "lambda-json/app.json",
        format!(
            r#"{{"runtime": "{runtime}", "handler": "bootstrap", "architectures": ["{architecture}"],
                "source": "app", "build": {{{build}}}}}"#
        ),
    );
}

/// A build from nothing, in an environment that would mislead tools: home, umask, time zone, options.
fn code_sha256_elsewhere(dir: &Dir, environment: &str) -> String {
    let home = Dir::new();
    // Not to download and compile it all again.
    let go = |name: &str| run("go", &["env", name]).trim().to_owned();
    let script = format!(
        "cd '{}'; umask 077; export GOCACHE='{}' GOMODCACHE='{}' CARGO_HOME=\"${{CARGO_HOME:-$HOME/.cargo}}\" \
         RUSTUP_HOME=\"${{RUSTUP_HOME:-$HOME/.rustup}}\"; export HOME='{}' TZ=Asia/Tokyo LC_ALL=C {environment}; \
         '{BINARY}' build --json --no-cache",
        dir.path().display(),
        go("GOCACHE"),
        go("GOMODCACHE"),
        home.path().display(),
    );
    let rows: serde_json::Value = serde_json::from_str(&run("sh", &["-c", &script])).unwrap();
    rows[0]["code_sha256"].as_str().unwrap().to_owned()
}

/// `PATH` with this program in front.
fn path_with(program: &str, script: &str) -> (Dir, String) {
    let bin = Dir::new();
    bin.write(program, script);
    bin.chmod(program, 0o755);
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    (bin, path)
}

/// Something that was made, rather than a lock or a log beside it.
fn is_output(path: &Path) -> bool {
    path.iter().any(|part| part == "outputs") && !path.extension().is_some_and(|it| it == "lock" || it == "log")
}
