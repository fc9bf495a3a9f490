//! Directories that this tool writes to may not stand in what it packs: the package would contain itself.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::left_out;
use crate::disk::or_here;
use crate::{Error, Result};

/// What is written, and where.
pub struct Outputs(Vec<(&'static str, PathBuf)>);

impl Outputs {
    pub fn new<'a>(outputs: impl IntoIterator<Item = (&'static str, &'a Path)>) -> Self {
        let found = outputs.into_iter();
        Outputs(
            found
                .filter_map(|(what, path)| Some((what, existing_part(path)?)))
                .collect(),
        )
    }

    /// Fails if one of them is inside `root`, a canonical path, and not left out of what is packed.
    pub fn refuse_inside(&self, root: &Path) -> Result<()> {
        for (what, output) in &self.0 {
            let Ok(below) = output.strip_prefix(root) else {
                continue;
            };
            let left_out = below
                .iter()
                .any(|name| name.to_str().is_some_and(left_out::is_left_out));
            if !left_out {
                return Err(Error::invalid(format!(
                    "the {what} `{}` is inside its source `{}`",
                    output.display(),
                    root.display()
                ))
                .help(format!("choose another {what}, outside of the sources")));
            }
        }
        Ok(())
    }
}

/// `path` with its longest existing part canonical, so that a directory that is yet to be made can be compared.
pub fn existing_part(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        Some(normal(&fs::canonicalize(or_here(ancestor)).ok()?.join(rest)))
    })
}

/// Without `.`, and with `..` taken out, since the file need not be there.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.pop() => {}
            part => parts.push(part),
        }
    }
    parts
}
