//! All that a store has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::FunctionName;
use lambda_pack_core::{Error, ErrorKind, Result, collect_all};

use super::listing::Listed;
use super::{Cache, REQUESTS_AT_ONCE, Record, Store, record};
use crate::lambda::Packages;
use crate::parallel;

/// A record and what belongs to it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub name: String,
    pub source_hash: Digest,
    pub record: Record,
    /// When it was published; nanoseconds since 1970, by the store's clock.
    pub published: i128,
    /// When it was used last, or published: uses of one day may be one.
    pub used: i128,
    /// Whether its package is there, with the recorded size.
    pub has_package: bool,
}

/// What a store has, by key. Objects whose keys are none of its own are passed over.
#[derive(Debug, Default)]
pub struct Inventory {
    /// By function, what was published last first.
    pub kept: Vec<Kept>,
    /// What stands beside records.
    pub beside: BTreeMap<String, Stored>,
    pub packages: BTreeMap<String, Stored>,
    /// In bytes, by key.
    pub records: BTreeMap<String, u64>,
    /// Records that can't be read: what they refer to isn't known.
    pub damaged: Vec<Damaged>,
}

/// A record that nobody can read.
#[derive(Debug)]
pub struct Damaged {
    pub name: String,
    pub error: Error,
}

#[derive(Clone, Copy, Debug)]
pub struct Stored {
    pub size_bytes: u64,
    pub modified: i128,
}

/// Which parts are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// What packages there are, and when they were used.
    Packages,
    All,
}

impl Store {
    /// Lists what the store has of these functions, or of all; records are read that aren't cached. `None` if its bucket isn't there.
    pub fn inventory(&self, names: &[String], parts: Parts) -> Result<Option<Inventory>> {
        // Records first: what belongs to one is written before it.
        let mut listed = vec![record::PART, record::PACKAGES];
        match parts {
            Parts::Packages => listed.push(record::USES),
            Parts::All => listed.extend(record::BESIDE.map(|kind| kind.part)),
        }
        let directories: Vec<String> = match names {
            [] => listed.iter().map(|part| (*part).to_owned()).collect(),
            names => listed
                .iter()
                .flat_map(|part| names.iter().map(move |name| format!("{part}/{name}")))
                .collect(),
        };
        let listed = parallel::map(&directories, REQUESTS_AT_ONCE, |part| {
            self.meter.check()?;
            self.objects.list_all(part)
        });
        let Some(listed) = collect_all(listed)?.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let mut inventory = Inventory::default();
        let mut records = Vec::new();
        for (key, listed) in listed.into_iter().flatten() {
            let stored = Stored {
                size_bytes: listed.size_bytes,
                modified: listed.modified,
            };
            match Key::parse(&key) {
                Some(Key::Record(name, source_hash)) => {
                    inventory.records.insert(key.clone(), listed.size_bytes);
                    records.push((key, name, source_hash, listed));
                }
                Some(Key::Package) => drop(inventory.packages.insert(key, stored)),
                Some(Key::Beside) => drop(inventory.beside.insert(key, stored)),
                None => tracing::info!("`{}` is none of the store's own", self.url.of_key(&key)),
            }
        }
        let read = parallel::map(&records, REQUESTS_AT_ONCE, |(key, name, source_hash, listed)| {
            self.meter.check()?;
            self.read_listed(key, name, source_hash, listed)
        });
        self.save_cache();
        for ((_, name, source_hash, listed), record) in records.into_iter().zip(read) {
            let record = match record {
                Ok(Some(record)) => record,
                // Deleted since.
                Ok(None) => continue,
                Err(error) if error.kind() == ErrorKind::Integrity => {
                    inventory.damaged.push(Damaged { name, error });
                    continue;
                }
                Err(error) => return Err(error),
            };
            let package = inventory.packages.get(&record.package_key());
            let last_use = inventory.beside.get(&record::use_key(&name, &source_hash));
            inventory.kept.push(Kept {
                has_package: package.is_some_and(|package| package.size_bytes == record.size_bytes),
                name,
                source_hash,
                record,
                published: listed.modified,
                used: last_use.map_or(listed.modified, |last| last.modified.max(listed.modified)),
            });
        }
        let order = |kept: &Kept| {
            (
                kept.name.clone(),
                std::cmp::Reverse(kept.published),
                kept.source_hash.to_hex(),
            )
        };
        inventory.kept.sort_by_cached_key(order);
        Ok(Some(inventory))
    }

