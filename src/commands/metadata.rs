//! `metadata`: what a module's commands hand on to other modules, and what they ask about their own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use lambda_pack_core::bundle::Outputs;
use lambda_pack_core::bundle::names::upper_snake_case;
use lambda_pack_core::bundle::query;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, shorten};

use super::output;
use crate::bundle::metadata::{self, MetadataFile};
use crate::cli::{Common, MetadataAdd, MetadataConvert, MetadataDelete, MetadataGet, MetadataVerb};
use crate::report;

/// Seed-Farmer's prefix of variables.
const PREFIX: &str = "SEEDFARMER_";

pub fn run(verb: &MetadataVerb, common: &Common, meter: &Meter) -> Result<()> {
    match verb {
        MetadataVerb::Add(args) => add(args, meter),
        MetadataVerb::Get(args) => get(args, common.json),
        MetadataVerb::Convert(args) => convert(args, meter),
        MetadataVerb::Depmod => output::line(&full_name()?),
        MetadataVerb::Paramvalue(args) => output::line(&parameter(&args.suffix)?),
        MetadataVerb::Delete(args) => delete(args, meter),
    }
}

fn add(args: &MetadataAdd, meter: &Meter) -> Result<()> {
    let added = match (&args.key, &args.value, &args.json_object) {
        (Some(key), Some(value), None) => Outputs::one(key, value)?,
        (None, None, Some(json)) => Outputs::parse("--jsonstring", json.as_bytes())?,
        _ => unreachable!("clap lets nothing else pass"),
    };
    MetadataFile::find()?.update(meter, |metadata| Ok(metadata.with(added)))
}

fn get(args: &MetadataGet, as_json: bool) -> Result<()> {
    let metadata = MetadataFile::find()?.read()?;
    let Some(key) = args.key.get() else {
        return output::line(&metadata.to_json());
    };
    let value = metadata.get(key)?.get();
    match serde_json::from_str::<String>(value) {
        Ok(text) if !as_json => output::line(&text),
        _ => output::line(value),
    }
}

fn convert(args: &MetadataConvert, meter: &Meter) -> Result<()> {
    let file = MetadataFile::find()?;
    let path = in_directory_or_module(&args.file, &file);
    let text = fs::read(&path).map_err(|cause| {
        Error::input("read", &path, cause).help("name the file that `cdk deploy --outputs-file` wrote: -f FILE")
    })?;
    let place = path.display();
    let added = match &args.query {
        None => Outputs::of_cdk(place, &text, &full_name()?)?,
        Some(path) => {
            let found = query::at(&place, &text, path)?;
            Outputs::parse_nested(format_args!("{place}: `{}`", shorten(path)), found.get())?
        }
    };
    file.update(meter, |metadata| Ok(metadata.with(added)))
}

/// Seed-Farmer looks in the module's directory, wherever the command runs.
fn in_directory_or_module(path: &Path, file: &MetadataFile) -> PathBuf {
    let in_module = file.directory().join(path);
    match !path.exists() && in_module.exists() {
        true => in_module,
        false => path.to_owned(),
    }
}

fn delete(args: &MetadataDelete, meter: &Meter) -> Result<()> {
    let file = MetadataFile::find()?;
    let Some(key) = args.key.get() else {
        return match args.all {
            true => file.delete(meter),
            false => Err(Error::new(ErrorKind::Usage, "nothing is named").help("name a key, or use --all")),
        };
    };
    file.update(meter, |mut metadata| {
        metadata.remove(key)?;
        Ok(metadata)
    })?;
    if file.read()?.contains(key) {
        report::warning(&format!(
            "the variable {} has the key `{}`, too: unset it, else it comes back",
            metadata::NAME,
            shorten(key)
        ));
    }
    Ok(())
}

/// `{project}-{deployment}-{group}-{module}`: the name of the module's stack.
fn full_name() -> Result<String> {
    let parts = ["PROJECT_NAME", "DEPLOYMENT_NAME", "MODULE_NAME"].map(|name| variable(&format!("{PREFIX}{name}")));
    let [project, deployment, module] = parts;
    Ok(format!("{}-{}-{}", project?, deployment?, module?))
}

/// The variable of this name without its prefix, or that of the parameter of this name, however it is spelled.
fn parameter(suffix: &str) -> Result<String> {
    let of_parameter = format!("{PREFIX}PARAMETER_{}", upper_snake_case(suffix));
    variable(&format!("{PREFIX}{suffix}"))
        .or_else(|_| variable(&of_parameter))
        .map_err(|error| error.help(format!("neither {PREFIX}{} nor {of_parameter} is set", shorten(suffix))))
}

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|_| {
        Error::failed(format!("the variable {} is not set", shorten(name)))
            .help("run this in a command of a build specification, or set it")
    })
}
