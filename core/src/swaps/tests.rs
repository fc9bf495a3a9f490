//! What goes when packages go, of trees that installers leave.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use tempfile::TempDir;

use super::packages::{Needs, Package, Packages};
use crate::Meter;
use crate::build::Ecosystem;
use crate::source::Tree;

/// A tree whose files are there as long as this is.
struct Made {
    tree: Tree,
    _directory: TempDir,
}

fn made_of(files: &[(String, String)], links: &[(&str, &str)]) -> Made {
    let directory = tempfile::tempdir().expect("a directory");
    let place = |path: &str| {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("made");
        path
    };
    for (path, text) in files {
        fs::write(place(path), text).expect("written");
    }
    for (path, target) in links {
        std::os::unix::fs::symlink(target, place(path)).expect("made");
    }
    Made {
        tree: Tree::at(directory.path(), &Meter::default()).expect("a tree"),
        _directory: directory,
    }
}

/// The places of what goes with `from`.
fn gone(from: &str, made: &Made) -> Vec<String> {
    let packages = Packages::of(&made.tree).expect("packages");
    let from = from.parse().expect("a name");
    let gone = packages.going_with(&packages.named(&from).collect()).into_iter();
    gone.map(|position| packages.all()[position].place.clone()).collect()
}

/// What npm installed: places, each with its `package.json`.
fn npm(manifest: &Value, packages: &[(&str, Value)]) -> Made {
    let file = |place: &str, manifest: &Value| (format!("{place}package.json"), manifest.to_string());
    let packages = packages
        .iter()
        .map(|(place, manifest)| file(&format!("{place}/"), manifest));
    made_of(
        &[file("", manifest)].into_iter().chain(packages).collect::<Vec<_>>(),
        &[],
    )
}

#[test]
fn only_what_nothing_else_needs_goes() {
    let app = json!({"dependencies": {"a": "1", "d": "1", "e": "1"}});
    let packages = [
        (
            "node_modules/a",
            json!({"dependencies": {"b": "1", "c": "1", "d": "1"},
                "peerDependencies": {"p": "1", "o": "1"}, "peerDependenciesMeta": {"o": {"optional": true}}}),
        ),
        // A cycle that hangs on `a` alone.
        ("node_modules/b", json!({"dependencies": {"f": "1"}})),
        ("node_modules/f", json!({"dependencies": {"b": "1"}})),
        ("node_modules/c", json!({})),
        ("node_modules/d", json!({})),
        ("node_modules/e", json!({"peerDependencies": {"c": "1"}})),
        ("node_modules/p", json!({})),
        // npm wouldn't have installed it for the sake of `a`.
        ("node_modules/o", json!({})),
        ("node_modules/a/node_modules/g", json!({})),
        ("node_modules/a/test/node_modules/h", json!({})),
        // Nothing tells why it is there.
        ("node_modules/z", json!({})),
    ];
    let with_a = ["a", "a/node_modules/g", "a/test/node_modules/h", "b", "f", "p"];
    let with_a = with_a.map(|place| format!("node_modules/{place}"));
    assert_eq!(gone("a", &npm(&app, &packages)), with_a);
    assert_eq!(gone("*", &npm(&json!({}), &packages)).len(), packages.len());
    // A copy within another package is that one's own.
    assert_eq!(gone("g", &npm(&app, &packages)), [""; 0]);
}

#[test]
fn a_package_that_is_asked_for_stays() {
    let packages = [
        ("node_modules/@s/a", json!({"dependencies": {"b": "1"}})),
        ("node_modules/b", json!({})),
    ];
    let one = json!({"dependencies": {"@s/a": "1"}});
    assert_eq!(
        gone("@s/*", &npm(&one, &packages)),
        ["node_modules/@s/a", "node_modules/b"]
    );
    let both = json!({"dependencies": {"@s/a": "1", "b": "1"}});
    assert_eq!(gone("@s/*", &npm(&both, &packages)), ["node_modules/@s/a"]);
}

