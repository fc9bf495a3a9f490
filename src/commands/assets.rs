//! `assets lock` and `assets fetch`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lambda_pack_core::assets;
use lambda_pack_core::function::{self, Asset, AssetUrl, Function, Sha256};
use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all};
use serde::Serialize;

use crate::assets::{DOWNLOADS_AT_ONCE, Fetched, Fetcher};
use crate::cli::Common;
use crate::parallel;
use crate::report::{self, Progress};
use crate::settings::Settings;

#[derive(Serialize)]
struct Row {
    name: String,
    url: String,
    /// Entry path, or directory of an archive's entries.
    path: String,
    sha256: String,
    size_bytes: Option<u64>,
    status: Status,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// The checksum was filled in.
    Locked,
    /// It had one.
    Unchanged,
    Downloaded,
    Cached,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Locked => "locked",
            Status::Unchanged => "unchanged",
            Status::Downloaded => "downloaded",
            Status::Cached => "cached",
        }
    }
}

impl Row {
    fn new(function: &Function, asset: &Asset, sha256: Sha256, size_bytes: Option<u64>, status: Status) -> Self {
        Row {
            name: function.name.to_string(),
            url: asset.url.to_string(),
            path: asset.path.as_ref().map_or("", |path| path.as_str()).to_owned(),
            sha256: sha256.to_string(),
            size_bytes,
            status,
        }
    }
}

/// Downloads what the cache lacks.
pub fn fetch(names: &[String], common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    if settings.cache_dir.is_none() {
        return Err(Error::new(ErrorKind::Usage, "there is no cache to download into")
            .help("leave --no-cache out; `build` and `upload` download by themselves what they need"));
    }
    let functions = function::select(super::load_functions_to_lock(&settings)?, names)?.functions;
    let wanted = functions
        .iter()
        .flat_map(|function| assets::of(function).map(move |asset| (function, asset)));
    let wanted = collect_all(wanted.map(|(function, asset)| {
        let sha256 = super::in_function(&function.name, assets::checksum(function, asset))?;
        Ok((function, asset, sha256))
    }))?;
    let progress = Progress::start("downloading", meter);
    let fetcher = Fetcher::new(&settings, meter)?;
    let rows = parallel::map(&wanted, DOWNLOADS_AT_ONCE, |(function, asset, sha256)| {
        let Fetched {
            size_bytes, downloaded, ..
        } = super::in_function(&function.name, fetcher.fetch(&asset.url, *sha256))?;
        let status = if downloaded { Status::Downloaded } else { Status::Cached };
        Ok(Row::new(function, asset, *sha256, Some(size_bytes), status))
    });
    drop(progress);
    finish(rows, common.json)
}

/// Fills in what definitions lack.
pub fn lock(names: &[String], common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let functions = function::select(super::load_functions_to_lock(&settings)?, names)?.functions;
    let progress = Progress::start("downloading", meter);
    let fetcher = Fetcher::new(&settings, meter)?;
    // The same file for several functions comes once.
    let mut unknown = BTreeMap::<&AssetUrl, &Function>::new();
    for function in &functions {
        for asset in assets::of(function).filter(|asset| asset.sha256.is_none()) {
            unknown.entry(&asset.url).or_insert(function);
        }
    }
    let unknown: Vec<(&AssetUrl, &Function)> = unknown.into_iter().collect();
    let fetched = parallel::map(&unknown, DOWNLOADS_AT_ONCE, |(url, function)| {
        super::in_function(&function.name, fetcher.fetch_unknown(url))
    });
    drop(progress);
    let mut known = BTreeMap::new();
    let mut results = Vec::new();
    for ((url, _), fetched) in unknown.into_iter().zip(fetched) {
        match fetched {
            Ok(fetched) => {
                known.insert(url, fetched);
            }
            Err(error) => results.push(Err(error)),
        }
    }
    for function in functions
        .iter()
        .filter(|function| assets::of(function).next().is_some())
    {
        let locked = lock_one(function, &known, &mut results);
        results.extend(locked.err().map(Err));
    }
    finish(results, common.json)
}

/// Writes a definition again, with the checksums that are known by now.
fn lock_one(function: &Function, known: &BTreeMap<&AssetUrl, Fetched>, results: &mut Vec<Result<Row>>) -> Result<()> {
    let file = &function.file;
    // The file may be another one after a long download.
    let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
    let present = Function::parse(file, text.as_bytes())?;
    let mut missing = BTreeMap::new();
    let mut rows = Vec::new();
    for (index, asset) in assets::of(&present).enumerate() {
        match (asset.sha256, known.get(&asset.url)) {
            (Some(sha256), _) => rows.push(Row::new(function, asset, sha256, None, Status::Unchanged)),
            (None, Some(fetched)) => {
                missing.insert(index, fetched.sha256);
                rows.push(Row::new(
                    function,
                    asset,
                    fetched.sha256,
                    Some(fetched.size_bytes),
                    Status::Locked,
                ));
            }
            (None, None) => {}
        }
    }
    if !missing.is_empty() {
        replace(file, &assets::fill_in(file, &text, &missing)?)?;
    }
    results.extend(rows.into_iter().map(Ok));
    Ok(())
}

/// The file has its new text whole, or the old one.
fn replace(file: &Path, text: &str) -> Result<()> {
    let cannot_write = |cause| Error::io("write", file, cause);
    // A link stays one.
    let file = fs::canonicalize(file).map_err(cannot_write)?;
    let permissions = fs::metadata(&file).map_err(cannot_write)?.permissions();
    write_whole(&file, text.as_bytes(), Some(permissions)).map_err(cannot_write)
}

fn finish(results: impl IntoIterator<Item = Result<Row>>, json: bool) -> Result<()> {
    super::finish_rows(results, json, |rows: &[Row]| {
        let lines = rows.iter().map(|row| {
            vec![
                row.name.clone(),
                row.status.name().to_owned(),
                row.size_bytes.map(report::bytes).unwrap_or_default(),
                row.sha256[..16].to_owned(),
                row.url.clone(),
            ]
        });
        report::table(&["function", "status", "size", "sha256", "asset"], &[2], lines)
    })
}
