//! SAM and CloudFormation templates: functions and layers of both.

mod intrinsics;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::beside::{self, ALIAS, WARM};
use super::carry::{CALLERS, ROLE};
use super::draft::{Draft, Part};
use super::files::Repository;
use super::keys::{Format, Others};
use super::unknown::Unknown;
use super::value::{Data, Place, Value};
use super::{Found, build, policy};
use crate::function::Kind;

pub use intrinsics::Context;

/// Of SAM and of CloudFormation.
const OTHERS: Others = Others {
    format: Format::Template,
    noted: &[
        (
            &["Role", "AssumeRolePolicyDocument", "PermissionsBoundary", "RolePath"],
            ROLE,
        ),
        (&["Events", "FunctionUrlConfig", "EventInvokeConfig"], CALLERS),
        (&["AutoPublishAlias", "DeploymentPreference"], ALIAS),
        (&["ProvisionedConcurrencyConfig"], WARM),
    ],
    silent: &[
        "Code",
        "CodeUri",
        "Content",
        "ContentUri",
        "FunctionName",
        "ImageUri",
        "InlineCode",
        "LayerName",
        "Layers",
        "PackageType",
        "Policies",
    ],
};

/// Whether a text is a template with functions in it.
pub fn is_template(text: &str) -> bool {
    text.contains("Resources") && (text.contains("AWS::Serverless::") || text.contains("AWS::Lambda::"))
}

/// A template, which is read from this file.
pub fn read(template: &Value, file: &Path, repository: &Repository, found: &mut Found) {
    let directory = file.parent().unwrap_or(Path::new("."));
    let context = Context {
        parameters: template.get("Parameters"),
        mappings: template.get("Mappings"),
        resolver: &repository.resolver,
    };
    let globals = template.at(&["Globals", "Function"]);
    let layer_globals = template.at(&["Globals", "LayerVersion"]);
    let resources = template.get("Resources").map(Value::entries).unwrap_or_default();
    let mut layers = Vec::new();
    for (id, resource) in resources {
        let globals = match type_of(resource) {
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
        let globals = match type_of(resource) {
            "AWS::Serverless::Function" => globals,
            "AWS::Lambda::Function" => None,
            kind => {
                if let Some(reason) = unread(id, kind) {
                    found.lost(&resource.place, id, reason);
                }
                continue;
            }
        };
        let properties = context.resolve(&merged(globals, resource));
        let mut draft = function(id, resource, &properties, directory);
        name_layers(properties.get("Layers"), "Layers", &layers, &mut draft);
        found.drafts.push(draft);
    }
}

pub fn type_of(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}

/// Why nothing is read of a resource, or of a loop of them, that may have functions.
pub fn unread(id: &str, kind: &str) -> Option<&'static str> {
    match kind {
        _ if id.starts_with("Fn::ForEach") => Some("loops aren't followed: write a definition for each function of it"),
        "AWS::Serverless::Application" | "AWS::CloudFormation::Stack" => Some(
            "what it is given isn't followed: functions of a template in this repository are read with the defaults of its parameters, those of others are not",
        ),
        _ => beside::reason(kind),
    }
}

/// A resource's properties with those of `Globals`, as SAM merges them:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
fn merged(globals: Option<&Value>, resource: &Value) -> Value {
    let empty = Value::map(&resource.place, []);
    let own = resource.get("Properties").unwrap_or(&empty);
    let merged = globals.map_or_else(|| own.clone(), |globals| merge(globals, own));
    let entries = merged.entries().iter().map(|(key, value)| match key.as_str() {
        "Tags" => (key.clone(), tags(value)),
        _ => (key.clone(), value.clone()),
    });
    Value::map(&merged.place, entries)
}

