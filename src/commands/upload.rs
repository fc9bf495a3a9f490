//! `upload`: build what the store lacks, and publish it.

use std::collections::BTreeMap;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function;
use lambda_pack_core::shard::Shard;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all};

use super::{Hashed, PackageRow, Status};
use crate::caches;
use crate::cli::{Common, UploadArgs};
use crate::packaging::{Checked, Packages};
use crate::report::Progress;
use crate::settings::Settings;
use crate::store::{Found, Published};

pub fn run(args: &UploadArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let expected = parse_expected(&args.expect)?;
    let settings = Settings::resolve(common, None, Some(&args.packing))?;
    let progress = Progress::start("uploading", meter);
    // Who expects some functions means these, not all.
    let expected_names: Vec<String> = expected.keys().cloned().collect();
    let names = if args.names.is_empty() {
        &expected_names
    } else {
        &args.names
    };
    let is_named = !names.is_empty();
    let in_shard;
    let names = match args.shard {
        None => names,
        Some(shard) => {
            in_shard = names_of_shard(shard, names, &settings)?;
            if in_shard.is_empty() {
                tracing::info!("no function is in shard {shard}");
                return super::finish([], common.json);
            }
            &in_shard
        }
    };
    let rows = publish(names, is_named, &expected, &settings, meter)?;
    drop(progress);
    super::finish(rows, common.json)
}

/// Publishes what the store lacks of these functions, or of all; `is_named` if somebody named them, and means each. Fails before
/// anything is published if a source hash is another than expected, or if one of them can't work.
pub fn publish(
    names: &[String],
    is_named: bool,
    expected: &BTreeMap<String, Digest>,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Vec<Result<PackageRow>>> {
    let caches = super::open_caches(settings, true);
    let hashed = super::hash_functions(settings, names, &caches, meter)?;
    check_expected(expected, &hashed.functions)?;
    super::warn_of_unknown_secrets(hashed.all().map(|hashed| &hashed.function));
    // Nothing is uploaded where one of them can't work, or holds a secret.
    let checked = Checked::all(&hashed, settings.profile.as_ref(), meter)?;
    let packages = Packages::open(&hashed, settings, caches, meter)?;
    let (mut planned, mut failed) = (Vec::new(), Vec::new());
    for (checked, found) in checked
        .iter()
        .zip(packages.each(&checked, |it| it, |it| packages.find(it.hashed)))
    {
        match found {
            Ok(Some(found)) => planned.push((checked, found)),
            Ok(None) => {}
            Err(error) => failed.push(Err(error)),
        }
    }
    let searched = planned.iter();
    collect_all(searched.map(|(checked, found)| checked.search_source_of(found, meter)))?;
    let states = packages.each(
        &planned,
        |it| it.0,
        |(checked, found)| state(&packages, checked, found, is_named),
    );
    let states = collect_all(states)?.into_iter().flatten();
    let planned: Vec<(&Checked, Found, State)> = planned
        .into_iter()
        .zip(states)
        .map(|((checked, found), state)| (checked, found, state))
        .collect();
    let stored = planned.iter().filter_map(|(checked, found, state)| match found {
        Found::Published(record) => Some((*checked, record, *state == State::Settled)),
        Found::Nothing | Found::PackageMissing(..) => None,
    });
    packages.search_stored(stored)?;
    let rows = packages.each(
        &planned,
        |it| it.0,
        |(checked, found, state)| upload(&packages, checked, found, *state),
    );
    packages.store.save_cache();
    caches::keep(packages.caches);
    let rows = rows.into_iter().filter_map(Result::transpose);
    Ok(failed.into_iter().chain(rows).collect())
}

/// Whether the store has a package that works with what definitions and layers say now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Settled,
    /// It does, but secrets were declared since it was searched.
    Unsearched,
    /// There is none, or the store doesn't say what is in it: it is made again, and said then.
    Unknown,
}

