//! `run`: from a profile to packages in the store, `bundle.json` and Terraform's inputs.

mod steps;

use std::path::Path;

use lambda_pack_core::graph::{Graph, Member, Sizes};
use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, Meter, Result, assets, collect_all};
use serde::Serialize;

use super::{Hashed, hash_functions, in_function, open_caches, output};
use crate::assets::Fetcher;
use crate::build::Built as Made;
use crate::cli::{Common, RunProfileArgs};
use crate::handoff;
use crate::packaging::{Checked, Packages};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::{Found, Published, Record};
use crate::{caches, parallel};
use steps::{Done, Row, Steps};

/// Downloads of assets at a time.
const DOWNLOADS_AT_ONCE: usize = 4;

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    steps: &'a [Row],
    bundle: String,
    tfvars: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<handoff::Inputs<'a>>,
}

pub fn run(args: &RunProfileArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, args.out_dir.as_deref(), Some(&args.packing))?;
    let profile = settings.needs_profile()?;
    allow_many_files();
    let mut steps = Steps::default();
    let caches = open_caches(&settings, true);

    let hashed = steps.step("hash", || {
        let _progress = Progress::start("hashing", meter);
        let hashed = hash_functions(&settings, &[], &caches, meter)?;
        Ok((Done::new(hashed.functions.len(), "functions and layers"), hashed))
    })?;
    let checked = steps.step("validate", || {
        let checked = Checked::all(&hashed)?;
        Ok((Done::new(checked.len(), "functions and layers"), checked))
    })?;

    steps.step("graph", || {
        let members: Vec<Member> = hashed
            .functions
            .iter()
            .map(|Hashed { function, tree, .. }| Member {
                function,
                tree,
                sizes: Sizes::default(),
            })
            .collect();
        let graph = Graph::of(&members, settings.places())?;
        graph.check()?;
        Ok((Done::new(graph.nodes.len(), "nodes"), ()))
    })?;

    let packages = Packages::open(&hashed, &settings, caches, meter)?;
    let planned = steps.step("look up", || {
        let _progress = Progress::start("looking up", meter);
        let found = packages.each(&checked, |it| it, |it| packages.find(it));
        let found: Vec<Found> = collect_all(found)?.into_iter().flatten().collect();
        let stored = found.iter().filter(|found| is_stored(found)).count();
        let planned: Vec<(&Checked, Found)> = checked.iter().zip(found).collect();
        // Before anything is built for minutes.
        collect_all(
            planned
                .iter()
                .map(|(checked, found)| checked.refuse_secrets(found, meter)),
        )?;
        Ok((
            Done::new(planned.len(), "packages").cached(stored, "in the store"),
            planned,
        ))
    })?;
    let lacking = || {
        planned
            .iter()
            .filter(|(_, found)| !is_stored(found))
            .map(|(checked, _)| *checked)
    };

    steps.step("fetch assets", || {
        let _progress = Progress::start("downloading", meter);
        if settings.cache_dir.is_none() {
            return Ok((Done::new(0, "assets: without a cache the build downloads them"), ()));
        }
        let fetcher = Fetcher::new(&settings, meter)?;
        let functions = lacking().map(|checked| &checked.hashed.function);
        let wanted: Vec<_> = functions
            .flat_map(|function| assets::of(function).map(move |asset| (function, asset)))
            .collect();
        let fetched = parallel::map(&wanted, DOWNLOADS_AT_ONCE, |(function, asset)| {
            let fetched = assets::checksum(function, asset).and_then(|sha256| fetcher.fetch(&asset.url, sha256));
            in_function(&function.name, fetched.map(|fetched| fetched.downloaded))
        });
        let cached = collect_all(fetched)?
            .into_iter()
            .filter(|downloaded| !downloaded)
            .count();
        Ok((Done::new(wanted.len(), "assets").cached(cached, "in the cache"), ()))
    })?;

    let made = steps.step("build", || {
        let _progress = Progress::start("building", meter);
        let made = packages.each(
            &planned,
            |it| it.0,
            |(checked, found)| match is_stored(found) {
                true => Ok(None),
                false => packages.make(checked),
            },
        );
        let made: Vec<Option<Made>> = collect_all(made)?.into_iter().flatten().collect();
        let count = lacking().count();
        Ok((
            Done::new(count, "packages").cached(planned.len() - count, "in the store"),
            made,
        ))
    })?;
    let jobs: Vec<_> = planned.iter().zip(&made).collect();

    // All of them before the first is uploaded.
    steps.step("check", || {
        let _progress = Progress::start("checking", meter);
        let checks = packages.each(
            &jobs,
            |it| it.0.0,
            |((checked, found), made)| {
                let sizes = match (found, made.as_ref()) {
                    (Found::Published(record), _) => (record.size_bytes, record.unzipped_bytes),
                    (_, made) => {
                        packages.check(checked, made)?;
                        packages.search(checked, made)?;
                        let tree = made.map_or(&checked.hashed.tree, |made| &made.tree);
                        // Packing tells the size, and takes time: only where something is limited by it.
                        let size_bytes = match profile.limits_size() {
                            true => packages.zipped_bytes(tree, &checked.guard)?,
                            false => 0,
                        };
                        (size_bytes, tree.size())
                    }
                };
                handoff::refuse(&handoff::fitness(checked, sizes, profile, &packages, &settings)?)
            },
        );
        collect_all(checks)?;
        Ok((Done::new(lacking().count(), "packages"), ()))
    })?;

    let records = steps.step("upload", || {
        let _progress = Progress::start("uploading", meter);
        let uploaded = packages.each(
            &jobs,
            |it| it.0.0,
            |((checked, found), made)| {
                Ok(match found {
                    Found::Published(record) => Published::Unchanged(record.clone()),
                    Found::Nothing | Found::PackageMissing(..) => packages.publish(checked, made.as_ref(), found)?,
                })
            },
        );
        packages.store.save_cache();
        let mut unchanged = 0;
        let records = collect_all(uploaded)?
            .into_iter()
            .flatten()
            .map(|published| match published {
                Published::Uploaded(record) => record,
                Published::Unchanged(record) => {
                    unchanged += 1;
                    record
                }
            });
        let records: Vec<Record> = records.collect();
        Ok((
            Done::new(records.len() - unchanged, "packages").cached(unchanged, "unchanged"),
            records,
        ))
    })?;
    let packaged = handoff::packaged(&checked, records, profile, &packages, &settings)?;
    caches::keep(packages.caches);

    let bundle = steps.step("export", || {
        let document = handoff::document(profile, &packaged, &settings)?;
        handoff::refuse_failures(&document)?;
        let path = handoff::write(&document, &settings.out_dir)?;
        Ok((Done::new(document.functions.len(), "packages"), path))
    })?;

    let inputs = handoff::inputs(profile, &packaged, &settings);
    if let Some(file) = &args.tfvars {
        write_inputs(file, &inputs)?;
    }
    if settings.store.bucket().is_none() {
        report::warning("the store is no bucket: Lambda can't deploy from it; name one with --store s3://…");
    }
    if common.json {
        return output::json(&Outcome {
            steps: steps.rows(),
            bundle: bundle.display().to_string(),
            tfvars: args.tfvars.as_ref().map(|file| file.display().to_string()),
            inputs: args.tfvars.is_none().then_some(inputs),
        });
    }
    match &args.tfvars {
        Some(file) => output::line(&format!("{}\n{}", bundle.display(), file.display())),
        None => output::line(&text_of(&inputs)),
    }
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

fn is_stored(found: &Found) -> bool {
    matches!(found, Found::Published(_))
}

fn text_of(inputs: &handoff::Inputs) -> String {
    serde_json::to_string_pretty(inputs).expect("string keys")
}

fn write_inputs(file: &Path, inputs: &handoff::Inputs) -> Result<()> {
    write_whole(file, format!("{}\n", text_of(inputs)).as_bytes(), None)
        .map_err(|cause| Error::io("write", file, cause).help("check space and permissions there"))
}
