//! What of others a tree holds, file by file, and what needs what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::PackageName;
use crate::build::Ecosystem;
use crate::json;
use crate::sbom::node::{self, MODULES, NEEDS};
use crate::sbom::python::{Headers, METADATA, normal, required};
use crate::sbom::{files_named, read};
use crate::source::{Tree, TreeEntry};
use crate::{Error, Result};

/// The packages of others in a tree.
#[derive(Debug, Default)]
pub struct Installed {
    packages: Vec<Package>,
}

/// An installed package.
#[derive(Debug)]
pub struct Package {
    pub ecosystem: Ecosystem,
    /// Of Python packages the normal name.
    pub name: String,
    pub version: Option<String>,
    /// The directory that its ecosystem looks for it in; empty, or ends with `/`.
    pub site: String,
    /// Whether it is there for all, rather than within another package.
    pub shared: bool,
    /// Its files, as positions in the tree.
    pub entries: BTreeSet<usize>,
    /// What must be there to tell which files are its own, and isn't.
    lacks: Option<String>,
    /// Whether the function itself asks for it, as far as its tree tells.
    asked_for: bool,
    /// What it needs in any case, as positions.
    needs: BTreeSet<usize>,
    /// The same, with what it needs if somebody wants more of it, or hopes to find.
    may_need: BTreeSet<usize>,
}

impl Package {
    /// What was installed for its sake. npm installs what a package merely hopes to find; Python's installers don't.
    fn brings(&self) -> &BTreeSet<usize> {
        match self.ecosystem {
            Ecosystem::Python => &self.needs,
            Ecosystem::Node => &self.may_need,
        }
    }
}

impl Installed {
    pub fn of(tree: &Tree) -> Result<Self> {
        let mut packages = python(tree)?;
        let (first, of_node) = (packages.len(), node(tree)?);
        let shift = |positions: BTreeSet<usize>| positions.into_iter().map(|position| position + first).collect();
        packages.extend(of_node.into_iter().map(|package| Package {
            needs: shift(package.needs),
            may_need: shift(package.may_need),
            ..package
        }));
        Ok(Installed { packages })
    }

    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Those of this name that are there for all.
    pub fn named<'a>(&'a self, name: &'a PackageName) -> impl Iterator<Item = usize> + 'a {
        let packages = self.packages.iter().enumerate();
        let named = packages.filter(|(_, package)| package.shared && name.is_of(package.ecosystem, &package.name));
        named.map(|(position, _)| position)
    }

    /// What goes with these: them, and what only they need. `asked` are the names that the function itself asks for, where
    /// that is known; else nothing but what nobody needs counts as asked for.
    pub fn with_what_only_they_need(
        &self,
        named: &BTreeSet<usize>,
        asked: Option<&BTreeSet<String>>,
    ) -> BTreeSet<usize> {
        let needed: BTreeSet<usize> = self
            .packages
            .iter()
            .flat_map(|package| &package.may_need)
            .copied()
            .collect();
        let is_root = |position: &usize| {
            let package = &self.packages[*position];
            let is_asked_for = package.asked_for || asked.is_some_and(|asked| asked.contains(&package.name));
            (package.shared && is_asked_for) || !needed.contains(position)
        };
        let roots = (0..self.packages.len()).filter(|position| !named.contains(position) && is_root(position));
        let kept = self.reached(roots, |package| &package.may_need, named);
        let mut gone = self.reached(named.iter().copied(), Package::brings, &kept);
        gone.retain(|position| !kept.contains(position));
        gone
    }

    /// All that hangs on these, without what must not be passed.
    fn reached<'a>(
        &'a self,
        from: impl Iterator<Item = usize>,
        edges: impl Fn(&'a Package) -> &'a BTreeSet<usize>,
        barred: &BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<usize> = from.collect();
        while let Some(position) = open.pop() {
            if reached.insert(position) {
                let next = edges(&self.packages[position]).iter().copied();
                open.extend(next.filter(|position| !barred.contains(position)));
            }
        }
        reached
    }

    /// The files of these packages alone, as positions in the tree: what another one has too stays. Fails where one doesn't
    /// tell which files are its own.
    pub fn files_of(&self, gone: &BTreeSet<usize>) -> Result<BTreeSet<usize>> {
        if let Some(lacking) = gone.iter().find_map(|position| self.packages[*position].lacks.as_ref()) {
            return Err(Error::invalid(format!(
                "there is no `{lacking}`, so that nobody can tell which files are the package's own"
            ))
            .help("install the package again, with uv or pip"));
        }
        let of = |is_gone: bool| {
            let packages = self.packages.iter().enumerate();
            let packages = packages.filter(move |(position, _)| gone.contains(position) == is_gone);
            packages.flat_map(|(_, package)| package.entries.iter().copied())
        };
        let kept: BTreeSet<usize> = of(false).collect();
        Ok(of(true).filter(|entry| !kept.contains(entry)).collect())
    }

