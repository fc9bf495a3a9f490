//! Terraform's `external` protocol: one JSON object of strings on stdin, one on stdout.
//! <https://registry.terraform.io/providers/hashicorp/external/latest/docs/data-sources/external>

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use lambda_pack_core::canonical::canonical_json;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::{Definition, FunctionName};
use lambda_pack_core::json::{self, Object};
use lambda_pack_core::{Error, ErrorKind, Result};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::store::{Record, StoreUrl};

/// Largest query that is read. Terraform itself takes answers of up to 64 MiB from its providers.
const LONGEST_QUERY: u64 = 64 * 1024 * 1024;

/// What `external hash` can be asked; flags are the defaults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashQuery {
    pub config_dir: Option<PathBuf>,
    pub code_dir: Option<PathBuf>,
    pub deployment_profile: Option<String>,
    /// A JSON list in a string: the protocol has no lists.
    names: Option<String>,
    explain: Option<String>,
    /// What is explained is the difference from what was published there.
    pub store: Option<String>,
}

impl HashQuery {
    /// `None` for all functions.
    pub fn names(&self) -> Result<Option<Vec<String>>> {
        let Some(names) = &self.names else { return Ok(None) };
        let names: Vec<String> = json::parse("query key `names`", names.as_bytes())?;
        if names.is_empty() {
            // To some it means none, to others all; one of the two destroys every function.
            return Err(
                Error::invalid("query key `names` is an empty list").help("leave the key out for all functions")
            );
        }
        Ok(Some(names))
    }

    /// Whether reasons are wanted.
    pub fn explain(&self) -> Result<bool> {
        match self.explain.as_deref() {
            Some("true") => Ok(true),
            Some("false" | "") | None => Ok(false),
            Some(other) => Err(Error::invalid(format!(
                "query key `explain`: found `{}`; allowed: true, false",
                lambda_pack_core::shorten(other)
            ))),
        }
    }
}

/// What `external published` can be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedQuery {
    pub store: Option<String>,
    /// The string that `external hash` gave.
    packages: String,
}

impl PublishedQuery {
    /// By function name.
    pub fn packages(&self) -> Result<BTreeMap<FunctionName, HashedPackage>> {
        let packages: BTreeMap<_, Object<_>> = json::parse("query key `packages`", self.packages.as_bytes())?;
        Ok(packages
            .into_iter()
            .map(|(name, Object(package))| (name, package))
            .collect())
    }
}

/// A value of the map that `external hash` gives, on its way back in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashedPackage {
    source_hash: String,
    /// Passed on as it is: what was planned is what gets deployed.
    definition: Map<String, Value>,
}

impl HashedPackage {
    /// That it was planned with.
    pub fn deployment_profile(&self) -> Option<&str> {
        self.definition.get("deployment_profile").and_then(Value::as_str)
    }

    pub fn source_hash(&self, name: &FunctionName) -> Result<Digest> {
        Digest::from_hex(Algorithm::Blake3, &self.source_hash).ok_or_else(|| {
            Error::invalid(format!(
                "query key `packages.{name}.source_hash`: found `{}`; allowed: 64 lower-case hex digits",
                lambda_pack_core::shorten(&self.source_hash)
            ))
        })
    }
}

/// Reads the query from stdin.
pub fn read_query<T: DeserializeOwned>() -> Result<T> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "a query is expected on stdin")
            .help("for example: echo '{}' | lambda-pack external hash"));
    }
    let mut query = Vec::new();
    stdin
        .lock()
        .take(LONGEST_QUERY + 1)
        .read_to_end(&mut query)
        .map_err(|cause| Error::failed(format!("cannot read the query from stdin: {cause}")))?;
    if query.len() as u64 > LONGEST_QUERY {
        return Err(Error::invalid(format!(
            "the query is larger than {LONGEST_QUERY} bytes"
        )));
    }
    json::parse_object("query", &query)
}

/// The answer of `external hash`.
pub fn hash_result<'a>(
    functions: impl IntoParallelIterator<Item = (&'a str, Digest, &'a Definition)>,
) -> BTreeMap<&'static str, String> {
    #[derive(Serialize)]
    struct Hashed<'a> {
        source_hash: String,
        definition: &'a Definition,
    }

    // Names are ASCII, so that their order here is the canonical one.
    let packages: BTreeMap<&str, Box<RawValue>> = functions
        .into_par_iter()
        .map(|(name, source_hash, definition)| {
            let source_hash = source_hash.to_hex();
            let hashed = canonical_json(&Hashed {
                source_hash,
                definition,
            });
            (name, RawValue::from_string(hashed).expect("canonical JSON is JSON"))
        })
        .collect();
    let packages = serde_json::to_string(&packages).expect("string keys, and JSON");
    let hash = Algorithm::Blake3.hash(packages.as_bytes()).to_hex();
    BTreeMap::from([("packages", packages), ("hash", hash)])
}

/// What lambda-deploy-module is told of a package: a value of its `packages`.
#[derive(Serialize)]
pub struct PublishedPackage<'a, D> {
    code_sha256: String,
    definition: D,
    /// `null` for a store without buckets.
    s3_bucket: Option<&'a str>,
    s3_key: &'a str,
    size_bytes: u64,
    source_hash: String,
}

impl<'a, D> PublishedPackage<'a, D> {
    pub fn new(store: &'a StoreUrl, record: &'a Record, definition: D) -> Self {
        PublishedPackage {
            code_sha256: record.code_sha256.to_base64(),
            definition,
            s3_bucket: store.bucket(),
            s3_key: &record.s3_key,
            size_bytes: record.size_bytes,
            source_hash: record.source_hash().to_hex(),
        }
    }
}

/// The answer of `external published`.
pub fn published_result(
    store: &StoreUrl,
    packages: &[(FunctionName, HashedPackage, Record)],
) -> BTreeMap<&'static str, String> {
    let packages: BTreeMap<_, _> = packages
        .iter()
        .map(|(name, hashed, record)| (name, PublishedPackage::new(store, record, &hashed.definition)))
        .collect();
    BTreeMap::from([("packages", canonical_json(&packages))])
}
