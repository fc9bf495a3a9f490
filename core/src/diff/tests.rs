use serde_json::{Value, json};

use super::*;
use crate::digest::Algorithm;
use crate::manifest::BuildInputs;

pub(super) fn entry(path: &str, kind: EntryKind, content: &str) -> Entry {
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

#[test]
fn a_file_that_moved_and_was_edited_is_told_by_its_name_and_size() {
    let before = vec![file("a/app.py", "0123456789"), file("a/x", "1"), file("b/x", "2")];
    let after = vec![file("c/app.py", "0123456789!"), file("c/x", "3"), file("d/y", "4")];
    let expected = [
        "Removed a/x",
        "Removed b/x",
        "Renamed c/app.py from a/app.py",
        "Modified c/app.py",
        "Added c/x",
        "Added d/y",
    ];
    assert_eq!(between(before.clone(), after), expected);
    // Twice the size: rather another file.
    let larger = vec![
        file("a/x", "1"),
        file("b/x", "2"),
        file("c/app.py", "01234567890123456789"),
    ];
    assert_eq!(between(before, larger), ["Removed a/app.py", "Added c/app.py"]);
}

fn versions(of: &[(&str, &str)]) -> Versions {
    of.iter()
        .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
        .collect()
}

#[test]
fn dependencies_are_inputs_by_name() {
    let nothing = manifest(Vec::new());
    let difference = || Difference::between(&nothing, &nothing).expect("comparable");
    let old = versions(&[("requests", "2.31.0"), ("idna", "3.4"), ("@a/b", "1.0.0")]);
    let new = versions(&[("requests", "2.32.0"), ("certifi", "2026.1"), ("@a/b", "1.0.0")]);
    let inputs = difference().with_dependencies(Some(&old), Some(&new)).inputs;
    let printed = serde_json::to_value(&inputs).expect("JSON");
    assert_eq!(
        printed,
        json!([
            {"key": "dependencies.certifi", "before": null, "after": "2026.1"},
            {"key": "dependencies.idna", "before": "3.4", "after": null},
            {"key": "dependencies.requests", "before": "2.31.0", "after": "2.32.0"},
        ])
    );
    let quoted = difference().with_dependencies(Some(&versions(&[])), Some(&old));
    assert_eq!(quoted.inputs[0].key, r#"dependencies."@a/b""#);
    let unknown = difference().with_dependencies(None, Some(&new));
    assert!(
        unknown.is_empty() && !unknown.lacks_dependencies,
        "no lock file differs"
    );
}

#[test]
fn a_reason_is_one_line() {
    let reason = |before: Vec<Entry>, after: Vec<Entry>| {
        let difference = Difference::between(&manifest(before), &manifest(after)).expect("comparable");
        difference.reason()
    };
    assert_eq!(reason(Vec::new(), Vec::new()), "");
    let long = |bytes: usize| "x".repeat(bytes);
    assert_eq!(
        reason(vec![file("code/app.py", "old")], vec![file("code/app.py", &long(1203))]),
        "code/app.py changed, +1.2 KB"
    );
    let before = vec![
        file("a", "aaaa"),
        file("b", &long(999_960)),
        file("c", "1"),
        file("d", "dd"),
    ];
    let after = vec![
        entry("a", EntryKind::Executable, "aaaa"),
        file("c", "2"),
        file("new/d", "dd"),
    ];
    assert_eq!(
        reason(before, after),
        "a 0644 → 0755; b removed, -1.0 MB; c changed; d moved to new/d"
    );
    let many = |content: &str| (0..9).map(|number| file(&format!("{number}"), content)).collect();
    assert_eq!(
        reason(many("a"), many("bcd")),
        "0 changed, +2 B; 1 changed, +2 B; 2 changed, +2 B; 3 changed, +2 B; and 5 more entries, +18 B in all"
    );
    let steered = reason(vec![], vec![file(&format!("{}\u{1b}[2J", long(400)), "")]);
    assert!(
        steered.chars().count() <= 300 && !steered.contains(char::is_control),
        "{steered}"
    );
}

#[test]
fn a_reason_names_dependencies_and_keys_and_no_other_value() {
    let with = |inputs: Value| {
        let Value::Object(inputs) = inputs else {
            panic!("an object")
        };
        Manifest::new(
            Algorithm::Blake3,
            Vec::new(),
            Some(BuildInputs::new(inputs).expect("inputs")),
        )
    };
    let before = with(json!({"runtime": "python3.12", "command": ["make"], "locks": {"requirements.txt": "aa"}}));
    let after =
        with(json!({"runtime": "python3.13", "command": ["make", "hunter2"], "locks": {"requirements.txt": "bb"}}));
    let between = || Difference::between(&before, &after).expect("comparable");
    let old = versions(&[("requests", "2.31")]);
    let new = versions(&[("requests", "2.32"), ("own", "git+https://u:hunter2@host/x")]);
    assert_eq!(
        between().with_dependencies(Some(&old), Some(&new)).reason(),
        "own … added; requests 2.31 → 2.32; build input command changed; runtime python3.12 → python3.13"
    );
    let unknown = between().with_dependencies(None, Some(&new));
    assert!(unknown.lacks_dependencies);
    assert_eq!(
        unknown.reason(),
        "build input command changed; requirements.txt changed; runtime python3.12 → python3.13"
    );
}

#[test]
fn texts_are_compared_line_by_line() {
    let names = ["a/x", "b/x"];
    let Unified::Text(diff) = unified(b"one\ntwo\n", b"one\n2\n", names) else {
        panic!("text")
    };
    assert_eq!(diff, "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
    let Unified::Text(diff) = unified(b"", b"end", names) else {
        panic!("text")
    };
    assert!(diff.ends_with("+end\n\\ No newline at end of file\n"), "{diff}");
    assert_eq!(unified(b"a\0", b"", names), Unified::Binary);
    assert_eq!(unified(b"", b"\xff", names), Unified::Binary);
    let large = vec![b'a'; LARGEST_TEXT as usize + 1];
    assert_eq!(unified(&large, b"", names), Unified::Large);
}
