//! Files that name packages: the modules' `packages`, and `bundle.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::Kind;
use lambda_pack_core::json_unique;
use lambda_pack_core::{Error, Result, shorten};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::input;
use crate::overrides::{ALIASES, PACKAGES};

/// A package, and what of its definition Lambda shows. Other keys are let pass: later versions may have more.
#[derive(Debug, Deserialize)]
pub struct NamedPackage {
    pub source_hash: String,
    pub code_sha256: String,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub definition: NamedDefinition,
}

#[derive(Debug, Deserialize)]
pub struct NamedDefinition {
    #[serde(rename = "type", default)]
    pub kind: Kind,
    /// `None` if the deploy module is to say it.
    pub runtime: Option<String>,
    pub handler: Option<String>,
    #[serde(default = "default_architectures")]
    pub architectures: Vec<String>,
    /// Names of layers that are deployed beside it, or ARNs.
    pub layers: Option<Vec<String>>,
}

/// What the deploy module is told of a function beside its definition, as far as Lambda shows it.
#[derive(Debug, Deserialize)]
struct Override {
    runtime: Option<String>,
    handler: Option<String>,
    layers: Option<Vec<String>>,
}

fn default_architectures() -> Vec<String> {
    vec!["x86_64".to_owned()]
}

/// What files say of packages.
#[derive(Debug, Default)]
pub struct Named {
    /// By function; `None` where no file names any: those of the sources are meant.
    pub packages: Option<BTreeMap<String, NamedPackage>>,
    package_overrides: BTreeMap<String, NamedPackage>,
    function_overrides: BTreeMap<String, Override>,
    /// Published versions that aliases are held at, by function.
    pub alias_versions: BTreeMap<String, String>,
}

/// What files name: the output `packages` of lambda-build-module, as `terraform output -json packages` or `external published` print it, and
/// inputs of lambda-deploy-module (`*.tfvars.json`), those that `rollback` writes included. The packages of all files count; of other variables
/// those of the last file that has them, as Terraform reads them.
pub fn named<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<Named> {
    let mut named = Named::default();
    for file in files {
        let place = input::place(file);
        let whole = json_unique::parse_object(&place, &input::read(file, "the packages")?)?;
        named.add(&place, whole)?;
    }
    Ok(named)
}

/// The packages of one such file as Terraform has them, for who reads more of each: those that lambda-deploy-module would deploy.
pub fn values(file: &Path) -> Result<BTreeMap<String, Value>> {
    let place = input::place(file);
    let whole = json_unique::parse_object(&place, &input::read(file, "the packages")?)?;
    let (packages, mut variables) = dress_off(&place, whole)?;
    let Some(packages) = packages.filter(|packages| !packages.is_null()) else {
        return Err(names_nothing([&file.to_owned()]));
    };
    let mut packages: BTreeMap<String, Value> = read(&place, "packages", packages)?;
    if let Some(overrides) = variables.remove(PACKAGES).filter(|overrides| !overrides.is_null()) {
        let overrides: BTreeMap<String, Value> = read(&place, "`package_overrides`", overrides)?;
        for (name, package) in overrides {
            packages.entry(name).and_modify(|it| *it = package);
        }
    }
    for (name, package) in &packages {
        let package: NamedPackage = read_one(&place, name, package)?;
        package.check(&place, name)?;
    }
    Ok(packages)
}

/// Of files that were given to name packages, and name none.
pub fn names_nothing<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Error {
    let places: Vec<String> = files.into_iter().map(|file| input::place(file)).collect();
    Error::invalid(format!("{}: no packages are named", places.join(", ")))
        .help("what made it may have failed: `terraform output -json packages` prints `{}` where nothing is applied")
}

impl Named {
    fn add(&mut self, place: &str, whole: Map<String, Value>) -> Result<()> {
        let (packages, mut variables) = dress_off(place, whole)?;
        let mut variable = |key: &str| variables.remove(key).filter(|value| !value.is_null());
        if let Some(packages) = packages {
            let packages = read_packages(place, "packages", packages)?;
            self.packages.get_or_insert_default().extend(packages);
        }
        if let Some(overrides) = variable(PACKAGES) {
            self.package_overrides = read_packages(place, "`package_overrides`", overrides)?;
        }
        if let Some(overrides) = variable("function_overrides") {
            self.function_overrides = read(place, "`function_overrides`", overrides)?;
        }
        if let Some(versions) = variable(ALIASES) {
            let versions: BTreeMap<String, Value> = read(place, "`alias_versions`", versions)?;
            let versions = versions.into_iter().map(|(name, version)| {
                // Terraform turns numbers into texts.
                let text = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
                (name, text)
            });
            self.alias_versions = versions.collect();
        }
        Ok(())
    }

