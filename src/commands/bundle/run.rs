//! `bundle run`: use the stored bundle if it is right, else build and store it.

use std::time::Duration;

use lambda_pack_core::bundle::Decision;
use lambda_pack_core::source::Outputs;
use lambda_pack_core::{Error, Result};

use super::{Asked, given_outputs};
use crate::bundle::check::{Local, Module};
use crate::bundle::fetch::Target;
use crate::bundle::report::Outcome;
use crate::bundle::run::{Request, Run};
use crate::cli::RunArgs;
use crate::commands::output;
use crate::commands::remote::start_bundle;
use crate::remote::{self, Remote};
use crate::report::{self, Progress};

pub fn run(args: &RunArgs, asked: &Asked) -> Result<()> {
    let outputs = args.outputs.as_deref().map(given_outputs).transpose()?;
    let progress = Progress::start("bundle", asked.meter);
    let local = asked.local(&args.bundle)?;
    let connection = asked.connect()?;
    let module = Module::new(&local.place, &connection);
    if args.writing.dry_run {
        drop(progress);
        return dry_run(args, asked, &local, &module);
    }
    let identity = &local.place.identity;
    let report_dir = args.report_dir.clone().unwrap_or_else(|| {
        let bundles = asked.settings.project_dir.join(".lambda-pack/bundles");
        bundles.join(&identity.deployment).join(identity.module_name())
    });
    let mut pass_env = asked.settings.bundle.pass_env.clone();
    pass_env.extend(args.pass_env.iter().cloned());
    let source = &local.making.source;
    let real_source = std::fs::canonicalize(source).map_err(|cause| Error::input("find the source", source, cause))?;
    Outputs::new([("report directory", report_dir.as_path())]).refuse_inside(&real_source)?;
    let target = args
        .out_dir
        .as_deref()
        .map(|out_dir| Target::new(out_dir, Some(source), args.replace));
    let elsewhere = || build_remotely(args, asked, &local);
    let request = Request {
        local: &local,
        force: args.force_update,
        target: target.transpose()?,
        outputs,
        report_dir: &report_dir,
        pass_env: &pass_env,
        command: &args.command,
        lease: Duration::from_secs(args.writing.lease_seconds.into()),
        elsewhere: args.remote.then_some(&elsewhere),
        cache_dir: asked.settings.cache_dir.as_deref(),
        meter: asked.meter,
    };
    let (run_report, done) = Run::to_its_end(&request, &module);
    drop(progress);
    let written = run_report.write(&report_dir);
    if args.outputs.is_some() && run_report.result == Outcome::Hit {
        report::warning("the outputs stay those of the stored bundle; to store these, add --force-update");
    }
    if asked.json {
        output::json(&run_report)?;
    } else if done.is_ok() {
        output::line(&format!(
            "{identity}: {}: {}\nreport: {}",
            run_report.result.name(),
            run_report.reason,
            report_dir.join("report.md").display()
        ))?;
    }
    match (run_report.result, written) {
        // The bundle is used all the same.
        (Outcome::Hit, Err(error)) => report::warning(error.message()),
        // Why the run failed comes before why its report did.
        (_, written) => return done.and(written),
    }
    done
}

/// Builds on CodeBuild, and waits for it.
fn build_remotely(args: &RunArgs, asked: &Asked, local: &Local) -> Result<()> {
    let mut remote = Remote::connect(&asked.settings.aws, asked.meter)?;
    let started = start_bundle(
        local,
        &args.command,
        args.force_update,
        &args.build,
        &remote,
        asked.meter,
    )?;
    tracing::info!("build {}", started.id);
    let finished = remote::wait(&mut remote, &[started.id], args.patience.resolve())?;
    remote::check(&finished)
}

fn dry_run(args: &RunArgs, asked: &Asked, local: &Local, module: &Module) -> Result<()> {
    let checked = module.check(&local.checksum, args.force_update)?;
    let would = match checked.answer.decision {
        Decision::Hit => "use the stored bundle",
        _ => "build and store it",
    };
    match asked.json {
        true => output::json(&serde_json::json!({
            "result": "dry_run",
            "decision": checked.answer.decision,
            "reason": checked.answer.reason,
            "checksum": local.checksum.blake3.to_hex(),
            "stored_checksum": checked.stored_checksum,
        })),
        false => output::line(&format!(
            "{}: would {would}: {}: {}",
            local.place.identity,
            checked.answer.decision.name(),
            checked.answer.reason
        )),
    }
}
