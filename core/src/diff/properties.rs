use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::tests::entry;
use super::*;
use crate::digest::Algorithm;
use crate::manifest::BuildInputs;

/// What is printed, done to the old manifest. Only what contents and new entries are is looked up in the new one, as a reader of
/// both would.
fn applied(before: &Manifest, after: &Manifest, printed: &Value) -> Manifest {
    let by_path = |manifest: &Manifest| -> BTreeMap<String, Entry> {
        let entries = manifest.entries().iter();
        entries.map(|entry| (entry.path.to_string(), entry.clone())).collect()
    };
    let (mut entries, new) = (by_path(before), by_path(after));
    let changes: Vec<(&str, &str, &Value)> = printed["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| {
            let text = |key: &str| change[key].as_str().expect("a text");
            (text("path"), text("change"), change)
        })
        .collect();
    // All that goes makes room for what comes.
    let mut moved = Vec::new();
    for (path, kind, change) in &changes {
        let gone = match *kind {
            "removed" => path,
            "renamed" => change["from_path"].as_str().expect("where from"),
            _ => continue,
        };
        let entry = entries.remove(gone).expect("it was there");
        assert_eq!(change["size_before"], entry.size);
        if *kind == "renamed" {
            moved.push(Entry {
                path: (*path).into(),
                ..entry
            });
        }
    }
    entries.extend(moved.into_iter().map(|entry| (entry.path.to_string(), entry)));
    for (path, kind, change) in changes {
        match kind {
            "removed" | "renamed" => continue,
            "added" => {
                assert!(change["size_before"].is_null());
                let old = entries.insert(path.to_owned(), new[path].clone());
                assert_eq!(old, None, "nothing is added over another");
            }
            "modified" | "retargeted" => {
                let entry = entries.get_mut(path).expect("it is there");
                entry.digest = new[path].digest;
                entry.size = change["size_after"].as_u64().expect("its size");
            }
            "mode" => {
                let entry = entries.get_mut(path).expect("it is there");
                entry.kind = match entry.kind {
                    EntryKind::File => EntryKind::Executable,
                    _ => EntryKind::File,
                };
            }
            other => panic!("{other}"),
        }
        assert_eq!(change["size_after"], entries[path].size, "{path}");
    }
    let mut inputs = before.build_inputs().cloned().unwrap_or_default();
    for input in printed["inputs"].as_array().expect("inputs") {
        let key = input["key"].as_str().expect("a key");
        assert_eq!(inputs.get(key).cloned().unwrap_or_default(), input["before"]);
        match &input["after"] {
            Value::Null => drop(inputs.remove(key)),
            value => drop(inputs.insert(key.to_owned(), value.clone())),
        }
    }
    let inputs = (!inputs.is_empty()).then(|| BuildInputs::new(inputs).expect("inputs"));
    Manifest::new(Algorithm::Blake3, entries.into_values().collect(), inputs)
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

fn some_manifest() -> impl Strategy<Value = Manifest> {
    let inputs = proptest::collection::btree_map("[a-c]", "[xyz]?", 0..3);
    (some_entries(), inputs).prop_map(|(entries, inputs)| {
        let inputs = inputs.into_iter().map(|(key, value)| (key, value.into()));
        let inputs = (inputs.len() > 0).then(|| BuildInputs::new(inputs.collect()).expect("inputs"));
        Manifest::new(Algorithm::Blake3, entries, inputs)
    })
}

proptest! {
    #[test]
    fn applying_what_is_printed_gives_the_new_manifest(before in some_manifest(), after in some_manifest()) {
        let difference = Difference::between(&before, &after).expect("comparable");
        let printed = serde_json::to_value(&difference).expect("JSON");
        prop_assert_eq!(applied(&before, &after, &printed), after.clone());
        prop_assert_eq!(difference.is_empty(), before == after);
        let sizes: i128 = difference
            .changes
            .iter()
            .filter(|change| change.change != ChangeKind::Mode && change.change != ChangeKind::Renamed)
            .map(Change::growth)
            .sum();
        prop_assert_eq!(sizes, i128::from(after.unzipped_bytes()) - i128::from(before.unzipped_bytes()));
    }

    #[test]
    fn a_reason_is_one_short_line_and_there_where_anything_differs(before in some_manifest(), after in some_manifest()) {
        let difference = Difference::between(&before, &after).expect("comparable");
        let reason = difference.reason();
        prop_assert_eq!(reason.is_empty(), difference.is_empty());
        prop_assert!(reason.chars().count() <= 300 && !reason.contains(char::is_control), "{}", reason);
    }
}
