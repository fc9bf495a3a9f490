//! The walk: which files of a directory are entries. Directories are read in parallel.

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use globset::{GlobSet, GlobSetBuilder};
use rayon::Scope;
use rayon::slice::ParallelSliceMut;

use super::ignores::{self, Ignores};
use super::left_out::{self, Restored};
use super::stat::{FileStat, Identity};
use super::{Content, TreeEntry, names};
use crate::disk::is_executable;
use crate::function::{GlobText, SourceSpec, Symlinks};
use crate::{Error, ErrorKind, Meter, Result};

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
    /// Take what sources leave out, by name or by ignore files: an archive was meant as it is.
    pub everything: bool,
}

impl<'a> Options<'a> {
    pub fn of(spec: &'a SourceSpec, boundary: &'a Path) -> Self {
        Options {
            include: spec.include.as_deref(),
            exclude: &spec.exclude,
            prefix: spec.prefix.as_ref().map_or("", |prefix| prefix.as_str()),
            symlinks: spec.symlinks,
            boundary: Some(boundary),
            executable: spec.executable.as_deref(),
            gitignore: spec.gitignore,
            everything: false,
        }
    }
}

/// The entries below `root`, sorted by the bytes of their paths, or the one entry of a single file. Every fault is
/// reported.
pub fn walk(root: &Path, options: &Options, meter: &Meter) -> Result<Vec<TreeEntry>> {
    let metadata = fs::metadata(root).map_err(|cause| Error::input("read", root, cause))?;
    walk_known(root, &metadata, options, meter)
}

/// The same of what was asked for its state before.
pub fn walk_known(root: &Path, metadata: &Metadata, options: &Options, meter: &Meter) -> Result<Vec<TreeEntry>> {
    let rules = Rules::new(options)?;
    if !metadata.is_dir() {
        let Some(name) = root.file_name() else {
            return Err(Error::invalid(format!("`{}` has no file name", root.display())));
        };
        // A file that is named itself is meant, even by a name that is left out elsewhere.
        if !rules.globs_take(name) {
            return Ok(Vec::new());
        }
        let entry = rules.entry(root.to_owned(), name, metadata)?;
        meter.add_found(1)?;
        return Ok(vec![entry]);
    }
    let walk = Walk {
        rules,
        found: Mutex::default(),
        meter,
    };
    let top = Directory {
        file: root.to_owned(),
        path: OsString::new(),
        ignores: None,
        ancestors: Identity::of(metadata).map(|identity| Arc::new(Ancestors { identity, above: None })),
    };
    rayon::scope(|scope| walk.visit(top, scope));
    let Found { mut entries, errors } = walk.found.into_inner().expect("no panic");
    if let Some(error) = errors.into_error() {
        return Err(error);
    }
    entries.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// What was found so far, in no order.
#[derive(Default)]
struct Found {
    entries: Vec<TreeEntry>,
    errors: Faults,
}

#[derive(Default)]
struct Faults(Vec<Error>);

impl Faults {
    /// In an order that does not depend on which thread was first.
    fn into_error(mut self) -> Option<Error> {
        // An interruption hides the others: they only tell that work was cut short.
        if let Some(interrupted) = self.0.iter().position(|error| error.kind() == ErrorKind::Interrupted) {
            return Some(self.0.swap_remove(interrupted));
        }
        self.0.sort_by(|a, b| a.message().cmp(b.message()));
        // What is wrong with a directory's name is found with each file in it.
        self.0.dedup_by(|a, b| a.message() == b.message());
        Error::join(self.0)
    }
}

/// A directory that is to be read.
struct Directory {
    file: PathBuf,
    /// Entry path before `prefix`, which need not be UTF-8: what globs leave out in there is no fault. Empty at the top.
    path: OsString,
    ignores: Option<Arc<Ignores>>,
    ancestors: Option<Arc<Ancestors>>,
}

/// The directories that led here, to notice a loop of followed links.
struct Ancestors {
    identity: Identity,
    above: Option<Arc<Ancestors>>,
}

impl Ancestors {
    fn hold(&self, identity: Identity) -> bool {
        self.identity == identity || self.above.as_ref().is_some_and(|above| above.hold(identity))
    }
}

/// What was found in a directory: its name, and what it is or, if it is a followed link, what it leads to.
struct Item {
    file: PathBuf,
    path: OsString,
    kind: FileType,
    entry: fs::DirEntry,
    followed: Option<Metadata>,
}

impl Item {
    fn metadata(&self) -> Result<Metadata> {
        match &self.followed {
            Some(metadata) => Ok(metadata.clone()),
            None => (self.entry.metadata()).map_err(|cause| Error::input("read", &self.file, cause)),
        }
    }
}

struct Walk<'a> {
    rules: Rules,
    found: Mutex<Found>,
    meter: &'a Meter,
}

