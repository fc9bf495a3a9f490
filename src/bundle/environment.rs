//! The environment of a module's commands: what they are told, and little of the caller's.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;

use lambda_pack_core::bundle::names::{is_variable_name, upper_snake_case};
use lambda_pack_core::bundle::spec::Spec;
use lambda_pack_core::bundle::{Identity, Parameters};
use lambda_pack_core::{Error, ErrorKind, Result, shorten};
use sha1::{Digest, Sha1};

use super::secrets::Secrets;
use crate::aws::{Connection, explain};
use crate::build;

/// Whose credentials are used, and where: an STS caller identity.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    pub region: String,
}

impl Account {
    /// Asks STS.
    pub fn of_caller(connection: &Connection) -> Result<Self> {
        let client = aws_sdk_sts::Client::new(&connection.config);
        let asked = async move {
            let answer = client.get_caller_identity().send().await;
            answer.map_err(|error| explain(&error, "ask STS for", "the caller's identity"))
        };
        let answer = connection.call(asked)?;
        let partition = answer.arn().and_then(|arn| arn.split(':').nth(1));
        match (answer.account(), partition, connection.region()) {
            (Some(id), Some(partition), Some(region)) => Ok(Account {
                id: id.to_owned(),
                partition: partition.to_owned(),
                region: region.to_owned(),
            }),
            _ => Err(Error::failed("STS doesn't say whose the credentials are")
                .help("look at what `aws sts get-caller-identity` prints")),
        }
    }

    /// Seed-Farmer's hash of account and region: not of any content.
    fn hash(&self) -> String {
        let digest = Sha1::digest(format!("{}-{}", self.id, self.region));
        hex::encode(&digest[..4])
    }
}

/// Variables. Their values may be secret, so that nothing prints them.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What commands are told.
#[derive(Debug)]
pub struct Told<'a> {
    pub module: &'a Identity,
    pub parameters: &'a Parameters,
    pub spec: &'a Spec,
    /// Values of the secrets of `parameters` and `spec`.
    pub secrets: &'a Secrets,
    /// MD5 form of the module's checksum.
    pub md5: &'a str,
    pub account: &'a Account,
    /// Names of the caller's variables that the user lets pass.
    pub pass_env: &'a [String],
}

impl Environment {
    /// In this order, of which the last wins: the caller's variables that every tool needs, those that the user lets pass, those
    /// of the build specification, and the module's own.
    pub fn new(told: &Told) -> Result<Self> {
        let mut environment = Environment::default();
        for (name, value) in build::environment() {
            environment.set(name, value);
        }
        for name in told.pass_env {
            if !is_variable_name(name) {
                let message = format!("--pass-env: `{}` is no name of a variable", shorten(name));
                return Err(
                    Error::new(ErrorKind::Usage, message).help("allowed: letters, digits and `_`, no digit first")
                );
            }
            match env::var_os(name) {
                Some(value) => environment.set(name, value),
                None => tracing::info!("--pass-env {name}: there is no such variable"),
            }
        }
        for (name, value) in &told.spec.variables {
            environment.set(name, value);
        }
        for (name, reference) in &told.spec.secrets {
            environment.set(name, told.secrets.get(reference)?.reveal());
        }
        let own = own_variables(told)?;
        if told.spec.project_variables {
            let prefix = told.module.project.to_uppercase().replace('-', "_");
            if !is_variable_name(&prefix) {
                return Err(Error::invalid(format!(
                    "the specification says `publishGenericEnvVariables: false`, and no variable can begin with `{prefix}`"
                ))
                .help("let it say true, or rename the project"));
            }
            for (name, value) in &own {
                environment.set(format!("{prefix}_{name}"), value);
            }
        }
        for (name, value) in &own {
            environment.set(format!("SEEDFARMER_{name}"), value);
        }
        let account = told.account;
        environment.set("AWS_ACCOUNT_ID", &account.id);
        environment.set("AWS_PARTITION", &account.partition);
        environment.set("AWS_DEFAULT_REGION", &account.region);
        environment.set("AWS_REGION", &account.region);
        Ok(environment)
    }

    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    #[cfg(unix)]
    pub fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<T: IntoIterator<Item = (OsString, OsString)>>(variables: T) -> Self {
        Environment(variables.into_iter().collect())
    }
}

