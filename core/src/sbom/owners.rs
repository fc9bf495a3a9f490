//! Whose files are whose, as far as paths tell: of a package in a store nothing else is at hand.

use std::collections::BTreeMap;

use super::node::{MODULES, package_at};
use super::python::normal;

/// What installers of Python name the directory with a package's metadata: `requests-2.32.0.dist-info`.
/// <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>
const METADATA: &str = ".dist-info";
/// Shared libraries that wheels bring: `numpy.libs`, see <https://github.com/pypa/auditwheel>.
const LIBRARIES: &str = ".libs";

/// A package of others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// In npm the name of the directory; of Python packages the normal name.
    pub name: String,
    /// Where the path tells it.
    pub version: Option<String>,
}

/// The packages of others that these entry paths show.
#[derive(Debug, Default)]
pub struct Owners {
    owners: Vec<Owner>,
    /// Positions among the owners, by the directory that Python finds packages in, and their normal names.
    python: BTreeMap<String, BTreeMap<String, usize>>,
    /// The same by place: `node_modules/a`.
    node: BTreeMap<String, usize>,
}

impl Owners {
    pub fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut owners = Owners::default();
        for path in paths {
            if let Some(place) = path.strip_suffix("/package.json") {
                owners.add_node(place);
            } else if let Some(place) = path.strip_suffix("/METADATA") {
                owners.add_python(place);
            }
        }
        owners
    }

    fn add_node(&mut self, place: &str) {
        if let Some(name) = package_at(place) {
            self.owners.push(Owner {
                name: name.to_owned(),
                version: None,
            });
            self.node.insert(place.to_owned(), self.owners.len() - 1);
        }
    }

    fn add_python(&mut self, place: &str) {
        let (site, directory) = split(place);
        let Some((name, version)) = directory.strip_suffix(METADATA).and_then(|it| it.split_once('-')) else {
            return;
        };
        self.owners.push(Owner {
            name: normal(name),
            version: Some(version.to_owned()),
        });
        let of_site = self.python.entry(site.to_owned()).or_default();
        of_site.insert(normal(name), self.owners.len() - 1);
    }

    pub fn all(&self) -> &[Owner] {
        &self.owners
    }

    /// Whose file this is, as a position in [`Owners::all`]; `None` for the function's own, and for what paths don't tell: a
    /// Python package may put anything beside itself.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.in_node(path).or_else(|| self.in_python(path))
    }

    fn in_node(&self, path: &str) -> Option<usize> {
        let mut place = path;
        loop {
            // The innermost package.
            place = &place[..place.rfind('/')?];
            if let Some(position) = self.node.get(place) {
                return Some(*position);
            }
            if !place.contains(MODULES) {
                return None;
            }
        }
    }

    fn in_python(&self, path: &str) -> Option<usize> {
        self.python.iter().rev().find_map(|(site, names)| {
            let below = match site.as_str() {
                "" => path,
                site => path.strip_prefix(site)?.strip_prefix('/')?,
            };
            let first = below.split('/').next().unwrap_or(below);
            let name = match (first.strip_suffix(METADATA), first.strip_suffix(LIBRARIES)) {
                (Some(it), _) => it.split('-').next().unwrap_or(it),
                (_, Some(it)) => it,
                // A module of one file: `six.py`, or `_a.cpython-313-x86_64-linux-gnu.so`.
                _ if first == below => first.split('.').next().unwrap_or(first),
                _ => first,
            };
            names.get(&normal(name)).copied()
        })
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_whose_files_are_whose() {
        let paths = [
            ("app.py", None),
            ("requests/api.py", Some("requests")),
            ("requests-2.32.0.dist-info/METADATA", Some("requests")),
            ("requests-2.32.0.dist-info/RECORD", Some("requests")),
            ("ruamel.yaml.clib-0.2.dist-info/METADATA", Some("ruamel-yaml-clib")),
            ("Typing_Extensions-4.1.dist-info/METADATA", Some("typing-extensions")),
            ("typing_extensions.py", Some("typing-extensions")),
            ("numpy-2.0.dist-info/METADATA", Some("numpy")),
            ("numpy.libs/libblas.so", Some("numpy")),
            ("numpy/core.py", Some("numpy")),
            ("app/numpy/own.py", None),
            ("python/idna-3.7.dist-info/METADATA", Some("idna")),
            ("python/idna/core.py", Some("idna")),
            ("python/own.py", None),
            ("node_modules/a/package.json", Some("a")),
            ("node_modules/a/lib/x.js", Some("a")),
            ("node_modules/a/node_modules/@b/c/package.json", Some("@b/c")),
            ("node_modules/a/node_modules/@b/c/index.js", Some("@b/c")),
            ("node_modules/.package-lock.json", None),
            ("src/package.json", None),
        ];
        let owners = Owners::of(paths.iter().map(|(path, _)| *path));
        for (path, expected) in paths {
            let owner = owners.position(path).map(|position| &owners.all()[position]);
            assert_eq!(owner.map(|owner| owner.name.as_str()), expected, "{path}");
        }
        let versions = owners.all().iter().filter_map(|owner| owner.version.as_deref());
        assert_eq!(versions.collect::<Vec<_>>(), ["2.32.0", "0.2", "4.1", "2.0", "3.7"]);
    }
}
