//! `bundle export`: what a profile deploys, in one document.

use lambda_pack_core::Result;
use lambda_pack_core::fitness::Status;
use serde::Serialize;

use super::super::output;
use super::Asked;
use crate::cli::ExportArgs;
use crate::handoff::{self, Done, Goal, PACKAGES, Steps};
use crate::report;

#[derive(Serialize)]
struct Exported {
    path: String,
    functions: usize,
    warnings: usize,
    failures: usize,
}

pub fn run(args: &ExportArgs, asked: &Asked) -> Result<()> {
    // Those that no variable gives: who typed them may mean the profile's.
    if !(args.bundle.param.is_empty() && args.bundle.secret.is_empty()) {
        report::warning(
            "--param and --secret are for modules' bundles: what bundle.json says stands in the deployment profile, as `parameters` and `secrets`",
        );
    }
    let &Asked { settings, json, meter } = asked;
    let mut steps = Steps::new(meter);
    let (document, path) = handoff::packaged(settings, Goal::Describe, &mut steps, meter, |steps, deployment| {
        steps.step("export", "exporting", || {
            let document = handoff::document(deployment, settings)?;
            let path = handoff::write_document(&document, &settings.out_dir)?;
            Ok((Done::new(document.functions.len(), PACKAGES), (document, path)))
        })
    })?;
    let count = |status| document.validation.iter().filter(|it| it.status == status).count();
    let exported = Exported {
        path: path.display().to_string(),
        functions: document.functions.len(),
        warnings: count(Status::Warn),
        failures: count(Status::Fail),
    };
    match json {
        true => output::json(&exported)?,
        false => output::line(&exported.path)?,
    }
    handoff::refuse_failures(&document)
}
