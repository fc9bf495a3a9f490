//! Bills of materials: which packages of others a function's package holds, as CycloneDX JSON. What is listed is what is
//! there, by the metadata that installers leave; the lock file adds digests and what the function itself asked for.

mod components;
mod document;
mod go;
mod licenses;
pub(crate) mod node;
mod owners;
pub(crate) mod python;
mod rust;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packageurl::PackageUrl;
use serde::Serialize;

use crate::build::{Dependencies, Ecosystem, Recipe, Tool};
use crate::needs::{reached, roots};
use crate::source::{Content, Tree, TreeEntry};
use crate::swaps::Locked;
use crate::{Error, Result};
use licenses::License;

pub use components::{Component, components};
pub use owners::{Owner, Owners};
pub use versions::{Versions, versions};

/// What the names of such files end with: <https://cyclonedx.org/specification/overview/#recognized-file-patterns>
pub const EXTENSION: &str = "cdx.json";

/// What a package holds of others.
#[derive(Debug, Default)]
pub struct Sbom {
    /// By package URL.
    parts: BTreeMap<String, Part>,
    /// What the function itself asks for, where that is known.
    direct: Option<BTreeSet<String>>,
}

/// A package of an ecosystem, in one version.
#[derive(Debug, Default)]
struct Part {
    group: Option<String>,
    name: String,
    version: Option<String>,
    licenses: Vec<License>,
    /// Of the archive that it was installed from.
    checksums: BTreeSet<Checksum>,
    /// The lock file allows several archives, and doesn't tell which of them this is.
    one_of: BTreeSet<Checksum>,
    /// Package URLs.
    needs: BTreeSet<String>,
}

/// As CycloneDX writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Checksum {
    alg: &'static str,
    /// Hex digits.
    content: String,
}

impl Part {
    /// With the group in front, as lock files have it.
    fn full_name(&self) -> String {
        match &self.group {
            Some(group) => format!("{group}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Sbom {
    /// Looks through what is packed, and at the lock file in the source of what doesn't tell any more what it was made of.
    pub fn of(tree: &Tree, source: &Tree) -> Result<Self> {
        let (dependencies, made) = match tree.recipe() {
            Some(Recipe::Dependencies(dependencies, _)) => (Some(dependencies), None),
            Some(Recipe::Output(output)) => (None, Some(output)),
            None => (None, None),
        };
        let of_swaps = tree.swaps().iter().filter_map(|swap| swap.installs.as_ref());
        let of_swaps = of_swaps.map(|(dependencies, _)| dependencies);
        let installed: Vec<&Dependencies> = dependencies.into_iter().chain(of_swaps).collect();
        let lock_of = |ecosystem| {
            let installed = installed.iter().copied();
            let locks: Vec<&Dependencies> = installed.filter(|it| it.ecosystem == ecosystem).collect();
            locks
        };
        let mut sbom = python::find(tree, &lock_of(Ecosystem::Python))?;
        let of_lock = match made.map(|output| &output.tool) {
            Some(Tool::Rust(_) | Tool::Bundle(_)) => Self::of_lock(source)?,
            Some(Tool::Go(_) | Tool::Command(_)) | None => Sbom::default(),
        };
        for found in [node::find(tree, &lock_of(Ecosystem::Node))?, go::find(tree)?, of_lock] {
            sbom.parts.extend(found.parts);
            sbom.direct = sbom.direct.or(found.direct);
        }
        Ok(sbom)
    }

    /// What lock files name, of what isn't installed yet, without what swaps leave out.
    pub(crate) fn of_lock(tree: &Tree) -> Result<Self> {
        let gone = || Ok(tree.left_out_of_lock(&Locked::of_tree(tree)?));
        match tree.recipe() {
            Some(Recipe::Dependencies(dependencies, _)) => Self::of_dependencies(dependencies, &gone()?),
            Some(Recipe::Output(output)) => match output.tool {
                Tool::Go(_) => go::of_lock(&output.read(tree, "go.sum")?),
                Tool::Rust(_) => rust::of_lock(&output.read(tree, "Cargo.lock")?),
                Tool::Bundle(_) => node::of_lock(&output.read(tree, "package-lock.json")?, &gone()?),
                Tool::Command(_) => Ok(Sbom::default()),
            },
            None => Ok(Sbom::default()),
        }
    }

    fn of_dependencies(dependencies: &Dependencies, gone: &BTreeSet<String>) -> Result<Self> {
        match dependencies.ecosystem {
            Ecosystem::Python => python::of_lock(dependencies, gone),
            Ecosystem::Node => {
                let file = &dependencies.lock;
                let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
                node::of_lock(&text, gone)
            }
        }
    }

    /// Package URL, full name, version, and package URLs of what it needs, of each package.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&str, String, Option<&str>, &BTreeSet<String>)> {
        let parts = self.parts.iter();
        parts.map(|(purl, part)| (purl.as_str(), part.full_name(), part.version.as_deref(), &part.needs))
    }

    /// Package URL of each package, with the digests in hex of the archive that it was installed from, by the names that in-toto
    /// has for algorithms.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, BTreeMap<String, String>)> {
        let parts = self.parts.iter();
        parts.map(|(purl, part)| {
            let digests = part.checksums.iter();
            let digests = digests.map(|it| (it.alg.replace('-', "").to_lowercase(), it.content.clone()));
            (purl.as_str(), digests.collect())
        })
    }

    /// Whether the package holds nothing of others.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// One part for each package URL, wherever and however often it is installed.
    fn add(&mut self, purl: &str, part: Part) {
        let known = self.parts.entry(purl.to_owned()).or_default();
        let licenses = std::mem::take(&mut known.licenses);
        *known = Part {
            licenses: if licenses.is_empty() { part.licenses } else { licenses },
            checksums: &known.checksums | &part.checksums,
            one_of: &known.one_of | &part.one_of,
            needs: &known.needs | &part.needs,
            ..part
        };
    }

    /// What stands right below the function in the graph: what it asks for, and what nothing needs that this leads to; of a circle
    /// the first, so that everything hangs together.
    pub(crate) fn top(&self) -> BTreeSet<&str> {
        let positions: BTreeMap<&str, usize> = self.parts.keys().map(String::as_str).zip(0..).collect();
        let of = |purls: &BTreeSet<String>| -> BTreeSet<usize> {
            let found = purls.iter().filter_map(|purl| positions.get(purl.as_str()));
            found.copied().collect()
        };
        let needs: Vec<BTreeSet<usize>> = self.parts.values().map(|part| of(&part.needs)).collect();
        let mut top = self.direct.as_ref().map(of).unwrap_or_default();
        let asked = reached(top.iter().copied(), |position| &needs[position], &BTreeSet::new());
        let others = roots(&needs).into_iter().filter(|root| root.is_disjoint(&asked));
        top.extend(others.filter_map(|root| root.first().copied()));
        let purls = positions.into_iter().filter(|(_, position)| top.contains(position));
        purls.map(|(purl, _)| purl).collect()
    }
}

impl Checksum {
    /// From `sha256` and hex digits.
    fn from_hex(algorithm: &str, digits: &str) -> Option<Self> {
        let content = hex::decode(digits).ok()?;
        Self::new(algorithm, &content)
    }

