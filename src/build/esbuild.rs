//! Node.js bundles: esbuild and all that it bundles come from the function's own lock file.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::path::Path;

use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::function::{Bundle, BundleFormat};
use lambda_pack_core::manifest::BuildInputs;
use lambda_pack_core::swaps::AppliedSwap;
use lambda_pack_core::{Error, Result, shorten};
use serde::Deserialize;
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
    let swaps = job.source.swaps();
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
        // By their names: esbuild would take the function's own files for what a glob means.
        .args(
            swaps
                .iter()
                .flat_map(|swap| &swap.names)
                .map(|name| format!("--external:{name}")),
        )
        .args(bundle.entry.iter().map(|entry| format!("./{}", entry.as_str())));
    job.programs.run(command)?;
    let metafile = Metafile::read(&copy.join(PLACE).join("meta.json"))?;
    metafile.check_inputs()?;
    for swap in swaps {
        metafile.check_swap(swap)?;
    }
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

/// What esbuild says of its bundles: <https://esbuild.github.io/api/#metafile>
#[derive(Deserialize)]
struct Metafile {
    /// By path; the metafile's own names are relative to the copy.
    inputs: BTreeMap<String, Input>,
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    path: String,
    #[serde(default)]
    external: bool,
}

impl Metafile {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).map_err(|cause| Error::io("read", file, cause))?;
        serde_json::from_slice(&text).map_err(|error| Error::failed(format!("`{}`: {error}", file.display())))
    }

    /// Fails if something was bundled that isn't hashed: modules are looked for in every directory above.
    fn check_inputs(&self) -> Result<()> {
        let mut paths = self.inputs.keys();
        match paths.find(|path| path.starts_with("..") || Path::new(path).is_absolute()) {
            None => Ok(()),
            Some(path) => Err(Error::failed(format!(
                "the bundle takes `{path}`, which is neither source nor in the lock file"
            ))
            .help("add the module to package.json and lock it, or name it in `build.bundle.external`")),
        }
    }

    /// Fails if a swap left nothing out of the bundle, since nothing in that imports what it means.
    fn check_swap(&self, swap: &AppliedSwap) -> Result<()> {
        let left_out = self.inputs.values().flat_map(|input| &input.imports);
        let mut left_out = left_out.filter(|import| import.external);
        let is_of = |import: &Import, name: &String| {
            let rest = import.path.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if left_out.any(|import| swap.names.iter().any(|name| is_of(import, name))) {
            return Ok(());
        }
        let names: Vec<&str> = swap.names.iter().map(String::as_str).collect();
        Err(Error::invalid(format!(
            "the swap of `{}` to `{}` leaves nothing out of the bundle: nothing in it imports `{}`",
            swap.from,
            swap.to,
            shorten(&names.join("`, `"))
        ))
        .help("remove the swap, or leave this function out with its `functions`; what is locked and not imported isn't bundled"))
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
