//! `remote start`.

use lambda_pack_core::bundle;
use lambda_pack_core::shard::Shard;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use crate::bundle::check::{self, Module as Records};
use crate::bundle::{Making, Place};
use crate::caches;
use crate::cli::{CodeBuildArgs, Common, RemoteStartArgs};
use crate::commands::{self, output};
use crate::remote::module::Module;
use crate::remote::{self, BuildId, Options, Packed, Remote, Request, State, project};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn run(args: &RemoteStartArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let options = args.build.options()?;
    let prepared = match args.shards {
        Some(shards) => shards_of_project(shards, &options, &settings, meter)?,
        None => module(args, &options, &settings, meter)?,
    };
    if args.dry_run {
        return prepared.show(common.json);
    }
    prepared.start(args.build.again, &settings, common.json, meter)
}

impl CodeBuildArgs {
    pub fn options(&self) -> Result<Options> {
        let named = self.codebuild_project.clone().filter(|name| !name.is_empty());
        Ok(Options {
            codebuild_project: named.ok_or_else(|| {
                Error::new(ErrorKind::Usage, "--codebuild-project is missing")
                    .help("modules/codebuild makes one, and its output `project_name` is the name")
            })?,
            timeout_minutes: self.timeout,
            queued_timeout_minutes: self.queued_timeout,
            image: self.image.clone(),
            compute_type: self.compute_type.clone(),
        })
    }
}

/// A source, and the builds that are to have it.
struct Prepared {
    bucket: String,
    key: String,
    packed: Packed,
    builds: Builds,
}

enum Builds {
    /// Of a module, whose records may know of a build that failed.
    Bundle {
        request: Request,
        place: Box<Place>,
        checksum: String,
    },
    Shards(Vec<(Shard, Request)>),
}

fn module(args: &RemoteStartArgs, options: &Options, settings: &Settings, meter: &'static Meter) -> Result<Prepared> {
    let place = Place::resolve(&args.bundle.identity, settings)?;
    let making = Making::resolve(&args.bundle, settings)?;
    let progress = Progress::start("packing", meter);
    let caches = caches::open(settings.cache_dir.as_deref(), &making.source, false);
    let (tree, checksum) = check::hash(&making, &caches.digests, meter)?;
    caches::keep(caches);
    let module = Module {
        place: &place,
        making: &making,
        checksum: &checksum,
        command: &args.command,
        force_update: args.force_update,
    };
    let packed = module.pack(&tree, meter)?;
    drop(progress);
    for warning in &tree.warnings {
        report::warning(warning);
    }
    Ok(Prepared {
        bucket: place.bucket.clone(),
        key: module.source_key(),
        packed,
        builds: Builds::Bundle {
            request: module.request(options, None),
            checksum: checksum.blake3.to_hex(),
            place: Box::new(place),
        },
    })
}

fn shards_of_project(shards: u16, options: &Options, settings: &Settings, meter: &'static Meter) -> Result<Prepared> {
    let StoreUrl::S3 { bucket, .. } = &settings.store else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("builds elsewhere can't write to {}", settings.store),
        )
        .help("name a bucket that they share with this machine: --store s3://bucket/prefix"));
    };
    let progress = Progress::start("packing", meter);
    let caches = commands::open_caches(settings, false);
    let hashed = commands::hash_functions(settings, &[], &caches, meter)?;
    let sources: Vec<project::Source> = hashed
        .all()
        .map(|hashed| project::Source {
            function: &hashed.function,
            tree: &hashed.tree,
            source_hash: hashed.manifest.source_hash(),
        })
        .collect();
    let packed = project::pack(&sources, &settings.code_dir, meter)?;
    caches::keep(caches);
    drop(progress);
    let key = settings.store.full_key(&format!("sources/{}.zip", packed.digest));
    let (store, source) = (settings.store.to_string(), format!("{bucket}/{key}"));
    let requests = Shard::all(shards).map(|shard| {
        (
            shard,
            project::request(shard, &store, settings.compression, &source, options),
        )
    });
    Ok(Prepared {
        bucket: bucket.clone(),
        builds: Builds::Shards(requests.collect()),
        key,
        packed,
    })
}