/// As browserslist and update-browserslist-db do, or dask and distributed.
#[test]
fn of_packages_that_need_each_other_what_may_be_wanted_stays() {
    let packages = [
        ("node_modules/a", json!({"dependencies": {"b": "1", "c": "1"}})),
        (
            "node_modules/b",
            json!({"peerDependencies": {"a": "1"}, "dependencies": {"d": "1"}}),
        ),
        ("node_modules/c", json!({})),
        ("node_modules/d", json!({})),
    ];
    assert_eq!(
        gone("a", &npm(&json!({}), &packages)),
        ["node_modules/a", "node_modules/c"]
    );
    let asked = json!({"dependencies": {"a": "1"}});
    assert_eq!(gone("a", &npm(&asked, &packages)).len(), 4);
    // Nobody asks for either, and a third package needs both.
    let asked = json!({"dependencies": {"e": "1"}});
    let third = ("node_modules/e", json!({"dependencies": {"a": "1"}}));
    let with_third = [&packages[..], &[third]].concat();
    assert_eq!(gone("a", &npm(&asked, &with_third)).len(), 4);
    assert_eq!(gone("e", &npm(&asked, &with_third)).len(), 5);
}

#[test]
fn links_of_pnpm_lead_to_packages() {
    let real = |name: &str| format!("node_modules/.pnpm/{name}@1.0.0/node_modules/{name}/package.json");
    let manifest = |needs: Value| json!({"version": "1.0.0", "dependencies": needs}).to_string();
    let files = [
        ("package.json".to_owned(), manifest(json!({"a": "1", "d": "1"}))),
        (real("a"), manifest(json!({"b": "1", "c": "1"}))),
        (real("b"), manifest(json!({}))),
        (real("c"), manifest(json!({}))),
        (real("d"), manifest(json!({"c": "1"}))),
    ];
    let links = [
        ("node_modules/a", ".pnpm/a@1.0.0/node_modules/a"),
        ("node_modules/d", ".pnpm/d@1.0.0/node_modules/d"),
        (
            "node_modules/.pnpm/a@1.0.0/node_modules/b",
            "../../b@1.0.0/node_modules/b",
        ),
        (
            "node_modules/.pnpm/a@1.0.0/node_modules/c",
            "../../c@1.0.0/node_modules/c",
        ),
        (
            "node_modules/.pnpm/d@1.0.0/node_modules/c",
            "../../c@1.0.0/node_modules/c",
        ),
        ("node_modules/.pnpm/node_modules/b", "../b@1.0.0/node_modules/b"),
    ];
    let expected = [
        ".pnpm/a@1.0.0/node_modules/a",
        ".pnpm/a@1.0.0/node_modules/b",
        ".pnpm/a@1.0.0/node_modules/c",
        ".pnpm/b@1.0.0/node_modules/b",
        "a",
    ];
    assert_eq!(
        gone("a", &made_of(&files, &links)),
        expected.map(|place| format!("node_modules/{place}"))
    );
}

/// A package's name, what it requires, what its `RECORD` has beside its metadata, and whether it was asked for.
type Wheel<'a> = (&'a str, &'a [&'a str], &'a [&'a str], bool);

fn wheels(site: &str, wheels: &[Wheel]) -> Vec<(String, String)> {
    let files = wheels.iter().flat_map(|(name, needs, files, requested)| {
        let metadata = format!("{site}{name}-1.dist-info");
        let needs: String = needs
            .iter()
            .map(|needed| format!("Requires-Dist: {needed}\n"))
            .collect();
        let record: String = files.iter().map(|file| format!("{file},,\n")).collect();
        let mut all = vec![
            (
                format!("{metadata}/METADATA"),
                format!("Name: {name}\nVersion: 1\n{needs}\n"),
            ),
            (format!("{metadata}/RECORD"), record),
        ];
        all.extend(requested.then(|| (format!("{metadata}/REQUESTED"), String::new())));
        all
    });
    files.collect()
}

