//! Node.js: what `package.json` says of each package, and what `package-lock.json` says of its archive.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Map, Value};

use super::licenses::{self, License};
use super::{Checksum, Part, Sbom, files_named, package_url, read};
use crate::build::Dependencies;
use crate::json;
use crate::source::Tree;
use crate::{Error, Result};

pub(crate) const MODULES: &str = "node_modules/";

/// The keys of a `package.json` that name what a package needs to run.
pub(crate) const NEEDS: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// `dependencies` are what lock files named.
pub fn find(tree: &Tree, dependencies: &[&Dependencies]) -> Result<Sbom> {
    let locks: Result<Vec<Value>> = dependencies.iter().map(|it| read_lock(it)).collect();
    let locks = locks?;
    // Lock files of version 1 have no such list.
    let lists: Vec<&Map<String, Value>> = locks.iter().filter_map(|lock| lock["packages"].as_object()).collect();
    let is_listed = !lists.is_empty() && lists.len() == locks.len();
    let mut packages = BTreeMap::new();
    for entry in files_named(tree, "/package.json") {
        let place = entry.path.trim_end_matches("/package.json");
        let Some(name) = package_at(place) else { continue };
        let key = &place[place.find(MODULES).unwrap_or(0)..];
        let manifest = json::parse(&entry.path, read(entry)?.as_bytes()).unwrap_or(Value::Null);
        // Swaps may have put another version there than the first lock file names.
        let in_locks: Vec<&Value> = lists.iter().filter_map(|list| list.get(key)).collect();
        let same = in_locks.iter().find(|locked| locked["version"] == manifest["version"]);
        let in_lock = same.or(in_locks.first()).copied();
        // What a package brings for its own tests looks like an installed one. Lock files don't list what the source holds.
        if is_listed && in_lock.is_none() && !entry.is_own() {
            continue;
        }
        // Odd ones are listed nevertheless, with what the lock file says of them.
        packages.insert(place, Package::of(name, manifest, in_lock)?);
    }
    let projects: Vec<&Value> = lists.iter().filter_map(|list| list.get("")).collect();
    assemble(&packages, &projects)
}

/// What a bundle may have been made of: all that isn't for development or for certain machines alone, without what stands at these
/// places of the lock file.
pub fn of_lock(text: &str, gone: &BTreeSet<String>) -> Result<Sbom> {
    let lock: Value = json::parse("package-lock.json", text.as_bytes())?;
    let locked = lock["packages"].as_object();
    let mut packages = BTreeMap::new();
    for (place, entry) in locked.into_iter().flatten() {
        let apart = ["dev", "os", "cpu", "link"].iter().any(|key| !entry[key].is_null());
        if let Some(name) = package_at(place).filter(|_| !apart && !gone.contains(place)) {
            packages.insert(place.as_str(), Package::of(name, entry.clone(), Some(entry))?);
        }
    }
    assemble(
        &packages,
        &locked.and_then(|locked| locked.get("")).into_iter().collect::<Vec<_>>(),
    )
}

/// `projects` are what lock files say of the function itself.
fn assemble(packages: &BTreeMap<&str, Package>, projects: &[&Value]) -> Result<Sbom> {
    let mut sbom = Sbom::default();
    for (place, package) in packages {
        let needs = names(&package.manifest, &NEEDS);
        let found = needs.filter_map(|name| resolve(packages, place, name).map(|package| &package.purl));
        sbom.add(
            &package.purl,
            Part {
                needs: found.filter(|purl| **purl != package.purl).cloned().collect(),
                ..package.to_part()
            },
        );
    }
    sbom.direct = (!projects.is_empty()).then(|| {
        let roots: BTreeSet<&str> = packages
            .keys()
            .filter_map(|place| place.split(MODULES).next())
            .collect();
        let asked = projects
            .iter()
            .flat_map(|project| names(project, &["dependencies", "optionalDependencies"]));
        let places = asked.flat_map(|name| roots.iter().map(move |root| format!("{root}{MODULES}{name}")));
        let found = places.filter_map(|place| packages.get(place.as_str()));
        found.map(|package| package.purl.clone()).collect()
    });
    Ok(sbom)
}

pub(crate) fn read_lock(dependencies: &Dependencies) -> Result<Value> {
    let file = &dependencies.lock;
    let content = fs::read(file).map_err(|cause| Error::input("read", file, cause))?;
    json::parse(file.display(), &content)
}

/// The name of the package that is installed there: `a` in `node_modules/a`, `@b/c` in `x/node_modules/@b/c`.
pub(crate) fn package_at(place: &str) -> Option<&str> {
    let start = place.rfind(MODULES)?;
    let is_directory = start == 0 || place[..start].ends_with('/');
    let name = &place[start + MODULES.len()..];
    let words = 1 + usize::from(name.starts_with('@'));
    (is_directory && name.split('/').count() == words).then_some(name)
}

