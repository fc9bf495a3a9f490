//! From a deployment profile to what Terraform needs: the packages of its functions, and `bundle.json` that says all of them.

mod checks;
mod terraform;
mod verify;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lambda_pack_core::fitness::{Check, Status, Subject, assess};
use lambda_pack_core::graph::{Graph, Member, Sizes};
use lambda_pack_core::handoff::{
    Application, AssetEntry, Document, FILE_NAME, FunctionEntry, PackageFacts, SCHEMA_VERSION, SUMS_EXTENSION,
    SecretEntry, SwapEntry, sums_line,
};
use lambda_pack_core::profile::Profile;
use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, Result, collect_all};
use sha2::{Digest, Sha256};

use crate::git;
use crate::packaging::{Checked, Hashed, Packages};
use crate::settings::Settings;
use crate::store::Record;

pub use terraform::{Inputs, inputs};
pub use verify::{Stated, Verified};

/// A function with all that is known of its package.
pub struct Packaged<'a> {
    pub checked: &'a Checked<'a>,
    pub record: Record,
    fitness: Vec<Check>,
}

/// Pairs functions with their records, and looks whether they fit the profile's tier.
pub fn packaged<'a>(
    checked: &'a [Checked<'a>],
    records: impl IntoIterator<Item = Record>,
    profile: &Profile,
    packages: &Packages,
    settings: &Settings,
) -> Result<Vec<Packaged<'a>>> {
    let pairs = checked.iter().zip(records);
    let packaged = pairs.map(|(checked, record)| {
        let sizes = (record.size_bytes, record.unzipped_bytes);
        let fitness = fitness(checked, sizes, profile, packages, settings)?;
        Ok(Packaged {
            checked,
            record,
            fitness,
        })
    });
    collect_all(packaged)
}

/// Whether a function fits, with the size of its package and of what is in it.
pub fn fitness(
    checked: &Checked,
    (size_bytes, unzipped_bytes): (u64, u64),
    profile: &Profile,
    packages: &Packages,
    settings: &Settings,
) -> Result<Vec<Check>> {
    let Hashed { function, tree, .. } = checked.hashed;
    let layers = packages.layers_of(function)?;
    let region = settings.aws.known_region();
    let subject = Subject {
        function,
        tree,
        size_bytes,
        unzipped_bytes,
        layers: &layers,
        region: region.as_deref(),
    };
    assess(profile.tier, &profile.limits, &subject)
}

/// The error of checks that failed.
pub fn refuse(checks: &[Check]) -> Result<()> {
    let failed = checks.iter().filter(|check| check.status == Status::Fail);
    let errors = failed.map(|check| {
        let error = Error::invalid(format!("{}: {}", check.check, check.detail));
        match &check.remedy {
            Some(remedy) => error.help(remedy.as_str()),
            None => error,
        }
    });
    Error::join(errors).map_or(Ok(()), Err)
}

impl Packaged<'_> {
    fn hashed(&self) -> &Hashed {
        self.checked.hashed
    }
}

/// Says what a profile deploys. `packaged` are all its functions and layers.
pub fn document(profile: &Profile, packaged: &[Packaged], settings: &Settings) -> Result<Document> {
    let functions = || packaged.iter().map(|packaged| &packaged.hashed().function);
    // All functions of a project share it.
    let infrastructure = functions().find_map(|function| function.infrastructure.as_ref());
    let application = application(settings);
    let document = Document {
        schema_version: SCHEMA_VERSION,
        deployment_profile: profile.name.clone(),
        tier: profile.tier,
        store: settings.store.portable(&settings.project_dir),
        functions: packaged
            .iter()
            .map(|it| FunctionEntry::of(&it.hashed().function, facts(it, settings)))
            .collect(),
        graph: graph(packaged, settings)?,
        assets: functions().flat_map(AssetEntry::of).collect(),
        swaps: swaps(packaged),
        secrets: SecretEntry::of(functions()),
        excluded: infrastructure.map(|it| it.excluded()).unwrap_or_default(),
        validation: checks::validation(profile, packaged, &application),
        application,
    };
    if let Some(infrastructure) = infrastructure {
        infrastructure.check_text(FILE_NAME, &document.to_json())?;
    }
    Ok(document)
}

/// With the sizes that packages have, or would have.
fn graph(packaged: &[Packaged], settings: &Settings) -> Result<Graph> {
    let members: Vec<Member> = packaged
        .iter()
        .map(|packaged| Member {
            function: &packaged.hashed().function,
            tree: &packaged.hashed().tree,
            sizes: Sizes {
                size_bytes: Some(packaged.record.size_bytes),
                unzipped_bytes: Some(packaged.record.unzipped_bytes),
            },
        })
        .collect();
    let graph = Graph::of(&members, settings.places())?;
    graph.check()?;
    Ok(graph)
}

/// Those that were applied, each with its functions.
fn swaps(packaged: &[Packaged]) -> Vec<SwapEntry> {
    let mut swaps = BTreeMap::<_, Vec<String>>::new();
    for hashed in packaged.iter().map(Packaged::hashed) {
        for swap in hashed.tree.swaps() {
            let key = (swap.from.to_string(), swap.to.to_string(), swap.impact.clone());
            swaps.entry(key).or_default().push(hashed.function.name.to_string());
        }
    }
    let entries = swaps.into_iter().map(|((from, to, impact), functions)| SwapEntry {
        from,
        to,
        impact,
        functions,
    });
    entries.collect()
}

fn application(settings: &Settings) -> Application {
    let project = match settings.project_dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => &settings.project_dir,
    };
    let (git_commit, dirty) = git::state(project).unzip();
    let table = &settings.application;
    Application {
        name: table.name.clone(),
        version: table.version.clone(),
        git_commit,
        dirty,
    }
}

fn facts(packaged: &Packaged, settings: &Settings) -> PackageFacts {
    let record = &packaged.record;
    let store = settings.store.portable(&settings.project_dir);
    PackageFacts {
        source_hash: packaged.hashed().manifest.source_hash().to_hex(),
        code_sha256: record.code_sha256.to_base64(),
        store_url: format!("{}/{}", store.trim_end_matches('/'), record.package_key()),
        size_bytes: record.size_bytes,
        unzipped_bytes: record.unzipped_bytes,
        entries: record.entries,
    }
}

/// Writes `bundle.json`, then its SHA-256 beside it: who finds that finds the whole.
pub fn write(document: &Document, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
    let file = directory.join(FILE_NAME);
    let text = document.to_json();
    let sums = sums_file(&file);
    let line = sums_line(&hex::encode(Sha256::digest(text.as_bytes())));
    for (path, text) in [(&file, text), (&sums, line)] {
        write_whole(path, text.as_bytes(), None)
            .map_err(|cause| Error::io("write", path, cause).help("check space and permissions there"))?;
    }
    Ok(file)
}

fn sums_file(document: &Path) -> PathBuf {
    let mut name = document.as_os_str().to_owned();
    name.push(".");
    name.push(SUMS_EXTENSION);
    PathBuf::from(name)
}

/// The error of a document that says that checks failed.
pub fn refuse_failures(document: &Document) -> Result<()> {
    let failures = document.failures();
    let failures = failures.map(|failure| Error::invalid(format!("{}: {}", failure.check, failure.detail)));
    Error::join(failures).map_or(Ok(()), Err)
}
