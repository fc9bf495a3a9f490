//! Node.js: `package-lock.json`; bundles by the esbuild that it names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::dependencies::{Facts, LockFile};
use super::output::Copy;
use crate::function::{Bundle, BundleFormat, Kind};
use crate::{Error, Result, json};

pub const FACTS: Facts = Facts {
    name: "node",
    lock_files: &[LockFile {
        name: "package-lock.json",
        beside: Some("package.json"),
        check: None,
    }],
    how_to_lock: "`npm install --package-lock-only` does",
    runtime: ("nodejs", "nodejs22.x"),
};

pub fn options(bundle: &Bundle) -> Vec<(&'static str, Value)> {
    let entry: Vec<&str> = bundle.entry.iter().map(|path| path.as_str()).collect();
    let format = match bundle.format {
        BundleFormat::Cjs => "cjs",
        BundleFormat::Esm => "esm",
    };
    vec![
        ("entry", entry.into()),
        ("format", format.into()),
        ("external", bundle.external.clone().into()),
        // Booleans are no part of what canonical inputs may hold.
        ("minify", u8::from(bundle.minify).into()),
        ("sourcemap", u8::from(bundle.sourcemap).into()),
    ]
}

/// esbuild makes it for one version of Node.js.
pub fn check_runtime(kind: Kind, runtime: Option<&str>) -> Result<()> {
    match (kind, runtime) {
        (Kind::Layer, _) => Err(Error::invalid("a bundle is for functions, not for layers").help("remove `bundle`")),
        (Kind::Function, Some(runtime)) if runtime.starts_with(FACTS.runtime.0) => Ok(()),
        (Kind::Function, _) => Err(Error::invalid("a bundle needs a runtime of Node.js")
            .help(format!("set `runtime`, for example to {}", FACTS.runtime.1))),
    }
}

/// Fails where npm or esbuild would.
pub fn check(bundle: &Bundle, copy: &Copy) -> Result<()> {
    /// What counts here of a `package-lock.json`: <https://docs.npmjs.com/cli/configuring-npm/package-lock-json>
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        packages: BTreeMap<String, IgnoredAny>,
    }
    if let Some(absent) = bundle.entry.iter().find(|entry| copy.find(entry.as_str()).is_none()) {
        return Err(Error::invalid(format!(
            "its source has no `{}`, which its bundle starts from",
            absent.as_str()
        ))
        .help("correct `build.bundle.entry`: paths are relative to the source"));
    }
    let (Some(_), Some((file, text))) = (copy.find("package.json"), copy.read("package-lock.json")?) else {
        return Err(Error::invalid(
            "its dependencies are not locked: its source has no `package.json` with `package-lock.json`",
        )
        .help(format!("`lambda-pack lock` locks them, as {}", FACTS.how_to_lock)));
    };
    let lock: Lock = json::parse_object(file.display(), text.as_bytes())
        .map_err(|error| error.help(format!("`lambda-pack lock` locks them, as {}", FACTS.how_to_lock)))?;
    if !lock.packages.contains_key("node_modules/esbuild") {
        return Err(
            Error::invalid(format!("esbuild, which makes bundles, is not in `{}`", file.display()))
                .help("lock it: `npm install --save-dev --save-exact esbuild`"),
        );
    }
    Ok(())
}