    /// What lambda-deploy-module makes of these packages: it overrides those that it is handed, and no others.
    pub fn over(self, packages: BTreeMap<String, NamedPackage>) -> BTreeMap<String, NamedPackage> {
        let mut packages = packages;
        for (name, package) in self.package_overrides {
            packages.entry(name).and_modify(|it| *it = package);
        }
        for (name, over) in self.function_overrides {
            if let Some(NamedPackage { definition, .. }) = packages.get_mut(&name) {
                definition.runtime = over.runtime.or(definition.runtime.take());
                definition.handler = over.handler.or(definition.handler.take());
                definition.layers = over.layers.or(definition.layers.take());
            }
        }
        packages
    }

    /// Functions and source hashes of all packages, whichever of them are in force.
    fn hashes(self) -> impl Iterator<Item = (String, String)> {
        let packages = self.packages.into_iter().flatten().chain(self.package_overrides);
        packages.map(|(name, package)| (name, package.source_hash))
    }
}

/// The packages in what Terraform, or `external`, put around them; and the variables beside them.
fn dress_off(place: &str, mut whole: Map<String, Value>) -> Result<(Option<Value>, Map<String, Value>)> {
    let is_package = |value: &Value| value.get("source_hash").is_some();
    // A function may have any of these names, too.
    if [PACKAGES, ALIASES, "packages"]
        .iter()
        .any(|key| whole.get(*key).is_some_and(is_package))
    {
        return Ok((Some(whole.into()), Map::new()));
    }
    Ok(match whole.remove("packages") {
        // As the protocol of `external` has it.
        Some(Value::String(text)) => (
            Some(json_unique::parse_object(format!("{place}: key `packages`"), text.as_bytes())?.into()),
            whole,
        ),
        // As `terraform output -json` prints all outputs.
        Some(Value::Object(mut output)) if output.contains_key("sensitive") => {
            (Some(output.remove("value").unwrap_or_default()), whole)
        }
        Some(packages) => (Some(packages), whole),
        // Written by who rolled back, without the rest.
        None if whole.contains_key(PACKAGES) || whole.contains_key(ALIASES) => (None, whole),
        None => (Some(whole.into()), Map::new()),
    })
}

fn read<T: DeserializeOwned>(place: &str, key: &str, value: Value) -> Result<BTreeMap<String, T>> {
    serde_json::from_value(value).map_err(|error| {
        Error::invalid(format!("{place}: {key} are none: {error}")).help(
            "give it the output `packages` of lambda-build-module: `terraform output -json packages`, or the file of inputs of \
             lambda-deploy-module",
        )
    })
}

/// More of a package that [`values`] gave.
pub fn read_one<T: DeserializeOwned>(place: &str, name: &str, value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|error| {
        Error::invalid(format!("{place}: key `{name}`: no package: {error}"))
            .help("give it the output `packages` of lambda-build-module: `terraform output -json packages`")
    })
}

fn read_packages(place: &str, key: &str, value: Value) -> Result<BTreeMap<String, NamedPackage>> {
    let packages: BTreeMap<String, NamedPackage> = read(place, key, value)?;
    for (name, package) in &packages {
        package.check(place, name)?;
    }
    Ok(packages)
}

impl NamedPackage {
    fn check(&self, place: &str, name: &str) -> Result<()> {
        let wrong = |key: &str, found: &str, allowed: &str| {
            Err(Error::invalid(format!(
                "{place}: key `{name}.{key}`: found `{}`; allowed: {allowed}",
                shorten(found)
            )))
        };
        if Digest::from_hex(Algorithm::Blake3, &self.source_hash).is_none() {
            return wrong("source_hash", &self.source_hash, "64 lower-case hex digits");
        }
        match CodeSha256::from_base64(&self.code_sha256) {
            None => wrong("code_sha256", &self.code_sha256, "a SHA-256 in base64"),
            Some(_) => Ok(()),
        }
    }
}

