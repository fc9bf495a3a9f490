//! Builds: dependencies are installed from a lock file for Lambda's runtime and architecture, not this machine's, and kept
//! by what decides them. One ecosystem a file; each only says which programs to run, and what they leave to be put in order.

mod cache;
mod node;
mod program;
mod python;

use std::fs;
use std::io;
use std::path::Path;

use lambda_pack_core::build::{Dependencies, Ecosystem};
use lambda_pack_core::function::{Function, Kind};
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Meter, Result};

use crate::parallel::Turns;
use crate::settings::Settings;
use cache::Place;
use program::Programs;

/// Installers download, unpack and write; more of them at a time only get into each other's way.
static INSTALLATIONS: Turns = Turns::new(4);

/// Everything that a function is packed from. `None` where that is its source alone.
///
/// The directory behind the tree is kept while this lives.
pub struct Built {
    pub tree: Tree,
    _place: Place,
}

/// Installs what a function depends on, unless that was done before.
pub fn build(function: &Function, source: &Tree, settings: &Settings, meter: &'static Meter) -> Result<Option<Built>> {
    let Some(dependencies) = Dependencies::of(function, &settings.code_dir)? else {
        return Ok(None);
    };
    let inputs = source.build_inputs().expect("who has dependencies has build inputs");
    let place = cache::installed(
        settings.cache_dir.as_deref(),
        &inputs.digest(),
        meter,
        |directory, log| {
            let _turn = INSTALLATIONS.take();
            tracing::info!("{}: installing {}", function.name, dependencies.lock.display());
            let programs = Programs { log, meter };
            match dependencies.ecosystem {
                Ecosystem::Python => python::install(&dependencies, directory, &programs)?,
                Ecosystem::Node => node::install(&dependencies, directory, &programs)?,
            }
            dependencies.check_same(inputs)
        },
    )?;
    let prefix = match (function.definition.kind, dependencies.ecosystem) {
        (Kind::Function, _) => "",
        // Where runtimes look for a layer's modules:
        // <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html#packaging-layers-paths>
        (Kind::Layer, Ecosystem::Python) => "python/",
        (Kind::Layer, Ecosystem::Node) => "nodejs/",
    };
    let tree = source.with_built(place.path(), prefix, meter)?;
    Ok(Some(Built { tree, _place: place }))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
