//! The keys of both kinds of specification, as they are written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::{Artifacts, OnFailure, Phase, Phases, Shell, Spec, check_variable_name};
use crate::bundle::SecretReference;
use crate::{Error, Result, shorten};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuildSpec {
    #[expect(dead_code, reason = "it is checked where it is read")]
    version: Version,
    #[serde(default, deserialize_with = "refuse_run_as")]
    #[expect(dead_code, reason = "it is refused where it is read")]
    run_as: (),
    #[serde(default)]
    env: Env,
    phases: PhaseKeys,
    artifacts: Option<ArtifactKeys>,
    batch: Option<IgnoredAny>,
    cache: Option<IgnoredAny>,
    proxy: Option<IgnoredAny>,
    reports: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploySpec {
    deploy: Execution,
    destroy: Option<Execution>,
    #[serde(alias = "buildType")]
    build_type: Option<BuildType>,
    #[serde(rename = "publishGenericEnvVariables", alias = "publish_generic_env_variables")]
    publish_generic_env_variables: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Execution {
    phases: PhaseKeys,
}

#[derive(Deserialize)]
#[serde(remote = "Version")]
enum Version {
    #[serde(rename = "0.2")]
    V0_2,
}

crate::fixed_words!(read Version);

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Env {
    shell: Option<ShellName>,
    variables: BTreeMap<String, String>,
    parameter_store: BTreeMap<String, InParameterStore>,
    secrets_manager: BTreeMap<String, InSecretsManager>,
    exported_variables: Option<IgnoredAny>,
    git_credential_helper: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(remote = "ShellName")]
enum ShellName {
    #[serde(rename = "sh", alias = "/bin/sh")]
    Sh,
    #[serde(rename = "bash", alias = "/bin/bash")]
    Bash,
}

crate::fixed_words!(read ShellName);

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PhaseKeys {
    install: Option<PhaseKey>,
    pre_build: Option<PhaseKey>,
    build: Option<PhaseKey>,
    post_build: Option<PhaseKey>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct PhaseKey {
    commands: Lines,
    finally: Lines,
    on_failure: Option<OnFailureKey>,
    runtime_versions: Option<IgnoredAny>,
    #[serde(deserialize_with = "refuse_run_as")]
    run_as: (),
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct OnFailureKey(OnFailure);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct BuildType(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ArtifactKeys {
    files: Lines,
    #[serde(default)]
    exclude_paths: Lines,
    base_directory: Option<RelativePath>,
    #[serde(default, deserialize_with = "refuse_discard_paths")]
    #[expect(dead_code, reason = "it is refused where it is read")]
    discard_paths: (),
    enable_symlinks: Option<IgnoredAny>,
    name: Option<IgnoredAny>,
    s3_prefix: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "refuse_secondary_artifacts")]
    #[expect(dead_code, reason = "it is refused where it is read")]
    secondary_artifacts: (),
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct RelativePath(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct InParameterStore(SecretReference);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct InSecretsManager(SecretReference);

/// A list of strings, or one.
#[derive(Default)]
struct Lines(Vec<String>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LinesVisitor;

        impl<'de> Visitor<'de> for LinesVisitor {
            type Value = Lines;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings, or a string")
            }

            fn visit_str<E: de::Error>(self, line: &str) -> Result<Lines, E> {
                Ok(Lines(vec![line.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lines, A::Error> {
                let mut lines = Vec::new();
                while let Some(line) = list.next_element()? {
                    lines.push(line);
                }
                Ok(Lines(lines))
            }
        }

        deserializer.deserialize_any(LinesVisitor)
    }
}

fn refuse_run_as<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "commands run as the user who runs lambda-pack; leave it out, or use `su` or `sudo` in a command",
    ))
}

fn refuse_secondary_artifacts<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "a module has one bundle; name all of its files in `files`",
    ))
}

fn refuse_discard_paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match bool::deserialize(deserializer)? {
        false => Ok(()),
        true => Err(de::Error::custom(
            "a bundle keeps its directories; leave it out, or let a command move the files",
        )),
    }
}

impl TryFrom<String> for OnFailureKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        match text.as_str() {
            "ABORT" => Ok(OnFailureKey(OnFailure::Abort)),
            "CONTINUE" => Ok(OnFailureKey(OnFailure::Continue)),
            _ if text.starts_with("RETRY") => Err(Error::invalid(
                "RETRY would hide what fails now and then; let the command itself try again. Allowed: ABORT, CONTINUE",
            )),
            _ => Err(Error::invalid(format!(
                "found `{}`; allowed: ABORT, CONTINUE",
                shorten(&text)
            ))),
        }
    }
}

impl TryFrom<String> for InParameterStore {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let wrong = |_| Error::invalid(format!("found `{}`; allowed: the name of a parameter", shorten(&text)));
        SecretReference::in_parameter_store(&text).map(Self).map_err(wrong)
    }
}

impl TryFrom<String> for InSecretsManager {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        const ALLOWED: &str = "SECRET-ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]";
        let wrong = |_| Error::invalid(format!("found `{}`; allowed: {ALLOWED}", shorten(&text)));
        SecretReference::in_secrets_manager(&text).map(Self).map_err(wrong)
    }
}

