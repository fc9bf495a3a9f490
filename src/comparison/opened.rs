//! Sides that are ready to be asked: what they are is loaded, what they have of a function is looked up when it is needed.

use std::collections::BTreeMap;
use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::Function;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::sbom::{Versions, versions};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use tempfile::TempDir;

use super::Side;
use super::contents::Contents;
use super::zip::manifest_of;
use crate::cli::Common;
use crate::packaging::{Hashed, hash_loaded, load_functions, open_caches};
use crate::settings::Settings;
use crate::store::{self, Past, Source, Store, StoreUrl};
use crate::{caches, checkout, scratch};

/// A side, opened.
pub enum Opened<'a> {
    Project(Project<'a>),
    Store(Store),
    Hash(Store, &'a str),
    Zip(&'a Path),
}

/// Sources: those of the working tree, or of a commit.
pub struct Project<'a> {
    functions: BTreeMap<String, Function>,
    place: Place<'a>,
}

enum Place<'a> {
    Here(&'a Settings),
    /// A commit's files, which go when this does, with the settings that stand in them.
    CheckedOut(
        Box<Settings>,
        #[expect(dead_code, reason = "it goes when this does")] TempDir,
    ),
}

impl Place<'_> {
    fn settings(&self) -> &Settings {
        match self {
            Place::Here(settings) => settings,
            Place::CheckedOut(settings, _) => settings,
        }
    }
}

/// What a side has of some functions.
pub enum Found<'a> {
    Hashed(BTreeMap<String, Hashed>),
    Stored(&'a Store, BTreeMap<String, Digest>),
    Zip { path: &'a Path, name: String, id: String },
}

/// What a side has of one function.
pub struct Version {
    pub manifest: Manifest,
    /// `None` where nobody noted them.
    pub dependencies: Option<Versions>,
}

impl Side {
    pub fn open<'a>(&'a self, settings: &'a Settings, common: &Common, meter: &'static Meter) -> Result<Opened<'a>> {
        Ok(match self {
            Side::Source => Opened::Project(Project {
                functions: load_functions(settings)?,
                place: Place::Here(settings),
            }),
            Side::Git(reference) => {
                let (settings, directory) = checkout::of(reference, settings, common)?;
                Opened::Project(Project {
                    functions: load_functions(&settings)?,
                    place: Place::CheckedOut(Box::new(settings), directory),
                })
            }
            Side::Published => Opened::Store(settings.open_store(meter)?),
            Side::Store(url) => {
                Opened::Store(settings.open_other_store(&StoreUrl::parse(url, Path::new("."))?, meter)?)
            }
            Side::Hash(start) => Opened::Hash(settings.open_store(meter)?, start),
            Side::Zip(path) => Opened::Zip(path),
        })
    }
}

impl Opened<'_> {
    /// The functions that it has, if it says so by itself.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Opened::Project(project) => Some(project.functions.keys().cloned().collect()),
            Opened::Store(_) | Opened::Hash(..) => None,
            Opened::Zip(path) => path.file_stem().map(|name| vec![name.to_string_lossy().into_owned()]),
        }
    }

    /// Those that it has of these functions.
    pub fn find(&self, names: &[String], meter: &'static Meter) -> Result<Found<'_>> {
        match self {
            Opened::Project(project) => project.hash(names, meter).map(Found::Hashed),
            Opened::Store(store) => Ok(Found::Stored(store, last_published(store, names)?)),
            Opened::Hash(store, start) => Ok(Found::Stored(store, by_hash(store, start, names)?)),
            Opened::Zip(path) => package(path, names),
        }
    }
}

