//! Which functions a change of files touches: whose package or definition can be another one after it, or whose layer's.
//!
//! Nothing is walked or hashed. For each changed path the rules of the walk are asked whether it decides an entry, and lock
//! files, build inputs and assets are compared with it. So an answer takes as long as there are changes and functions, however
//! large the sources are, and holds for files that are gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Places;
use crate::assets;
use crate::build::{Dependencies, Output};
use crate::cache::DigestCache;
use crate::canonical::canonical_json;
use crate::disk::or_here;
use crate::function::{AssetUrl, Function, GlobText, Kind, SourceSpec};
use crate::source::{Outputs, Reach, Resolved, Shape, Tree};
use crate::{Error, Meter, Result, shorten};

/// A path that was added, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Absolute, and without links above its last part.
    pub path: PathBuf,
    /// As people know it.
    pub name: String,
    pub shape: Shape,
}

/// What is known of the definitions as they were.
#[derive(Debug)]
pub enum Before {
    /// Nothing: each definition whose file changed is another one.
    Unknown,
    /// All of them, as the profile wanted them.
    Known(BTreeMap<String, Function>),
}

/// A function or layer that a change touches.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Affected {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub reasons: Vec<Reason>,
}

/// Why. Paths are those of the changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Its definition, or a file that decides what is deployed.
    Definition { path: String },
    /// A file that it is packed or built from.
    Source { path: String },
    /// A lock file, or what belongs to one.
    Dependencies { path: String },
    /// A build input.
    Input { path: String },
    /// An asset on this machine. Until its `sha256` is brought up to date, builds refuse it.
    Asset { path: String },
    /// A layer that is affected.
    Layer { name: String },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            Reason::Definition { path } => ("definition", path),
            Reason::Source { path } => ("source", path),
            Reason::Dependencies { path } => ("dependencies", path),
            Reason::Input { path } => ("input", path),
            Reason::Asset { path } => ("asset", path),
            Reason::Layer { name } => ("layer", name),
        };
        write!(f, "{what} `{}`", shorten(name))
    }
}

/// Those of all functions and layers that these changes touch, in the order of their names. `settings_file` is the one that
/// decides what is deployed.
pub fn affected(
    functions: &BTreeMap<String, Function>,
    before: &Before,
    changes: &[Change],
    places: Places,
    settings_file: &Path,
    meter: &Meter,
) -> Result<Vec<Affected>> {
    fs::metadata(places.code_dir).map_err(|cause| Error::input("find the code directory", places.code_dir, cause))?;
    let mut search = Search {
        changes: changes.iter().map(|change| (change.path.as_path(), change)).collect(),
        settings_file: absolute(settings_file)?,
        code_dir: absolute(places.code_dir)?,
        project_dir: absolute(places.project_dir)?,
        sources: HashMap::new(),
        inputs: HashMap::new(),
        meter,
    };
    let mut found = BTreeMap::new();
    let mut to_hash = Vec::new();
    for (name, function) in functions {
        meter.check()?;
        let mut reasons = search.reasons(function)?;
        let said = search.definition(function)?;
        let before = match before {
            Before::Known(before) if !said.is_empty() => before.get(name),
            Before::Known(_) | Before::Unknown => None,
        };
        let compared = before.map_or(Ok(Compared::Other), |before| search.compare(before, function))?;
        match (compared, before) {
            (Compared::Same, _) => {}
            (Compared::ByHash, Some(before)) if reasons.is_empty() => to_hash.push(([before, function], said)),
            (Compared::ByHash | Compared::Other, _) => reasons.extend(said),
        }
        if !reasons.is_empty() {
            found.insert(name.as_str(), reasons);
        }
    }
    let (pairs, said): (Vec<_>, Vec<_>) = to_hash.into_iter().unzip();
    for (([_, function], said), is_same) in pairs.iter().zip(said).zip(search.hash_alike(&pairs)) {
        if !is_same {
            found.insert(function.name.as_str(), said);
        }
    }
    let touched: BTreeSet<&str> = found.keys().copied().collect();
    for (name, function) in functions {
        let layers = function.layer_names().filter(|layer| touched.contains(layer));
        let reasons: Vec<Reason> = layers.map(|layer| Reason::Layer { name: layer.to_owned() }).collect();
        if !reasons.is_empty() {
            found.entry(name).or_default().extend(reasons);
        }
    }
    let found = found.into_iter().map(|(name, reasons)| Affected {
        name: name.to_owned(),
        kind: functions[name].definition.kind,
        reasons: reasons.into_iter().collect(),
    });
    Ok(found.collect())
}

type Reasons = BTreeSet<Reason>;

struct Search<'a> {
    /// By path, so that what is below a directory stands together.
    changes: BTreeMap<&'a Path, &'a Change>,
    settings_file: PathBuf,
    code_dir: PathBuf,
    project_dir: PathBuf,
    /// Names of the changes that touch a source; many functions share one.
    sources: HashMap<SourceSpec, Vec<String>>,
    inputs: HashMap<GlobText, Vec<String>>,
    meter: &'a Meter,
}

