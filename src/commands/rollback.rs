//! `rollback`: an earlier package, with its definition, for the deploy module.

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::FunctionName;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, shorten};
use serde::Serialize;
use serde_json::{Map, Value};

use super::output;
use crate::cli::{Common, RollbackArgs};
use crate::definitions::{self, Origin};
use crate::external::PublishedPackage;
use crate::overrides::{ALIASES, Overrides, PACKAGES};
use crate::packaging::{in_function, source_hashes};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::{Found, Past, Record, Store};
use crate::{handoff, hidden};

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    name: &'a str,
    status: Status,
    dry_run: bool,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'a Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_version: Option<String>,
    /// The command that shows the plan.
    plan: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Written,
    Cleared,
    /// The file says so already.
    Unchanged,
}

/// The package that is deployed again.
#[derive(Serialize)]
struct Target {
    source_hash: String,
    code_sha256: String,
    s3_key: String,
    published: String,
    /// `store`, `git:<commit>`, or a file.
    definition_from: String,
}

pub fn run(args: &RollbackArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let mut overrides = Overrides::read(args.file.as_deref(), &settings)?;
    let name = args.name.as_str();
    if let Err(allowed) = name.parse::<FunctionName>() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` is no function: allowed: {allowed}", shorten(name)),
        )
        .help("`lambda-pack list` shows those that have packages"));
    }
    let mut target = None;
    if args.clear {
        overrides.clear(name);
    } else if let Some(version) = args.alias_version {
        overrides.set(ALIASES, name, version.to_string().into());
    } else {
        let progress = Progress::start("looking for the package", meter);
        let (package, value) = in_function(name, package(args, &settings, common, meter))?;
        drop(progress);
        overrides.set(PACKAGES, name, value);
        if let Some(version) = overrides.get(ALIASES, name).and_then(Value::as_str) {
            report::warning(&format!(
                "the alias of `{name}` is held at version {version}, by the same file: callers don't get the package before that is taken back"
            ));
        }
        target = Some(package);
    }
    // It was looked for when it was uploaded. What was declared since wasn't.
    hidden::hide_of_definitions();
    hidden::refuse(
        &overrides.file().display().to_string(),
        &overrides.text().unwrap_or_default(),
    )?;
    let status = match (overrides.is_changed(), args.clear) {
        (false, _) => Status::Unchanged,
        (true, true) => Status::Cleared,
        (true, false) => Status::Written,
    };
    if status != Status::Unchanged && !args.dry_run {
        overrides.write()?;
    }
    print(args, common, &overrides, status, target.as_ref())
}

fn print(
    args: &RollbackArgs,
    common: &Common,
    overrides: &Overrides,
    status: Status,
    target: Option<&Target>,
) -> Result<()> {
    let file = overrides.file().display().to_string();
    if common.json {
        return output::json(&Outcome {
            name: &args.name,
            status,
            dry_run: args.dry_run,
            file,
            package: target,
            alias_version: args.alias_version.map(|version| version.to_string()),
            plan: overrides.plan_command(),
        });
    }
    let name = &args.name;
    match (target, args.alias_version) {
        (Some(target), _) => report::note(&format!(
            "{name}: the package {} of {}, with its definition from {}",
            &target.source_hash[..16],
            target.published,
            target.definition_from,
        )),
        (None, Some(version)) => report::note(&format!("{name}: the alias is held at version {version}")),
        (None, None) if status == Status::Unchanged => report::note(&format!("{name}: nothing to take back")),
        (None, None) => report::note(&format!("{name}: follows the packages that are handed over again")),
    }
    if args.dry_run {
        return output::bytes(overrides.text().unwrap_or_default().as_bytes());
    }
    output::line(&format!("{file}\n{}", overrides.plan_command()))
}

/// What is to be deployed again, and its value in `package_overrides`.
fn package(
    args: &RollbackArgs,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<(Target, Value)> {
    let name = args.name.as_str();
    let store = Store::open(&settings.store, &settings.aws, meter)?;
    let history = store
        .histories(std::slice::from_ref(&args.name))?
        .ok_or_else(|| store.not_there())?;
    let history: Vec<Past> = history.into_iter().flatten().collect();
    let past = match &args.to {
        Some(start) => starting_with(start, name, &history, &store)?,
        None => {
            let steps = args.steps.map_or(1, |steps| steps.get() as usize);
            let current = current(name, settings, meter)?;
            before(current, steps, name, &history, &store)?
        }
    };
    let record = record(name, &past.source_hash, &history, &store)?;
    let (definition, origin) = definition(args, &store, &record, settings, common, meter)?;
    check_profile(&definition, settings)?;
    warn_of_layers(name, &definition);
    if store.url().bucket().is_none() {
        handoff::warn_of_no_bucket();
    }
    let target = Target {
        source_hash: past.source_hash.to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        s3_key: record.s3_key.clone(),
        published: past.published_text(),
        definition_from: origin.to_string(),
    };
    let value = PublishedPackage::new(store.url(), &record, definition);
    Ok((target, serde_json::to_value(value).expect("string keys")))
}

fn definition(
    args: &RollbackArgs,
    store: &Store,
    record: &Record,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<(Map<String, Value>, Origin)> {
    match (&args.definition, &args.commit) {
        (Some(file), _) => definitions::in_file(file, &args.name, settings),
        (None, Some(commit)) => definitions::at_commit(commit, &args.name, record, settings, common, meter),
        (None, None) => definitions::of_package(store, &args.name, record, settings, common, meter),
    }
}

/// The source hash of now.
fn current(name: &str, settings: &Settings, meter: &'static Meter) -> Result<Digest> {
    let hashes = source_hashes(settings, &[name.to_owned()], meter)?;
    Ok(hashes[name])
}

fn starting_with(start: &str, name: &str, history: &[Past], store: &Store) -> Result<Past> {
    let mut fitting = history
        .iter()
        .filter(|past| past.source_hash.to_hex().starts_with(start));
    match (fitting.next(), fitting.next()) {
        (Some(past), None) => Ok(*past),
        (None, _) => {
            let said = format!(
                "`{}` has no package of `{name}` with the source hash {}",
                store.url(),
                shorten(start)
            );
            Err(not_there(said, history))
        }
        (Some(_), Some(_)) => {
            let said = format!("{} is how several source hashes of `{name}` begin", shorten(start));
            Err(not_there(said, history))
        }
    }
}

/// The package that was published so many before the current one.
fn before(current: Digest, steps: usize, name: &str, history: &[Past], store: &Store) -> Result<Past> {
    let Some(position) = history.iter().position(|past| past.source_hash == current) else {
        let said = format!(
            "the sources of `{name}` are not published in `{}` as they are now (source hash {current}), so that nobody can count from there",
            store.url()
        );
        return Err(not_there(said, history));
    };
    let Some(past) = history.get(position + steps) else {
        let said = format!(
            "`{}` has {} before the source hash {current} of now, not {steps}",
            store.url(),
            match history.len() - position - 1 {
                0 => "no package".to_owned(),
                1 => "1 package".to_owned(),
                count => format!("{count} packages"),
            }
        );
        return Err(not_there(said, history));
    };
    // S3 counts in seconds.
    for end in [&history[position], past] {
        if history.iter().filter(|other| other.published == end.published).count() > 1 {
            let said = format!(
                "several packages of `{name}` were published at {}: which was first isn't known",
                end.published_text()
            );
            return Err(not_there(said, history));
        }
    }
    Ok(*past)
}

fn record(name: &str, source_hash: &Digest, history: &[Past], store: &Store) -> Result<Record> {
    match store.ask(name, source_hash)? {
        Found::Published(record) => Ok(record),
        Found::PackageMissing(record, _) => {
            let said = format!("`{}` isn't there, which a record names", store.package_url(&record));
            Err(not_there(said, history))
        }
        Found::Nothing => {
            let said = format!("the record of the source hash {source_hash} was deleted just now");
            Err(not_there(said, history))
        }
    }
}

/// Says what is there instead.
fn not_there(said: String, history: &[Past]) -> Error {
    /// Who looks for an older one knows its hash.
    const SHOWN: usize = 10;
    let known = history.iter().take(SHOWN);
    let known: Vec<String> = known
        .map(|past| format!("{} ({})", &past.source_hash.to_hex()[..16], past.published_text()))
        .collect();
    let help = match (known.as_slice(), history.len()) {
        ([], _) => "nothing of it was ever published there: name another store with --store".to_owned(),
        (known, all @ SHOWN..) if all > SHOWN => {
            format!(
                "name one with --to: {}, and {} older ones",
                known.join(", "),
                all - SHOWN
            )
        }
        (known, _) => format!("name one with --to: {}", known.join(", ")),
    };
    Error::new(ErrorKind::Conflict, said).help(help)
}

/// The deploy module refuses packages of another profile, but only when it is applied.
fn check_profile(definition: &Map<String, Value>, settings: &Settings) -> Result<()> {
    let wanted = settings.profile.as_ref().map(|profile| profile.name.as_str());
    match definition.get("deployment_profile").and_then(Value::as_str) {
        // From before there were profiles.
        None => Ok(()),
        found if found == wanted => Ok(()),
        Some(found) => {
            let wanted = wanted.map_or_else(|| "none is named".to_owned(), |wanted| format!("`{wanted}` is named"));
            let said = format!("its definition is that of the deployment profile `{found}`, and {wanted}");
            Err(Error::new(ErrorKind::Conflict, said).help(format!(
                "name it with --deployment-profile {found}; for another profile say where the definition is, with --commit or --definition"
            )))
        }
    }
}

/// Those that the project defines are deployed as they are today.
fn warn_of_layers(name: &str, definition: &Map<String, Value>) {
    let layers = definition.get("layers").and_then(Value::as_array).into_iter().flatten();
    for layer in layers
        .filter_map(Value::as_str)
        .filter(|layer| !layer.starts_with("arn:"))
    {
        report::warning(&format!(
            "`{name}` names the layer `{layer}`, which stays that of today; `lambda-pack rollback {layer}` takes that back, too"
        ));
    }
}
