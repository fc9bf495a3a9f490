//! What runs a handler: the runtime that its definition names, if this machine has it.

use std::path::{Path, PathBuf};

use lambda_pack_core::{Error, Result};

use crate::build as builds;

/// A program, with the script that calls the handler where the program can't by itself.
#[derive(Debug)]
pub struct Runtime {
    pub program: PathBuf,
    pub script: Option<Script>,
}

#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub name: &'static str,
    pub text: &'static str,
}

const PYTHON: Script = Script {
    name: "lambda_pack_runner.py",
    text: include_str!("runner.py"),
};
const NODE: Script = Script {
    name: "runner.mjs",
    text: include_str!("runner.mjs"),
};

impl Runtime {
    /// Of a runtime's identifier, `python3.13`, and an unpacked package.
    pub fn find(runtime: Option<&str>, task: &Path) -> Result<Self> {
        let Some(runtime) = runtime else {
            return Err(Error::invalid("nothing says which runtime it needs").help("set `runtime` in its definition"));
        };
        if let Some(version) = runtime.strip_prefix("python") {
            let program = with_version(&[runtime, "python3"], &format!("Python {version}.")).ok_or_else(|| {
                missing(runtime).help(format!(
                    "install Python {version}, as `{runtime}` on PATH: uv python install {version}"
                ))
            })?;
            return Ok(Runtime {
                program,
                script: Some(PYTHON),
            });
        }
        if let Some(version) = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x")) {
            let program = with_version(&["node"], &format!("v{version}.")).ok_or_else(|| {
                let found = builds::find(&["node"]).and_then(|node| builds::output(&node, &["--version"]));
                let found = found.map_or_else(String::new, |found| format!("; `node` is {found}"));
                missing(runtime).help(format!(
                    "install Node.js {version}, as `node` on PATH: https://nodejs.org/en/download{found}"
                ))
            })?;
            return Ok(Runtime {
                program,
                script: Some(NODE),
            });
        }
        if runtime.starts_with("provided") {
            return Ok(Runtime {
                program: task.join("bootstrap"),
                script: None,
            });
        }
        Err(
            Error::invalid(format!("no handler of the runtime {runtime} can be called here"))
                .help("--invoke knows python3.X, nodejsX.x and provided.*"),
        )
    }
}

fn missing(runtime: &str) -> Error {
    Error::failed(format!("the runtime {runtime} is not on this machine"))
}

/// The first of these on PATH that says so. Version managers put programs there that only tell that nothing is installed.
fn with_version(names: &[&str], version: &str) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        let program = builds::find(&[name])?;
        let said = builds::output(&program, &["--version"])?;
        said.starts_with(version).then_some(program)
    })
}
