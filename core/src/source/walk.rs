//! The walk: which files of a directory are entries.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use globset::{GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;

use super::{Content, TreeEntry, left_out, names};
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
    let rules = Rules::new(options)?;
    if metadata.is_dir() {
        return walk_directory(root, &rules);
    }
    let Some(name) = root.file_name() else {
        return Err(Error::invalid(format!("`{}` has no file name", root.display())));
    };
    // A file that is named itself is meant, whatever its name: only its content and kind count.
    let entry = rules.file_entry(root, Path::new(name), &metadata)?;
    Ok(vec![entry])
}

fn walk_directory(root: &Path, rules: &Rules) -> Result<Vec<TreeEntry>> {
    // The walker takes a lone `-` for standard input.
    let walk_root = if root == Path::new("-") { Path::new("./-") } else { root };
    let restored = rules.restores_left_out;
    let walker = WalkBuilder::new(walk_root)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .git_ignore(rules.options.gitignore)
        .require_git(false)
        .follow_links(rules.options.symlinks == Symlinks::Follow)
        .filter_entry(move |entry| {
            entry.depth() == 0 || restored || !entry.file_name().to_str().is_some_and(left_out::is_left_out)
        })
        .build();
    let entries = walker.filter_map(|found| rules.entry(walk_root, found).transpose());
    collect_all(entries)
}

/// Options in the form that each entry is held against.
struct Rules<'a> {
    options: &'a Options<'a>,
    include: Option<GlobSet>,
    /// The globs of `include` that spell out a name which is left out otherwise.
    restore: GlobSet,
    restores_left_out: bool,
    exclude: GlobSet,
    executable: Option<GlobSet>,
}

impl<'a> Rules<'a> {
    fn new(options: &'a Options<'a>) -> Result<Self> {
        let include = options.include.unwrap_or_default();
        let restore: Vec<&GlobText> = include.iter().filter(|glob| left_out::is_named_by(glob)).collect();
        Ok(Rules {
            options,
            include: options.include.map(glob_set).transpose()?,
            restores_left_out: !restore.is_empty(),
            restore: glob_set(restore)?,
            exclude: glob_set(options.exclude)?,
            executable: options.executable.map(glob_set).transpose()?,
        })
    }

    /// What the walk found, as an entry; `None` for directories and what is left out.
    fn entry(&self, root: &Path, found: Result<ignore::DirEntry, ignore::Error>) -> Result<Option<TreeEntry>> {
        let found = found.map_err(|error| Error::invalid(format!("cannot read the source tree: {error}")))?;
        if let Some(error) = found.error() {
            return Err(Error::invalid(format!("bad ignore file: {error}")).help("mend the pattern (gitignore syntax)"));
        }
        let file = found.path();
        let metadata = found
            .metadata()
            .map_err(|error| Error::invalid(format!("cannot read `{}`: {error}", file.display())))?;
        if found.depth() == 0 {
            return Ok(None);
        }
        if found.path_is_symlink() && self.options.symlinks == Symlinks::Follow {
            self.check_followed(file)?;
        }
        let path = file.strip_prefix(root).expect("the walk stays below its root");
        if metadata.is_dir() || !self.takes(path) {
            return Ok(None);
        }
        self.file_entry(file, path, &metadata).map(Some)
    }

    /// Whether the globs and the list of left-out names take this path. All see it before `prefix` is put in front.
    fn takes(&self, path: &Path) -> bool {
        let left_out = path.iter().filter_map(OsStr::to_str).any(left_out::is_left_out);
        if left_out && !self.restore.is_match(path) {
            return false;
        }
        self.include.as_ref().is_none_or(|globs| globs.is_match(path)) && !self.exclude.is_match(path)
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
        if let Some(problem) = names::problem(text) {
            return refuse(problem);
        }
        let content = if metadata.is_symlink() {
            if self.options.symlinks == Symlinks::Error {
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
            path: format!("{}{text}", self.options.prefix),
            file: file.to_owned(),
            content,
        })
    }

    /// A link that is followed must mean the same on every machine.
    fn check_followed(&self, link: &Path) -> Result<()> {
        let target = fs::read_link(link).map_err(|cause| Error::input("read the link", link, cause))?;
        let real: PathBuf = fs::canonicalize(link).map_err(|cause| Error::input("follow", link, cause))?;
        let outside = self
            .options
            .boundary
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
    // Each glob compiled alone; together they may still be too large.
    builder
        .build()
        .map_err(|error| Error::invalid(format!("the globs of a source: {error}")))
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
