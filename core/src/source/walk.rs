//! The walk: which files of a directory are entries.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use globset::{GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;

use super::left_out::{self, Restored};
use super::{Content, TreeEntry, names};
use crate::function::{GlobText, Symlinks};
use crate::{Error, Result, collect_all};

/// Ignore file of our own: gitignore syntax, in any directory, no repository needed.
const IGNORE_FILE: &str = ".lambdaignore";

/// How one part of a source is read; the default is that of a plain path.
#[derive(Default)]
pub struct Options<'a> {
    pub include: Option<&'a [GlobText]>,
    pub exclude: &'a [GlobText],
    /// Empty, or ends with `/`.
    pub prefix: &'a str,
    pub symlinks: Symlinks,
    /// Links that are followed may not lead out of this directory, which is canonical.
    pub boundary: Option<&'a Path>,
    pub executable: Option<&'a [GlobText]>,
    pub gitignore: bool,
}

/// The entries below `root`, in no order, or the one entry of a single file. Every fault is reported.
pub fn walk(root: &Path, options: &Options) -> Result<Vec<TreeEntry>> {
    let metadata = fs::metadata(root).map_err(|cause| Error::input("read", root, cause))?;
    let rules = Arc::new(Rules::new(options)?);
    if metadata.is_dir() {
        return walk_directory(root, rules);
    }
    let Some(name) = root.file_name() else {
        return Err(Error::invalid(format!("`{}` has no file name", root.display())));
    };
    // A file that is named itself is meant, whatever its name: only its content and kind count.
    let entry = rules.file_entry(root, Path::new(name), &metadata)?;
    Ok(vec![entry])
}

fn walk_directory(root: &Path, rules: Arc<Rules>) -> Result<Vec<TreeEntry>> {
    // The walker takes a lone `-` for standard input.
    let walk_root = if root == Path::new("-") { Path::new("./-") } else { root };
    rules.check_ignore_files(walk_root)?;
    let gate = Gate {
        root: walk_root.to_owned(),
        rules: Arc::clone(&rules),
        refused: Arc::default(),
    };
    let refused = Arc::clone(&gate.refused);
    let walker = WalkBuilder::new(walk_root)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .git_ignore(rules.gitignore)
        .require_git(false)
        .follow_links(rules.symlinks == Symlinks::Follow)
        .filter_entry(move |entry| gate.lets_pass(entry))
        .build();
    let mut entries: Vec<Result<TreeEntry>> = walker
        .filter_map(|found| rules.entry(walk_root, found).transpose())
        .collect();
    let mut refused = refused.lock().expect("the walk does not panic");
    entries.extend(refused.drain(..).map(Err));
    collect_all(entries)
}

/// What is decided before the walk goes into a directory, or follows a link.
struct Gate {
    root: PathBuf,
    rules: Arc<Rules>,
    /// The walker takes no errors from its filter.
    refused: Arc<Mutex<Vec<Error>>>,
}

impl Gate {
    fn lets_pass(&self, entry: &ignore::DirEntry) -> bool {
        if entry.depth() == 0 {
            return true;
        }
        let name = entry.file_name().to_str().unwrap_or_default();
        if left_out::is_left_out(name) && !self.rules.restored.may_hold(name) {
            return false;
        }
        match self.look(entry) {
            Ok(passes) => passes,
            Err(error) => {
                self.refused.lock().expect("the walk does not panic").push(error);
                false
            }
        }
    }

    fn look(&self, entry: &ignore::DirEntry) -> Result<bool> {
        let path = entry.path();
        if entry.path_is_symlink() && self.rules.symlinks == Symlinks::Follow {
            let below = path.strip_prefix(&self.root).expect("the walk stays below its root");
            if self.rules.exclude.is_match(below) {
                return Ok(false);
            }
            self.rules.check_followed(path)?;
        }
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            self.rules.check_ignore_files(path)?;
        }
        Ok(true)
    }
}

/// Options in the form that each entry is held against.
struct Rules {
    include: Option<GlobSet>,
    exclude: GlobSet,
    restored: Restored,
    prefix: String,
    symlinks: Symlinks,
    boundary: Option<PathBuf>,
    executable: Option<GlobSet>,
    gitignore: bool,
}

impl Rules {
    fn new(options: &Options) -> Result<Self> {
        Ok(Rules {
            include: options.include.map(glob_set).transpose()?,
            exclude: glob_set(options.exclude)?,
            restored: Restored::new(options.include.unwrap_or_default()).map_err(bad_globs)?,
            prefix: options.prefix.to_owned(),
            symlinks: options.symlinks,
            boundary: options.boundary.map(Path::to_owned),
            executable: options.executable.map(glob_set).transpose()?,
            gitignore: options.gitignore,
        })
    }

