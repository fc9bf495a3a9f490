//! Where the records and the bundle of a module are.

use super::Identity;
use crate::{Error, Result};

/// Whose paths are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    #[default]
    LambdaPack,
    /// Those of Seed-Farmer 8, so that a team can move over bit by bit.
    SeedFarmer,
}

/// Names of a module's SSM parameters.
#[derive(Clone, Debug)]
pub struct ParameterNames {
    pub md5: String,
    pub metadata: String,
    pub outputs: String,
    pub status: String,
}

impl Layout {
    /// That SSM takes names that start with this project.
    pub fn check(self, project: &str) -> Result<()> {
        let reserved = ["aws", "ssm"].iter().any(|reserved| {
            project
                .get(..reserved.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(reserved))
        });
        if self == Layout::SeedFarmer && reserved {
            return Err(Error::invalid(format!("--project: found `{project}`")).help(
                "SSM has no names that start with `/aws` or `/ssm`; use another project, or --layout lambda-pack",
            ));
        }
        Ok(())
    }

    /// What all parameters of a project, or of one of its deployments, start with.
    pub fn parameters_below(self, project: &str, deployment: Option<&str>) -> String {
        let root = match self {
            Layout::LambdaPack => format!("/sf/{project}/"),
            Layout::SeedFarmer => format!("/{project}/"),
        };
        match deployment {
            Some(deployment) => format!("{root}{deployment}/"),
            None => root,
        }
    }

    pub fn parameters(self, identity: &Identity) -> ParameterNames {
        let below = self.parameters_below(&identity.project, Some(&identity.deployment));
        match self {
            Layout::LambdaPack => {
                let name = |record| format!("{below}{}/{record}", identity.module_name());
                ParameterNames {
                    md5: name("md5"),
                    metadata: name("metadata"),
                    outputs: name("outputs"),
                    status: name("status"),
                }
            }
            // What Seed-Farmer calls metadata is what a module gives to others: its outputs.
            Layout::SeedFarmer => {
                let name = |record| format!("{below}{}/{}/{record}", identity.group, identity.module);
                ParameterNames {
                    md5: name("md5/bundle"),
                    metadata: name("lambda-pack/metadata"),
                    outputs: name("metadata"),
                    status: name("lambda-pack/status"),
                }
            }
        }
    }

    /// Of which module a parameter is, and what it records: `md5`, `metadata` or `status`. Outputs are of no interest where
    /// modules are listed.
    pub fn record(self, name: &str) -> Option<(&str, &'static str)> {
        let endings = match self {
            Layout::LambdaPack => [("/md5", "md5"), ("/metadata", "metadata"), ("/status", "status")],
            Layout::SeedFarmer => [
                ("/md5/bundle", "md5"),
                ("/lambda-pack/metadata", "metadata"),
                ("/lambda-pack/status", "status"),
            ],
        };
        let found = |(ending, record)| Some((name.strip_suffix(ending)?, record));
        endings.into_iter().find_map(found)
    }

    /// The key of `bundle.zip`.
    pub fn bundle_key(self, identity: &Identity) -> String {
        format!("{}bundle.zip", self.directory(identity))
    }

    /// The key of outputs that are too large for SSM, named by their digest: those of an older bundle stay.
    pub fn outputs_key(self, identity: &Identity, sha256: &str) -> String {
        format!("{}outputs/{sha256}.json", self.directory(identity))
    }

    /// The key of a module's source for a build elsewhere.
    pub fn source_key(self, identity: &Identity, checksum: &str) -> String {
        format!("{}sources/{checksum}.zip", self.directory(identity))
    }

    /// The key of the lease: one for all modules that share a name, and for all projects that share a bucket.
    pub fn lease_key(self, identity: &Identity) -> String {
        let Identity { deployment, .. } = identity;
        format!("{}{deployment}/{}.lease.json", self.root(), identity.module_name())
    }

    fn root(self) -> &'static str {
        match self {
            Layout::LambdaPack => "",
            Layout::SeedFarmer => "bundle/",
        }
    }

    fn directory(self, identity: &Identity) -> String {
        let Identity {
            deployment,
            group,
            module,
            ..
        } = identity;
        format!("{}{deployment}/{group}/{module}/", self.root())
    }

    /// As in `[bundle]` and after `--layout`.
    pub fn name(self) -> &'static str {
        match self {
            Layout::LambdaPack => "lambda-pack",
            Layout::SeedFarmer => "seedfarmer",
        }
    }

    /// The text that the parameter `md5` holds.
    pub fn md5_text(self, md5: &str) -> String {
        match self {
            Layout::LambdaPack => md5.to_owned(),
            Layout::SeedFarmer => format!("{{\"hash\": \"{md5}\"}}"),
        }
    }

    /// The digest in what the parameter `md5` holds; whoever wrote it may have used another function.
    pub fn md5_in(self, text: &str) -> Option<String> {
        match self {
            Layout::LambdaPack => Some(text.trim().to_owned()),
            Layout::SeedFarmer => {
                let value: serde_json::Value = serde_json::from_str(text).ok()?;
                Some(value.get("hash")?.as_str()?.to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let [project, deployment, group, module] = ["shop", "prod", "data", "orders"].map(str::to_owned);
        Identity {
            project,
            deployment,
            group,
            module,
        }
    }

    #[test]
    fn paths_are_those_of_the_contract() {
        let names = Layout::LambdaPack.parameters(&identity());
        assert_eq!(names.md5, "/sf/shop/prod/data-orders/md5");
        assert_eq!(names.status, "/sf/shop/prod/data-orders/status");
        assert_eq!(
            Layout::LambdaPack.bundle_key(&identity()),
            "prod/data/orders/bundle.zip"
        );
        let names = Layout::SeedFarmer.parameters(&identity());
        assert_eq!(names.md5, "/shop/prod/data/orders/md5/bundle");
        assert_eq!(names.outputs, "/shop/prod/data/orders/metadata");
        assert_eq!(
            Layout::SeedFarmer.bundle_key(&identity()),
            "bundle/prod/data/orders/bundle.zip"
        );
    }

    #[test]
    fn digests_are_read_as_they_are_written() {
        for layout in [Layout::LambdaPack, Layout::SeedFarmer] {
            assert_eq!(layout.md5_in(&layout.md5_text("0a")).as_deref(), Some("0a"));
        }
        assert_eq!(Layout::SeedFarmer.md5_in("0a"), None);
    }

    #[test]
    fn names_that_ssm_reserves_are_refused() {
        assert!(Layout::SeedFarmer.check("AWS-shop").is_err());
        assert!(Layout::SeedFarmer.check("shop").is_ok());
        assert!(Layout::LambdaPack.check("aws-shop").is_ok());
    }
}
