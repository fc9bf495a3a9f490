//! Statements of provenance: who built a package, from which commit and inputs, by in-toto's and SLSA's definitions:
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, <https://slsa.dev/spec/v1.0/provenance>.
//!
//! There is no time in one, and nothing of the machine: the same builder makes the same bytes of the same commit.

mod check;
mod source;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::archive::{CodeSha256, PACKAGE_FORMAT};
use crate::assets;
use crate::function::{AssetUrl, Function};
use crate::manifest::{HASH_VERSION, Manifest};
use crate::sbom::Sbom;

pub use check::{Expectations, Expected, Stated, check};
pub use source::{is_builder_id, is_of_uri, is_same_source, repository, without_credentials};

/// What the names of such files end with: <https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md>
pub const EXTENSION: &str = "intoto.json";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";

/// How the parameters of a build are to be read; `docs/provenance.md` says it.
const BUILD_TYPE: &str = "urn:lambda-pack:package:v1";

/// Whoever builds without saying who.
pub const LOCAL_BUILDER: &str = "urn:lambda-pack:builder:local";

/// The digest of a source tree, source hash version 1: no digest of a file.
const SOURCE_DIGEST: &str = "lambdaPackSourceV1";
const SOURCE: &str = "source";
const GIT_COMMIT: &str = "gitCommit";
const DIRTY: &str = "dirty";

/// Who builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builder {
    /// A URI.
    pub id: String,
    /// This run of it.
    pub invocation_id: Option<String>,
}

/// The commit that a source is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Hex digits.
    pub commit: String,
    /// Of the repository, as [`repository`] gives it, where one is known.
    pub uri: Option<String>,
    /// The branch or tag: `refs/heads/main`.
    pub reference: Option<String>,
    /// Whether something that decides a package isn't as in the commit.
    pub is_dirty: bool,
}

/// A package that was just built.
pub struct Built<'a> {
    pub function: &'a Function,
    pub code_sha256: CodeSha256,
    pub manifest: &'a Manifest,
    pub sbom: &'a Sbom,
    pub builder: &'a Builder,
    /// `None` where git knows none.
    pub commit: Option<&'a Commit>,
}

/// Keys that a reader doesn't know are let pass, as in-toto wants it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Resource>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: String,
    external_parameters: ExternalParameters,
    #[serde(default)]
    internal_parameters: InternalParameters,
    #[serde(default)]
    resolved_dependencies: Vec<Resource>,
}

/// What the user decides.
#[derive(Debug, Serialize, Deserialize)]
struct ExternalParameters {
    function_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployment_profile: Option<String>,
    /// As in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build_inputs: Option<Map<String, Value>>,
}

/// Which rules made hash and package.
#[derive(Debug, Default, Serialize, Deserialize)]
struct InternalParameters {
    hash_version: u32,
    package_format: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunDetails {
    builder: BuilderDetails,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BuilderDetails {
    id: String,
    #[serde(default)]
    version: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    invocation_id: String,
}

/// in-toto's ResourceDescriptor.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Resource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// In hex, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    annotations: Map<String, Value>,
}

impl Built<'_> {
    /// The statement; the same bytes for the same of all that is given, and the same version of this program.
    pub fn to_json(&self) -> Vec<u8> {
        let name = self.function.name.as_str();
        let source = Resource {
            name: Some(SOURCE.to_owned()),
            digest: digest(SOURCE_DIGEST, self.manifest.source_hash().to_hex()),
            ..Resource::default()
        };
        let assets = assets::of(self.function).map(|asset| Resource {
            name: Some(asset.url.file_name().to_owned()),
            uri: match &asset.url {
                // What is shown of it has no credentials.
                AssetUrl::Web(_) | AssetUrl::S3 { .. } => Some(asset.url.to_string()),
                // A path of this machine.
                AssetUrl::File(_) => None,
            },
            digest: asset
                .sha256
                .map(|sha256| digest("sha256", sha256.to_string()))
                .unwrap_or_default(),
            ..Resource::default()
        });
        let packages = self.sbom.digests().map(|(purl, digest)| Resource {
            uri: Some(purl.to_owned()),
            digest,
            ..Resource::default()
        });
        let dependencies = self.commit.map(Resource::from).into_iter();
        let dependencies = dependencies.chain([source]).chain(assets).chain(packages);
        let statement = Statement {
            kind: STATEMENT.to_owned(),
            subject: vec![Resource {
                name: Some(file_name(name)),
                digest: digest("sha256", self.code_sha256.to_hex()),
                ..Resource::default()
            }],
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                build_definition: BuildDefinition {
                    build_type: BUILD_TYPE.to_owned(),
                    external_parameters: ExternalParameters {
                        function_name: name.to_owned(),
                        deployment_profile: self.function.definition.deployment_profile.clone(),
                        build_inputs: self.manifest.build_inputs().cloned(),
                    },
                    internal_parameters: InternalParameters {
                        hash_version: HASH_VERSION,
                        package_format: PACKAGE_FORMAT,
                    },
                    resolved_dependencies: dependencies.collect(),
                },
                run_details: RunDetails {
                    builder: BuilderDetails {
                        id: self.builder.id.clone(),
                        version: digest("lambda-pack", env!("CARGO_PKG_VERSION").to_owned()),
                    },
                    metadata: (self.builder.invocation_id.clone()).map(|invocation_id| Metadata { invocation_id }),
                },
            },
        };
        let mut json = serde_json::to_vec(&statement).expect("string keys");
        json.push(b'\n');
        json
    }
}

impl From<&Commit> for Resource {
    fn from(commit: &Commit) -> Self {
        let uri = commit.uri.as_ref().map(|uri| match &commit.reference {
            Some(reference) => format!("{uri}@{reference}"),
            None => uri.clone(),
        });
        Resource {
            name: uri.is_none().then(|| "git".to_owned()),
            uri,
            digest: digest(GIT_COMMIT, commit.commit.clone()),
            annotations: Map::from_iter([(DIRTY.to_owned(), commit.is_dirty.into())]),
        }
    }
}

/// What a package is called where it has no key.
fn file_name(name: &str) -> String {
    format!("{name}.zip")
}

fn digest(algorithm: &str, hex: String) -> BTreeMap<String, String> {
    BTreeMap::from([(algorithm.to_owned(), hex)])
}