/// The package that `require(name)` in `place` finds: <https://nodejs.org/api/modules.html#loading-from-node_modules-folders>
pub(crate) fn resolve<'a, T>(packages: &'a BTreeMap<&str, T>, place: &str, name: &str) -> Option<&'a T> {
    let mut directory = format!("{place}/");
    loop {
        if let Some(package) = packages.get(format!("{directory}{MODULES}{name}").as_str()) {
            return Some(package);
        }
        directory.truncate(directory.rfind(MODULES)?);
    }
}

pub(crate) fn names<'a>(manifest: &'a Value, keys: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let objects = keys.iter().filter_map(|key| manifest[key].as_object());
    objects.flat_map(|object| object.keys().map(String::as_str))
}

/// An installed package.
struct Package {
    purl: String,
    group: Option<String>,
    name: String,
    version: Option<String>,
    integrity: Option<String>,
    manifest: Value,
}

impl Package {
    /// The directory has the name of an alias, if it has one; the manifest has the package's own.
    fn of(place: &str, manifest: Value, locked: Option<&Value>) -> Result<Self> {
        let text = |key: &str| {
            let found = manifest[key].as_str().or_else(|| locked?[key].as_str());
            found.map(str::to_owned)
        };
        let (full_name, version) = (text("name").unwrap_or_else(|| place.to_owned()), text("version"));
        let (group, name) = match full_name.split_once('/') {
            Some((group, name)) => (Some(group.to_owned()), name.to_owned()),
            None => (None, full_name),
        };
        let same = locked.filter(|locked| locked["version"].as_str() == version.as_deref());
        Ok(Package {
            purl: package_url("npm", group.as_deref(), &name, version.as_deref())?,
            integrity: same.and_then(|locked| locked["integrity"].as_str()).map(str::to_owned),
            group,
            name,
            version,
            manifest,
        })
    }

    fn to_part(&self) -> Part {
        let integrity = self.integrity.iter().flat_map(|text| text.split_whitespace());
        Part {
            group: self.group.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            licenses: declared(&self.manifest),
            checksums: integrity.filter_map(Checksum::from_integrity).collect(),
            ..Part::default()
        }
    }
}

/// `license` is a text, and in old packages an object or a list.
fn declared(manifest: &Value) -> Vec<License> {
    let texts = [&manifest["license"], &manifest["licenses"]]
        .into_iter()
        .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
        .filter_map(|value| value.as_str().or_else(|| value["type"].as_str()));
    let texts: Vec<&str> = texts.collect();
    if let [text] = texts.as_slice() {
        return licenses::spdx(text)
            .or_else(|| licenses::named(text))
            .into_iter()
            .collect();
    }
    // An expression may not stand beside others.
    let one = |text: &&str| match licenses::spdx(text) {
        Some(license @ License::License(_)) => Some(license),
        _ => licenses::named(text),
    };
    texts.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_bundle_the_lock_file_tells_what_may_be_in_it() {
        let lock = r#"{"packages": {
            "": {"dependencies": {"a": "1"}, "devDependencies": {"d": "1"}},
            "node_modules/a": {"version": "1.0.0", "license": "MIT", "dependencies": {"b": "1"}, "integrity": "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
            "node_modules/b": {"version": "1.0.0", "name": "@c/b", "optionalDependencies": {"x": "1"}},
            "node_modules/d": {"version": "1.0.0", "dev": true},
            "node_modules/x": {"version": "1.0.0", "optional": true, "os": ["linux"]},
            "lib": {"version": "1.0.0"}
        }}"#;
        let sbom = of_lock(lock, &BTreeSet::new()).expect("a lock file");
        let [a, b] = ["pkg:npm/a@1.0.0", "pkg:npm/%40c/b@1.0.0"].map(str::to_owned);
        assert_eq!(sbom.parts.keys().collect::<Vec<_>>(), [&b, &a]);
        assert_eq!(sbom.parts[&a].needs, BTreeSet::from([b]));
        assert_eq!(sbom.parts[&a].checksums.len(), 1);
        assert_eq!(sbom.direct, Some(BTreeSet::from([a])));
    }

    #[test]
    fn packages_are_where_node_looks_for_them() {
        for (place, name) in [
            ("node_modules/a", Some("a")),
            ("nodejs/node_modules/@a/b", Some("@a/b")),
            ("node_modules/a/node_modules/b", Some("b")),
            ("node_modules/a/lib", None),
            ("node_modules/@a", None),
            ("my_node_modules/a", None),
            ("lib", None),
        ] {
            assert_eq!(package_at(place), name, "{place}");
        }
        let places = [
            "nodejs/node_modules/a",
            "nodejs/node_modules/b",
            "nodejs/node_modules/a/node_modules/b",
        ];
        let package = |place: &str| Package::of(place, Value::Null, None).expect("a package");
        let packages: BTreeMap<&str, Package> = places.map(|place| (place, package(place))).into_iter().collect();
        for (place, expected) in [
            (places[0], Some(places[2])),
            (places[1], Some(places[1])),
            (places[2], Some(places[2])),
        ] {
            let found = resolve(&packages, place, "b").map(|package| &package.purl);
            assert_eq!(found, expected.map(|place| &packages[place].purl), "{place}");
        }
        assert!(resolve(&packages, places[2], "c").is_none());
    }
}
