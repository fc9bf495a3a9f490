//! `bundle store`: pack, upload, record.

use std::time::Duration;

use lambda_pack_core::Result;
use serde::Serialize;

use super::{Asked, given_outputs};
use crate::bundle::check::{Local, Module};
use crate::bundle::store::{Writer, take_lease};
use crate::cli::StoreArgs;
use crate::commands::output;
use crate::report::{self, Progress};
use crate::{caches, git};

#[derive(Serialize)]
struct Row<'a> {
    status: &'static str,
    checksum: &'a str,
    md5: &'a str,
    code_sha256: &'a str,
    bundle_url: &'a str,
    s3_version: Option<&'a str>,
    size_bytes: u64,
    unzipped_bytes: u64,
    entries: u64,
}

pub fn run(args: &StoreArgs, asked: &Asked) -> Result<()> {
    let outputs = args.outputs.as_deref().map(given_outputs).transpose()?;
    let progress = Progress::start("storing", asked.meter);
    let local = asked.local(&args.bundle)?;
    let connection = asked.connect()?;
    let module = Module::new(&local.place, &connection);
    if args.writing.dry_run {
        let read = module.read()?;
        drop(progress);
        return would_store(&local, read.committed().map(|bundle| bundle.checksum.as_str()), asked);
    }
    let caches = caches::open(asked.settings.cache_dir.as_deref(), &local.making.source, true);
    let lease = take_lease(&module, Duration::from_secs(args.writing.lease_seconds.into()))?;
    let writer = Writer::start(&module, lease, &local.checksum, git::commit(&local.making.source))?;
    let stored = writer.store(&local.tree, outputs.as_deref(), &caches, asked.meter);
    let bundle = match stored {
        Ok(bundle) => bundle,
        Err(error) => {
            writer.fail(&error);
            return Err(error);
        }
    };
    drop(writer);
    drop(progress);
    caches::keep(caches);
    let row = Row {
        status: "stored",
        checksum: &bundle.checksum,
        md5: &bundle.md5,
        code_sha256: &bundle.code_sha256,
        bundle_url: &bundle.bundle_url,
        s3_version: bundle.s3_version.as_deref(),
        size_bytes: bundle.size_bytes,
        unzipped_bytes: bundle.unzipped_bytes,
        entries: bundle.entries,
    };
    match asked.json {
        true => output::json(&row),
        false => output::line(&format!(
            "{}: stored {} ({} entries, {})",
            local.place.identity,
            row.bundle_url,
            row.entries,
            report::bytes(row.size_bytes)
        )),
    }
}

fn would_store(local: &Local, stored_checksum: Option<&str>, asked: &Asked) -> Result<()> {
    let checksum = local.checksum.blake3.to_hex();
    let url = local.place.bundle_url();
    match asked.json {
        true => output::json(&serde_json::json!({
            "status": "dry_run",
            "checksum": checksum,
            "stored_checksum": stored_checksum,
            "bundle_url": url,
            "unzipped_bytes": local.tree.size(),
            "entries": local.tree.entries().len(),
        })),
        false => output::line(&format!(
            "would store {url}: {} entries, {} unzipped, checksum {}",
            local.tree.entries().len(),
            report::bytes(local.tree.size()),
            &checksum[..16]
        )),
    }
}
