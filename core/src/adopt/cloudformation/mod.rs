//! SAM and CloudFormation templates: functions and layers of both.

mod intrinsics;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Found;
use super::build;
use super::draft::{Draft, Part};
use super::value::{Data, Place, Value};
use crate::function::Kind;

pub use intrinsics::Context;

/// What a definition has too: property there, key here.
const SAME: [(&str, &str); 9] = [
    ("Description", "description"),
    ("Runtime", "runtime"),
    ("Handler", "handler"),
    ("Architectures", "architectures"),
    ("MemorySize", "memory_size"),
    ("Timeout", "timeout"),
    ("KmsKeyArn", "kms_key_arn"),
    ("ReservedConcurrentExecutions", "reserved_concurrent_executions"),
    // Layers.
    ("CompatibleRuntimes", "compatible_runtimes"),
];

/// What is one object with one value here and there: property and name there, key and name here.
const OBJECTS: [[&str; 4]; 4] = [
    ["EphemeralStorage", "Size", "ephemeral_storage", "size"],
    ["TracingConfig", "Mode", "tracing_config", "mode"],
    ["DeadLetterConfig", "TargetArn", "dead_letter_config", "target_arn"],
    // SAM's.
    ["DeadLetterQueue", "TargetArn", "dead_letter_config", "target_arn"],
];

const VPC: [(&str, &str); 2] = [("SubnetIds", "subnet_ids"), ("SecurityGroupIds", "security_group_ids")];

/// Read elsewhere, or saying nothing that matters here.
const SILENT: [&str; 16] = [
    "AutoPublishAlias",
    "Code",
    "CodeUri",
    "CompatibleArchitectures",
    "Content",
    "ContentUri",
    "Environment",
    "FunctionName",
    "InlineCode",
    "LayerName",
    "Layers",
    "PackageType",
    "RetentionPolicy",
    "Tags",
    "Tracing",
    "VpcConfig",
];

/// Whether a text is a template with functions in it.
pub fn is_template(text: &str) -> bool {
    text.contains("Resources") && (text.contains("AWS::Serverless::") || text.contains("AWS::Lambda::"))
}

