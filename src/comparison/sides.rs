//! The two sides of a comparison: where each has its functions from.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all};
use tempfile::TempDir;

use super::zip::manifest_of;
use crate::cli::Common;
use crate::git::WorkTree;
use crate::packaging::{Hashed, hash_functions, load_functions, open_caches};
use crate::settings::Settings;
use crate::store::{REQUESTS_AT_ONCE, Store, StoreUrl};
use crate::{caches, parallel, scratch};

/// As the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The working tree.
    Source,
    /// What was published last, in the store that the settings name.
    Published,
    /// The same, in another store.
    Store(String),
    /// A source hash, or how it begins, in the settings' store.
    Hash(String),
    /// A commit of the project's repository.
    Git(String),
    /// A package on disk.
    Zip(PathBuf),
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// Fewer digits might be a name.
        const FEWEST_DIGITS: usize = 8;
        let is_hash = text.len() >= FEWEST_DIGITS && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        match text {
            "source" => Ok(Side::Source),
            "published" => Ok(Side::Published),
            _ if text.starts_with("git:") => Ok(Side::Git(text["git:".len()..].to_owned())),
            _ if text.contains("://") => Ok(Side::Store(text.to_owned())),
            _ if text.ends_with(".zip") => Ok(Side::Zip(text.into())),
            _ if is_hash => Ok(Side::Hash(text.to_owned())),
            _ => Err(
                "allowed: source, published, git:REF, a source hash (8 digits or more), the address of a store, FILE.zip"
                    .to_owned(),
            ),
        }
    }
}

/// For messages: "compared … with …".
impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Source => f.write_str("the source"),
            Side::Published => f.write_str("what was published last"),
            Side::Store(url) => write!(f, "what was published last in {url}"),
            Side::Hash(hash) => write!(f, "{hash}"),
            Side::Git(reference) => write!(f, "the commit {reference}"),
            Side::Zip(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a side has of a function.
pub struct Version {
    /// Source hash in hex; of a package on disk, its SHA-256 in Base64.
    pub id: String,
    pub manifest: Manifest,
}

/// By function.
pub type Versions = BTreeMap<String, Version>;

/// A side that is ready to be asked.
pub enum Opened<'a> {
    Source(&'a Settings),
    /// A commit's files, with the settings that stand in them.
    Git(
        Box<Settings>,
        #[expect(dead_code, reason = "it goes when this does")] TempDir,
    ),
    Store(Store),
    Hash(Store, &'a str),
    Zip(&'a Path),
}

impl Side {
    pub fn open<'a>(&'a self, settings: &'a Settings, common: &Common, meter: &'static Meter) -> Result<Opened<'a>> {
        let store = |url: &StoreUrl| Store::open(url, &settings.aws, meter);
        Ok(match self {
            Side::Source => Opened::Source(settings),
            Side::Git(reference) => check_out(reference, settings, common)?,
            Side::Published => Opened::Store(store(&settings.store)?),
            Side::Store(url) => Opened::Store(store(&StoreUrl::parse(url, Path::new("."))?)?),
            Side::Hash(start) => Opened::Hash(store(&settings.store)?, start),
            Side::Zip(path) => Opened::Zip(path),
        })
    }
}

impl Opened<'_> {
    /// The functions that it has, if it says so by itself.
    pub fn names(&self) -> Result<Option<Vec<String>>> {
        let defined = |settings: &Settings| Ok(Some(load_functions(settings)?.into_keys().collect()));
        match self {
            Opened::Source(settings) => defined(settings),
            Opened::Git(settings, _) => defined(settings),
            Opened::Store(_) | Opened::Hash(..) => Ok(None),
            Opened::Zip(path) => Ok(path.file_stem().map(|name| vec![name.to_string_lossy().into_owned()])),
        }
    }

    /// Functions are missing where the side has none of that name.
    pub fn versions(&self, names: &[String], meter: &'static Meter) -> Result<Versions> {
        match self {
            Opened::Source(settings) => source(names, settings, meter),
            Opened::Git(settings, _) => source(names, settings, meter),
            Opened::Store(store) => last_published(store, names),
            Opened::Hash(store, start) => by_hash(store, start, names),
            Opened::Zip(path) => package(path, names),
        }
    }
}