impl Search<'_> {
    /// Changes of what the function is made of.
    fn reasons(&mut self, function: &Function) -> Result<Reasons> {
        let within = |error: Error| error.within(format_args!("function `{}`", function.name));
        let mut reasons = Reasons::new();
        for spec in function.sources() {
            if !self.sources.contains_key(spec) {
                let reach = Reach::of(spec, &self.code_dir).map_err(within)?;
                let touching = self.touching(reach).map_err(within)?;
                self.sources.insert(spec.clone(), touching);
            }
            reasons.extend(self.sources[spec].iter().cloned().map(|path| Reason::Source { path }));
        }
        for glob in Output::hashed_globs(function) {
            if !self.inputs.contains_key(glob) {
                let reach = Reach::of_input(glob, &function.left_by_tools, &self.code_dir).map_err(within)?;
                let touching = self.touching(reach).map_err(within)?;
                self.inputs.insert(glob.clone(), touching);
            }
            reasons.extend(self.inputs[glob].iter().cloned().map(|path| Reason::Input { path }));
        }
        for file in Dependencies::deciding_files(function, &self.code_dir) {
            reasons.extend(self.changes_of(&file).map(|path| Reason::Dependencies { path }));
        }
        for asset in assets::of(function) {
            if let AssetUrl::File(path) = &asset.url {
                let file = self.project_dir.join(path);
                reasons.extend(self.changes_of(&file).map(|path| Reason::Asset { path }));
            }
        }
        Ok(reasons)
    }

    /// Names of the changes that touch what is read.
    fn touching(&self, mut reach: Reach) -> Result<Vec<String>> {
        let mut candidates = BTreeMap::new();
        for place in reach.places() {
            let from_here = (Bound::Included(place.path.as_path()), Bound::Unbounded);
            let below = self.changes.range::<Path, _>(from_here);
            let below = below.take_while(|(path, _)| path.starts_with(&place.path));
            candidates.extend(below.map(|(path, change)| (*path, *change)));
            let around = place.way().filter_map(|path| self.changes.get_key_value(path));
            candidates.extend(around.map(|(path, change)| (*path, *change)));
        }
        let mut touching = Vec::new();
        for change in candidates.into_values() {
            if reach.touches(&change.path, change.shape)? {
                touching.push(change.name.clone());
            }
        }
        Ok(touching)
    }

    /// Names of the changes of a file: of itself, and on the way there.
    fn changes_of(&self, file: &Path) -> impl Iterator<Item = String> {
        let resolved = Resolved::of(file);
        let found = resolved.way().filter_map(|path| self.changes.get(path));
        found.map(|change| change.name.clone()).collect::<Vec<_>>().into_iter()
    }

    /// Changes of what is said about the function.
    fn definition(&self, function: &Function) -> Result<Reasons> {
        let files = [absolute(&function.file)?, self.settings_file.clone()];
        let changed = files.iter().flat_map(|file| self.changes_of(file));
        Ok(changed.map(|path| Reason::Definition { path }).collect())
    }

    /// How a definition compares with what it was.
    fn compare(&mut self, before: &Function, now: &Function) -> Result<Compared> {
        if canonical_json(&before.definition) != canonical_json(&now.definition) {
            return Ok(Compared::Other);
        }
        if is_packed_alike(before, now) {
            return Ok(Compared::Same);
        }
        // Where no change touches what the old one reads, both make the same if they do so of what is there now.
        Ok(match self.reasons(before)?.is_empty() {
            true => Compared::ByHash,
            false => Compared::Other,
        })
    }

    /// Whether each two have the same source hash. What can't be packed, before or now, is another: whoever builds it says why.
    fn hash_alike(&self, pairs: &[[&Function; 2]]) -> Vec<bool> {
        let digests = DigestCache::none();
        let hashes = || {
            let outputs = Outputs::new([]);
            let functions = pairs.as_flattened();
            let trees = Tree::of_functions(functions, &self.code_dir, &outputs, &digests, self.meter)?;
            let trees: Vec<&Tree> = trees.iter().collect();
            Tree::manifests(&trees, &digests, self.meter)
        };
        match hashes() {
            Ok(hashes) => hashes
                .chunks(2)
                .map(|pair| pair[0].source_hash() == pair[1].source_hash())
                .collect(),
            Err(_) if pairs.len() > 1 => pairs.iter().flat_map(|pair| self.hash_alike(&[*pair])).collect(),
            Err(_) => vec![false],
        }
    }
}

enum Compared {
    Same,
    Other,
    ByHash,
}

/// Whether two functions say the same of what they are packed from.
fn is_packed_alike(one: &Function, other: &Function) -> bool {
    let (a, b) = (&one.definition, &other.definition);
    let assets = [one, other].map(assets::inputs);
    one.sources() == other.sources()
        && a.source == b.source
        && a.build == b.build
        && one.swaps == other.swaps
        && matches!(assets, [Ok(one), Ok(other)] if one == other)
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(or_here(path)).map_err(|cause| Error::input("find", path, cause))
}
