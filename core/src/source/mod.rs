//! Source trees: the files that a function is packed from. One walk lists them; hashing and packing both follow it.

mod exclusions;
mod gitignore;
mod ignores;
mod left_out;
mod links;
mod names;
mod outputs;
mod reach;
mod read;
mod resolve;
mod stat;
mod swapped;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

pub use ignores::OURS as IGNORE_FILE;
pub(crate) use names::{parents, problem as name_problem};
pub(crate) use outputs::normal;
pub use outputs::{Outputs, existing_part};
pub(crate) use reach::Reach;
pub use reach::Shape;
use read::read_as_walked;
pub(crate) use read::{StableReader, changed as read_changed, read_stable};
pub(crate) use resolve::Canonical;
pub use resolve::Resolved;
pub use stat::{FileStat, Identity};

use crate::assets;
use crate::build::Recipe;
use crate::cache::DigestCache;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::function::{Function, GlobText, RelativePath, SourceSpec, Symlinks};
use crate::manifest::{BuildInputs, Entry, EntryKind, Manifest};
use crate::swaps::{self, Swaps};
use crate::{Error, Meter, Result, Work, collect_all, shorten};

/// How many files a thread takes to hash at once. Left to itself rayon gives each a quarter of the tree, and who is ready
/// waits for the one whose quarter has the large files.
const FILES_AT_ONCE: usize = 16;

/// The entries of one or several merged sources, sorted by the bytes of their paths.
#[derive(Debug)]
pub struct Tree {
    entries: Vec<Arc<TreeEntry>>,
    /// What else decides the package's content.
    inputs: Inputs,
    stage: Stage,
    /// What the user should know although it is no error, such as names that differ only by case.
    pub warnings: Vec<String>,
    /// What was done to it that `-v` tells.
    pub notes: Vec<String>,
}

/// How far a tree is from what is packed.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// It lacks what its recipe makes, or its assets.
    Source,
    /// All of it is packed.
    Package,
    /// The same, but its source isn't in it.
    Made { source: Manifest },
}

/// What decides a package's content beside its source.
#[derive(Clone, Debug, Default)]
struct Inputs {
    recipe: Option<Arc<Recipe>>,
    assets: Option<BuildInputs>,
    swaps: Option<Arc<Swaps>>,
}

impl Inputs {
    /// Whether the package is the source, or a part of it.
    fn add_nothing(&self) -> bool {
        self.recipe.is_none() && self.assets.is_none() && !self.swaps.as_ref().is_some_and(|swaps| swaps.install())
    }

    /// As the source hash has them.
    fn all(&self) -> Option<BuildInputs> {
        let all = [
            self.recipe.as_deref().map(Recipe::inputs),
            self.assets.as_ref(),
            self.swaps.as_deref().map(Swaps::inputs),
        ];
        let all = all.into_iter().flatten().cloned();
        all.reduce(|inputs, others| inputs.and(&others))
    }
}

/// One archive member. Functions that share a source share its entries.
#[derive(Debug)]
pub struct TreeEntry {
    /// Entry path: relative, `/`-separated.
    pub path: Arc<str>,
    /// Where its content stands.
    pub file: PathBuf,
    pub content: Content,
    /// Whether file systems that ignore case or Unicode form would keep the path as it is.
    is_folded: bool,
    origin: Origin,
    /// Size and digest, once somebody knows them.
    hashed: OnceLock<(u64, Digest)>,
}

/// Where an entry of a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Source,
    /// Installed from a public registry, as a lock file says.
    Registry,
    /// Made of the source by a build, or an asset that the user chose.
    Made,
}

#[derive(Debug)]
pub enum Content {
    File {
        executable: bool,
        /// In bytes, as the walk found it.
        size: u64,
        /// As the walk found it, where the system tells.
        stat: Option<FileStat>,
    },
    Symlink {
        target: String,
    },
}

impl Tree {
    /// The tree below a directory, or of a single file, with nothing but the defaults.
    pub fn at(path: &Path, meter: &Meter) -> Result<Self> {
        let entries = walk::walk(path, &walk::Options::default(), meter)?;
        Self::merge(&[(&path.display().to_string(), &shared(entries))], Inputs::default())
    }

