//! The manifest: what a source tree holds, entry by entry. Its digest is the source hash; `hash`, `build`, `upload` and
//! `external` all consume it, so they cannot disagree.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canonical::{canonical_json, has_one_spelling};
use crate::digest::{Algorithm, Digest, Framing};
use crate::{Error, Result};

/// Number of the rules that make a source hash (`docs/formats.md`).
pub const HASH_VERSION: u32 = 1;

/// Path of the record that stands for the build inputs.
const BUILD_INPUTS_PATH: &str = "build-inputs";

/// What an entry is; the names are those of the JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    File,
    Executable,
    Symlink,
}

impl EntryKind {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::File => "file",
            EntryKind::Executable => "executable",
            EntryKind::Symlink => "symlink",
        }
    }

    fn record_kind(self) -> u8 {
        match self {
            EntryKind::File => b'f',
            EntryKind::Executable => b'x',
            EntryKind::Symlink => b'l',
        }
    }
}

/// One archive member: `size` in bytes of the content, or of a symbolic link's target text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: Arc<str>,
    pub kind: EntryKind,
    pub size: u64,
    pub digest: Digest,
}

/// An entry as JSON has it.
#[derive(Debug, Deserialize)]
pub struct StoredEntry {
    pub path: String,
    pub kind: EntryKind,
    pub size: u64,
    digest: String,
}

impl StoredEntry {
    /// Fails with what is wrong.
    pub fn parse(self, algorithm: Algorithm) -> Result<Entry, String> {
        let digest = Digest::from_hex(algorithm, &self.digest)
            .ok_or_else(|| format!("the digest of `{}` is none", self.path))?;
        Ok(Entry {
            path: self.path.into(),
            kind: self.kind,
            size: self.size,
            digest,
        })
    }
}

/// The sorted entries of a source tree, with whatever else decides the package's content.
#[derive(Clone, Debug)]
pub struct Manifest {
    algorithm: Algorithm,
    entries: Vec<Entry>,
    build_inputs: Option<BuildInputs>,
    /// Follows from the rest, which nothing changes; many ask for it.
    source_hash: OnceLock<Digest>,
}

impl PartialEq for Manifest {
    fn eq(&self, other: &Self) -> bool {
        (self.algorithm, &self.entries, &self.build_inputs) == (other.algorithm, &other.entries, &other.build_inputs)
    }
}

impl Eq for Manifest {}

impl Manifest {
    /// Takes entries in any order; their paths must be unique.
    pub fn new(algorithm: Algorithm, mut entries: Vec<Entry>, build_inputs: Option<BuildInputs>) -> Self {
        // Byte order of whole paths: `a-b` < `a/b`, whatever a directory walk would say.
        entries.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        Manifest {
            algorithm,
            entries,
            build_inputs,
            source_hash: OnceLock::new(),
        }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn build_inputs(&self) -> Option<&Map<String, Value>> {
        self.build_inputs.as_ref().map(|inputs| &inputs.value)
    }

    /// Sum of the entries' sizes in bytes: what Lambda counts as the unzipped size.
    pub fn unzipped_bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    pub fn source_hash(&self) -> Digest {
        *self.source_hash.get_or_init(|| self.hash())
    }

    fn hash(&self) -> Digest {
        let mut framing = Framing::new(self.algorithm);
        for entry in &self.entries {
            framing.record(entry.kind.record_kind(), &entry.path, &entry.digest);
        }
        if let Some(inputs) = &self.build_inputs {
            let digest = self.algorithm.hash(inputs.canonical.as_bytes());
            framing.record(b'i', BUILD_INPUTS_PATH, &digest);
        }
        framing.finish()
    }

    /// Reads the JSON form, whatever stands beside it. Fails with what is wrong, also where it isn't what it says it is.
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Stored {
            hash_version: u32,
            algorithm: Algorithm,
            source_hash: String,
            entries: Vec<StoredEntry>,
            build_inputs: Option<Map<String, Value>>,
        }
        let stored: Stored = serde_json::from_slice(content).map_err(|error| format!("not a manifest: {error}"))?;
        if stored.hash_version != HASH_VERSION {
            return Err(format!(
                "its hash_version is {}, not {HASH_VERSION}",
                stored.hash_version
            ));
        }
        let entries = stored.entries.into_iter().map(|entry| entry.parse(stored.algorithm));
        let entries: Vec<Entry> = entries.collect::<Result<_, String>>()?;
        let build_inputs = stored.build_inputs.map(BuildInputs::new).transpose();
        let build_inputs = build_inputs.map_err(|error| error.to_string())?;
        let manifest = Manifest::new(stored.algorithm, entries, build_inputs);
        match manifest.source_hash().to_hex() {
            hash if hash == stored.source_hash => Ok(manifest),
            hash => Err(format!(
                "its entries make the source hash {hash}, and it says {}",
                stored.source_hash
            )),
        }
    }