/// Those whose names begin with a prefix, without it.
fn own_variables(told: &Told) -> Result<BTreeMap<String, String>> {
    let mut own = BTreeMap::from([
        ("PROJECT_NAME".to_owned(), told.module.project.clone()),
        ("DEPLOYMENT_NAME".to_owned(), told.module.deployment.clone()),
        ("MODULE_NAME".to_owned(), told.module.module_name()),
        ("HASH".to_owned(), told.account.hash()),
        ("MODULE_MD5".to_owned(), told.md5.to_owned()),
    ]);
    let mut names = BTreeMap::<String, &str>::new();
    for name in told.parameters.values.keys().chain(told.parameters.secrets.keys()) {
        let variable = format!("PARAMETER_{}", upper_snake_case(name));
        if !is_variable_name(&variable) {
            return Err(Error::invalid(format!(
                "the parameter `{}` would be the variable SEEDFARMER_{}, which no shell can have",
                shorten(name),
                shorten(&variable)
            ))
            .help("allowed: letters, digits, `-` and `_`"));
        }
        if let Some(other) = names.insert(variable.clone(), name) {
            return Err(Error::invalid(format!(
                "the parameters `{}` and `{}` would both be the variable SEEDFARMER_{variable}",
                shorten(other),
                shorten(name)
            ))
            .help("rename one of them"));
        }
        let value = match told.parameters.secrets.get(name) {
            Some(reference) => told.secrets.get(reference)?.reveal(),
            None => &told.parameters.values[name],
        };
        own.insert(variable, value.to_owned());
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(parameters: &[(&str, &str)], spec: &str) -> Result<Environment> {
        let pairs = parameters
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let names = ["My-Shop", "prod", "data", "orders"].map(str::to_owned);
        let [project, deployment, group, module] = names;
        Environment::new(&Told {
            module: &Identity::new(project, deployment, group, module)?,
            parameters: &Parameters::new(pairs.collect(), BTreeMap::new())?,
            spec: &Spec::parse("spec", spec.as_bytes())?,
            secrets: &Secrets::default(),
            md5: "00112233445566778899aabbccddeeff",
            account: &Account {
                id: "123456789012".to_owned(),
                partition: "aws".to_owned(),
                region: "eu-central-1".to_owned(),
            },
            pass_env: &[],
        })
    }

    const SPEC: &str = "{version: 0.2, env: {variables: {A: b, SEEDFARMER_HASH: x}}, phases: {}}";

    #[test]
    fn commands_are_told_what_seed_farmer_tells_them() {
        let environment = environment(&[("vpcId", "vpc-1"), ("db-name", "x y")], SPEC).expect("an environment");
        for (name, value) in [
            ("SEEDFARMER_PROJECT_NAME", "My-Shop"),
            ("SEEDFARMER_DEPLOYMENT_NAME", "prod"),
            ("SEEDFARMER_MODULE_NAME", "data-orders"),
            ("SEEDFARMER_PARAMETER_VPC_ID", "vpc-1"),
            ("SEEDFARMER_PARAMETER_DB_NAME", "x y"),
            // printf %s 123456789012-eu-central-1 | sha1sum | cut -c1-8
            ("SEEDFARMER_HASH", "f60cbf26"),
            ("SEEDFARMER_MODULE_MD5", "00112233445566778899aabbccddeeff"),
            ("AWS_PARTITION", "aws"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ACCOUNT_ID", "123456789012"),
            ("A", "b"),
        ] {
            assert_eq!(environment.get(name), Some(OsStr::new(value)), "{name}");
        }
        assert!(!format!("{environment:?}").contains("vpc-1"));
    }

    #[test]
    fn a_deployspec_may_ask_for_the_projects_prefix() {
        let spec = "{publishGenericEnvVariables: false, deploy: {phases: {}}}";
        let environment = environment(&[("vpcId", "vpc-1")], spec).expect("an environment");
        for name in ["MY_SHOP_PARAMETER_VPC_ID", "SEEDFARMER_PARAMETER_VPC_ID"] {
            assert_eq!(environment.get(name), Some(OsStr::new("vpc-1")), "{name}");
        }
    }

    #[test]
    fn nothing_of_the_callers_but_what_is_listed() {
        let environment = environment(&[], SPEC).expect("an environment");
        assert!(environment.get("PATH").is_some());
        // Cargo sets these for tests.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(env::var_os(name).is_some() && environment.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn two_parameters_cant_be_one_variable() {
        let error = environment(&[("vpcId", "1"), ("vpc-id", "2")], SPEC).expect_err("a collision");
        for word in ["`vpcId`", "`vpc-id`", "SEEDFARMER_PARAMETER_VPC_ID"] {
            assert!(error.message().contains(word), "{error}");
        }
    }
}
