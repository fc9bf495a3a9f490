//! From a deployment profile to what Terraform needs: the packages of its functions, and `bundle.json` that says all of them.

mod checks;
mod files;
mod pipeline;
mod project;
mod provenance;
mod steps;
mod terraform;
mod verify;

use std::collections::BTreeMap;

use lambda_pack_core::fitness::Check;
use lambda_pack_core::function::Function;
use lambda_pack_core::graph::{Graph, Sizes};
use lambda_pack_core::handoff::{
    AssetEntry, Document, FILE_NAME, FunctionEntry, PackageFacts, SCHEMA_VERSION, SecretEntry, SwapEntry,
};
use lambda_pack_core::profile::Profile;
use lambda_pack_core::secrets::Infrastructure;
use lambda_pack_core::{Error, Result};

use crate::packaging::Hashed;
use crate::settings::Settings;
use crate::store::Record;

use provenance::Provenance;

pub use files::{write, write_document};
pub use pipeline::{Deployment, Goal, Packaged, packaged};
pub use steps::{Done, PACKAGES, Row, Steps};
pub use terraform::{Inputs, inputs, warn_of_no_bucket};
pub use verify::{Elsewhere, Stated, Status, Verified};

/// A function with all that is known of it but its package.
#[derive(Clone)]
pub struct Described<'a> {
    pub hashed: &'a Hashed,
    /// What preflight found that may be meant.
    pub warnings: Vec<String>,
    /// What the user should know of its swaps.
    pub of_swaps: Vec<String>,
    pub fitness: Vec<Check>,
}

/// Says what a profile deploys.
pub fn document(deployment: Deployment, settings: &Settings) -> Result<Document> {
    let Deployment {
        profile,
        packaged,
        graph,
        provenance,
    } = deployment;
    let described: Vec<&Described> = packaged.iter().map(|packaged| &packaged.described).collect();
    let functions = packaged.iter().map(|packaged| {
        let function = &packaged.hashed().function;
        FunctionEntry::of(function, facts(packaged, settings))
    });
    let document = Document {
        functions: functions.collect(),
        graph: graph.with_sizes(&packaged.iter().map(sizes).collect()),
        ..outline(profile, &described, provenance, settings)
    };
    check_text(packaged, FILE_NAME, &document.to_json())?;
    Ok(document)
}

/// What the document will say, but for packages and the graph.
fn outline(profile: &Profile, described: &[&Described], provenance: &Provenance, settings: &Settings) -> Document {
    let functions = || described.iter().map(|described| &described.hashed.function);
    let excluded = infrastructure(functions())
        .map(Infrastructure::excluded)
        .unwrap_or_default();
    Document {
        schema_version: SCHEMA_VERSION,
        application: provenance.application.clone(),
        deployment_profile: profile.name.clone(),
        tier: profile.tier,
        store: settings.store.portable(&settings.project_dir),
        functions: Vec::new(),
        graph: Graph::default(),
        assets: functions().flat_map(AssetEntry::of).collect(),
        swaps: swaps(described),
        secrets: SecretEntry::of(functions()),
        validation: checks::validation(profile, described, &excluded, provenance),
        excluded,
    }
}

/// Fails if a secret of the infrastructure is in what the document will say: before anything is uploaded.
fn check_outline(
    profile: &Profile,
    described: &[&Described],
    graph: &Graph,
    provenance: &Provenance,
    settings: &Settings,
) -> Result<()> {
    let Some(infrastructure) = infrastructure(described.iter().map(|described| &described.hashed.function)) else {
        return Ok(());
    };
    let document = Document {
        graph: graph.clone(),
        ..outline(profile, described, provenance, settings)
    };
    infrastructure.check_json(FILE_NAME, &serde_json::to_value(document).expect("string keys"))
}

/// Those that a package has, or would have.
fn sizes<'a>(packaged: &'a Packaged) -> (&'a str, Sizes) {
    let sizes = Sizes {
        size_bytes: Some(packaged.record.size_bytes),
        unzipped_bytes: Some(packaged.record.unzipped_bytes),
    };
    (packaged.hashed().function.name.as_str(), sizes)
}

/// All functions of a project share what is the infrastructure's.
fn infrastructure<'a>(mut functions: impl Iterator<Item = &'a Function>) -> Option<&'a Infrastructure> {
    functions.find_map(|function| function.infrastructure.as_deref())
}

/// Fails if a secret of the infrastructure is in a text that is handed over; `place` says what it is.
fn check_text(packaged: &[Packaged], place: &str, text: &str) -> Result<()> {
    let functions = packaged.iter().map(|packaged| &packaged.hashed().function);
    infrastructure(functions).map_or(Ok(()), |infrastructure| infrastructure.check_text(place, text))
}

/// Those that were applied, each with its functions.
fn swaps(described: &[&Described]) -> Vec<SwapEntry> {
    let mut swaps = BTreeMap::<_, Vec<String>>::new();
    for hashed in described.iter().map(|it| it.hashed) {
        for swap in hashed.tree.swaps() {
            let key = (swap.from.to_string(), swap.to.to_string(), swap.impact.clone());
            swaps.entry(key).or_default().push(hashed.function.name.to_string());
        }
    }
    let entries = swaps.into_iter().map(|((from, to, impact), functions)| SwapEntry {
        from,
        to,
        impact,
        functions,
    });
    entries.collect()
}

fn facts(packaged: &Packaged, settings: &Settings) -> PackageFacts {
    let record = &packaged.record;
    PackageFacts {
        source_hash: packaged.hashed().manifest.source_hash().to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        store_url: in_store(&settings.store.portable(&settings.project_dir), record),
        size_bytes: record.size_bytes,
        unzipped_bytes: record.unzipped_bytes,
        entries: record.entries,
    }
}

/// The address of a package in a store, as a document names that.
fn in_store(store: &str, record: &Record) -> String {
    format!("{}/{}", store.trim_end_matches('/'), record.package_key())
}

/// The checks that a document says have failed.
fn failures(document: &Document) -> impl Iterator<Item = Error> {
    let failures = document.failures();
    failures.map(|failure| Error::invalid(format!("{}: {}", failure.check, failure.detail)))
}

/// The error of a document that says that checks failed.
pub fn refuse_failures(document: &Document) -> Result<()> {
    Error::join(failures(document)).map_or(Ok(()), Err)
}