    /// What of a directory these globs name, without what the others do; all of it without any. It may be nothing.
    pub fn of_globs(
        directory: &Path,
        include: Option<&[GlobText]>,
        exclude: &[GlobText],
        meter: &Meter,
    ) -> Result<Self> {
        let options = walk::Options {
            include,
            exclude,
            ..walk::Options::default()
        };
        let entries = walk::walk(directory, &options, meter)?;
        Self::merge(
            &[(&directory.display().to_string(), &shared(entries))],
            Inputs::default(),
        )
    }

    /// The trees that the functions' `source`s describe, in their order. A source that several have is walked once.
    pub fn of_functions(
        functions: &[&Function],
        code_dir: &Path,
        outputs: &Outputs,
        digests: &DigestCache,
        meter: &Meter,
    ) -> Result<Vec<Self>> {
        let boundary = fs::canonicalize(code_dir).map_err(|cause| {
            Error::input("find the code directory", code_dir, cause).help("name it with --code-dir")
        })?;
        // Each with the function to name if it fails; and for each function, which of them are its own.
        let (mut specs, mut known) = (Vec::<(&SourceSpec, &Function)>::new(), HashMap::new());
        let mut number = |spec, owner| {
            *known.entry(spec).or_insert_with(|| {
                specs.push((spec, owner));
                specs.len() - 1
            })
        };
        let numbers = functions.iter().map(|&function| {
            let sources = function.sources().iter();
            sources.map(|spec| number(spec, function)).collect()
        });
        let numbers: Vec<Vec<usize>> = numbers.collect();
        let walked = specs.into_par_iter().map(|(spec, owner)| {
            let entries = walk_spec(spec, code_dir, &boundary, outputs, meter);
            let entries = entries.map_err(|error| error.within(format_args!("function `{}`", owner.name)))?;
            let entries = shared(entries);
            let warnings = exclusions::of_directories(spec, &entries);
            Ok((entries, warnings))
        });
        let walked: Vec<Result<(Vec<_>, Vec<_>)>> = walked.collect();
        let walked = collect_all(walked)?;
        let trees: Vec<Result<Self>> = functions
            .par_iter()
            .zip(numbers)
            .map(|(function, numbers)| {
                let sources = function.sources().iter().zip(&numbers);
                let parts: Vec<_> = sources
                    .map(|(spec, &number)| (spec.path.as_str(), walked[number].0.as_slice()))
                    .collect();
                let warnings = numbers.iter().flat_map(|&number| &walked[number].1);
                let tree = Recipe::of(function, code_dir, digests, meter)
                    .and_then(|recipe| {
                        Ok(Inputs {
                            recipe: recipe.map(Arc::new),
                            assets: assets::inputs(function)?,
                            swaps: None,
                        })
                    })
                    .and_then(|inputs| Self::merge(&parts, inputs))
                    .map(|mut tree| {
                        tree.warnings.extend(warnings.cloned());
                        tree
                    })
                    .and_then(|tree| tree.swapped(function, code_dir))
                    .and_then(Self::check);
                tree.map_err(|error| error.within(format_args!("function `{}`", function.name)))
            })
            .collect();
        let mut trees = collect_all(trees)?;
        swaps::check_layers(functions, &mut trees)?;
        Ok(trees)
    }

    /// The tree below a directory with all that is in it: what sources leave out, too.
    pub fn with_everything_at(path: &Path, meter: &Meter) -> Result<Self> {
        let options = walk::Options {
            everything: true,
            ..walk::Options::default()
        };
        let entries = walk::walk(path, &options, meter)?;
        Self::merge(&[(&path.display().to_string(), &shared(entries))], Inputs::default())
    }

    fn check(self) -> Result<Self> {
        match self.recipe() {
            // A layer may hold dependencies or assets alone.
            Some(Recipe::Dependencies(..)) => {}
            None if self.inputs.assets.is_some() => {}
            _ if self.entries.is_empty() => {
                return Err(Error::invalid("the source is empty: no file is left to pack")
                    .help("check `source`, its globs and `.lambdaignore`"));
            }
            Some(Recipe::Output(output)) => output.check(&self)?,
            None => {}
        }
        Ok(self)
    }

