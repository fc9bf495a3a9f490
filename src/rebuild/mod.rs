//! Building everything a second time, under other circumstances, and comparing: what differs would differ on another machine.

mod copy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lambda_pack_core::diff::{Change, Difference};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Deserialize;
use tempfile::TempDir;

use crate::comparison::package_manifest;
use crate::settings::Settings;
use crate::{build, report, scratch};

/// The time stamps of installers and archives are not finer than this.
const TICK: Duration = Duration::from_secs(2);

/// A package, and what another build of the same source made.
#[derive(Debug)]
pub struct Rebuilt {
    pub name: String,
    pub source_hash: String,
    /// Of the first and of the second build.
    pub code_sha256: [String; 2],
    /// Empty where both builds made the same bytes.
    pub differences: Vec<Change>,
}

impl Rebuilt {
    pub fn is_same(&self) -> bool {
        let [first, second] = &self.code_sha256;
        first == second
    }
}

/// What `build --json` says of a package.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    source_hash: String,
    code_sha256: String,
    path: PathBuf,
}

/// Builds these functions, or all, as `build` does with its caches; then again from nothing: in a copy of the code directory
/// whose files were made in another order, at another time, under another umask, time zone and locale, with one thread.
pub fn rebuild(names: &[String], settings: &Settings, meter: &Meter) -> Result<Vec<Rebuilt>> {
    let scratch = scratch::directory()?;
    let began = Instant::now();
    tracing::info!("building, with what is cached");
    let first = Build {
        name: "first",
        code_dir: &settings.code_dir,
        scratch: &scratch,
    };
    let first = first.run(names, settings, meter, |command| command.spawn())?;
    let code_dir = scratch.path().join("elsewhere").join("code");
    tracing::info!("copying {} to {}", settings.code_dir.display(), code_dir.display());
    copy::copy(&settings.code_dir, &code_dir, meter)?;
    while began.elapsed() < TICK {
        meter.check()?;
        thread::sleep(Duration::from_millis(20));
    }
    tracing::info!("building again, from nothing");
    let second = Build {
        name: "second",
        code_dir: &code_dir,
        scratch: &scratch,
    };
    let second = second.run(names, settings, meter, |command| {
        command
            .args(["--no-cache", "--jobs", "1"])
            .env("TZ", "Pacific/Kiritimati")
            .env("LC_ALL", "C")
            .env_remove("LAMBDA_PACK_JOBS");
        spawn_under_other_umask(command)
    })?;
    let pairs = first.into_iter().zip(second);
    pairs.map(|(first, second)| compare_rows(first, &second)).collect()
}

fn compare_rows(first: Row, second: &Row) -> Result<Rebuilt> {
    if first.source_hash != second.source_hash {
        return Err(Error::invalid(format!(
            "function `{}`: its source hash was {}, and in the copy {}",
            first.name, first.source_hash, second.source_hash
        ))
        .help("run again once nothing writes to the source"));
    }
    let differences = match first.code_sha256 == second.code_sha256 {
        true => Vec::new(),
        false => {
            let [first, second] = [&first.path, &second.path].map(|path| package_manifest(path));
            Difference::between(&first?, &second?)?.changes
        }
    };
    Ok(Rebuilt {
        name: first.name,
        source_hash: first.source_hash,
        code_sha256: [first.code_sha256, second.code_sha256.clone()],
        differences,
    })
}

/// One of the two builds. Each is a process of its own: a umask and a time zone belong to a process.
struct Build<'a> {
    name: &'static str,
    code_dir: &'a Path,
    scratch: &'a TempDir,
}

impl Build<'_> {
    fn run(
        &self,
        names: &[String],
        settings: &Settings,
        meter: &Meter,
        spawn: impl FnOnce(&mut Command) -> std::io::Result<Child>,
    ) -> Result<Vec<Row>> {
        let scratch = self.scratch.path();
        let answer = scratch.join(format!("{}.json", self.name));
        let cannot_start = |cause| Error::failed(format!("cannot run lambda-pack itself: {cause}"));
        let cannot_write = |cause| Error::io("write", &answer, cause);
        let stdout = fs::File::create(&answer).map_err(cannot_write)?;
        let mut command = Command::new(std::env::current_exe().map_err(cannot_start)?);
        command
            .arg("build")
            .args(names)
            .args(["--json", "--quiet"])
            .arg("--deployment-profile")
            .arg(settings.profile.as_ref().map_or("", |profile| &profile.name))
            .arg("--config-dir")
            .arg(&settings.config_dir)
            .arg("--code-dir")
            .arg(self.code_dir)
            .arg("--out-dir")
            .arg(scratch.join(self.name))
            .stdin(Stdio::null())
            .stdout(stdout);
        let child = spawn(&mut command).map_err(cannot_start)?;
        let status = build::wait(child, meter)?;
        if !status.success() {
            let kind = status.code().and_then(report::kind_of).unwrap_or(ErrorKind::Failed);
            return Err(Error::new(kind, format!("the {} build failed, see above", self.name)));
        }
        let text = fs::read(&answer).map_err(|cause| Error::io("read", &answer, cause))?;
        serde_json::from_slice(&text).map_err(|error| Error::failed(format!("the answer of `build --json`: {error}")))
    }
}

#[cfg(unix)]
fn spawn_under_other_umask(command: &mut Command) -> std::io::Result<Child> {
    use rustix::fs::Mode;
    use rustix::process::umask;
    // Nothing else makes files meanwhile.
    let usual = umask(Mode::RWXG | Mode::RWXO);
    let child = command.spawn();
    umask(usual);
    child
}

#[cfg(not(unix))]
fn spawn_under_other_umask(command: &mut Command) -> std::io::Result<Child> {
    command.spawn()
}
