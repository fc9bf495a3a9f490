//! A project for builds of its shards: what all functions are made from, and their definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lambda_pack_core::archive::Compression;
use lambda_pack_core::build::Recipe;
use lambda_pack_core::cache::DigestCache;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::{self, AssetUrl, Function};
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::shard::Shard;
use lambda_pack_core::source::{Outputs, Tree};
use lambda_pack_core::{Error, Meter, Result, collect_all};

use super::buildspec;
use super::source::{Packed, Stage};
use super::start::{Options, Request, Variable};

/// Where a build finds code and definitions.
const CODE: &str = "code";
const DEFINITIONS: &str = "lambda-json";

/// A function with what it is packed from, and the source hash.
pub struct Source<'a> {
    pub function: &'a Function,
    pub tree: &'a Tree,
    pub source_hash: Digest,
}

/// Packs the project. Fails if a secret is in it, and unless a build finds the same functions with the same source hashes.
pub fn pack(sources: &[Source], code_dir: &Path, meter: &Meter) -> Result<Packed> {
    let checked = sources.iter().map(|source| {
        let guard = Guard::of(source.function);
        let checked = guard
            .check_environment()
            .and_then(|()| guard.check_tree(source.tree, meter));
        in_function(source.function, checked.and_then(|()| check_assets(source.function)))
    });
    collect_all(checked)?;
    let mut stage = Stage::new(meter)?;
    for source in sources {
        in_function(source.function, add(source, code_dir, &mut stage))?;
    }
    let definitions: BTreeSet<&PathBuf> = sources.iter().map(|source| &source.function.file).collect();
    for file in definitions {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("its name was checked");
        stage.add_file(format!("{DEFINITIONS}/{name}"), file)?;
    }
    stage.make_links()?;
    check_same(sources, stage.path(), meter)?;
    stage.pack()
}

fn add(source: &Source, code_dir: &Path, stage: &mut Stage) -> Result<()> {
    let in_code = |file: &Path| -> Result<String> {
        let below = file.strip_prefix(code_dir).ok().and_then(Path::to_str);
        let below =
            below.ok_or_else(|| Error::invalid(format!("`{}` is outside of the code directory", file.display())))?;
        Ok(format!("{CODE}/{below}"))
    };
    for entry in source.tree.entries() {
        stage.add(in_code(&entry.file)?, entry)?;
    }
    // A lock file decides even if it isn't packed.
    if let Some(Recipe::Dependencies(dependencies, _)) = source.tree.recipe() {
        for file in std::iter::once(&dependencies.lock).chain(&dependencies.beside) {
            stage.add_file(in_code(file)?, file)?;
        }
    }
    Ok(())
}

/// Another machine has no file of this one but those that are sent.
fn check_assets(function: &Function) -> Result<()> {
    let assets = function.definition.assets.iter().enumerate();
    let mut local = assets.filter(|(_, asset)| matches!(asset.0.url, AssetUrl::File(_)));
    local.next().map_or(Ok(()), |(index, asset)| {
        Err(Error::invalid(format!(
            "key `assets[{index}].url`: `{}` is on this machine only",
            asset.0.url
        ))
        .help("put it into a bucket (s3://…), or upload this function from here"))
    })
}

/// What is left out must not have decided anything.
fn check_same(sources: &[Source], stage: &Path, meter: &Meter) -> Result<()> {
    let functions = function::load(&stage.join(DEFINITIONS))?;
    let functions: Vec<&Function> = functions.values().collect();
    let digests = DigestCache::none();
    let trees = Tree::of_functions(&functions, &stage.join(CODE), &Outputs::new([]), &digests, meter)?;
    let trees: Vec<&Tree> = trees.iter().collect();
    let manifests = Tree::manifests(&trees, &digests, meter)?;
    let names = functions.iter().map(|function| function.name.as_str());
    let copies: BTreeMap<&str, Digest> = names
        .zip(manifests.iter().map(|manifest| manifest.source_hash()))
        .collect();
    let different = sources
        .iter()
        .filter(|source| copies.get(source.function.name.as_str()) != Some(&source.source_hash));
    let errors = different.map(|source| {
        Error::invalid(format!(
            "function `{}`: a copy of its source has another source hash",
            source.function.name
        ))
        .help("run again if something writes to the source; else upload this function from here")
    });
    Error::join(errors).map_or(Ok(()), Err)
}

fn in_function<T>(function: &Function, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.within(format_args!("function `{}`", function.name)))
}

/// The request for a build that uploads a shard to `store`. `source` is where the packed project is.
pub fn request(shard: Shard, store: &str, compression: Compression, source: &str, options: &Options) -> Request {
    let mut environment = vec![
        Variable::plain("LAMBDA_PACK_STORE", store),
        Variable::plain("LAMBDA_PACK_SHARD", shard.to_string()),
    ];
    if compression == Compression::Best {
        environment.push(Variable::plain("LAMBDA_PACK_COMPRESSION", "best"));
    }
    Request {
        options: options.clone(),
        source: source.to_owned(),
        buildspec: buildspec::running(buildspec::UPLOAD),
        environment,
        again: None,
    }
}