/// A template, which stands in this directory.
pub fn read(template: &Value, directory: &Path, found: &mut Found) {
    let context = Context {
        parameters: template.get("Parameters"),
        mappings: template.get("Mappings"),
    };
    let globals = template.at(&["Globals", "Function"]);
    let layer_globals = template.at(&["Globals", "LayerVersion"]);
    let resources = template.get("Resources").map(Value::entries).unwrap_or_default();
    let of_type = |resource: &Value| {
        resource
            .get("Type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut layers = Vec::new();
    for (id, resource) in resources {
        let globals = match of_type(resource).as_str() {
            "AWS::Serverless::LayerVersion" => layer_globals,
            "AWS::Lambda::LayerVersion" => None,
            _ => continue,
        };
        let properties = context.resolve(&merged(globals, resource));
        let draft = layer(id, resource, &properties, directory);
        layers.push((id.clone(), draft.name.clone()));
        found.drafts.push(draft);
    }
    for (id, resource) in resources {
        let globals = match of_type(resource).as_str() {
            "AWS::Serverless::Function" => globals,
            "AWS::Lambda::Function" => None,
            _ => continue,
        };
        let properties = context.resolve(&merged(globals, resource));
        let mut draft = function(id, resource, &properties, directory);
        name_layers(properties.get("Layers"), "Layers", &layers, &mut draft);
        found.drafts.push(draft);
    }
}

/// A resource's properties with those of `Globals`, as SAM merges them:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
fn merged(globals: Option<&Value>, resource: &Value) -> Value {
    let empty = Value::new(&resource.place, Data::Map(Vec::new()));
    let own = resource.get("Properties").unwrap_or(&empty);
    match globals {
        Some(globals) => merge(globals, own),
        None => own.clone(),
    }
}

fn merge(globals: &Value, own: &Value) -> Value {
    let is_intrinsic =
        |value: &Value| matches!(value.entries(), [(name, _)] if name == "Ref" || name.starts_with("Fn::"));
    let data = match (&globals.data, &own.data) {
        (Data::Map(base), Data::Map(entries)) if !is_intrinsic(globals) && !is_intrinsic(own) => {
            let kept = base.iter().map(|(key, value)| match own.get(key) {
                // A function has one.
                Some(over) if key == "Architectures" => (key.clone(), over.clone()),
                Some(over) => (key.clone(), merge(value, over)),
                None => (key.clone(), value.clone()),
            });
            let added = entries.iter().filter(|(key, _)| globals.get(key).is_none());
            Data::Map(kept.chain(added.cloned()).collect())
        }
        (Data::List(base), Data::List(members)) => Data::List(base.iter().chain(members).cloned().collect()),
        _ => own.data.clone(),
    };
    Value::new(&own.place, data)
}

fn named(id: &str, resource: &Value, properties: &Value, key: &str, kind: Kind) -> Draft {
    let value = properties.get(key);
    let name = value.and_then(Value::text);
    let mut draft = Draft::new(name.unwrap_or_else(|| id.to_owned()), kind, resource.place.clone());
    if let Some(unknown) = value.and_then(Value::first_unknown) {
        let reason = format!(
            "`{}` is known only when it is deployed; the definition is called `{id}`, and `name_prefix` of lambda-deploy-module is put before it",
            crate::shorten(&unknown.text)
        );
        draft.lost(
            &value.map_or_else(|| resource.place.clone(), |value| value.place.clone()),
            key,
            reason,
        );
    }
    draft
}

fn set_same(draft: &mut Draft, properties: &Value) {
    for (theirs, ours) in SAME {
        draft.set(ours, theirs, properties.get(theirs));
    }
}

fn layer(id: &str, resource: &Value, properties: &Value, directory: &Path) -> Draft {
    let mut draft = named(id, resource, properties, "LayerName", Kind::Layer);
    set_same(&mut draft, properties);
    draft.set_layer_architectures("CompatibleArchitectures", properties.get("CompatibleArchitectures"));
    let content = properties.get("ContentUri").or_else(|| properties.get("Content"));
    let Some((place, path)) = local_path(content, "ContentUri", directory, &mut draft) else {
        return draft;
    };
    let method = resource
        .at(&["Metadata", "BuildMethod"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    // What SAM builds, it puts where runtimes look.
    let prefix = match method {
        _ if method.starts_with("python") => Some("python"),
        _ if method.starts_with("nodejs") => Some("nodejs"),
        "" => None,
        method => {
            draft.refuse(
                &place,
                format!("SAM builds it by `BuildMethod: {method}`: write that as a `build`"),
            );
            return draft;
        }
    };
    if prefix.is_some() {
        build::interpreted(&mut draft, &place, "BuildMethod", &path, method);
    }
    draft.sources.push(Part {
        prefix: prefix.map(str::to_owned),
        ..Part::plain(path)
    });
    draft
}

fn function(id: &str, resource: &Value, properties: &Value, directory: &Path) -> Draft {
    let mut draft = named(id, resource, properties, "FunctionName", Kind::Function);
    set_same(&mut draft, properties);
    draft.set_environment("Environment.Variables", properties.at(&["Environment", "Variables"]));
    for [theirs, name, ours, our_name] in OBJECTS {
        renamed(&mut draft, properties, theirs, ours, &[(name, our_name)]);
    }
    renamed(&mut draft, properties, "VpcConfig", "vpc_config", &VPC);
    if let Some(mode) = properties.get("Tracing") {
        let object = Value::new(&mode.place, Data::Map(vec![("mode".to_owned(), mode.clone())]));
        draft.set("tracing_config", "Tracing", Some(&object));
    }
    tags(&mut draft, properties);
    for (key, value) in properties.entries() {
        let is_known = SAME.iter().any(|(theirs, _)| theirs == key)
            || OBJECTS.iter().any(|[theirs, ..]| theirs == key)
            || SILENT.contains(&key.as_str());
        if !is_known {
            draft.lost(&value.place, key, reason(key));
        }
    }
    if properties.get("PackageType").and_then(Value::as_str) == Some("Image") {
        draft.refuse(&resource.place, "its package is a container image");
    } else {
        code(resource, properties, directory, &mut draft);
    }
    draft
}

fn reason(key: &str) -> &'static str {
    match key {
        "Policies" | "Role" | "AssumeRolePolicyDocument" | "PermissionsBoundary" | "RolePath" => {
            "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`"
        }
        "Events" | "FunctionUrlConfig" | "EventInvokeConfig" => {
            "what calls a function is no part of its definition: let it call the alias that lambda-deploy-module makes"
        }
        _ => "definitions have nothing like it",
    }
}

/// An object whose names are others here.
fn renamed(draft: &mut Draft, properties: &Value, theirs: &str, ours: &'static str, names: &[(&str, &str)]) {
    let Some(object) = properties.get(theirs) else {
        return;
    };
    if object.entries().is_empty() {
        return draft.set(ours, theirs, Some(object));
    }
    let entries = names
        .iter()
        .filter_map(|(theirs, ours)| Some(((*ours).to_owned(), object.get(theirs)?.clone())));
    let renamed = Value::new(&object.place, Data::Map(entries.collect()));
    draft.set(ours, theirs, Some(&renamed));
}

/// An object in SAM, a list of `Key` and `Value` in CloudFormation.
fn tags(draft: &mut Draft, properties: &Value) {
    let Some(tags) = properties.get("Tags") else { return };
    let Data::List(members) = &tags.data else {
        return draft.set("tags", "Tags", Some(tags));
    };
    let entries = members
        .iter()
        .filter_map(|tag| Some((tag.get("Key")?.text()?, tag.get("Value")?.clone())));
    let object = Value::new(&tags.place, Data::Map(entries.collect()));
    draft.set("tags", "Tags", Some(&object));
}

/// What the function is packed from.
fn code(resource: &Value, properties: &Value, directory: &Path, draft: &mut Draft) {
    let inline = properties
        .get("InlineCode")
        .or_else(|| properties.at(&["Code", "ZipFile"]));
    if let Some(inline) = inline {
        return draft.refuse(&inline.place, "its code stands in the template: put it into a file");
    }
    let code = properties.get("CodeUri").or_else(|| properties.get("Code"));
    let Some((place, path)) = local_path(code, "CodeUri", directory, draft) else {
        return;
    };
    let runtime = draft.text("runtime").unwrap_or_default().to_owned();
    let metadata = resource.get("Metadata");
    let method = metadata
        .and_then(|metadata| metadata.get("BuildMethod"))
        .and_then(Value::as_str);
    match method {
        Some("esbuild") => esbuild(metadata, &place, draft),
        Some("makefile") => {
            return draft.refuse(
                &place,
                "SAM builds it by `BuildMethod: makefile`: write that as `build` of type `command`",
            );
        }
        _ => {
            build::interpreted(draft, &place, "CodeUri", &path, &runtime);
            build::compiled(draft, &place, &path, &runtime);
        }
    }
    if let (Some(name), Some(candidate)) = (
        metadata.and_then(|it| it.at(&["BuildProperties", "Binary"])),
        &mut draft.build,
    ) && candidate.json["type"] == "rust"
    {
        candidate.json["binary"] = name.text().into();
    }
    draft.sources.push(Part::plain(path));
}

fn esbuild(metadata: Option<&Value>, place: &Place, draft: &mut Draft) {
    let properties = metadata.and_then(|metadata| metadata.get("BuildProperties"));
    let get = |key: &str| properties.and_then(|properties| properties.get(key));
    let texts = |key: &str| {
        let members = get(key).map(Value::members).unwrap_or_default();
        members.iter().filter_map(Value::text).collect::<Vec<_>>()
    };
    let is_set = |key: &str| get(key).and_then(Value::text).is_some_and(|text| text == "true");
    let mut bundle = json!({ "entry": texts("EntryPoints"), "external": texts("External") });
    for (theirs, ours) in [("Minify", "minify"), ("Sourcemap", "sourcemap")] {
        bundle[ours] = is_set(theirs).into();
    }
    if let Some(format) = get("Format").and_then(Value::text) {
        bundle["format"] = format.into();
    }
    build::bundled(draft, place, bundle);
}

/// A path in the repository, rather than a place in S3.
fn local_path(value: Option<&Value>, key: &str, directory: &Path, draft: &mut Draft) -> Option<(Place, PathBuf)> {
    let place = value.map_or_else(|| draft.place.clone(), |value| value.place.clone());
    let reason = match value.map(|value| &value.data) {
        // SAM takes the template's directory where nothing is said.
        None if key == "CodeUri" => return Some((place, directory.to_owned())),
        None => format!("it has no `{key}`"),
        Some(Data::String(path)) if path.starts_with("s3://") => {
            format!("its package `{}` is made elsewhere", crate::shorten(path))
        }
        Some(Data::String(path)) => return Some((place, directory.join(path))),
        Some(Data::Unknown(unknown)) => {
            format!("`{}` is known only when it is deployed", crate::shorten(&unknown.text))
        }
        Some(_) => {
            "its package is in S3, made elsewhere: write a definition with the `source` or `build` that makes it"
                .to_owned()
        }
    };
    draft.refuse(&place, reason);
    None
}

/// ARNs, and references to layers of the same template.
pub fn name_layers(value: Option<&Value>, key: &str, layers: &[(String, String)], draft: &mut Draft) {
    for layer in value.map(Value::members).unwrap_or_default() {
        match &layer.data {
            Data::String(arn) => draft.layers.push((layer.place.clone(), arn.clone())),
            Data::Unknown(unknown) => {
                let names = unknown.names();
                let known = layers
                    .iter()
                    .find(|(id, _)| names.get(1).is_some_and(|name| name == id));
                match known.filter(|_| names[0] == "Ref") {
                    Some((_, name)) => draft.layers.push((layer.place.clone(), name.clone())),
                    None => {
                        let text = unknown.text.clone();
                        draft.unknown(&layer.place, key, &text, "give its ARN in `layers` of the definition");
                    }
                }
            }
            _ => draft.lost(&layer.place, key, "it is no ARN"),
        }
    }
}
