//! `upload`: build what the store lacks, and publish it.

use std::collections::BTreeMap;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use lambda_pack_core::archive::{self, Packing};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::sbom::Sbom;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::shard::Shard;
use lambda_pack_core::temporary::{private_temporary_file, remove_abandoned};
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, preflight};
use tempfile::NamedTempFile;

use super::layers::Layers;
use super::{Hashed, PackageRow, Status};
use crate::build as builds;
use crate::caches;
use crate::cli::{Common, UploadArgs};
use crate::report::Progress;
use crate::settings::Settings;
use crate::store::{Built, Found, Published, REQUESTS_AT_ONCE, Store};
use crate::{git, parallel};

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
    let caches = super::open_caches(&settings, true);
    let hashed = super::hash_functions(&settings, names, &caches, meter)?;
    check_expected(&expected, &hashed.functions)?;
    // Nothing is uploaded where one of them can't work, or holds a secret; dependencies aren't there before they are
    // installed.
    let sources = Layers::new(hashed.all().map(|hashed| (&hashed.function, &hashed.tree)));
    let checked = collect_all(hashed.functions.iter().map(|hashed| {
        let layers = sources.of(&hashed.function, |_, tree| Ok(tree.size()))?;
        let guard = Guard::of(&hashed.function);
        let warnings = collect_all([
            super::preflight(&hashed.function, &hashed.tree, &layers),
            super::in_function(&hashed.function.name, guard.check_environment()).map(|()| Vec::new()),
        ])?;
        Ok(Checked {
            hashed,
            warnings: warnings.concat(),
            guard,
        })
    }))?;
    let mut store = Store::open(&settings.store, &settings.aws, meter)?;
    let names: Vec<&str> = hashed.all().map(|hashed| hashed.function.name.as_str()).collect();
    store.expect(&names, settings.cache_dir.as_deref())?;
    let uploader = Uploader {
        store,
        settings: &settings,
        layers: Layers::new(hashed.all().map(|hashed| (&hashed.function, hashed))),
        git_commit: OnceLock::new(),
        scratch: Scratch::new(),
        caches,
        hopeless: AtomicBool::new(false),
        meter,
    };
    let (mut planned, mut failed) = (Vec::new(), Vec::new());
    for (checked, found) in checked
        .iter()
        .zip(uploader.each(&checked, |it| it, |it| uploader.find(it)))
    {
        match found {
            Ok(Some(found)) => planned.push((checked, found)),
            Ok(None) => {}
            Err(error) => failed.push(Err(error)),
        }
    }
    refuse_secrets(&planned, meter)?;
    let rows = uploader.each(&planned, |it| it.0, |(checked, found)| uploader.upload(checked, found));
    uploader.store.save_cache();
    drop(progress);
    caches::keep(uploader.caches);
    let rows = rows.into_iter().filter_map(Result::transpose);
    super::finish(failed.into_iter().chain(rows), common.json)
}

/// Looks at all that is to be uploaded, before any of it is. Packing looks again, at what it packs.
fn refuse_secrets(planned: &[(&Checked, Found)], meter: &Meter) -> Result<()> {
    let lacking = planned
        .iter()
        .filter(|(_, found)| !matches!(found, Found::Published(_)));
    let checked = lacking.map(|(Checked { hashed, guard, .. }, _)| {
        super::in_function(&hashed.function.name, guard.check_tree(&hashed.tree, meter))
    });
    collect_all(checked).map(drop)
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
        text.split_once('=')
            .and_then(|(name, hash)| Some((name.to_owned(), Digest::from_hex(Algorithm::Blake3, hash)?)))
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

/// What was packed is what was hashed before, and what the store was asked for.
fn check_same(hashed: &Manifest, packed: &Manifest) -> Result<()> {
    let pairs = hashed.entries().iter().zip(packed.entries());
    match pairs.into_iter().find(|(hashed, packed)| hashed != packed) {
        None => Ok(()),
        Some((entry, _)) => Err(Error::invalid(format!("`{}` changed after it was hashed", entry.path))
            .help("run again once nothing writes to the source tree")),
    }
}

/// A function that could be uploaded.
struct Checked<'a> {
    hashed: &'a Hashed,
    /// Those of the source.
    warnings: Vec<String>,
    guard: Guard<'a>,
}

struct Uploader<'a> {
    store: Store,
    settings: &'a Settings,
    layers: Layers<'a, Hashed>,
    /// Asked for once, and only if something is uploaded.
    git_commit: OnceLock<Option<String>>,
    scratch: Scratch,
    caches: Caches,
    /// What fails for one function because of the network or a missing right fails for all.
    hopeless: AtomicBool,
    meter: &'static Meter,
}

