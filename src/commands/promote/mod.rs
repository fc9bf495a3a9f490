//! `promote`: packages from one store to another.

mod wanted;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, json};
use serde::Serialize;
use serde_json::{Map, Value};

use super::output;
use crate::aws::AwsSettings;
use crate::cli::{Common, PromoteArgs};
use crate::definitions;
use crate::external::PublishedPackage;
use crate::handoff::{self, Inputs};
use crate::packaging::in_function;
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::{Found, Promoted, REQUESTS_AT_ONCE, Record, Store, StoreUrl, Way};
use crate::{hidden, parallel};
use wanted::Wanted;

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    from: String,
    to: String,
    dry_run: bool,
    packages: &'a [Row],
    tfvars: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Inputs<'a, &'a Map<String, Value>>>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    source_hash: String,
    code_sha256: String,
    /// At the destination.
    store_url: String,
    size_bytes: u64,
    status: Status,
    #[serde(skip)]
    record: Record,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// By the service.
    Copied,
    /// Through this machine.
    Transferred,
    Unchanged,
    /// With `--dry-run`.
    ToCopy,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Copied => "copied",
            Status::Transferred => "transferred",
            Status::Unchanged => "unchanged",
            Status::ToCopy => "to copy",
        }
    }
}

/// A package of the one store, and what the other one has for its source.
struct Planned {
    wanted: Wanted,
    record: Record,
    found: Found,
}

pub fn run(args: &PromoteArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let common = &Common {
        store: args.from.clone().or_else(|| common.store.clone()),
        ..common.clone()
    };
    let settings = Settings {
        tfvars: args.tfvars.clone(),
        ..Settings::resolve(common, None, None)?
    };
    let progress = Progress::start("promoting", meter);
    let (wanted, named) = wanted::wanted(args, &settings, meter)?;
    let from_url = match named {
        Some(named) if common.store.is_none() => named,
        _ => settings.store.clone(),
    };
    let (from, to) = open(args, &from_url, &settings, &wanted, meter)?;
    let planned = collect_all(parallel::map(&wanted, REQUESTS_AT_ONCE, |wanted| {
        meter.check()?;
        in_function(&wanted.name, plan(wanted, &from, &to))
    }))?;
    // Before anything is written: it may be that there is none.
    let definitions = match args.dry_run {
        true => None,
        false => definitions_of(&planned, &from, args, &settings, common, meter)?,
    };
    let has_failed = AtomicBool::new(false);
    let rows = parallel::map(&planned, REQUESTS_AT_ONCE, |planned| {
        meter.check()?;
        // What fails because of the network or a missing right fails for all.
        if has_failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let row = in_function(&planned.wanted.name, promote(planned, &from, &to, args.dry_run));
        let is_hopeless = row.as_ref().is_err_and(|error| error.kind() == ErrorKind::Failed);
        has_failed.fetch_or(is_hopeless, Ordering::Relaxed);
        row.map(Some)
    });
    from.save_cache();
    to.save_cache();
    drop(progress);
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Ok(row) => done.extend(row),
            Err(error) => failed.push(error),
        }
    }
    let failed = Error::join(failed);
    say_ways(&done);
    // Of some of the packages it would deploy no more than these.
    let inputs = match (&failed, &definitions) {
        (None, Some(definitions)) => Some(inputs(&done, definitions, to.url())?),
        _ => None,
    };
    if let (Some(file), Some(inputs)) = (&args.tfvars, &inputs) {
        write_inputs(file, inputs, !args.names.is_empty())?;
    }
    let file = args.tfvars.as_ref().filter(|_| inputs.is_some());
    let file = file.map(|file| file.display().to_string());
    match common.json {
        true => output::json(&Outcome {
            from: from.url().to_string(),
            to: to.url().to_string(),
            dry_run: args.dry_run,
            packages: &done,
            inputs: inputs.filter(|_| file.is_none()),
            tfvars: file,
        })?,
        false if failed.is_none() || !done.is_empty() => {
            output::line(&table(&done))?;
            file.map_or(Ok(()), |file| output::line(&format!("\n{file}")))?;
        }
        false => {}
    }
    failed.map_or(Ok(()), Err)
}

fn open(
    args: &PromoteArgs,
    from: &StoreUrl,
    settings: &Settings,
    wanted: &[Wanted],
    meter: &'static Meter,
) -> Result<(Store, Store)> {
    let url = StoreUrl::parse(&args.to, Path::new("."))?;
    hidden::refuse("the address of the store", &url.to_string())?;
    let or_same = |of_to: &Option<String>, of_from: &Option<String>| of_to.clone().or_else(|| of_from.clone());
    let aws = AwsSettings {
        region: or_same(&args.to_region, &settings.aws.region),
        endpoint_url: or_same(&args.to_endpoint_url, &settings.aws.endpoint_url),
        profile: or_same(&args.to_profile, &settings.aws.profile),
    };
    let mut from = settings.open_other_store(from, meter)?;
    let mut to = Store::open(&url, &aws, meter)?;
    if from.is_same(&to) {
        let same = format!("--to names the store that is copied from: {url}");
        return Err(Error::new(ErrorKind::Usage, same).help("say where packages are with --from"));
    }
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    from.expect(&names, settings.cache_dir.as_deref())?;
    to.expect(&names, settings.cache_dir.as_deref())?;
    Ok((from, to))
}

