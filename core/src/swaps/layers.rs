//! Layers that hold what functions leave to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::apply::place;
use super::{AppliedSwap, Locked, Package, Packages, Swaps};
use crate::build::Ecosystem;
use crate::function::{Function, FunctionName, Selected};
use crate::source::Tree;
use crate::{Error, Result, collect_all, shorten};

/// A package that goes and that a layer must have instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What the swap means for whose sake it goes.
    from: String,
    layer: String,
    ecosystem: Ecosystem,
    name: String,
    version: Option<String>,
    /// Whether it is installed on some machines alone. What goes of what is installed is not.
    #[serde(skip)]
    conditional: bool,
}

impl Moved {
    fn of(swap: &AppliedSwap, layer: &FunctionName, package: &Package) -> Self {
        Moved {
            from: swap.from.to_string(),
            layer: layer.to_string(),
            ecosystem: package.ecosystem,
            name: package.name.clone(),
            version: package.version.clone(),
            conditional: package.conditional,
        }
    }

    /// The layer that must have it.
    pub(crate) fn layer(&self) -> &str {
        &self.layer
    }

    /// What it is called, and what the swap means for whose sake it goes.
    pub(crate) fn names(&self) -> (&str, &str) {
        (&self.name, &self.from)
    }
}

/// What a layer holds where functions find it, with the versions that it may have.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<(Ecosystem, String), BTreeSet<Option<String>>>);

impl Held {
    fn of(layer: &Tree) -> Result<Self> {
        let mut held = Held::default();
        let locked = Locked::of_tree(layer)?;
        let gone = layer.left_out_of_lock(&locked);
        locked
            .packages
            .shared()
            .filter(|package| !gone.contains(&package.place))
            .for_each(|it| held.add(it));
        let installed = Packages::of(layer)?;
        installed
            .shared()
            .filter(|package| package.is_found_in_a_layer())
            .for_each(|it| held.add(it));
        for (dependencies, _) in layer.swaps().iter().filter_map(|swap| swap.installs.as_ref()) {
            Locked::of(dependencies)?.packages.shared().for_each(|it| held.add(it));
        }
        Ok(held)
    }

    fn add(&mut self, package: &Package) {
        let versions = self.0.entry((package.ecosystem, package.name.clone())).or_default();
        versions.insert(package.version.clone());
    }

    /// Fails unless the layer has all of these. Returns warnings of other versions.
    fn check<'a>(
        &self,
        swap: &AppliedSwap,
        layer: &FunctionName,
        moved: impl Iterator<Item = &'a Moved>,
    ) -> Result<Vec<String>> {
        let (mut lacking, mut warnings) = (BTreeSet::new(), BTreeSet::new());
        for Moved {
            ecosystem,
            name,
            version,
            ..
        } in moved
        {
            let versions = self.0.get(&(*ecosystem, name.clone()));
            match (versions, version) {
                (None, _) => {
                    lacking.insert(name.as_str());
                }
                (Some(versions), Some(own)) if !versions.contains(version) && !versions.contains(&None) => {
                    let versions: Vec<&str> = versions.iter().flatten().map(String::as_str).collect();
                    warnings.insert(format!(
                        "{}: the layer holds `{name}` {}, in place of {own}",
                        place(&swap.from, &swap.to),
                        versions.join(" or ")
                    ));
                }
                (Some(_), _) => {}
            }
        }
        if lacking.is_empty() {
            return Ok(warnings.into_iter().collect());
        }
        let needed = match lacking.iter().all(|name| swap.names.contains(*name)) {
            true => String::new(),
            false => format!(", which only `{}` needs here", swap.from),
        };
        let lacking: Vec<&str> = lacking.into_iter().collect();
        Err(Error::invalid(format!(
            "the layer `{layer}` doesn't hold `{}`{needed}",
            shorten(&lacking.join("`, `"))
        ))
        .help(format!(
            "add it to what `{layer}` is made of, below `python` or `nodejs/node_modules` where functions look; or correct the swap's `to`"
        ))
        .within(place(&swap.from, &swap.to)))
    }
}

impl Swaps {
    /// What layers must have of what goes of these packages.
    pub(super) fn moved(&self, packages: &Packages, gone: &BTreeSet<usize>) -> Vec<Moved> {
        let applied = self.applied.iter();
        let to_layers = applied.filter_map(|swap| Some((swap, swap.to.layer()?)));
        let moved = to_layers.flat_map(|(swap, layer)| {
            let gone = self.of_one(swap, packages, gone).into_iter();
            let gone = gone.map(|position| &packages.all()[position]);
            gone.filter(|package| package.shared)
                .map(move |package| Moved::of(swap, layer, package))
        });
        moved.collect()
    }