/// The project as it was, in a directory of its own; its `lambda-pack.toml` counts.
fn check_out<'a>(reference: &str, settings: &Settings, common: &Common) -> Result<Opened<'a>> {
    let tree = WorkTree::of(&settings.config_dir, "without one there are no commits to compare with")?;
    let written = scratch::directory()?;
    tree.check_out(reference, written.path())?;
    let then = |now: &Path| -> Result<PathBuf> {
        let now = fs::canonicalize(now).map_err(|cause| Error::input("find", now, cause))?;
        let inside = now.strip_prefix(&tree.top).map_err(|_outside| {
            Error::invalid(format!(
                "`{}` is not in the git repository `{}`",
                now.display(),
                tree.top.display()
            ))
        })?;
        Ok(written.path().join(inside))
    };
    let is_given = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| !path.as_os_str().is_empty());
    let common = Common {
        config_dir: Some(then(&settings.config_dir)?),
        code_dir: is_given(&common.code_dir)
            .then(|| then(&settings.code_dir))
            .transpose()?,
        // It knows nothing of these files, and need not.
        no_cache: true,
        ..common.clone()
    };
    Ok(Opened::Git(Box::new(Settings::resolve(&common, None, None)?), written))
}

fn source(names: &[String], settings: &Settings, meter: &'static Meter) -> Result<Versions> {
    let caches = open_caches(settings, false);
    let defined = load_functions(settings)?;
    let names: Vec<String> = names
        .iter()
        .filter(|name| defined.contains_key(*name))
        .cloned()
        .collect();
    if names.is_empty() {
        return Ok(Versions::new());
    }
    let hashed = hash_functions(settings, &names, &caches, meter)?;
    caches::keep(caches);
    let versions = hashed.functions.into_iter().map(|Hashed { function, manifest, .. }| {
        let id = manifest.source_hash().to_hex();
        (function.name.to_string(), Version { id, manifest })
    });
    Ok(versions.collect())
}

fn last_published(store: &Store, names: &[String]) -> Result<Versions> {
    let versions = parallel::map(names, REQUESTS_AT_ONCE, |name| {
        let newest = store.history(name)?.into_iter().next();
        let version = newest.map(|past| stored(store, name, &past.source_hash)).transpose()?;
        Ok(version.map(|version| (name.clone(), version)))
    });
    Ok(collect_all(versions)?.into_iter().flatten().collect())
}

fn by_hash(store: &Store, start: &str, names: &[String]) -> Result<Versions> {
    let [name] = names else {
        return Err(
            Error::new(ErrorKind::Usage, format!("the source hash {start} is one function's"))
                .help("name the function"),
        );
    };
    let history = store.history(name)?;
    let fitting: Vec<Digest> = (history.iter())
        .map(|past| past.source_hash)
        .filter(|hash| hash.to_hex().starts_with(start))
        .collect();
    match fitting.as_slice() {
        [hash] => Ok(Versions::from([(name.clone(), stored(store, name, hash)?)])),
        [] => Err(Error::invalid(format!(
            "`{}` has no package of `{name}` with the source hash {start}",
            store.url()
        ))
        .help("look into another store with --store")),
        several => {
            let several: Vec<String> = several.iter().map(Digest::to_hex).collect();
            Err(Error::invalid(format!(
                "{start} is how several source hashes of `{name}` begin: {}",
                several.join(", ")
            )))
        }
    }
}

fn stored(store: &Store, name: &str, source_hash: &Digest) -> Result<Version> {
    let id = source_hash.to_hex();
    match store.manifest(name, source_hash)? {
        Some(manifest) => Ok(Version { id, manifest }),
        None => Err(Error::failed(format!(
            "`{}` has a record of `{name}` with the source hash {id}, and no manifest for it",
            store.url()
        ))
        .help("somebody deleted it; what was packed can be read from the package itself")),
    }
}

fn package(path: &Path, names: &[String]) -> Result<Versions> {
    let [name] = names else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` is one function's package", path.display()),
        )
        .help("name the function"));
    };
    let id = CodeSha256::of_file(path)
        .map_err(|cause| Error::input("read", path, cause))?
        .to_base64();
    let manifest = manifest_of(path)?;
    Ok(Versions::from([(name.clone(), Version { id, manifest })]))
}