/// An object in SAM, a list of `Key` and `Value` in CloudFormation.
fn tags(tags: &Value) -> Value {
    let Data::List(members) = &tags.data else {
        return tags.clone();
    };
    let entries = members
        .iter()
        .filter_map(|tag| Some((tag.get("Key")?.text()?, tag.get("Value")?.clone())));
    Value::map(&tags.place, entries)
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

/// A draft with all that the table carries over.
fn carried(id: &str, resource: &Value, properties: &Value, name: &str, kind: Kind) -> Draft {
    let mut draft = Draft::named(properties.get(name), name, id.to_owned(), kind, resource.place.clone());
    draft.carry(&OTHERS, properties);
    if let Some(condition) = resource.get("Condition") {
        let reason = "whether it is deployed depends on a condition, and here it always is: a profile says which are";
        draft.lost(&condition.place, "Condition", reason);
    }
    draft
}

fn layer(id: &str, resource: &Value, properties: &Value, directory: &Path) -> Draft {
    let mut draft = carried(id, resource, properties, "LayerName", Kind::Layer);
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
        _ => {
            draft.refuse(&place, "SAM builds it by its `BuildMethod`: write that as a `build`");
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
    let mut draft = carried(id, resource, properties, "FunctionName", Kind::Function);
    for policy in properties.get("Policies").map(Value::members).unwrap_or_default() {
        policy::document(&mut draft, "Policies", policy);
    }
    if properties.get("PackageType").and_then(Value::as_str) == Some("Image") {
        draft.refuse(&resource.place, "its package is a container image");
    } else {
        code(resource, properties, directory, &mut draft);
    }
    draft
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
        candidate.json["binary"] = name.plain().into();
    }
    draft.sources.push(Part::plain(path));
}

fn esbuild(metadata: Option<&Value>, place: &Place, draft: &mut Draft) {
    let properties = metadata.and_then(|metadata| metadata.get("BuildProperties"));
    let get = |key: &str| properties.and_then(|properties| properties.get(key));
    let texts = |key: &str| {
        let members = get(key).map(Value::members).unwrap_or_default();
        members.iter().filter_map(Value::plain).collect::<Vec<_>>()
    };
    let is_set = |key: &str| get(key).and_then(Value::text).is_some_and(|text| text == "true");
    let mut bundle = json!({ "entry": texts("EntryPoints"), "external": texts("External") });
    for (theirs, ours) in [("Minify", "minify"), ("Sourcemap", "sourcemap")] {
        bundle[ours] = is_set(theirs).into();
    }
    if let Some(format) = get("Format").and_then(Value::plain) {
        bundle["format"] = format.into();
    }
    build::bundled(draft, place, bundle);
}

/// A path in the repository, rather than a place in S3.
fn local_path(value: Option<&Value>, key: &str, directory: &Path, draft: &mut Draft) -> Option<(Place, PathBuf)> {
    let place = value.map_or_else(|| draft.place.clone(), |value| value.place.clone());
    let made = "its package is made elsewhere: write a definition with the `source` or `build` that makes it";
    let reason = match value.map(|value| &value.data) {
        // SAM takes the template's directory where nothing is said.
        None if key == "CodeUri" => return Some((place, directory.to_owned())),
        None => format!("it has no `{key}`"),
        Some(Data::String(path)) if path.starts_with("s3://") => made.to_owned(),
        Some(Data::String(_) | Data::Unknown(_)) => {
            let path = draft.path("its package", value?)?;
            if [".zip", ".jar", ".war"].iter().any(|end| path.ends_with(end)) {
                draft.refuse(&place, made);
                return None;
            }
            return Some((place, directory.join(path)));
        }
        Some(_) => made.to_owned(),
    };
    draft.refuse(&place, reason);
    None
}

/// ARNs, and references to layers of the same template.
pub fn name_layers(value: Option<&Value>, key: &str, layers: &[(String, String)], draft: &mut Draft) {
    for layer in value.map(Value::members).unwrap_or_default() {
        let referred = layer.first_unknown().map(Unknown::names);
        let named = match referred.as_deref() {
            Some(["Ref", id]) => layers.iter().find(|(known, _)| known == id).map(|(_, name)| name),
            _ => None,
        };
        match named {
            Some(layer_name) => draft.layers.push((layer.place.clone(), layer_name.clone())),
            None => draft.add_layer(key, layer),
        }
    }
}
