//! What the store says of who built packages.

use lambda_pack_core::digest::Digest;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::provenance::{Expectations, Expected, Stated, check};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde_json::Value;

use super::store::{each_published, verify};
use super::{Verified, finding};
use crate::settings::Settings;
use crate::store::{Record, Store};

/// A package that was compared with its statement.
pub struct Proven {
    pub verified: Verified,
    /// What the statement says, if it could be read. It may be wrong.
    pub stated: Option<Stated>,
    /// Where the statement is; `None` if its package couldn't be read.
    pub url: Option<String>,
}

/// Compares what was published last of each function with its record and manifest, and those with the statement who built it. With
/// `deep` packages are downloaded.
pub fn provenance(
    names: &[String],
    deep: bool,
    expectations: Expectations,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Vec<Proven>> {
    each_published(names, settings, meter, |name, source_hash, store| {
        let (mut verified, known) = verify(name, source_hash, deep, store)?;
        let Some((record, source)) = known else {
            return Ok(Proven {
                verified,
                stated: None,
                url: None,
            });
        };
        let read = finding(statement(name, source_hash, &record, &source, expectations, store))?;
        let stated = match read {
            Ok((stated, problem)) => {
                verified.problem = problem;
                Some(stated)
            }
            Err(problem) => {
                verified.problem = Some(problem);
                None
            }
        };
        Ok(Proven {
            verified,
            stated,
            url: Some(store.provenance_url(&record)),
        })
    })
}

/// What the statement says, and what is wrong with that.
fn statement(
    name: &str,
    source_hash: &Digest,
    record: &Record,
    source: &Manifest,
    expectations: Expectations,
    store: &Store,
) -> Result<(Stated, Option<Error>)> {
    let url = store.provenance_url(record);
    let Some(content) = store.provenance(record)? else {
        return Err(Error::new(
            ErrorKind::Integrity,
            format!("`{url}` isn't there: nothing says who built the package"),
        )
        .help("it is written with a package and never later: an older lambda-pack uploaded this one, or somebody deleted the statement"));
    };
    // What the store has it deployed with says which profile it was built for.
    let definition = match store.kept(name, source_hash)? {
        Some(kept) => kept.definition()?,
        None => None,
    };
    let profile = definition
        .as_ref()
        .map(|definition| definition.get("deployment_profile").and_then(Value::as_str));
    let expected = Expected {
        name,
        code_sha256: &record.code_sha256,
        source_hash,
        build_inputs: source.build_inputs(),
        package_format: record.package_format(),
        deployment_profile: profile,
        builder: expectations,
    };
    let wrong = |problem: &str| {
        Error::new(ErrorKind::Integrity, format!("`{url}`: {problem}"))
            .help("find out who wrote that, or correct what you expect; do not deploy the package before")
    };
    let (stated, problems) = check(&content, &expected).map_err(|problem| wrong(&problem))?;
    let problem = (!problems.is_empty()).then(|| wrong(&problems.join("; ")));
    Ok((stated, problem))
}
