//! The project as it was in a commit.

use std::path::{Path, PathBuf};

use lambda_pack_core::{Error, Result};
use tempfile::TempDir;

use crate::cli::Common;
use crate::git::WorkTree;
use crate::scratch;
use crate::settings::{Settings, canonical};

/// Writes a commit's files into a directory of their own. Returns the settings that stand in them, by its `lambda-pack.toml`, and
/// the directory, with which they go.
pub fn of(reference: &str, settings: &Settings, common: &Common) -> Result<(Settings, TempDir)> {
    let tree = WorkTree::of(&settings.config_dir, "without one there are no commits to compare with")?;
    let written = scratch::directory()?;
    tree.check_out(reference, written.path())?;
    let then = |now: &Path| -> Result<PathBuf> {
        let now = canonical(now)?;
        let inside = now.strip_prefix(&tree.top).map_err(|_outside| {
            Error::invalid(format!(
                "`{}` is not in the git repository `{}`",
                now.display(),
                tree.top.display()
            ))
        })?;
        Ok(written.path().join(inside))
    };
    let is_given = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| !path.as_os_str().is_empty());
    let common = Common {
        config_dir: Some(then(&settings.config_dir)?),
        code_dir: is_given(&common.code_dir)
            .then(|| then(&settings.code_dir))
            .transpose()?,
        // It knows nothing of these files, and need not.
        no_cache: true,
        ..common.clone()
    };
    Ok((Settings::resolve(&common, None, None)?, written))
}
