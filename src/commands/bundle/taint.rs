//! `bundle taint`: the next run builds it again.

use std::time::Duration;

use lambda_pack_core::bundle::{State, Status, Taint};
use lambda_pack_core::{Error, Result};

use super::Asked;
use crate::bundle::Place;
use crate::bundle::check::Module;
use crate::bundle::store::take_lease;
use crate::cli::TaintArgs;
use crate::commands::output;
use crate::owner::Owner;
use crate::time;

pub fn run(args: &TaintArgs, asked: &Asked) -> Result<()> {
    let place = Place::resolve(&args.bundle.identity, asked.settings)?;
    let connection = asked.connect()?;
    let module = Module::new(&place, &connection);
    let mark = || -> Result<Status> {
        let read = module.read()?;
        let committed = read.committed().map(|bundle| bundle.checksum.clone());
        let now = time::text(time::now());
        let status = read.status.or_else(|| {
            // Somebody has deleted the record, or another tool wrote the rest.
            Some(Status {
                status: State::Succeeded,
                identity: place.identity.clone(),
                checksum: committed?,
                updated_at: now.clone(),
                used_at: None,
                owner: Owner::this_process().to_string(),
                reason: None,
                build_id: None,
                log_url: None,
                tainted: None,
            })
        });
        let status = status.ok_or_else(|| {
            Error::conflict(format!("no bundle of {} is recorded", place.identity))
                .help("check --project, --deployment, --group and --module: `lambda-pack bundle list`")
        })?;
        Ok(Status {
            tainted: Some(Taint {
                by: Owner::this_process().to_string(),
                at: now,
            }),
            ..status
        })
    };
    if args.writing.dry_run {
        mark()?;
        return match asked.json {
            true => output::json(&serde_json::json!({"status": "dry_run", "bundle": place.identity.to_string()})),
            false => output::line(&format!("{}: would be marked for a new build", place.identity)),
        };
    }
    let lease = take_lease(&module, Duration::from_secs(args.writing.lease_seconds.into()))?;
    module.records.write_status(&mark()?)?;
    drop(lease);
    match asked.json {
        true => output::json(&serde_json::json!({"status": "tainted", "bundle": place.identity.to_string()})),
        false => output::line(&format!("{}: marked; the next run builds it", place.identity)),
    }
}
