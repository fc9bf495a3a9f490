//! `list`: the packages in the store.

use std::collections::BTreeMap;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::{as_argument, unknown};
use lambda_pack_core::{Error, Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, PackageListArgs};
use crate::lambda::{self, Use};
use crate::packaging::source_hashes;
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::{Inventory, Kept, Parts, Store};
use crate::{git, time};

#[derive(Serialize)]
struct Row {
    name: String,
    source_hash: String,
    code_sha256: String,
    size_bytes: u64,
    unzipped_bytes: u64,
    entries: u64,
    published_at: String,
    #[serde(skip)]
    published_seconds: u64,
    /// When it was used last, or published.
    used_at: String,
    /// Since it was used.
    age_seconds: u64,
    git_commit: Option<String>,
    /// Whether it is the package of the source as it is now; null where there are no sources.
    current: Option<bool>,
    /// Whether the package is there that the record names.
    stored: bool,
    store_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed: Option<Vec<Use>>,
}

pub fn run(args: &PackageListArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("listing", meter);
    let current = current(&settings, meter);
    let mut store = settings.open_store(meter)?;
    if let Some(cache_dir) = &settings.cache_dir {
        store.open_cache(cache_dir);
    }
    let inventory = store.inventory(&args.names, Parts::Packages)?;
    let inventory = inventory.ok_or_else(|| store.not_there())?;
    if let Some(name) = args.names.iter().find(|name| {
        let kept = inventory.kept.iter().map(|it| &it.name);
        !kept
            .chain(inventory.damaged.iter().map(|it| &it.name))
            .any(|it| it == *name)
    }) {
        return Err(match &current {
            Some(current) if !current.contains_key(name) => unknown(name, current.keys()),
            _ => Error::failed(format!(
                "function `{name}`: nothing of it is published in `{}`",
                store.url()
            ))
            .help(format!("`lambda-pack upload {}` publishes it", as_argument(name))),
        });
    }
    let uses = match args.deployed {
        true => {
            let signed = || store.packages_of_jobs();
            let packages = inventory.packages_asked_about(&signed);
            Some(lambda::uses(&args.lambda_profile, &settings.aws, &packages, meter)?)
        }
        false => None,
    };
    drop(progress);
    let rows = inventory.kept.into_iter().map(|kept| {
        let deployed = uses
            .as_ref()
            .map(|uses| uses.of(&kept.record.code_sha256.to_base64()).to_vec());
        row(kept, current.as_ref(), deployed, &store)
    });
    let rows: Vec<Row> = rows.collect();
    match common.json {
        true => output::json(&rows)?,
        false if rows.is_empty() && inventory.damaged.is_empty() => {
            report::warning(&format!("nothing is published in `{}`", store.url()));
        }
        false if rows.is_empty() => {}
        false => output::line(&table(&rows))?,
    }
    Inventory::check(inventory.damaged)
}

/// The source hashes of now; `None` where there are none, or where they aren't in order: what is stored can be listed all the same.
fn current(settings: &Settings, meter: &'static Meter) -> Option<BTreeMap<String, Digest>> {
    if !settings.config_dir.exists() {
        return None;
    }
    match source_hashes(settings, &[], meter) {
        Ok(current) => Some(current),
        Err(error) => {
            report::warning(&format!("which packages are current isn't known: {}", error.message()));
            None
        }
    }
}

fn row(kept: Kept, current: Option<&BTreeMap<String, Digest>>, deployed: Option<Vec<Use>>, store: &Store) -> Row {
    let Kept {
        name,
        source_hash,
        record,
        published,
        used,
        has_package,
    } = kept;
    let published = time::of_nanos(published);
    let used = time::of_nanos(used);
    Row {
        source_hash: source_hash.to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        size_bytes: record.size_bytes,
        unzipped_bytes: record.unzipped_bytes,
        entries: record.entries,
        published_at: time::text(published),
        published_seconds: time::age_seconds(published),
        used_at: time::text(used),
        age_seconds: time::age_seconds(used),
        current: current.map(|current| current.get(&name) == Some(&source_hash)),
        stored: has_package,
        store_url: store.package_url(&record),
        git_commit: record.git_commit,
        deployed,
        name,
    }
}

fn table(rows: &[Row]) -> String {
    let has_deployed = rows.iter().any(|row| row.deployed.is_some());
    let mut header = vec![
        "function",
        "source hash",
        "published",
        "used",
        "size",
        "unzipped",
        "commit",
        "is",
    ];
    if has_deployed {
        header.push("deployed");
    }
    let start = |text: &str| text.chars().take(16).collect::<String>();
    let lines = rows.iter().map(|row| {
        let is = match (row.stored, row.current) {
            (false, _) => "without its package",
            (true, Some(true)) => "current",
            (true, _) => "",
        };
        let commit = row.git_commit.as_deref().unwrap_or_default();
        let mut line = vec![
            row.name.clone(),
            start(&row.source_hash),
            report::age(row.published_seconds),
            report::age(row.age_seconds),
            report::bytes(row.size_bytes),
            report::bytes(row.unzipped_bytes),
            short_commit(commit),
            is.to_owned(),
        ];
        line.extend(row.deployed.as_ref().map(|uses| {
            let texts: Vec<String> = uses.iter().map(Use::text).collect();
            texts.join(", ")
        }));
        line
    });
    report::table(&header, &[2, 3, 4, 5], lines)
}

/// Enough to find it; that files differed from it must be seen.
fn short_commit(commit: &str) -> String {
    let (commit, is_dirty) = git::unmarked(commit);
    let short: String = commit.chars().take(8).collect();
    git::marked(&short, is_dirty)
}
