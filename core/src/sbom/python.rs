//! Python: what `*.dist-info` says of each package, and what `requirements.txt` or `uv.lock` says of its archives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;

use super::licenses::{self, License};
use super::{Checksum, Part, Sbom, files_named, package_url, read};
use crate::build::{Dependencies, requirements};
use crate::source::Tree;
use crate::{Error, Result};

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
        let needs: BTreeSet<String> = headers.all("Requires-Dist").map(required).collect();
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

/// What a lock file names: of `uv.lock`, what the project needs to run.
pub fn of_lock(dependencies: &Dependencies) -> Result<Sbom> {
    let file = &dependencies.lock;
    let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
    if dependencies.beside.is_some() {
        let lock = toml::from_str(&text);
        let lock = lock.map_err(|error| Error::invalid(format!("{}: {}", file.display(), error.message())))?;
        return reached(&lock);
    }
    let mut sbom = Sbom::default();
    for requirement in requirements(&text) {
        let name = normal(&requirement.name);
        let purl = package_url("pypi", None, &name, Some(&requirement.version))?;
        sbom.add(&purl, named(&name, Some(&requirement.version)));
    }
    Ok(sbom)
}

/// What the project in a `uv.lock` reaches by way of dependencies; the rest is for development, or for extras that nobody
/// asked for.
fn reached(lock: &UvLock) -> Result<Sbom> {
    let is_project = |package: &&UvPackage| package.source.r#virtual.is_some() || package.source.editable.is_some();
    let mut by_name = BTreeMap::<String, Vec<&UvPackage>>::new();
    for package in lock.package.iter().filter(|package| !is_project(package)) {
        by_name.entry(normal(&package.name)).or_default().push(package);
    }
    let url = |package: &UvPackage| package_url("pypi", None, &normal(&package.name), package.version.as_deref());
    // One that has markers may be there in several versions.
    let needs = |package: &UvPackage| -> Result<Vec<(String, &UvPackage)>> {
        let names = package.dependencies.iter().map(|dependency| normal(&dependency.name));
        let found = names.flat_map(|name| by_name.get(&name).into_iter().flatten().copied().collect::<Vec<_>>());
        found.map(|package| Ok((url(package)?, package))).collect()
    };
    let mut sbom = Sbom::default();
    let mut open = Vec::new();
    for project in lock.package.iter().filter(is_project) {
        open.extend(needs(project)?);
    }
    sbom.direct = Some(open.iter().map(|(purl, _)| purl.clone()).collect());
    while let Some((purl, package)) = open.pop() {
        if sbom.parts.contains_key(&purl) {
            continue;
        }
        let needed = needs(package)?;
        let mut part = named(&normal(&package.name), package.version.as_deref());
        part.needs = needed
            .iter()
            .map(|(purl, _)| purl.clone())
            .filter(|needed| *needed != purl)
            .collect();
        sbom.add(&purl, part);
        open.extend(needed);
    }
    Ok(sbom)
}

fn named(name: &str, version: Option<&str>) -> Part {
    Part {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        ..Part::default()
    }
}