impl Walk<'_> {
    /// Reads one directory; those in it are read by whichever thread is free.
    fn visit<'scope>(&'scope self, directory: Directory, scope: &Scope<'scope>) {
        let mut found = Found::default();
        match self.read(&directory, &mut found) {
            // Who is interrupted goes no further.
            Ok(_) if self.meter.check().is_err() => {}
            Ok(below) => {
                for directory in below {
                    scope.spawn(|scope| self.visit(directory, scope));
                }
            }
            Err(error) => found.errors.0.push(error),
        }
        if let Err(interrupted) = self.meter.add_found(found.entries.len() as u64) {
            found.errors.0.push(interrupted);
        }
        let mut all = self.found.lock().expect("no panic");
        all.entries.append(&mut found.entries);
        all.errors.0.append(&mut found.errors.0);
    }

    fn read(&self, directory: &Directory, found: &mut Found) -> Result<Vec<Directory>> {
        let cannot_read = |cause| Error::input("read the directory", &directory.file, cause);
        let listing = match fs::read_dir(&directory.file) {
            Ok(listing) => listing,
            // What is left out need not be readable.
            Err(_) if self.rules.leaves_out(&directory.path) => return Ok(Vec::new()),
            Err(cause) => return Err(cannot_read(cause)),
        };
        let listing = listing.collect::<Result<Vec<_>, _>>().map_err(cannot_read)?;
        let ignores = self.ignores(directory, &listing)?;
        let mut below = Vec::new();
        for entry in listing {
            match self.look(directory, ignores.as_ref(), entry) {
                Ok(Some(Seen::Directory(directory))) => below.push(directory),
                Ok(Some(Seen::Entry(entry))) => found.entries.push(entry),
                Ok(None) => {}
                Err(error) => found.errors.0.push(error),
            }
        }
        Ok(below)
    }

    /// The ignore files that hold in a directory: its own, and those above.
    fn ignores(&self, directory: &Directory, listing: &[fs::DirEntry]) -> Result<Option<Arc<Ignores>>> {
        let has = |name: &str| listing.iter().any(|entry| entry.file_name() == name);
        let ours = (!self.rules.everything && has(ignores::OURS)).then_some(ignores::OURS);
        let gits = (self.rules.gitignore && has(ignores::GITS)).then_some(ignores::GITS);
        if ours.is_none() && gits.is_none() {
            return Ok(directory.ignores.clone());
        }
        Ignores::read(&directory.file, ours, gits, directory.ignores.clone()).map(|ignores| Some(Arc::new(ignores)))
    }

    fn look(&self, directory: &Directory, ignores: Option<&Arc<Ignores>>, entry: fs::DirEntry) -> Result<Option<Seen>> {
        let name = entry.file_name();
        if self.rules.passes_over(&name) {
            return Ok(None);
        }
        let file = directory.file.join(&name);
        let kind = entry.file_type().map_err(|cause| Error::input("read", &file, cause))?;
        if ignores.is_some_and(|ignores| ignores.leave_out(&file, kind.is_dir())) {
            return Ok(None);
        }
        let mut item = Item {
            file,
            path: below(&directory.path, &name),
            kind,
            entry,
            followed: None,
        };
        if kind.is_symlink() && self.rules.symlinks == Symlinks::Follow {
            if self.rules.exclude.is_match(&item.path) {
                return Ok(None);
            }
            let metadata = self.rules.follow(&item.file)?;
            item.kind = metadata.file_type();
            item.followed = Some(metadata);
        }
        if item.kind.is_dir() {
            if self.rules.excluded_trees.is_match(&item.path) {
                return Ok(None);
            }
            return self.enter(directory, ignores, item).map(Some);
        }
        if !self.rules.takes(&item.path) {
            return Ok(None);
        }
        let metadata = item.metadata()?;
        let entry = self.rules.entry(item.file, &item.path, &metadata)?;
        Ok(Some(Seen::Entry(entry)))
    }

    fn enter(&self, parent: &Directory, ignores: Option<&Arc<Ignores>>, item: Item) -> Result<Seen> {
        let mut ancestors = None;
        // Without links that are followed no directory is met twice.
        if self.rules.symlinks == Symlinks::Follow
            && let Some(identity) = Identity::of(&item.metadata()?)
        {
            if parent.ancestors.as_ref().is_some_and(|above| above.hold(identity)) {
                return Err(Error::invalid(format!(
                    "the symbolic link `{}` leads back to a directory above it",
                    item.file.display()
                ))
                .help("remove the link, or leave it out with `exclude`"));
            }
            ancestors = Some(Arc::new(Ancestors {
                identity,
                above: parent.ancestors.clone(),
            }));
        }
        Ok(Seen::Directory(Directory {
            file: item.file,
            path: item.path,
            ignores: ignores.cloned(),
            ancestors,
        }))
    }
}

