//! Source trees: the files that a function is packed from. One walk lists them; hashing and packing both follow it.

mod left_out;
mod links;
mod names;
mod read;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub(crate) use read::{changed as read_changed, read_stable};

use crate::digest::{Algorithm, Digest, Hasher};
use crate::function::{Function, SourceSpec};
use crate::manifest::{Entry, EntryKind, Manifest};
use crate::{Error, Meter, Result, collect_all, shorten};

/// The entries of one or several merged sources, sorted by the bytes of their paths.
#[derive(Debug)]
pub struct Tree {
    entries: Vec<TreeEntry>,
    /// What the user should know although it is no error, such as names that differ only by case.
    pub warnings: Vec<String>,
}

/// One archive member, before it is read.
#[derive(Debug)]
pub struct TreeEntry {
    /// Entry path: relative, `/`-separated.
    pub path: String,
    /// Where its content stands.
    pub file: PathBuf,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    File { executable: bool },
    Symlink { target: String },
}

impl Tree {
    /// The tree below a directory, or of a single file, with nothing but the defaults.
    pub fn at(path: &Path) -> Result<Self> {
        let entries = walk::walk(path, &walk::Options::default())?;
        Self::merge(vec![(path.display().to_string(), entries)])
    }

    /// The tree that a function's `source` describes.
    pub fn of(function: &Function, code_dir: &Path) -> Result<Self> {
        Self::of_specs(&function.definition.source.0, code_dir)
            .and_then(|tree| {
                if tree.entries.is_empty() {
                    return Err(Error::invalid("the source is empty: no file is left to pack")
                        .help("check `source`, its globs and `.lambdaignore`"));
                }
                Ok(tree)
            })
            .map_err(|error| error.within(format_args!("function `{}`", function.name)))
    }

    fn of_specs(specs: &[SourceSpec], code_dir: &Path) -> Result<Self> {
        let boundary = fs::canonicalize(code_dir).map_err(|cause| {
            Error::input("find the code directory", code_dir, cause).help("name it with --code-dir")
        })?;
        let parts = specs.iter().map(|spec| {
            let root = source_root(code_dir, &boundary, spec)?;
            let options = walk::Options {
                include: spec.include.as_deref(),
                exclude: &spec.exclude,
                prefix: spec.prefix.as_ref().map_or("", |prefix| prefix.as_str()),
                symlinks: spec.symlinks,
                boundary: Some(&boundary),
                executable: spec.executable.as_deref(),
                gitignore: spec.gitignore,
            };
            Ok((spec.path.as_str().to_owned(), walk::walk(&root, &options)?))
        });
        Self::merge(collect_all(parts)?)
    }

    /// Merges parts, each named for messages, and checks what only the whole can tell.
    fn merge(parts: Vec<(String, Vec<TreeEntry>)>) -> Result<Self> {
        let mut merged = BTreeMap::<String, (&str, TreeEntry)>::new();
        let mut errors = Vec::new();
        let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
        for ((_, entries), name) in parts.into_iter().zip(&names) {
            for entry in entries {
                if let Some((other, _)) = merged.get(&entry.path) {
                    errors.push(
                        Error::invalid(format!(
                            "the entry `{}` comes twice: from `{other}` and from `{name}`",
                            entry.path
                        ))
                        .help("give one of the sources a `prefix`, or leave one of the files out with `exclude`"),
                    );
                } else {
                    merged.insert(entry.path.clone(), (name, entry));
                }
            }
        }
        // A `BTreeMap` of strings iterates in byte order, which is the manifest's.
        let entries: Vec<TreeEntry> = merged.into_values().map(|(_, entry)| entry).collect();
        errors.extend(names::clashes(&entries));
        errors.extend(links::check(&entries));
        match Error::join(errors) {
            Some(error) => Err(error),
            None => Ok(Tree {
                warnings: names::lookalikes(&entries),
                entries,
            }),
        }
    }

    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// Hashes every entry, in parallel.
    pub fn manifest(&self, algorithm: Algorithm, meter: &Meter) -> Result<Manifest> {
        let hashed: Vec<Result<Entry>> = self
            .entries
            .par_iter()
            .map(|entry| entry.hash(algorithm, meter))
            .collect();
        Ok(Manifest::new(algorithm, collect_all(hashed)?, None))
    }
}

