//! What lock files name.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::build::{Dependencies, Ecosystem};
use crate::sbom::node::{self, NEEDS, read_lock};
use crate::sbom::python::{self, normal};
use crate::{Error, Result, json};

/// What a lock file says of packages; names are normal ones.
#[derive(Debug, Default)]
pub struct Locked {
    /// What it installs.
    pub names: BTreeSet<String>,
    /// What the project itself asks for, where the file tells.
    pub asked: Option<BTreeSet<String>>,
    /// Own names of packages that npm installs under others.
    aliased: BTreeSet<String>,
}

impl Locked {
    pub fn of(dependencies: &Dependencies) -> Result<Self> {
        match dependencies.ecosystem {
            Ecosystem::Node => Ok(Self::of_package_lock(&read_lock(dependencies)?)),
            Ecosystem::Python => {
                let lock = python::Lock::read(dependencies)?;
                let asked = match (&lock.direct, &dependencies.beside) {
                    (None, None) => {
                        let file = &dependencies.lock;
                        let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
                        asked_in_requirements(&text)
                    }
                    (direct, _) => direct.clone(),
                };
                Ok(Locked {
                    names: lock.names().map(str::to_owned).collect(),
                    asked,
                    aliased: BTreeSet::new(),
                })
            }
        }
    }

    /// Whether it installs this.
    pub fn has(&self, ecosystem: Ecosystem, name: &str) -> bool {
        match ecosystem {
            Ecosystem::Python => self.names.contains(&normal(name)),
            Ecosystem::Node => self.names.contains(name) || self.aliased.contains(name),
        }
    }

    /// Of the text of a `package-lock.json`.
    pub fn of_package_lock_text(text: &str) -> Result<Self> {
        Ok(Self::of_package_lock(&json::parse(
            "package-lock.json",
            text.as_bytes(),
        )?))
    }

    fn of_package_lock(lock: &Value) -> Self {
        let is_installed = |entry: &Value| entry["dev"] != true;
        // Version 1 has no places, but a tree of names.
        if let Some(tree) = lock["dependencies"].as_object().filter(|_| lock["packages"].is_null()) {
            let installed = tree.iter().filter(|(_, entry)| is_installed(entry));
            return Locked {
                names: installed.map(|(name, _)| name.clone()).collect(),
                ..Locked::default()
            };
        }
        let packages = lock["packages"].as_object();
        let installed = packages.into_iter().flatten().filter(|(_, entry)| is_installed(entry));
        let aliased = installed.clone().filter_map(|(_, entry)| entry["name"].as_str());
        let aliased = aliased.map(str::to_owned).collect();
        let shared = installed.filter_map(|(place, _)| {
            let name = node::package_at(place)?;
            (place.len() == node::MODULES.len() + name.len()).then(|| name.to_owned())
        });
        Locked {
            names: shared.collect(),
            asked: Some(node::names(&lock["packages"][""], &NEEDS).map(str::to_owned).collect()),
            aliased,
        }
    }
}

/// uv and pip-tools note below each requirement what asks for it: `# via -r requirements.in`, or one a line after `# via`.
/// `None` where there are no such notes.
fn asked_in_requirements(text: &str) -> Option<BTreeSet<String>> {
    let mut asked = BTreeSet::new();
    let mut has_notes = false;
    let mut requirement = None;
    for line in text.lines().map(str::trim) {
        let (before, note) = line.split_once('#').unwrap_or((line, ""));
        if let Some((name, _)) = before.split_once("==") {
            requirement = name.split(['[', ' ']).next().map(normal);
        }
        let note = note.trim();
        has_notes |= note == "via" || note.starts_with("via ");
        let by = note.trim_start_matches("via").trim_start();
        let by_a_file = by.starts_with("-r ") || by.ends_with("(pyproject.toml)") || by.ends_with("(setup.py)");
        if let Some(name) = requirement.as_ref().filter(|_| by_a_file) {
            asked.insert(name.clone());
        }
    }
    has_notes.then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_tell_what_was_asked_for() {
        let uv = "# made by: uv pip compile requirements.in\n\
            a==1 \\\n    --hash=sha256:00\n    # via\n    #   -r requirements.in\n    #   b\n\
            B_c[x]==1 --hash=sha256:00\n    # via -r requirements.in\n\
            d==1 --hash=sha256:00\n    # via a\n\
            e==1 --hash=sha256:00\n    # via app (pyproject.toml)\n";
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<String>>()
        };
        assert_eq!(asked_in_requirements(uv), Some(names(&["a", "b-c", "e"])));
        assert_eq!(asked_in_requirements("a==1 --hash=sha256:00\n"), None);
    }

    #[test]
    fn what_is_for_development_or_within_others_is_not_there_for_all() {
        let lock = r#"{"packages": {
            "": {"dependencies": {"a": "1"}},
            "node_modules/a": {}, "node_modules/@s/b": {}, "node_modules/d": {"dev": true},
            "node_modules/a/node_modules/c": {}, "lib": {}
        }}"#;
        let locked = Locked::of_package_lock_text(lock).expect("a lock file");
        assert_eq!(locked.names, BTreeSet::from(["@s/b".to_owned(), "a".to_owned()]));
        assert_eq!(locked.asked, Some(BTreeSet::from(["a".to_owned()])));
        let old = r#"{"dependencies": {"a": {"dependencies": {"b": {}}}, "d": {"dev": true}}}"#;
        let locked = Locked::of_package_lock_text(old).expect("a lock file");
        assert_eq!(locked.names, BTreeSet::from(["a".to_owned()]));
    }
}
