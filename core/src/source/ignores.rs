//! Ignore files: gitignore syntax, in any directory of a tree, no repository needed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::{Error, Result};

/// Our own ignore file.
pub const OURS: &str = ".lambdaignore";
/// Git's, which counts only where a source says so.
pub const GITS: &str = ".gitignore";

/// The ignore files of a directory, and of those above it as far as the tree goes.
pub struct Ignores {
    ours: Option<Gitignore>,
    gits: Option<Gitignore>,
    above: Option<Arc<Ignores>>,
}

impl Ignores {
    /// Reads a directory's ignore files, of which those named are there.
    pub fn read(directory: &Path, ours: Option<&str>, gits: Option<&str>, above: Option<Arc<Ignores>>) -> Result<Self> {
        let read = |name: Option<&str>| name.map(|name| read(directory, name)).transpose();
        Ok(Ignores {
            ours: read(ours)?,
            gits: read(gits)?,
            above,
        })
    }

    /// Whether a file or directory is ignored. The nearest file that has something to say decides; what Git's files say
    /// counts only where ours say nothing.
    pub fn leave_out(&self, file: &Path, is_directory: bool) -> bool {
        let decision = |of: fn(&Ignores) -> Option<&Gitignore>| {
            let mut level = Some(self);
            while let Some(ignores) = level {
                let matched = of(ignores).map(|patterns| patterns.matched(file, is_directory));
                if let Some(matched) = matched.filter(|matched| !matched.is_none()) {
                    return Some(matched.is_ignore());
                }
                level = ignores.above.as_deref();
            }
            None
        };
        decision(|ignores| ignores.ours.as_ref())
            .or_else(|| decision(|ignores| ignores.gits.as_ref()))
            .unwrap_or(false)
    }
}

/// A file that can't be read, or understood, would let through what it should leave out: an error.
fn read(directory: &Path, name: &str) -> Result<Gitignore> {
    let file = directory.join(name);
    let metadata = fs::symlink_metadata(&file).map_err(|cause| Error::input("read", &file, cause))?;
    if !metadata.is_file() {
        return Err(
            Error::invalid(format!("the ignore file `{}` is no regular file", file.display()))
                .help("make it a plain text file: what it says must not depend on the machine"),
        );
    }
    // Fails unless it is UTF-8.
    let text = fs::read_to_string(&file)
        .map_err(|cause| Error::input("read", &file, cause).help("an ignore file is UTF-8 text"))?;
    let bad = |error| {
        Error::invalid(format!("bad ignore file `{}`: {error}", file.display()))
            .help("mend the pattern (gitignore syntax)")
    };
    let mut builder = GitignoreBuilder::new(directory);
    for line in text.trim_start_matches('\u{feff}').lines() {
        builder.add_line(None, line).map_err(bad)?;
    }
    builder.build().map_err(bad)
}
