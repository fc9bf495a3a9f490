//! Ignore files: gitignore syntax, in any directory of a tree, no repository needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobSet, GlobSetBuilder};

use super::gitignore::Pattern;
use crate::{Error, Result};

/// Our own ignore file.
pub const OURS: &str = ".lambdaignore";
/// Git's, which counts only where a source says so.
pub const GITS: &str = ".gitignore";

/// The ignore files of a directory, and of those above it as far as the tree goes.
pub struct Ignores {
    ours: Option<Patterns>,
    gits: Option<Patterns>,
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
        let decision = |of: fn(&Ignores) -> Option<&Patterns>| {
            let mut level = Some(self);
            while let Some(ignores) = level {
                let decided = of(ignores).and_then(|patterns| patterns.decide(file, is_directory));
                if decided.is_some() {
                    return decided;
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

/// What one ignore file says.
struct Patterns {
    directory: PathBuf,
    globs: GlobSet,
    /// In the order of the globs, which is that of the lines.
    kinds: Vec<Kind>,
}

struct Kind {
    is_negated: bool,
    only_directories: bool,
}

impl Patterns {
    /// Whether it leaves out a file or directory, which is below its own; `None` if it says nothing of it.
    fn decide(&self, file: &Path, is_directory: bool) -> Option<bool> {
        let below = file.strip_prefix(&self.directory).unwrap_or(file);
        let matches = self.globs.matches(below).into_iter().rev();
        let mut kinds = matches.map(|index| &self.kinds[index]);
        let last = kinds.find(|kind| is_directory || !kind.only_directories)?;
        Some(!last.is_negated)
    }
}

/// A file that can't be read, or understood, would let through what it should leave out: an error.
fn read(directory: &Path, name: &str) -> Result<Patterns> {
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
    let bad = |place: &str, error: String| {
        Error::invalid(format!("bad ignore file `{}`{place}: {error}", file.display()))
            .help("mend the pattern (gitignore syntax)")
    };
    let mut globs = GlobSetBuilder::new();
    let mut kinds = Vec::new();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(&text).split('\n').enumerate() {
        let pattern = Pattern::of_line(line.strip_suffix('\r').unwrap_or(line));
        let Some(pattern) = pattern.map_err(|error| bad(&format!(":{}", index + 1), error))? else {
            continue;
        };
        globs.add(pattern.glob);
        kinds.push(Kind {
            is_negated: pattern.is_negated,
            only_directories: pattern.only_directories,
        });
    }
    Ok(Patterns {
        directory: directory.to_owned(),
        globs: globs.build().map_err(|error| bad("", error.to_string()))?,
        kinds,
    })
}
