//! From a profile to its packages: one way for all who describe or deploy them. The same definitions and sources pass or are
//! refused in the same way, whether the store has the packages yet or not.

use std::borrow::Cow;

use lambda_pack_core::fitness::{Check, Status, Subject, assess};
use lambda_pack_core::function::Selected;
use lambda_pack_core::graph::Graph;
use lambda_pack_core::handoff::Document;
use lambda_pack_core::preflight::Contents;
use lambda_pack_core::profile::Profile;
use lambda_pack_core::{Error, Meter, Result, assets, collect_all, swaps};

use super::files::Written;
use super::provenance::Provenance;
use super::steps::{Done, PACKAGES, SOURCES, Steps};
use super::{Described, check_outline};
use crate::assets::{DOWNLOADS_AT_ONCE, Fetcher};
use crate::build::Built as Made;
use crate::packaging::{
    Checked, Hashed, Packages, Stored, graph_of, hash_functions, in_function, open_caches, warn, warn_anew,
    warn_of_unknown_secrets,
};
use crate::settings::Settings;
use crate::store::{Found, Published, Record};
use crate::{caches, parallel};

/// What packages are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// To say what they are. Those that the store lacks are packed and dropped, and what doesn't fit is said, too.
    Describe,
    /// To have them in the store. Nothing is uploaded unless all of them fit.
    Deploy,
}

/// A function with all that is known of its package.
pub struct Packaged<'a> {
    pub described: Described<'a>,
    pub record: Record,
}

impl Packaged<'_> {
    pub fn hashed(&self) -> &Hashed {
        self.described.hashed
    }
}

/// All that a profile deploys.
pub struct Deployment<'a> {
    pub profile: &'a Profile,
    /// All its functions and layers.
    pub packaged: &'a [Packaged<'a>],
    /// Without the sizes of packages.
    pub graph: Graph,
    pub provenance: &'a Provenance,
}

/// Does all of it, and hands what is deployed on to the last part, which writes files.
pub fn packaged<R>(
    settings: &Settings,
    goal: Goal,
    steps: &mut Steps,
    meter: &'static Meter,
    last: impl FnOnce(&mut Steps, Deployment) -> Result<R>,
) -> Result<R> {
    let profile = settings.needs_profile()?;
    let written = Written::of(settings)?;
    let pipeline = Pipeline {
        settings,
        profile,
        goal,
        meter,
    };
    let made = pipeline.run(steps, |hashed| written.check_inputs(hashed, settings), last);
    made.inspect_err(|_| written.warn_of_earlier())
}

/// Says what a profile deploys, and writes and shows nothing. `check` may end it before anything is built.
pub fn described(
    settings: &Settings,
    meter: &'static Meter,
    check: impl FnOnce(&Selected<Hashed>) -> Result<()>,
) -> Result<Document> {
    let pipeline = Pipeline {
        settings,
        profile: settings.needs_profile()?,
        goal: Goal::Describe,
        meter,
    };
    let last = |_: &mut Steps, deployment: Deployment| super::document(deployment, settings);
    pipeline.run(&mut Steps::silent(meter), check, last)
}

struct Pipeline<'p> {
    settings: &'p Settings,
    profile: &'p Profile,
    goal: Goal,
    meter: &'static Meter,
}

/// A function, and what the store has of it.
struct Job<'c> {
    checked: &'c Checked<'c>,
    found: Found,
    /// What is in its package, if the store has that and says so. What isn't known must be made.
    known: Option<Stored<'c>>,
}

/// A function whose package may be uploaded.
struct Ready<'c> {
    job: &'c Job<'c>,
    made: Option<&'c Made>,
    contents: Cow<'c, Contents>,
    /// With the fitness of a package of `assumed_bytes`, or without any.
    described: Described<'c>,
    assumed_bytes: Option<u64>,
}

