//! Python: what `*.dist-info` says of each package, and what lock files say of its archives.

mod lock;
mod requirement;
mod uv;

use std::collections::{BTreeMap, BTreeSet};

use super::licenses::{self, License};
use super::{Checksum, Part, Sbom, files_named, package_url, read};
use crate::Result;
use crate::build::Dependencies;
use crate::source::Tree;

pub(crate) use lock::Lock;
pub(crate) use requirement::{Requirement, wanted_extras};

pub(crate) const METADATA: &str = ".dist-info/METADATA";

/// `dependencies` are what lock files named.
pub fn find(tree: &Tree, dependencies: &[&Dependencies]) -> Result<Sbom> {
    let locks: Result<Vec<Lock>> = dependencies.iter().map(|it| Lock::read(it)).collect();
    let lock = Lock::merge(locks?);
    let mut installed = Vec::new();
    for entry in files_named(tree, METADATA) {
        let headers = read(entry)?;
        let headers = Headers::of(&headers);
        let directory = entry.path.trim_end_matches("/METADATA");
        let (site, file_name) = directory.rsplit_once('/').unwrap_or(("", directory));
        let name = headers.get("Name").or_else(|| file_name.split('-').next());
        let name = name.unwrap_or_default().to_owned();
        let version = headers.get("Version").map(str::to_owned);
        let tags = match tree.find(&format!("{directory}/WHEEL")) {
            Some(wheel) => Headers::of(&read(wheel)?).all("Tag").map(str::to_owned).collect(),
            None => BTreeSet::new(),
        };
        let needs: BTreeSet<String> = headers
            .all("Requires-Dist")
            .map(Requirement::parse)
            .map(|it| it.name)
            .collect();
        let (checksums, one_of) = lock.checksums(&normal(&name), version.as_deref(), &tags);
        let part = Part {
            licenses: declared(&headers),
            group: None,
            name,
            version,
            checksums,
            one_of,
            needs: BTreeSet::new(),
        };
        let purl = package_url("pypi", None, &normal(&part.name), part.version.as_deref())?;
        installed.push((site.to_owned(), purl, part, needs));
    }
    // What a package requires and doesn't find beside itself is for other systems, or for extras that nobody asked for.
    let places: BTreeMap<(String, String), String> = installed
        .iter()
        .map(|(site, purl, part, _)| ((site.clone(), normal(&part.name)), purl.clone()))
        .collect();
    let mut sbom = Sbom::default();
    for (site, purl, mut part, needs) in installed {
        let found = needs.into_iter().filter_map(|name| places.get(&(site.clone(), name)));
        part.needs = found.filter(|needed| **needed != purl).cloned().collect();
        sbom.add(&purl, part);
    }
    sbom.direct = lock.direct.map(|direct| {
        let installed = places.iter().filter(|((_, name), _)| direct.contains(name));
        installed.map(|(_, purl)| purl.clone()).collect()
    });
    Ok(sbom)
}

/// What a lock file installs, without what stands at these places of it.
pub fn of_lock(dependencies: &Dependencies, gone: &BTreeSet<String>) -> Result<Sbom> {
    let lock = Lock::read(dependencies)?;
    let mut urls = BTreeMap::<&str, Vec<String>>::new();
    let mut kept = Vec::new();
    for (name, locked) in lock
        .packages()
        .filter(|(name, locked)| !gone.contains(&locked.place(name)))
    {
        let purl = package_url("pypi", None, name, Some(&locked.version))?;
        urls.entry(name).or_default().push(purl.clone());
        kept.push((purl, name, locked));
    }
    let mut sbom = Sbom::default();
    for (purl, name, locked) in kept {
        let needs = locked.needs.iter().filter_map(|needed| urls.get(needed.as_str()));
        let part = Part {
            name: name.to_owned(),
            version: Some(locked.version.clone()),
            needs: needs.flatten().filter(|needed| **needed != purl).cloned().collect(),
            ..Part::default()
        };
        sbom.add(&purl, part);
    }
    sbom.direct = lock.direct.as_ref().map(|direct| {
        let urls = direct.iter().filter_map(|name| urls.get(name.as_str()));
        urls.flatten().cloned().collect()
    });
    Ok(sbom)
}

/// <https://packaging.python.org/en/latest/specifications/name-normalization/>
pub(crate) fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Core metadata: headers like those of mail, <https://packaging.python.org/en/latest/specifications/core-metadata/>.
pub(crate) struct Headers<'a>(Vec<(&'a str, String)>);

impl<'a> Headers<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut headers: Vec<(&str, String)> = Vec::new();
        // The description follows an empty line.
        for line in text.lines().take_while(|line| !line.is_empty()) {
            match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
                (true, Some((_, value)), _) => {
                    value.push('\n');
                    value.push_str(line.trim());
                }
                (_, _, Some((name, value))) => headers.push((name, value.trim().to_owned())),
                _ => {}
            }
        }
        Headers(headers)
    }

    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let same = self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str())
    }

    pub(crate) fn get(&self, name: &'static str) -> Option<&str> {
        self.all(name)
            .next()
            .filter(|value| !value.is_empty() && *value != "UNKNOWN")
    }
}

/// `License` is free text; what is certain comes first.
fn declared(headers: &Headers) -> Vec<License> {
    let certain = headers.get("License-Expression").or_else(|| headers.get("License"));
    if let Some(license) = certain.and_then(licenses::spdx) {
        return vec![license];
    }
    let classified: Vec<License> = headers.all("Classifier").filter_map(licenses::of_classifier).collect();
    if !classified.is_empty() {
        return classified;
    }
    certain.and_then(licenses::named).into_iter().collect()
}