    /// The walker passes over an ignore file that it can't read, and what it should have left out would be packed.
    fn check_ignore_files(&self, directory: &Path) -> Result<()> {
        let names = [Some(IGNORE_FILE), self.gitignore.then_some(".gitignore")];
        for file in names.into_iter().flatten().map(|name| directory.join(name)) {
            let metadata = match fs::symlink_metadata(&file) {
                Ok(metadata) => metadata,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(Error::input("read", &file, cause)),
            };
            if !metadata.is_file() {
                return Err(
                    Error::invalid(format!("the ignore file `{}` is no regular file", file.display()))
                        .help("make it a plain text file: what it says must not depend on the machine"),
                );
            }
            // Fails unless it is UTF-8.
            fs::read_to_string(&file)
                .map_err(|cause| Error::input("read", &file, cause).help("an ignore file is UTF-8 text"))?;
        }
        Ok(())
    }

    /// What the walk found, as an entry; `None` for directories and what is left out.
    fn entry(&self, root: &Path, found: Result<ignore::DirEntry, ignore::Error>) -> Result<Option<TreeEntry>> {
        let below = |path: &Path| path.strip_prefix(root).map(Path::to_owned);
        let found = match found {
            Ok(found) => found,
            Err(error)
                if path_of(&error)
                    .and_then(|path| below(path).ok())
                    .is_some_and(|path| !self.takes(&path)) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(Error::invalid(format!("cannot read the source tree: {error}"))
                    .help("mend or remove it, or leave it out with `exclude`"));
            }
        };
        if let Some(error) = found.error() {
            return Err(Error::invalid(format!("bad ignore file: {error}")).help("mend the pattern (gitignore syntax)"));
        }
        if found.depth() == 0 {
            return Ok(None);
        }
        let file = found.path();
        let metadata = found
            .metadata()
            .map_err(|error| Error::invalid(format!("cannot read `{}`: {error}", file.display())))?;
        let path = below(file).expect("the walk stays below its root");
        if metadata.is_dir() || !self.takes(&path) {
            return Ok(None);
        }
        self.file_entry(file, &path, &metadata).map(Some)
    }

    /// Whether the globs and the list of left-out names take this path. All see it before `prefix` is put in front.
    fn takes(&self, path: &Path) -> bool {
        self.restored.takes(path)
            && self.include.as_ref().is_none_or(|globs| globs.is_match(path))
            && !self.exclude.is_match(path)
    }

    fn file_entry(&self, file: &Path, path: &Path, metadata: &Metadata) -> Result<TreeEntry> {
        let refuse = |why: &str| {
            Err(Error::invalid(format!(
                "cannot pack {:?}: {why}",
                file.display().to_string()
            )))
        };
        let Some(text) = path.to_str() else {
            return refuse("its name is not UTF-8");
        };
        let path_in_archive = format!("{}{text}", self.prefix);
        if let Some(problem) = names::problem(&path_in_archive) {
            return refuse(problem);
        }
        let content = if metadata.is_symlink() {
            if self.symlinks == Symlinks::Error {
                return refuse("it is a symbolic link, and `symlinks` is `error`");
            }
            let target = fs::read_link(file).map_err(|cause| Error::input("read the link", file, cause))?;
            let Some(target) = target.to_str() else {
                return refuse("its target is not UTF-8");
            };
            if names::problem(target).is_some() {
                return refuse("its target holds a control character or a backslash");
            }
            Content::Symlink {
                target: target.to_owned(),
            }
        } else if metadata.is_file() {
            let executable = match &self.executable {
                Some(globs) => globs.is_match(path),
                None => owner_may_execute(metadata),
            };
            Content::File { executable }
        } else {
            return refuse("it is neither a file nor a directory nor a link (a FIFO, socket or device)");
        };
        Ok(TreeEntry {
            path: path_in_archive,
            file: file.to_owned(),
            content,
        })
    }

    /// A link that is followed must mean the same on every machine.
    fn check_followed(&self, link: &Path) -> Result<()> {
        let target = fs::read_link(link).map_err(|cause| Error::input("read the link", link, cause))?;
        let real: PathBuf = fs::canonicalize(link).map_err(|cause| Error::input("follow", link, cause))?;
        let outside = self
            .boundary
            .as_ref()
            .is_some_and(|boundary| !real.starts_with(boundary));
        if target.is_absolute() || outside {
            return Err(Error::invalid(format!(
                "the symbolic link `{}` -> `{}` {}",
                link.display(),
                target.display(),
                if target.is_absolute() {
                    "is absolute"
                } else {
                    "leads out of the code directory"
                }
            ))
            .help("make the link relative, to something below the code directory"));
        }
        Ok(())
    }
}

fn glob_set<'a>(globs: impl IntoIterator<Item = &'a GlobText>) -> Result<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob.glob().clone());
    }
    builder.build().map_err(bad_globs)
}

/// Each glob compiled alone; together they may still be too large.
fn bad_globs(error: globset::Error) -> Error {
    Error::invalid(format!("the globs of a source: {error}"))
}

/// The path that a walk error is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

#[cfg(unix)]
fn owner_may_execute(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

/// Windows has no such bit: definitions name what is executable.
#[cfg(not(unix))]
fn owner_may_execute(_: &Metadata) -> bool {
    false
}
