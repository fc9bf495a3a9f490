//! What differs between two manifests: entries, and whatever else decided a build.

mod inputs;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::digest::Digest;
use crate::manifest::{Entry, EntryKind, Manifest};
use crate::{Error, ErrorKind, Result};

pub use inputs::InputChange;

/// What became of an entry. Of one path, what went stands before what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Removed,
    Added,
    /// The same content at another path.
    Renamed,
    Modified,
    /// Executable, or no longer.
    Mode,
    /// A symbolic link that leads elsewhere.
    Retargeted,
}

impl ChangeKind {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Removed => "removed",
            ChangeKind::Added => "added",
            ChangeKind::Renamed => "renamed",
            ChangeKind::Modified => "modified",
            ChangeKind::Mode => "mode",
            ChangeKind::Retargeted => "retargeted",
        }
    }
}

/// One difference. An entry whose content and mode differ has two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub path: String,
    pub change: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// In bytes; of a symbolic link, of its target's text. `None` where there was nothing.
    pub size_before: Option<u64>,
    pub size_after: Option<u64>,
}

/// All that differs. Manifests of equal source hashes give none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// By path.
    pub changes: Vec<Change>,
    /// By key.
    pub inputs: Vec<InputChange>,
}

impl Difference {
    /// Fails if the digests of the two are of different algorithms: then nothing can be said.
    pub fn between(before: &Manifest, after: &Manifest) -> Result<Self> {
        if before.algorithm() != after.algorithm() {
            let names = [before, after].map(|manifest| manifest.algorithm().name());
            return Err(Error::new(
                ErrorKind::Failed,
                format!("digests by {} and by {} can't be compared", names[0], names[1]),
            ));
        }
        Ok(Difference {
            changes: changes(before.entries(), after.entries()),
            inputs: inputs::changes(before.build_inputs(), after.build_inputs()),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.inputs.is_empty()
    }
}

type ByPath<'a> = BTreeMap<&'a str, &'a Entry>;

fn by_path(entries: &[Entry]) -> ByPath<'_> {
    entries.iter().map(|entry| (&*entry.path, entry)).collect()
}

fn changes(before: &[Entry], after: &[Entry]) -> Vec<Change> {
    let (mut gone, mut new) = (by_path(before), by_path(after));
    let mut changes = Vec::new();
    for entry in after {
        // A file that became a link, or the other way round, is another entry at the same path.
        let old = gone.get(&*entry.path).filter(|old| is_link(old) == is_link(entry));
        if let Some(old) = old {
            changes.extend(of_one(old, entry));
            gone.remove(&*entry.path);
            new.remove(&*entry.path);
        }
    }
    for (old, entry) in renames(&gone, &new) {
        changes.push(Change {
            from_path: Some(old.path.to_string()),
            ..change(ChangeKind::Renamed, Some(old), Some(entry))
        });
        changes.extend(of_one(old, entry));
        gone.remove(&*old.path);
        new.remove(&*entry.path);
    }
    changes.extend(gone.values().map(|old| change(ChangeKind::Removed, Some(old), None)));
    changes.extend(new.values().map(|entry| change(ChangeKind::Added, None, Some(entry))));
    changes.sort_by(|a, b| (&a.path, a.change).cmp(&(&b.path, b.change)));
    changes
}

/// What differs between two entries of the same sort, but for their paths.
fn of_one(old: &Entry, entry: &Entry) -> impl Iterator<Item = Change> {
    let content = match is_link(entry) {
        true => ChangeKind::Retargeted,
        false => ChangeKind::Modified,
    };
    let differs = [
        (content, old.digest != entry.digest),
        (ChangeKind::Mode, old.kind != entry.kind),
    ];
    let kinds = differs
        .into_iter()
        .filter_map(|(kind, differs)| differs.then_some(kind));
    kinds.map(|kind| change(kind, Some(old), Some(entry)))
}

fn change(kind: ChangeKind, old: Option<&Entry>, entry: Option<&Entry>) -> Change {
    Change {
        path: entry.or(old).expect("one of them").path.to_string(),
        change: kind,
        from_path: None,
        size_before: old.map(|old| old.size),
        size_after: entry.map(|entry| entry.size),
    }
}

fn is_link(entry: &Entry) -> bool {
    entry.kind == EntryKind::Symlink
}

/// Pairs of what is gone and what is new with the same content; those of the same file name first. Empty files are all alike,
/// which says nothing.
fn renames<'a>(gone: &ByPath<'a>, new: &ByPath<'a>) -> Vec<(&'a Entry, &'a Entry)> {
    let mut sources: HashMap<(Digest, bool), Vec<&Entry>> = HashMap::new();
    for old in gone.values().filter(|old| old.size > 0) {
        sources.entry((old.digest, is_link(old))).or_default().push(old);
    }
    let mut pairs = Vec::new();
    let mut alone: Vec<&Entry> = new.values().copied().collect();
    for keeps_its_name in [true, false] {
        alone.retain(|&entry| {
            let fits = |old: &&Entry| !keeps_its_name || file_name(&old.path) == file_name(&entry.path);
            let old = sources.get_mut(&(entry.digest, is_link(entry)));
            let old = old.and_then(|old| Some(old.remove(old.iter().position(fits)?)));
            pairs.extend(old.map(|old| (old, entry)));
            old.is_none()
        });
    }
    pairs
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
