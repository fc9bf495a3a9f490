//! Swaps that would make a package smaller, and are known to be safe.

use std::collections::BTreeSet;

use crate::Result;
use crate::function::{Definition, Function};
use crate::source::Tree;
use crate::swaps::{Installed, PackageName, Replacement, Sdk, has_any};

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
    let installed = Installed::of(tree)?;
    let mut swaps = Vec::new();
    swaps.extend(sdk(definition, &installed));
    swaps.extend(types(&installed));
    for (layer, of_layer) in layers {
        swaps.extend(held(&installed, layer, &Installed::of(of_layer)?));
    }
    let mut suggestions = Vec::new();
    for (from, to, impact, gone) in swaps {
        suggestions.push(Suggestion {
            from,
            to,
            impact,
            without: tree.without_entries(&installed.files_of(&gone)?)?,
        });
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
fn going(installed: &Installed, from: &PackageName) -> Option<BTreeSet<usize>> {
    let named: BTreeSet<usize> = installed.named(from).collect();
    let gone = installed.with_what_only_they_need(&named, None);
    (!named.is_empty() && installed.missed(&gone).is_empty()).then_some(gone)
}

/// The AWS SDK, which the runtime has. Where something that stays needs a part of it, its version matters.
fn sdk(definition: &Definition, installed: &Installed) -> Option<Found> {
    let runtime = definition.runtime.as_ref()?.as_str();
    let sdk = Sdk::of(runtime)?;
    let names = sdk
        .packages
        .iter()
        .map(|name| name.parse().expect("names that this program knows"));
    let names: Vec<PackageName> = names.collect();
    let from = names.iter().find(|name| installed.named(name).next().is_some())?;
    let gone = going(installed, from)?;
    let parts_stay = names
        .iter()
        .flat_map(|name| installed.named(name))
        .any(|part| !gone.contains(&part));
    if parts_stay && from.as_str() == "boto3" {
        return None;
    }
    let impact = format!("the function gets the version that {runtime} has, which AWS changes from time to time");
    Some((from.clone(), Replacement::Runtime, impact, gone))
}

/// Declarations of types, which nothing reads when it runs.
fn types(installed: &Installed) -> Option<Found> {
    let from: PackageName = "@types/*".parse().expect("a name");
    let named: BTreeSet<usize> = installed.named(&from).collect();
    if named.is_empty() {
        return None;
    }
    let gone = installed.with_what_only_they_need(&named, None);
    let impact = "TypeScript's declarations are read by compilers only".to_owned();
    Some((from, Replacement::Drop, impact, gone))
}

/// What a layer of the function has in the same version, with all that goes with it.
fn held(installed: &Installed, layer: &Function, of_layer: &Installed) -> Vec<Found> {
    let packages = installed.packages();
    let is_held = |position: usize| {
        let package = &packages[position];
        let same = |other: &&crate::swaps::Package| {
            other.shared && other.ecosystem == package.ecosystem && other.name == package.name
        };
        of_layer
            .packages()
            .iter()
            .find(same)
            .is_some_and(|other| other.version == package.version)
    };
    let candidates = (0..packages.len()).filter(|position| packages[*position].shared && is_held(*position));
    let candidates = candidates.filter_map(|position| {
        let from: PackageName = packages[position].name.parse().ok()?;
        let gone = going(installed, &from)?;
        let all_held = gone.iter().all(|gone| !packages[*gone].shared || is_held(*gone));
        all_held.then_some((from, gone))
    });
    let mut candidates: Vec<(PackageName, BTreeSet<usize>)> = candidates.collect();
    // What goes with another one needn't be named.
    let all = candidates.clone();
    candidates.retain(|(from, gone)| {
        !all.iter()
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
