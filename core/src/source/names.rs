//! Entry paths that can't stand beside each other in one directory, here or elsewhere.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::Arc;

use rayon::prelude::*;
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

/// Entries that are files or links where other entries need a directory. `entries` are sorted.
pub fn clashes(entries: &[Arc<TreeEntry>]) -> Vec<Error> {
    directories(entries.iter().map(|entry| &*entry.path))
        .filter_map(|directory| {
            let found = entries.binary_search_by(|entry| (*entry.path).cmp(directory));
            found.ok().map(|position| &entries[position])
        })
        .map(|entry| {
            Error::invalid(format!(
                "the entry `{}` is a file or link in one source and a directory in another",
                entry.path
            ))
            .help("give one of the sources a `prefix`")
        })
        .collect()
}

/// Warnings for paths that are one and the same to a file system that ignores case or Unicode form. `entries` are sorted.
pub fn lookalikes(entries: &[Arc<TreeEntry>]) -> Vec<String> {
    // Two paths that are their own folded form differ anyway, so only others can be taken for something else.
    if entries.iter().all(|entry| entry.is_folded) {
        return Vec::new();
    }
    let paths = entries.par_iter().enumerate().flat_map_iter(|(position, entry)| {
        let before = position.checked_sub(1).map_or("", |before| &*entries[before].path);
        new_paths(before, &entry.path)
    });
    // Hardly ever are two alike, which takes no more than hashes to tell.
    let state = RandomState::new();
    let hash = |path: &str| state.hash_one(folded(path).as_deref().unwrap_or(path));
    let mut hashes: Vec<u64> = paths.clone().map(hash).collect();
    hashes.par_sort_unstable();
    if hashes.windows(2).all(|pair| pair[0] != pair[1]) {
        return Vec::new();
    }
    let others = paths.filter_map(|path| Some((path, folded(path)?)));
    let others = others.map(|(path, folded)| (path, at(entries, &folded).is_some(), folded));
    let others: Vec<(&str, bool, String)> = others.collect();
    let mut seen = HashMap::<String, &str>::new();
    let mut warnings = Vec::new();
    for (path, is_there, folded) in others {
        let other = match seen.get(&folded) {
            Some(other) => Some(*other),
            None => is_there.then_some(folded.as_str()),
        };
        match other {
            Some(other) => warnings.push(format!(
                "`{}` and `{}` differ only by case or Unicode form: on macOS and Windows they are one file",
                other.min(path),
                other.max(path)
            )),
            None => {
                seen.insert(folded, path);
            }
        }
    }
    warnings
}

/// The path of an entry, and the directories above it that are new.
fn new_paths<'a>(before: &str, path: &'a str) -> impl Iterator<Item = &'a str> {
    new_parents(before, path).chain([path])
}

/// The directories above entries of these paths, each once. `paths` are sorted.
pub fn directories<'a>(paths: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut before = "";
    paths.flat_map(move |path| new_parents(mem::replace(&mut before, path), path))
}

/// The directories above an entry that the entry before it isn't in: what has a prefix stands together in a sorted list.
fn new_parents<'a>(before: &str, path: &'a str) -> impl Iterator<Item = &'a str> {
    let both = path.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
    let new = path.bytes().enumerate().skip(both);
    new.filter(|(_, byte)| *byte == b'/').map(|(end, _)| &path[..end])
}

/// What a tree has at a path.
pub enum At<'a> {
    Entry(&'a TreeEntry),
    Directory,
}

/// What is at this path. `entries` are sorted.
pub fn at<'a>(entries: &'a [Arc<TreeEntry>], path: &str) -> Option<At<'a>> {
    let at_least = |wanted: &str| entries.get(entries.partition_point(|entry| &*entry.path < wanted));
    match at_least(path) {
        Some(entry) if &*entry.path == path => Some(At::Entry(entry)),
        _ => at_least(&format!("{path}/"))
            .filter(|entry| is_below(&entry.path, path))
            .map(|_| At::Directory),
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// The form that such file systems compare; `None` if it is the path itself.
pub fn folded(path: &str) -> Option<String> {
    if path.is_ascii() {
        return path
            .bytes()
            .any(|byte| byte.is_ascii_uppercase())
            .then(|| path.to_ascii_lowercase());
    }
    // Lower case may compose where upper case doesn't: there is an \u{1e96}, and no such capital.
    let folded: String = path.nfc().flat_map(char::to_lowercase).nfc().collect();
    (folded != path).then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Content;

    fn entries(paths: &[&str]) -> Vec<Arc<TreeEntry>> {
        let content = || Content::Symlink { target: String::new() };
        let mut sorted = paths.to_vec();
        sorted.sort_unstable();
        sorted
            .into_iter()
            .map(|path| Arc::new(TreeEntry::new(path.to_owned(), path.into(), content())))
            .collect()
    }

    fn warnings(paths: &[&str]) -> Vec<String> {
        lookalikes(&entries(paths))
    }

    #[test]
    fn a_file_where_another_entry_needs_a_directory_is_an_error() {
        let errors = clashes(&entries(&["a", "a-b", "a/x", "a/y/z", "b", "c/d", "c/d/e"]));
        let messages: Vec<&str> = errors.iter().map(Error::message).collect();
        assert!(
            matches!(&messages[..], [a, d] if a.contains("`a`") && d.contains("`c/d`")),
            "{messages:?}"
        );
    }

    #[test]
    fn a_separator_of_windows_is_in_no_entry() {
        for bad in [r"a\b", r"\", r"a/..\b", r"C:\a", "a\u{7f}", "a\u{85}"] {
            assert!(problem(bad).is_some(), "{bad:?}");
        }
        // Names that Windows can't have are fine: Lambda's are Linux's, and the source hash is the same everywhere.
        for good in ["aux", "con.py", "a:b", "a.", "a ", "a*b", "x/nul/y"] {
            assert_eq!(problem(good), None, "{good:?}");
        }
    }

    #[test]
    fn names_that_other_file_systems_take_for_one() {
        for (paths, count) in [
            (&["a/b", "a/c"][..], 0),
            (&["README", "readme"], 1),
            (&["README", "Readme"], 1),
            (&["Lib/a", "lib/b"], 1),
            (&["Lib/a", "lib/a"], 2),
            (&["Lib/a", "Lib/b", "Lib-x"], 0),
            (&["lib", "LIB/a"], 1),
            (&["e\u{301}", "\u{e9}"], 1),
            (&["A", "a", "\u{e9}", "\u{c9}"], 2),
            (&["H\u{331}", "h\u{331}"], 1),
            (&["H\u{331}", "\u{1e96}"], 1),
        ] {
            assert_eq!(warnings(paths).len(), count, "{paths:?} {:?}", warnings(paths));
        }
    }
}
