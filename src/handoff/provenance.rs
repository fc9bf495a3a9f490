//! Which state of its repository a deployment is made of.

use std::path::{Path, PathBuf};

use lambda_pack_core::Result;
use lambda_pack_core::handoff::Application;

use super::Packaged;
use crate::git;
use crate::settings::Settings;

pub struct Provenance {
    pub application: Application,
    /// Whether tracked files differ from the commit.
    pub is_changed: bool,
    /// Files that decide packages or definitions, and that the commit doesn't have.
    pub untracked: Vec<PathBuf>,
}

impl Provenance {
    pub fn of(packaged: &[Packaged], settings: &Settings) -> Result<Self> {
        let project = match settings.project_dir.as_os_str().is_empty() {
            true => Path::new("."),
            false => &settings.project_dir,
        };
        let (git_commit, is_changed) = git::state(project).unzip();
        let untracked = match git_commit {
            Some(_) => git::untracked(project, &files(packaged, settings))?,
            None => Vec::new(),
        };
        let table = &settings.application;
        Ok(Provenance {
            application: Application {
                name: table.name.clone(),
                version: table.version.clone(),
                git_commit,
                dirty: is_changed.map(|is_changed| is_changed || !untracked.is_empty()),
            },
            is_changed: is_changed.unwrap_or_default(),
            untracked,
        })
    }
}

/// Sources, definitions and settings, each once.
fn files(packaged: &[Packaged], settings: &Settings) -> Vec<PathBuf> {
    let sources = packaged.iter().flat_map(|it| it.hashed().tree.entries());
    let sources = sources.map(|entry| entry.file.clone());
    let definitions = packaged.iter().map(|it| it.hashed().function.file.clone());
    let mut files: Vec<PathBuf> = sources.chain(definitions).chain([settings.file()]).collect();
    files.sort_unstable();
    files.dedup();
    files
}
