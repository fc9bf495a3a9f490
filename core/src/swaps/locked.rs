//! What lock files install.

use std::collections::BTreeSet;

use serde_json::Value;

use super::packages::Packages;
use super::{node, python};
use crate::build::{Dependencies, Ecosystem, Recipe, Tool};
use crate::sbom::node::read_lock;
use crate::sbom::python::{Lock, normal};
use crate::source::Tree;
use crate::{Result, json};

/// What a lock file says of packages.
#[derive(Debug, Default)]
pub struct Locked {
    /// What it installs.
    pub packages: Packages,
    /// Whether it says what needs what, and what the project itself asks for.
    pub tells_needs: bool,
    /// Own names of packages that npm installs under others.
    aliased: BTreeSet<String>,
}

impl Locked {
    /// Of what a tree's package is made with.
    pub fn of_tree(tree: &Tree) -> Result<Self> {
        match tree.recipe() {
            Some(Recipe::Dependencies(dependencies, _)) => Self::of(dependencies),
            Some(Recipe::Output(output)) if matches!(output.tool, Tool::Bundle(_)) && !tree.is_whole() => {
                let text = output.read(tree, "package-lock.json")?;
                Ok(Self::of_package_lock(&json::parse(
                    "package-lock.json",
                    text.as_bytes(),
                )?))
            }
            Some(Recipe::Output(_)) | None => Ok(Locked::default()),
        }
    }

    pub fn of(dependencies: &Dependencies) -> Result<Self> {
        match dependencies.ecosystem {
            Ecosystem::Node => Ok(Self::of_package_lock(&read_lock(dependencies)?)),
            Ecosystem::Python => {
                let lock = Lock::read(dependencies)?;
                Ok(Locked {
                    packages: Packages(python::locked(&lock)),
                    tells_needs: lock.direct.is_some(),
                    aliased: BTreeSet::new(),
                })
            }
        }
    }

    fn of_package_lock(lock: &Value) -> Self {
        let entries = lock["packages"].as_object().into_iter().flatten();
        let aliased = entries.filter_map(|(_, entry)| entry["name"].as_str());
        Locked {
            packages: Packages(node::locked(lock)),
            tells_needs: true,
            aliased: aliased.map(str::to_owned).collect(),
        }
    }

    /// Whether it installs this.
    pub fn has(&self, ecosystem: Ecosystem, name: &str) -> bool {
        let mut packages = self.packages.shared();
        match ecosystem {
            Ecosystem::Python => packages.any(|package| package.name == normal(name)),
            Ecosystem::Node => packages.any(|package| package.name == name) || self.aliased.contains(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(lock: &Value) -> Vec<String> {
        let locked = Locked::of_package_lock(lock);
        locked.packages.shared().map(|package| package.name.clone()).collect()
    }

    #[test]
    fn what_is_for_development_or_within_others_is_not_there_for_all() {
        let lock = json!({"packages": {
            "": {"dependencies": {"a": "1"}},
            "node_modules/a": {}, "node_modules/@s/b": {}, "node_modules/d": {"dev": true},
            "node_modules/a/node_modules/c": {}, "lib": {}
        }});
        assert_eq!(names(&lock), ["@s/b", "a"]);
        let locked = Locked::of_package_lock(&lock);
        let asked = locked.packages.all().iter().filter(|package| package.asked_for);
        assert_eq!(
            asked.map(|package| &*package.place).collect::<Vec<_>>(),
            ["node_modules/a"]
        );
        let old =
            json!({"dependencies": {"a": {"requires": {"b": "1"}, "dependencies": {"b": {}}}, "d": {"dev": true}}});
        assert_eq!(names(&old), ["a"]);
        let places: Vec<String> = node::locked(&old).into_iter().map(|package| package.place).collect();
        assert_eq!(places, ["node_modules/a", "node_modules/a/node_modules/b"]);
    }

    #[test]
    fn what_a_part_of_the_project_needs_stays() {
        let lock = json!({"packages": {
            "": {"dependencies": {"a": "1", "lib": "1"}},
            "node_modules/a": {"dependencies": {"c": "1"}}, "node_modules/c": {},
            "node_modules/lib": {"resolved": "lib", "link": true}, "lib": {"dependencies": {"c": "1"}}
        }});
        let packages = Locked::of_package_lock(&lock).packages;
        let gone = packages.going_with(&packages.named(&"a".parse().expect("a name")).collect());
        assert_eq!(
            gone.into_iter()
                .map(|position| &*packages.all()[position].place)
                .collect::<Vec<_>>(),
            ["node_modules/a"]
        );
    }
}