/// <https://packaging.python.org/en/latest/specifications/name-normalization/>
pub(crate) fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// The normal name in `requests[socks]<3,>=2; extra == "http"`.
pub(crate) fn required(requirement: &str) -> String {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let end = requirement.find(|char| !is_part(char)).unwrap_or(requirement.len());
    normal(&requirement[..end])
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

/// What a lock file knows beyond what is installed.
#[derive(Default)]
pub(crate) struct Lock {
    /// By normal name; one that has markers may be there in several versions.
    packages: BTreeMap<String, Vec<Locked>>,
    /// Normal names that the project itself asks for.
    pub(crate) direct: Option<BTreeSet<String>>,
}

struct Locked {
    version: String,
    archives: Vec<Archive>,
}

struct Archive {
    checksum: Checksum,
    /// Of a wheel, if the lock file names it: <https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>
    tags: Option<BTreeSet<String>>,
}

impl Lock {
    pub(crate) fn read(dependencies: &Dependencies) -> Result<Self> {
        let file = &dependencies.lock;
        let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
        if dependencies.beside.is_none() {
            return Ok(Self::of_requirements(&text));
        }
        let lock = toml::from_str(&text);
        let lock = lock.map_err(|error| Error::invalid(format!("{}: {}", file.display(), error.message())))?;
        Ok(Self::of_uv(lock))
    }

    fn merge(locks: Vec<Self>) -> Self {
        let mut merged = Lock::default();
        // One that doesn't tell what was asked for makes all of it unknown.
        let is_known = !locks.is_empty() && locks.iter().all(|lock| lock.direct.is_some());
        merged.direct = is_known.then(|| locks.iter().flat_map(|lock| lock.direct.clone()).flatten().collect());
        for (name, mut locked) in locks.into_iter().flat_map(|lock| lock.packages) {
            merged.packages.entry(name).or_default().append(&mut locked);
        }
        merged
    }

    fn of_requirements(text: &str) -> Self {
        let mut lock = Lock::default();
        for requirement in requirements(text) {
            let digests = requirement.digests.iter().filter_map(|digest| checksum(digest));
            let archives = digests.map(|checksum| Archive { checksum, tags: None });
            let locked = Locked {
                version: requirement.version,
                archives: archives.collect(),
            };
            lock.packages.entry(normal(&requirement.name)).or_default().push(locked);
        }
        lock
    }

    fn of_uv(uv: UvLock) -> Self {
        let mut lock = Lock::default();
        for package in uv.package {
            let (wheels, source) = (package.wheels.iter(), package.sdist.iter());
            let wheels = wheels.map(|wheel| (wheel, tags_of(wheel.file_name())));
            let archives = wheels
                .chain(source.map(|file| (file, None)))
                .filter_map(|(file, tags)| {
                    let checksum = checksum(file.hash.as_deref()?)?;
                    Some(Archive { checksum, tags })
                });
            let locked = Locked {
                version: package.version.unwrap_or_default(),
                archives: archives.collect(),
            };
            lock.packages.entry(normal(&package.name)).or_default().push(locked);
            // The project itself.
            if package.source.r#virtual.is_some() || package.source.editable.is_some() {
                let names = package.dependencies.iter().map(|dependency| normal(&dependency.name));
                lock.direct.get_or_insert_default().extend(names);
            }
        }
        lock
    }

    /// Normal names of what it locks.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// Of the archive that was installed, if that is certain; else of all those that it may have been.
    fn checksums(
        &self,
        name: &str,
        version: Option<&str>,
        installed: &BTreeSet<String>,
    ) -> (BTreeSet<Checksum>, BTreeSet<Checksum>) {
        let locked = self.packages.get(name).map_or(&[][..], Vec::as_slice);
        let same = locked.iter().filter(|it| Some(it.version.as_str()) == version);
        let archives: Vec<&Archive> = same.flat_map(|locked| &locked.archives).collect();
        let fits = |archive: &&&Archive| archive.tags.as_ref().is_some_and(|tags| !tags.is_disjoint(installed));
        let fitting: Vec<&&Archive> = archives.iter().filter(fits).collect();
        match (fitting.as_slice(), archives.as_slice()) {
            ([one], _) => (BTreeSet::from([one.checksum.clone()]), BTreeSet::new()),
            (_, [one]) => (BTreeSet::from([one.checksum.clone()]), BTreeSet::new()),
            (_, many) => (
                BTreeSet::new(),
                many.iter().map(|archive| archive.checksum.clone()).collect(),
            ),
        }
    }
}

/// `sha256:…`
fn checksum(text: &str) -> Option<Checksum> {
    let (algorithm, digits) = text.split_once(':')?;
    Checksum::from_hex(algorithm, digits)
}

/// Every tag that a wheel's name stands for: `a-1-py2.py3-none-any.whl` is `py2-none-any` and `py3-none-any`.
fn tags_of(file_name: &str) -> Option<BTreeSet<String>> {
    let mut parts = file_name.strip_suffix(".whl")?.rsplitn(4, '-');
    let (platforms, abis, pythons) = (parts.next()?, parts.next()?, parts.next()?);
    let mut tags = BTreeSet::new();
    for python in pythons.split('.') {
        for abi in abis.split('.') {
            tags.extend(
                platforms
                    .split('.')
                    .map(|platform| format!("{python}-{abi}-{platform}")),
            );
        }
    }
    Some(tags)
}

/// `uv.lock`, as much of it as is asked for.
#[derive(Deserialize)]
struct UvLock {
    #[serde(default)]
    package: Vec<UvPackage>,
}

#[derive(Deserialize)]
struct UvPackage {
    name: String,
    version: Option<String>,
    #[serde(default)]
    source: UvSource,
    #[serde(default)]
    dependencies: Vec<UvDependency>,
    sdist: Option<UvFile>,
    #[serde(default)]
    wheels: Vec<UvFile>,
}