    /// These, and what stands within them.
    pub fn with_what_is_within(&self, outer: &BTreeSet<usize>) -> BTreeSet<usize> {
        let is_within = |package: &Package| {
            let mut outer = outer.iter().map(|position| &self.packages[*position]);
            outer.any(|outer| package.entries.is_subset(&outer.entries))
        };
        let packages = self.packages.iter().enumerate();
        let within = packages.filter(|(_, package)| !package.shared && is_within(package));
        within
            .map(|(position, _)| position)
            .chain(outer.iter().copied())
            .collect()
    }

    /// What stays and needs something that goes: pairs of names.
    pub fn missed(&self, gone: &BTreeSet<usize>) -> BTreeSet<(&str, &str)> {
        let packages = self.packages.iter().enumerate();
        let kept = packages.filter(|(position, _)| !gone.contains(position));
        kept.flat_map(|(_, package)| {
            let missed = package.needs.iter().filter(|needed| gone.contains(needed));
            missed.map(|needed| (package.name.as_str(), self.packages[*needed].name.as_str()))
        })
        .collect()
    }

    /// What these need and what stays nevertheless, because others need it: pairs of names.
    pub fn left_behind<'a>(&'a self, gone: &'a BTreeSet<usize>) -> BTreeSet<(&'a str, &'a str)> {
        gone.iter()
            .flat_map(|position| {
                let package = &self.packages[*position];
                let stay = package.needs.iter().filter(|needed| !gone.contains(needed));
                stay.map(|needed| (package.name.as_str(), self.packages[*needed].name.as_str()))
            })
            .collect()
    }
}

/// Every `*.dist-info` with a `RECORD` of its files:
/// <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>
fn python(tree: &Tree) -> Result<Vec<Package>> {
    let mut found = Vec::new();
    for entry in files_named(tree, METADATA) {
        let text = read(entry)?;
        let headers = Headers::of(&text);
        let directory = entry.path.trim_end_matches("/METADATA");
        let (site, file_name) = match directory.rfind('/') {
            Some(end) => directory.split_at(end + 1),
            None => ("", directory),
        };
        let name = headers
            .get("Name")
            .or_else(|| file_name.split('-').next())
            .unwrap_or_default();
        let (entries, lacks) = recorded(tree, directory, site)?;
        let requirements = headers.all("Requires-Dist");
        let requirements: Vec<(String, bool)> = requirements
            .map(|requirement| (required(requirement), requirement.contains("extra ==")))
            .collect();
        found.push((
            Package {
                ecosystem: Ecosystem::Python,
                name: normal(name),
                version: headers.get("Version").map(str::to_owned),
                site: site.to_owned(),
                shared: true,
                entries,
                lacks,
                // Installers mark so what they were asked for by name.
                asked_for: tree.find(&format!("{directory}/REQUESTED")).is_some(),
                needs: BTreeSet::new(),
                may_need: BTreeSet::new(),
            },
            requirements,
        ));
    }
    // A list of all that there is tells nothing about what was wanted.
    if found.iter().all(|(package, _)| package.asked_for) {
        found.iter_mut().for_each(|(package, _)| package.asked_for = false);
    }
    let places: BTreeMap<(String, String), usize> = found
        .iter()
        .enumerate()
        .map(|(position, (package, _))| ((package.site.clone(), package.name.clone()), position))
        .collect();
    let linked = found.into_iter().map(|(mut package, requirements)| {
        for (name, is_extra) in requirements {
            let Some(position) = places.get(&(package.site.clone(), name)) else {
                continue;
            };
            package.may_need.insert(*position);
            if !is_extra {
                package.needs.insert(*position);
            }
        }
        package
    });
    Ok(linked.collect())
}

/// The files that a package's `RECORD` lists, and all of its metadata.
fn recorded(tree: &Tree, directory: &str, site: &str) -> Result<(BTreeSet<usize>, Option<String>)> {
    let mut entries: BTreeSet<usize> = tree.positions_starting_with(&format!("{directory}/")).collect();
    let file = format!("{directory}/RECORD");
    let Some(record) = tree.find(&file) else {
        return Ok((entries, Some(file)));
    };
    let text = read(record)?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    for row in rows.records() {
        let row = row.map_err(|error| Error::invalid(format!("`{}`: {error}", record.path)))?;
        // Seen from a directory of its own, scripts stand two levels above: `../../bin/x`.
        let path = row.get(0).unwrap_or_default().trim_start_matches("../");
        entries.extend(tree.position(&format!("{site}{path}")));
    }
    Ok((entries, None))
}

