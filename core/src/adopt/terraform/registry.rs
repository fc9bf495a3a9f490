//! `terraform-aws-modules/lambda/aws`, which packs by itself.

use std::fs;
use std::path::Path;

use super::super::beside::WARM;
use super::super::build;
use super::super::carry::{CALLERS, ROLE};
use super::super::draft::{self, Draft};
use super::super::keys::{Format, Others};
use super::super::value::{Data, Place, Value};
use super::block::{named, object};
use super::evaluate::Scope;
use super::module::Located;
use super::{ELSEWHERE, policies};
use crate::function::Kind;

/// Inputs that say how and where the package is made and kept are lambda-pack's matter now.
const OTHERS: Others = Others {
    format: Format::Registry,
    noted: &[
        (&["providers", "region"], ELSEWHERE),
        (
            &[
                "assume_role_policy_statements",
                "attach_cloudwatch_logs_policy",
                "attach_dead_letter_policy",
                "attach_network_policy",
                "attach_policies",
                "attach_policy",
                "attach_tracing_policy",
                "create_role",
                "lambda_role",
                "number_of_policies",
                "policies",
                "policy",
                "role_description",
                "role_name",
                "role_path",
                "role_permissions_boundary",
                "role_tags",
                "trusted_entities",
            ],
            ROLE,
        ),
        (
            &[
                "allowed_triggers",
                "authorization_type",
                "cors",
                "create_async_event_config",
                "create_current_version_allowed_triggers",
                "create_current_version_async_event_config",
                "create_lambda_function_url",
                "create_unqualified_alias_allowed_triggers",
                "create_unqualified_alias_async_event_config",
                "create_unqualified_alias_lambda_function_url",
                "destination_on_failure",
                "destination_on_success",
                "event_source_mapping",
                "invoke_mode",
                "maximum_event_age_in_seconds",
                "maximum_retry_attempts",
            ],
            CALLERS,
        ),
        (&["provisioned_concurrent_executions"], WARM),
    ],
    silent: &[
        "artifacts_dir",
        "build_in_docker",
        "docker_additional_options",
        "docker_build_root",
        "docker_entrypoint",
        "docker_file",
        "docker_image",
        "docker_pip_cache",
        "docker_with_ssh_agent",
        "attach_policy_json",
        "attach_policy_jsons",
        "attach_policy_statements",
        "count",
        "create",
        "create_function",
        "create_layer",
        "create_package",
        "depends_on",
        "for_each",
        "function_name",
        "hash_extra",
        "ignore_source_code_hash",
        "layer_name",
        "layers",
        "number_of_policy_jsons",
        "package_type",
        "policy_json",
        "policy_jsons",
        "policy_statements",
        "publish",
        "recreate_missing_package",
        "s3_bucket",
        "s3_prefix",
        "source",
        "source_path",
        "store_on_s3",
        "version",
    ],
};

/// Its submodule for aliases.
pub fn is_alias(scope: &Scope, call: Located) -> bool {
    let source = scope.attribute(call, "source");
    let source = source.as_ref().and_then(Value::as_str).unwrap_or_default();
    let is_of_module = source.contains("terraform-aws-modules/lambda/aws")
        || source.contains("terraform-aws-modules/terraform-aws-lambda");
    is_of_module && source.contains("//modules/alias")
}

pub fn is_lambda(scope: &Scope, call: Located) -> bool {
    let source = scope.attribute(call, "source");
    let source = source.as_ref().and_then(Value::as_str).unwrap_or_default();
    let source = source.trim_start_matches("registry.terraform.io/");
    let is_of_git = source.contains("terraform-aws-modules/terraform-aws-lambda");
    source == "terraform-aws-modules/lambda/aws" || (is_of_git && !source.contains("//modules/"))
}

pub fn is_layer(scope: &Scope, call: Located) -> bool {
    let value = scope.attribute(call, "create_layer");
    value.is_some_and(|value| value.text().as_deref() == Some("true"))
}

pub fn layer(scope: &Scope, call: Located) -> Draft {
    let attributes = object(scope, call);
    let mut draft = named(scope, call, &attributes, "layer_name", Kind::Layer);
    draft.carry(&OTHERS, &attributes);
    let runtimes = attributes.get("compatible_runtimes");
    let runtime = runtimes.and_then(|value| value.members().first()?.plain());
    if is_made(&attributes, &["create"], &mut draft) {
        sources(scope, &attributes, &runtime.unwrap_or_default(), &mut draft);
    }
    draft
}

/// With its inputs.
pub fn function(scope: &Scope, call: Located) -> (Draft, Value) {
    let attributes = object(scope, call);
    let mut draft = named(scope, call, &attributes, "function_name", Kind::Function);
    draft.carry(&OTHERS, &attributes);
    policies::of_call(&attributes, scope, &mut draft);
    let runtime = draft.text("runtime").unwrap_or_default().to_owned();
    let is_image = attributes.get("package_type").and_then(Value::as_str) == Some("Image");
    match is_made(&attributes, &["create", "create_function"], &mut draft) {
        _ if is_image => draft.refuse(&call.place(), "its package is a container image"),
        true => sources(scope, &attributes, &runtime, &mut draft),
        false => {}
    }
    (draft, attributes)
}

/// Whether all of these inputs, which are true where nothing is said, are true. One that isn't known is taken for true.
fn is_made(attributes: &Value, inputs: &[&str], draft: &mut Draft) -> bool {
    for (input, value) in inputs.iter().filter_map(|input| Some((input, attributes.get(input)?))) {
        match (value.text().as_deref(), value.first_unknown()) {
            (Some("false"), _) => {
                draft.refuse(&value.place, format!("`{input}` is false, so it isn't deployed"));
                return false;
            }
            (_, Some(unknown)) => {
                let reason = format!("{}; it is carried over as if it were true", unknown.reason());
                draft.lost(&value.place, input, reason);
            }
            _ => {}
        }
    }
    true
}

/// `source_path`: a path, an object, or a list of them.
fn sources(scope: &Scope, attributes: &Value, runtime: &str, draft: &mut Draft) {
    const ELSEWHERE: [&str; 2] = ["local_existing_package", "s3_existing_package"];
    let made = "is made elsewhere: write a definition with the `source` or `build` that makes it";
    if let Some(value) = attributes.get("create_package")
        && value.text().as_deref() == Some("false")
    {
        return draft.refuse(&value.place, format!("its package {made}"));
    }
    let Some(value) = attributes.get("source_path") else {
        let place = draft.place.clone();
        let key = ELSEWHERE.into_iter().find(|key| attributes.get(key).is_some());
        return match key {
            Some(key) => draft.refuse(&place, format!("its package, `{key}`, {made}")),
            None => draft.refuse(&place, "it has no `source_path`"),
        };
    };
    for part in value.members() {
        source(scope, part, runtime, draft);
    }
}

fn source(scope: &Scope, part: &Value, runtime: &str, draft: &mut Draft) {
    let value = match part.data {
        Data::Map(_) => part.get("path"),
        _ => Some(part),
    };
    let Some(value) = value else {
        return draft.refuse(&part.place, "a part of `source_path` has no `path`");
    };
    let Some(path) = draft.path("`source_path`", value) else {
        return;
    };
    let place = value.place.clone();
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
        .and_then(Value::plain)
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
