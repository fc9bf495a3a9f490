//! Files that several functions have, by which functions these are: what one layer could hold.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{FileView, FunctionView, Group, Listed, Shared, SharedFile};

/// Groups that are shown. There can be as many as files.
const MOST_GROUPS: usize = 100;
const MOST_FILES: usize = 20;

/// A file, wherever it is.
struct Content<'a> {
    /// Positions, in order.
    functions: Vec<usize>,
    /// As the first of them has it.
    file: &'a FileView,
}

pub fn of(functions: &[FunctionView]) -> Shared {
    let mut contents = BTreeMap::<&[u8], Content>::new();
    for (position, function) in functions.iter().enumerate() {
        // Layers are shared already, and what a build begins with may be nothing that it packs.
        let counts = function.kind == "function" && function.listed == Listed::Package;
        for file in function.files.iter().filter(|_| counts) {
            let Some(digest) = &file.digest else { continue };
            let content = contents.entry(digest.as_bytes()).or_insert_with(|| Content {
                functions: Vec::new(),
                file,
            });
            // Twice in one function is no reason for a layer.
            if content.functions.last() != Some(&position) {
                content.functions.push(position);
            }
        }
    }
    let mut by_functions = BTreeMap::<Vec<usize>, Vec<&FileView>>::new();
    for content in contents.into_values().filter(|content| content.functions.len() > 1) {
        by_functions.entry(content.functions).or_default().push(content.file);
    }
    let groups = by_functions
        .into_iter()
        .map(|(positions, files)| group(functions, &positions, files));
    let mut groups: Vec<Group> = groups.collect();
    let saves_bytes = groups.iter().map(|group| group.saves_bytes).sum();
    groups.sort_by(|a, b| (b.saves_bytes, &a.functions).cmp(&(a.saves_bytes, &b.functions)));
    let more_groups = groups.len().saturating_sub(MOST_GROUPS);
    groups.truncate(MOST_GROUPS);
    Shared {
        saves_bytes,
        groups,
        more_groups,
    }
}

fn group(functions: &[FunctionView], positions: &[usize], mut files: Vec<&FileView>) -> Group {
    let size: u64 = files.iter().map(|file| file.size).sum();
    let dependencies: BTreeSet<&str> = files.iter().filter_map(|file| file.dependency.as_deref()).collect();
    files.sort_by(|a, b| (b.size, &a.path).cmp(&(a.size, &b.path)));
    let largest = files.iter().take(MOST_FILES).map(|file| SharedFile {
        path: file.path.clone(),
        size: file.size,
    });
    Group {
        functions: positions
            .iter()
            .map(|position| functions[*position].name.clone())
            .collect(),
        files: files.len() as u64,
        size,
        saves_bytes: size * (positions.len() as u64 - 1),
        dependencies: dependencies.into_iter().map(str::to_owned).collect(),
        largest: largest.collect(),
    }
}
