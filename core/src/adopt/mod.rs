//! Functions of an existing repository, found in Terraform, in SAM and CloudFormation templates and in `serverless.yml`, as
//! definitions. What can't be carried over is noted, with its file and line; nothing of it is guessed.

mod beside;
mod build;
mod carry;
mod cloudformation;
mod definition;
mod draft;
mod files;
mod keys;
mod origin;
mod policy;
mod resolve;
mod serverless;
mod settle;
mod terraform;
mod unknown;
mod value;
mod written;
mod yaml;

use std::path::{Path, PathBuf};

pub use definition::Adopted;
pub use draft::Note;

use crate::{Meter, Result};
use draft::Draft;
use files::Repository;
use value::Place;

/// What was found, before it is settled what a definition can be made of.
#[derive(Default)]
struct Found {
    drafts: Vec<Draft>,
    notes: Vec<Note>,
}

impl Found {
    fn lost(&mut self, place: &Place, key: &str, reason: impl Into<String>) {
        self.notes.push(Note::new(place, Some(key), reason.into()));
    }
}

/// A repository as definitions.
#[derive(Debug)]
pub struct Adoption {
    /// By name.
    pub functions: Vec<Adopted>,
    /// In the order of files and lines.
    pub notes: Vec<Note>,
    /// The code directory, as reached from the project; with `/`.
    pub code_dir: String,
    /// Whether a source holds the project itself, so that packages may not be built into it.
    pub is_within_source: bool,
    /// How many files say something of functions.
    pub files: usize,
}

/// Reads the repository `directory`. Definitions are for a project in the directory `project`.
pub fn adopt(directory: &Path, project: &Path, meter: &Meter) -> Result<Adoption> {
    let mut found = Found::default();
    let repository = Repository::walk(directory, meter)?;
    let files = files::read(&repository, &mut found)?;
    definition::settle(found, &repository, project, files, meter)
}

/// `path` as reached from `base`; both are canonical.
fn relative(path: &Path, base: &Path) -> PathBuf {
    let common = path.ancestors().find(|ancestor| base.starts_with(ancestor));
    let common = common.unwrap_or(Path::new("/"));
    let up = base.strip_prefix(common).map_or(0, |rest| rest.components().count());
    let down = path.strip_prefix(common).unwrap_or(path);
    let relative: PathBuf = std::iter::repeat_n(Path::new(".."), up).chain([down]).collect();
    match relative.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => relative,
    }
}

fn slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
