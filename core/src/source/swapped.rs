//! Trees without what swaps leave out, and with what they put in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::{Inputs, Origin, Stage, Tree, TreeEntry, walk, walk_built};
use crate::function::Function;
use crate::swaps::{AppliedSwap, Installed, Swaps};
use crate::{Error, Meter, Result};

impl Tree {
    /// The swaps that apply to it.
    pub fn swaps(&self) -> &[AppliedSwap] {
        self.inputs.swaps.as_ref().map_or(&[], |swaps| &swaps.applied)
    }

    /// This source with the swaps of its function that mean something in it, and without what they leave out.
    pub(super) fn swapped(self, function: &Function, code_dir: &Path) -> Result<Self> {
        let Some(swaps) = Swaps::of(function, &self, code_dir)? else {
            return Ok(self);
        };
        let (gone, warnings) = swaps.leave_out(&self)?;
        let inputs = Inputs {
            swaps: Some(Arc::new(swaps)),
            ..self.inputs.clone()
        };
        let mut swapped = self.without(&gone, inputs)?;
        swapped.warnings.extend(warnings);
        Ok(swapped)
    }

    /// This tree, with its dependencies installed, without what its swaps leave out, and with what was installed in place of it:
    /// a directory for each swap that installs something, in their order. The source hash stays. Some swap must apply.
    pub fn with_swaps(&self, installed: &[&Path], prefix: &str, meter: &Meter) -> Result<Self> {
        let swaps = self.inputs.swaps.as_ref().expect("some swap applies");
        let (mut gone, warnings) = swaps.leave_out(self)?;
        // What goes of the source went before it was hashed.
        gone.retain(|position| self.entries[*position].origin != Origin::Source);
        let mut swapped = self.without(&gone, self.inputs.clone())?;
        for directory in installed {
            swapped = swapped.with_others(directory, prefix, meter)?;
        }
        if swapped.entries.is_empty() {
            return Err(Error::invalid("its swaps leave nothing to pack")
                .help("leave it out of the profile, or of the swaps' `functions`"));
        }
        swapped.warnings.extend(warnings);
        swapped.stage = Stage::Package;
        Ok(swapped)
    }

    /// This tree without some of its entries, for comparison alone.
    pub(crate) fn without_entries(&self, gone: &BTreeSet<usize>) -> Result<Self> {
        let tree = self.without(gone, self.inputs.clone())?;
        Ok(Tree {
            stage: Stage::Package,
            ..tree
        })
    }

    fn without(&self, gone: &BTreeSet<usize>, inputs: Inputs) -> Result<Self> {
        let entries = self.entries.iter().enumerate();
        let kept = entries.filter(|(position, _)| !gone.contains(position));
        let kept: Vec<Arc<TreeEntry>> = kept.map(|(_, entry)| Arc::clone(entry)).collect();
        let mut tree = Self::merge(&[("the source", &kept)], inputs)?;
        tree.warnings.clone_from(&self.warnings);
        Ok(tree)
    }

    /// This tree with the packages in a directory. Those that it has already, in the same version, are taken once.
    fn with_others(&self, directory: &Path, prefix: &str, meter: &Meter) -> Result<Self> {
        let options = walk::Options {
            prefix,
            ..walk::Options::default()
        };
        let others = walk_built(directory, &options, Origin::Registry, meter)?;
        let others = Self::merge(&[("the swap", &others)], Inputs::default())?;
        let (here, there) = (Installed::of(self)?, Installed::of(&others)?);
        let packages = here.packages().iter().filter(|package| package.shared);
        let versions: BTreeMap<(&str, &str), Option<&str>> = packages
            .map(|package| {
                (
                    (package.site.as_str(), package.name.as_str()),
                    package.version.as_deref(),
                )
            })
            .collect();
        let mut twice = BTreeSet::new();
        for (position, package) in there.packages().iter().enumerate() {
            let known = versions.get(&(package.site.as_str(), package.name.as_str()));
            match known.filter(|_| package.shared) {
                None => {}
                Some(version) if *version == package.version.as_deref() => {
                    twice.insert(position);
                }
                Some(version) => {
                    return Err(Error::invalid(format!(
                        "`{}` is there in the versions {} (the function's) and {} (the swap's)",
                        package.name,
                        version.unwrap_or("unknown"),
                        package.version.as_deref().unwrap_or("unknown")
                    ))
                    .help("lock the same version in both lock files"));
                }
            }
        }
        let superfluous = there.files_of(&there.with_what_is_within(&twice))?;
        let entries = others.entries.iter().enumerate();
        let new = entries.filter(|(position, _)| !superfluous.contains(position));
        let new: Vec<Arc<TreeEntry>> = new.map(|(_, entry)| Arc::clone(entry)).collect();
        let parts = [("the function", self.entries.as_slice()), ("the swap", &new)];
        let mut tree = Self::merge(&parts, self.inputs.clone())?;
        tree.warnings.clone_from(&self.warnings);
        Ok(tree)
    }
}
