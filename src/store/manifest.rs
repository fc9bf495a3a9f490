//! The manifest as the store keeps it: what a package was made from, what is in it, and what was found when it was searched.

use std::collections::{BTreeMap, BTreeSet};

use lambda_pack_core::archive::PACKAGE_FORMAT;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::manifest::{EntryJson, Manifest, ManifestJson, StoredEntry, entries_json};
use lambda_pack_core::preflight::{Contents, Item, Machine};
use lambda_pack_core::sbom::Versions;
use lambda_pack_core::secrets::Seen;
use lambda_pack_core::swaps::Moved;
use lambda_pack_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Built, Record, Store, record};
use crate::hidden;

/// What is written.
#[derive(Serialize)]
struct StoredManifest<'a> {
    #[serde(flatten)]
    source: ManifestJson<'a>,
    package_format: u32,
    package_entries: Vec<EntryJson<'a>>,
    /// Of those that are machine code, by path.
    machine_code: BTreeMap<&'a str, Machine>,
    /// What its source's lock files install: what people ask for when they compare. Their digests are among the build inputs.
    dependencies: &'a Versions,
    secrets: Seen,
    /// What layers must have of what swaps left out.
    moved: &'a [Moved],
    /// What the user should know of what swaps left out.
    warnings_of_swaps: &'a [String],
    /// Whether a bill of materials stands beside it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_sbom: bool,
    /// Of the function, as Terraform gets it: a rollback deploys this package with it.
    definition: Map<String, Value>,
}

/// What is read of it to check the package. Versions of this program that couldn't check it wrote less.
#[derive(Deserialize)]
struct StoredPackage {
    package_entries: Vec<StoredEntry>,
    machine_code: Option<BTreeMap<String, Machine>>,
    secrets: Option<Seen>,
    moved: Option<Vec<Moved>>,
    warnings_of_swaps: Option<Vec<String>>,
    build_inputs: Option<Map<String, Value>>,
}

/// What a package was made from.
pub struct Source {
    pub manifest: Manifest,
    /// `None` where an older version of this program wrote it.
    pub dependencies: Option<Versions>,
}

/// What is known of a stored package without reading it.
pub struct Known {
    pub contents: Contents,
    /// What came of searching it for secrets.
    pub seen: Seen,
}

fn to_json(built: &Built, definition: Map<String, Value>) -> Vec<u8> {
    let stored = StoredManifest {
        source: built.manifest.to_json(),
        package_format: PACKAGE_FORMAT,
        package_entries: entries_json(&built.package.entries),
        machine_code: built.contents.machine_code(),
        dependencies: &built.dependencies,
        secrets: built.seen.clone(),
        moved: built.contents.moved(),
        warnings_of_swaps: built.contents.warnings_of_swaps(),
        has_sbom: built.sbom.is_some(),
        definition,
    };
    serde_json::to_vec(&stored).expect("strings and numbers")
}

/// A manifest object, read once.
pub struct Kept<'s> {
    store: &'s Store,
    name: &'s str,
    source_hash: Digest,
    content: Vec<u8>,
}

