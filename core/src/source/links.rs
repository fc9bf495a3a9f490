//! Symbolic links must lead to something that is in the package itself; anything else would break, or leak, elsewhere.
//! Links are resolved over the merged entries, not on the disk, so that the answer is the same on every machine.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

use super::names::{self, At};
use super::{Content, TreeEntry};
use crate::Error;

/// As many links as Linux follows before it says ELOOP (path_resolution(7)).
const MOST_LINKS: u32 = 40;

enum Fault {
    Absolute,
    ClimbsOut,
    Loops,
    NotThere,
}

/// The faults of all links of a merged tree, whose entries are sorted.
pub fn check(entries: &[Arc<TreeEntry>]) -> Vec<Error> {
    let faults = faults(entries).into_iter();
    faults
        .map(|(entry, target, fault)| report(entry, target, &fault))
        .collect()
}

/// The paths of links that lead to nothing.
pub fn dangling(entries: &[Arc<TreeEntry>]) -> HashSet<Arc<str>> {
    let faults = faults(entries).into_iter();
    faults.map(|(entry, ..)| Arc::clone(&entry.path)).collect()
}

fn faults(entries: &[Arc<TreeEntry>]) -> Vec<(&TreeEntry, &str, Fault)> {
    let faults = entries.iter().filter_map(|entry| match &entry.content {
        Content::Symlink { target } => Some((&**entry, target.as_str(), resolve(entries, entry, target).err()?)),
        Content::File { .. } => None,
    });
    faults.collect()
}

fn report(entry: &TreeEntry, target: &str, fault: &Fault) -> Error {
    let (what, help) = match fault {
        Fault::Absolute => (
            "is absolute: it leads elsewhere on another machine",
            "make it relative: `ln -sfr TARGET LINK`",
        ),
        Fault::ClimbsOut => (
            "leads out of the source tree",
            "move its target into the tree, leave the link out with `exclude`, or set `symlinks` to `follow`",
        ),
        Fault::Loops => (
            "leads back to itself, or through more than 40 links",
            "mend or remove the link, or leave it out with `exclude`",
        ),
        // Only the wording depends on the disk.
        Fault::NotThere if fs::metadata(&entry.file).is_err() => (
            "is dangling: it leads to nothing",
            "mend or remove the link, or leave it out with `exclude`",
        ),
        Fault::NotThere => (
            "leads to what is not in the package: left out, or an empty directory",
            "pack its target too, leave the link out with `exclude`, or set `symlinks` to `follow`",
        ),
    };
    let link = entry.file.display();
    Error::invalid(format!("the symbolic link `{link}` -> `{target}` {what}")).help(help)
}

/// Follows a link component by component, through other links too.
fn resolve(entries: &[Arc<TreeEntry>], link: &TreeEntry, target: &str) -> Result<(), Fault> {
    let mut place: Vec<&str> = link.path.split('/').collect();
    place.pop();
    let mut rest: Vec<&str> = target.split('/').rev().collect();
    if target.starts_with('/') {
        return Err(Fault::Absolute);
    }
    let mut links = 1;
    while let Some(component) = rest.pop() {
        match component {
            "" | "." => continue,
            ".." => {
                place.pop().ok_or(Fault::ClimbsOut)?;
                continue;
            }
            name => place.push(name),
        }
        let content = match names::at(entries, &place.join("/")) {
            Some(At::Entry(entry)) => &entry.content,
            Some(At::Directory) => continue,
            None => return Err(Fault::NotThere),
        };
        match content {
            Content::Symlink { target } => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Fault::Loops);
                }
                if target.starts_with('/') {
                    return Err(Fault::Absolute);
                }
                place.pop();
                rest.extend(target.split('/').rev());
            }
            Content::File { .. } if rest.is_empty() => return Ok(()),
            Content::File { .. } => return Err(Fault::NotThere),
        }
    }
    Ok(())
}
