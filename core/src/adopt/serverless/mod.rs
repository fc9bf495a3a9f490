//! `serverless.yml`: functions and layers, with the defaults of `provider`.

mod patterns;
mod variables;

use std::path::Path;

use serde_json::json;

use super::Found;
use super::build;
use super::cloudformation::{self, Context};
use super::draft::{Draft, Part};
use super::value::{Data, Place, Value};
use crate::function::Kind;
use variables::Variables;

/// What a definition has too: key of a function there, key of `provider`, key here.
const SAME: [(&str, &str, &str); 8] = [
    ("description", "", "description"),
    ("runtime", "runtime", "runtime"),
    ("architecture", "architecture", "architectures"),
    ("memorySize", "memorySize", "memory_size"),
    ("timeout", "timeout", "timeout"),
    ("kmsKeyArn", "kmsKeyArn", "kms_key_arn"),
    ("reservedConcurrency", "", "reserved_concurrent_executions"),
    ("tags", "tags", "tags"),
];

/// The framework's defaults where they are not Lambda's:
/// <https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml>
const DEFAULTS: [(&str, i64); 2] = [("memory_size", 1024), ("timeout", 6)];

/// Read elsewhere, or saying nothing that matters here.
const SILENT: [&str; 12] = [
    "environment",
    "ephemeralStorageSize",
    "handler",
    "image",
    "layers",
    "logRetentionInDays",
    "name",
    "onError",
    "package",
    "tracing",
    "versionFunction",
    "vpc",
];

/// Plugins that make packages of what isn't the source, and that aren't followed.
const BUNDLERS: [&str; 3] = [
    "serverless-bundle",
    "serverless-plugin-typescript",
    "serverless-webpack",
];

struct Service<'a> {
    variables: Variables<'a>,
    provider: Value,
    package: Option<Value>,
    plugins: Vec<String>,
    esbuild: Option<Value>,
    /// Logical id and name.
    layers: Vec<(String, String)>,
}

/// A file, which stands in this directory; `shown` is that in messages.
pub fn read(file: &Value, directory: &Path, shown: &Path, found: &mut Found) {
    let variables = Variables::new(file, directory, shown);
    let resolved = |key: &str| file.get(key).map(|value| variables.resolve(value));
    let provider = resolved("provider").unwrap_or_else(|| Value::new(&file.place, Data::Map(Vec::new())));
    let plugins = resolved("plugins");
    let plugins = plugins
        .iter()
        .flat_map(|plugins| plugins.get("modules").unwrap_or(plugins).members());
    let plugins: Vec<String> = plugins.filter_map(Value::text).collect();
    let layers = resolved("layers");
    let functions = resolved("functions");
    let mut service = Service {
        provider,
        package: resolved("package"),
        esbuild: resolved("custom").and_then(|custom| custom.get("esbuild").cloned()),
        plugins,
        layers: Vec::new(),
        variables,
    };
    for (key, layer) in layers.iter().flat_map(Value::entries) {
        let draft = service.layer(key, layer);
        service.layers.push((logical_id(key), draft.name.clone()));
        found.drafts.push(draft);
    }
    // A list of mappings where they stand in several files.
    for functions in functions.iter().flat_map(Value::members) {
        if let Some(unknown) = functions.first_unknown().filter(|_| functions.entries().is_empty()) {
            found.lost(
                &functions.place,
                "functions",
                format!("`{}` isn't known here", crate::shorten(&unknown.text)),
            );
        }
        for (key, function) in functions.entries() {
            found.drafts.push(service.function(key, function));
        }
    }
}

/// As the framework makes it of a name: <https://www.serverless.com/framework/docs/providers/aws/guide/layers>
fn logical_id(key: &str) -> String {
    let name = key.replace('-', "Dash").replace('_', "Underscore");
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first
        .into_iter()
        .chain(characters)
        .chain("LambdaLayer".chars())
        .collect()
}

