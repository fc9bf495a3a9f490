//! Names and versions alone: what people compare.

use std::collections::{BTreeMap, BTreeSet};

use super::Sbom;
use crate::Result;
use crate::source::Tree;

/// By full name; of several versions all, with commas between them.
pub type Versions = BTreeMap<String, String>;

/// What the lock files of a source install, swaps and all. They alone are asked, so that it is known without a build, and the
/// same before and after it.
pub fn versions(source: &Tree) -> Result<Versions> {
    let in_place_of_others = source.swaps().iter().filter_map(|swap| swap.installs.as_ref());
    let in_place_of_others =
        in_place_of_others.map(|(dependencies, _)| Sbom::of_dependencies(dependencies, &BTreeSet::new()));
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for sbom in [Sbom::of_lock(source)].into_iter().chain(in_place_of_others) {
        for part in sbom?.parts.into_values() {
            let name = part.full_name();
            versions.entry(name).or_default().extend(part.version);
        }
    }
    let joined = versions.into_iter().map(|(name, versions)| {
        let versions: Vec<String> = versions.into_iter().collect();
        (name, versions.join(", "))
    });
    Ok(joined.collect())
}
