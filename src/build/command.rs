//! Any program, in a copy of what is hashed, and in an environment that is the same everywhere.

use std::env;
use std::fs;
use std::process::Command;

use lambda_pack_core::function::CommandBuild;
use lambda_pack_core::{Error, Result};

use super::Job;
use super::program::SETTINGS;

/// Runs the command in the source's directory; what it leaves in its output directory becomes the package.
pub fn make(build: &CommandBuild, job: &Job) -> Result<()> {
    let copy = job.copy(&job.beside("copy"))?;
    let home = job.beside("home");
    fs::create_dir(&home).map_err(|cause| Error::io("make the directory", &home, cause))?;
    // The words are the shell's arguments, so that none of them is read as a script.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "umask 022 && exec \"$@\"", "sh"])
        .args(&build.command)
        .current_dir(&copy)
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", &home)
        .envs(SETTINGS)
        .env("LAMBDA_PACK_ARCHITECTURE", job.output.architecture.name())
        .envs(
            job.output
                .runtime
                .iter()
                .map(|runtime| ("LAMBDA_PACK_RUNTIME", runtime)),
        )
        .envs(build.environment.iter().map(|(key, value)| (key.as_str(), value)));
    job.programs.run(command)?;
    let made = copy.join(build.output.as_str());
    let (words, shown) = (build.command.join(" "), build.output.as_str());
    if !fs::symlink_metadata(&made).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(
            Error::failed(format!("the command `{words}` made no directory `{shown}`"))
                .help("let `build.output` name the directory that it makes, relative to the source's directory"),
        );
    }
    let mut files = fs::read_dir(&made).map_err(|cause| Error::io("read", &made, cause))?;
    if files.next().is_none() {
        return Err(
            Error::failed(format!("the command `{words}` left nothing in `{shown}`"))
                .help(format!("what it said is in {}", job.programs.log.display())),
        );
    }
    super::adopt(&made, job.directory)
}
