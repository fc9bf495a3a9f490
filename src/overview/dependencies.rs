//! The packages of others in a function's package: what its bill of materials says, and which files paths tell to be theirs.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::sbom::{Component, Owners, Sbom, versions};

use super::files::Files;
use super::model::{DependencyView, Listed};
use crate::packaging::Hashed;
use crate::store::Store;

/// Notes in the files whose they are.
pub fn of(hashed: &Hashed, files: &mut Files, is_stored: bool, store: &Store) -> Result<Vec<DependencyView>> {
    let mut rows = BTreeMap::<String, DependencyView>::new();
    let owners = Owners::of(files.files.iter().map(|file| file.path.as_str()));
    for owner in owners.all() {
        let row = row(&mut rows, &owner.name);
        add(&mut row.versions, owner.version.clone());
    }
    for file in &mut files.files {
        let Some(position) = owners.position(&file.path) else {
            continue;
        };
        let name = &owners.all()[position].name;
        let row = row(&mut rows, name);
        row.files += 1;
        row.size += file.size;
        file.dependency = Some(name.clone());
    }
    let Hashed {
        function,
        tree,
        manifest,
    } = hashed;
    let listed = match is_stored {
        _ if tree.is_whole() => Some(Sbom::of(tree, tree)?.components()),
        true => store.sbom(function.name.as_str(), &manifest.source_hash())?,
        false => None,
    };
    match listed {
        Some(components) => add_components(&mut rows, components),
        None if files.listed == Listed::Source => {
            for (name, version) in versions(tree)? {
                let row = row(&mut rows, &name);
                version
                    .split(", ")
                    .for_each(|version| add(&mut row.versions, Some(version.to_owned())));
            }
        }
        None => {}
    }
    Ok(rows.into_values().collect())
}

fn add_components(rows: &mut BTreeMap<String, DependencyView>, components: Vec<Component>) {
    for component in components {
        let row = row(rows, &component.owner_name());
        add(&mut row.versions, component.version);
        add(&mut row.purls, Some(component.purl));
        for license in component.licenses {
            add(&mut row.licenses, Some(license));
        }
    }
}

fn row<'a>(rows: &'a mut BTreeMap<String, DependencyView>, name: &str) -> &'a mut DependencyView {
    rows.entry(name.to_owned()).or_insert_with(|| DependencyView {
        name: name.to_owned(),
        ..DependencyView::default()
    })
}

/// In order, once each.
fn add(texts: &mut Vec<String>, text: Option<String>) {
    if let Some(text) = text
        && let Err(position) = texts.binary_search(&text)
    {
        texts.insert(position, text);
    }
}
