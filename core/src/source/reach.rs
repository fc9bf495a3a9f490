//! Which files decide a source, without reading them: the rules of the walk for one path at a time, so that they answer for
//! files that are gone, too.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ignores::{self, Ignores};
use super::resolve::Resolved;
use super::walk::{self, Options, Rules};
use super::{below, split_glob};
use crate::function::{GlobText, SourceSpec, Symlinks};
use crate::{Error, Result};

/// What a changed path is, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    File,
    /// A link; or nobody knows, because it is gone.
    Link,
    /// A directory with all that is in it.
    Tree,
}

impl Shape {
    /// What stands there now; `Link` if nothing does.
    pub fn of(path: &Path) -> Self {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Shape::Tree,
            Ok(metadata) if !metadata.is_symlink() => Shape::File,
            Ok(_) | Err(_) => Shape::Link,
        }
    }
}

/// What a part of a source reads.
pub(crate) struct Reach {
    /// Where it starts.
    start: Resolved,
    rules: Rules,
    /// Links within it that are followed.
    followed: Vec<Followed>,
    /// Ignore files by their directories below `root`.
    ignores: HashMap<PathBuf, Option<Arc<Ignores>>>,
}

struct Followed {
    /// Below `root`.
    path: PathBuf,
    resolved: Resolved,
}

impl Reach {
    /// `code_dir` is absolute, with the links that lead there.
    pub fn of(spec: &SourceSpec, code_dir: &Path) -> Result<Self> {
        Self::new(&code_dir.join(spec.path.as_str()), &Options::of(spec, code_dir))
    }

    /// What a build input names, of which what tools left isn't any.
    pub fn of_input(glob: &GlobText, left_by_tools: &BTreeSet<String>, code_dir: &Path) -> Result<Self> {
        let (start, include) = split_glob(glob)?;
        let options = Options {
            include: include.as_ref().map(std::slice::from_ref),
            exclude: &below(&start, left_by_tools),
            symlinks: Symlinks::Follow,
            ..Options::default()
        };
        Self::new(&code_dir.join(start.as_str()), &options)
    }

    fn new(root: &Path, options: &Options) -> Result<Self> {
        let mut reach = Reach {
            start: Resolved::of(root),
            rules: Rules::new(options)?,
            followed: Vec::new(),
            ignores: HashMap::new(),
        };
        if reach.rules.symlinks == Symlinks::Follow && reach.root().is_dir() {
            reach.followed = reach.follow()?;
        }
        Ok(reach)
    }

    fn root(&self) -> &Path {
        &self.start.path
    }

    /// Where it starts, and where the links that it follows lead. What matters to it is below one of them, or on the way there.
    pub fn places(&self) -> impl Iterator<Item = &Resolved> {
        let targets = self.followed.iter().map(|link| &link.resolved);
        [&self.start].into_iter().chain(targets)
    }

