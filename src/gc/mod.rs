//! Removing packages that nothing refers to. `docs/operations.md` says why nothing else goes, whoever writes at the same time.

mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::{Error, Meter, Result};

use crate::lambda::{self, Uses};
use crate::packages_file;
use crate::packaging::source_hashes;
use crate::settings::Settings;
use crate::store::{Deleted, Inventory, Parts, Store};
use crate::time;

pub use plan::{Plan, Policy, Reason, Row};

/// What keeps packages.
pub struct Question<'a> {
    pub keep: usize,
    pub min_age: Duration,
    /// Files that name packages; each must name some.
    pub files: &'a [PathBuf],
    /// The project's rollbacks, where there are any: they may hold versions of aliases alone.
    pub rollbacks: Option<&'a PathBuf>,
    /// `None`: whoever is deployed isn't asked.
    pub lambda_profiles: Option<&'a [String]>,
    /// Whether the sources of now count.
    pub sources: bool,
}

/// What was asked, before anything is deleted.
pub struct Collector<'a> {
    question: &'a Question<'a>,
    store: Store,
    current: BTreeSet<(String, String)>,
    named: BTreeMap<(String, String), BTreeSet<String>>,
    pub uses: Option<Uses>,
    asked: BTreeSet<String>,
}

impl<'a> Collector<'a> {
    /// Asks whoever may refer to packages. Nobody waits meanwhile.
    pub fn ask(question: &'a Question<'a>, settings: &mut Settings, meter: &'static Meter) -> Result<(Self, Plan)> {
        let current = match question.sources {
            true if !settings.config_dir.exists() => return Err(no_definitions(settings)),
            true => current_of_all(settings, meter)?,
            false => BTreeSet::new(),
        };
        let mut named: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for file in question.files.iter().chain(question.rollbacks) {
            let packages = packages_file::source_hashes(file)?;
            if packages.is_empty() && question.rollbacks != Some(file) {
                return Err(packages_file::names_nothing([file]));
            }
            for package in packages {
                named.entry(package).or_default().insert(file.display().to_string());
            }
        }
        let mut store = settings.open_store(meter)?;
        if let Some(cache_dir) = &settings.cache_dir {
            store.open_cache(cache_dir);
        }
        let inventory = inventory(&store)?;
        let uses = match question.lambda_profiles {
            Some(profiles) => Some(uses(profiles, &store, &inventory, settings, meter)?),
            None => None,
        };
        let collector = Collector {
            question,
            store,
            current,
            named,
            uses,
            asked: inventory.records.keys().cloned().collect(),
        };
        let plan = collector.plan(inventory);
        Ok((collector, plan))
    }

    fn plan(&self, inventory: Inventory) -> Plan {
        let policy = Policy {
            keep: self.question.keep,
            young_after: time::now().as_nanos() - self.question.min_age.as_nanos().cast_signed(),
            current: &self.current,
            named: &self.named,
            uses: self.uses.as_ref(),
            asked: &self.asked,
        };
        Plan::of(inventory, &policy)
    }

    /// Looks at the store once more, now that who writes waits, and deletes what nothing refers to still.
    pub fn delete(&self) -> Result<(Plan, Deleted)> {
        let mut deleted = Deleted::default();
        let mut deleting = self.store.start_deleting()?;
        let plan = self.plan(inventory(&self.store)?);
        // A record that stays names nothing that goes; what belongs to one that goes follows it.
        for keys in [&plan.records, &plan.beside, &plan.packages] {
            deleted.keeps_versions |= deleting.delete(keys)?.keeps_versions;
        }
        Ok((plan, deleted))
    }
}

/// The same, of all deployment profiles and of none: each makes packages of its own.
fn current_of_all(settings: &mut Settings, meter: &'static Meter) -> Result<BTreeSet<(String, String)>> {
    let of = |current: BTreeMap<String, Digest>| current.into_iter().map(|(name, hash)| (name, hash.to_hex()));
    let mut all = BTreeSet::from_iter(of(source_hashes(settings, &[], meter)?));
    let named = settings.profile.take();
    if named.is_some() {
        match source_hashes(settings, &[], meter) {
            Ok(current) => all.extend(of(current)),
            // Then nobody makes packages of it without one, either.
            Err(error) => tracing::info!("without a deployment profile: {error}"),
        }
    }
    let names: Vec<String> = settings.profiles.names().map(str::to_owned).collect();
    for name in names {
        if named.as_ref().is_some_and(|profile| profile.name == name) {
            continue;
        }
        settings.profile = Some(settings.profiles.resolve(&name)?);
        let of_profile = source_hashes(settings, &[], meter);
        all.extend(of(
            of_profile.map_err(|error| error.within(format_args!("deployment profile `{name}`")))?
        ));
    }
    settings.profile = named;
    Ok(all)
}

fn no_definitions(settings: &Settings) -> Error {
    Error::invalid(format!(
        "there are no definitions in `{}`, so nobody knows which packages are those of the sources of now",
        settings.config_dir.display()
    ))
    .help("run in the project, name its --config-dir, or rely on all the rest with --without-sources")
}

fn inventory(store: &Store) -> Result<Inventory> {
    let inventory = store.inventory(&[], Parts::All)?;
    inventory.ok_or_else(|| store.not_there())
}

/// Fails with the way out where Lambda can't be asked.
fn uses(
    profiles: &[String],
    store: &Store,
    inventory: &Inventory,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Uses> {
    let signed = || store.packages_of_jobs();
    let asked = lambda::uses(profiles, &settings.aws, &inventory.packages_asked_about(&signed), meter);
    asked.map_err(|error| {
        let help = error.help_text().map(|help| format!("{help}; or")).unwrap_or_default();
        let help = format!("{help} rely on age and --keep alone with --without-lambda");
        Error::new(error.kind(), error.message().to_owned()).help(help.trim_start().to_owned())
    })
}
