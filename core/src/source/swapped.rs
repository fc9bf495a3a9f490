//! Trees without what swaps leave out, and with what they put in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::{Inputs, Origin, Stage, Tree, TreeEntry, links, walk, walk_built};
use crate::function::Function;
use crate::swaps::{AppliedSwap, Locked, Moved, Packages, Swaps};
use crate::{Error, Meter, Result};

impl Tree {
    /// The swaps that apply to it.
    pub fn swaps(&self) -> &[AppliedSwap] {
        self.inputs.swaps.as_ref().map_or(&[], |swaps| &swaps.applied)
    }

    /// What layers must have in place of what its swaps left out of it.
    pub(crate) fn moved(&self) -> &[Moved] {
        self.inputs.swaps.as_ref().map_or(&[], |swaps| &swaps.moved)
    }

    /// What the user should know of what its swaps left out of it. What depends on layers isn't among that.
    pub(crate) fn warnings_of_swaps(&self) -> &[String] {
        self.inputs.swaps.as_ref().map_or(&[], |swaps| &swaps.warnings)
    }

    /// Fails unless layers have what went of the package that is made of it. Returns warnings of other versions that they have.
    pub fn check_moved(&self, moved: &[Moved]) -> Result<Vec<String>> {
        let swaps = self.inputs.swaps.as_ref();
        swaps.map_or(Ok(Vec::new()), |swaps| swaps.check_moved(moved))
    }

    pub(crate) fn swaps_mut(&mut self) -> Option<&mut Swaps> {
        self.inputs.swaps.as_mut().map(Arc::make_mut)
    }

    /// Where in the lock file of its package that stands which its swaps leave out.
    pub(crate) fn left_out_of_lock(&self, locked: &Locked) -> BTreeSet<String> {
        let swaps = self.inputs.swaps.as_ref();
        swaps.map(|swaps| swaps.left_out_of_lock(locked)).unwrap_or_default()
    }

    /// This source with the swaps of its function that mean something in it, and without what they leave out.
    pub(super) fn swapped(self, function: &Function, code_dir: &Path) -> Result<Self> {
        let Some(mut swaps) = Swaps::of(function, &self, code_dir)? else {
            return Ok(self);
        };
        let left_out = swaps.leave_out_of_source(&self)?;
        let inputs = Inputs {
            swaps: Some(Arc::new(swaps)),
            ..self.inputs.clone()
        };
        let mut swapped = self.without(&left_out.entries, inputs)?;
        swapped.warnings.extend(left_out.warnings);
        swapped.notes.extend(left_out.notes);
        Ok(swapped)
    }

    /// This tree, with its dependencies installed, without what its swaps leave out, and with what was installed in place of it:
    /// a directory for each swap that installs something, in their order. The source hash stays. Some swap must apply.
    pub fn with_swaps(&self, installed: &[&Path], prefix: &str, meter: &Meter) -> Result<Self> {
        let mut swaps = Swaps::clone(self.inputs.swaps.as_ref().expect("some swap applies"));
        let mut left_out = swaps.leave_out_of_package(self)?;
        // What goes of the source went before it was hashed.
        left_out
            .entries
            .retain(|position| self.entries[*position].origin != Origin::Source);
        let of_layers = swaps.check_moved(&left_out.moved)?;
        let inputs = Inputs {
            swaps: Some(Arc::new(swaps)),
            ..self.inputs.clone()
        };
        let mut swapped = self.without(&left_out.entries, inputs)?;
        for directory in installed {
            swapped = swapped.with_others(directory, prefix, meter)?;
        }
        if swapped.entries.is_empty() {
            return Err(Error::invalid("its swaps leave nothing to pack")
                .help("leave it out of the profile, or of the swaps' `functions`"));
        }
        swapped.warnings.extend(left_out.warnings);
        swapped.warnings.extend(of_layers);
        swapped.notes.extend(left_out.notes);
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
        let mut kept: Vec<Arc<TreeEntry>> = kept.map(|(_, entry)| Arc::clone(entry)).collect();
        // Such links were made by installers, as those in `.bin`.
        let dangling = links::dangling(&kept);
        kept.retain(|entry| !(dangling.contains(&*entry.path) && is_installed(&entry.path)));
        let mut tree = Self::merge(&[("the source", &kept)], inputs)?;
        tree.warnings.clone_from(&self.warnings);
        tree.notes.clone_from(&self.notes);
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
        let (here, there) = (Packages::of(self)?, Packages::of(&others)?);
        let packages = here.all().iter().filter(|package| package.shared);
        let versions: BTreeMap<(&str, &str), Option<&str>> = packages
            .map(|package| {
                (
                    (package.site.as_str(), package.name.as_str()),
                    package.version.as_deref(),
                )
            })
            .collect();
        let mut twice = BTreeSet::new();
        for (position, package) in there.all().iter().enumerate() {
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
        tree.notes.clone_from(&self.notes);
        Ok(tree)
    }
}

/// Whether it stands where npm, yarn and pnpm put packages.
fn is_installed(path: &str) -> bool {
    path.split('/').any(|part| part == "node_modules")
}