/// Every package in a `node_modules`.
fn node(tree: &Tree) -> Result<Vec<Package>> {
    let mut places = BTreeMap::<&str, (usize, &TreeEntry)>::new();
    for entry in files_named(tree, "/package.json") {
        let place = entry.path.trim_end_matches("/package.json");
        if node::package_at(place).is_some() {
            places.insert(place, (places.len(), entry));
        }
    }
    // Inserted in the order of paths with `/package.json`, which isn't that of the places.
    for (position, (given, _)) in places.values_mut().enumerate() {
        *given = position;
    }
    // What stands within a package goes with it.
    let mut within = BTreeMap::<&str, BTreeSet<usize>>::new();
    for (place, (position, _)) in &places {
        if let Some(outer) = ancestors(place).find(|ancestor| places.contains_key(ancestor)) {
            within.entry(outer).or_default().insert(*position);
        }
    }
    let mut packages = Vec::new();
    for (place, (_, entry)) in &places {
        // Odd ones are packages nevertheless: they need nothing that anybody knows of.
        let manifest = json::parse(&entry.path, read(entry)?.as_bytes()).unwrap_or(Value::Null);
        let found = |keys: &[&str]| -> BTreeSet<usize> {
            let found = node::names(&manifest, keys).filter_map(|name| node::resolve(&places, place, name));
            found.map(|(position, _)| *position).collect()
        };
        let inner = within.remove(place).unwrap_or_default();
        // Any version will do of what a package leaves to others to provide.
        let needs = &found(&["dependencies", "optionalDependencies"]) | &inner;
        let may_need = &found(&NEEDS) | &inner;
        let name = node::package_at(place).expect("it was asked before");
        let site = &place[..place.len() - name.len()];
        packages.push(Package {
            ecosystem: Ecosystem::Node,
            name: name.to_owned(),
            version: manifest["version"].as_str().map(str::to_owned),
            site: site.to_owned(),
            shared: site.find(MODULES) == site.len().checked_sub(MODULES.len()),
            entries: tree.positions_starting_with(&format!("{place}/")).collect(),
            lacks: None,
            asked_for: is_asked_for(tree, site, name),
            may_need,
            needs,
        });
    }
    Ok(packages)
}

/// The directories that a path stands in, the nearest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(directory, _)| directory)).skip(1)
}

/// Whether the `package.json` beside `node_modules` names it.
fn is_asked_for(tree: &Tree, site: &str, name: &str) -> bool {
    let beside = format!("{}package.json", site.trim_end_matches(MODULES));
    let Some(entry) = tree.find(&beside) else { return false };
    let manifest = read(entry)
        .ok()
        .and_then(|text| json::parse::<Value>(&beside, text.as_bytes()).ok());
    manifest.is_some_and(|manifest| node::names(&manifest, &NEEDS).any(|asked| asked == name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::Meter;

    /// What goes with `from`, of these packages of npm: places, each with its `package.json`.
    fn gone(from: &str, manifest: &Value, packages: &[(&str, Value)]) -> Vec<String> {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("package.json"), manifest.to_string()).expect("written");
        for (place, manifest) in packages {
            let place = directory.path().join(place);
            fs::create_dir_all(&place).expect("made");
            fs::write(place.join("package.json"), manifest.to_string()).expect("written");
        }
        let tree = Tree::at(directory.path(), &Meter::default()).expect("a tree");
        let installed = Installed::of(&tree).expect("packages");
        let from = from.parse().expect("a name");
        let gone = installed.with_what_only_they_need(&installed.named(&from).collect(), None);
        let files = installed.files_of(&gone).expect("all tell their files").into_iter();
        let places = files.map(|position| {
            tree.entries()[position]
                .path
                .trim_end_matches("/package.json")
                .to_owned()
        });
        let mut places: Vec<String> = places.collect();
        places.sort();
        places
    }

    #[test]
    fn only_what_nothing_else_needs_goes() {
        let app = json!({"dependencies": {"a": "1", "d": "1", "e": "1"}});
        let packages = [
            (
                "node_modules/a",
                json!({"dependencies": {"b": "1", "c": "1", "d": "1"}, "peerDependencies": {"p": "1"}}),
            ),
            // A cycle that hangs on `a` alone.
            ("node_modules/b", json!({"dependencies": {"f": "1"}})),
            ("node_modules/f", json!({"dependencies": {"b": "1"}})),
            ("node_modules/c", json!({})),
            ("node_modules/d", json!({})),
            ("node_modules/e", json!({"peerDependencies": {"c": "1"}})),
            ("node_modules/p", json!({})),
            ("node_modules/a/node_modules/g", json!({})),
            ("node_modules/a/test/node_modules/h", json!({})),
            // Nothing tells why it is there.
            ("node_modules/z", json!({})),
        ];
        let within_a = [
            "node_modules/a",
            "node_modules/a/node_modules/g",
            "node_modules/a/test/node_modules/h",
        ];
        let others = ["node_modules/b", "node_modules/f", "node_modules/p"];
        assert_eq!(gone("a", &app, &packages), [&within_a[..], &others].concat());
        assert_eq!(gone("*", &json!({}), &packages).len(), packages.len());
        // A copy within another package is that one's own.
        assert_eq!(gone("g", &app, &packages), [""; 0]);
    }

    #[test]
    fn a_package_that_is_asked_for_stays() {
        let packages = [
            ("node_modules/@s/a", json!({"dependencies": {"b": "1"}})),
            ("node_modules/b", json!({})),
        ];
        assert_eq!(
            gone("@s/*", &json!({"dependencies": {"@s/a": "1"}}), &packages),
            ["node_modules/@s/a", "node_modules/b"]
        );
        let both = json!({"dependencies": {"@s/a": "1", "b": "1"}});
        assert_eq!(gone("@s/*", &both, &packages), ["node_modules/@s/a"]);
    }
}