impl Kept<'_> {
    /// What the package was made from.
    pub fn source(&self) -> Result<Source> {
        #[derive(Deserialize)]
        struct Beside {
            dependencies: Option<Versions>,
        }
        let parsed = Manifest::parse(&self.content).and_then(|manifest| {
            let beside: Beside = serde_json::from_slice(&self.content).map_err(|error| error.to_string())?;
            match manifest.source_hash() == self.source_hash {
                true => Ok(Source {
                    manifest,
                    dependencies: beside.dependencies,
                }),
                false => Err(format!("it is that of the source hash {}", manifest.source_hash())),
            }
        });
        parsed.map_err(|problem| self.bad(&problem))
    }

    /// The entries of the package.
    pub fn package(&self) -> Result<Manifest> {
        #[derive(Deserialize)]
        struct Package {
            package_entries: Vec<StoredEntry>,
        }
        let entries = serde_json::from_slice(&self.content)
            .map_err(|error| format!("not a manifest: {error}"))
            .and_then(|package: Package| {
                let entries = package.package_entries.into_iter();
                entries.map(|entry| entry.parse(Algorithm::Blake3)).collect()
            });
        let entries = entries.map_err(|problem: String| self.bad(&problem))?;
        Ok(Manifest::new(Algorithm::Blake3, entries, None))
    }

    /// What is in the package of this record; `None` if the manifest doesn't say.
    pub fn known(&self, record: &Record) -> Result<Option<Known>> {
        let stored: StoredPackage =
            serde_json::from_slice(&self.content).map_err(|error| self.bad(&format!("not a manifest: {error}")))?;
        let (Some(machine_code), Some(seen), Some(moved)) = (stored.machine_code, stored.secrets, stored.moved) else {
            return Ok(None);
        };
        // Without swaps there is nothing to know of them.
        let is_swapped = stored.build_inputs.is_some_and(|inputs| inputs.contains_key("swaps"));
        let warnings_of_swaps = match stored.warnings_of_swaps {
            None if is_swapped => return Ok(None),
            warnings => warnings.unwrap_or_default(),
        };
        let entries = stored.package_entries.into_iter().map(|entry| Item {
            machine: machine_code.get(&entry.path).copied(),
            path: entry.path.into(),
            kind: entry.kind,
            size: entry.size,
        });
        let contents = Contents::whole(entries.collect(), moved, warnings_of_swaps);
        // Of two who built at the same time the one's manifest may stand beside the other's package.
        let is_of_record =
            contents.size() == record.unzipped_bytes && contents.entries().len() as u64 == record.entries;
        Ok(is_of_record.then_some(Known { contents, seen }))
    }

    /// The definition that the package was uploaded with first; `None` where an older version of this program wrote the manifest.
    pub fn definition(&self) -> Result<Option<Map<String, Value>>> {
        let definition = stored_definition(&self.content).and_then(|definition| match definition {
            Some(definition) if definition.get("function_name").and_then(Value::as_str) != Some(self.name) => {
                Err("its definition is another function's".to_owned())
            }
            definition => Ok(definition),
        });
        definition.map_err(|problem| self.bad(&problem))
    }

    /// The key of the bill of materials, if it should be there and isn't. Older versions of this program didn't note whether there is one.
    pub fn lacks_sbom(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Beside {
            #[serde(default)]
            has_sbom: bool,
        }
        let beside: Beside =
            serde_json::from_slice(&self.content).map_err(|error| self.bad(&format!("not a manifest: {error}")))?;
        let key = record::sbom_key(self.name, &self.source_hash);
        let is_missing = beside.has_sbom && self.store.objects.read_end(&key, 1)?.is_none();
        Ok(is_missing.then_some(key))
    }

    fn bad(&self, problem: &str) -> Error {
        self.store.bad_manifest(self.name, &self.source_hash, problem)
    }
}

impl Store {
    /// The manifest of a package; `None` if it isn't stored.
    pub fn kept<'s>(&'s self, name: &'s str, source_hash: &Digest) -> Result<Option<Kept<'s>>> {
        let object = self.objects.get(&record::manifest_key(name, source_hash))?;
        Ok(object.map(|object| Kept {
            store: self,
            name,
            source_hash: *source_hash,
            content: object.content,
        }))
    }

    /// What a package was made from; `None` if that isn't stored.
    pub fn source(&self, name: &str, source_hash: &Digest) -> Result<Option<Source>> {
        self.kept(name, source_hash)?.map(|kept| kept.source()).transpose()
    }

    /// The entries of a package, as its manifest names them; `None` if it isn't stored.
    pub fn package_manifest(&self, name: &str, source_hash: &Digest) -> Result<Option<Manifest>> {
        self.kept(name, source_hash)?.map(|kept| kept.package()).transpose()
    }

    /// What is in the package of this record; `None` if its manifest doesn't say.
    pub fn known(&self, name: &str, source_hash: &Digest, record: &Record) -> Result<Option<Known>> {
        match self.kept(name, source_hash)? {
            Some(kept) => kept.known(record),
            None => Ok(None),
        }
    }

    /// What stands beside a package, as it is stored, by key: its manifest, and bill of materials and provenance if they are there.
    pub(super) fn beside(&self, name: &str, record: &Record) -> Result<Vec<(String, Vec<u8>)>> {
        let source_hash = record.source_hash();
        let kept = self.kept(name, &source_hash)?;
        let kept = kept.ok_or_else(|| self.no_manifest(name, &source_hash))?;
        kept.source()?;
        let mut beside = vec![(record::manifest_key(name, &source_hash), kept.content)];
        for key in [record::sbom_key(name, &source_hash), record.provenance_key()] {
            let object = self.objects.get(&key)?;
            beside.extend(object.map(|object| (key, object.content)));
        }
        for (key, content) in &beside {
            // It may have been declared since.
            hidden::refuse(&self.url.of_key(key), &String::from_utf8_lossy(content))?;
        }
        Ok(beside)
    }

