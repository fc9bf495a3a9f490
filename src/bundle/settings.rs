//! Which bundle, from where: flags, then `[bundle]` in `lambda-pack.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use lambda_pack_core::bundle::{Identity, Layout, Parameters, SecretReference};
use lambda_pack_core::{Error, ErrorKind, Result, shorten};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cli::{BundleArgs, IdentityArgs, LayoutName};
use crate::settings::Settings;

/// What the commands `bundle …` need: a module, where its bundle is, and what it is made from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Bundle")]
pub struct BundleTable {
    /// The first part of what a module is called: project, deployment, group, module.
    project: Option<String>,
    deployment: Option<String>,
    group: Option<String>,
    module: Option<String>,
    /// Name of the bucket of bundles.
    bucket: Option<String>,
    /// How keys and records are named; default: `lambda-pack`.
    layout: Option<LayoutName>,
    /// The module's directory.
    source: Option<PathBuf>,
    /// Its build specification; default: `deployspec.yaml` or `buildspec.yaml` in the source.
    spec: Option<PathBuf>,
    /// For the commands of the specification: texts, numbers, or true and false.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    parameters: BTreeMap<String, toml::Value>,
    /// References of secrets for these commands, such as `secrets-manager:shop/api:token`; never values.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Variables of your environment that the commands may see.
    #[serde(default)]
    pub pass_env: Vec<String>,
}

/// A module, and where its bundle and records are.
#[derive(Clone, Debug)]
pub struct Place {
    pub identity: Identity,
    pub bucket: String,
    pub layout: Layout,
}

/// What a bundle is made from.
#[derive(Clone, Debug)]
pub struct Making {
    pub source: PathBuf,
    pub spec: Option<Spec>,
    pub parameters: Parameters,
}

/// A build specification as it was read, once.
#[derive(Clone, Debug)]
pub struct Spec {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// What is looked for in the source where no specification is named, in this order.
const SPEC_NAMES: [&str; 4] = ["deployspec.yaml", "deployspec.yml", "buildspec.yaml", "buildspec.yml"];

impl Place {
    pub fn resolve(args: &IdentityArgs, settings: &Settings) -> Result<Self> {
        let table = &settings.bundle;
        let identity = Identity::new(
            required("project", &args.project, &table.project)?,
            required("deployment", &args.deployment, &table.deployment)?,
            required("group", &args.group, &table.group)?,
            required("module", &args.module, &table.module)?,
        )?;
        let layout = layout(args.layout, table);
        layout.check(&identity.project)?;
        let bucket = required("bucket", &args.bucket, &table.bucket)?;
        if bucket.contains(['/', ':']) {
            return Err(Error::invalid(format!("--bucket: found `{}`", shorten(&bucket)))
                .help("give the bucket's name alone, without s3:// and without a key"));
        }
        Ok(Place {
            identity,
            bucket,
            layout,
        })
    }

    pub fn bundle_url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.layout.bundle_key(&self.identity))
    }
}

pub fn layout(given: Option<LayoutName>, table: &BundleTable) -> Layout {
    match given.or(table.layout) {
        Some(LayoutName::Seedfarmer) => Layout::SeedFarmer,
        Some(LayoutName::LambdaPack) | None => Layout::LambdaPack,
    }
}

/// The project alone, where no module is asked for.
pub fn project(given: &Option<String>, table: &BundleTable) -> Result<String> {
    required("project", given, &table.project)
}

fn required(flag: &str, given: &Option<String>, in_file: &Option<String>) -> Result<String> {
    let said = given.as_ref().filter(|text| !text.is_empty()).or(in_file.as_ref());
    said.cloned().ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("--{flag} is missing"))
            .help(format!("give it, or set `{flag}` in `[bundle]` of lambda-pack.toml"))
    })
}

impl Making {
    pub fn resolve(args: &BundleArgs, settings: &Settings) -> Result<Self> {
        let table = &settings.bundle;
        let in_project = |path: &PathBuf| settings.project_dir.join(path);
        let given = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        let source = given(&args.source).or_else(|| table.source.as_ref().map(in_project));
        let source = source.ok_or_else(|| {
            Error::new(ErrorKind::Usage, "--source is missing")
                .help("give the module's directory, or set `source` in `[bundle]` of lambda-pack.toml")
        })?;
        if !source.is_dir() {
            return Err(Error::invalid(format!(
                "--source: `{}` is no directory",
                source.display()
            )));
        }
        let named = given(&args.spec).or_else(|| table.spec.as_ref().map(in_project));
        let usual = || {
            SPEC_NAMES
                .map(|name| source.join(name))
                .into_iter()
                .find(|file| file.is_file())
        };
        let spec = match named.or_else(usual) {
            None => None,
            Some(path) => Some(Spec {
                content: fs::read(&path).map_err(|cause| {
                    Error::input("read the build specification", &path, cause).help("name another one with --spec")
                })?,
                path,
            }),
        };
        Ok(Making {
            source,
            spec,
            parameters: parameters(args, table)?,
        })
    }
}

/// Those of the file, and over them those of the flags.
fn parameters(args: &BundleArgs, table: &BundleTable) -> Result<Parameters> {
    let mut values = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (name, value) in &table.parameters {
        values.insert(name.clone(), text_of(value));
    }
    for (name, reference) in &table.secrets {
        secrets.insert(name.clone(), parse_secret("secrets", name, reference)?);
    }
    let mut given = Vec::new();
    for text in &args.param {
        let (name, value) = pair("--param", "KEY=VALUE", text)?;
        given.push(name);
        secrets.remove(name);
        values.insert(name.to_owned(), value.to_owned());
    }
    for text in &args.secret {
        let (name, value) = pair("--secret", "KEY=REFERENCE", text)?;
        given.push(name);
        values.remove(name);
        secrets.insert(name.to_owned(), parse_secret("--secret", name, value)?);
    }
    given.sort_unstable();
    if let Some(twice) = given.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the parameter `{}` is given twice", shorten(twice[0])),
        ));
    }
    Parameters::new(values, secrets)
}

/// A value as an environment variable holds it: lists and tables as JSON.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(_) | toml::Value::Table(_) => {
            lambda_pack_core::canonical::canonical_json(&serde_json::json!(value))
        }
        other => other.to_string(),
    }
}

/// The value stays out of messages: it may be a secret in the wrong place.
fn pair<'a>(flag: &str, form: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Error::new(ErrorKind::Usage, format!("{flag}: not {form}")))
}

fn parse_secret(place: &str, name: &str, text: &str) -> Result<SecretReference> {
    text.parse().map_err(|expected| {
        // What stands there may be the secret itself.
        Error::invalid(format!("{place}: `{}` is no reference to a secret", shorten(name)))
            .help(format!("allowed: {expected}"))
    })
}
