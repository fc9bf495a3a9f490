//! Rust: a `bootstrap`, by cargo, for Lambda's C library or for none.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_pack_core::build::crates;
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::function::{Architecture, RustBuild};
use lambda_pack_core::{Error, Result};
use serde::Deserialize;

use super::program::{self, Programs};
use super::{Job, cache};

/// Variables that tell where crates and toolchains come from, by how they start. All else could change bytes.
const PLACES: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_ZIGBUILD_",
    "RUSTUP_",
];

/// Builds `directory/bootstrap`. What the lock file names is compiled once for each architecture.
pub fn make(build: &RustBuild, job: &Job) -> Result<()> {
    let cargo = program::find(&["cargo"]).ok_or_else(cargo_is_missing)?;
    let place = workplace(job)?;
    let work = place.path();
    // What an earlier build left. The copy stands at the same path each time, so that crates need not be compiled again.
    let copy = work.join("copy");
    match fs::remove_dir_all(&copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", &copy, error)),
        _ => {}
    }
    let source = job.copy(&copy)?;
    let cargo = Cargo {
        program: cargo,
        source: &source,
        work,
        programs: &job.programs,
    };
    let binary = cargo.binary(build)?;
    let linking = cargo.linking(job)?;
    cargo.fetch()?;
    forget_local_crates(&source.join("Cargo.lock"), &work.join("target"))?;
    let mut command = cargo.command(linking.subcommand);
    command
        .args(["--release", "--locked", "--bin", &binary])
        .args(["--target", &linking.named])
        .envs(
            linking
                .linker
                .iter()
                .map(|linker| (linker_variable(linking.target), linker)),
        )
        .env("CARGO_ENCODED_RUSTFLAGS", cargo.flags(&linking)?);
    job.programs.run(command)?;
    let made = work.join("target").join(linking.target).join("release").join(&binary);
    let bootstrap = job.directory.join("bootstrap");
    fs::copy(&made, &bootstrap).map_err(|cause| Error::io("copy", &made, cause))?;
    fs::remove_dir_all(&copy).map_err(|cause| Error::io("remove", &copy, cause))
}

/// Where crates that the lock file names stay compiled.
fn workplace(job: &Job) -> Result<cache::Place> {
    let lock = job.output.read(job.source, "Cargo.lock")?;
    let key = format!("{}\n{lock}", job.output.architecture.name());
    let digest = Algorithm::Blake3.hash(key.as_bytes());
    cache::workplace(job.cache_dir, "rust", &digest, job.programs.meter)
}

struct Cargo<'a> {
    program: PathBuf,
    /// The copy of the source, where cargo runs.
    source: &'a Path,
    work: &'a Path,
    programs: &'a Programs<'a>,
}

/// How a binary is linked so that it runs on Lambda, whatever this machine is.
struct Linking {
    target: &'static str,
    /// As the subcommand wants it.
    named: String,
    subcommand: &'static [&'static str],
    linker: Option<&'static str>,
    /// Keeps the linker from adding an id of its own.
    no_build_id: &'static str,
}