    /// The JSON form that `hash --json` prints and the store keeps.
    pub fn to_json(&self) -> ManifestJson<'_> {
        ManifestJson {
            hash_version: HASH_VERSION,
            algorithm: self.algorithm,
            source_hash: self.source_hash().to_hex(),
            entries: entries_json(&self.entries),
            build_inputs: self.build_inputs(),
        }
    }
}

pub fn entries_json(entries: &[Entry]) -> Vec<EntryJson<'_>> {
    entries
        .iter()
        .map(|entry| EntryJson {
            path: &entry.path,
            kind: entry.kind,
            size: entry.size,
            digest: entry.digest.to_hex(),
        })
        .collect()
}

#[derive(Debug, Serialize)]
pub struct ManifestJson<'a> {
    pub hash_version: u32,
    pub algorithm: Algorithm,
    pub source_hash: String,
    pub entries: Vec<EntryJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_inputs: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
pub struct EntryJson<'a> {
    pub path: &'a str,
    pub kind: EntryKind,
    pub size: u64,
    pub digest: String,
}

/// What beyond the tree decides a package's content (dependency lock, recipe, …): a JSON object with a canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInputs {
    value: Map<String, Value>,
    canonical: String,
}

impl BuildInputs {
    /// Fails on numbers that are no integers below 2^53: their text differs between JSON implementations.
    pub fn new(value: Map<String, Value>) -> Result<Self> {
        value.values().try_for_each(check_numbers)?;
        let canonical = canonical_json(&value);
        Ok(BuildInputs { value, canonical })
    }

    /// These and others, which have other keys.
    pub fn and(&self, others: &Self) -> Self {
        let mut value = self.value.clone();
        value.extend(others.value.clone());
        let canonical = canonical_json(&value);
        BuildInputs { value, canonical }
    }

    /// BLAKE3 of the canonical form.
    pub fn digest(&self) -> Digest {
        Algorithm::Blake3.hash(self.canonical.as_bytes())
    }
}

fn check_numbers(value: &Value) -> Result<()> {
    match value {
        Value::Number(number) if !has_one_spelling(number) => Err(Error::invalid(format!(
            "build inputs hold the number {number}; only integers below 2^53 have one spelling everywhere"
        ))),
        Value::Array(values) => values.iter().try_for_each(check_numbers),
        Value::Object(values) => values.values().try_for_each(check_numbers),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inputs(value: Value) -> Result<BuildInputs> {
        let Value::Object(map) = value else { panic!("an object") };
        BuildInputs::new(map)
    }

    #[test]
    fn build_inputs_take_only_numbers_that_have_one_spelling() {
        assert!(inputs(json!({"a": [9_007_199_254_740_991_i64, -1, "1.5"]})).is_ok());
        assert!(inputs(json!({"a": {"b": 9_007_199_254_740_992_i64}})).is_err());
        assert!(inputs(json!({"a": 1.5})).is_err());
    }

    /// The independent implementation's vectors: entries, build inputs and the expected hashes.
    #[test]
    fn source_hashes_match_the_reference_implementation() {
        let text = include_str!("../../tests/reference/vectors.json");
        let Vectors { vectors } = serde_json::from_str(text).expect("vectors.json");
        assert!(vectors.len() >= 10, "the vectors are there");
        for vector in vectors {
            for algorithm in Algorithm::ALL {
                let entries = vector.entries.iter().map(|entry| entry.hashed(algorithm)).collect();
                let build_inputs = vector.build_inputs.clone().map(|it| inputs(it).expect("inputs"));
                let manifest = Manifest::new(algorithm, entries, build_inputs);
                let expected = &vector.source_hash[algorithm.name()];
                assert_eq!(
                    &manifest.source_hash().to_hex(),
                    expected.rsplit(':').next().expect("digits"),
                    "{} ({})",
                    vector.name,
                    algorithm.name()
                );
            }
        }
    }

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        entries: Vec<VectorEntry>,
        build_inputs: Option<Value>,
        source_hash: std::collections::BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    struct VectorEntry {
        path: String,
        kind: String,
        content: Option<String>,
        hex: Option<String>,
        repeat: Option<(String, usize)>,
        target: Option<String>,
    }

    impl VectorEntry {
        fn hashed(&self, algorithm: Algorithm) -> Entry {
            let content = match (&self.content, &self.hex, &self.repeat, &self.target) {
                (Some(text), None, None, None) | (None, None, None, Some(text)) => text.clone().into_bytes(),
                (None, Some(digits), None, None) => hex::decode(digits).expect("hex"),
                (None, None, Some((text, times)), None) => text.repeat(*times).into_bytes(),
                _ => panic!("one content for {}", self.path),
            };
            Entry {
                path: self.path.as_str().into(),
                kind: match self.kind.as_str() {
                    "f" => EntryKind::File,
                    "x" => EntryKind::Executable,
                    "l" => EntryKind::Symlink,
                    other => panic!("kind {other}"),
                },
                size: content.len() as u64,
                digest: algorithm.hash(&content),
            }
        }
    }
}
