//! `terraform-aws-modules/lambda/aws`, which packs by itself.

use std::fs;
use std::path::Path;

use super::super::build;
use super::super::draft::{self, Draft};
use super::super::value::{Data, Place, Value};
use super::evaluate::Scope;
use super::module::Located;
use crate::function::Kind;

/// Inputs that a definition has, by their names here.
const INPUTS: [(&str, &str); 9] = [
    ("description", "description"),
    ("runtime", "runtime"),
    ("handler", "handler"),
    ("architectures", "architectures"),
    ("memory_size", "memory_size"),
    ("timeout", "timeout"),
    ("kms_key_arn", "kms_key_arn"),
    ("reserved_concurrent_executions", "reserved_concurrent_executions"),
    ("tags", "tags"),
];

/// Inputs that are one key of an object in a definition: input, key, key within.
const NESTED: [(&str, &str, &str); 3] = [
    ("ephemeral_storage_size", "ephemeral_storage", "size"),
    ("tracing_mode", "tracing_config", "mode"),
    ("dead_letter_target_arn", "dead_letter_config", "target_arn"),
];

/// Inputs that say how and where the package is made and kept, which is lambda-pack's now, and what needs no word.
const SILENT: [&str; 28] = [
    "artifacts_dir",
    "compatible_architectures",
    "compatible_runtimes",
    "count",
    "create",
    "create_function",
    "create_layer",
    "create_package",
    "depends_on",
    "environment_variables",
    "for_each",
    "function_name",
    "hash_extra",
    "ignore_source_code_hash",
    "layer_name",
    "layers",
    "package_type",
    "providers",
    "publish",
    "recreate_missing_package",
    "s3_bucket",
    "s3_prefix",
    "source",
    "source_path",
    "store_on_s3",
    "version",
    "vpc_security_group_ids",
    "vpc_subnet_ids",
];

pub fn is_lambda(scope: &Scope, call: Located) -> bool {
    let source = scope.attribute(call, "source");
    let source = source.as_ref().and_then(Value::as_str).unwrap_or_default();
    let source = source.trim_start_matches("registry.terraform.io/");
    source == "terraform-aws-modules/lambda/aws" || source.contains("terraform-aws-modules/terraform-aws-lambda")
}

pub fn is_layer(scope: &Scope, call: Located) -> bool {
    let value = scope.attribute(call, "create_layer");
    value.is_some_and(|value| matches!(value.data, Data::Bool(true)))
}

pub fn layer(scope: &Scope, call: Located) -> Draft {
    let mut draft = Draft::new(super::name(scope, call, "layer_name"), Kind::Layer, call.place());
    super::note_name(scope, call, "layer_name", &mut draft);
    for key in ["description", "compatible_runtimes"] {
        draft.set(key, key, scope.attribute(call, key).as_ref());
    }
    let architectures = scope.attribute(call, "compatible_architectures");
    draft.set_layer_architectures("compatible_architectures", architectures.as_ref());
    let runtimes = scope.attribute(call, "compatible_runtimes");
    let runtime = runtimes.as_ref().and_then(|value| value.members().first()?.text());
    sources(scope, call, &runtime.unwrap_or_default(), &mut draft);
    draft
}

pub fn function(scope: &Scope, call: Located) -> Draft {
    let mut draft = Draft::new(super::name(scope, call, "function_name"), Kind::Function, call.place());
    super::note_name(scope, call, "function_name", &mut draft);
    for (theirs, ours) in INPUTS {
        draft.set(ours, theirs, scope.attribute(call, theirs).as_ref());
    }
    for (theirs, ours, within) in NESTED {
        if let Some(value) = scope.attribute(call, theirs) {
            let object = Data::Map(vec![(within.to_owned(), value.clone())]);
            draft.set(ours, theirs, Some(&Value::new(&value.place, object)));
        }
    }
    vpc(scope, call, &mut draft);
    draft.set_environment(
        "environment_variables",
        scope.attribute(call, "environment_variables").as_ref(),
    );
    for (attribute, place) in call.attributes() {
        let key = attribute.key.as_str();
        let is_known = INPUTS.iter().any(|(theirs, _)| *theirs == key)
            || NESTED.iter().any(|(theirs, ..)| *theirs == key)
            || SILENT.contains(&key);
        if !is_known {
            draft.lost(&place, key, reason(key));
        }
    }
    let runtime = draft.text("runtime").unwrap_or_default().to_owned();
    let is_image = scope
        .attribute(call, "package_type")
        .is_some_and(|value| value.as_str() == Some("Image"));
    match is_image {
        true => draft.refuse(&call.place(), "its package is a container image"),
        false => sources(scope, call, &runtime, &mut draft),
    }
    draft
}

