//! Inputs of lambda-deploy-module.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::function::Definition;
use lambda_pack_core::profile::Profile;
use serde::Serialize;

use super::{Packaged, check_text};
use crate::external::PublishedPackage;
use crate::report;
use crate::settings::Settings;

/// The variables that the module takes, as a `.tfvars.json` has them.
#[derive(Serialize)]
pub struct Inputs<'a, D> {
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_profile: Option<&'a str>,
    packages: BTreeMap<&'a str, PublishedPackage<'a, D>>,
}

/// Fails if a secret of the infrastructure is in them.
pub fn inputs<'a>(
    profile: &'a Profile,
    packaged: &'a [Packaged],
    settings: &'a Settings,
) -> Result<Inputs<'a, &'a Definition>> {
    let packages = packaged.iter().map(|packaged| {
        let hashed = packaged.hashed();
        let package = PublishedPackage::new(&settings.store, &packaged.record, &*hashed.function.definition);
        (hashed.function.name.as_str(), package)
    });
    let inputs = Inputs::new(Some(&profile.name), packages.collect());
    check_text(packaged, "the inputs of Terraform", &inputs.to_json())?;
    Ok(inputs)
}

/// Whoever writes the inputs says so.
pub fn warn_of_no_bucket() {
    report::warning("the store is no bucket: Lambda can't deploy from it; name one with --store s3://…");
}

impl<'a, D: Serialize> Inputs<'a, D> {
    /// For packages of a profile, or of none.
    pub fn new(deployment_profile: Option<&'a str>, packages: BTreeMap<&'a str, PublishedPackage<'a, D>>) -> Self {
        Inputs {
            deployment_profile,
            packages,
        }
    }

    /// For people too, so one line a value.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("string keys")
    }
}