impl TryFrom<String> for BuildType {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        /// <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>
        const TYPES: [&str; 5] = ["SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE"];
        let found = text.to_ascii_uppercase();
        match found
            .strip_prefix("BUILD_GENERAL1_")
            .is_some_and(|size| TYPES.contains(&size))
        {
            true => Ok(BuildType(found)),
            false => Err(Error::invalid(format!(
                "found `{}`; allowed: BUILD_GENERAL1_SMALL, _MEDIUM, _LARGE, _XLARGE, _2XLARGE",
                shorten(&text)
            ))),
        }
    }
}

impl TryFrom<String> for RelativePath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        let inner = path.trim_end_matches('/');
        let parts: Vec<&str> = inner.split('/').filter(|part| *part != ".").collect();
        match path.starts_with('/') || parts.iter().any(|part| matches!(*part, "" | "..")) {
            false => Ok(RelativePath(parts.join("/"))),
            true => Err(Error::invalid(format!(
                "found `{}`; allowed: a path inside the module's directory, relative to it",
                shorten(&path)
            ))),
        }
    }
}

impl BuildSpec {
    pub fn resolve(self) -> Result<Spec> {
        let mut warnings = Vec::new();
        let artifacts = self.artifacts.as_ref();
        let ignored = [
            ("batch", &self.batch, "a bundle is made by one build"),
            ("cache", &self.cache, "nothing is kept between builds here"),
            (
                "proxy",
                &self.proxy,
                "the variables of the caller's proxy are passed on",
            ),
            ("reports", &self.reports, "reports are not uploaded"),
            (
                "env.exported-variables",
                &self.env.exported_variables,
                "use `lambda-pack metadata add` to hand values on",
            ),
            (
                "env.git-credential-helper",
                &self.env.git_credential_helper,
                "git uses the user's own configuration",
            ),
            (
                "artifacts.name",
                artifacts.map_or(&None, |keys| &keys.name),
                "the bundle's place follows from the module",
            ),
            (
                "artifacts.s3-prefix",
                artifacts.map_or(&None, |keys| &keys.s3_prefix),
                "the bundle's place follows from the module",
            ),
            (
                "artifacts.enable-symlinks",
                artifacts.map_or(&None, |keys| &keys.enable_symlinks),
                "symbolic links are kept as they are",
            ),
        ];
        for (key, found, reason) in ignored {
            if found.is_some() {
                warnings.push(format!("`{key}` has no effect: {reason}"));
            }
        }
        let (variables, secrets, shell) = self.env.resolve()?;
        Ok(Spec {
            shell: shell.unwrap_or_default(),
            variables,
            secrets,
            phases: self.phases.resolve(OnFailure::Unsaid, &mut warnings),
            artifacts: self.artifacts.map(|keys| Artifacts {
                files: keys.files.0,
                exclude_paths: keys.exclude_paths.0,
                base_directory: keys.base_directory.map(|path| path.0).filter(|path| !path.is_empty()),
            }),
            warnings,
            ..Spec::default()
        })
    }
}

impl DeploySpec {
    /// Shell and `on-failure` are what Seed-Farmer gives to CodeBuild (`services/_codebuild.py`, `generate_spec`).
    pub fn resolve(self) -> Result<Spec> {
        let mut warnings = Vec::new();
        let destroy = self
            .destroy
            .map(|destroy| destroy.phases.resolve(OnFailure::Abort, &mut Vec::new()));
        Ok(Spec {
            shell: Shell::Bash,
            phases: self.deploy.phases.resolve(OnFailure::Abort, &mut warnings),
            destroy,
            compute_type: self.build_type.map(|build_type| build_type.0),
            project_variables: self.publish_generic_env_variables == Some(false),
            warnings,
            ..Spec::default()
        })
    }
}

impl Env {
    #[expect(clippy::type_complexity, reason = "they are taken apart at once")]
    fn resolve(
        self,
    ) -> Result<(
        BTreeMap<String, String>,
        BTreeMap<String, SecretReference>,
        Option<Shell>,
    )> {
        let parameters = self.parameter_store.into_iter();
        let secrets = self.secrets_manager.into_iter();
        let references = parameters
            .map(|(name, InParameterStore(reference))| (name, reference))
            .chain(secrets.map(|(name, InSecretsManager(reference))| (name, reference)));
        let mut secrets = BTreeMap::new();
        for (name, reference) in references {
            check_variable_name(&name)?;
            if self.variables.contains_key(&name) || secrets.contains_key(&name) {
                return Err(Error::invalid(format!("key `env`: the variable `{name}` comes twice")));
            }
            secrets.insert(name, reference);
        }
        self.variables.keys().try_for_each(|name| check_variable_name(name))?;
        let shell = self.shell.map(|name| match name {
            ShellName::Sh => Shell::Sh,
            ShellName::Bash => Shell::Bash,
        });
        Ok((self.variables, secrets, shell))
    }
}

impl PhaseKeys {
    fn resolve(self, on_failure: OnFailure, warnings: &mut Vec<String>) -> Phases {
        let mut phase = |name: &str, key: Option<PhaseKey>| {
            let key = key.unwrap_or_default();
            if key.runtime_versions.is_some() {
                warnings.push(format!(
                    "`phases.{name}.runtime-versions` has no effect: commands find the versions that are on PATH"
                ));
            }
            Phase {
                commands: key.commands.0,
                finally: key.finally.0,
                on_failure: key.on_failure.map_or(on_failure, |key| key.0),
            }
        };
        Phases {
            install: phase("install", self.install),
            pre_build: phase("pre_build", self.pre_build),
            build: phase("build", self.build),
            post_build: phase("post_build", self.post_build),
        }
    }
}
