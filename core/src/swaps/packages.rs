//! Packages of others: what needs what, and what goes when some of them go. Nothing else decides that.

use std::collections::{BTreeMap, BTreeSet};

use super::{Locked, PackageName, node, python};
use crate::build::Ecosystem;
use crate::needs::{reached, roots};
use crate::source::Tree;
use crate::{Error, Result};

/// The packages of others in a tree, or those that a lock file names.
#[derive(Debug, Default)]
pub struct Packages(pub(super) Vec<Package>);

#[derive(Debug)]
pub struct Package {
    pub ecosystem: Ecosystem,
    /// Of Python packages the normal name.
    pub name: String,
    pub version: Option<String>,
    /// Where it is in the tree, or in the lock file.
    pub place: String,
    /// The directory that its ecosystem looks for it in; empty, or ends with `/`.
    pub site: String,
    /// Whether it is there for all, rather than within another package.
    pub shared: bool,
    /// Its files, as positions in the tree.
    pub entries: BTreeSet<usize>,
    /// What must be there to tell which files are its own, and isn't.
    pub(super) lacks: Option<String>,
    /// Whether the function itself asks for it, as far as the lock file or the tree tells.
    pub(super) asked_for: bool,
    /// Whether it is installed on some machines alone.
    pub(super) conditional: bool,
    pub(super) needs: Needs,
}

/// What a package needs, as positions. It doesn't need itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// In any case.
    pub always: BTreeSet<usize>,
    /// What was installed for its sake.
    pub brings: BTreeSet<usize>,
    /// With what it needs if somebody wants more of it, or hopes to find.
    pub at_most: BTreeSet<usize>,
}

impl Needs {
    pub(super) fn add(&mut self, needed: usize) {
        for positions in [&mut self.always, &mut self.brings, &mut self.at_most] {
            positions.insert(needed);
        }
    }

    pub(super) fn map(&self, to: impl Fn(usize) -> Option<usize>) -> Self {
        let map = |positions: &BTreeSet<usize>| positions.iter().filter_map(|position| to(*position)).collect();
        Needs {
            always: map(&self.always),
            brings: map(&self.brings),
            at_most: map(&self.at_most),
        }
    }
}

impl Package {
    /// Whether it is where runtimes look for what layers have:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html#packaging-layers-paths>
    pub fn is_found_in_a_layer(&self) -> bool {
        let site = self.site.trim_end_matches('/');
        let parts: Vec<&str> = site.split('/').collect();
        match (self.ecosystem, parts.as_slice()) {
            (Ecosystem::Python, ["python"]) => true,
            (Ecosystem::Python, ["python", "lib", version, "site-packages"]) => version.starts_with("python3."),
            (Ecosystem::Node, ["nodejs", "node_modules"]) => true,
            (Ecosystem::Node, ["nodejs", version, "node_modules"]) => version.starts_with("node"),
            _ => false,
        }
    }

    /// Whether both are the same, in whatever version.
    pub fn is_same(&self, other: &Self) -> bool {
        self.ecosystem == other.ecosystem && self.name == other.name
    }
}

impl Packages {
    /// Those in a tree; what its lock file says of them counts.
    pub fn of(tree: &Tree) -> Result<Self> {
        let mut packages = python::installed(tree)?;
        let first = packages.len();
        packages.extend(node::installed(tree)?.into_iter().map(|package| Package {
            needs: package.needs.map(|position| Some(position + first)),
            ..package
        }));
        let mut packages = Packages(packages);
        packages.heed(&Locked::of_tree(tree)?);
        Ok(packages)
    }

    /// What a lock file says of those that it installs: it knows what was asked for, and for which extras.
    fn heed(&mut self, locked: &Locked) {
        let places: BTreeMap<(&str, &str), usize> = self
            .0
            .iter()
            .enumerate()
            .map(|(position, package)| ((package.site.as_str(), package.name.as_str()), position))
            .collect();
        let heeded = self.0.iter().enumerate().filter(|(_, package)| package.shared);
        let heeded = heeded.filter_map(|(position, package)| {
            let known = locked.packages.shared().filter(|known| known.is_same(package));
            let known = known.max_by_key(|known| known.version == package.version)?;
            // npm's says no more than what it installs does itself.
            let needs = (package.ecosystem == Ecosystem::Python && locked.tells_needs).then(|| {
                let name = |known: usize| locked.packages.0[known].name.as_str();
                known
                    .needs
                    .map(|known| places.get(&(package.site.as_str(), name(known))).copied())
            });
            Some((position, known.asked_for, needs))
        });
        for (position, asked_for, needs) in heeded.collect::<Vec<_>>() {
            let package = &mut self.0[position];
            package.asked_for |= asked_for;
            package.needs = needs.unwrap_or_else(|| package.needs.clone());
        }
    }