    /// Merges parts, each sorted and named for messages, and checks what only the whole can tell.
    fn merge(parts: &[(&str, &[Arc<TreeEntry>])], inputs: Inputs) -> Result<Self> {
        let (entries, mut errors) = match parts {
            [(_, entries)] => (entries.to_vec(), Vec::new()),
            parts => merged(parts),
        };
        debug_assert!(!errors.is_empty() || entries.is_sorted_by(|a, b| a.path < b.path));
        errors.extend(links::check(&entries));
        match Error::join(errors) {
            Some(error) => Err(error),
            None => Ok(Tree {
                warnings: names::lookalikes(&entries),
                notes: Vec::new(),
                entries,
                stage: match inputs.add_nothing() {
                    true => Stage::Package,
                    false => Stage::Source,
                },
                inputs,
            }),
        }
    }

    pub fn entries(&self) -> &[Arc<TreeEntry>] {
        &self.entries
    }

    /// The entry of this path.
    pub fn find(&self, path: &str) -> Option<&TreeEntry> {
        self.starting_with(path).next().filter(|entry| &*entry.path == path)
    }

    /// Where the entry of this path is among all.
    pub(crate) fn position(&self, path: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok()
    }

    /// Where the entries are whose paths start so.
    pub(crate) fn positions_starting_with(&self, start: &str) -> Range<usize> {
        let first = self.entries.partition_point(|entry| &*entry.path < start);
        first..first + self.starting_with(start).count()
    }

    /// The entries whose paths start so.
    pub fn starting_with(&self, start: &str) -> impl Iterator<Item = &TreeEntry> {
        let first = self.entries.partition_point(|entry| &*entry.path < start);
        let entries = self.entries[first..].iter().map(Arc::as_ref);
        entries.take_while(move |entry| entry.path.starts_with(start))
    }

    /// Whether nothing is yet to be built: no dependency is missing.
    pub fn is_whole(&self) -> bool {
        self.stage != Stage::Source
    }

    /// Whether its entries get into the package, rather than what is made of them.
    pub fn is_packed(&self) -> bool {
        self.is_whole() || !matches!(self.recipe(), Some(Recipe::Output(_)))
    }

    pub fn recipe(&self) -> Option<&Recipe> {
        self.inputs.recipe.as_deref()
    }

    /// What decides what assets add.
    pub fn asset_inputs(&self) -> Option<&BuildInputs> {
        self.inputs.assets.as_ref()
    }

    /// This tree with what a build has made in `directory`, put under `prefix`; the source hash stays.
    pub fn with_built(&self, directory: &Path, prefix: &str, meter: &Meter) -> Result<Self> {
        let options = walk::Options {
            prefix,
            ..walk::Options::default()
        };
        let built = walk_built(directory, &options, Origin::Registry, meter)?;
        let parts = [("the source", self.entries.as_slice()), ("the build", &built)];
        let merged = Self::merge(&parts, self.inputs.clone())?;
        Ok(Tree {
            stage: Stage::Package,
            ..merged
        })
    }

    /// This tree with the assets that were unpacked into `directory`; the source hash stays.
    pub fn with_assets(&self, directory: &Path, meter: &Meter) -> Result<Self> {
        let options = walk::Options {
            everything: true,
            ..walk::Options::default()
        };
        let assets = walk_built(directory, &options, Origin::Made, meter)?;
        let parts = [("the source", self.entries.as_slice()), ("the assets", &assets)];
        let merged = Self::merge(&parts, self.inputs.clone())?;
        let stage = match &self.stage {
            Stage::Made { source } => Stage::Made { source: source.clone() },
            Stage::Source | Stage::Package => Stage::Package,
        };
        Ok(Tree { stage, ..merged })
    }

    /// What a build has made of this tree in `directory`, to be packed in its place; the source hash stays.
    pub fn replaced_by(&self, directory: &Path, source: Manifest, meter: &Meter) -> Result<Self> {
        let built = walk_built(directory, &walk::Options::default(), Origin::Made, meter)?;
        let made = Self::merge(&[("the build", &built)], self.inputs.clone())?;
        Ok(Tree {
            stage: Stage::Made { source },
            ..made
        })
    }