impl Found<'_> {
    /// Source hash in hex; of a package on disk, its SHA-256 in Base64. `None` where the side doesn't have the function.
    pub fn id(&self, name: &str) -> Option<String> {
        match self {
            Found::Hashed(functions) => Some(functions.get(name)?.manifest.source_hash().to_hex()),
            Found::Stored(_, hashes) => hashes.get(name).map(Digest::to_hex),
            Found::Zip { name: its, id, .. } => (its == name).then(|| id.clone()),
        }
    }

    pub fn version(&self, name: &str) -> Result<Option<Version>> {
        match self {
            Found::Hashed(functions) => functions.get(name).map(Version::of).transpose(),
            Found::Stored(store, hashes) => hashes
                .get(name)
                .map(|hash| Version::stored(store, name, hash))
                .transpose(),
            Found::Zip { path, name: its, .. } if its == name => Ok(Some(Version {
                manifest: manifest_of(path)?,
                dependencies: None,
            })),
            Found::Zip { .. } => Ok(None),
        }
    }

    /// The bytes of its entries. A store's package is downloaded.
    pub fn contents(&self, name: &str) -> Result<Contents<'_>> {
        match self {
            Found::Hashed(functions) => Ok(Contents::of_tree(functions.get(name).map(|hashed| &hashed.tree))),
            Found::Stored(store, hashes) => match hashes.get(name) {
                Some(hash) => download(store, name, hash),
                None => Ok(Contents::of_tree(None)),
            },
            Found::Zip { path, .. } => Contents::of_package(path, None),
        }
    }
}

impl Version {
    pub fn of(hashed: &Hashed) -> Result<Self> {
        let Hashed { tree, manifest, .. } = hashed;
        Ok(Version {
            manifest: manifest.clone(),
            dependencies: Some(versions(tree)?),
        })
    }

    pub fn stored(store: &Store, name: &str, source_hash: &Digest) -> Result<Self> {
        let Some(Source { manifest, dependencies }) = store.source(name, source_hash)? else {
            return Err(Error::failed(format!(
                "`{}` isn't there, and nothing else says what the package was made from",
                store.manifest_url(name, source_hash)
            ))
            .help(format!(
                "somebody deleted it: from the sources of that package, `{}` puts it there again; or compare packages: \
                 lambda-pack diff --from OLD.zip --to NEW.zip",
                store.upload_command(name, source_hash)
            )));
        };
        Ok(Version { manifest, dependencies })
    }
}

impl Project<'_> {
    fn hash(&self, names: &[String], meter: &'static Meter) -> Result<BTreeMap<String, Hashed>> {
        let defined = names.iter().filter(|name| self.functions.contains_key(*name));
        let defined: Vec<String> = defined.cloned().collect();
        if defined.is_empty() {
            return Ok(BTreeMap::new());
        }
        let settings = self.place.settings();
        let caches = open_caches(settings, false);
        let hashed = hash_loaded(self.functions.clone(), settings, &defined, &caches, meter)?;
        caches::keep(caches);
        let hashed = hashed.functions.into_iter();
        Ok(hashed
            .map(|hashed| (hashed.function.name.to_string(), hashed))
            .collect())
    }
}

fn last_published(store: &Store, names: &[String]) -> Result<BTreeMap<String, Digest>> {
    let histories = store.histories(names)?.ok_or_else(|| store.not_there())?;
    let newest = names.iter().zip(histories).filter_map(|(name, history)| {
        let newest = history.first()?;
        Some((name.clone(), newest.source_hash))
    });
    Ok(newest.collect())
}

fn by_hash(store: &Store, start: &str, names: &[String]) -> Result<BTreeMap<String, Digest>> {
    let [name] = names else {
        return Err(
            Error::new(ErrorKind::Usage, format!("the source hash {start} is one function's"))
                .help("name the function"),
        );
    };
    let histories = store.histories(names)?.ok_or_else(|| store.not_there())?;
    let history: Vec<Past> = histories.into_iter().flatten().collect();
    let past = store.starting_with(start, name, &history)?;
    Ok(BTreeMap::from([(name.clone(), past.source_hash)]))
}

fn download(store: &Store, name: &str, source_hash: &Digest) -> Result<Contents<'static>> {
    match store.ask(name, source_hash)? {
        store::Found::Published(record) | store::Found::PackageMissing(record, _) => {
            let directory = scratch::directory()?;
            let file = directory.path().join("package.zip");
            store.download(name, &record, &file)?;
            Contents::of_package(&file, Some(directory))
        }
        store::Found::Nothing => Err(Error::failed(format!(
            "`{}` has no record of `{name}` with the source hash {source_hash} any more",
            store.url()
        ))
        .help("somebody deleted it")),
    }
}

fn package<'a>(path: &'a Path, names: &[String]) -> Result<Found<'a>> {
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
    let name = name.clone();
    Ok(Found::Zip { path, name, id })
}