impl Uploader<'_> {
    /// Does `work` for each, many at a time, until it is hopeless.
    fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        function: impl Fn(&T) -> &Checked + Sync,
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Vec<Result<Option<R>>> {
        parallel::map(items, REQUESTS_AT_ONCE, |item| {
            self.meter.check()?;
            if self.hopeless.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let done = work(item).map(Some).inspect_err(|error| {
                self.hopeless
                    .fetch_or(error.kind() == ErrorKind::Failed, Ordering::Relaxed);
            });
            super::in_function(&function(item).hashed.function.name, done)
        })
    }

    fn find(&self, Checked { hashed, .. }: &Checked) -> Result<Found> {
        let name = hashed.function.name.as_str();
        self.store.find(name, &hashed.manifest.source_hash())
    }

    fn upload(&self, checked: &Checked, found: &Found) -> Result<PackageRow> {
        let hashed = checked.hashed;
        let name = hashed.function.name.as_str();
        let source_hash = hashed.manifest.source_hash();
        let published = match found {
            Found::Published(record) => Published::Unchanged(record.clone()),
            Found::Nothing | Found::PackageMissing(..) => self.build_and_publish(checked, found)?,
        };
        let (record, status) = match published {
            Published::Uploaded(record) => (record, Status::Uploaded),
            Published::Unchanged(record) => (record, Status::Unchanged),
        };
        tracing::info!("{name}: {} {}", status.name(), self.store.package_url(&record));
        Ok(PackageRow {
            name: name.to_owned(),
            source_hash: source_hash.to_hex(),
            code_sha256: record.code_sha256.to_base64(),
            path: None,
            store_url: Some(self.store.package_url(&record)),
            size_bytes: record.size_bytes,
            unzipped_bytes: record.unzipped_bytes,
            entries: record.entries,
            status,
        })
    }

    fn build_and_publish(&self, checked: &Checked, found: &Found) -> Result<Published> {
        let Checked {
            hashed,
            warnings,
            guard,
        } = checked;
        let built = builds::build(&hashed.function, &hashed.tree, self.settings, &self.caches, self.meter)?;
        let tree = built.as_ref().map_or(&hashed.tree, |built| &built.tree);
        let layers = self
            .layers
            .of(&hashed.function, |_, layer| self.unzipped_bytes(layer))?;
        let of_built = match (&built, layers.as_slice()) {
            // Nothing is known that wasn't before.
            (None, []) => None,
            _ => Some(preflight::check(&hashed.function, tree, &layers)?),
        };
        super::warn(&hashed.function.name, of_built.as_deref().unwrap_or(warnings));
        let mut zip = self.scratch.take()?;
        let packing = Packing {
            caches: &self.caches,
            scratch: self.scratch.directory(),
            compression: self.settings.compression,
            meter: self.meter,
            // A write through a memory map may leave a file's times alone: what is published was read.
            reads_all: true,
            guard,
        };
        let package = archive::pack(tree, zip.as_file_mut(), &packing)?;
        check_same(&hashed.manifest, &tree.manifest_of(&package.entries))?;
        super::warn(&hashed.function.name, guard.unused());
        let sbom = Sbom::of(tree, &hashed.tree)?;
        let sbom = (!sbom.is_empty()).then(|| sbom.to_json(&hashed.function, &hashed.manifest.source_hash()));
        let built = Built {
            file: zip.path(),
            package: &package,
            manifest: &hashed.manifest,
            sbom,
            git_commit: self
                .git_commit
                .get_or_init(|| git::commit(&self.settings.code_dir))
                .clone(),
        };
        let published = self.store.publish(hashed.function.name.as_str(), &built, found)?;
        self.scratch.give_back(zip);
        Ok(published)
    }

    /// Of a layer, whose record knows it without any installation.
    fn unzipped_bytes(&self, layer: &Hashed) -> Result<u64> {
        let Hashed {
            function,
            tree,
            manifest,
        } = layer;
        if let Found::Published(record) = self.store.find(function.name.as_str(), &manifest.source_hash())? {
            return Ok(record.unzipped_bytes);
        }
        builds::unzipped_bytes(function, tree, self.settings, &self.caches, self.meter)
    }
}

/// Temporary files for packages on their way, used again and again: making and deleting one for each of a thousand small
/// packages takes longer than packing them.
struct Scratch {
    directory: PathBuf,
    idle: Mutex<Vec<NamedTempFile>>,
    /// What killed runs left is removed only by a run that adds to it.
    swept: Once,
}

impl Scratch {
    fn new() -> Self {
        Scratch {
            directory: std::env::temp_dir(),
            idle: Mutex::default(),
            swept: Once::new(),
        }
    }

    fn directory(&self) -> &Path {
        &self.directory
    }

    /// An empty file.
    fn take(&self) -> Result<NamedTempFile> {
        let cannot_write = |cause| Error::io("write a temporary file in", &self.directory, cause);
        let idle = self.idle.lock().expect("no thread panics while it takes a file").pop();
        match idle {
            Some(mut file) => {
                file.rewind().map_err(cannot_write)?;
                Ok(file)
            }
            None => {
                self.swept.call_once(|| remove_abandoned(&self.directory));
                private_temporary_file(&self.directory).map_err(cannot_write)
            }
        }
    }

    fn give_back(&self, file: NamedTempFile) {
        // Who can't be emptied isn't used again.
        if file.as_file().set_len(0).is_err() {
            return;
        }
        self.idle
            .lock()
            .expect("no thread panics while it takes a file")
            .push(file);
    }
}