    /// The source's manifest, after the tree was packed. `packed` is what the package holds, in the order of the tree.
    pub fn manifest_of(&self, packed: &[Entry]) -> Manifest {
        if let Stage::Made { source } = &self.stage {
            return source.clone();
        }
        let from_source = self.entries.iter().zip(packed);
        let entries = from_source
            .filter(|(entry, _)| entry.origin == Origin::Source)
            .map(|(_, packed)| packed.clone());
        Manifest::new(Algorithm::Blake3, entries.collect(), self.inputs.all())
    }

    /// Bytes of all entries, when the tree was walked.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size()).sum()
    }

    /// Hashes every entry, in parallel.
    pub fn manifest(&self, algorithm: Algorithm, digests: &DigestCache, meter: &Meter) -> Result<Manifest> {
        let hashed: Vec<Result<Entry>> = self
            .entries
            .par_iter()
            .with_max_len(FILES_AT_ONCE)
            .map(|entry| entry.hash(algorithm, digests, meter))
            .collect();
        Ok(Manifest::new(algorithm, collect_all(hashed)?, self.inputs.all()))
    }

    /// Hashes the entries of all trees with BLAKE3, each file once, however many share it.
    pub fn manifests(trees: &[&Self], digests: &DigestCache, meter: &Meter) -> Result<Vec<Manifest>> {
        let mut unique: Vec<&Arc<TreeEntry>> = trees.iter().flat_map(|tree| &tree.entries).collect();
        unique.par_sort_unstable_by_key(|entry| Arc::as_ptr(entry));
        unique.dedup_by_key(|entry| Arc::as_ptr(entry));
        let hashed: Vec<Result<()>> = unique
            .into_par_iter()
            .with_max_len(FILES_AT_ONCE)
            .map(|entry| entry.hash(Algorithm::Blake3, digests, meter).map(drop))
            .collect();
        collect_all(hashed)?;
        let manifests: Vec<Result<Manifest>> = trees
            .par_iter()
            .map(|tree| {
                let hashed = tree.entries.iter();
                // All are known by now, so that threads would only wait for each other.
                let hashed = hashed.map(|entry| entry.hash(Algorithm::Blake3, digests, meter));
                let entries = hashed.collect::<Result<_>>()?;
                Ok(Manifest::new(Algorithm::Blake3, entries, tree.inputs.all()))
            })
            .collect();
        collect_all(manifests)
    }
}

/// The entries of several parts in one order, with an error for each that can't stand beside the others.
fn merged(parts: &[(&str, &[Arc<TreeEntry>])]) -> (Vec<Arc<TreeEntry>>, Vec<Error>) {
    let named = parts
        .iter()
        .flat_map(|(name, entries)| entries.iter().map(move |entry| (*name, entry)));
    let mut merged: Vec<(&str, &Arc<TreeEntry>)> = Vec::with_capacity(parts.iter().map(|(_, part)| part.len()).sum());
    merged.extend(named);
    // The order of strings is that of their bytes, which is the manifest's. Stable: first come, first named.
    merged.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
    let twice = merged.windows(2).filter(|pair| pair[0].1.path == pair[1].1.path);
    let twice = twice.map(|pair| {
        Error::invalid(format!(
            "the entry `{}` comes twice: from `{}` and from `{}`",
            pair[0].1.path, pair[0].0, pair[1].0
        ))
        .help("give one of the sources a `prefix`, or leave one of the files out with `exclude`")
    });
    let mut errors: Vec<Error> = twice.collect();
    let entries: Vec<Arc<TreeEntry>> = merged.into_iter().map(|(_, entry)| Arc::clone(entry)).collect();
    errors.extend(names::clashes(&entries));
    (entries, errors)
}

fn shared(entries: Vec<TreeEntry>) -> Vec<Arc<TreeEntry>> {
    entries.into_iter().map(Arc::new).collect()
}

fn walk_spec(
    spec: &SourceSpec,
    code_dir: &Path,
    boundary: &Path,
    outputs: &Outputs,
    meter: &Meter,
) -> Result<Vec<TreeEntry>> {
    let root = code_dir.join(spec.path.as_str());
    let options = walk::Options::of(spec, boundary);
    match without_links(boundary, Path::new(spec.path.as_str())) {
        Some((real, metadata)) => {
            outputs.refuse_inside(&real)?;
            walk::walk_known(&root, &metadata, &options, meter)
        }
        None => {
            outputs.refuse_inside(&source_root(&root, code_dir, boundary)?)?;
            walk::walk(&root, &options, meter)
        }
    }
}