    fn read_listed(&self, key: &str, name: &str, source_hash: &Digest, listed: &Listed) -> Result<Option<Record>> {
        if let Some((record, ..)) = self.cached(key, name, source_hash, listed) {
            return Ok(Some(record));
        }
        let Some(object) = self.objects.get(key)? else {
            return Ok(None);
        };
        let record = self.parse(name, source_hash, &object.content)?;
        // Of its package nothing was found out. What isn't listed with a version is read each time.
        if listed.etag.is_some() {
            self.remember(key, object.version, &record, None);
        }
        Ok(Some(record))
    }

    /// Reads what earlier runs knew of the records; `cache_dir` is the user's.
    pub fn open_cache(&mut self, cache_dir: &Path) {
        self.cache = Cache::open(cache_dir, &format!("{} at {}", self.url, self.objects.place()));
    }
}

impl Inventory {
    /// What is wrong in it, joined, for who did what can be done all the same.
    pub fn check(damaged: Vec<Damaged>) -> Result<()> {
        let errors = damaged
            .into_iter()
            .map(|it| it.error.within(format_args!("function `{}`", it.name)));
        Error::join(errors).map_or(Ok(()), Err)
    }

    /// Of all functions that have a package.
    fn names(&self) -> BTreeSet<String> {
        let of_packages = self.packages.keys().filter_map(|key| key.split('/').nth(1));
        of_packages.map(str::to_owned).collect()
    }

    /// For the question which of them Lambda uses.
    pub fn packages_asked_about<'a>(&self, signed: &'a dyn Fn() -> Result<BTreeMap<String, String>>) -> Packages<'a> {
        Packages {
            names: self.names(),
            digests: self.digests(),
            signed,
        }
    }

    /// SHA-256 of all packages, in base64.
    fn digests(&self) -> BTreeSet<String> {
        let recorded = self.kept.iter().map(|kept| kept.record.code_sha256.to_base64());
        recorded
            .chain(self.packages.keys().filter_map(|key| code_sha256_of(key)))
            .collect()
    }
}

impl Kept {
    pub fn record_key(&self) -> String {
        record::key(&self.name, &self.source_hash)
    }

    /// The keys of what belongs to it alone, whether it is there or not.
    pub fn beside(&self) -> [String; 4] {
        [
            record::manifest_key(&self.name, &self.source_hash),
            record::sbom_key(&self.name, &self.source_hash),
            record::use_key(&self.name, &self.source_hash),
            self.record.provenance_key(),
        ]
    }
}

enum Key {
    Record(String, Digest),
    Beside,
    Package,
}

impl Key {
    /// `None` for what this program doesn't write.
    fn parse(key: &str) -> Option<Self> {
        let [part, name, file]: [&str; 3] = key.split('/').collect::<Vec<_>>().try_into().ok()?;
        let (stem, extension) = file.split_once('.')?;
        let source_hash = Digest::from_hex(Algorithm::Blake3, stem)?;
        name.parse::<FunctionName>().ok()?;
        match (part, extension) {
            (record::PART, "json") => Some(Key::Record(name.to_owned(), source_hash)),
            (record::PACKAGES, "zip") => Some(Key::Package),
            (part, extension) => record::is_beside(part, extension).then_some(Key::Beside),
        }
    }
}

/// The SHA-256 of a package, in base64, as its key says it.
pub fn code_sha256_of(package_key: &str) -> Option<String> {
    let stem = package_key.rsplit('/').next()?.strip_suffix(".zip")?;
    CodeSha256::from_hex(stem).map(|digest| digest.to_base64())
}
