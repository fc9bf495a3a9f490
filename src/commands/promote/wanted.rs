//! Which packages are to be promoted.

use std::collections::BTreeMap;
use std::path::Path;

use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::FunctionName;
use lambda_pack_core::json;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, function, shorten};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caches;
use crate::cli::PromoteArgs;
use crate::handoff::Stated;
use crate::input;
use crate::packages_file;
use crate::packaging::{hash_functions, in_function, open_caches};
use crate::settings::Settings;
use crate::store::{Past, StoreUrl};

/// A package that is to be promoted.
#[derive(Clone)]
pub struct Wanted {
    pub name: String,
    pub source_hash: Digest,
    /// If it is known beforehand: base64.
    pub code_sha256: Option<String>,
    /// What is deployed with it, if that is known.
    pub definition: Option<Map<String, Value>>,
}

/// A value of lambda-build-module's output; what it says of a store is not of use here.
#[derive(Deserialize)]
struct Published {
    source_hash: String,
    code_sha256: String,
    definition: Map<String, Value>,
}

/// By name, with the store that they are said to be in.
pub fn wanted(
    args: &PromoteArgs,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<(Vec<Wanted>, Option<StoreUrl>)> {
    let (mut named, mut hashed) = (Vec::new(), Vec::new());
    for text in &args.names {
        match text.contains('=') {
            true => hashed.push(pair(text, settings, meter)?),
            false => named.push(text.clone()),
        }
    }
    let listed = match (&args.packages, &args.bundle) {
        (Some(file), _) => Some((of_packages(file)?, None)),
        (None, Some(file)) => {
            let stated = Stated::read(file)?;
            let store = stated.store(&settings.project_dir)?;
            Some((of_bundle(stated)?, Some(store)))
        }
        (None, None) => None,
    };
    let (mut wanted, store) = match listed {
        Some(_) if !hashed.is_empty() => {
            let both = "NAME=HASH, and a file that says the hashes".to_owned();
            return Err(Error::new(ErrorKind::Usage, both).help("give names alone with --packages or --bundle"));
        }
        Some((listed, store)) => (only(listed, &named)?, store),
        None if named.is_empty() && !hashed.is_empty() => (hashed, None),
        None => {
            let mut wanted = of_sources(&named, settings, meter)?;
            wanted.append(&mut hashed);
            (wanted, None)
        }
    };
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = wanted.windows(2).find(|pair| pair[0].name == pair[1].name) {
        let name = &twice[0].name;
        return Err(Error::new(ErrorKind::Usage, format!("`{name}` is named twice"))
            .help("promote one package of it at a time"));
    }
    Ok((wanted, store))
}

fn function_name(text: &str) -> Result<FunctionName> {
    json::parse("NAME", &serde_json::to_vec(text).expect("text"))
}

/// `NAME=HASH`, with a source hash or how one begins that the store has.
fn pair(text: &str, settings: &Settings, meter: &'static Meter) -> Result<Wanted> {
    let (name, start) = text.split_once('=').unwrap_or((text, ""));
    let name = function_name(name)?;
    let source_hash = match Digest::from_hex(Algorithm::Blake3, start) {
        // Whether it is there is asked with all others.
        Some(whole) => whole,
        None => {
            let store = settings.open_store(meter)?;
            let history = store.histories(&[name.to_string()])?.ok_or_else(|| store.not_there())?;
            let history: Vec<Past> = history.into_iter().flatten().collect();
            store.starting_with(start, name.as_str(), &history)?.source_hash
        }
    };
    Ok(Wanted {
        name: name.to_string(),
        source_hash,
        code_sha256: None,
        definition: None,
    })
}

/// Those that were listed, or of these the ones that are named.
fn only(listed: Vec<Wanted>, names: &[String]) -> Result<Vec<Wanted>> {
    let known: BTreeMap<String, Wanted> = listed.into_iter().map(|it| (it.name.clone(), it)).collect();
    if names.is_empty() {
        return Ok(known.into_values().collect());
    }
    let named = names.iter().map(|name| {
        let wanted = known.get(name).cloned();
        wanted.ok_or_else(|| function::unknown(name, known.keys()))
    });
    collect_all(named)
}

/// What the sources are now, with the layers that functions name.
fn of_sources(names: &[String], settings: &Settings, meter: &'static Meter) -> Result<Vec<Wanted>> {
    let caches = open_caches(settings, false);
    let hashed = hash_functions(settings, names, &caches, meter)?.into_all();
    caches::keep(caches);
    collect_all(hashed.iter().map(|hashed| {
        let function = &hashed.function;
        in_function(&function.name, Guard::of(function).check_infrastructure())?;
        Ok(Wanted {
            name: function.name.to_string(),
            source_hash: hashed.manifest.source_hash(),
            code_sha256: None,
            definition: Some(function.definition.resolved()),
        })
    }))
}

fn of_packages(file: &Path) -> Result<Vec<Wanted>> {
    collect_all(packages_file::values(file)?.into_iter().map(|(name, value)| {
        let name = function_name(&name)?;
        let package: Published = packages_file::read_one(&input::place(file), name.as_str(), &value)?;
        Ok(Wanted {
            source_hash: source_hash(&name, &package.source_hash)?,
            name: name.to_string(),
            code_sha256: Some(package.code_sha256),
            definition: Some(package.definition),
        })
    }))
}

fn of_bundle(stated: Stated) -> Result<Vec<Wanted>> {
    let functions = stated.functions()?;
    collect_all(functions.into_iter().map(|function| {
        Ok(Wanted {
            source_hash: source_hash(&function.name, &function.source_hash)?,
            name: function.name.to_string(),
            code_sha256: Some(function.code_sha256),
            definition: None,
        })
    }))
}

fn source_hash(name: &FunctionName, text: &str) -> Result<Digest> {
    Digest::from_hex(Algorithm::Blake3, text)
        .ok_or_else(|| Error::invalid(format!("`{name}`: its source hash is none: `{}`", shorten(text))))
}
