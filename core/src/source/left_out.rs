//! The names that are left out of every source tree. The list is frozen as part of hash version 1: adding a name would
//! change the hash of existing trees.

use std::ffi::OsStr;

use globset::{Glob, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::function::GlobText;

/// Names of entries, at any depth, that nobody means to deploy.
const NAMES: [&str; 11] = [
    ".git",
    ".terragrunt-cache",
    ".terraform",
    ".lambda-pack",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".DS_Store",
    ".lambdaignore",
];

/// Whether an entry of this name is left out, with all below it.
pub fn is_left_out(name: &str) -> bool {
    NAMES.contains(&name)
        // `*.pyc` and `.terragrunt-*-manifest`
        || name.ends_with(".pyc")
        || (name.strip_prefix(".terragrunt-")).is_some_and(|rest| rest.ends_with("-manifest"))
}

/// The `include` globs that spell out names of the list, as `.venv/**` and `**/*.pyc` do and `**/*.py` doesn't. Each brings
/// back what it matches, as far as the names that it spells: `**` alone must not pull `.git` into a package, nor `.venv/**`
/// a `.git` within it.
pub struct Restored(Vec<(GlobMatcher, GlobSet)>);

impl Restored {
    pub fn new(include: &[GlobText]) -> Result<Self, globset::Error> {
        let mut restored = Vec::new();
        for glob in include {
            let mut names = GlobSetBuilder::new();
            let spelled: Vec<&str> = glob.as_str().split('/').filter(|part| is_left_out(part)).collect();
            for part in &spelled {
                names.add(Glob::new(part)?);
            }
            if !spelled.is_empty() {
                restored.push((glob.glob().compile_matcher(), names.build()?));
            }
        }
        Ok(Restored(restored))
    }

    /// Whether some glob may bring back entries below a directory of this name.
    pub fn may_hold(&self, name: &str) -> bool {
        self.0.iter().any(|(_, names)| names.is_match(name))
    }

    /// Whether every left-out name in this path is spelled by a glob that matches the path.
    pub fn takes(&self, path: &OsStr) -> bool {
        // No name of the list asks what the bytes are that aren't UTF-8.
        let text = path.to_string_lossy();
        let mut names = text.split('/').filter(|name| is_left_out(name));
        names.all(|name| (self.0.iter()).any(|(glob, names)| names.is_match(name) && glob.is_match(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frozen_list() {
        for name in [
            ".git",
            "x.pyc",
            ".pyc",
            ".terragrunt-source-manifest",
            ".terragrunt-module-manifest",
        ] {
            assert!(is_left_out(name), "{name}");
        }
        for name in [
            ".gitignore",
            ".github",
            "x.py",
            "venv",
            ".terragrunt-manifest",
            ".env",
            "node_modules",
        ] {
            assert!(!is_left_out(name), "{name}");
        }
    }

    #[test]
    fn a_glob_brings_back_only_the_names_that_it_spells() {
        let takes = |glob: &str, path: &str| {
            let globs = [glob.parse().expect("a glob")];
            Restored::new(&globs).expect("names").takes(path.as_ref())
        };
        assert!(takes(".venv/**", ".venv/bin/tool"));
        assert!(takes("**/*.pyc", "lib/x.pyc"));
        assert!(takes("__pycache__/*.pyc", "__pycache__/x.pyc"));
        assert!(
            takes("**", "plain") && takes(".venv/**", "plain"),
            "only left-out names need a glob"
        );
        assert!(!takes("**", ".git/HEAD") && !takes("**/*.py", ".venv/x.py"));
        assert!(!takes(".venv/**", ".venv/src/.git/config"));
        assert!(!takes(".venv/**", ".venv/__pycache__/x.pyc"));
    }
}
