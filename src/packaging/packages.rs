//! Packages of functions: in the store, or made and published.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_pack_core::archive::{self, Package, Packing};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::canonical::canonical_json;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::{Definition, Function, FunctionName, Selected};
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::preflight::{Contents, Layer};
use lambda_pack_core::profile::Profile;
use lambda_pack_core::provenance;
use lambda_pack_core::sbom::{Sbom, versions};
use lambda_pack_core::secrets::{Guard, check_declarations};
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, preflight};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::origin::{CiRun, Origin};
use super::scratch::Scratch;
use super::{Hashed, Layers, in_function, warn, warn_of_built};
use crate::assets::DOWNLOADS_AT_ONCE;
use crate::build::{self as builds, Built as Made};
use crate::parallel;
use crate::settings::Settings;
use crate::store::{Built, Found, Known, Published, REQUESTS_AT_ONCE, Record, Store};

/// A function whose definition and source could be deployed, as far as that is known before it is built.
pub struct Checked<'a> {
    pub hashed: &'a Hashed,
    /// What the source tells of its package.
    pub source: Contents,
    pub guard: Guard<'a>,
}

impl<'a> Checked<'a> {
    /// Reports every fault of every function. What is wrong doesn't hide that a source has a secret of the infrastructure's.
    pub fn all(hashed: &'a Selected<Hashed>, profile: Option<&Profile>, meter: &Meter) -> Result<Vec<Self>> {
        let declared = check_declarations(hashed.all().map(|it| &it.function), profile);
        let checked = Self::each(hashed);
        if declared.is_ok() && checked.is_ok() {
            return checked;
        }
        let leaks = collect_all(hashed.functions.iter().map(|Hashed { function, tree, .. }| {
            let guard = Guard::of(function);
            in_function(&function.name, guard.check_tree_for_infrastructure(tree, meter))
        }));
        let errors = [leaks.map(drop), declared, checked.map(drop)];
        collect_all(errors).map(|_| Vec::new())
    }

    fn each(hashed: &'a Selected<Hashed>) -> Result<Vec<Self>> {
        let sources = Layers::of_sources(hashed.all());
        collect_all(hashed.functions.iter().map(|hashed| {
            let layers = sources.before_build(&hashed.function)?;
            let source = Contents::of(&hashed.tree)?;
            let guard = Guard::of(&hashed.function);
            collect_all([
                // Its warnings come once, of the whole package.
                super::preflight(&hashed.function, &source, &layers).map(drop),
                in_function(&hashed.function.name, guard.check_environment()),
            ])?;
            Ok(Checked { hashed, source, guard })
        }))
    }

    /// Looks for secrets in the source. Packing looks again, at what it packs.
    pub fn search_source(&self, meter: &Meter) -> Result<()> {
        let Hashed { function, tree, .. } = self.hashed;
        in_function(&function.name, self.guard.check_tree(tree, meter))
    }

    /// The same for a source that is packed unless the store has its package. That was searched when it was uploaded, maybe
    /// before a secret was declared.
    pub fn search_source_of(&self, found: &Found, meter: &Meter) -> Result<()> {
        let Hashed { function, tree, .. } = self.hashed;
        match found {
            Found::Published(_) => in_function(&function.name, self.guard.check_tree_for_infrastructure(tree, meter)),
            Found::Nothing | Found::PackageMissing(..) => self.search_source(meter),
        }
    }
}

/// What is known of a package that the store has.
pub struct Stored<'c> {
    pub contents: Cow<'c, Contents>,
    /// Whether it was searched for all secrets that are declared now, their values aside.
    pub was_searched: bool,
}

/// The packages of some functions: those that the store has, and the means to make the others.
pub struct Packages<'a> {
    pub store: Store,
    settings: &'a Settings,
    hashed: &'a Selected<Hashed>,
    layers: Layers<'a, Hashed>,
    run: CiRun,
    /// Asked for once, and only if something is uploaded.
    origin: OnceLock<Origin>,
    scratch: Scratch,
    pub caches: Caches,
    /// What fails for one function because of the network or a missing right fails for all.
    hopeless: AtomicBool,
    meter: &'static Meter,
}

