//! The names that are left out of every source tree. The list is frozen as part of hash version 1: adding a name would
//! change the hash of existing trees.

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

/// Whether a glob spells out such a name, as `.venv/**` and `**/*.pyc` do and `**/*.py` doesn't: it then brings back
/// what it matches. A wide glob like `**` alone must not pull `.git` into a package.
pub fn is_named_by(glob: &GlobText) -> bool {
    glob.as_str().split('/').any(is_left_out)
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
    fn a_glob_must_spell_the_name() {
        let named = |glob: &str| is_named_by(&glob.parse().expect("a glob"));
        assert!(named(".venv/**") && named("**/*.pyc") && named("a/__pycache__/b"));
        assert!(!named("**") && !named("**/*.py") && !named("*"));
    }
}