/// What isn't source.
fn walk_built(directory: &Path, options: &walk::Options, origin: Origin, meter: &Meter) -> Result<Vec<Arc<TreeEntry>>> {
    let mut built = walk::walk(directory, options, meter)?;
    for entry in &mut built {
        entry.origin = origin;
    }
    Ok(shared(built))
}

/// The files below the code directory that a glob names, under their paths there. A directory means all that is in it, and
/// links are followed. What tools left in the directories `left_by_tools` comes along only if the glob begins there.
pub(crate) fn walk_globs(
    code_dir: &Path,
    glob: &GlobText,
    left_by_tools: &BTreeSet<String>,
    meter: &Meter,
) -> Result<Vec<TreeEntry>> {
    let boundary =
        fs::canonicalize(code_dir).map_err(|cause| Error::input("find the code directory", code_dir, cause))?;
    let (start, include) = split_glob(glob)?;
    let root = code_dir.join(start.as_str());
    source_root(&root, code_dir, &boundary)?;
    let above = match root.is_dir() {
        true => Some(start.as_str()).filter(|path| *path != "."),
        false => start.as_str().rsplit_once('/').map(|(directory, _file)| directory),
    };
    let prefix = above.map(|path| format!("{path}/")).unwrap_or_default();
    let options = walk::Options {
        include: include.as_ref().map(std::slice::from_ref),
        exclude: &below(&start, left_by_tools),
        prefix: &prefix,
        symlinks: Symlinks::Follow,
        boundary: Some(&boundary),
        ..walk::Options::default()
    };
    let found = walk::walk(&root, &options, meter)?;
    if found.is_empty() {
        return Err(Error::invalid(format!(
            "the input `{}` matches nothing below `{}`",
            glob.as_str().trim_end_matches('/'),
            code_dir.display()
        ))
        .help("`inputs` are relative to the code directory; `**` crosses directories, `*` does not"));
    }
    Ok(found)
}

/// Globs for what is in those of `directories` that are below `start`, relative to that.
fn below(start: &RelativePath, directories: &BTreeSet<String>) -> Vec<GlobText> {
    let below = directories.iter().filter_map(|directory| match start.as_str() {
        "." => Some(directory.as_str()),
        start => directory.strip_prefix(start)?.strip_prefix('/'),
    });
    below.map(GlobText::all_below).collect()
}

/// The directory that all it matches is in, so that no other one is read, and the glob below it.
fn split_glob(glob: &GlobText) -> Result<(RelativePath, Option<GlobText>)> {
    const SPECIAL: [char; 6] = ['*', '?', '[', '{', '\\', '!'];
    let named = glob.as_str().trim_end_matches('/');
    let (start, rest) = match named.find(SPECIAL) {
        Some(first) => match named[..first].rfind('/') {
            Some(end) => (&named[..end], Some(&named[end + 1..])),
            None => ("", Some(named)),
        },
        None => (named, None),
    };
    let start: RelativePath = if start.is_empty() { "." } else { start }
        .parse()
        .map_err(|expected| Error::invalid(format!("the input `{named}` is not {expected}")))?;
    let include = rest.map(|rest| {
        rest.parse()
            .map_err(|error| Error::invalid(format!("the input `{named}`: {error}")))
    });
    Ok((start, include.transpose()?))
}

impl TreeEntry {
    fn new(path: String, file: PathBuf, content: Content) -> Self {
        TreeEntry {
            is_folded: names::folded(&path).is_none(),
            path: path.into(),
            file,
            content,
            origin: Origin::Source,
            hashed: OnceLock::new(),
        }
    }