    pub fn all(&self) -> &[Package] {
        &self.0
    }

    pub(super) fn shared(&self) -> impl Iterator<Item = &Package> {
        self.0.iter().filter(|package| package.shared)
    }

    /// Those of this name that are there for all.
    pub fn named<'a>(&'a self, name: &'a PackageName) -> impl Iterator<Item = usize> + 'a {
        let packages = self.0.iter().enumerate();
        let named = packages.filter(|(_, package)| package.shared && name.is_of(package.ecosystem, &package.name));
        named.map(|(position, _)| position)
    }

    /// What goes with these: them, and what was installed for their sake, but for what something that stays may need and what the
    /// function itself asks for.
    pub fn going_with(&self, named: &BTreeSet<usize>) -> BTreeSet<usize> {
        let asked: BTreeSet<usize> = self.positions(|package| package.asked_for).collect();
        let brought = self.brought_by(named, &asked);
        if brought == *named {
            return brought;
        }
        let at_most: Vec<BTreeSet<usize>> = self.0.iter().map(|package| package.needs.at_most.clone()).collect();
        // Of what stands in a circle with one of them nobody knows which was wanted, unless that is asked for.
        let circles = roots(&at_most).into_iter().filter(|root| root.is_disjoint(&asked));
        let stay = self.positions(|_| true).filter(|position| !brought.contains(position));
        let stay = stay
            .chain(circles.flatten())
            .filter(|position| !named.contains(position));
        let kept = reached(stay, |position| &at_most[position], named);
        brought.difference(&kept).copied().collect()
    }

    /// These, and what was installed for their sake, without passing what is barred.
    pub(super) fn brought_by(&self, named: &BTreeSet<usize>, barred: &BTreeSet<usize>) -> BTreeSet<usize> {
        reached(named.iter().copied(), |position| &self.0[position].needs.brings, barred)
    }

    fn positions(&self, of: impl Fn(&Package) -> bool) -> impl Iterator<Item = usize> {
        let packages = self.0.iter().enumerate();
        packages
            .filter(move |(_, package)| of(package))
            .map(|(position, _)| position)
    }

    /// The files of these packages alone, as positions in the tree: what another one has too stays. Fails where one doesn't
    /// tell which files are its own.
    pub fn files_of(&self, gone: &BTreeSet<usize>) -> Result<BTreeSet<usize>> {
        if let Some(lacking) = gone.iter().find_map(|position| self.0[*position].lacks.as_ref()) {
            return Err(Error::invalid(format!(
                "there is no `{lacking}`, so that nobody can tell which files are the package's own"
            ))
            .help("install the package again, with uv or pip"));
        }
        let of = |is_gone: bool| {
            let packages = self.0.iter().enumerate();
            let packages = packages.filter(move |(position, _)| gone.contains(position) == is_gone);
            packages.flat_map(|(_, package)| package.entries.iter().copied())
        };
        let kept: BTreeSet<usize> = of(false).collect();
        Ok(of(true).filter(|entry| !kept.contains(entry)).collect())
    }

    /// These, and what stands within them.
    pub fn with_what_is_within(&self, outer: &BTreeSet<usize>) -> BTreeSet<usize> {
        let is_within = |package: &Package| {
            let mut outer = outer.iter().map(|position| &self.0[*position]);
            outer.any(|outer| package.entries.is_subset(&outer.entries))
        };
        let within = self.positions(|package| !package.shared && is_within(package));
        within.chain(outer.iter().copied()).collect()
    }

    /// What stays and needs something that goes: pairs of names.
    pub fn missed(&self, gone: &BTreeSet<usize>) -> BTreeSet<(&str, &str)> {
        let packages = self.0.iter().enumerate();
        let kept = packages.filter(|(position, _)| !gone.contains(position));
        kept.flat_map(|(_, package)| {
            let missed = package.needs.always.iter().filter(|needed| gone.contains(needed));
            missed.map(|needed| (package.name.as_str(), self.0[*needed].name.as_str()))
        })
        .collect()
    }

    /// What these need and what stays nevertheless, because others need it: pairs of names.
    pub fn left_behind<'a>(&'a self, gone: &'a BTreeSet<usize>) -> BTreeSet<(&'a str, &'a str)> {
        gone.iter()
            .flat_map(|position| {
                let package = &self.0[*position];
                let stay = package.needs.always.iter().filter(|needed| !gone.contains(needed));
                stay.map(|needed| (package.name.as_str(), self.0[*needed].name.as_str()))
            })
            .collect()
    }
}
