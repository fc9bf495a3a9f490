//! `remote start`.

use lambda_pack_core::bundle;
use lambda_pack_core::shard::Shard;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use crate::bundle::Place;
use crate::bundle::check::{Local, Module as Records};
use crate::caches;
use crate::cli::{CodeBuildArgs, Common, RemoteStartArgs};
use crate::commands::bundle::local;
use crate::commands::{self, output};
use crate::remote::module::Module;
use crate::remote::{self, BuildId, Options, Packed, Remote, Request, Started, State, project};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn run(args: &RemoteStartArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let options = args.build.options()?;
    let prepared = match args.shards {
        Some(shards) => shards_of_project(shards, &options, &settings, meter)?,
        None => {
            let local = local(&args.bundle, &settings, meter)?;
            module(&local, &args.command, args.force_update, &options, meter)?
        }
    };
    if args.dry_run {
        return prepared.show(common.json);
    }
    let is_one = matches!(prepared.builds, Builds::Bundle { .. });
    let remote = Remote::connect(&settings.aws, meter)?;
    let mut rows = prepared
        .start(args.build.again, &remote)
        .into_iter()
        .map(|started| started.map(Row::of));
    match rows.next() {
        Some(row) if is_one && common.json => output::json(&row?),
        first => commands::finish_rows(first.into_iter().chain(rows), common.json, table),
    }
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

/// Sends a module, and starts a build of its bundle.
pub fn start_bundle(
    local: &Local,
    command: &[String],
    force_update: bool,
    args: &CodeBuildArgs,
    remote: &Remote,
    meter: &Meter,
) -> Result<Started> {
    let prepared = module(local, command, force_update, &args.options()?, meter)?;
    let mut started = prepared.start(args.again, remote);
    started
        .pop()
        .expect("a module is one build")
        .map(|(started, _)| started)
}

fn module(local: &Local, command: &[String], force_update: bool, options: &Options, meter: &Meter) -> Result<Prepared> {
    let Local {
        place,
        making,
        tree,
        checksum,
    } = local;
    let module = Module {
        place,
        making,
        checksum,
        command,
        force_update,
    };
    Ok(Prepared {
        bucket: place.bucket.clone(),
        key: module.source_key(),
        packed: module.pack(tree, meter)?,
        builds: Builds::Bundle {
            request: module.request(options, None),
            checksum: checksum.blake3.to_hex(),
            place: Box::new(place.clone()),
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
    if let Some(profile) = &settings.profile {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("builds in shards don't know the profile `{}`: they would build other packages", profile.name),
        )
        .help("`lambda-pack run` builds them here; without --deployment-profile, shards build everything as it is defined"));
    }
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

impl Row {
    fn of((started, shard): (Started, Option<Shard>)) -> Self {
        Row {
            build_id: started.id,
            status: started.state,
            logs_url: started.logs_url,
            shard: shard.map(|shard| shard.to_string()),
        }
    }
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
    /// Starts all builds; after one that can't be started the others can't either.
    fn start(self, again: bool, remote: &Remote) -> Vec<Result<(Started, Option<Shard>)>> {
        let wish = again.then(|| format!("{:032x}", fastrand::u128(..)));
        let ready = self.failed_before(remote).and_then(|failed| {
            remote.send(&self.bucket, &self.key, &self.packed)?;
            Ok(wish.or(failed))
        });
        let again = match ready {
            Ok(again) => again,
            Err(error) => return vec![Err(error)],
        };
        let requests = match self.builds {
            Builds::Bundle { request, .. } => vec![(None, request)],
            Builds::Shards(requests) => requests.into_iter().map(|(shard, it)| (Some(shard), it)).collect(),
        };
        let mut failed = false;
        let started = requests.into_iter().map_while(|(shard, request)| {
            let again = again.clone();
            let started = (!failed).then(|| remote::start(remote, &Request { again, ..request }))?;
            failed = started.is_err();
            Some(started.map(|started| (started, shard)))
        });
        started.collect()
    }

    /// The build of just this module that its records say has failed.
    fn failed_before(&self, remote: &Remote) -> Result<Option<String>> {
        let Builds::Bundle { place, checksum, .. } = &self.builds else {
            return Ok(None);
        };
        let status = Records::new(place, remote.connection()).read()?.status;
        let failed = status.filter(|it| it.checksum == *checksum && it.status == bundle::State::Failed);
        Ok(failed.and_then(|status| status.build_id))
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
