use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::digest::Algorithm;
use crate::manifest::BuildInputs;

fn entry(path: &str, kind: EntryKind, content: &str) -> Entry {
    Entry {
        path: path.into(),
        kind,
        size: content.len() as u64,
        digest: Algorithm::Blake3.hash(content.as_bytes()),
    }
}

fn file(path: &str, content: &str) -> Entry {
    entry(path, EntryKind::File, content)
}

fn manifest(entries: Vec<Entry>) -> Manifest {
    Manifest::new(Algorithm::Blake3, entries, None)
}

/// As people would note it: `path kind (from)`.
fn between(before: Vec<Entry>, after: Vec<Entry>) -> Vec<String> {
    let (before, after) = (manifest(before), manifest(after));
    let difference = Difference::between(&before, &after).expect("comparable");
    let lines = difference.changes.iter().map(|change| {
        let from = change.from_path.as_ref().map(|from| format!(" from {from}"));
        format!("{:?} {}{}", change.change, change.path, from.unwrap_or_default())
    });
    lines.collect()
}

#[test]
fn each_kind_of_change_is_named() {
    let executable = |path, content| entry(path, EntryKind::Executable, content);
    let link = |path, target| entry(path, EntryKind::Symlink, target);
    let before = vec![
        file("a", "old"),
        file("b", "same"),
        file("c", "gone"),
        file("d/moved.py", "moved"),
        link("e", "a"),
        file("f", "both"),
        file("g", "b"),
    ];
    let after = vec![
        file("a", "new"),
        executable("b", "same"),
        file("d2/moved.py", "moved"),
        link("e", "b"),
        executable("f", "two"),
        link("g", "b"),
        file("h", "came"),
    ];
    let expected = [
        "Modified a",
        "Mode b",
        "Removed c",
        "Renamed d2/moved.py from d/moved.py",
        "Retargeted e",
        "Modified f",
        "Mode f",
        "Removed g",
        "Added g",
        "Added h",
    ];
    assert_eq!(between(before.clone(), after), expected);
    assert!(between(before.clone(), before).is_empty());
}

#[test]
fn renames_keep_names_where_several_files_are_alike() {
    let before = vec![file("a/x", "same"), file("a/y", "same"), file("a/z", "")];
    let after = vec![file("b/w", "same"), file("b/y", "same"), file("b/z", "")];
    let expected = [
        "Removed a/z",
        "Renamed b/w from a/x",
        "Renamed b/y from a/y",
        "Added b/z",
    ];
    assert_eq!(between(before, after), expected);
}

#[test]
fn inputs_are_named_by_their_keys() {
    let with = |inputs: Value| {
        let Value::Object(inputs) = inputs else {
            panic!("an object")
        };
        let inputs = BuildInputs::new(inputs).expect("inputs");
        Manifest::new(Algorithm::Blake3, Vec::new(), Some(inputs))
    };
    let before = with(json!({"runtime": "python3.12", "locks": {"requirements.txt": "aa"}, "swaps": [{"from": "x"}]}));
    let after = with(json!({"runtime": "python3.13", "locks": {"requirements.txt": "bb"}, "swaps": []}));
    let difference = Difference::between(&before, &after).expect("comparable");
    let lines = difference.inputs.iter().map(|input| {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        format!("{}: {} -> {}", input.key, text(&input.before), text(&input.after))
    });
    let expected = [
        r#"locks."requirements.txt": "aa" -> "bb""#,
        r#"runtime: "python3.12" -> "python3.13""#,
        "swaps:  -> []",
        r#"swaps[0].from: "x" -> "#,
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

/// What the differences say, done to the old entries. Contents are looked up in the new ones, as a reader of both would.
fn applied(before: &Manifest, after: &Manifest, difference: &Difference) -> Manifest {
    let by_path = |manifest: &Manifest| -> BTreeMap<Arc<str>, Entry> {
        let entries = manifest
            .entries()
            .iter()
            .map(|entry| (Arc::clone(&entry.path), entry.clone()));
        entries.collect()
    };
    let (mut entries, new) = (by_path(before), by_path(after));
    // All that goes makes room for what comes.
    let moved: Vec<(Arc<str>, Entry)> = difference
        .changes
        .iter()
        .filter_map(|change| {
            let gone = match change.change {
                ChangeKind::Removed => change.path.as_str(),
                ChangeKind::Renamed => change.from_path.as_deref().expect("where from"),
                _ => return None,
            };
            let entry = entries.remove(gone).expect("it was there");
            (change.change == ChangeKind::Renamed).then(|| (Arc::from(change.path.as_str()), entry))
        })
        .collect();
    for (path, entry) in moved {
        entries.insert(Arc::clone(&path), Entry { path, ..entry });
    }
    for change in &difference.changes {
        match change.change {
            ChangeKind::Removed | ChangeKind::Renamed => {}
            ChangeKind::Added => {
                let old = entries.insert(change.path.as_str().into(), new[change.path.as_str()].clone());
                assert_eq!(old, None, "nothing is added over another");
            }
            ChangeKind::Modified | ChangeKind::Retargeted => {
                let entry = entries.get_mut(change.path.as_str()).expect("it is there");
                entry.digest = new[change.path.as_str()].digest;
                entry.size = change.size_after.expect("its size");
            }
            ChangeKind::Mode => {
                let entry = entries.get_mut(change.path.as_str()).expect("it is there");
                entry.kind = match entry.kind {
                    EntryKind::File => EntryKind::Executable,
                    _ => EntryKind::File,
                };
            }
        }
    }
    manifest(entries.into_values().collect())
}

fn some_entries() -> impl Strategy<Value = Vec<Entry>> {
    let kinds = prop_oneof![
        Just(EntryKind::File),
        Just(EntryKind::Executable),
        Just(EntryKind::Symlink)
    ];
    // Few names and contents, so that all sorts of coincidences occur.
    let some = proptest::collection::btree_map("[a-c](/[a-c])?", (kinds, "[xyz]{0,2}"), 0..8);
    some.prop_map(|entries| {
        let entries = entries.into_iter();
        entries
            .map(|(path, (kind, content))| entry(&path, kind, &content))
            .collect()
    })
}

proptest! {
    #[test]
    fn applying_the_differences_gives_the_new_manifest(before in some_entries(), after in some_entries()) {
        let (before, after) = (manifest(before), manifest(after));
        let difference = Difference::between(&before, &after).expect("comparable");
        prop_assert_eq!(applied(&before, &after, &difference), after.clone());
        prop_assert_eq!(difference.is_empty(), before == after);
        let sizes: i128 = difference
            .changes
            .iter()
            .filter(|change| change.change != ChangeKind::Mode && change.change != ChangeKind::Renamed)
            .map(|change| i128::from(change.size_after.unwrap_or(0)) - i128::from(change.size_before.unwrap_or(0)))
            .sum();
        prop_assert_eq!(sizes, i128::from(after.unzipped_bytes()) - i128::from(before.unzipped_bytes()));
    }
}