    /// In bytes, when the tree was walked.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File { size, .. } => *size,
            Content::Symlink { target } => target.len() as u64,
        }
    }

    /// A file's state, as the walk found it, where the system tells.
    fn stat(&self) -> Option<&FileStat> {
        match &self.content {
            Content::File { stat, .. } => stat.as_ref(),
            Content::Symlink { .. } => None,
        }
    }

    /// Whether it stands in the source, where the user finds it.
    pub(crate) fn is_from_source(&self) -> bool {
        self.origin == Origin::Source
    }

    /// Whether it is the user's own, rather than public.
    pub fn is_own(&self) -> bool {
        self.origin != Origin::Registry
    }

    pub fn kind(&self) -> EntryKind {
        match self.content {
            Content::File { executable: false, .. } => EntryKind::File,
            Content::File { executable: true, .. } => EntryKind::Executable,
            Content::Symlink { .. } => EntryKind::Symlink,
        }
    }

    /// The entry for a manifest, with the size and digest that its content has; both are known from now on.
    pub(crate) fn hashed_as(&self, size: u64, digest: Digest) -> Entry {
        self.hashed.get_or_init(|| (size, digest));
        Entry {
            path: Arc::clone(&self.path),
            kind: self.kind(),
            size,
            digest,
        }
    }

    /// Size and digest, if they are known without reading the file.
    pub(crate) fn known(&self, algorithm: Algorithm, digests: &DigestCache) -> Option<(u64, Digest)> {
        if let Some(hashed) = self.hashed.get().filter(|(_, digest)| digest.algorithm() == algorithm) {
            return Some(*hashed);
        }
        match &self.content {
            Content::Symlink { target } => Some((target.len() as u64, algorithm.hash(target.as_bytes()))),
            Content::File { stat: Some(stat), .. } if algorithm == Algorithm::Blake3 => {
                digests.get(stat).map(|digest| (stat.size, digest))
            }
            Content::File { .. } => None,
        }
    }

    /// Its digest, if somebody knows it.
    pub(crate) fn hashed_digest(&self) -> Option<Digest> {
        self.hashed.get().map(|(_size, digest)| *digest)
    }

    pub(crate) fn hash(&self, algorithm: Algorithm, digests: &DigestCache, meter: &Meter) -> Result<Entry> {
        let (size, digest) = match self.known(algorithm, digests) {
            Some(known) => known,
            None => {
                meter.expect(Work::Hash, self.size());
                self.read(algorithm, digests, meter)?
            }
        };
        Ok(self.hashed_as(size, digest))
    }

    fn read(&self, algorithm: Algorithm, digests: &DigestCache, meter: &Meter) -> Result<(u64, Digest)> {
        /// Large enough for BLAKE3's widest vectors, small enough for the second-level cache.
        const READ_BYTES: usize = 256 * 1024;
        let put = |stat: &FileStat, digest| {
            if algorithm == Algorithm::Blake3 {
                digests.put(&self.file, stat, digest);
            }
        };
        if let Some(walked) = self.stat().filter(|stat| (1..=READ_BYTES as u64).contains(&stat.size))
            && let Some(digest) = read_as_walked(&self.file, walked, |content| algorithm.hash(content))?
        {
            meter.add(Work::Hash, walked.size)?;
            put(walked, digest);
            return Ok((walked.size, digest));
        }
        let mut hasher = Hasher::new(algorithm);
        let read = read_stable(&self.file, READ_BYTES, |bytes| {
            hasher.update(bytes);
            meter.add(Work::Hash, bytes.len() as u64)
        })?;
        let digest = hasher.finish();
        if let Some(stat) = &read.stat {
            put(stat, digest);
        }
        Ok((read.size, digest))
    }
}

/// The canonical form of what is below a canonical directory, and its state, if no link is on the way. Asking for it takes a
/// quarter of the system calls, which counts for a thousand functions.
fn without_links(boundary: &Path, path: &Path) -> Option<(PathBuf, Metadata)> {
    let mut real = boundary.to_owned();
    let mut found = None;
    for component in path.components() {
        real.push(component);
        let metadata = fs::symlink_metadata(&real).ok()?;
        if !matches!(component, Component::Normal(_)) || metadata.is_symlink() {
            return None;
        }
        found = Some(metadata);
    }
    found.map(|metadata| (real, metadata))
}

/// Where a part of a source really stands; links may lead there, but not out of the code directory.
fn source_root(root: &Path, code_dir: &Path, boundary: &Path) -> Result<PathBuf> {
    let real = fs::canonicalize(root).map_err(|cause| {
        Error::input("find the source", root, cause).help(format!(
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
    Ok(real)
}
