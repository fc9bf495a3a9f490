//! Builds, for Lambda's runtime and architecture rather than this machine's. Dependencies are installed from a lock file and
//! kept by what decides them; packages that a tool makes of the source are kept by the source hash. One ecosystem a file;
//! each only says which programs to run, and what they leave to be put in order.

mod cache;
mod command;
mod esbuild;
mod go;
mod locking;
mod node;
mod program;
mod python;
mod rust;

use std::fs;
use std::path::{Path, PathBuf};

use lambda_pack_core::build::{Dependencies, Ecosystem, Output, Recipe, Tool};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::function::{Function, Kind};
use lambda_pack_core::manifest::BuildInputs;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, Meter, Result};

use crate::assets;
use crate::parallel::Turns;
use crate::settings::Settings;
use cache::Place;

pub use locking::{Versions, lock};
pub use program::{Programs, environment, find, output, wait};

/// Installers download, unpack and write; more of them at a time only get into each other's way.
static INSTALLATIONS: Turns = Turns::new(4);

/// Compilers use all processors.
static COMPILATIONS: Turns = Turns::new(1);

/// Everything that a function is packed from. `None` where that is its source alone.
///
/// The directory behind the tree is kept while this lives.
pub struct Built {
    pub tree: Tree,
    places: Vec<Place>,
}

impl Built {
    /// Whether all of it was there already.
    pub fn is_from_cache(&self) -> bool {
        self.places.iter().all(Place::was_there)
    }
}

/// Does what a function's package needs beyond its source, unless that was done before.
pub fn build(
    function: &Function,
    source: &Tree,
    settings: &Settings,
    caches: &Caches,
    meter: &'static Meter,
) -> Result<Option<Built>> {
    let built = match source.recipe() {
        None => None,
        Some(Recipe::Dependencies(dependencies, inputs)) => {
            Some(install(function, source, dependencies, inputs, settings, meter)?)
        }
        Some(Recipe::Output(output)) => Some(make(function, source, output, settings, caches, meter)?),
    };
    let built = swap(function, source, built, settings, meter)?;
    let Some(inputs) = source.asset_inputs() else {
        return Ok(built);
    };
    let place = cache::kept(
        settings.cache_dir.as_deref(),
        "unpacked",
        &inputs.digest(),
        meter,
        |directory, _log| assets::unpack(function, directory, settings, meter),
    )?;
    let tree = built.as_ref().map_or(source, |built| &built.tree);
    let tree = tree.with_assets(place.path(), meter)?;
    let mut places = built.map(|built| built.places).unwrap_or_default();
    places.push(place);
    Ok(Some(Built { tree, places }))
}

/// What Lambda counts of all that a function is packed from; that is made if it isn't there.
pub fn unzipped_bytes(
    function: &Function,
    source: &Tree,
    settings: &Settings,
    caches: &Caches,
    meter: &'static Meter,
) -> Result<u64> {
    let built = build(function, source, settings, caches, meter)?;
    Ok(built.as_ref().map_or(source, |built| &built.tree).size())
}