impl Service<'_> {
    fn layer(&self, key: &str, layer: &Value) -> Draft {
        let name = layer
            .get("name")
            .and_then(Value::text)
            .unwrap_or_else(|| key.to_owned());
        let mut draft = Draft::new(name, Kind::Layer, layer.place.clone());
        draft.set("description", "description", layer.get("description"));
        draft.set(
            "compatible_runtimes",
            "compatibleRuntimes",
            layer.get("compatibleRuntimes"),
        );
        draft.set_layer_architectures("compatibleArchitectures", layer.get("compatibleArchitectures"));
        match layer.get("path").and_then(Value::text) {
            Some(path) => {
                let mut part = Part::plain(self.variables.directory.join(path));
                let patterns = layer
                    .at(&["package", "patterns"])
                    .map(Value::members)
                    .unwrap_or_default();
                patterns::narrow(&mut draft, &mut part, patterns);
                draft.sources.push(part);
            }
            None => draft.refuse(&layer.place, "it has no `path` that is known here"),
        }
        draft
    }

    fn function(&self, key: &str, function: &Value) -> Draft {
        let context = Context {
            parameters: None,
            mappings: None,
        };
        let function = context.resolve(function);
        let mut draft = Draft::new(key, Kind::Function, function.place.clone());
        self.note_name(key, &function, &mut draft);
        let either = |theirs: &str, of_provider: &str| {
            let own = function.get(theirs);
            own.or_else(|| self.provider.get(of_provider).filter(|_| !of_provider.is_empty()))
                .cloned()
        };
        for (theirs, of_provider, ours) in SAME {
            let value = match theirs {
                "tags" => merged(self.provider.get("tags"), function.get("tags")),
                _ => either(theirs, of_provider),
            };
            draft.set(ours, theirs, value.as_ref());
        }
        for (ours, default) in DEFAULTS {
            let (theirs, ..) = SAME.iter().find(|(.., known)| *known == ours).expect("a key");
            if either(theirs, theirs).is_none() {
                draft.set_json(ours, theirs, &function.place, default.into());
            }
        }
        draft.set("handler", "handler", function.get("handler"));
        let variables = merged(self.provider.get("environment"), function.get("environment"));
        draft.set_environment("environment", variables.map(|value| context.resolve(&value)).as_ref());
        self.objects(&function, &context, &mut draft);
        let layers = either("layers", "layers").map(|layers| context.resolve(&layers));
        cloudformation::name_layers(layers.as_ref(), "layers", &self.layers, &mut draft);
        for (key, value) in function.entries() {
            if !SAME.iter().any(|(theirs, ..)| theirs == key) && !SILENT.contains(&key.as_str()) {
                draft.lost(&value.place, key, reason(key));
            }
        }
        let statements = self
            .provider
            .at(&["iam", "role", "statements"])
            .or_else(|| self.provider.get("iamRoleStatements"));
        if let Some(statements) = statements {
            draft.lost(&statements.place, "provider.iam", ROLE);
        }
        self.package(&function, &mut draft);
        draft
    }

    /// The framework's name has the service and the stage in it, which `name_prefix` has here.
    fn note_name(&self, key: &str, function: &Value, draft: &mut Draft) {
        if let Some(name) = function.get("name") {
            let text = name
                .text()
                .or_else(|| name.first_unknown().map(|unknown| unknown.text.clone()));
            let reason = format!(
                "the definition is called `{key}`, not `{}`: set `name_prefix` of lambda-deploy-module, or `function_name`",
                crate::shorten(&text.unwrap_or_default())
            );
            draft.lost(&name.place, "name", reason);
        }
    }

    fn objects(&self, function: &Value, context: &Context, draft: &mut Draft) {
        let object =
            |key: &str, value: &Value| Value::new(&value.place, Data::Map(vec![(key.to_owned(), value.clone())]));
        if let Some(size) = function.get("ephemeralStorageSize") {
            draft.set("ephemeral_storage", "ephemeralStorageSize", Some(&object("size", size)));
        }
        if let Some(target) = function.get("onError") {
            draft.set("dead_letter_config", "onError", Some(&object("target_arn", target)));
        }
        let tracing = function
            .get("tracing")
            .or_else(|| self.provider.at(&["tracing", "lambda"]));
        if let Some(mode) = tracing.filter(|mode| !matches!(mode.data, Data::Bool(false))) {
            let mode = match mode.data {
                Data::Bool(_) => Value::string(&mode.place, "Active"),
                _ => mode.clone(),
            };
            draft.set("tracing_config", "tracing", Some(&object("mode", &mode)));
        }
        if let Some(vpc) = function.get("vpc").or_else(|| self.provider.get("vpc")) {
            let vpc = context.resolve(vpc);
            let names = [("subnetIds", "subnet_ids"), ("securityGroupIds", "security_group_ids")];
            let entries = names
                .into_iter()
                .filter_map(|(theirs, ours)| Some((ours.to_owned(), vpc.get(theirs)?.clone())));
            draft.set(
                "vpc_config",
                "vpc",
                Some(&Value::new(&vpc.place, Data::Map(entries.collect()))),
            );
        }
    }

    fn package(&self, function: &Value, draft: &mut Draft) {
        if let Some(image) = function.get("image") {
            return draft.refuse(&image.place, "its package is a container image");
        }
        let packages = [self.package.as_ref(), function.get("package")];
        let packages = packages.into_iter().flatten();
        if let Some(artifact) = packages.clone().find_map(|package| package.get("artifact")) {
            let text = artifact.text().unwrap_or_default();
            return draft.refuse(
                &artifact.place,
                format!(
                    "its package `{}` is made elsewhere: write a definition with the `source` or `build` that makes it",
                    crate::shorten(&text)
                ),
            );
        }
        let directory = self.variables.directory;
        let place = function
            .get("handler")
            .map_or_else(|| function.place.clone(), |handler| handler.place.clone());
        let runtime = draft.text("runtime").unwrap_or_default().to_owned();
        if runtime.is_empty() {
            draft.lost(
                &place,
                "runtime",
                "none is stated, and the framework's default changes with its version: write it into the definition",
            );
        }
        let mut part = Part::plain(directory.to_owned());
        if self.has_plugin("serverless-esbuild") {
            self.bundle(&place, directory, draft);
        } else {
            if let Some(plugin) = BUNDLERS.iter().find(|plugin| self.has_plugin(plugin)) {
                draft.lost(
                    &place,
                    plugin,
                    "what the plugin makes isn't followed: write it as a `build`",
                );
            }
            if runtime.starts_with("nodejs") || self.has_plugin("serverless-python-requirements") {
                build::interpreted(draft, &place, "handler", directory, &runtime);
            }
        }
        let patterns: Vec<Value> = packages
            .flat_map(|package| {
                for old in ["include", "exclude"].iter().filter_map(|key| package.get(key)) {
                    draft.lost(
                        &old.place,
                        "package",
                        "`include` and `exclude` are the framework's former ones: write `patterns`",
                    );
                }
                package.get("patterns").map(Value::members).unwrap_or_default().to_vec()
            })
            .collect();
        patterns::narrow(draft, &mut part, &patterns);
        draft.sources.push(part);
    }

    fn has_plugin(&self, name: &str) -> bool {
        self.plugins.iter().any(|plugin| plugin == name)
    }

    /// One bundle a function, of the file that its handler names.
    fn bundle(&self, place: &Place, directory: &Path, draft: &mut Draft) {
        let handler = draft.text("handler").unwrap_or_default().to_owned();
        let Some((file, method)) = handler.rsplit_once('.') else {
            return;
        };
        let extensions = ["ts", "mts", "tsx", "js", "mjs", "jsx"];
        let entries = extensions.map(|extension| format!("{file}.{extension}"));
        let Some(entry) = entries.iter().find(|entry| directory.join(entry).is_file()) else {
            return draft.refuse(place, format!("no file is `{}`", crate::shorten(file)));
        };
        let option = |key: &str| self.esbuild.as_ref().and_then(|options| options.get(key));
        let is_set = |key: &str| option(key).and_then(Value::text).is_some_and(|text| text == "true");
        let external: Vec<String> = option("external")
            .map(Value::members)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::text)
            .collect();
        let mut bundle = json!({
            "entry": [entry], "external": external, "minify": is_set("minify"), "sourcemap": is_set("sourcemap")
        });
        if option("format").and_then(Value::text).as_deref() == Some("esm") {
            bundle["format"] = "esm".into();
        }
        let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
        draft.set_json("handler", "handler", place, format!("{name}.{method}").into());
        build::bundled(draft, place, bundle);
    }
}

const ROLE: &str = "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`";

fn reason(key: &str) -> &'static str {
    match key {
        "role" | "iamRoleStatements" | "iamRoleStatementsName" => ROLE,
        "events" | "url" | "destinations" => {
            "what calls a function is no part of its definition: let it call the alias that lambda-deploy-module makes"
        }
        _ => "definitions have nothing like it",
    }
}

/// A mapping with that of `provider` below it.
fn merged(base: Option<&Value>, own: Option<&Value>) -> Option<Value> {
    let (Some(base), Some(own)) = (base, own) else {
        return own.or(base).cloned();
    };
    let (Data::Map(kept), Data::Map(entries)) = (&base.data, &own.data) else {
        return Some(own.clone());
    };
    let kept = kept.iter().filter(|(key, _)| own.get(key).is_none());
    Some(Value::new(
        &own.place,
        Data::Map(kept.chain(entries).cloned().collect()),
    ))
}