/// As dask does, whose extras want others of its extras.
#[test]
fn a_package_that_requires_itself_is_needed_by_nobody() {
    let packages = [
        ("black", &["click"][..], &[][..], false),
        ("dask", &["Click", "dask[array]; extra == 'all'"], &[], false),
        ("click", &[], &[], false),
    ];
    assert_eq!(
        gone("Black", &made_of(&wheels("", &packages), &[])),
        ["black-1.dist-info"]
    );
}

/// `c` may be there for its own sake.
#[test]
fn what_is_needed_for_an_extra_alone_keeps_what_it_needs() {
    let packages = [
        ("a", &["b", "c; extra == 'all'"][..], &[][..], false),
        ("b", &[], &[], false),
        ("c", &["b"], &[], false),
    ];
    assert_eq!(gone("a", &made_of(&wheels("", &packages), &[])), ["a-1.dist-info"]);
    let wanted = [&packages[..], &[("d", &["a[all]"][..], &[][..], false)]].concat();
    assert_eq!(gone("d", &made_of(&wheels("", &wanted), &[])).len(), 4);
}

/// As setuptools does.
#[test]
fn what_a_package_of_python_brings_for_itself_goes_with_it_alone() {
    let inner = [
        "set/_vendor/p.py",
        "set/_vendor/p-1.dist-info/METADATA",
        "set/_vendor/p-1.dist-info/RECORD",
    ];
    let outer = [
        ("set", &[][..], &inner[..], true),
        ("p", &[], &["p.py"], false),
        ("q", &["p"], &[], true),
    ];
    let of_set = wheels("set/_vendor/", &[("p", &[], &["p.py"], false)]);
    let modules = ["p.py", "set/_vendor/p.py"].map(|path| (path.to_owned(), String::new()));
    let made = made_of(&[wheels("", &outer), of_set, modules.into()].concat(), &[]);
    assert_eq!(gone("set", &made), ["set-1.dist-info", "set/_vendor/p-1.dist-info"]);
    assert_eq!(gone("q", &made), ["p-1.dist-info", "q-1.dist-info"]);
    let packages = Packages::of(&made.tree).expect("packages");
    let named = packages.named(&"set".parse().expect("a name")).collect();
    let files = packages
        .files_of(&packages.going_with(&named))
        .expect("all tell their files");
    let left = made
        .tree
        .entries()
        .iter()
        .enumerate()
        .filter(|(position, _)| !files.contains(position));
    assert!(left.map(|(_, entry)| &entry.path).all(|path| !path.starts_with("set")));
}

proptest! {
    /// Whatever needs whatever.
    #[test]
    fn nothing_that_stays_needs_what_only_went_along(
        always in proptest::collection::vec((0..9_usize, 0..9_usize), 0..16),
        at_most in proptest::collection::vec((0..9_usize, 0..9_usize), 0..6),
        asked in proptest::collection::btree_set(0..9_usize, 0..4),
        named in proptest::collection::btree_set(0..9_usize, 1..3),
    ) {
        let mut packages = Packages((0..9).map(|position| Package {
            ecosystem: Ecosystem::Python,
            name: position.to_string(),
            version: None,
            place: String::new(),
            site: String::new(),
            shared: true,
            entries: BTreeSet::new(),
            lacks: None,
            asked_for: asked.contains(&position),
            conditional: false,
            needs: Needs::default(),
        }).collect());
        for (from, to) in always.into_iter().filter(|(from, to)| from != to) {
            packages.0[from].needs.add(to);
        }
        for (from, to) in at_most.into_iter().filter(|(from, to)| from != to) {
            packages.0[from].needs.at_most.insert(to);
        }
        let gone = packages.going_with(&named);
        prop_assert!(gone.is_superset(&named));
        prop_assert!(gone.intersection(&asked).all(|position| named.contains(position)));
        for (position, package) in packages.0.iter().enumerate().filter(|(position, _)| !gone.contains(position)) {
            let missed = package.needs.at_most.iter().find(|needed| gone.contains(needed) && !named.contains(needed));
            prop_assert!(missed.is_none(), "{position} needs {missed:?} of {gone:?}");
        }
    }
}