enum Seen {
    Directory(Directory),
    Entry(TreeEntry),
}

/// Options in the form that each entry is held against.
pub(super) struct Rules {
    include: Option<GlobSet>,
    pub(super) exclude: GlobSet,
    /// Directories that are excluded with all that is in them (`target/**`): they need not be read.
    pub(super) excluded_trees: GlobSet,
    restored: Restored,
    prefix: String,
    pub(super) symlinks: Symlinks,
    boundary: Option<PathBuf>,
    executable: Option<GlobSet>,
    pub(super) gitignore: bool,
    everything: bool,
}

impl Rules {
    pub(super) fn new(options: &Options) -> Result<Self> {
        Ok(Rules {
            include: options.include.map(glob_set).transpose()?,
            exclude: glob_set(options.exclude)?,
            excluded_trees: glob_set(&trees(options.exclude))?,
            restored: Restored::new(options.include.unwrap_or_default()).map_err(bad_globs)?,
            prefix: options.prefix.to_owned(),
            symlinks: options.symlinks,
            boundary: options.boundary.map(Path::to_owned),
            executable: options.executable.map(glob_set).transpose()?,
            gitignore: options.gitignore,
            everything: options.everything,
        })
    }

    /// Whether a file or directory of this name is left out with all below it.
    pub(super) fn passes_over(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        !self.everything && left_out::is_left_out(&name) && !self.restored.may_hold(&name)
    }

    /// Whether the globs and the list of left-out names take this path. All see its bytes, before `prefix` is put in front.
    pub(super) fn takes(&self, path: &OsStr) -> bool {
        (self.everything || self.restored.takes(path)) && self.globs_take(path)
    }

    fn globs_take(&self, path: &OsStr) -> bool {
        self.include.as_ref().is_none_or(|globs| globs.is_match(path)) && !self.exclude.is_match(path)
    }

    /// Whether nothing below a directory can be taken. `include` says nothing of directories.
    fn leaves_out(&self, path: &OsStr) -> bool {
        !self.restored.takes(path) || self.exclude.is_match(path)
    }

