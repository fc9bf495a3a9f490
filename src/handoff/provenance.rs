//! Which state of its repository a deployment is made of.

use std::path::PathBuf;

use lambda_pack_core::fitness::Status;
use lambda_pack_core::handoff::{Application, FILE_NAME, Validation};
use lambda_pack_core::{Result, shorten};

use crate::packaging::{Hashed, State};
use crate::report;
use crate::settings::Settings;

pub struct Provenance {
    pub application: Application,
    state: State,
}

impl Provenance {
    pub fn of<'a>(hashed: impl Iterator<Item = &'a Hashed>, settings: &Settings) -> Result<Self> {
        let state = State::of(&settings.project_dir, hashed, settings)?;
        if let State::Unknown(error) = &state {
            report::warning(&format!("{FILE_NAME} names no commit: {error}"));
        }
        let (git_commit, dirty) = state
            .commit()
            .map(|(head, is_dirty)| (head.commit.clone(), is_dirty))
            .unzip();
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
            State::Unknown(_) => (
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