/// What `--json` prints of a build.
#[derive(Serialize)]
struct Row {
    build_id: BuildId,
    status: State,
    logs_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
}

/// The same of one that is not started.
#[derive(Serialize)]
struct DryRow<'a> {
    build_id: Option<BuildId>,
    status: &'static str,
    logs_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    source_url: String,
    source_bytes: u64,
    idempotency_token: String,
    #[serde(flatten)]
    request: &'a Request,
}

impl Prepared {
    fn start(self, again: bool, settings: &Settings, json: bool, meter: &'static Meter) -> Result<()> {
        let remote = Remote::connect(&settings.aws, meter)?;
        let wish = again.then(|| format!("{:032x}", fastrand::u128(..)));
        let start = |request: Request, again: Option<String>, shard: Option<Shard>| {
            let started = remote::start(&remote, &Request { again, ..request })?;
            Ok(Row {
                build_id: started.id,
                status: started.state,
                logs_url: started.logs_url,
                shard: shard.map(|shard| shard.to_string()),
            })
        };
        let send = || remote.send(&self.bucket, &self.key, &self.packed);
        match self.builds {
            Builds::Bundle {
                request,
                place,
                checksum,
            } => {
                let records = Records::new(&place, remote.session()).read()?;
                let failed = records.status.filter(|status| status.checksum == checksum);
                let failed = failed.filter(|status| status.status == bundle::State::Failed);
                let failed = failed.and_then(|status| status.build_id);
                send()?;
                let row = start(request, wish.or(failed), None)?;
                match json {
                    true => output::json(&row),
                    false => output::line(&table(&[row])),
                }
            }
            Builds::Shards(requests) => {
                send()?;
                let mut failed = false;
                // After one that can't be started the others can't either.
                let rows = requests.into_iter().map_while(|(shard, request)| {
                    let row = (!failed).then(|| start(request, wish.clone(), Some(shard)))?;
                    failed = row.is_err();
                    Some(row)
                });
                commands::finish_rows(rows, json, table)
            }
        }
    }

    fn show(&self, json: bool) -> Result<()> {
        let row = |request, shard: Option<&Shard>| DryRow::of(self, request, shard);
        match (&self.builds, json) {
            (Builds::Bundle { request, .. }, true) => output::json(&row(request, None)),
            (Builds::Bundle { request, .. }, false) => row(request, None).print(),
            (Builds::Shards(requests), json) => {
                let mut rows = requests.iter().map(|(shard, request)| row(request, Some(shard)));
                match json {
                    true => output::json(&rows.collect::<Vec<_>>()),
                    false => rows.try_for_each(|row| row.print()),
                }
            }
        }
    }
}

impl<'a> DryRow<'a> {
    fn of(prepared: &Prepared, request: &'a Request, shard: Option<&Shard>) -> Self {
        DryRow {
            build_id: None,
            status: "dry_run",
            logs_url: None,
            shard: shard.map(ToString::to_string),
            source_url: format!("s3://{}/{}", prepared.bucket, prepared.key),
            source_bytes: prepared.packed.size_bytes,
            idempotency_token: request.token(&[]),
            request,
        }
    }

    fn print(&self) -> Result<()> {
        let of_shard = self.shard.as_ref().map(|shard| format!(" of shard {shard}"));
        output::line(&format!(
            "would start a build{} in {} with {} ({})",
            of_shard.unwrap_or_default(),
            self.request.options.codebuild_project,
            self.source_url,
            report::bytes(self.source_bytes)
        ))
    }
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        vec![
            row.build_id.to_string(),
            row.status.name().to_owned(),
            row.shard.clone().unwrap_or_default(),
            row.logs_url.clone().unwrap_or_default(),
        ]
    });
    report::table(&["build", "status", "shard", "log"], &[], lines)
}
