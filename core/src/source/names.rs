//! Entry paths that can't stand beside each other in one directory, here or elsewhere.

use std::collections::{BTreeMap, HashSet};

use unicode_normalization::UnicodeNormalization;

use super::TreeEntry;
use crate::Error;

/// Characters that an entry path may not have, in words; `None` if the path is fine.
pub fn problem(path: &str) -> Option<&'static str> {
    /// The zip format counts a name's bytes in 16 bits (APPNOTE 4.4.10).
    const LONGEST: usize = 0xFFFF;
    if path.chars().any(char::is_control) {
        Some("its name holds a control character")
    } else if path.contains('\\') {
        Some("its name holds a backslash, which Windows takes for a separator")
    } else if path.len() > LONGEST {
        Some("its path is longer than a zip can hold (65,535 bytes)")
    } else {
        None
    }
}

/// The directories above an entry: `a/b/c` has `a` and `a/b`.
pub fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// Entries that are files or links where other entries need a directory.
pub fn clashes(entries: &[TreeEntry]) -> Vec<Error> {
    let directories: HashSet<&str> = entries.iter().flat_map(|entry| parents(&entry.path)).collect();
    entries
        .iter()
        .filter(|entry| directories.contains(entry.path.as_str()))
        .map(|entry| {
            Error::invalid(format!(
                "the entry `{}` is a file or link in one source and a directory in another",
                entry.path
            ))
            .help("give one of the sources a `prefix`")
        })
        .collect()
}

/// Warnings for paths that are one and the same to a file system that ignores case or Unicode form.
pub fn lookalikes(entries: &[TreeEntry]) -> Vec<String> {
    let mut seen = BTreeMap::<String, &str>::new();
    let mut warnings = Vec::new();
    let mut directories = HashSet::new();
    for entry in entries {
        let new_parents = parents(&entry.path).filter(|parent| directories.insert(*parent));
        for path in new_parents.collect::<Vec<_>>().into_iter().chain([entry.path.as_str()]) {
            let folded: String = path.nfc().flat_map(char::to_lowercase).collect();
            if let Some(other) = seen.get(&folded) {
                warnings.push(format!(
                    "`{other}` and `{path}` differ only by case or Unicode form: on macOS and Windows they are one file"
                ));
            } else {
                seen.insert(folded, path);
            }
        }
    }
    warnings
}
