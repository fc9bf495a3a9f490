//! A project with all that bundles need of AWS: a bucket that keeps versions, parameters, secrets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use super::TestCommand;
use super::server::{MOTO, Project, REGION, config};

pub struct Bundles {
    pub project: Project,
    /// For `--project`. No other test has it: all share one Parameter Store.
    pub name: String,
    ssm: aws_sdk_ssm::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl Bundles {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("project-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let config = config(&MOTO.endpoint);
        let bundles = Bundles {
            project: MOTO.project(),
            name,
            ssm: aws_sdk_ssm::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
        };
        bundles.set_versioning(BucketVersioningStatus::Enabled);
        bundles
    }

    /// Of a bucket in which nothing was written yet, this makes one that keeps no versions.
    pub fn suspend_versions(&self) {
        self.set_versioning(BucketVersioningStatus::Suspended);
    }

    fn set_versioning(&self, status: BucketVersioningStatus) {
        let versioning = VersioningConfiguration::builder().status(status);
        let call = MOTO
            .client
            .put_bucket_versioning()
            .bucket(&self.project.bucket)
            .versioning_configuration(versioning.build());
        MOTO.wait(call.send()).unwrap();
    }

    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        self.project.command(args).env("AWS_REGION", REGION)
    }

    /// Values by name, of all parameters below a path.
    pub fn parameters(&self, path: &str) -> BTreeMap<String, String> {
        let call = self.ssm.get_parameters_by_path().path(path).recursive(true);
        MOTO.wait(async {
            let mut pages = call.into_paginator().send();
            let mut values = BTreeMap::new();
            while let Some(page) = pages.next().await {
                for parameter in page.unwrap().parameters() {
                    let value = parameter.value().unwrap().to_owned();
                    values.insert(parameter.name().unwrap().to_owned(), value);
                }
            }
            values
        })
    }

    /// As something else would write it, and whatever its size: moto has no limits.
    pub fn put_parameter(&self, name: &str, value: &str) {
        let call = self
            .ssm
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(ParameterType::String)
            .tier(ParameterTier::Standard)
            .overwrite(true);
        MOTO.wait(call.send()).unwrap();
    }

    pub fn delete_parameter(&self, name: &str) {
        let call = self.ssm.delete_parameter().name(name).send();
        MOTO.wait(call).unwrap();
    }

    /// Returns its ARN.
    pub fn create_secret(&self, name: &str, value: &str) -> String {
        let call = self.secrets.create_secret().name(name).secret_string(value).send();
        MOTO.wait(call).unwrap().arn().unwrap().to_owned()
    }
}
