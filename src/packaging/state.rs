//! Which state of its repository something is made of.

use std::path::{Path, PathBuf};

use lambda_pack_core::source::{IGNORE_FILE, Shape};
use lambda_pack_core::{Error, Result};

use super::Hashed;
use crate::git::{self, Difference, Head, Was, WorkTree};
use crate::settings::Settings;

/// What git says of a directory and of what is packed.
pub enum State {
    At {
        /// Dirty also where git was told not to look.
        head: Head,
        /// Files that decide packages or definitions, and that the commit doesn't have.
        untracked: Vec<PathBuf>,
    },
    NoRepository,
    /// It refuses to say. Why is for stderr alone: it holds paths of this machine.
    Unknown(Error),
}

impl State {
    /// Fails where git tells the commit, and not what differs from it.
    pub fn of<'a>(directory: &Path, hashed: impl Iterator<Item = &'a Hashed>, settings: &Settings) -> Result<Self> {
        Ok(match Head::of(directory) {
            Ok(Some(head)) => {
                let differences = WorkTree::of(directory, "run the same command again")?.differences_within()?;
                let mut untracked = git::untracked(directory, &files(&hashed.collect::<Vec<_>>(), settings))?;
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
            Err(error) => State::Unknown(error),
        })
    }

    /// The commit, and whether something isn't as in it.
    pub fn commit(&self) -> Option<(&Head, bool)> {
        match self {
            State::At { head, untracked } => Some((head, head.is_dirty || !untracked.is_empty())),
            State::NoRepository | State::Unknown(_) => None,
        }
    }
}

/// A file of the commit. Of a repository within this one its own differences tell.
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
    let settings = Some(settings.file()).filter(|file| file.exists());
    let mut files: Vec<PathBuf> = sources.chain(definitions).chain(settings).collect();
    files.sort_unstable();
    files.dedup();
    files
}
