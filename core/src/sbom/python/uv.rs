//! `uv.lock`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::lock::{Archive, Lock, Locked, checksum};
use super::normal;
use super::requirement::{Requirement, wanted_extras};

impl Lock {
    /// Of what the projects in it reach by way of dependencies; the rest is for development, or for extras that nobody asked
    /// for.
    pub(super) fn of_uv(uv: UvLock) -> Self {
        let required: Vec<(String, Vec<Requirement>)> = uv.package.iter().map(UvPackage::requirements).collect();
        let wanted = wanted_extras(required.iter().map(|(name, needs)| (name.as_str(), needs.as_slice())));
        let mut lock = Lock::default();
        let (mut direct, mut certain) = (BTreeSet::new(), BTreeSet::new());
        for (package, (name, requirements)) in uv.package.into_iter().zip(required) {
            let wanted = || requirements.iter().filter(|it| it.is_wanted(&name, &wanted));
            let needs = wanted().map(|it| it.name.clone());
            let always = wanted().filter(|it| !it.conditional).map(|it| it.name.clone());
            if package.is_project() {
                direct.extend(needs);
                certain.extend(always);
                continue;
            }
            let locked = Locked {
                needs: needs.collect(),
                always: always.collect(),
                archives: package.archives(),
                version: package.version.unwrap_or_default(),
                conditional: false,
            };
            lock.packages.entry(name).or_default().push(locked);
        }
        let installed = lock.reached(&direct, |locked| &locked.needs);
        // What has a marker on each way to it is installed on some machines alone.
        let certain = lock.reached(&certain, |locked| &locked.always);
        lock.packages.retain(|name, _| installed.contains(name));
        for (name, locked) in &mut lock.packages {
            let is_conditional = locked.len() > 1 || !certain.contains(name);
            locked.iter_mut().for_each(|locked| locked.conditional = is_conditional);
        }
        lock.direct = Some(direct);
        lock
    }

    /// All that these names lead to.
    fn reached(&self, from: &BTreeSet<String>, by: impl Fn(&Locked) -> &BTreeSet<String>) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<String> = from.iter().cloned().collect();
        while let Some(name) = open.pop() {
            if reached.contains(&name) {
                continue;
            }
            let locked = self.packages.get(&name).into_iter().flatten();
            open.extend(locked.flat_map(|locked| by(locked).iter().cloned()));
            reached.insert(name);
        }
        reached
    }
}

/// `uv.lock`, as much of it as is asked for.
#[derive(Deserialize)]
pub(super) struct UvLock {
    #[serde(default)]
    package: Vec<UvPackage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UvPackage {
    name: String,
    version: Option<String>,
    #[serde(default)]
    source: UvSource,
    #[serde(default)]
    dependencies: Vec<UvDependency>,
    /// By extra.
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<UvDependency>>,
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
    #[serde(default)]
    extra: Vec<String>,
    marker: Option<String>,
}

impl UvPackage {
    fn is_project(&self) -> bool {
        self.source.r#virtual.is_some() || self.source.editable.is_some()
    }

    /// With its normal name.
    fn requirements(&self) -> (String, Vec<Requirement>) {
        let of = |dependency: &UvDependency, extra: Option<&String>| Requirement {
            name: normal(&dependency.name),
            extras: dependency.extra.iter().map(|extra| normal(extra)).collect(),
            for_extras: extra.map(|extra| BTreeSet::from([normal(extra)])),
            conditional: dependency.marker.is_some(),
        };
        let always = self.dependencies.iter().map(|dependency| of(dependency, None));
        let of_extras = self.optional_dependencies.iter();
        let of_extras = of_extras.flat_map(|(extra, needs)| needs.iter().map(move |needed| of(needed, Some(extra))));
        (normal(&self.name), always.chain(of_extras).collect())
    }

    fn archives(&self) -> Vec<Archive> {
        let wheels = self.wheels.iter().map(|wheel| (wheel, tags_of(wheel.file_name())));
        let files = wheels.chain(self.sdist.iter().map(|file| (file, None)));
        let archives = files.filter_map(|(file, tags)| {
            let checksum = checksum(file.hash.as_deref()?)?;
            Some(Archive { checksum, tags })
        });
        archives.collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_uv_lock_what_the_project_needs_to_run_is_listed() {
        let lock = r#"
[[package]]
name = "app"
source = { editable = "." }
dependencies = [{ name = "a", extra = ["x"] }]
[package.dev-dependencies]
dev = [{ name = "d" }]
[package.optional-dependencies]
more = [{ name = "d" }]
[[package]]
name = "a"
version = "1"
dependencies = [{ name = "B_c", marker = "sys_platform == 'linux'" }]
[package.optional-dependencies]
x = [{ name = "e" }]
y = [{ name = "d" }]
[[package]]
name = "b-c"
version = "2"
dependencies = [{ name = "a" }]
[[package]]
name = "d"
version = "3"
[[package]]
name = "e"
version = "4"
"#;
        let lock = Lock::of_uv(toml::from_str(lock).expect("a lock file"));
        let found: Vec<_> = lock.packages().collect();
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a", "b-c", "e"]);
        assert_eq!(found[0].1.needs, set(&["b-c", "e"]));
        assert_eq!(found[1].1.needs, set(&["a"]));
        let conditional: Vec<bool> = found.iter().map(|(_, locked)| locked.conditional).collect();
        assert_eq!(conditional, [false, true, false]);
        assert_eq!(lock.direct, Some(set(&["a"])));
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}
