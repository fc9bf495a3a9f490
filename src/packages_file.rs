//! Files that name packages: the modules' `packages`, and `bundle.json`.

use std::collections::BTreeMap;
use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::Kind;
use lambda_pack_core::json;
use lambda_pack_core::{Error, Result, shorten};
use serde::Deserialize;
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

/// The packages that a file names, by function: the output `packages` of lambda-build-module, as `terraform output -json packages` or
/// `external published` print it; or inputs of lambda-deploy-module (`*.tfvars.json`), whose `package_overrides` and `function_overrides` count.
pub fn packages(path: &Path) -> Result<BTreeMap<String, NamedPackage>> {
    let place = path.display().to_string();
    let whole: Map<String, Value> = json::parse(&place, &input::read(path, "the packages")?)?;
    parse_packages(&place, whole)
}

fn parse_packages(place: &str, mut whole: Map<String, Value>) -> Result<BTreeMap<String, NamedPackage>> {
    let is_package = |value: &Value| value.get("source_hash").is_some();
    // A function may have that name, too.
    let inner = whole.remove("packages");
    let (packages, rest) = match inner {
        Some(package) if is_package(&package) => {
            whole.insert("packages".to_owned(), package);
            (Value::Object(whole), Map::new())
        }
        // As the protocol of `external` has it.
        Some(Value::String(text)) => (json::parse(format!("{place}: key `packages`"), text.as_bytes())?, whole),
        // As `terraform output -json` prints all outputs.
        Some(Value::Object(mut output)) if output.contains_key("sensitive") => {
            (output.remove("value").unwrap_or_default(), whole)
        }
        Some(packages) => (packages, whole),
        None => (Value::Object(whole), Map::new()),
    };
    let read = |key: &str, value: Value| -> Result<BTreeMap<String, NamedPackage>> {
        serde_json::from_value(value).map_err(|error| {
            Error::invalid(format!("{place}: {key} are none: {error}")).help(
                "give it the output `packages` of lambda-build-module: `terraform output -json packages`, or the file of inputs of \
                 lambda-deploy-module",
            )
        })
    };
    let mut packages = read("packages", packages)?;
    if let Some(overrides) = rest.get("package_overrides").filter(|it| !it.is_null()) {
        packages.extend(read("`package_overrides`", overrides.clone())?);
    }
    if let Some(overrides) = rest.get("function_overrides").filter(|it| !it.is_null()) {
        let overrides: BTreeMap<String, Override> = serde_json::from_value(overrides.clone())
            .map_err(|error| Error::invalid(format!("{place}: `function_overrides` are none: {error}")))?;
        for (name, over) in overrides {
            if let Some(NamedPackage { definition, .. }) = packages.get_mut(&name) {
                definition.runtime = over.runtime.or(definition.runtime.take());
                definition.handler = over.handler.or(definition.handler.take());
                definition.layers = over.layers.or(definition.layers.take());
            }
        }
    }
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
            return wrong("source_hash", &self.source_hash, "64 hex digits");
        }
        match CodeSha256::from_base64(&self.code_sha256) {
            None => wrong("code_sha256", &self.code_sha256, "a SHA-256 in base64"),
            Some(_) => Ok(()),
        }
    }
}

/// The source hashes of the packages that a file names, with their functions: of `bundle.json`, or of what [`packages`] reads.
pub fn source_hashes(path: &Path) -> Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Function {
        name: String,
        source_hash: String,
    }
    let place = path.display().to_string();
    let mut whole: Map<String, Value> = json::parse(&place, &input::read(path, "the packages")?)?;
    // Of a later version, too: nothing that it names may be lost.
    if whole.contains_key("schema_version")
        && let Some(functions) = whole.remove("functions")
    {
        let functions: Vec<Function> = serde_json::from_value(functions)
            .map_err(|error| Error::invalid(format!("{place}: key `functions`: {error}")))?;
        return Ok(functions.into_iter().map(|it| (it.name, it.source_hash)).collect());
    }
    let overrides = whole.get(PACKAGES).filter(|it| !it.is_null()).cloned();
    let mut named: Vec<(String, String)> = Vec::new();
    match (whole.get("packages").cloned(), overrides) {
        // What is overridden may be deployed again tomorrow.
        (Some(packages), Some(_)) => {
            let alone = Map::from_iter([("packages".to_owned(), packages)]);
            named.extend(hashes(parse_packages(&place, alone)?));
        }
        // Written by who rolled back, without the rest.
        (None, Some(overrides)) => whole = Map::from_iter([("packages".to_owned(), overrides)]),
        (None, None) if whole.contains_key(PACKAGES) || whole.contains_key(ALIASES) => return Ok(named),
        (_, None) => {}
    }
    named.extend(hashes(parse_packages(&place, whole)?));
    Ok(named)
}

fn hashes(packages: BTreeMap<String, NamedPackage>) -> Vec<(String, String)> {
    let packages = packages.into_iter();
    packages.map(|(name, package)| (name, package.source_hash)).collect()
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
        parse_packages("file", value.as_object().unwrap().clone())
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
        assert_eq!(named.len(), 4, "{named:?}");
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
        let error = parse(json!({"app": package("x")})).unwrap_err();
        assert!(error.message().contains("key `app.source_hash`"), "{error}");
    }

    #[test]
    fn a_bundle_names_packages_too() {
        let bundle = json!({"schema_version": "9.0", "functions": [{"name": "app", "source_hash": "1", "more": 1}]});
        let named = source_hashes(file(&bundle).path()).unwrap();
        assert_eq!(named, [("app".to_owned(), "1".to_owned())]);
    }
}