/// Fails where what the store has doesn't work any more. Of functions that are named (`is_named`) manifest and bill of materials must be there, too.
fn state(packages: &Packages, checked: &Checked, found: &Found, is_named: bool) -> Result<State> {
    let Found::Published(record) = found else {
        return Ok(State::Unknown);
    };
    // A request for each would be too many.
    if is_named && packages.lacks_what_is_beside(checked)? {
        return Ok(State::Unknown);
    }
    if packages.has_passed(checked) {
        return Ok(State::Settled);
    }
    let Some(stored) = packages.stored_contents(checked, record)? else {
        return Ok(State::Unknown);
    };
    let of_swaps = packages.check_swaps(checked, &stored.contents)?;
    super::warn_anew(&checked.hashed.function, &checked.hashed.tree, &of_swaps);
    // What may be meant was said when it was uploaded.
    packages.check(checked, &stored.contents)?;
    if !stored.was_searched {
        return Ok(State::Unsearched);
    }
    // What swaps may break is said each time.
    if of_swaps.is_empty() {
        packages.note_passed(checked);
    }
    Ok(State::Settled)
}

fn upload(packages: &Packages, checked: &Checked, found: &Found, state: State) -> Result<PackageRow> {
    let found = packages.use_again(checked, found)?;
    let published = match &found {
        Found::Published(record) if state != State::Unknown => {
            if state == State::Unsearched {
                packages.note_searched(checked)?;
            }
            Published::Unchanged(record.clone())
        }
        found => {
            let made = packages.make(checked.hashed)?;
            let contents = packages.contents(checked, made.as_ref())?;
            super::warn(&checked.hashed.function.name, packages.check(checked, &contents)?);
            let published = packages.publish(checked, made.as_ref(), &contents, found)?;
            if packages.check_swaps(checked, &contents)?.is_empty() {
                packages.note_passed(checked);
            }
            published
        }
    };
    let (record, status) = match published {
        Published::Uploaded(record) => (record, Status::Uploaded),
        Published::Unchanged(record) => (record, Status::Unchanged),
    };
    let store_url = packages.store.package_url(&record);
    let name = checked.hashed.function.name.as_str();
    tracing::info!("{name}: {} {store_url}", status.name());
    Ok(PackageRow {
        name: name.to_owned(),
        source_hash: checked.hashed.manifest.source_hash().to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        path: None,
        store_url: Some(store_url),
        size_bytes: record.size_bytes,
        unzipped_bytes: record.unzipped_bytes,
        entries: record.entries,
        status,
    })
}

/// Those of these functions, or of all, that are in a shard.
fn names_of_shard(shard: Shard, names: &[String], settings: &Settings) -> Result<Vec<String>> {
    let selected = function::select(super::load_functions(settings)?, names)?;
    let names = selected.functions.iter().map(|function| function.name.as_str());
    let names = names.filter(|name| shard.takes(name));
    Ok(names.map(str::to_owned).collect())
}

fn parse_expected(expect: &[String]) -> Result<BTreeMap<String, Digest>> {
    let parsed = expect.iter().map(|text| {
        super::name_and_hash(text)
            .map(|(name, hash)| (name.to_owned(), hash))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Usage,
                    format!("--expect {}: not NAME=HASH", lambda_pack_core::shorten(text)),
                )
                .help("HASH is the 64 digits of the source hash, as `build --json` and `external hash` print it")
            })
    });
    let mut expected = BTreeMap::new();
    for (name, hash) in collect_all(parsed)? {
        if expected.insert(name.clone(), hash).is_some() {
            return Err(Error::new(ErrorKind::Usage, format!("--expect names `{name}` twice")));
        }
    }
    Ok(expected)
}

/// What was planned is uploaded, or nothing is.
fn check_expected(expected: &BTreeMap<String, Digest>, hashed: &[Hashed]) -> Result<()> {
    let errors = expected.iter().filter_map(|(name, expected)| {
        let Some(found) = hashed.iter().find(|hashed| hashed.function.name.as_str() == name) else {
            return Some(Error::new(
                ErrorKind::Usage,
                format!("--expect names `{name}`, which is not uploaded"),
            ));
        };
        let source_hash = found.manifest.source_hash();
        (source_hash != *expected).then(|| {
            Error::new(
                ErrorKind::Conflict,
                format!("function `{name}`: its source hash is {source_hash}, expected was {expected}"),
            )
            .help("the source changed after the plan: plan again")
        })
    });
    Error::join(errors).map_or(Ok(()), Err)
}
