//! Which state of its repository a deployment is made of.

use std::path::{Path, PathBuf};

use lambda_pack_core::fitness::Status;
use lambda_pack_core::handoff::{Application, FILE_NAME, Validation};
use lambda_pack_core::source::{IGNORE_FILE, Shape};
use lambda_pack_core::{Result, shorten};

use crate::git::{self, Difference, Head, Was, WorkTree};
use crate::packaging::Hashed;
use crate::report;
use crate::settings::Settings;

pub struct Provenance {
    pub application: Application,
    state: State,
}

/// What git says of a project.
enum State {
    At {
        head: Head,
        /// Files that decide packages or definitions, and that the commit doesn't have.
        untracked: Vec<PathBuf>,
    },
    NoRepository,
    /// It refuses to say. Why stands on stderr alone: it holds paths of this machine.
    Unknown,
}

impl Provenance {
    pub fn of<'a>(hashed: impl Iterator<Item = &'a Hashed>, settings: &Settings) -> Result<Self> {
        let project = match settings.project_dir.as_os_str().is_empty() {
            true => Path::new("."),
            false => &settings.project_dir,
        };
        let state = match Head::of(project) {
            Ok(Some(head)) => {
                let differences = WorkTree::of(project, "run the same command again")?.differences("HEAD")?;
                let mut untracked = git::untracked(project, &files(&hashed.collect::<Vec<_>>(), settings))?;
                untracked.extend(ignore_files(&differences));
                State::At {
                    // Git was told not to look at some, or compares less than what is packed.
                    head: Head {
                        is_dirty: head.is_dirty || differences.iter().any(is_tracked),
                        ..head
                    },
                    untracked,
                }
            }
            Ok(None) => State::NoRepository,
            Err(error) => {
                report::warning(&format!("{FILE_NAME} names no commit: {error}"));
                State::Unknown
            }
        };
        let (git_commit, dirty) = match &state {
            State::At { head, untracked } => (Some(head.commit.clone()), Some(head.is_dirty || !untracked.is_empty())),
            State::NoRepository | State::Unknown => (None, None),
        };
        Ok(Provenance {
            application: Application {
                name: settings.application.name.clone(),
                version: settings.application.version.clone(),
                git_commit,
                dirty,
            },
            state,
        })
    }

    pub fn check(&self) -> Validation {
        let (status, detail) = match &self.state {
            State::At { head, untracked } => {
                let changed = head.is_dirty.then(|| "tracked files differ from the commit".to_owned());
                let problems: Vec<String> = changed.into_iter().chain(named(untracked)).collect();
                match problems.as_slice() {
                    [] => (Status::Pass, "all of it is as in the commit".to_owned()),
                    problems => (Status::Warn, problems.join("; ")),
                }
            }
            State::NoRepository => (Status::Warn, "the project is in no git repository".to_owned()),
            State::Unknown => (
                Status::Warn,
                "the project is in a git repository, and git did not tell its commit".to_owned(),
            ),
        };
        Validation::new("commit", status, detail)
    }
}

fn named(untracked: &[PathBuf]) -> Option<String> {
    /// Of many, the first.
    const SHOWN: usize = 5;
    let shown = untracked.iter().take(SHOWN);
    let shown: Vec<String> = shown
        .map(|path| format!("`{}`", shorten(&path.display().to_string())))
        .collect();
    let more = match untracked.len() - shown.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    (!untracked.is_empty()).then(|| format!("git doesn't track {}{more}", shown.join(", ")))
}

/// A file of the commit. Of a repository within this one git says more.
fn is_tracked(difference: &Difference) -> bool {
    difference.was != Was::Absent && difference.shape != Shape::Tree
}

/// They decide what is packed, and are never packed themselves.
fn ignore_files(differences: &[Difference]) -> impl Iterator<Item = PathBuf> {
    let untracked = differences
        .iter()
        .filter(|difference| difference.was == Was::Absent && difference.path.ends_with(IGNORE_FILE));
    untracked.map(|difference| difference.path.clone())
}

/// Sources, definitions and settings, each once.
fn files(hashed: &[&Hashed], settings: &Settings) -> Vec<PathBuf> {
    let sources = hashed.iter().flat_map(|it| it.tree.entries());
    let sources = sources.map(|entry| entry.file.clone());
    let inputs = hashed.iter().flat_map(|it| match it.tree.recipe() {
        Some(recipe) => recipe.files(),
        None => Vec::new(),
    });
    let definitions = hashed.iter().map(|it| it.function.file.clone());
    let sources = sources.chain(inputs.cloned());
    let mut files: Vec<PathBuf> = sources.chain(definitions).chain([settings.file()]).collect();
    files.sort_unstable();
    files.dedup();
    files
}
