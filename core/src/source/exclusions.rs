//! `exclude` globs that leave out less than they look: a directory's name alone matches no entry.

use super::{TreeEntry, names};
use crate::function::SourceSpec;

/// A warning for each glob that matches a directory of which something is packed. `entries` are what the source gave, sorted.
pub fn of_directories(spec: &SourceSpec, entries: &[impl AsRef<TreeEntry>]) -> Vec<String> {
    let prefix = spec.prefix.as_ref().map_or("", |prefix| prefix.as_str());
    // `lib/*` means files, whatever directories there are.
    let names_something = |glob: &str| !glob.rsplit('/').next().unwrap_or(glob).bytes().all(|byte| byte == b'*');
    let mut globs = spec
        .exclude
        .iter()
        .filter(|glob| names_something(glob.as_str()))
        .peekable();
    if globs.peek().is_none() {
        return Vec::new();
    }
    let paths = entries
        .iter()
        .filter_map(|entry| entry.as_ref().path.strip_prefix(prefix));
    let directories: Vec<&str> = names::directories(paths).collect();
    let warnings = globs.filter_map(|glob| {
        let matcher = glob.glob().compile_matcher();
        let directory = directories.iter().find(|directory| matcher.is_match(directory))?;
        let glob = glob.as_str();
        Some(format!(
            "`exclude` has `{glob}`, which leaves out nothing of the directory `{directory}`: `{glob}/**` leaves out a directory"
        ))
    });
    warnings.collect()
}
