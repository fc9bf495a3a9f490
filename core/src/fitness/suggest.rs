//! Swaps that would make a package smaller, and are known to be safe.

use std::collections::BTreeSet;

use crate::function::{Definition, Function};
use crate::source::Tree;
use crate::swaps::{PackageName, Packages, Replacement, Sdk, has_any};
use crate::{ErrorKind, Result};

/// A swap that would make a package smaller.
#[derive(Debug)]
pub struct Suggestion {
    pub from: PackageName,
    pub to: Replacement,
    pub impact: String,
    /// The package without what would go.
    pub without: Tree,
}

/// The swaps that suit a function which is packed from `tree`. `layers` are those that it names, as they are packed.
pub fn suggest(definition: &Definition, tree: &Tree, layers: &[(&Function, &Tree)]) -> Result<Vec<Suggestion>> {
    let packages = Packages::of(tree)?;
    let mut swaps = Vec::new();
    swaps.extend(sdk(definition, &packages));
    swaps.extend(types(&packages));
    for (layer, of_layer) in layers {
        swaps.extend(held(&packages, layer, &Packages::of(of_layer)?));
    }
    let mut suggestions = Vec::new();
    for (from, to, impact, gone) in swaps {
        let without = packages.files_of(&gone).and_then(|files| tree.without_entries(&files));
        match without {
            Ok(without) => suggestions.push(Suggestion {
                from,
                to,
                impact,
                without,
            }),
            // What a profile couldn't do isn't suggested.
            Err(error) if error.kind() == ErrorKind::Invalid => {}
            Err(error) => return Err(error),
        }
    }
    suggestions.retain(|suggestion| suggestion.without.size() < tree.size());
    Ok(suggestions)
}

/// Whether [`suggest`] may find something, as far as the source and its lock file tell.
pub fn may_suggest(function: &Function, source: &Tree) -> Result<bool> {
    let names = ["@types/*"].into_iter();
    let runtime = function.definition.runtime.as_ref().map(|runtime| runtime.as_str());
    let of_runtime = runtime.and_then(Sdk::of).map_or(&[][..], |sdk| sdk.packages);
    let names = names.chain(of_runtime.iter().copied());
    let names: Vec<PackageName> = names
        .map(|name| name.parse().expect("names that this program knows"))
        .collect();
    Ok(has_any(source, &names)? || function.layer_names().next().is_some())
}

type Found = (PackageName, Replacement, String, BTreeSet<usize>);

/// What goes with all of this name, if nothing that stays needs any of it.
fn going(packages: &Packages, from: &PackageName) -> Option<BTreeSet<usize>> {
    let named: BTreeSet<usize> = packages.named(from).collect();
    let gone = packages.going_with(&named);
    (!named.is_empty() && packages.missed(&gone).is_empty()).then_some(gone)
}

/// The AWS SDK, which the runtime has. Where something that stays needs a part of it, its version matters.
fn sdk(definition: &Definition, packages: &Packages) -> Option<Found> {
    let runtime = definition.runtime.as_ref()?.as_str();
    let sdk = Sdk::of(runtime)?;
    let names = sdk
        .packages
        .iter()
        .map(|name| name.parse().expect("names that this program knows"));
    let names: Vec<PackageName> = names.collect();
    let from = names.iter().find(|name| packages.named(name).next().is_some())?;
    let gone = going(packages, from)?;
    let parts_stay = names
        .iter()
        .flat_map(|name| packages.named(name))
        .any(|part| !gone.contains(&part));
    if parts_stay && from.as_str() == "boto3" {
        return None;
    }
    let impact = format!("the function gets the version that {runtime} has, which AWS changes from time to time");
    Some((from.clone(), Replacement::Runtime, impact, gone))
}

/// Declarations of types, which nothing reads when it runs.
fn types(packages: &Packages) -> Option<Found> {
    let from: PackageName = "@types/*".parse().expect("a name");
    let named: BTreeSet<usize> = packages.named(&from).collect();
    if named.is_empty() {
        return None;
    }
    let gone = packages.going_with(&named);
    let impact = "TypeScript's declarations are read by compilers only".to_owned();
    Some((from, Replacement::Drop, impact, gone))
}

/// What a layer of the function has in the same version, with all that goes with it.
fn held(packages: &Packages, layer: &Function, of_layer: &Packages) -> Vec<Found> {
    let all = packages.all();
    let is_held = |position: usize| {
        let package = &all[position];
        let mut of_layer = of_layer
            .all()
            .iter()
            .filter(|other| other.shared && other.is_found_in_a_layer());
        let other = of_layer.find(|other| other.is_same(package));
        other.is_some_and(|other| other.version == package.version)
    };
    let candidates = (0..all.len()).filter(|position| all[*position].shared && is_held(*position));
    let candidates = candidates.filter_map(|position| {
        let from: PackageName = all[position].name.parse().ok()?;
        let gone = going(packages, &from)?;
        let all_held = gone.iter().all(|gone| !all[*gone].shared || is_held(*gone));
        all_held.then_some((from, gone))
    });
    let mut candidates: Vec<(PackageName, BTreeSet<usize>)> = candidates.collect();
    // What goes with another one needn't be named.
    let others = candidates.clone();
    candidates.retain(|(from, gone)| {
        !others
            .iter()
            .any(|(other, more)| other != from && gone.is_subset(more) && gone.len() < more.len())
    });
    let to = Replacement::Layer(layer.name.clone());
    let impact = format!(
        "the function takes it from its layer `{}`, in the same version",
        layer.name
    );
    candidates
        .into_iter()
        .map(|(from, gone)| (from, to.clone(), impact.clone(), gone))
        .collect()
}
