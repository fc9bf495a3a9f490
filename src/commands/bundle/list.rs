//! `bundle list`: what is recorded of a project's bundles.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::bundle::{Bundle, Identity, Metadata, Status};
use serde::Serialize;

use super::Asked;
use crate::bundle::records::Records;
use crate::bundle::{layout, project};
use crate::cli::ListArgs;
use crate::commands::output;
use crate::{report, time};

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    identity: Identity,
    /// `building`, `succeeded`, `failed`, or `unknown` where no record says.
    status: &'static str,
    tainted: bool,
    /// Of the bundle in force, like all below.
    checksum: Option<String>,
    size_bytes: Option<u64>,
    stored_at: Option<String>,
    age_seconds: Option<u64>,
    bundle_url: Option<String>,
    reason: Option<String>,
}

/// The records of one module, as far as they are there.
#[derive(Default)]
struct Found {
    md5: Option<String>,
    metadata: Option<Metadata>,
    status: Option<Status>,
}

pub fn run(args: &ListArgs, asked: &Asked) -> Result<()> {
    let table = &asked.settings.bundle;
    let asked_for = &args.bundle.identity;
    let layout = layout(asked_for.layout, table);
    let project = project(&asked_for.project, table)?;
    let connection = asked.connect()?;
    let below = layout.parameters_below(&project, asked_for.deployment.as_deref());
    let parameters = Records::below(&connection, &below)?;
    let mut modules: BTreeMap<String, Found> = BTreeMap::new();
    for (name, value) in parameters {
        let Some((module, record)) = layout.record(&name) else {
            continue;
        };
        let found = modules.entry(module.to_owned()).or_default();
        let damaged = match record {
            "md5" => {
                found.md5 = layout.md5_in(&value);
                None
            }
            "metadata" => match Metadata::parse(&name, &value) {
                Ok(metadata) => {
                    found.metadata = Some(metadata);
                    None
                }
                Err(error) => Some(error),
            },
            _ => match Status::parse(&name, &value) {
                Ok(status) => {
                    found.status = Some(status);
                    None
                }
                Err(error) => Some(error),
            },
        };
        if let Some(damaged) = damaged {
            report::warning(damaged.message());
        }
    }
    let is_meant = |given: &Option<String>, name: &String| given.as_ref().is_none_or(|given| given == name);
    let rows: Vec<Row> = modules
        .into_values()
        .filter_map(row)
        .filter(|row| is_meant(&asked_for.group, &row.identity.group))
        .filter(|row| is_meant(&asked_for.module, &row.identity.module))
        .collect();
    if asked.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        report::warning(&format!("no bundle of the project `{project}` is recorded"));
        return Ok(());
    }
    let lines = rows.iter().map(|row| {
        let status = match row.tainted {
            true => format!("{}, tainted", row.status),
            false => row.status.to_owned(),
        };
        vec![
            row.identity.deployment.clone(),
            row.identity.group.clone(),
            row.identity.module.clone(),
            status,
            row.age_seconds.map(report::age).unwrap_or_default(),
            row.size_bytes.map(report::bytes).unwrap_or_default(),
            row.checksum.as_deref().unwrap_or_default().chars().take(16).collect(),
        ]
    });
    let header = ["deployment", "group", "module", "status", "age", "size", "checksum"];
    output::line(&report::table(&header, &[4, 5], lines))
}

/// `None` of what another tool has written.
fn row(found: Found) -> Option<Row> {
    let identity = (found.metadata.as_ref().map(|it| &it.identity)).or(found.status.as_ref().map(|it| &it.identity));
    let identity = identity?.clone();
    let md5 = found.md5.as_deref();
    let committed: Option<&Bundle> = (found.metadata.as_ref()).and_then(|metadata| metadata.committed(md5?));
    let stored_at = committed.map(|bundle| bundle.origin.stored_at.clone());
    let stored = stored_at.as_deref().and_then(time::parse);
    Some(Row {
        identity,
        status: found.status.as_ref().map_or("unknown", |status| status.status.name()),
        tainted: found.status.as_ref().is_some_and(|status| status.tainted.is_some()),
        checksum: committed.map(|bundle| bundle.checksum.clone()),
        size_bytes: committed.map(|bundle| bundle.size_bytes),
        age_seconds: stored.map(time::age_seconds),
        bundle_url: committed.map(|bundle| bundle.bundle_url.clone()),
        reason: found.status.and_then(|status| status.reason),
        stored_at,
    })
}
