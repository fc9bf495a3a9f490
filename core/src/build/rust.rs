//! Rust: crates, locked by `Cargo.lock`.

use serde::Deserialize;
use serde_json::Value;

use super::output::Copy;
use crate::function::RustBuild;
use crate::{Error, Result, toml_text};

pub fn options(build: &RustBuild) -> Vec<(&'static str, Value)> {
    let binary = build.binary.as_ref().map(|binary| ("binary", binary.as_str().into()));
    binary.into_iter().collect()
}

/// Fails where cargo would take what isn't locked.
pub fn check(copy: &Copy) -> Result<()> {
    if copy.find("Cargo.toml").is_none() {
        return Err(Error::invalid("its source has no `Cargo.toml`")
            .help("let `source` name the directory of the package, or of the workspace"));
    }
    if copy.find("Cargo.lock").is_none() {
        return Err(
            Error::invalid("its dependencies are not locked: there is no Cargo.lock beside its `Cargo.toml`")
                .help("`lambda-pack lock` locks them, as `cargo generate-lockfile` does; in a workspace, `source` names the workspace"),
        );
    }
    Ok(())
}

/// A crate in `Cargo.lock`: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>
#[derive(Debug, Deserialize)]
pub struct Crate {
    pub name: String,
    pub version: String,
    /// None has what stands in the source.
    pub source: Option<String>,
    pub checksum: Option<String>,
    /// `name`, or `name version` where that isn't the only one; a source may follow.
    #[serde(default)]
    pub dependencies: Vec<String>,
}

/// What a `Cargo.lock` names.
pub fn crates(lock: &str) -> Result<Vec<Crate>> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        package: Vec<Crate>,
    }
    let lock: Lock = toml_text::parse("Cargo.lock", lock)?;
    Ok(lock.package)
}
