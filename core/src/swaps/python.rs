//! Packages of Python: in a tree every `*.dist-info` with a `RECORD` of its files,
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>

use std::collections::{BTreeMap, BTreeSet};

use super::packages::{Needs, Package};
use crate::build::Ecosystem;
use crate::sbom::python::{Headers, Lock, METADATA, Requirement, normal, wanted_extras};
use crate::sbom::{files_named, read};
use crate::source::Tree;
use crate::{Error, Result};

pub(super) fn installed(tree: &Tree) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    let mut requirements = Vec::new();
    for entry in files_named(tree, METADATA) {
        let text = read(entry)?;
        let headers = Headers::of(&text);
        let directory = entry.path.trim_end_matches("/METADATA");
        let (site, file_name) = match directory.rfind('/') {
            Some(end) => directory.split_at(end + 1),
            None => ("", directory),
        };
        let name = headers.get("Name").or_else(|| file_name.split('-').next());
        let (entries, lacks) = recorded(tree, directory, site)?;
        requirements.push(headers.all("Requires-Dist").map(Requirement::parse).collect::<Vec<_>>());
        packages.push(Package {
            ecosystem: Ecosystem::Python,
            name: normal(name.unwrap_or_default()),
            version: headers.get("Version").map(str::to_owned),
            place: directory.to_owned(),
            site: site.to_owned(),
            shared: true,
            entries,
            lacks,
            // Installers mark so what they were asked for by name.
            asked_for: tree.find(&format!("{directory}/REQUESTED")).is_some(),
            conditional: false,
            needs: Needs::default(),
        });
    }
    let within = within(tree, &packages);
    within.keys().for_each(|position| packages[*position].shared = false);
    let sites: BTreeSet<String> = packages.iter().map(|package| package.site.clone()).collect();
    for site in sites {
        let mut of_site: Vec<&mut Package> = packages.iter_mut().filter(|package| package.site == site).collect();
        // A list of all that there is tells nothing about what was wanted.
        let tells = of_site.iter().any(|package| !package.asked_for);
        of_site
            .iter_mut()
            .for_each(|package| package.asked_for &= tells && package.shared);
    }
    let needs = needs(&packages, &requirements);
    for (package, needs) in packages.iter_mut().zip(needs) {
        package.needs = needs;
    }
    // What stands within a package goes with it.
    for (position, outer) in within {
        packages[outer].needs.add(position);
    }
    Ok(packages)
}

/// What stands among the files of another package, as copies that it brings for itself do; each with that one.
fn within(tree: &Tree, packages: &[Package]) -> BTreeMap<usize, usize> {
    let inner = packages.iter().enumerate().filter_map(|(position, package)| {
        let metadata = tree.position(&format!("{}/METADATA", package.place))?;
        let is_outer = |outer: &Package| outer.site != package.site && outer.entries.contains(&metadata);
        Some((position, packages.iter().position(is_outer)?))
    });
    inner.collect()
}

/// What each requires of those beside it; the rest is for other machines, or for extras that nobody asked for.
fn needs(packages: &[Package], requirements: &[Vec<Requirement>]) -> Vec<Needs> {
    let places: BTreeMap<(&str, &str), usize> = packages
        .iter()
        .enumerate()
        .map(|(position, package)| ((package.site.as_str(), package.name.as_str()), position))
        .collect();
    let named = packages.iter().zip(requirements);
    let wanted = wanted_extras(named.map(|(package, needs)| (package.name.as_str(), needs.as_slice())));
    let needs = packages
        .iter()
        .zip(requirements)
        .enumerate()
        .map(|(position, (package, requirements))| {
            let mut needs = Needs::default();
            for requirement in requirements {
                let found = places.get(&(package.site.as_str(), requirement.name.as_str()));
                match found.filter(|found| **found != position) {
                    None => {}
                    Some(found) if requirement.is_wanted(&package.name, &wanted) => needs.add(*found),
                    Some(found) => {
                        needs.at_most.insert(*found);
                    }
                }
            }
            needs
        });
    needs.collect()
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

/// What a lock file installs.
pub(super) fn locked(lock: &Lock) -> Vec<Package> {
    let mut positions = BTreeMap::<&str, Vec<usize>>::new();
    for (position, (name, _)) in lock.packages().enumerate() {
        positions.entry(name).or_default().push(position);
    }
    let packages = lock.packages().enumerate().map(|(position, (name, locked))| {
        let mut needs = Needs::default();
        let found = locked.needs.iter().filter_map(|needed| positions.get(needed.as_str()));
        found
            .flatten()
            .filter(|found| **found != position)
            .for_each(|found| needs.add(*found));
        Package {
            ecosystem: Ecosystem::Python,
            name: name.to_owned(),
            version: Some(locked.version.clone()),
            place: locked.place(name),
            site: String::new(),
            shared: true,
            entries: BTreeSet::new(),
            lacks: None,
            asked_for: lock.direct.as_ref().is_some_and(|direct| direct.contains(name)),
            conditional: locked.conditional,
            needs,
        }
    });
    packages.collect()
}