/// The source hashes of the packages that a file names, with their functions: of `bundle.json`, or of what [`named`] reads.
pub fn source_hashes(path: &Path) -> Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Function {
        name: String,
        source_hash: String,
    }
    let place = input::place(path);
    let mut whole = json_unique::parse_object(&place, &input::read(path, "the packages")?)?;
    // Of a later version, too: nothing that it names may be lost.
    if whole.contains_key("schema_version")
        && let Some(functions) = whole.remove("functions")
    {
        let functions: Vec<Function> = serde_json::from_value(functions)
            .map_err(|error| Error::invalid(format!("{place}: key `functions`: {error}")))?;
        return Ok(functions.into_iter().map(|it| (it.name, it.source_hash)).collect());
    }
    let mut named = Named::default();
    named.add(&place, whole)?;
    Ok(named.hashes().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(hash: &str) -> Value {
        json!({
            "source_hash": hash.repeat(64), "code_sha256": format!("{}=", "A".repeat(43)), "s3_bucket": "b", "s3_key": "k", "size_bytes": 1,
            "definition": {"function_name": "app", "runtime": "python3.13", "handler": "app.handler", "memory_size": 128, "layers": null},
        })
    }

    fn parse(value: Value) -> Result<BTreeMap<String, NamedPackage>> {
        let mut named = Named::default();
        named.add("file", value.as_object().unwrap().clone())?;
        let packages = named.packages.take().unwrap();
        Ok(named.over(packages))
    }

    fn file(value: &Value) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), value.to_string()).unwrap();
        file
    }

    #[test]
    fn packages_are_read_in_every_dress_that_terraform_gives_them() {
        let plain = json!({"app": package("1"), "packages": package("2")});
        let dresses = [
            plain.clone(),
            json!({"packages": plain}),
            json!({"packages": plain.to_string()}),
            json!({"packages": {"sensitive": false, "type": "dynamic", "value": plain}, "bucket": {}}),
        ];
        for dress in dresses {
            let packages = parse(dress).unwrap();
            assert_eq!(packages.keys().collect::<Vec<_>>(), ["app", "packages"]);
            assert_eq!(packages["packages"].source_hash, "2".repeat(64));
            assert_eq!(packages["app"].definition.architectures, ["x86_64"]);
        }
    }

    #[test]
    fn overrides_count() {
        let inputs = json!({
            "packages": {"app": package("1"), "other": package("1")}, "package_overrides": {"app": package("3")},
            "function_overrides": {"app": {"handler": "else.where", "timeout": 3}, "nobody": {}}, "name_prefix": "x-",
        });
        let packages = parse(inputs.clone()).unwrap();
        assert_eq!(packages["app"].source_hash, "3".repeat(64));
        assert_eq!(packages["app"].definition.handler.as_deref(), Some("else.where"));
        assert_eq!(packages["app"].definition.runtime.as_deref(), Some("python3.13"));
        let named = source_hashes(file(&inputs).path()).unwrap();
        assert_eq!(named.len(), 3, "{named:?}");
        assert!(named.contains(&("app".into(), "1".repeat(64))) && named.contains(&("app".into(), "3".repeat(64))));
        let alone = file(&json!({"package_overrides": {"app": package("3")}}));
        assert_eq!(source_hashes(alone.path()).unwrap(), [("app".into(), "3".repeat(64))]);
    }

    #[test]
    fn what_names_no_packages_is_refused() {
        for wrong in [
            json!({"app": {"source_hash": "1"}}),
            json!({"app": 1}),
            json!({"packages": [1]}),
        ] {
            let error = parse(wrong).unwrap_err();
            assert!(error.message().contains("packages are none"), "{error}");
        }
        for wrong in ["x", "A"] {
            let error = parse(json!({"app": package(wrong)})).unwrap_err();
            assert!(error.message().contains("key `app.source_hash`"), "{error}");
            assert!(
                error.message().ends_with("allowed: 64 lower-case hex digits"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_bundle_names_packages_too() {
        let bundle = json!({"schema_version": "9.0", "functions": [{"name": "app", "source_hash": "1", "more": 1}]});
        let named = source_hashes(file(&bundle).path()).unwrap();
        assert_eq!(named, [("app".to_owned(), "1".to_owned())]);
    }
}
