//! What decides a build, known without doing it: lock file, runtime, architecture, recipe. One ecosystem a file.

mod command;
mod dependencies;
mod go;
mod locking;
mod node;
mod output;
mod python;
mod rust;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use dependencies::{Dependencies, Ecosystem};
pub use locking::{LockTool, Locking, Target};
pub use output::{Output, Tool};
pub(crate) use python::requirements;
pub use rust::{Crate, crates};

use crate::cache::DigestCache;
use crate::function::{Architecture, Function};
use crate::manifest::BuildInputs;
use crate::{Meter, Result};

/// What is to be done with a source before it is packed.
#[derive(Debug)]
pub enum Recipe {
    /// They are installed beside it.
    Dependencies(Dependencies, BuildInputs),
    /// It takes the source's place.
    Output(Output),
}

impl Recipe {
    /// What decides the build beside the source: lock files, and other inputs.
    pub fn files(&self) -> Vec<&PathBuf> {
        match self {
            Recipe::Dependencies(it, _) => std::iter::once(&it.lock).chain(&it.beside).collect(),
            Recipe::Output(output) => output.files_beside().map(|input| &input.file).collect(),
        }
    }

    /// `None` for a function without `build`.
    pub fn of(function: &Function, code_dir: &Path, digests: &DigestCache, meter: &Meter) -> Result<Option<Self>> {
        if let Some(dependencies) = Dependencies::of(function, code_dir)? {
            let inputs = dependencies.inputs()?;
            return Ok(Some(Recipe::Dependencies(dependencies, inputs)));
        }
        Ok(Output::of(function, code_dir, digests, meter)?.map(Recipe::Output))
    }

    /// The lock file of dependencies that are installed beside the source.
    pub fn lock_file(&self) -> Option<&Path> {
        match self {
            Recipe::Dependencies(dependencies, _) => Some(&dependencies.lock),
            Recipe::Output(_) => None,
        }
    }

    pub fn inputs(&self) -> &BuildInputs {
        match self {
            Recipe::Dependencies(_, inputs) => inputs,
            Recipe::Output(output) => output.inputs(),
        }
    }
}

/// What the build inputs of every build hold.
fn recorded(name: &str, recipe: u32, architecture: Architecture) -> Map<String, Value> {
    let inputs = [
        ("type", Value::from(name)),
        ("recipe", recipe.into()),
        ("architecture", architecture.name().into()),
    ];
    inputs.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}