    /// Fails unless layers have what was moved to them. Returns warnings of other versions.
    pub(crate) fn check_moved(&self, moved: &[Moved]) -> Result<Vec<String>> {
        let checked = self.applied.iter().map(|swap| match (swap.to.layer(), &swap.held) {
            (Some(layer), Some(held)) => {
                let is_for_it = |moved: &&Moved| moved.from == swap.from.as_str() && moved.layer == layer.as_str();
                held.check(swap, layer, moved.iter().filter(is_for_it))
            }
            _ => Ok(Vec::new()),
        });
        Ok(collect_all(checked)?.concat())
    }

    /// The same of what goes of the source, and of what its lock file installs everywhere. `held` is what layers have.
    fn check_layers(&mut self, locked: &Locked, held: &BTreeMap<FunctionName, Arc<Held>>) -> Result<Vec<String>> {
        for swap in &mut self.applied {
            swap.held = swap.to.layer().and_then(|layer| held.get(layer)).cloned();
        }
        let mut moved = self.moved(&locked.packages, &self.going(&locked.packages));
        moved.retain(|moved| !moved.conditional);
        moved.extend(self.moved.iter().cloned());
        self.check_moved(&moved)
    }
}

/// Fails where layers lack what swaps say that they have, as far as that is known before anything is installed, and tells the swaps
/// what they have. `functions` are all that are walked, each with its tree.
pub(crate) fn check_layers(functions: &[&Function], trees: &mut [Tree]) -> Result<()> {
    let mut held = BTreeMap::new();
    let named = trees.iter().flat_map(Tree::swaps).filter_map(|swap| swap.to.layer());
    for name in named.collect::<BTreeSet<_>>() {
        let layer = functions
            .iter()
            .zip(trees.iter())
            .find(|(function, _)| function.name == *name);
        let of_layer = layer.map(|(_, tree)| Held::of(tree)).transpose()?;
        held.insert(name.clone(), Arc::new(of_layer.unwrap_or_default()));
    }
    let checked = functions.iter().zip(trees).map(|(function, tree)| {
        if tree.swaps().iter().all(|swap| swap.to.layer().is_none()) {
            return Ok(());
        }
        let locked = Locked::of_tree(tree)?;
        let Some(swaps) = tree.swaps_mut() else { return Ok(()) };
        let checked = swaps.check_layers(&locked, &held);
        let warnings = checked.map_err(|error| error.within(format_args!("function `{}`", function.name)))?;
        tree.warnings.extend(warnings);
        Ok(())
    });
    collect_all(checked).map(drop)
}

/// Takes the layers from functions that a swap of theirs would need, where it applies to nothing that they have; and layers of
/// dependencies in which swaps leave nothing. `trees` are theirs, in the same order.
pub fn settle_layers(functions: &mut Selected<Function>, trees: &mut Vec<Tree>) -> Result<()> {
    let applied: BTreeSet<(FunctionName, FunctionName)> = functions
        .all()
        .zip(trees.iter())
        .flat_map(|(function, tree)| {
            let layers = tree.swaps().iter().filter_map(|swap| swap.to.layer());
            layers.map(|layer| (function.owner().clone(), layer.clone()))
        })
        .collect();
    let is_left = functions.all().zip(trees.iter()).map(|(function, tree)| {
        let is_superfluous = *function.owner() != function.name && leave_nothing(tree)?;
        Ok((function.name.clone(), !is_superfluous))
    });
    let is_left: BTreeMap<FunctionName, bool> = collect_all(is_left)?.into_iter().collect();
    for function in functions.all_mut() {
        for layer in std::mem::take(&mut function.layers_of_swaps) {
            if !applied.contains(&(function.name.clone(), layer.clone())) {
                function.remove_layer(&layer);
            }
        }
        let superfluous = is_left.iter().filter(|(_, is_left)| !**is_left);
        superfluous.for_each(|(layer, _)| function.remove_layer(layer));
    }
    let mut in_order = functions
        .all()
        .map(|function| is_left[&function.name])
        .collect::<Vec<_>>()
        .into_iter();
    trees.retain(|_| in_order.next().is_some_and(|is_left| is_left));
    functions.functions.retain(|function| is_left[&function.name]);
    functions.layers.retain(|function| is_left[&function.name]);
    Ok(())
}

/// Whether swaps leave nothing of what a lock file installs, which would be all that there is.
fn leave_nothing(tree: &Tree) -> Result<bool> {
    let installs = tree.swaps().iter().any(|swap| swap.installs.is_some());
    if tree.swaps().is_empty() || installs || !tree.entries().is_empty() || tree.asset_inputs().is_some() {
        return Ok(false);
    }
    let locked = Locked::of_tree(tree)?;
    let gone = tree.left_out_of_lock(&locked);
    Ok(locked
        .packages
        .all()
        .iter()
        .all(|package| gone.contains(&package.place)))
}