impl TreeEntry {
    pub fn kind(&self) -> EntryKind {
        match self.content {
            Content::File { executable: false } => EntryKind::File,
            Content::File { executable: true } => EntryKind::Executable,
            Content::Symlink { .. } => EntryKind::Symlink,
        }
    }

    fn hash(&self, algorithm: Algorithm, meter: &Meter) -> Result<Entry> {
        let (size, digest) = match &self.content {
            Content::Symlink { target } => (target.len() as u64, algorithm.hash(target.as_bytes())),
            Content::File { .. } => hash_file(&self.file, algorithm, meter)?,
        };
        Ok(Entry {
            path: self.path.clone(),
            kind: self.kind(),
            size,
            digest,
        })
    }
}

fn hash_file(file: &Path, algorithm: Algorithm, meter: &Meter) -> Result<(u64, Digest)> {
    /// Large enough for BLAKE3's widest vectors, small enough for the second-level cache.
    const READ_BYTES: usize = 256 * 1024;
    let mut hasher = Hasher::new(algorithm);
    let size = read_stable(file, READ_BYTES, |bytes| {
        hasher.update(bytes);
        meter.add_hashed(bytes.len() as u64)
    })?;
    Ok((size, hasher.finish()))
}

/// Refuses to pack `output` (a directory that this tool writes to) with the sources: the package would contain itself.
pub fn refuse_inside_sources<'a>(
    what: &str,
    output: &Path,
    functions: impl IntoIterator<Item = &'a Function>,
    code_dir: &Path,
) -> Result<()> {
    let Some(output) = existing_part(output) else {
        return Ok(());
    };
    for function in functions {
        for spec in &function.definition.source.0 {
            let root = code_dir.join(spec.path.as_str());
            // A root that does not exist is reported by the walk, which says more.
            let Ok(root) = fs::canonicalize(&root) else {
                continue;
            };
            let Ok(below) = output.strip_prefix(&root) else {
                continue;
            };
            let left_out = below
                .iter()
                .any(|name| name.to_str().is_some_and(left_out::is_left_out));
            if !left_out {
                return Err(Error::invalid(format!(
                    "function `{}`: the {what} `{}` is inside its source `{}`",
                    function.name,
                    output.display(),
                    root.display()
                ))
                .help(format!("choose another {what}, outside of the sources")));
            }
        }
    }
    Ok(())
}

/// `path` with its longest existing part canonical, so that a directory that is yet to be made can be compared.
fn existing_part(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        let ancestor = if ancestor.as_os_str().is_empty() {
            Path::new(".")
        } else {
            ancestor
        };
        Some(fs::canonicalize(ancestor).ok()?.join(rest))
    })
}

/// Where a part of a source stands; links may lead there, but not out of the code directory.
fn source_root(code_dir: &Path, boundary: &Path, spec: &SourceSpec) -> Result<PathBuf> {
    let root = code_dir.join(spec.path.as_str());
    let real = fs::canonicalize(&root).map_err(|cause| {
        Error::input("find the source", &root, cause).help(format!(
            "`source` is relative to the code directory `{}` (--code-dir)",
            shorten(&code_dir.display().to_string())
        ))
    })?;
    if !real.starts_with(boundary) {
        return Err(Error::invalid(format!(
            "the source `{}` leads out of the code directory `{}`",
            root.display(),
            code_dir.display()
        ))
        .help("move it into the code directory, or name a code directory that holds both (--code-dir)"));
    }
    Ok(root)
}
