//! What decides a build, known without doing it: lock file, runtime, architecture, recipe.

mod requirements;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::digest::Algorithm;
use crate::function::{Architecture, Build, Ecosystem, Function, Kind};
use crate::manifest::BuildInputs;
use crate::source::read_changed;
use crate::{Error, Result};

/// Number of the rules by which an installed tree is made and put in order. A change of them changes source hashes.
const RECIPE: u32 = 1;

/// The lock files of an ecosystem, the first that is there counts; and what must stand beside each.
type LockFiles = &'static [(&'static str, Option<&'static str>)];

fn lock_files(ecosystem: Ecosystem) -> LockFiles {
    match ecosystem {
        Ecosystem::Python => &[("uv.lock", Some("pyproject.toml")), ("requirements.txt", None)],
        Ecosystem::Node => &[("package-lock.json", Some("package.json"))],
    }
}

/// How a lock file is made.
fn how_to_lock(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Python => {
            "lock them: `uv lock`, or `uv pip compile --generate-hashes requirements.in -o requirements.txt` (pip-compile does too)"
        }
        Ecosystem::Node => "lock them: `npm install --package-lock-only`",
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
}

impl Dependencies {
    /// `None` for a function without `build`.
    pub fn of(function: &Function, code_dir: &Path) -> Result<Option<Self>> {
        let Some(build) = &function.definition.build else {
            return Ok(None);
        };
        let build = &build.0;
        let (lock, beside) = find_lock(build, function, code_dir)?;
        Ok(Some(Dependencies {
            ecosystem: build.ecosystem,
            lock,
            beside,
            runtime: runtime(build, function)?,
            architecture: function.definition.architectures.one(),
        }))
    }

    fn inputs(&self) -> Result<BuildInputs> {
        let mut locks = Map::new();
        for file in [Some(&self.lock), self.beside.as_ref()].into_iter().flatten() {
            let content = fs::read(file).map_err(|cause| Error::input("read", file, cause))?;
            if self.beside.is_none() {
                requirements::check(file, &content)?;
            }
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            locks.insert(name.to_owned(), Algorithm::Blake3.hash(&content).to_hex().into());
        }
        let inputs = [
            ("type", Value::from(self.ecosystem.name())),
            ("recipe", RECIPE.into()),
            ("runtime", self.runtime.as_str().into()),
            ("architecture", self.architecture.name().into()),
            ("locks", locks.into()),
        ];
        let inputs = inputs.map(|(key, value)| (key.to_owned(), value));
        BuildInputs::new(Map::from_iter(inputs))
    }

    /// Fails unless the lock file is still what was hashed: what was installed from another one must not be taken for it.
    pub fn check_same(&self, hashed: &BuildInputs) -> Result<()> {
        if self.inputs()? == *hashed {
            return Ok(());
        }
        Err(read_changed(&self.lock))
    }
}

/// The build inputs of a function, if it has any.
pub fn inputs(function: &Function, code_dir: &Path) -> Result<Option<BuildInputs>> {
    let dependencies = Dependencies::of(function, code_dir)?;
    dependencies.map(|dependencies| dependencies.inputs()).transpose()
}

fn find_lock(build: &Build, function: &Function, code_dir: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    let known = lock_files(build.ecosystem);
    if let Some(lock) = &build.lock {
        let lock = code_dir.join(lock.as_str());
        let name = lock.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Any name will do for requirements: many projects have one for each function.
        let beside = known
            .iter()
            .find(|(file, _)| *file == name)
            .and_then(|(_, beside)| *beside);
        let plain = known.iter().any(|(_, beside)| beside.is_none());
        if beside.is_none() && !plain {
            return Err(
                Error::invalid(format!("the lock file `{}` is no {}", lock.display(), known[0].0))
                    .help(how_to_lock(build.ecosystem)),
            );
        }
        return Ok(with_beside(lock, beside));
    }
    let directories = function
        .definition
        .source
        .0
        .iter()
        .map(|spec| code_dir.join(spec.path.as_str()));
    let directories: Vec<PathBuf> = directories.filter(|path| path.is_dir()).collect();
    let found = directories.iter().flat_map(|directory| {
        let files = known.iter().map(|(file, beside)| (directory.join(file), *beside));
        files.filter(|(file, _)| file.is_file()).take(1)
    });
    match found.collect::<Vec<_>>().as_slice() {
        [(lock, beside)] => Ok(with_beside(lock.clone(), *beside)),
        [] => Err(Error::invalid(format!(
            "its dependencies are not locked: there is no {} in {}",
            known
                .iter()
                .map(|(file, _)| format!("`{file}`"))
                .collect::<Vec<_>>()
                .join(" and no "),
            match directories.as_slice() {
                [] => "a directory of its source".to_owned(),
                _ => directories
                    .iter()
                    .map(|it| format!("`{}`", it.display()))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        ))
        .help(how_to_lock(build.ecosystem))),
        [(one, _), (other, _), ..] => Err(Error::invalid(format!(
            "its source has two lock files: `{}` and `{}`",
            one.display(),
            other.display()
        ))
        .help("name the right one with `build.lock`")),
    }
}

fn with_beside(lock: PathBuf, beside: Option<&str>) -> (PathBuf, Option<PathBuf>) {
    let beside = beside.map(|file| lock.with_file_name(file));
    (lock, beside)
}

/// The runtime that dependencies are installed for: the function's, or the only one that a layer is compatible with.
fn runtime(build: &Build, function: &Function) -> Result<String> {
    let definition = &function.definition;
    let runtimes = match definition.kind {
        Kind::Function => definition.runtime.as_slice(),
        Kind::Layer => definition.compatible_runtimes.as_deref().unwrap_or_default(),
    };
    let (prefix, example) = match build.ecosystem {
        Ecosystem::Python => ("python", "python3.13"),
        Ecosystem::Node => ("nodejs", "nodejs22.x"),
    };
    match runtimes {
        [runtime] if runtime.as_str().starts_with(prefix) => Ok(runtime.to_string()),
        _ => {
            let key = match definition.kind {
                Kind::Function => "runtime",
                Kind::Layer => "compatible_runtimes",
            };
            Err(Error::invalid(format!(
                "a build of type `{}` needs one runtime to install for",
                build.ecosystem.name()
            ))
            .help(format!("set `{key}`, for example to {example}")))
        }
    }
}
