//! `rollback`: an earlier package, with its definition, for the deploy module.

use std::num::NonZeroU32;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::{FunctionName, as_argument};
use lambda_pack_core::{Error, ErrorKind, Meter, Result, counted, shorten};
use serde::Serialize;
use serde_json::{Map, Value};

use super::output;
use crate::cli::{Common, RollbackArgs};
use crate::definitions::{self, Origin};
use crate::external::PublishedPackage;
use crate::lambda::Lambda;
use crate::overrides::{ALIASES, Overrides, PACKAGES};
use crate::packaging::{in_function, source_hashes};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::{Found, Past, Record, Store, not_there, shell_word};
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
        if !args.without_lambda {
            check_version(args, version, &settings, meter)?;
        }
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

/// A version that isn't there makes the next apply fail. Where Lambda can't be asked, the number is relied on: a rollback is urgent.
fn check_version(args: &RollbackArgs, version: NonZeroU32, settings: &Settings, meter: &'static Meter) -> Result<()> {
    let aws = settings.aws.with_profile(args.lambda_profile.as_deref());
    let function = format!("{}{}", args.name_prefix, args.name);
    let asked = Lambda::connect(&aws, meter).and_then(|lambda| {
        let found = lambda.version(&function, &version.to_string())?;
        Ok((found, lambda.place()))
    });
    match asked {
        Ok((Some(_), _)) => Ok(()),
        Ok((None, place)) => {
            let said = format!("Lambda has no version {version} of `{function}` in {place}");
            Err(Error::new(ErrorKind::Conflict, said).help(format!(
                "`aws lambda list-versions-by-function --function-name {function}` shows those that it has; say what lambda-deploy-module puts before \
                 names with --name-prefix, and where it deploys with --region and --lambda-profile; --without-lambda relies on the number"
            )))
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
        Err(error) => {
            report::warning(&format!(
                "nobody knows whether Lambda has version {version} of `{function}` (--without-lambda doesn't ask): {}",
                error.message()
            ));
            Ok(())
        }
    }
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
    let store = settings.open_store(meter)?;
    let history = store
        .histories(std::slice::from_ref(&args.name))?
        .ok_or_else(|| store.not_there())?;
    let history: Vec<Past> = history.into_iter().flatten().collect();
    let past = match &args.to {
        Some(start) => store.starting_with(start, name, &history)?,
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
    if !args.dry_run {
        note_use(name, &record, &history, &store)?;
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

/// Until it is deployed nothing else tells `gc` that the package is needed, where it runs elsewhere than in this project.
fn note_use(name: &str, record: &Record, history: &[Past], store: &Store) -> Result<()> {
    let source_hash = record.source_hash();
    match store.use_again(name, &source_hash, &Found::Published(record.clone())) {
        Ok(Found::Published(_)) => Ok(()),
        Ok(Found::Nothing | Found::PackageMissing(..)) => Err(not_there(deleted_just_now(&source_hash), history)),
        // Who only reads may roll back, too.
        Err(error) if error.kind() == ErrorKind::Failed => {
            report::warning(&format!(
                "the store doesn't know that this package is used again, so that `gc` may delete it before it is deployed: {}",
                error.message()
            ));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn deleted_just_now(source_hash: &Digest) -> String {
    format!("the record of the source hash {source_hash} was deleted just now")
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
                count => counted(count, "package"),
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
        Found::Nothing => Err(not_there(deleted_just_now(source_hash), history)),
    }
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
                "name it with --deployment-profile {}; for another profile say where the definition is, with --commit or --definition",
                shell_word(found)
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
            "`{name}` names the layer `{layer}`, which stays that of today; `lambda-pack rollback {}` takes that back, too",
            as_argument(layer)
        ));
    }
}