fn reason(key: &str) -> &'static str {
    let is_policy =
        key.contains("polic") || key.contains("role") || key.starts_with("assume_") || key.starts_with("attach_");
    match is_policy {
        true => {
            "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`"
        }
        false => "definitions have nothing like it",
    }
}

fn vpc(scope: &Scope, call: Located, draft: &mut Draft) {
    let keys = [
        ("vpc_subnet_ids", "subnet_ids"),
        ("vpc_security_group_ids", "security_group_ids"),
    ];
    let values = keys.map(|(theirs, ours)| Some((ours.to_owned(), scope.attribute(call, theirs)?)));
    let entries: Vec<_> = values.into_iter().flatten().collect();
    if let Some((_, first)) = entries.first() {
        let place = first.place.clone();
        draft.set(
            "vpc_config",
            "vpc_subnet_ids",
            Some(&Value::new(&place, Data::Map(entries))),
        );
    }
}

/// `source_path`: a path, an object, or a list of them.
fn sources(scope: &Scope, call: Located, runtime: &str, draft: &mut Draft) {
    let Some(value) = scope.attribute(call, "source_path") else {
        let key = ["local_existing_package", "s3_existing_package"]
            .into_iter()
            .find(|key| call.attribute(key).is_some());
        return draft.refuse(
            &call.place(),
            match key {
                Some(key) => format!("its package, `{key}`, is made elsewhere: write a definition with the `source` or `build` that makes it"),
                None => "it has no `source_path`".to_owned(),
            },
        );
    };
    for part in value.members() {
        source(scope, part, runtime, draft);
    }
}

fn source(scope: &Scope, part: &Value, runtime: &str, draft: &mut Draft) {
    let (path, place) = match &part.data {
        Data::String(path) => (path.clone(), part.place.clone()),
        Data::Map(_) => match part
            .get("path")
            .and_then(|path| Some((path.text()?, path.place.clone())))
        {
            Some(found) => found,
            None => return draft.refuse(&part.place, "a part of `source_path` has no `path` that is known here"),
        },
        _ => {
            let text = part
                .first_unknown()
                .map_or("it", |unknown| unknown.text.as_str())
                .to_owned();
            return draft.refuse(
                &part.place,
                format!(
                    "`source_path`, `{}`, is known only when it is deployed",
                    crate::shorten(&text)
                ),
            );
        }
    };
    for (key, value) in part.entries() {
        match key.as_str() {
            "path" | "prefix_in_zip" | "pip_requirements" | "npm_requirements" => {}
            "commands" => {
                return draft.refuse(
                    &value.place,
                    "its `commands` make the package: write them as `build` of type `command`",
                );
            }
            key => draft.lost(
                &value.place,
                key,
                "write it as `include` or `exclude` globs of `source`, or as `build`",
            ),
        }
    }
    let path = scope.path(&path);
    let prefix = part
        .get("prefix_in_zip")
        .and_then(Value::text)
        .filter(|prefix| !prefix.is_empty());
    let prefix = prefix.map(|prefix| prefix.trim_matches('/').to_owned());
    dependencies(scope, part, &place, &path, runtime, draft);
    draft.sources.push(draft::Part {
        prefix,
        ..draft::Part::plain(path)
    });
}

/// What the module installs: what is said, or what stands in the directory of a plain path.
fn dependencies(scope: &Scope, part: &Value, place: &Place, path: &Path, runtime: &str, draft: &mut Draft) {
    let said = |key: &str| part.get(key).filter(|value| !matches!(value.data, Data::Bool(false)));
    match &part.data {
        Data::String(_) => build::interpreted(draft, place, "source_path", path, runtime),
        _ => {
            for key in ["pip_requirements", "npm_requirements"] {
                let Some(value) = said(key) else { continue };
                let lock = value.as_str().and_then(|file| fs::canonicalize(scope.path(file)).ok());
                let directory = lock.as_deref().and_then(Path::parent).unwrap_or(path);
                build::interpreted(draft, &value.place, key, directory, runtime);
                if let Some(candidate) = &mut draft.build {
                    // npm's stands beside what is named.
                    candidate.lock = lock.map(|lock| match key {
                        "npm_requirements" => lock.with_file_name("package-lock.json"),
                        _ => lock,
                    });
                }
            }
        }
    }
}
