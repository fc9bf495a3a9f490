//! What decides a build, known without doing it: lock file, runtime, architecture, recipe. One ecosystem a file.

mod dependencies;
mod node;
mod python;

use std::path::Path;

pub use dependencies::{Dependencies, Ecosystem};

use crate::Result;
use crate::function::Function;
use crate::manifest::BuildInputs;

/// The build inputs of a function, if it has any.
pub fn inputs(function: &Function, code_dir: &Path) -> Result<Option<BuildInputs>> {
    let dependencies = Dependencies::of(function, code_dir)?;
    dependencies.map(|dependencies| dependencies.inputs()).transpose()
}
