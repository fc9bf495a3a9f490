//! The lists of the document.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::{Architecture, Function, FunctionName, Kind, SecretClass};
use crate::json::Object;

/// What is deployed, and from which state of its repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// `[application]` of lambda-pack.toml; `null` if it isn't there.
    pub name: Option<String>,
    pub version: Option<String>,
    /// `null` outside of a git repository.
    #[schemars(regex(pattern = "^[0-9a-f]{40,64}$"))]
    pub git_commit: Option<String>,
    /// Whether tracked files differed from that commit, or files were packed that it doesn't have.
    pub dirty: Option<bool>,
}

/// A package's facts that only packing tells, or its record.
#[derive(Clone, Debug)]
pub struct PackageFacts {
    /// Hex digits.
    pub source_hash: String,
    /// Base64.
    pub code_sha256: String,
    pub store_url: String,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
    pub entries: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionEntry {
    pub name: FunctionName,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub source_hash: String,
    /// SHA-256 of the package in base64, as Lambda's `CodeSha256`.
    #[schemars(regex(pattern = "^[A-Za-z0-9+/]{43}=$"))]
    pub code_sha256: String,
    pub store_url: String,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
    pub entries: u64,
    /// `null` if the deploy module is to say it.
    pub runtime: Option<String>,
    pub handler: Option<String>,
    pub architectures: Vec<Architecture>,
    /// Names of layers that are defined beside it, or ARNs.
    pub layers: Vec<String>,
    /// Runtimes that a layer is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatible_runtimes: Option<Vec<String>>,
}

impl FunctionEntry {
    pub fn of(function: &Function, facts: PackageFacts) -> Self {
        let definition = &function.definition;
        let texts = |texts: &[_]| texts.iter().map(ToString::to_string).collect::<Vec<String>>();
        FunctionEntry {
            name: function.name.clone(),
            kind: definition.kind,
            source_hash: facts.source_hash,
            code_sha256: facts.code_sha256,
            store_url: facts.store_url,
            size_bytes: facts.size_bytes,
            unzipped_bytes: facts.unzipped_bytes,
            entries: facts.entries,
            runtime: definition.runtime.as_ref().map(ToString::to_string),
            handler: definition.handler.as_ref().map(ToString::to_string),
            architectures: vec![definition.architectures.one()],
            layers: definition.layers.iter().flatten().map(ToString::to_string).collect(),
            compatible_runtimes: definition.compatible_runtimes.as_deref().map(texts),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetEntry {
    /// The function or layer that has it.
    pub function: String,
    /// Without what may be secret in it.
    pub url: String,
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Entry path, or the directory that an archive's entries are put under.
    pub path: String,
}

impl AssetEntry {
    /// In the order of the definition.
    pub fn of(function: &Function) -> impl Iterator<Item = Self> {
        let assets = function.definition.assets.iter();
        assets.map(|Object(asset)| AssetEntry {
            function: function.name.to_string(),
            url: asset.url.to_string(),
            sha256: asset.sha256.map(|sha256| sha256.to_string()).unwrap_or_default(),
            path: asset.path.as_ref().map_or("", |path| path.as_str()).to_owned(),
        })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwapEntry {
    pub from: String,
    /// `runtime`, `drop`, `layer:NAME`, or a dependency.
    pub to: String,
    pub impact: Option<String>,
    /// Those that it was applied to.
    pub functions: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretEntry {
    pub id: String,
    pub class: SecretClass,
    /// Environment variable that gets its name or ARN.
    pub target: String,
    pub functions: Vec<String>,
}

impl SecretEntry {
    /// Those of all functions, by id.
    pub fn of<'a>(functions: impl IntoIterator<Item = &'a Function>) -> Vec<Self> {
        let mut secrets = BTreeMap::<_, Vec<String>>::new();
        for function in functions {
            for Object(secret) in &function.definition.secrets {
                let Some(target) = &secret.target else { continue };
                let key = (secret.id.as_str(), secret.class, target.as_str());
                secrets.entry(key).or_default().push(function.name.to_string());
            }
        }
        let entries = secrets.into_iter().map(|((id, class, target), functions)| SecretEntry {
            id: id.to_owned(),
            class,
            target: target.to_owned(),
            functions,
        });
        entries.collect()
    }
}