fn plan(wanted: &Wanted, from: &Store, to: &Store) -> Result<Planned> {
    let Wanted { name, source_hash, .. } = wanted;
    let missing = |what: &str| {
        Error::failed(format!("{what} for the source hash {source_hash} in `{}`", from.url()))
            .help(format!("upload it there: {}", from.upload_command(name, source_hash)))
    };
    let found = match from.find(name, source_hash)? {
        Found::Nothing => from.ask(name, source_hash)?,
        found => found,
    };
    let record = match found {
        Found::Published(record) => record,
        Found::Nothing => return Err(missing("there is no package")),
        Found::PackageMissing(..) => return Err(missing("the package was deleted that is recorded")),
    };
    let recorded = record.code_sha256.to_base64();
    if let Some(expected) = wanted.code_sha256.as_ref().filter(|expected| **expected != recorded) {
        return Err(Error::new(
            ErrorKind::Integrity,
            format!(
                "its code sha256 is to be {expected}, `{}` records {recorded}",
                from.url()
            ),
        )
        .help("it is of another store, or somebody changed one of the two"));
    }
    let found = to.find(name, source_hash)?;
    to.check_same_package(from, name, &record, &found)?;
    Ok(Planned {
        wanted: wanted.clone(),
        record,
        found,
    })
}

fn promote(planned: &Planned, from: &Store, to: &Store, is_dry: bool) -> Result<Row> {
    let Planned { wanted, record, found } = planned;
    let (record, status) = match found {
        Found::Published(first) if is_dry => (first.clone(), Status::Unchanged),
        Found::Nothing | Found::PackageMissing(..) if is_dry => (record.in_store(to.url()), Status::ToCopy),
        found => match to.promote(from, &wanted.name, record, found)? {
            Promoted::Copied(record, Way::InService) => (record, Status::Copied),
            Promoted::Copied(record, Way::ThroughThisMachine) => (record, Status::Transferred),
            Promoted::Unchanged(record) => (record, Status::Unchanged),
        },
    };
    tracing::info!("{}: {} {}", wanted.name, status.name(), to.package_url(&record));
    Ok(Row {
        name: wanted.name.clone(),
        source_hash: wanted.source_hash.to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        store_url: to.package_url(&record),
        size_bytes: record.size_bytes,
        status,
        record,
    })
}

/// By name. `None` if nobody asked for them, or if some are not known and nobody needs them.
fn definitions_of(
    planned: &[Planned],
    from: &Store,
    args: &PromoteArgs,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<Option<BTreeMap<String, Map<String, Value>>>> {
    if !common.json && args.tfvars.is_none() {
        return Ok(None);
    }
    let found = planned.iter().map(|Planned { wanted, record, .. }| {
        let definition = match &wanted.definition {
            Some(definition) => Ok(definition.clone()),
            None => definitions::of_package(from, &wanted.name, record, settings, common, meter)
                .map(|(definition, _)| definition),
        };
        Ok((wanted.name.clone(), in_function(&wanted.name, definition)?))
    });
    match collect_all(found) {
        Ok(definitions) => Ok(Some(definitions.into_iter().collect())),
        Err(error) if args.tfvars.is_some() || error.kind() == ErrorKind::Interrupted => Err(error),
        Err(error) => {
            report::warning(&format!("there are no inputs for lambda-deploy-module: {error}"));
            Ok(None)
        }
    }
}

fn inputs<'a>(
    rows: &'a [Row],
    definitions: &'a BTreeMap<String, Map<String, Value>>,
    to: &'a StoreUrl,
) -> Result<Inputs<'a, &'a Map<String, Value>>> {
    let packages = rows.iter().map(|row| {
        let definition = &definitions[&row.name];
        (row.name.as_str(), PublishedPackage::new(to, &row.record, definition))
    });
    let mut profiles = definitions.values().map(|it| it.get("deployment_profile")?.as_str());
    let first = profiles.next().flatten();
    let inputs = Inputs::new(first.filter(|_| profiles.all(|it| it == first)), packages.collect());
    hidden::refuse("the inputs of Terraform", &inputs.to_json())?;
    if to.bucket().is_none() {
        handoff::warn_of_no_bucket();
    }
    Ok(inputs)
}

/// Other variables of the file stay, and where some functions were named, the packages of the others too: without them the module would
/// delete what they are to it.
fn write_inputs(file: &Path, inputs: &Inputs<&Map<String, Value>>, is_part: bool) -> Result<()> {
    let mut whole: Map<String, Value> = match fs::read(file) {
        Ok(content) => json::parse_object(file.display(), &content)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(cause) => return Err(Error::input("read", file, cause)),
    };
    let before = whole.remove("packages");
    let new = serde_json::to_value(inputs).expect("string keys");
    whole.extend(new.as_object().expect("a table of variables").clone());
    if let (true, Some(Value::Object(before)), Some(Value::Object(packages))) =
        (is_part, before, whole.get_mut("packages"))
    {
        for (name, package) in before {
            packages.entry(name).or_insert(package);
        }
    }
    let text = serde_json::to_string_pretty(&whole).expect("string keys");
    handoff::write(file, &format!("{text}\n"))
}

/// Bytes that leave a service cost money, and time.
fn say_ways(rows: &[Row]) {
    let through_here = rows.iter().filter(|row| row.status == Status::Transferred);
    let (count, bytes) = through_here.fold((0, 0), |(count, bytes), row| (count + 1, bytes + row.size_bytes));
    if count > 0 {
        let size = report::bytes(bytes);
        report::note(&format!(
            "through this machine went {count} of them, {size} (-v says why)"
        ));
    }
}

fn table(rows: &[Row]) -> String {
    let header = ["function", "status", "size", "source hash"];
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.status.name().to_owned(),
            report::bytes(row.size_bytes),
            row.source_hash[..16].to_owned(),
        ]
    });
    report::table(&header, &[2], lines)
}