impl<'a> Packages<'a> {
    pub fn open(
        hashed: &'a Selected<Hashed>,
        settings: &'a Settings,
        caches: Caches,
        meter: &'static Meter,
    ) -> Result<Self> {
        let mut store = settings.open_store(meter)?;
        let names: Vec<&str> = hashed.all().map(|hashed| hashed.function.name.as_str()).collect();
        store.expect(&names, settings.cache_dir.as_deref())?;
        Ok(Packages {
            store,
            settings,
            hashed,
            layers: Layers::new(hashed.all().map(|hashed| (&hashed.function, hashed))),
            run: CiRun::of_environment()?,
            origin: OnceLock::new(),
            scratch: Scratch::new(),
            caches,
            hopeless: AtomicBool::new(false),
            meter,
        })
    }

    /// Does `work` for each, many at a time, until it is hopeless.
    pub fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        function: impl Fn(&T) -> &Checked<'a> + Sync,
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
            in_function(&function(item).hashed.function.name, done)
        })
    }

    pub fn find(&self, hashed: &Hashed) -> Result<Found> {
        let name = hashed.function.name.as_str();
        self.store.find(name, &hashed.manifest.source_hash())
    }

    /// Builds what is to be packed, if it is more than the source.
    pub fn make(&self, Hashed { function, tree, .. }: &Hashed) -> Result<Option<Made>> {
        builds::build(function, tree, self.settings, &self.caches, self.meter)
    }

    /// What is in a package that was made, or that is its source.
    pub fn contents<'c>(&self, checked: &'c Checked, made: Option<&Made>) -> Result<Cow<'c, Contents>> {
        let Some(made) = made else {
            return Ok(Cow::Borrowed(&checked.source));
        };
        warn_of_built(&checked.hashed.function, &checked.hashed.tree, &made.tree);
        Contents::of(&made.tree).map(Cow::Owned)
    }

    /// The same of a package that the store has. `None` if it must be made again to know.
    pub fn stored_contents<'c>(&self, checked: &'c Checked, record: &Record) -> Result<Option<Stored<'c>>> {
        // Then the package is the source, which was searched.
        if checked.hashed.tree.is_whole() {
            return Ok(Some(Stored {
                contents: Cow::Borrowed(&checked.source),
                was_searched: true,
            }));
        }
        let Some(Known { contents, seen }) = self.known(checked.hashed, record)? else {
            return Ok(None);
        };
        checked.guard.check_seen(&seen, &self.store.package_url(record))?;
        Ok(Some(Stored {
            contents: Cow::Owned(contents),
            was_searched: checked.guard.was_searched_for(&seen),
        }))
    }

    /// Looks for the infrastructure's secrets in packages that the store has, each with whether it was searched for all that is
    /// declared now. Where this machine knows values it looks again, since what was looked for were the values of another machine, or of
    /// another day. Reports all.
    pub fn search_stored<'c>(&self, stored: impl IntoIterator<Item = (&'c Checked<'a>, &'c Record, bool)>) -> Result<()>
    where
        'a: 'c,
    {
        let stored = stored.into_iter().filter(|(checked, _, was_searched)| {
            let is_due = checked.guard.knows_values() || !(*was_searched || checked.guard.declared().is_empty());
            // What is its source was searched with that.
            is_due && !checked.hashed.tree.is_whole()
        });
        let stored: Vec<_> = stored.collect();
        let searched = parallel::map(&stored, DOWNLOADS_AT_ONCE, |(checked, record, _)| {
            self.meter.check()?;
            let name = &checked.hashed.function.name;
            let url = self.store.package_url(record);
            tracing::info!("{name}: searching {url}");
            let file = self.scratch.take()?;
            let fetched = self.store.download(name.as_str(), record, file.path());
            let searched = fetched.and_then(|()| checked.guard.check_package(file.path(), &url, self.meter));
            self.scratch.give_back(file);
            in_function(name, searched)
        });
        collect_all(searched).map(drop)
    }

    /// Tells the store that a package of its was searched for all that is declared now, their values aside.
    pub fn note_searched(&self, checked: &Checked) -> Result<()> {
        let Hashed { function, manifest, .. } = checked.hashed;
        self.store.note_searched(
            function.name.as_str(),
            &manifest.source_hash(),
            checked.guard.declared(),
        )
    }

    /// What the store knows of a package beyond its record.
    pub fn known(&self, hashed: &Hashed, record: &Record) -> Result<Option<Known>> {
        let name = hashed.function.name.as_str();
        self.store.known(name, &hashed.manifest.source_hash(), record)
    }

    /// What Lambda would refuse late is an error; returns what may be meant.
    pub fn check(&self, checked: &Checked, contents: &Contents) -> Result<Vec<String>> {
        let function = &checked.hashed.function;
        preflight::check(function, contents, &self.layers_of(function)?)
    }

    /// Fails where layers lack what a package leaves to them: they may have changed since it was made. Returns what the user should
    /// know of its swaps.
    pub fn check_swaps(&self, checked: &Checked, contents: &Contents) -> Result<Vec<String>> {
        let of_layers = checked.hashed.tree.check_moved(contents.moved())?;
        Ok([contents.warnings_of_swaps(), of_layers.as_slice()].concat())
    }

    /// Whether a stored package passed both with the definition and the layers of now, as far as this machine knows.
    pub fn has_passed(&self, checked: &Checked) -> bool {
        let Hashed { function, manifest, .. } = checked.hashed;
        let decided_by = self.decides_checks(checked);
        self.store
            .has_passed(function.name.as_str(), &manifest.source_hash(), &decided_by)
    }

    /// Notes for the next run that it did.
    pub fn note_passed(&self, checked: &Checked) {
        let Hashed { function, manifest, .. } = checked.hashed;
        let decided_by = self.decides_checks(checked);
        self.store
            .note_passed(function.name.as_str(), &manifest.source_hash(), &decided_by);
    }

    /// Digest of all that decides whether a stored package passes, beside what it holds.
    fn decides_checks(&self, checked: &Checked) -> Digest {
        #[derive(Serialize)]
        struct Decides<'a> {
            /// Another version may check more.
            tool: &'a str,
            definition: &'a Definition,
            declared: BTreeSet<String>,
            layers: Vec<(&'a FunctionName, &'a Definition, String)>,
        }
        let Hashed { function, tree, .. } = checked.hashed;
        let of_swaps = tree.swaps().iter().filter_map(|swap| swap.to.layer());
        let names: BTreeSet<&str> = function
            .layer_names()
            .chain(of_swaps.map(FunctionName::as_str))
            .collect();
        let layers = names.into_iter().filter_map(|name| self.layers.known(name));
        let layers = layers.map(|Hashed { function, manifest, .. }| {
            let source_hash = manifest.source_hash().to_hex();
            (&function.name, &*function.definition, source_hash)
        });
        let decides = Decides {
            tool: env!("CARGO_PKG_VERSION"),
            definition: &function.definition,
            declared: checked.guard.declared(),
            layers: layers.collect(),
        };
        Algorithm::Blake3.hash(canonical_json(&decides).as_bytes())
    }

    /// Looks for secrets in what was made. Packing does so, too; this is for who wants to know of all before the first is
    /// packed.
    pub fn search(&self, checked: &Checked, made: Option<&Made>) -> Result<()> {
        // The source was searched.
        made.map_or(Ok(()), |made| checked.guard.check_tree(&made.tree, self.meter))
    }

    /// Packs what was made, and does something with the package before it is dropped.
    fn pack<R>(
        &self,
        checked: &Checked,
        made: Option<&Made>,
        contents: &Contents,
        then: impl FnOnce(&Built) -> Result<R>,
    ) -> Result<R> {
        let Checked { hashed, guard, .. } = checked;
        let tree = made.map_or(&hashed.tree, |made| &made.tree);
        let (zip, package) = self.zip(tree, guard)?;
        check_same(&hashed.manifest, &tree.manifest_of(&package.entries))?;
        warn(&hashed.function.name, guard.unused());
        let sbom = Sbom::of(tree, &hashed.tree)?;
        let origin = self.origin();
        let provenance = provenance::Built {
            function: &hashed.function,
            code_sha256: package.code_sha256,
            manifest: &hashed.manifest,
            sbom: &sbom,
            builder: self.run.builder(),
            commit: origin.commit.as_ref(),
        };
        let provenance = provenance.to_json();
        let sbom = (!sbom.is_empty()).then(|| sbom.to_json(&hashed.function, &hashed.manifest.source_hash()));
        if let Some(inputs) = hashed.manifest.build_inputs() {
            let inputs = serde_json::to_string(inputs).expect("strings and numbers");
            guard.check_text("what decides its build", &inputs)?;
        }
        if let Some(sbom) = &sbom {
            guard.check_text("its bill of materials", &String::from_utf8_lossy(sbom))?;
        }
        guard.check_text("its provenance", &String::from_utf8_lossy(&provenance))?;
        let done = then(&Built {
            file: zip.path(),
            package: &package,
            contents,
            seen: guard.seen(),
            manifest: &hashed.manifest,
            definition: &hashed.function.definition,
            dependencies: versions(&hashed.tree)?,
            sbom,
            provenance,
            git_commit: origin.git_commit.clone(),
        })?;
        self.scratch.give_back(zip);
        Ok(done)
    }

    fn origin(&self) -> &Origin {
        self.origin
            .get_or_init(|| Origin::of(self.hashed, self.settings, &self.run))
    }

    fn zip(&self, tree: &Tree, guard: &Guard) -> Result<(NamedTempFile, Package)> {
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
        Ok((zip, package))
    }

    /// How large the zip of a tree would be, in bytes, whatever may be wrong with it.
    pub fn zipped_bytes(&self, tree: &Tree, guard: &Guard) -> Result<u64> {
        let (zip, package) = self.zip(tree, guard)?;
        self.scratch.give_back(zip);
        Ok(package.size_bytes)
    }

    /// The layers that a function names, with their sizes.
    pub fn layers_of(&self, function: &Function) -> Result<Vec<Layer<'a>>> {
        self.layers
            .of(function, |layer| &layer.tree, |_, layer| self.unzipped_bytes(layer))
    }

    /// Uploads a package; of one that the store has, and that was made again, it has the store know what is in it.
    pub fn publish(
        &self,
        checked: &Checked,
        made: Option<&Made>,
        contents: &Contents,
        found: &Found,
    ) -> Result<Published> {
        let name = checked.hashed.function.name.as_str();
        self.pack(checked, made, contents, |built| match found {
            Found::Published(record) => {
                if !self.store.note(name, built, record)?
                    && self.store.lacks_manifest(name, &record.source_hash())?
                {
                    let lacks = format!(
                        "the manifest of its package isn't there, and can't be made again: a second build makes other bytes; restore `{}`",
                        self.store.manifest_url(name, &record.source_hash())
                    );
                    warn(name, [lacks]);
                }
                Ok(Published::Unchanged(record.clone()))
            }
            found => self.store.publish(name, built, found),
        })
    }

    /// The record that a package would get.
    pub fn record(&self, checked: &Checked, made: Option<&Made>, contents: &Contents) -> Result<Record> {
        let name = checked.hashed.function.name.as_str();
        self.pack(checked, made, contents, |built| {
            Ok(Record::new(self.store.url(), name, built))
        })
    }

    /// Of a layer, whose record knows it without any installation.
    fn unzipped_bytes(&self, layer: &Hashed) -> Result<u64> {
        if let Found::Published(record) = self.find(layer)? {
            return Ok(record.unzipped_bytes);
        }
        let Hashed { function, tree, .. } = layer;
        builds::unzipped_bytes(function, tree, self.settings, &self.caches, self.meter)
    }
}

/// What was packed is what was hashed before, and what the store was asked for.
fn check_same(hashed: &Manifest, packed: &Manifest) -> Result<()> {
    if hashed == packed {
        return Ok(());
    }
    let [hashed, packed] = [hashed.entries(), packed.entries()];
    let count = hashed.len().max(packed.len());
    let differs = (0..count).find(|position| hashed.get(*position) != packed.get(*position));
    let what = match differs.and_then(|position| hashed.get(position).or(packed.get(position))) {
        Some(entry) => format!("`{}`", entry.path),
        None => "what decides its build".to_owned(),
    };
    Err(Error::invalid(format!("{what} changed after it was hashed"))
        .help("run again once nothing writes to the source tree"))
}
