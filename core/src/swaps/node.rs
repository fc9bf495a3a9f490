//! Packages of npm: in a tree all that stands in a `node_modules`, where npm, yarn or pnpm put it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::packages::{Needs, Package};
use crate::build::Ecosystem;
use crate::sbom::node::{MODULES, NEEDS, names, package_at, resolve};
use crate::sbom::{files_named, read};
use crate::source::{Content, Tree};
use crate::{Result, json};

/// What stands at a place where Node.js looks for a package.
struct Module {
    /// Its `package.json`, or what a lock file says instead.
    manifest: Value,
    entries: BTreeSet<usize>,
    /// Of a link, the package's real place.
    leads_to: Option<String>,
    asked_for: bool,
}

pub(super) fn installed(tree: &Tree) -> Result<Vec<Package>> {
    let mut modules = BTreeMap::new();
    let mut asked = BTreeMap::new();
    for entry in files_named(tree, "/package.json") {
        let place = entry.path.trim_end_matches("/package.json");
        if package_at(place).is_none() {
            continue;
        }
        let entries = tree.positions_starting_with(&format!("{place}/")).collect();
        modules.insert(place.to_owned(), module(tree, place, entries, None, &mut asked)?);
    }
    // pnpm puts a link wherever a package may be found.
    for (position, entry) in tree.entries().iter().enumerate() {
        let Content::Symlink { target } = &entry.content else {
            continue;
        };
        let leads_to = led_to(&entry.path, target).filter(|place| modules.contains_key(place));
        if package_at(&entry.path).is_some() && !is_hoisted(&entry.path) && leads_to.is_some() {
            let module = module(tree, &entry.path, BTreeSet::from([position]), leads_to, &mut asked)?;
            modules.insert(entry.path.to_string(), module);
        }
    }
    Ok(packages(&modules))
}

fn module(
    tree: &Tree,
    place: &str,
    entries: BTreeSet<usize>,
    leads_to: Option<String>,
    asked: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<Module> {
    let site = &place[..place.rfind(MODULES).unwrap_or(0)];
    if !asked.contains_key(site) {
        asked.insert(site.to_owned(), asked_beside(tree, site)?);
    }
    let real = leads_to.as_deref().unwrap_or(place);
    Ok(Module {
        manifest: manifest(tree, &format!("{real}/package.json"))?,
        entries,
        leads_to,
        asked_for: package_at(place).is_some_and(|name| asked[site].contains(name)),
    })
}

/// Odd ones are packages nevertheless: they need nothing that anybody knows of.
fn manifest(tree: &Tree, path: &str) -> Result<Value> {
    let text = tree.find(path).map(read).transpose()?.unwrap_or_default();
    Ok(json::parse(path, text.as_bytes()).unwrap_or(Value::Null))
}

/// What the `package.json` beside `node_modules` names.
fn asked_beside(tree: &Tree, site: &str) -> Result<BTreeSet<String>> {
    let beside = manifest(tree, &format!("{site}package.json"))?;
    Ok(names(&beside, &NEEDS).map(str::to_owned).collect())
}

/// Where pnpm has a link to every package, for those that need what they don't name. That is no reason to keep one.
fn is_hoisted(place: &str) -> bool {
    place.contains(".pnpm/node_modules/")
}

/// Where a link leads, as its text says.
fn led_to(link: &str, target: &str) -> Option<String> {
    let mut place: Vec<&str> = link.split('/').collect();
    place.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                place.pop()?;
            }
            name => place.push(name),
        }
    }
    Some(place.join("/"))
}

