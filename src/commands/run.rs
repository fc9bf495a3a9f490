//! `run`: from a profile to packages in the store, `bundle.json` and Terraform's inputs.

use std::path::Path;

use lambda_pack_core::function::Definition;
use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, RunProfileArgs};
use crate::handoff::{self, Deployment, Done, Goal, Inputs, PACKAGES, Row, Steps};
use crate::settings::Settings;

/// What `--json` prints; of a run that failed the steps alone.
#[derive(Serialize)]
struct Outcome<'a> {
    steps: &'a [Row],
    bundle: Option<String>,
    tfvars: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Inputs<'a, &'a Definition>>,
}

pub fn run(args: &RunProfileArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings {
        tfvars: args.tfvars.clone(),
        ..Settings::resolve(common, args.out_dir.as_deref(), Some(&args.packing))?
    };
    let tfvars = args.tfvars.as_deref();
    let mut steps = Steps::new(meter);
    let mut is_deployed = false;
    let result = handoff::packaged(&settings, Goal::Deploy, &mut steps, meter, |steps, deployment| {
        let (bundle, inputs) = hand_over(steps, deployment, tfvars, &settings)?;
        is_deployed = true;
        if settings.store.bucket().is_none() {
            handoff::warn_of_no_bucket();
        }
        match (common.json, tfvars) {
            (true, _) => output::json(&Outcome {
                steps: steps.rows(),
                bundle: Some(bundle),
                tfvars: tfvars.map(|file| file.display().to_string()),
                inputs: tfvars.is_none().then_some(inputs),
            }),
            (false, Some(file)) => output::line(&format!("{bundle}\n{}", file.display())),
            (false, None) => output::line(&inputs.to_json()),
        }
    });
    if common.json && !is_deployed {
        output::json(&Outcome {
            steps: steps.rows(),
            bundle: None,
            tfvars: None,
            inputs: None,
        })?;
    }
    result
}

/// Writes what is deployed; returns where `bundle.json` is.
fn hand_over<'a>(
    steps: &mut Steps,
    deployment: Deployment<'a>,
    tfvars: Option<&Path>,
    settings: &'a Settings,
) -> Result<(String, Inputs<'a, &'a Definition>)> {
    let Deployment { profile, packaged, .. } = deployment;
    let (bundle, inputs) = steps.step("export", "exporting", || {
        let document = handoff::document(deployment, settings)?;
        handoff::refuse_failures(&document)?;
        // Nothing is written before both are known to be right: they belong together.
        let inputs = handoff::inputs(profile, packaged, settings)?;
        let path = handoff::write_document(&document, &settings.out_dir)?;
        let done = Done::new(document.functions.len(), PACKAGES);
        Ok((done, (path.display().to_string(), inputs)))
    })?;
    steps.step("inputs", "writing", || {
        if let Some(file) = tfvars {
            handoff::write(file, &format!("{}\n", inputs.to_json()))?;
        }
        Ok((Done::new(packaged.len(), PACKAGES), ()))
    })?;
    Ok((bundle, inputs))
}