    /// Whether what was added, changed or removed there can change an entry. `changed` has no links above its last part.
    pub fn touches(&mut self, changed: &Path, shape: Shape) -> Result<bool> {
        if self.start.goes_by(changed) {
            return Ok(true);
        }
        let mut paths = Vec::new();
        if let Ok(below) = changed.strip_prefix(self.root()) {
            paths.push((below.to_owned(), shape));
        }
        for Followed { path, resolved } in &self.followed {
            if let Ok(below) = changed.strip_prefix(&resolved.path) {
                paths.push((path.join(below), shape));
            } else if resolved.goes_by(changed) {
                paths.push((path.clone(), Shape::Link));
            }
        }
        for (path, shape) in paths {
            if self.takes(&path, shape)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes from `root` down to a path below it, as the walk does.
    fn takes(&mut self, path: &Path, shape: Shape) -> Result<bool> {
        // What stands where it starts is no directory: nothing is known of what was below.
        if !self.root().is_dir() {
            return Ok(true);
        }
        let parts: Vec<_> = path.iter().collect();
        let mut directory = PathBuf::new();
        let mut entry = OsString::new();
        for (index, &name) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let is_ignore_file = name == ignores::OURS || (self.rules.gitignore && name == ignores::GITS);
            if is_last && is_ignore_file {
                return Ok(true);
            }
            if self.rules.passes_over(name) {
                return Ok(false);
            }
            let ignores = self.ignores_in(&directory)?;
            let file = self.root().join(&directory).join(name);
            let is_link = fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_symlink());
            entry = walk::below(&entry, name);
            let is_ignored = |is_directory| {
                ignores
                    .as_ref()
                    .is_some_and(|ignores| ignores.leave_out(&file, is_directory))
            };
            if is_last {
                let as_file = !is_ignored(false) && self.rules.takes(&entry);
                return Ok(match (shape, self.rules.symlinks) {
                    (Shape::File, _) | (Shape::Link, Symlinks::Preserve | Symlinks::Error) => as_file,
                    // To ignore files a link is no directory, wherever it leads.
                    (Shape::Link, Symlinks::Follow) => as_file || (!is_ignored(false) && self.enters(&entry, true)),
                    (Shape::Tree, _) => as_file || (!is_ignored(true) && self.enters(&entry, false)),
                });
            }
            if is_ignored(!is_link) || !self.enters(&entry, is_link) {
                return Ok(false);
            }
            directory.push(name);
        }
        // It is `root` itself.
        Ok(true)
    }

    /// Whether the walk reads what is in a directory, unless it is ignored.
    fn enters(&self, path: &OsStr, is_link: bool) -> bool {
        let is_followed = is_link && self.rules.symlinks == Symlinks::Follow;
        !(self.rules.excluded_trees.is_match(path) || is_followed && self.rules.exclude.is_match(path))
    }

    /// The ignore files that hold in a directory below `root`: its own, and those above.
    fn ignores_in(&mut self, directory: &Path) -> Result<Option<Arc<Ignores>>> {
        if let Some(known) = self.ignores.get(directory) {
            return Ok(known.clone());
        }
        let above = match directory.parent() {
            Some(parent) => self.ignores_in(parent)?,
            None => None,
        };
        let place = self.root().join(directory);
        // A link that isn't followed has taken the place of a directory whose ignore files are gone.
        let is_read = self.rules.symlinks == Symlinks::Follow || !place.is_symlink();
        let has = |name: &&str| is_read && fs::symlink_metadata(place.join(name)).is_ok();
        let ours = Some(ignores::OURS).filter(has);
        let gits = Some(ignores::GITS).filter(|name| self.rules.gitignore && has(name));
        let found = match (ours, gits) {
            (None, None) => above,
            _ => Some(Arc::new(Ignores::read(&place, ours, gits, above)?)),
        };
        self.ignores.insert(directory.to_owned(), found.clone());
        Ok(found)
    }

    /// The links below `root`, and below what they lead to.
    fn follow(&self) -> Result<Vec<Followed>> {
        let mut followed = Vec::new();
        // Each with the directories that led there.
        let mut open = vec![(PathBuf::new(), vec![self.root().to_owned()])];
        while let Some((path, above)) = open.pop() {
            let place = self.root().join(&path);
            let cannot_read = |cause| Error::input("read the directory", &place, cause);
            for entry in fs::read_dir(&place).map_err(cannot_read)? {
                let entry = entry.map_err(cannot_read)?;
                let below = path.join(entry.file_name());
                let name = entry.file_name();
                let excluded = self.rules.excluded_trees.is_match(&below);
                if excluded || self.rules.passes_over(&name) {
                    continue;
                }
                let kind = entry.file_type().map_err(cannot_read)?;
                if kind.is_symlink() {
                    let resolved = Resolved::of(&entry.path());
                    let real = resolved.path.clone();
                    followed.push(Followed {
                        path: below.clone(),
                        resolved,
                    });
                    // The walk refuses what leads back.
                    if real.is_dir() && !above.contains(&real) {
                        open.push((below, above.iter().cloned().chain([real]).collect()));
                    }
                } else if kind.is_dir() {
                    open.push((below, above.clone()));
                }
            }
        }
        Ok(followed)
    }
}