#[derive(Default, Deserialize)]
struct UvSource {
    r#virtual: Option<String>,
    editable: Option<String>,
}

#[derive(Deserialize)]
struct UvDependency {
    name: String,
}

#[derive(Deserialize)]
struct UvFile {
    url: Option<String>,
    path: Option<String>,
    filename: Option<String>,
    hash: Option<String>,
}

impl UvFile {
    fn file_name(&self) -> &str {
        let place = self.filename.as_ref().or(self.url.as_ref()).or(self.path.as_ref());
        place.map_or("", |place| place.rsplit('/').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UV: &str = r#"
version = 1
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "A_b" }]
[[package]]
name = "a-b"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://example.org/a_b-1.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000" }
wheels = [
    { url = "https://example.org/a_b-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", hash = "sha256:1111111111111111111111111111111111111111111111111111111111111111" },
    { url = "https://example.org/a_b-1.0-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", hash = "sha256:2222222222222222222222222222222222222222222222222222222222222222" },
]
"#;

    fn first_digits(checksums: &BTreeSet<Checksum>) -> String {
        checksums.iter().map(|checksum| &checksum.content[..1]).collect()
    }

    #[test]
    fn the_installed_wheel_tells_which_digest_is_its_own() {
        let lock = Lock::of_uv(toml::from_str(UV).expect("a lock file"));
        assert_eq!(lock.direct, Some(BTreeSet::from(["a-b".to_owned()])));
        for (version, tag, certain, possible) in [
            ("1.0", "cp313-cp313-manylinux2014_aarch64", "2", ""),
            ("1.0", "cp313-cp313-manylinux2014_x86_64", "1", ""),
            ("1.0", "cp312-cp312-manylinux2014_x86_64", "", "012"),
            ("2.0", "cp313-cp313-manylinux2014_x86_64", "", ""),
        ] {
            let (found, one_of) = lock.checksums("a-b", Some(version), &BTreeSet::from([tag.to_owned()]));
            assert_eq!(
                (&*first_digits(&found), &*first_digits(&one_of)),
                (certain, possible),
                "{tag}"
            );
        }
    }

    #[test]
    fn of_uv_lock_what_the_project_needs_to_run_is_listed() {
        let lock = r#"
[[package]]
name = "app"
source = { editable = "." }
dependencies = [{ name = "a" }]
[package.dev-dependencies]
dev = [{ name = "d" }]
[[package]]
name = "a"
version = "1"
dependencies = [{ name = "B_c", marker = "sys_platform == 'linux'" }]
[[package]]
name = "b-c"
version = "2"
dependencies = [{ name = "a" }]
[[package]]
name = "d"
version = "3"
"#;
        let sbom = reached(&toml::from_str(lock).expect("a lock file")).expect("packages");
        let [a, b] = ["pkg:pypi/a@1", "pkg:pypi/b-c@2"].map(str::to_owned);
        assert_eq!(sbom.parts.keys().collect::<Vec<_>>(), [&a, &b]);
        assert_eq!(sbom.parts[&a].needs, BTreeSet::from([b.clone()]));
        assert_eq!(sbom.parts[&b].needs, BTreeSet::from([a.clone()]));
        assert_eq!(sbom.direct, Some(BTreeSet::from([a])));
    }

    #[test]
    fn requirements_pin_archives_without_their_names() {
        let digits = |digit: &str| digit.repeat(64);
        let (one, two) = (digits("1"), digits("2"));
        let text = format!(
            "--index-url https://example.org/==\n\
            A.b[x]==1.0 ; python_version < '3.13' \\\n    --hash=sha256:{one} \\\n    --hash=sha256:{two}\n\
            c==2 --hash=sha256:{two} # via a\n"
        );
        let lock = Lock::of_requirements(&text);
        assert_eq!(lock.packages.len(), 2);
        let (found, one_of) = lock.checksums("a-b", Some("1.0"), &BTreeSet::new());
        assert_eq!(
            (first_digits(&found), first_digits(&one_of)),
            (String::new(), "12".to_owned())
        );
        let (found, one_of) = lock.checksums("c", Some("2"), &BTreeSet::new());
        assert_eq!(
            (first_digits(&found), first_digits(&one_of)),
            ("2".to_owned(), String::new())
        );
    }
}