    fn entry(&self, file: PathBuf, path: &OsStr, metadata: &Metadata) -> Result<TreeEntry> {
        let Some(path) = path.to_str() else {
            return Err(not_utf8(&file, path));
        };
        let path_in_archive = format!("{}{path}", self.prefix);
        if let Some(problem) = names::problem(&path_in_archive) {
            return Err(refused(&file, problem));
        }
        let content = if metadata.is_symlink() {
            Content::Symlink {
                target: self.target(&file)?,
            }
        } else if metadata.is_file() {
            let executable = match &self.executable {
                Some(globs) => globs.is_match(path),
                None => is_executable(metadata),
            };
            Content::File {
                executable,
                size: metadata.len(),
                stat: FileStat::of(metadata),
            }
        } else {
            return Err(refused(
                &file,
                "it is neither a file nor a directory nor a link (a FIFO, socket or device)",
            ));
        };
        Ok(TreeEntry::new(path_in_archive, file, content))
    }

    fn target(&self, link: &Path) -> Result<String> {
        if self.symlinks == Symlinks::Error {
            return Err(refused(link, "it is a symbolic link, and `symlinks` is `error`"));
        }
        let target = fs::read_link(link).map_err(|cause| Error::input("read the link", link, cause))?;
        let Ok(target) = target.into_os_string().into_string() else {
            return Err(refused(link, "its target is not UTF-8"));
        };
        // Git for Windows makes links so. No name there holds a backslash.
        let target = match cfg!(windows) {
            true => target.replace('\\', "/"),
            false => target,
        };
        if names::problem(&target).is_some() {
            return Err(refused(link, "its target holds a control character or a backslash"));
        }
        Ok(target)
    }

    /// What a link leads to, which must be the same on every machine.
    fn follow(&self, link: &Path) -> Result<Metadata> {
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
        fs::metadata(link).map_err(|cause| Error::input("follow", link, cause))
    }
}

fn refused(file: &Path, why: &str) -> Error {
    Error::invalid(format!("cannot pack {:?}: {why}", file.display().to_string()))
}

/// Names what is to be renamed: the first part of the entry path that is at fault.
fn not_utf8(file: &Path, path: &OsStr) -> Error {
    let parts: Vec<&OsStr> = Path::new(path).iter().collect();
    let sound = parts.iter().take_while(|part| part.to_str().is_some()).count();
    let above = parts.len().saturating_sub(sound + 1);
    let at_fault = file.ancestors().nth(above).unwrap_or(file);
    // Not `display()`, which shows all that isn't UTF-8 alike.
    Error::invalid(format!("cannot pack {at_fault:?}: its name is not UTF-8"))
        .help("rename it, or leave it out with `exclude` (`?` and `*` match any bytes)")
}

/// The entry path of what is in a directory.
pub(super) fn below(directory: &OsStr, name: &OsStr) -> OsString {
    if directory.is_empty() {
        return name.to_owned();
    }
    let mut path = OsString::with_capacity(directory.len() + 1 + name.len());
    path.push(directory);
    path.push("/");
    path.push(name);
    path
}

fn glob_set<'a>(globs: impl IntoIterator<Item = &'a GlobText>) -> Result<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob.glob().clone());
    }
    builder.build().map_err(bad_globs)
}

/// The directories of globs that end with `/**`.
fn trees(globs: &[GlobText]) -> Vec<GlobText> {
    let directories = globs.iter().filter_map(|glob| glob.as_str().strip_suffix("/**"));
    // What is left of `**/**` and the like is no directory's name.
    directories.filter_map(|directory| directory.parse().ok()).collect()
}

/// Each glob compiled alone; together they may still be too large.
fn bad_globs(error: globset::Error) -> Error {
    Error::invalid(format!("the globs of a source: {error}"))
}
