//! Whether a document is what the project at hand makes: all of it at once, rather than a part at a time.

use std::collections::BTreeMap;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::Selected;
use lambda_pack_core::handoff::Document;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::pipeline::described;
use crate::git::{Head, Known};
use crate::packaging::Hashed;
use crate::settings::Settings;
use crate::store::StoreUrl;

/// What is known of the project that a document was made of.
pub enum Project {
    /// It makes the same document.
    Same,
    /// No project is here.
    Absent(Error),
    /// One is here, but not as it was, or another one: why, and what makes it so.
    Other(Error),
}

/// Differences that are shown; a document of another project has thousands.
const SHOWN: usize = 20;

/// Makes the document again with the packages that a store has, and compares. Its packages must be there. `given` is the store that
/// the user names; the document's own must be the project's.
pub fn compare(
    document: &Document,
    store: &StoreUrl,
    given: Option<&StoreUrl>,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Project> {
    let name = &document.deployment_profile;
    if settings.profiles.names().all(|known| known != name) {
        let error = Error::failed(format!("no project with the profile `{name}` is here"))
            .help("verify in the directory of the project that it was made of");
        return Ok(match is_a_project(settings) {
            true => Project::Other(error),
            false => Project::Absent(error),
        });
    }
    if let Some(why) = is_elsewhere(document, settings)? {
        return Ok(Project::Other(why));
    }
    let profile = settings.profiles.resolve(name)?;
    let called = match (given, &profile.store) {
        (Some(_), _) => document.store.clone(),
        (None, Some(store)) => StoreUrl::parse(store, &settings.project_dir)?.portable(&settings.project_dir),
        (None, None) => settings.store.portable(&settings.project_dir),
    };
    let settings = Settings {
        profile: Some(profile),
        store: store.clone(),
        ..settings.clone()
    };
    // Nothing is built for a document that is of other sources.
    let again = described(&settings, meter, |hashed| differ(of_sources(document, hashed)));
    let mut again = match again {
        Ok(again) => again,
        // A tool or a network is missing here.
        Err(error) if error.kind() == ErrorKind::Failed => {
            return Ok(Project::Other(error.within("it can't be made again here")));
        }
        Err(error) if error.kind() == ErrorKind::Integrity => return Err(error),
        Err(error) => return Err(error.within("the project that is here")),
    };
    again.rename_store(&called);
    differ(document.differences(&again)).map(|()| Project::Same)
}

/// Whether anything of a project is here, be it another one.
fn is_a_project(settings: &Settings) -> bool {
    settings.config_dir.is_dir() || settings.profiles.names().next().is_some()
}

/// Why the project isn't as it was when the document was made of it, as far as git tells. A commit that isn't in the
/// repository is an error, also where it may only not be fetched: who writes another one into a document shall not escape the comparison.
fn is_elsewhere(document: &Document, settings: &Settings) -> Result<Option<Error>> {
    let application = &document.application;
    let Some(commit) = application.git_commit.as_deref() else {
        return Ok(None);
    };
    let directory = settings.project_dir.as_path();
    let elsewhere = |why: String, help: &str| {
        Ok(Some(
            Error::failed(format!("it is of the commit {commit}, {why}")).help(help),
        ))
    };
    let in_a_clone = format!("verify in a clone of its repository, after `git checkout {commit}`");
    let head = match Head::of(directory) {
        Ok(Some(head)) => head,
        Ok(None) => return elsewhere("and no repository is here".to_owned(), &in_a_clone),
        Err(error) => return elsewhere(format!("and git doesn't tell which is here: {error}"), &in_a_clone),
    };
    if head.commit == commit {
        return match head.is_dirty && application.dirty == Some(false) {
            true => elsewhere("and tracked files here differ from that".to_owned(), "git stash"),
            false => Ok(None),
        };
    }
    let here = format!("and the project here is at {}", head.commit);
    match Known::of(directory, commit)? {
        Some(Known::Here) => elsewhere(here, &format!("git checkout {commit}")),
        Some(Known::PerhapsNotFetched) => Err(Error::failed(format!(
            "it is said to be of the commit {commit}, which the repository here, with a part of its history, doesn't have"
        ))
        .help(format!(
            "fetch the rest first: git fetch --unshallow && git checkout {commit}"
        ))),
        Some(Known::Nowhere) | None => Err(Error::new(
            ErrorKind::Integrity,
            format!("it is said to be of the commit {commit}, which the repository here doesn't have"),
        )
        .help(format!(
            "somebody changed it, or the commit isn't fetched yet: git fetch --all && git checkout {commit}"
        ))),
    }
}

/// Whose sources are others.
fn of_sources(document: &Document, hashed: &Selected<Hashed>) -> Vec<String> {
    let hashes = hashed
        .functions
        .iter()
        .map(|it| (it.function.name.as_str(), it.manifest.source_hash()));
    let mut hashes: BTreeMap<&str, Digest> = hashes.collect();
    let mut differences = Vec::new();
    for function in &document.functions {
        let name = &function.name;
        match hashes.remove(name.as_str()).map(|hash| hash.to_hex()) {
            Some(hash) if hash == function.source_hash => {}
            Some(hash) => differences.push(format!(
                "function `{name}`: its source hash is said to be {}, and the project gives {hash}",
                function.source_hash
            )),
            None => differences.push(format!("function `{name}` is not of the project")),
        }
    }
    differences.extend(hashes.into_keys().map(|name| format!("function `{name}` is missing")));
    differences
}

fn differ(differences: Vec<String>) -> Result<()> {
    let more = differences.len().saturating_sub(SHOWN);
    let mut errors: Vec<Error> = differences
        .into_iter()
        .take(SHOWN)
        .map(|difference| Error::new(ErrorKind::Integrity, difference))
        .collect();
    if more > 0 {
        errors.push(Error::new(ErrorKind::Integrity, format!("and {more} differences more")));
    }
    let error = errors.pop().map(|last| {
        last.help(
            "the project that is here makes another document: somebody changed one of the two, or it was made with other options \
             (--store, --region); export again",
        )
    });
    Error::join(errors.into_iter().chain(error)).map_or(Ok(()), Err)
}