    /// The address of a manifest, for people.
    pub fn manifest_url(&self, name: &str, source_hash: &Digest) -> String {
        self.url.of_key(&record::manifest_key(name, source_hash))
    }

    /// Notes what was found in a stored package that was made and searched again, if it is the same: then the next one who checks
    /// it need not make it. False if what was made now is another one.
    pub fn note(&self, name: &str, built: &Built, record: &Record) -> Result<bool> {
        self.check_sbom(name, built)?;
        // It is of the source, whatever bytes a build makes of that.
        self.create_sbom(name, built)?;
        if !Record::new(&self.url, name, built).is_of_the_same_package(record) {
            return Ok(false);
        }
        let key = record::manifest_key(name, &built.manifest.source_hash());
        match self.objects.get(&key)? {
            Some(object) => {
                // The first one belongs to the package.
                let kept = stored_definition(&object.content).ok().flatten();
                let content = to_json(built, kept.unwrap_or_else(|| built.definition.resolved()));
                self.check_size(&key, &content)?;
                self.objects.replace(&key, &object.version, &content)?;
            }
            // Somebody deleted it.
            None => self.create_beside(name, built)?,
        }
        Ok(true)
    }

    /// Writes what stands beside a package, unless it is there.
    pub(super) fn create_beside(&self, name: &str, built: &Built) -> Result<()> {
        let key = record::manifest_key(name, &built.manifest.source_hash());
        let manifest = to_json(built, built.definition.resolved());
        self.check_size(&key, &manifest)?;
        self.check_sbom(name, built)?;
        self.objects.create(&key, &manifest)?;
        self.create_sbom(name, built)
    }

    /// Fails where nobody could read again what is to be written there.
    pub(super) fn check_size(&self, key: &str, content: &[u8]) -> Result<()> {
        record::check_size(&self.url.of_key(key), key, content)
    }

    fn check_sbom(&self, name: &str, built: &Built) -> Result<()> {
        match &built.sbom {
            Some(sbom) => self.check_size(&record::sbom_key(name, &built.manifest.source_hash()), sbom),
            None => Ok(()),
        }
    }

    fn create_sbom(&self, name: &str, built: &Built) -> Result<()> {
        if let Some(sbom) = &built.sbom {
            let key = record::sbom_key(name, &built.manifest.source_hash());
            self.objects.create(&key, sbom)?;
        }
        Ok(())
    }

    /// Notes what a stored package was searched for since it was uploaded.
    pub fn note_searched(&self, name: &str, source_hash: &Digest, declared: BTreeSet<String>) -> Result<()> {
        let key = record::manifest_key(name, source_hash);
        let Some(object) = self.objects.get(&key)? else {
            return Ok(());
        };
        let not_a_manifest = |error| self.bad_manifest(name, source_hash, &format!("not a manifest: {error}"));
        let mut manifest: Map<String, Value> = serde_json::from_slice(&object.content).map_err(not_a_manifest)?;
        let secrets = manifest.get("secrets").cloned().unwrap_or_default();
        let mut seen: Seen = serde_json::from_value(secrets).map_err(not_a_manifest)?;
        seen.declared.extend(declared);
        manifest.insert("secrets".into(), serde_json::to_value(seen).expect("texts"));
        let content = serde_json::to_vec(&manifest).expect("it was JSON");
        self.objects.replace(&key, &object.version, &content)
    }

    /// Of a manifest that says what can't be.
    pub fn bad_manifest(&self, name: &str, source_hash: &Digest, problem: &str) -> Error {
        self.contradiction(&record::manifest_key(name, source_hash), name, source_hash, &problem)
    }

    /// Of a package that is there without its manifest.
    pub fn no_manifest(&self, name: &str, source_hash: &Digest) -> Error {
        self.missing(&record::manifest_key(name, source_hash), name, source_hash)
    }

    /// Whether somebody deleted the manifest of a package that is there.
    pub fn lacks_manifest(&self, name: &str, source_hash: &Digest) -> Result<bool> {
        let end = self.objects.read_end(&record::manifest_key(name, source_hash), 1)?;
        Ok(end.is_none())
    }
}

fn stored_definition(content: &[u8]) -> std::result::Result<Option<Map<String, Value>>, String> {
    #[derive(Deserialize)]
    struct Stored {
        definition: Option<Map<String, Value>>,
    }
    let stored: Stored = serde_json::from_slice(content).map_err(|error| format!("not a manifest: {error}"))?;
    Ok(stored.definition)
}
