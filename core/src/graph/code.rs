//! Code that several functions are packed from, and code that builds of others have made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::nodes::{Ids, Member};
use super::{Builder, EdgeKind, Node, NodeKind, Requirements};
use crate::build::Recipe;
use crate::function::{Build, Function, Symlinks};
use crate::json::Object;
use crate::source::{Canonical, TreeEntry};

/// A file that several functions have.
struct Shared {
    users: BTreeSet<usize>,
    bytes: u64,
}

/// A node for each place that holds files which several functions are packed or built from: the nearest `source` path above
/// the file, or where that is the code directory itself, the file's topmost directory.
pub(super) fn add_shared(members: &[Member], ids: &Ids, code_dir: &Path, graph: &mut Builder) {
    let mut files = files(members, code_dir);
    files.retain(|_, file| file.users.len() > 1);
    let roots: BTreeSet<&str> = members
        .iter()
        .flat_map(|member| member.function.sources())
        .map(|spec| spec.path.as_str())
        .collect();
    let mut places = BTreeMap::<&str, Shared>::new();
    for (path, file) in &files {
        let place = places.entry(place_of(path, &roots)).or_insert(Shared {
            users: BTreeSet::new(),
            bytes: 0,
        });
        place.users.extend(&file.users);
        place.bytes += file.bytes;
    }
    for (path, place) in places {
        let to = graph.node(Node {
            requirements: Requirements {
                unzipped_bytes: Some(place.bytes),
                ..Requirements::default()
            },
            ..Node::new(NodeKind::Code, path, path)
        });
        for user in place.users {
            graph.edge(&ids[members[user].function.name.as_str()], &to, EdgeKind::Packs);
        }
    }
}

fn place_of<'a>(path: &'a str, roots: &BTreeSet<&str>) -> &'a str {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    let above: Vec<&str> = ends.map(|end| &path[..end]).collect();
    let root = above.iter().rev().find(|place| roots.contains(**place));
    root.copied().unwrap_or(above[0])
}

/// All files that decide packages, by their paths below the code directory.
fn files(members: &[Member], code_dir: &Path) -> BTreeMap<String, Shared> {
    let mut entries: Vec<(&TreeEntry, bool, usize)> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let through_links = member
            .function
            .sources()
            .iter()
            .any(|spec| spec.symlinks == Symlinks::Follow);
        let of_source = member.tree.entries().iter().map(AsRef::as_ref);
        entries.extend(of_source.map(|entry| (entry, through_links, index)));
        if let Some(Recipe::Output(output)) = member.tree.recipe() {
            entries.extend(output.input_files().iter().map(|entry| (entry, true, index)));
        }
    }
    // Functions with the same source share its entries, so that most files are looked at once.
    let address = |(entry, ..): &(&TreeEntry, bool, usize)| std::ptr::from_ref(*entry);
    entries.sort_by_key(address);
    let mut canonical = Canonical::new(code_dir);
    let mut files = BTreeMap::<String, Shared>::new();
    for same in entries.chunk_by(|a, b| address(a) == address(b)) {
        let (entry, through_links, _) = same[0];
        let path = match through_links {
            true => canonical.path_of(&entry.file),
            false => entry.file.strip_prefix(code_dir).ok().map(Path::to_owned),
        };
        // What stands elsewhere isn't code of this project.
        let Some(path) = path.as_deref().and_then(Path::to_str) else {
            continue;
        };
        let file = files.entry(path.to_owned()).or_insert(Shared {
            users: BTreeSet::new(),
            bytes: entry.size(),
        });
        file.users.extend(same.iter().map(|(.., user)| *user));
    }
    files
}

/// Where a function is packed or built from what the build of another leaves beside its source, it needs that other one.
pub(super) fn add_made(members: &[Member], ids: &Ids, code_dir: &Path, graph: &mut Builder) {
    let makers: Vec<(String, &Function)> = members
        .iter()
        .filter_map(|member| Some((output_of(member.function)?, member.function)))
        .collect();
    if makers.is_empty() {
        return;
    }
    let files = files(members, code_dir);
    for (place, maker) in makers {
        let below = format!("{place}/");
        let users: BTreeSet<usize> = files
            .range(below.clone()..)
            .take_while(|(path, _)| path.starts_with(&below))
            .flat_map(|(_, file)| file.users.iter().copied())
            .collect();
        if users.is_empty() {
            continue;
        }
        let code = graph.node(Node::new(NodeKind::Code, &place, place.as_str()));
        graph.edge(&code, &ids[maker.name.as_str()], EdgeKind::MadeBy);
        for user in users {
            graph.edge(&ids[members[user].function.name.as_str()], &code, EdgeKind::Packs);
        }
    }
}

/// The directory that a command makes, below the code directory.
fn output_of(function: &Function) -> Option<String> {
    let Some(Object(Build::Command(build))) = &function.definition.build else {
        return None;
    };
    let [spec] = function.sources() else { return None };
    match (spec.path.as_str(), build.output.as_str()) {
        (".", output) => Some(output.to_owned()),
        (source, output) => Some(format!("{source}/{output}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_files_stand_below_the_nearest_source() {
        let roots = BTreeSet::from([".", "a", "shared", "shared/log", "util.py"]);
        for (path, place) in [
            ("shared/x/y.py", "shared"),
            ("shared/log/x.py", "shared/log"),
            ("shared/logs.py", "shared"),
            ("util.py", "util.py"),
            ("libs/x/y.py", "libs"),
            ("top.py", "top.py"),
        ] {
            assert_eq!(place_of(path, &roots), place);
        }
    }
}
