//! Dependencies that are installed beside the sources, from a lock file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{node, python, recorded};
use crate::digest::Algorithm;
use crate::function::{Architecture, Build, Function, Kind, NodeBuild, PythonBuild, RelativePath, as_argument};
use crate::manifest::BuildInputs;
use crate::source::read_changed;
use crate::{Error, Result};

/// Number of the rules by which an installed tree is made and put in order. A change of them changes source hashes.
const RECIPE: u32 = 1;

/// Where dependencies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ecosystem {
    Python,
    Node,
}

/// What tells ecosystems apart before anything is installed.
pub(super) struct Facts {
    /// As a definition spells it.
    pub name: &'static str,
    /// The lock files: the first that is there counts.
    pub lock_files: &'static [LockFile],
    /// What makes one: a clause.
    pub how_to_lock: &'static str,
    /// What its runtimes start with, and one of them.
    pub runtime: (&'static str, &'static str),
}

pub(super) struct LockFile {
    pub name: &'static str,
    /// What must stand beside it.
    pub beside: Option<&'static str>,
    /// Fails unless it pins everything. Lock files that a tool keeps do so by themselves.
    pub check: Option<Check>,
}

/// Takes the file, for messages, and its content.
type Check = fn(&Path, &[u8]) -> Result<()>;

impl Ecosystem {
    fn facts(self) -> &'static Facts {
        match self {
            Ecosystem::Python => &python::FACTS,
            Ecosystem::Node => &node::FACTS,
        }
    }
}

/// What is to be installed, for what.
#[derive(Clone, Debug)]
pub struct Dependencies {
    pub ecosystem: Ecosystem,
    /// The lock file, as reached from the code directory that was given.
    pub lock: PathBuf,
    /// What belongs to it.
    pub beside: Option<PathBuf>,
    /// Lambda's runtime identifier.
    pub runtime: String,
    pub architecture: Architecture,
    check: Option<Check>,
}

impl Dependencies {
    /// `None` for a function without `build`.
    pub fn of(function: &Function, code_dir: &Path) -> Result<Option<Self>> {
        let Some(build) = &function.definition.build else {
            return Ok(None);
        };
        let (ecosystem, named) = match &build.0 {
            Build::Python(PythonBuild { lock, .. }) => (Ecosystem::Python, lock),
            Build::Node(NodeBuild { lock, bundle: None, .. }) => (Ecosystem::Node, lock),
            Build::Node(NodeBuild { bundle: Some(_), .. }) | Build::Go(_) | Build::Rust(_) | Build::Command(_) => {
                return Ok(None);
            }
        };
        let facts = ecosystem.facts();
        let lock = match named {
            Some(named) => named_lock(named, facts, code_dir)?,
            None => find_lock(function, facts, code_dir)?,
        };
        Self::with_lock(function, ecosystem, lock).map(Some)
    }

    /// What a lock file puts in the place of others, for the function's runtime.
    pub(crate) fn in_place_of_others(function: &Function, lock: &RelativePath, code_dir: &Path) -> Result<Self> {
        let is_for = |ecosystem: &Ecosystem| {
            let mut runtimes = function.definition.runtimes();
            runtimes.any(|runtime| runtime.starts_with(ecosystem.facts().runtime.0))
        };
        let ecosystem = [Ecosystem::Python, Ecosystem::Node]
            .into_iter()
            .find(is_for)
            .ok_or_else(|| {
                Error::invalid("dependencies are installed for runtimes of Python and Node.js alone")
                    .help("set `runtime`, or make the package with a `build` that has the other dependency")
            })?;
        Self::with_lock(function, ecosystem, named_lock(lock, ecosystem.facts(), code_dir)?)
    }

    fn with_lock(function: &Function, ecosystem: Ecosystem, (lock, kind): (PathBuf, &LockFile)) -> Result<Self> {
        Ok(Dependencies {
            ecosystem,
            beside: kind.beside.map(|name| lock.with_file_name(name)),
            lock,
            check: kind.check,
            runtime: runtime(function, ecosystem.facts())?,
            architecture: function.definition.architectures.one(),
        })
    }

    /// The files that decide what is installed for a function, those among them that would if they were there: below
    /// `code_dir`, as it is given.
    pub fn deciding_files(function: &Function, code_dir: &Path) -> Vec<PathBuf> {
        let swapped = function.swaps.iter().filter_map(|swap| swap.lock.as_ref());
        let mut files: Vec<PathBuf> = swapped
            .flat_map(|lock| with_beside(code_dir.join(lock.as_str())))
            .collect();
        let (ecosystem, named) = match function.definition.build.as_ref().map(|build| &build.0) {
            Some(Build::Python(PythonBuild { lock, .. })) => (Ecosystem::Python, lock),
            Some(Build::Node(NodeBuild { lock, bundle: None, .. })) => (Ecosystem::Node, lock),
            _ => return files,
        };
        if let Some(named) = named {
            files.extend(with_beside(code_dir.join(named.as_str())));
            return files;
        }
        for directory in source_directories(function, code_dir) {
            for kind in ecosystem.facts().lock_files {
                let lock = directory.join(kind.name);
                // Those that come after it don't count.
                if lock.is_file() {
                    files.extend(with_beside(lock));
                    break;
                }
                files.push(lock);
            }
        }
        files
    }