impl Pipeline<'_> {
    /// All steps; `last` does something with what came of them.
    fn run<R>(
        &self,
        steps: &mut Steps,
        check_inputs: impl FnOnce(&Selected<Hashed>) -> Result<()>,
        last: impl FnOnce(&mut Steps, Deployment) -> Result<R>,
    ) -> Result<R> {
        let &Pipeline {
            settings,
            profile,
            goal,
            ..
        } = self;
        allow_many_files();
        let caches = open_caches(settings, true);
        let hashed = steps.step("hash", "hashing", || {
            let hashed = hash_functions(settings, &[], &caches, self.meter)?;
            check_inputs(&hashed)?;
            Ok((Done::new(hashed.functions.len(), SOURCES), hashed))
        })?;
        let checked = steps.step("validate", "validating", || self.validate(&hashed))?;
        let graph = steps.step("graph", "drawing the graph", || self.graph(&hashed))?;
        let (packages, jobs) = steps.step("look up", "looking up", || {
            let packages = Packages::open(&hashed, settings, caches, self.meter)?;
            let (done, jobs) = self.look_up(&packages, &checked)?;
            Ok((done, (packages, jobs)))
        })?;
        steps.step("fetch assets", "downloading", || self.fetch_assets(&jobs))?;
        let made = steps.step("build", "building", || self.make(&packages, &jobs))?;
        let (ready, provenance) = steps.step("check", "checking", || {
            let (done, ready) = self.check(&packages, &jobs, &made)?;
            let described: Vec<&Described> = ready.iter().map(|ready| &ready.described).collect();
            let provenance = Provenance::of(described.iter().map(|it| it.hashed), settings)?;
            check_outline(profile, &described, &graph, &provenance, settings)?;
            Ok((done, (ready, provenance)))
        })?;
        let packaged = match goal {
            Goal::Deploy => steps.step("upload", "uploading", || self.upload(&packages, &ready))?,
            Goal::Describe => steps.step("pack", "packing", || self.pack(&packages, &ready))?,
        };
        let deployment = Deployment {
            profile,
            packaged: &packaged,
            graph,
            provenance: &provenance,
        };
        let result = last(steps, deployment)?;
        caches::keep(packages.caches);
        Ok(result)
    }

    /// All that definitions and sources tell. Sources are small: they are searched for secrets each time, since what is allowed
    /// and what is declared may be other than when a package was uploaded.
    fn validate<'c>(&self, hashed: &'c Selected<Hashed>) -> Result<(Done, Vec<Checked<'c>>)> {
        warn_of_unknown_secrets(hashed.all().map(|hashed| &hashed.function));
        let checked = Checked::all(hashed, Some(self.profile), self.meter)?;
        collect_all(checked.iter().map(|checked| checked.search_source(self.meter)))?;
        Ok((Done::new(checked.len(), SOURCES), checked))
    }

    fn graph(&self, hashed: &Selected<Hashed>) -> Result<(Done, Graph)> {
        let members = hashed.functions.iter().map(|it| (&it.function, &it.tree));
        let graph = graph_of(members, self.settings)?;
        Ok((Done::new(graph.nodes.len(), ["node", "nodes"]), graph))
    }

    fn look_up<'c>(&self, packages: &Packages<'c>, checked: &'c [Checked<'c>]) -> Result<(Done, Vec<Job<'c>>)> {
        let checked: Vec<&'c Checked> = checked.iter().collect();
        let jobs = packages.each(
            &checked,
            |checked| checked,
            |&checked| {
                let found = packages.find(checked.hashed)?;
                let known = match &found {
                    // It may have been searched for other secrets than those that are declared now.
                    Found::Published(record) => packages.stored_contents(checked, record)?,
                    Found::Nothing | Found::PackageMissing(..) => None,
                };
                Ok(Job { checked, found, known })
            },
        );
        let jobs = every(jobs)?;
        let stored = jobs
            .iter()
            .filter_map(|job| Some((job.checked, job.record()?, job.was_searched())));
        packages.search_stored(stored)?;
        let stored = jobs.iter().filter(|job| job.record().is_some()).count();
        Ok((
            Done::new(jobs.len() - stored, ["package to make", "packages to make"]).cached(stored, "in the store"),
            jobs,
        ))
    }

    fn fetch_assets(&self, jobs: &[Job]) -> Result<(Done, ())> {
        if self.settings.cache_dir.is_none() {
            return Ok((
                Done::new(0, ["", "assets: without a cache the build downloads them"]),
                (),
            ));
        }
        let fetcher = Fetcher::new(self.settings, self.meter)?;
        let lacking = jobs.iter().filter(|job| job.known.is_none());
        let wanted = lacking.flat_map(|job| {
            let function = &job.checked.hashed.function;
            assets::of(function).map(move |asset| (function, asset))
        });
        let wanted: Vec<_> = wanted.collect();
        let fetched = parallel::map(&wanted, DOWNLOADS_AT_ONCE, |(function, asset)| {
            let fetched = assets::checksum(function, asset).and_then(|sha256| fetcher.fetch(&asset.url, sha256));
            in_function(&function.name, fetched.map(|fetched| fetched.downloaded))
        });
        let downloaded = collect_all(fetched)?.into_iter().filter(|it| *it).count();
        Ok((
            Done::new(downloaded, ["asset", "assets"]).cached(wanted.len() - downloaded, "in the cache"),
            (),
        ))
    }

    fn make(&self, packages: &Packages, jobs: &[Job]) -> Result<(Done, Vec<Option<Made>>)> {
        let made = packages.each(jobs, Job::checked, |job| match job.known {
            Some(_) => Ok(None),
            None => packages.make(job.checked.hashed),
        });
        let made = every(made)?;
        let cached = made.iter().flatten().filter(|made| made.is_from_cache()).count();
        let is_spared = |job: &&Job| job.known.is_some() && !job.checked.hashed.tree.is_whole();
        Ok((
            Done::new(made.iter().flatten().count() - cached, PACKAGES)
                .cached(cached, "in the cache")
                .cached(jobs.iter().filter(is_spared).count(), "in the store"),
            made,
        ))
    }

    /// All of them before the first is uploaded.
    fn check<'c>(
        &self,
        packages: &Packages,
        jobs: &'c [Job<'c>],
        made: &'c [Option<Made>],
    ) -> Result<(Done, Vec<Ready<'c>>)> {
        let jobs: Vec<(&Job, Option<&Made>)> = jobs.iter().zip(made.iter().map(Option::as_ref)).collect();
        let ready = packages.each(
            &jobs,
            |(job, _)| job.checked,
            |(job, made)| {
                let checked = job.checked;
                let contents = match &job.known {
                    Some(Stored { contents, .. }) => Cow::Borrowed(&**contents),
                    None => {
                        packages.search(checked, *made)?;
                        packages.contents(checked, *made)?
                    }
                };
                let of_swaps = packages.check_swaps(checked, &contents)?;
                if job.known.is_some() {
                    let Hashed { function, tree, .. } = checked.hashed;
                    warn_anew(function, tree, &of_swaps);
                }
                let warnings = packages.check(checked, &contents)?;
                warn(&checked.hashed.function.name, &warnings);
                let mut described = Described {
                    hashed: checked.hashed,
                    warnings,
                    of_swaps,
                    fitness: Vec::new(),
                };
                let assumed_bytes = match self.goal {
                    Goal::Describe => None,
                    Goal::Deploy => Some(self.size_before(packages, job, *made)?),
                };
                if let Some(size_bytes) = assumed_bytes {
                    described.fitness = self.fitness(packages, checked, &contents, size_bytes)?;
                    refuse(&described.fitness)?;
                }
                Ok(Ready {
                    job,
                    made: *made,
                    contents,
                    described,
                    assumed_bytes,
                })
            },
        );
        let ready = every(ready)?;
        let swapped = ready
            .iter()
            .map(|it| (&it.described.hashed.tree, it.described.of_swaps.as_slice()));
        swaps::check_effect(swapped).map_err(|error| error.within(format_args!("profile `{}`", self.profile.name)))?;
        Ok((Done::new(ready.len(), PACKAGES), ready))
    }

    /// The size of a package, if something is limited by it: packing tells it, and takes time.
    fn size_before(&self, packages: &Packages, job: &Job, made: Option<&Made>) -> Result<u64> {
        match job.record() {
            Some(record) => Ok(record.size_bytes),
            None if self.profile.limits_size() => {
                let tree = made.map_or(&job.checked.hashed.tree, |made| &made.tree);
                packages.zipped_bytes(tree, &job.checked.guard)
            }
            None => Ok(0),
        }
    }

    fn upload<'c>(&self, packages: &Packages, ready: &[Ready<'c>]) -> Result<(Done, Vec<Packaged<'c>>)> {
        let published = packages.each(ready, Ready::checked, |it| {
            let checked = it.job.checked;
            match packages.use_again(checked, &it.job.found)? {
                Found::Published(record) if it.job.known.is_some() => {
                    if !it.job.was_searched() {
                        packages.note_searched(checked)?;
                    }
                    Ok(Published::Unchanged(record))
                }
                Found::Nothing if it.job.known.is_some() => packages.publish_again(checked, &it.contents),
                found => packages.publish(checked, it.made, &it.contents, &found),
            }
        });
        packages.store.save_cache();
        let published = every(published)?;
        let is_new = |published: &&Published| matches!(published, Published::Uploaded(_));
        let uploaded = published.iter().filter(is_new).count();
        let done = Done::new(uploaded, PACKAGES).cached(published.len() - uploaded, "unchanged");
        let records = published.into_iter().map(|published| match published {
            Published::Uploaded(record) | Published::Unchanged(record) => record,
        });
        Ok((done, self.settle(packages, ready, records)?))
    }

    fn pack<'c>(&self, packages: &Packages, ready: &[Ready<'c>]) -> Result<(Done, Vec<Packaged<'c>>)> {
        let records = packages.each(ready, Ready::checked, |it| match it.job.record() {
            Some(record) => Ok(record.clone()),
            None => packages.record(it.job.checked, it.made, &it.contents),
        });
        packages.store.save_cache();
        let records = every(records)?;
        let stored = ready.iter().filter(|it| it.job.record().is_some()).count();
        Ok((
            Done::new(records.len() - stored, PACKAGES).cached(stored, "in the store"),
            self.settle(packages, ready, records)?,
        ))
    }

    fn settle<'c>(
        &self,
        packages: &Packages,
        ready: &[Ready<'c>],
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Vec<Packaged<'c>>> {
        let packaged = ready.iter().zip(records).map(|(ready, record)| {
            let mut described = ready.described.clone();
            if ready.assumed_bytes != Some(record.size_bytes) {
                described.fitness = self.fitness(packages, ready.job.checked, &ready.contents, record.size_bytes)?;
            }
            Ok(Packaged { described, record })
        });
        collect_all(packaged)
    }

    /// Whether a function fits the profile's tier. The region is what the project says, not what this machine does.
    fn fitness(
        &self,
        packages: &Packages,
        checked: &Checked,
        contents: &Contents,
        size_bytes: u64,
    ) -> Result<Vec<Check>> {
        let function = &checked.hashed.function;
        let subject = Subject {
            function,
            contents,
            size_bytes,
            unzipped_bytes: contents.size(),
            layers: &packages.layers_of(function)?,
            region: self.settings.aws.region.as_deref(),
        };
        Ok(assess(self.profile.tier, &self.profile.limits, &subject))
    }
}

impl<'c> Job<'c> {
    fn checked(&self) -> &Checked<'c> {
        self.checked
    }

    /// Whether the stored package is known to have been searched for all that is declared now.
    fn was_searched(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.was_searched)
    }

    fn record(&self) -> Option<&Record> {
        match &self.found {
            Found::Published(record) => Some(record),
            Found::Nothing | Found::PackageMissing(..) => None,
        }
    }
}

impl<'c> Ready<'c> {
    fn checked(&self) -> &Checked<'c> {
        self.job.checked
    }
}

/// All of them. That some were left undone comes with the error that is why.
fn every<T>(done: Vec<Result<Option<T>>>) -> Result<Vec<T>> {
    Ok(collect_all(done)?.into_iter().flatten().collect())
}

/// The error of checks that failed.
fn refuse(checks: &[Check]) -> Result<()> {
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

/// What is built is held, with a lock on each, until the last is uploaded.
fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Best effort: few projects need more than the usual 1,024.
        setrlimit(Resource::Nofile, limit).ok();
    }
}