    /// From npm's form (Subresource Integrity): `sha512-` and base64.
    fn from_integrity(text: &str) -> Option<Self> {
        let (algorithm, digest) = text.split_once('-')?;
        Self::new(algorithm, &STANDARD.decode(digest).ok()?)
    }

    fn new(algorithm: &str, digest: &[u8]) -> Option<Self> {
        let (alg, bytes) = match algorithm {
            "sha1" => ("SHA-1", 20),
            "sha256" => ("SHA-256", 32),
            "sha384" => ("SHA-384", 48),
            "sha512" => ("SHA-512", 64),
            _ => return None,
        };
        (digest.len() == bytes).then(|| Checksum {
            alg,
            content: hex::encode(digest),
        })
    }
}

/// The package URL: <https://github.com/package-url/purl-spec>
fn package_url(kind: &str, group: Option<&str>, name: &str, version: Option<&str>) -> Result<String> {
    let url = || {
        let mut url = PackageUrl::new(kind, name)?;
        if let Some(group) = group {
            url.with_namespace(group)?;
        }
        if let Some(version) = version {
            url.with_version(version)?;
        }
        Ok(url.to_string())
    };
    url().map_err(|error: packageurl::Error| {
        Error::invalid(format!(
            "the package `{name}` has no package URL of type {kind}: {error}"
        ))
    })
}

/// The text of a file in the tree; what isn't UTF-8 is replaced, because metadata is written by anybody.
pub(crate) fn read(entry: &TreeEntry) -> Result<String> {
    let content = fs::read(&entry.file).map_err(|cause| Error::input("read", &entry.file, cause))?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// The files whose paths end so.
pub(crate) fn files_named<'a>(tree: &'a Tree, end: &'a str) -> impl Iterator<Item = &'a TreeEntry> {
    let entries = tree.entries().iter().map(AsRef::as_ref);
    entries.filter(move |entry: &&TreeEntry| entry.path.ends_with(end) && matches!(entry.content, Content::File { .. }))
}