    pub(crate) fn inputs(&self) -> Result<BuildInputs> {
        let mut locks = Map::new();
        for file in [Some(&self.lock), self.beside.as_ref()].into_iter().flatten() {
            let content = fs::read(file).map_err(|cause| Error::input("read", file, cause))?;
            if let Some(check) = self.check {
                check(file, &content)?;
            }
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            locks.insert(name.to_owned(), Algorithm::Blake3.hash(&content).to_hex().into());
        }
        let mut inputs = recorded(self.ecosystem.facts().name, RECIPE, self.architecture);
        inputs.insert("runtime".to_owned(), self.runtime.as_str().into());
        inputs.insert("locks".to_owned(), locks.into());
        BuildInputs::new(inputs)
    }

    /// Fails unless the lock file is still what was hashed: what was installed from another one must not be taken for it.
    pub fn check_same(&self, hashed: &BuildInputs) -> Result<()> {
        if self.inputs()? == *hashed {
            return Ok(());
        }
        Err(read_changed(&self.lock))
    }
}

/// The lock file that the definition names, relative to the code directory.
fn named_lock(named: &RelativePath, facts: &Facts, code_dir: &Path) -> Result<(PathBuf, &'static LockFile)> {
    let lock = code_dir.join(named.as_str());
    let by_name = facts.lock_files.iter().find(|known| lock.ends_with(known.name));
    // Any name will do for a file that stands alone: many projects have one `requirements-*.txt` for each function.
    let alone = || facts.lock_files.iter().find(|known| known.beside.is_none());
    match by_name.or_else(alone) {
        Some(kind) => Ok((lock, kind)),
        None => Err(Error::invalid(format!(
            "the lock file `{}` is no {}",
            lock.display(),
            facts.lock_files[0].name
        ))
        .help(format!("`lambda-pack lock` makes one, as {}", facts.how_to_lock))),
    }
}

/// A lock file, and what belongs to it.
fn with_beside(lock: PathBuf) -> Vec<PathBuf> {
    let kinds = [Ecosystem::Python, Ecosystem::Node]
        .into_iter()
        .flat_map(|it| it.facts().lock_files);
    let mut kinds = kinds.filter(|kind| lock.ends_with(kind.name));
    let beside = kinds
        .next()
        .and_then(|kind| kind.beside)
        .map(|name| lock.with_file_name(name));
    [lock].into_iter().chain(beside).collect()
}

fn source_directories(function: &Function, code_dir: &Path) -> Vec<PathBuf> {
    let sources = function.definition.source.0.iter();
    let paths = sources.map(|spec| code_dir.join(spec.path.as_str()));
    paths.filter(|path| path.is_dir()).collect()
}

/// The lock file in a directory of the source.
fn find_lock(function: &Function, facts: &Facts, code_dir: &Path) -> Result<(PathBuf, &'static LockFile)> {
    let directories = source_directories(function, code_dir);
    let found = directories.iter().filter_map(|directory| {
        let mut files = facts.lock_files.iter().map(|kind| (directory.join(kind.name), kind));
        files.find(|(file, _)| file.is_file())
    });
    let quoted = |texts: Vec<String>, between| format!("`{}`", texts.join(&format!("`{between}`")));
    match found.collect::<Vec<_>>().as_slice() {
        [(lock, kind)] => Ok((lock.clone(), *kind)),
        [] => {
            let names = facts.lock_files.iter().map(|kind| kind.name.to_owned()).collect();
            let places = directories
                .iter()
                .map(|it| it.display().to_string())
                .collect::<Vec<_>>();
            Err(Error::invalid(format!(
                "its dependencies are not locked: there is no {} in {}",
                quoted(names, " and no "),
                match directories.as_slice() {
                    [] => "a directory of its source".to_owned(),
                    _ => quoted(places, ", "),
                }
            ))
            .help(format!(
                "`lambda-pack lock {}` locks them, as {}",
                as_argument(function.name.as_str()),
                facts.how_to_lock
            )))
        }
        [(one, _), (other, _), ..] => Err(Error::invalid(format!(
            "its source has two lock files: `{}` and `{}`",
            one.display(),
            other.display()
        ))
        .help("name the right one with `build.lock`")),
    }
}

/// The runtime that dependencies are installed for: the function's, or the only one that a layer is compatible with.
pub(super) fn runtime(function: &Function, facts: &Facts) -> Result<String> {
    let definition = &function.definition;
    let (key, runtimes) = match definition.kind {
        Kind::Function => ("runtime", definition.runtime.as_slice()),
        Kind::Layer => (
            "compatible_runtimes",
            definition.compatible_runtimes.as_deref().unwrap_or_default(),
        ),
    };
    let (prefix, example) = facts.runtime;
    match runtimes {
        [runtime] if runtime.as_str().starts_with(prefix) => Ok(runtime.to_string()),
        _ => Err(Error::invalid(format!(
            "a build of type `{}` needs one runtime to install for",
            facts.name
        ))
        .help(format!("set `{key}`, for example to {example}"))),
    }
}
