//! What differs between two manifests: entries, and whatever else decided a build.

mod inputs;
mod reason;
mod unified;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::digest::Digest;
use crate::manifest::{Entry, EntryKind, Manifest};
use crate::sbom::Versions;
use crate::{Error, ErrorKind, Result};

pub use inputs::InputChange;
pub use reason::one_line;
pub use unified::{LARGEST_TEXT, Unified, unified};

/// What became of an entry. Of one path, what went stands before what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Removed,
    Added,
    /// The same content at another path; or, if it is [`ChangeKind::Modified`] too, the same file name and about the same size.
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
    /// What the entry was and is; `None` where it isn't there.
    #[serde(skip)]
    pub kinds: [Option<EntryKind>; 2],
}

impl Change {
    /// As `chmod` knows them; `None` of links, and where nothing is.
    pub fn modes(&self) -> [Option<&'static str>; 2] {
        self.kinds.map(|kind| match kind? {
            EntryKind::File => Some("0644"),
            EntryKind::Executable => Some("0755"),
            EntryKind::Symlink => None,
        })
    }

    /// How many bytes more there are.
    pub fn growth(&self) -> i128 {
        i128::from(self.size_after.unwrap_or_default()) - i128::from(self.size_before.unwrap_or_default())
    }
}

/// All that differs. Manifests of equal source hashes give none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// By path.
    pub changes: Vec<Change>,
    /// By key.
    pub inputs: Vec<InputChange>,
    /// Whether lock files differ of which nobody knows what was in them.
    #[serde(skip)]
    pub lacks_dependencies: bool,
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
            lacks_dependencies: false,
        })
    }

    /// With the dependencies that differ by name or version, among the inputs, if they are known of both.
    pub fn with_dependencies(mut self, before: Option<&Versions>, after: Option<&Versions>) -> Self {
        match (before, after) {
            (Some(before), Some(after)) => {
                self.inputs.extend(inputs::dependencies(before, after));
                self.inputs.sort_by(|a, b| a.key.cmp(&b.key));
            }
            _ => self.lacks_dependencies = self.inputs.iter().any(InputChange::is_lock),
        }
        self
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
        kinds: [old, entry].map(|entry| entry.map(|entry| entry.kind)),
    }
}

fn is_link(entry: &Entry) -> bool {
    entry.kind == EntryKind::Symlink
}

/// Pairs of what is gone and what is new that are the same file. Empty files are all alike, which says nothing.
fn renames<'a>(gone: &ByPath<'a>, new: &ByPath<'a>) -> Vec<(&'a Entry, &'a Entry)> {
    let mut pairs = moved(gone, new);
    let taken: HashSet<&str> = pairs
        .iter()
        .flat_map(|(old, entry)| [&*old.path, &*entry.path])
        .collect();
    let others = |entries: &ByPath<'a>| -> Vec<&'a Entry> {
        let others = entries.values().filter(|entry| !taken.contains(&*entry.path));
        others.copied().collect()
    };
    let edited = moved_and_edited(&others(gone), &others(new));
    pairs.extend(edited);
    pairs
}

/// Those with the same content; those of the same file name first.
fn moved<'a>(gone: &ByPath<'a>, new: &ByPath<'a>) -> Vec<(&'a Entry, &'a Entry)> {
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

/// Files that alone have their name, here and there, and neither half nor twice the size. More can't be told without their
/// contents.
fn moved_and_edited<'a>(gone: &[&'a Entry], new: &[&'a Entry]) -> Vec<(&'a Entry, &'a Entry)> {
    fn only<'a>(entries: &[&'a Entry]) -> BTreeMap<&'a str, Option<&'a Entry>> {
        let mut by_name = BTreeMap::new();
        for &entry in entries.iter().filter(|entry| !is_link(entry)) {
            by_name
                .entry(file_name(&entry.path))
                .and_modify(|only| *only = None)
                .or_insert(Some(entry));
        }
        by_name
    }
    let (gone, new) = (only(gone), only(new));
    let pairs = new.into_iter().filter_map(|(name, entry)| {
        let (old, entry) = ((*gone.get(name)?)?, entry?);
        let is_alike = old.size < entry.size.saturating_mul(2) && entry.size < old.size.saturating_mul(2);
        is_alike.then_some((old, entry))
    });
    pairs.collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
