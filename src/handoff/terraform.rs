//! Inputs of lambda-deploy-module.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::function::Definition;
use lambda_pack_core::profile::Profile;
use serde::Serialize;

use super::{Packaged, check_text};
use crate::external::PublishedPackage;
use crate::settings::Settings;

/// The variables that the module takes, as a `.tfvars.json` has them.
#[derive(Serialize)]
pub struct Inputs<'a> {
    deployment_profile: &'a str,
    packages: BTreeMap<&'a str, PublishedPackage<'a, &'a Definition>>,
}

/// Fails if a secret of the infrastructure is in them.
pub fn inputs<'a>(profile: &'a Profile, packaged: &'a [Packaged], settings: &'a Settings) -> Result<Inputs<'a>> {
    let packages = packaged.iter().map(|packaged| {
        let hashed = packaged.hashed();
        let package = PublishedPackage::new(&settings.store, &packaged.record, &hashed.function.definition);
        (hashed.function.name.as_str(), package)
    });
    let inputs = Inputs {
        deployment_profile: &profile.name,
        packages: packages.collect(),
    };
    check_text(packaged, "the inputs of Terraform", &inputs.to_json())?;
    Ok(inputs)
}

impl Inputs<'_> {
    /// For people too, so one line a value.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("string keys")
    }
}
