//! Node.js bundles: esbuild and all that it bundles come from the function's own lock file.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::path::Path;

use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::function::{Bundle, BundleFormat};
use lambda_pack_core::manifest::BuildInputs;
use lambda_pack_core::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Map;

use super::{Job, cache, node, program};

/// Where esbuild writes to within the copy: a name that no source has.
const PLACE: &str = ".lambda-pack";

/// Bundles the entries; the bundles alone become the package.
pub fn make(bundle: &Bundle, job: &Job) -> Result<()> {
    let copy = job.copy(&job.beside("copy"))?;
    let node = program::find(&["node"]).ok_or_else(|| node::missing("Node.js"))?;
    let installed = installed(&copy, job)?;
    let modules = copy.join("node_modules");
    link(&installed.path().join("node_modules"), &modules)
        .map_err(|cause| Error::io("make the link", &modules, cause))?;
    let mut command = program::isolated(&node);
    command
        .current_dir(&copy)
        .arg("node_modules/esbuild/bin/esbuild")
        .args(["--bundle", "--platform=node", "--log-level=warning"])
        // Modules are where the copy has them, wherever they are kept: bundles name their paths.
        .arg("--preserve-symlinks")
        .arg(format!("--outdir={PLACE}/out"))
        .arg(format!("--metafile={PLACE}/meta.json"))
        .args(match bundle.format {
            BundleFormat::Cjs => ["--format=cjs", "--out-extension:.js=.js"],
            BundleFormat::Esm => ["--format=esm", "--out-extension:.js=.mjs"],
        })
        .args(
            job.output
                .runtime
                .iter()
                .map(|runtime| format!("--target={}", target(runtime))),
        )
        .args(bundle.minify.then_some("--minify"))
        .args(bundle.sourcemap.then_some("--sourcemap"))
        .args(bundle.external.iter().map(|module| format!("--external:{module}")))
        .args(
            job.source
                .swaps()
                .iter()
                .map(|swap| format!("--external:{}", swap.from)),
        )
        .args(bundle.entry.iter().map(|entry| format!("./{}", entry.as_str())));
    job.programs.run(command)?;
    check_inputs(&copy.join(PLACE).join("meta.json"))?;
    super::adopt(&copy.join(PLACE).join("out"), job.directory)
}

/// `nodejs22.x` is esbuild's `node22`.
fn target(runtime: &str) -> String {
    runtime.trim_end_matches(".x").replace("nodejs", "node")
}

/// What the lock file names, for this machine: esbuild runs here. Kept, so that a change of code alone installs nothing.
fn installed(copy: &Path, job: &Job) -> Result<cache::Place> {
    let mut inputs = Map::new();
    inputs.insert(
        "for".to_owned(),
        format!("esbuild on {} {}", consts::OS, consts::ARCH).into(),
    );
    for name in node::READ_BY_NPM {
        let file = copy.join(name);
        if file.exists() {
            let content = fs::read(&file).map_err(|cause| Error::io("read", &file, cause))?;
            inputs.insert(name.to_owned(), Algorithm::Blake3.hash(&content).to_hex().into());
        }
    }
    let digest = BuildInputs::new(inputs)?.digest();
    cache::kept(
        job.cache_dir,
        "dependencies",
        &digest,
        job.programs.meter,
        |directory, log| {
            tracing::info!("installing {}", copy.join("package-lock.json").display());
            let programs = program::Programs {
                log,
                meter: job.programs.meter,
            };
            node::npm_ci(copy, directory, &["--include=dev"], &programs)
        },
    )
}

/// Fails if something was bundled that isn't hashed: modules are looked for in every directory above.
fn check_inputs(metafile: &Path) -> Result<()> {
    /// <https://esbuild.github.io/api/#metafile>
    #[derive(Deserialize)]
    struct Metafile {
        inputs: BTreeMap<String, IgnoredAny>,
    }
    let text = fs::read(metafile).map_err(|cause| Error::io("read", metafile, cause))?;
    let Metafile { inputs } =
        serde_json::from_slice(&text).map_err(|error| Error::failed(format!("`{}`: {error}", metafile.display())))?;
    match inputs
        .keys()
        .find(|path| path.starts_with("..") || Path::new(path).is_absolute())
    {
        None => Ok(()),
        Some(path) => Err(Error::failed(format!(
            "the bundle takes `{path}`, which is neither source nor in the lock file"
        ))
        .help("add the module to package.json and lock it, or name it in `build.bundle.external`")),
    }
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}