/// What a `package-lock.json` installs.
pub(super) fn locked(lock: &Value) -> Vec<Package> {
    let asked: BTreeSet<&str> = names(&lock["packages"][""], &NEEDS).collect();
    let mut modules = BTreeMap::new();
    if let Some(tree) = lock["dependencies"].as_object().filter(|_| lock["packages"].is_null()) {
        add_version_1("", tree, &mut modules);
    }
    for (place, entry) in lock["packages"].as_object().into_iter().flatten() {
        // A link leads to a part of the project.
        let manifest = match entry["resolved"].as_str().filter(|_| entry["link"] == true) {
            Some(real) => &lock["packages"][real],
            None => entry,
        };
        let is_asked_for = place.strip_prefix(MODULES).is_some_and(|name| asked.contains(name));
        let module = Module::locked(manifest, is_asked_for);
        modules.insert(place.clone(), module);
    }
    modules.retain(|place, module| package_at(place).is_some() && module.manifest["dev"] != true);
    packages(&modules)
}

/// Version 1 has a tree of names in place of places.
fn add_version_1(above: &str, tree: &serde_json::Map<String, Value>, modules: &mut BTreeMap<String, Module>) {
    for (name, entry) in tree {
        let place = format!("{above}{MODULES}{name}");
        let mut manifest = entry.clone();
        manifest["dependencies"] = entry["requires"].clone();
        if let Some(inner) = entry["dependencies"].as_object() {
            add_version_1(&format!("{place}/"), inner, modules);
        }
        modules.insert(place, Module::locked(&manifest, false));
    }
}

impl Module {
    fn locked(manifest: &Value, asked_for: bool) -> Self {
        Module {
            manifest: manifest.clone(),
            entries: BTreeSet::new(),
            leads_to: None,
            asked_for,
        }
    }
}

fn packages(modules: &BTreeMap<String, Module>) -> Vec<Package> {
    let places: BTreeMap<&str, usize> = modules.keys().map(String::as_str).zip(0..).collect();
    // What stands within a package goes with it.
    let mut within = BTreeMap::<&str, Vec<usize>>::new();
    for (place, position) in &places {
        if let Some(outer) = ancestors(place).find(|ancestor| places.contains_key(ancestor)) {
            within.entry(outer).or_default().push(*position);
        }
    }
    let packages = modules.iter().map(|(place, module)| {
        let Module { manifest, leads_to, .. } = module;
        let name = package_at(place).expect("it was asked before");
        let site = &place[..place.len() - name.len()];
        let shared = site.find(MODULES) == site.len().checked_sub(MODULES.len());
        let mut needs = Needs::default();
        match leads_to {
            Some(real) => needs.add(places[real.as_str()]),
            None => add_needs(manifest, |name| resolve(&places, place, name).copied(), &mut needs),
        }
        within
            .remove(place.as_str())
            .into_iter()
            .flatten()
            .for_each(|inner| needs.add(inner));
        let is_for_some = |key: &str| !manifest[key].is_null();
        Package {
            ecosystem: Ecosystem::Node,
            name: name.to_owned(),
            version: manifest["version"].as_str().map(str::to_owned),
            place: place.clone(),
            site: site.to_owned(),
            shared,
            entries: module.entries.clone(),
            lacks: None,
            asked_for: module.asked_for && shared,
            conditional: manifest["optional"] == true || ["os", "cpu", "libc"].into_iter().any(is_for_some),
            needs,
        }
    });
    packages.collect()
}

fn add_needs(manifest: &Value, find: impl Fn(&str) -> Option<usize>, needs: &mut Needs) {
    let found = |keys: &'static [&str]| names(manifest, keys).filter_map(|name| Some((name, find(name)?)));
    found(&["dependencies", "optionalDependencies"]).for_each(|(_, needed)| needs.add(needed));
    // Any version will do of what a package leaves to others to provide, and npm installs it if nobody does.
    for (name, needed) in found(&["peerDependencies"]) {
        needs.at_most.insert(needed);
        if manifest["peerDependenciesMeta"][name]["optional"] != true {
            needs.brings.insert(needed);
        }
    }
}

/// The directories that a path stands in, the nearest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(directory, _)| directory)).skip(1)
}
