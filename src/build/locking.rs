//! Lock files, made by the ecosystems' own tools, where the source stands.

use std::process::Command;

use lambda_pack_core::build::{LockTool, Locking, Target};
use lambda_pack_core::disk::directory_of;
use lambda_pack_core::{Error, Result};

use super::program::{self, Programs};
use super::python;

/// What becomes of versions that are locked already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    Keep,
    Upgrade,
}

/// Locks what is stated, for all targets that share the lock file.
pub fn lock(locking: &Locking, targets: &[&Target], versions: Versions, programs: &Programs) -> Result<()> {
    let directory = directory_of(&locking.stated_in);
    let commands = match locking.tool {
        LockTool::PipCompile => vec![pip_compile(locking, targets, versions)?],
        LockTool::Uv => vec![uv(versions)?],
        LockTool::Npm => vec![npm(versions)?],
        LockTool::Go => go(versions)?,
        LockTool::Cargo => vec![cargo(locking, versions)?],
    };
    for mut command in commands {
        command.current_dir(directory);
        programs.run(command)?;
    }
    Ok(())
}

/// `uv pip compile`, or pip-tools' `pip-compile` where uv is missing.
fn pip_compile(locking: &Locking, targets: &[&Target], versions: Versions) -> Result<Command> {
    let [lock, stated_in] = [&locking.lock, &locking.stated_in].map(|path| path.file_name().unwrap_or_default());
    let upgrade = upgrade("--upgrade", versions);
    if let Some(uv) = program::find(&["uv"]) {
        let mut command = Command::new(uv);
        command
            .args(["pip", "compile", "--quiet", "--generate-hashes"])
            // Packages take wheels only; of these no interpreter of the function's version is needed.
            .args(["--only-binary", ":all:", "--no-python-downloads"])
            .args(["--custom-compile-command", "lambda-pack lock"]);
        match targets {
            [target] => {
                let (version, platform) = python::uv_target(target)?;
                command
                    .args(["--python-version", &version])
                    .args(["--python-platform", &platform]);
            }
            // Environment markers tell what is for which of them.
            several => {
                let versions = several.iter().map(|target| python::uv_target(target));
                let versions: Vec<(String, String)> = versions.collect::<Result<_>>()?;
                let minor = |version: &str| {
                    version
                        .split('.')
                        .next_back()
                        .and_then(|minor| minor.parse::<u32>().ok())
                };
                let oldest = versions
                    .iter()
                    .map(|(version, _)| version)
                    .min_by_key(|version| minor(version));
                command.arg("--universal");
                if let Some(oldest) = oldest {
                    command.args(["--python-version", oldest]);
                }
            }
        }
        command.args(upgrade).arg("--output-file").arg(lock).arg(stated_in);
        return Ok(command);
    }
    let pip_compile = program::find(&["pip-compile"])
        .ok_or_else(|| Error::failed("neither uv nor pip-compile is installed").help(python::GET_UV))?;
    tracing::info!("pip-compile locks for this machine's Python; uv would for the function's");
    let mut command = Command::new(pip_compile);
    command
        .env("CUSTOM_COMPILE_COMMAND", "lambda-pack lock")
        .args(["--quiet", "--generate-hashes", "--strip-extras"])
        .args(upgrade)
        .arg("--output-file")
        .arg(lock)
        .arg(stated_in);
    Ok(command)
}

fn uv(versions: Versions) -> Result<Command> {
    let uv = program::find(&["uv"])
        .ok_or_else(|| Error::failed("uv is not installed, and uv.lock is its own").help(python::GET_UV))?;
    let mut command = Command::new(uv);
    command.args(["lock", "--quiet"]).args(upgrade("--upgrade", versions));
    Ok(command)
}

fn npm(versions: Versions) -> Result<Command> {
    let npm = program::find(&["npm"]).ok_or_else(|| super::node::missing("npm"))?;
    let mut command = Command::new(npm);
    command
        .arg(match versions {
            Versions::Keep => "install",
            Versions::Upgrade => "update",
        })
        .args(["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]);
    Ok(command)
}

fn go(versions: Versions) -> Result<Vec<Command>> {
    let go = program::find(&["go"]).ok_or_else(super::go::go_is_missing)?;
    let command = |args: &[&str]| {
        let mut command = Command::new(&go);
        command.args(args);
        command
    };
    let tidy = command(&["mod", "tidy"]);
    Ok(match versions {
        Versions::Keep => vec![tidy],
        Versions::Upgrade => vec![command(&["get", "-u", "./..."]), tidy],
    })
}

fn cargo(locking: &Locking, versions: Versions) -> Result<Command> {
    let cargo = program::find(&["cargo"]).ok_or_else(super::rust::cargo_is_missing)?;
    let mut command = Command::new(cargo);
    match versions {
        Versions::Upgrade => command.arg("update"),
        // Adds what is missing.
        Versions::Keep if locking.lock.is_file() => command.args(["update", "--workspace"]),
        Versions::Keep => command.arg("generate-lockfile"),
    };
    Ok(command)
}

fn upgrade(flag: &'static str, versions: Versions) -> Option<&'static str> {
    (versions == Versions::Upgrade).then_some(flag)
}