impl Cargo<'_> {
    fn command(&self, subcommand: &[&str]) -> Command {
        let mut command = self.isolated(&self.program);
        command.args(subcommand);
        command
    }

    fn isolated(&self, program: &Path) -> Command {
        let mut command = program::isolated(program);
        let places = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            PLACES.iter().any(|start| name.starts_with(start))
        });
        command
            .envs(places)
            .env("CARGO_TARGET_DIR", self.work.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TERM_COLOR", "never")
            .current_dir(self.source);
        command
    }

    /// The binary that is meant.
    fn binary(&self, build: &RustBuild) -> Result<String> {
        /// <https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format>
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Package>,
        }
        #[derive(Deserialize)]
        struct Package {
            targets: Vec<Target>,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
            kind: Vec<String>,
        }
        let json =
            self.programs
                .output(self.command(&["metadata", "--no-deps", "--locked", "--format-version", "1"]))?;
        let metadata: Metadata =
            serde_json::from_str(&json).map_err(|error| Error::failed(format!("`cargo metadata`: {error}")))?;
        let targets = metadata.packages.iter().flat_map(|package| &package.targets);
        let binaries = targets.filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        let names: BTreeSet<&str> = binaries.map(|target| target.name.as_str()).collect();
        let known = names.iter().copied().collect::<Vec<_>>().join("`, `");
        match (&build.binary, names.len()) {
            (Some(binary), _) if names.contains(binary.as_str()) => Ok(binary.to_string()),
            (Some(binary), _) => Err(Error::invalid(format!("its source has no binary `{binary}`"))
                .help(format!("name one of these in `build.binary`: `{known}`"))),
            (None, 1) => Ok(known),
            (None, 0) => Err(Error::invalid("its source has no binary").help("add `src/main.rs`")),
            (None, _) => Err(Error::invalid("its source has several binaries")
                .help(format!("name one of these in `build.binary`: `{known}`"))),
        }
    }

    fn linking(&self, job: &Job) -> Result<Linking> {
        let (musl, gnu) = match job.output.architecture {
            Architecture::X86_64 => ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"),
            Architecture::Arm64 => ("aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"),
        };
        if self.has_standard_library(musl)? {
            return Ok(Linking {
                target: musl,
                named: musl.to_owned(),
                subcommand: &["build"],
                // Every toolchain brings it, so that no machine's own linker decides.
                linker: Some("rust-lld"),
                no_build_id: "--build-id=none",
            });
        }
        let has_zigbuild = program::find(&["cargo-zigbuild"]).is_some();
        if has_zigbuild && self.has_standard_library(gnu)? {
            // Amazon Linux 2 and 2023: <https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html>
            let glibc = match job.output.runtime.as_deref() {
                Some("provided.al2") => "2.26",
                _ => "2.34",
            };
            return Ok(Linking {
                target: gnu,
                named: format!("{gnu}.{glibc}"),
                subcommand: &["zigbuild"],
                linker: None,
                no_build_id: "-Wl,--build-id=none",
            });
        }
        let help = match has_zigbuild {
            true => format!("`rustup target add {musl}`, or {gnu} for cargo-zigbuild, which is here"),
            false => format!(
                "`rustup target add {musl}`; for crates with C code cargo-zigbuild (`pip install cargo-zigbuild`) with `rustup target add {gnu}`"
            ),
        };
        Err(Error::failed(format!(
            "this machine's Rust can't compile for {}",
            job.output.architecture.name()
        ))
        .help(help))
    }

    fn has_standard_library(&self, target: &str) -> Result<bool> {
        let rustc = program::find(&["rustc"])
            .ok_or_else(|| Error::failed("rustc is not installed").help("install Rust: https://rustup.rs"))?;
        let mut command = self.isolated(&rustc);
        command.args(["--print", "target-libdir", "--target", target]);
        let directory = self.programs.output(command)?;
        Ok(fs::read_dir(directory.trim()).is_ok_and(|mut files| files.next().is_some()))
    }

    /// Downloads what the lock file names, so that all paths are known.
    fn fetch(&self) -> Result<()> {
        self.programs.run(self.command(&["fetch", "--locked"]))
    }

    /// No path of this machine gets into the binary, no debug information, and no id of the build.
    fn flags(&self, linking: &Linking) -> Result<OsString> {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
        let mut mapped = vec![(self.work.to_owned(), "/build".to_owned())];
        if let Some(home) = home {
            // The directory of a registry is named after its address, which may be a mirror's.
            let registries = home.join("registry/src");
            mapped.push((home, "/cargo".to_owned()));
            let found = match fs::read_dir(&registries) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                found => found
                    .and_then(Iterator::collect::<io::Result<Vec<_>>>)
                    .map_err(|cause| Error::io("read", &registries, cause))?,
            };
            mapped.extend(
                found
                    .into_iter()
                    .map(|entry| (entry.path(), "/cargo/registry/src".to_owned())),
            );
        }
        let mut flags = OsString::from(format!("-Cstrip=symbols\x1f-Clink-arg={}", linking.no_build_id));
        for (from, to) in mapped {
            flags.push("\x1f--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
        Ok(flags)
    }
}

/// As cargo spells it: <https://doc.rust-lang.org/cargo/reference/config.html#targettriplelinker>
fn linker_variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"))
}

/// Lets cargo compile the crates of the copy again. It would compare times of files, and those of a copy are all the same.
fn forget_local_crates(lock: &Path, target: &Path) -> Result<()> {
    let text = fs::read_to_string(lock).map_err(|cause| Error::io("read", lock, cause))?;
    let crates = crates(&text)?;
    let local: BTreeSet<&str> = (crates.iter().filter(|it| it.source.is_none()))
        .map(|it| it.name.as_str())
        .collect();
    // `target/release` is this machine's, for build scripts; the others are named after targets.
    let mut profiles = vec![target.join("release")];
    if let Ok(targets) = fs::read_dir(target) {
        profiles.extend(targets.flatten().map(|entry| entry.path().join("release")));
    }
    for fingerprints in profiles.iter().map(|profile| profile.join(".fingerprint")) {
        let Ok(entries) = fs::read_dir(&fingerprints) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // `orders-0123456789abcdef`
            let crate_name = name
                .to_str()
                .and_then(|name| name.rsplit_once('-'))
                .map(|(name, _digest)| name);
            if crate_name.is_some_and(|name| local.contains(name)) {
                fs::remove_dir_all(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
            }
        }
    }
    Ok(())
}

pub fn cargo_is_missing() -> Error {
    Error::failed("Rust is not installed").help("install it: https://rustup.rs")
}
