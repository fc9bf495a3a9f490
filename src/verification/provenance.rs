//! What the store says of who built packages.

use lambda_pack_core::digest::Digest;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::provenance::{Expectations, Expected, Stated, check};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde_json::{Map, Value};

use super::store::{each_published, verify};
use super::{Verified, finding};
use crate::settings::Settings;
use crate::store::{Record, Store};

/// A package that was compared with its statement.
pub struct Proven {
    pub verified: Verified,
    /// What the statement says, if it could be read. It may be wrong.
    pub stated: Option<Stated>,
    /// What is worth knowing and no fault.
    pub note: Option<String>,
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
                note: None,
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
        let mut note = None;
        if let Some(stated) = &stated {
            match finding(definition(name, source_hash, store))? {
                Ok(definition) => note = another_profile(stated, definition),
                Err(problem) => verified.problem = verified.problem.or(Some(problem)),
            }
        }
        Ok(Proven {
            verified,
            stated,
            note,
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
    let expected = Expected {
        name,
        code_sha256: &record.code_sha256,
        source_hash,
        build_inputs: source.build_inputs(),
        package_format: record.package_format(),
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

fn definition(name: &str, source_hash: &Digest, store: &Store) -> Result<Option<Map<String, Value>>> {
    match store.kept(name, source_hash)? {
        Some(kept) => kept.definition(),
        None => Ok(None),
    }
}

/// Manifest and statement are both the first of their kind, and may be of two builders of the same source, who were asked for
/// different profiles: of one that was killed between the two, say, or of one that put a deleted manifest back.
fn another_profile(stated: &Stated, definition: Option<Map<String, Value>>) -> Option<String> {
    let definition = definition?;
    let kept = definition.get("deployment_profile").and_then(Value::as_str);
    let stated = stated.deployment_profile.as_deref();
    let said = |profile: Option<&str>| profile.map_or("none".to_owned(), |it| format!("`{it}`"));
    (kept != stated).then(|| {
        format!(
            "its statement names the deployment profile {}, the definition in its manifest {}: two builds of the same source wrote them",
            said(stated),
            said(kept)
        )
    })
}
