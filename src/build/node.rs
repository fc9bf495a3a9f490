//! Node.js: `package-lock.json`, installed by npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use lambda_pack_core::build::Dependencies;
use lambda_pack_core::disk::remove_if_there;
use lambda_pack_core::function::Architecture;
use lambda_pack_core::{Error, Result};

use super::program::{self, Programs};

/// What npm reads, if it stands beside the lock file.
pub const READ_BY_NPM: [&str; 3] = ["package-lock.json", "package.json", ".npmrc"];

/// Installs into `directory/node_modules`.
pub fn install(dependencies: &Dependencies, directory: &Path, programs: &Programs) -> Result<()> {
    let cpu = match dependencies.architecture {
        Architecture::X86_64 => "--cpu=x64",
        Architecture::Arm64 => "--cpu=arm64",
    };
    let project = dependencies.lock.parent().unwrap_or(Path::new("."));
    npm_ci(
        project,
        directory,
        &["--omit=dev", "--os=linux", "--libc=glibc", cpu],
        programs,
    )
}

/// Installs what a project's lock file names, and nothing else.
pub fn npm_ci(project: &Path, directory: &Path, args: &[&str], programs: &Programs) -> Result<()> {
    let npm = program::find(&["npm"]).ok_or_else(|| missing("npm"))?;
    let copies = READ_BY_NPM.map(|name| (project.join(name), directory.join(name)));
    for (from, to) in &copies {
        if from.exists() {
            fs::copy(from, to).map_err(|cause| Error::io("copy", from, cause))?;
        }
    }
    let mut command = Command::new(npm);
    command
        .current_dir(directory)
        // No scripts: they would run on this machine, for this machine. No links in `.bin`: Windows has none.
        .args(["ci", "--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund"])
        .args(args);
    programs.run(command)?;
    // npm's own notes name the order in which it did things.
    let notes = directory.join("node_modules/.package-lock.json");
    for file in copies.iter().map(|(_, to)| to).chain([&notes]) {
        remove_if_there(file).map_err(|cause| Error::io("remove", file, cause))?;
    }
    Ok(())
}

pub fn missing(program: &str) -> Error {
    Error::failed(format!("{program} is not installed")).help("install Node.js (https://nodejs.org), which brings npm")
}