/// Installs dependencies beside the source.
fn install(
    function: &Function,
    source: &Tree,
    dependencies: &Dependencies,
    inputs: &BuildInputs,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Built> {
    let place = installed(function, dependencies, inputs, settings, meter)?;
    let tree = source.with_built(place.path(), prefix(function, dependencies.ecosystem), meter)?;
    Ok(Built {
        tree,
        places: vec![place],
    })
}

/// What a lock file names, installed in a directory of its own.
fn installed(
    function: &Function,
    dependencies: &Dependencies,
    inputs: &BuildInputs,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Place> {
    cache::kept(
        settings.cache_dir.as_deref(),
        "dependencies",
        &inputs.digest(),
        meter,
        |directory, log| {
            let _turn = INSTALLATIONS.take();
            tracing::info!("{}: installing {}", function.name, dependencies.lock.display());
            let programs = Programs { log, meter };
            match dependencies.ecosystem {
                Ecosystem::Python => python::install(dependencies, directory, &programs)?,
                Ecosystem::Node => node::install(dependencies, directory, &programs)?,
            }
            dependencies.check_same(inputs)
        },
    )
}

/// Where runtimes look for a layer's modules:
/// <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html#packaging-layers-paths>
fn prefix(function: &Function, ecosystem: Ecosystem) -> &'static str {
    match (function.definition.kind, ecosystem) {
        (Kind::Function, _) => "",
        (Kind::Layer, Ecosystem::Python) => "python/",
        (Kind::Layer, Ecosystem::Node) => "nodejs/",
    }
}

/// Leaves out of what was built what swaps leave out, and installs what they put in its place. What a tool makes has seen to that
/// itself.
fn swap(
    function: &Function,
    source: &Tree,
    built: Option<Built>,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Option<Built>> {
    let installs: Vec<_> = source
        .swaps()
        .iter()
        .filter_map(|swap| swap.installs.as_ref())
        .collect();
    let is_made = matches!(source.recipe(), Some(Recipe::Output(_)));
    // Without anything that was installed, the source is without what goes already.
    if source.swaps().is_empty() || is_made || (built.is_none() && installs.is_empty()) {
        return Ok(built);
    }
    let mut places = Vec::new();
    for (dependencies, inputs) in &installs {
        places.push(installed(function, dependencies, inputs, settings, meter)?);
    }
    let directories: Vec<&Path> = places.iter().map(Place::path).collect();
    let of_layer = installs
        .first()
        .map_or("", |(dependencies, _)| prefix(function, dependencies.ecosystem));
    let tree = built.as_ref().map_or(source, |built| &built.tree);
    let tree = tree.with_swaps(&directories, of_layer, meter)?;
    places.extend(built.into_iter().flat_map(|built| built.places));
    Ok(Some(Built { tree, places }))
}

/// A package that is to be made.
struct Job<'a> {
    output: &'a Output,
    source: &'a Tree,
    /// Empty; what it holds in the end is packed.
    directory: &'a Path,
    cache_dir: Option<&'a Path>,
    programs: Programs<'a>,
}

impl Job<'_> {
    /// A path beside the directory, for what is dropped in the end.
    fn beside(&self, name: &str) -> PathBuf {
        self.directory.with_file_name(name)
    }

    /// Copies all that is hashed; returns the source's directory in the copy.
    fn copy(&self, to: &Path) -> Result<PathBuf> {
        self.output.copy_to(self.source, to, self.programs.meter)
    }
}

/// Makes what is packed in place of the source, in a copy of it.
fn make(
    function: &Function,
    source: &Tree,
    output: &Output,
    settings: &Settings,
    caches: &Caches,
    meter: &'static Meter,
) -> Result<Built> {
    // From here on, a copy is refused that isn't what was hashed.
    let manifest = source.manifest(Algorithm::Blake3, &caches.digests, meter)?;
    let place = cache::kept(
        settings.cache_dir.as_deref(),
        "outputs",
        &manifest.source_hash(),
        meter,
        |directory, log| {
            let _turn = COMPILATIONS.take();
            tracing::info!("{}: building with {}", function.name, output.tool.name());
            let job = Job {
                output,
                source,
                directory,
                cache_dir: settings.cache_dir.as_deref(),
                programs: Programs { log, meter },
            };
            match &output.tool {
                Tool::Go(build) => go::make(build, &job),
                Tool::Rust(build) => rust::make(build, &job),
                Tool::Command(build) => command::make(build, &job),
                Tool::Bundle(bundle) => esbuild::make(bundle, &job),
            }
        },
    )?;
    let tree = source.replaced_by(place.path(), manifest, meter)?;
    Ok(Built {
        tree,
        places: vec![place],
    })
}

/// Moves what was made elsewhere on the same file system into the place of `directory`, which is empty.
fn adopt(made: &Path, directory: &Path) -> Result<()> {
    let moved = fs::remove_dir(directory).and_then(|()| fs::rename(made, directory));
    moved.map_err(|cause| Error::io("move what was built to", directory, cause))
}
