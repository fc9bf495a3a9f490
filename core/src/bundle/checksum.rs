//! What decides whether a stored bundle is still right: build specification, source, and parameters.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Parameters;
use crate::cache::DigestCache;
use crate::digest::{Algorithm, Digest};
use crate::manifest::{BuildInputs, Manifest};
use crate::source::Tree;
use crate::{Meter, Result};

/// All that decides a bundle's content.
pub struct Inputs<'a> {
    pub tree: &'a Tree,
    /// Content of the build specification, if there is one.
    pub spec: Option<&'a [u8]>,
    pub parameters: &'a Parameters,
}

/// The digest of the inputs, in the framing of source hash version 1 (`docs/formats.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// Decides.
    pub blake3: Digest,
    /// For others, who expect an MD5.
    pub md5: Digest,
    /// To say what changed.
    pub parts: Parts,
}

/// Digests of what goes into a checksum, in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// With the references to secrets.
    pub parameters: String,
}

impl Parts {
    /// What differs, in words; nothing if nothing does.
    pub fn changed_since(&self, before: &Parts) -> Vec<&'static str> {
        let pairs = [
            ("build specification", self.spec != before.spec),
            ("source", self.source != before.source),
            ("parameters", self.parameters != before.parameters),
        ];
        pairs
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(what, _)| what)
            .collect()
    }
}

impl Checksum {
    pub fn of(inputs: &Inputs, digests: &DigestCache, meter: &Meter) -> Result<Self> {
        let hash = |algorithm| -> Result<(Digest, Manifest)> {
            let source = inputs.tree.manifest(algorithm, digests, meter)?;
            let all = Manifest::new(algorithm, source.entries().to_vec(), Some(inputs.of_build(algorithm)?));
            Ok((all.source_hash(), source))
        };
        let (blake3, source) = hash(Algorithm::Blake3)?;
        let (md5, _) = hash(Algorithm::Md5)?;
        Ok(Checksum {
            blake3,
            md5,
            parts: Parts {
                source: source.source_hash().to_hex(),
                spec: inputs.spec.map(|content| Algorithm::Blake3.hash(content).to_hex()),
                parameters: BuildInputs::new(inputs.parameters())?.digest().to_hex(),
            },
        })
    }
}

impl Inputs<'_> {
    /// The record beside the entries. The file's name is nothing that decides; a reference to a secret is, its value isn't.
    fn of_build(&self, algorithm: Algorithm) -> Result<BuildInputs> {
        let mut bundle = self.parameters();
        let spec = self.spec.map(|content| algorithm.hash(content).to_hex());
        bundle.insert("spec".to_owned(), json!(spec));
        BuildInputs::new([("bundle".to_owned(), Value::Object(bundle))].into_iter().collect())
    }

    fn parameters(&self) -> Map<String, Value> {
        let secrets = self.parameters.secrets.iter();
        let secrets: Map<_, _> = secrets
            .map(|(name, reference)| (name.clone(), json!(reference.to_string())))
            .collect();
        [
            ("parameters".to_owned(), json!(self.parameters.values)),
            ("secrets".to_owned(), Value::Object(secrets)),
        ]
        .into_iter()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn checksum(source: &Path, spec: Option<&str>, parameters: &[(&str, &str)]) -> Checksum {
        let meter = Meter::default();
        let values = parameters
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let parameters = Parameters::new(values.collect(), Default::default()).expect("parameters");
        let inputs = Inputs {
            tree: &Tree::at(source, &meter).expect("a tree"),
            spec: spec.map(str::as_bytes),
            parameters: &parameters,
        };
        Checksum::of(&inputs, &DigestCache::none(), &meter).expect("a checksum")
    }

    #[test]
    fn whatever_decides_the_content_changes_both_digests() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("a"), "1").expect("written");
        fs::write(at("b"), "2").expect("written");
        let now = || checksum(directory.path(), Some("spec"), &[("k", "v"), ("l", "w")]);
        let mut seen = vec![now()];
        assert_eq!(seen[0], now());
        seen.push(checksum(directory.path(), Some("other"), &[("k", "v"), ("l", "w")]));
        seen.push(checksum(directory.path(), None, &[("k", "v"), ("l", "w")]));
        seen.push(checksum(directory.path(), Some("spec"), &[("k", "x"), ("l", "w")]));
        seen.push(checksum(directory.path(), Some("spec"), &[("k", "w"), ("l", "v")]));
        seen.push(checksum(directory.path(), Some("spec"), &[]));
        fs::write(at("a"), "2").expect("written");
        fs::write(at("b"), "1").expect("written");
        seen.push(now());
        fs::rename(at("a"), at("c")).expect("renamed");
        seen.push(now());
        fs::set_permissions(at("c"), fs::Permissions::from_mode(0o755)).expect("executable");
        seen.push(now());
        for (index, one) in seen.iter().enumerate() {
            for other in &seen[index + 1..] {
                assert!(one.blake3 != other.blake3 && one.md5 != other.md5);
            }
        }
    }
}
