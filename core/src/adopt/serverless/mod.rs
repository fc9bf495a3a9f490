//! `serverless.yml`: functions and layers, with the defaults of `provider`.

mod patterns;
mod variables;

use std::path::Path;

use serde_json::json;

use super::beside::WARM;
use super::carry::{CALLERS, ROLE};
use super::cloudformation::{self, Context};
use super::draft::{Draft, Part};
use super::files::Repository;
use super::keys::{Format, Others};
use super::value::{Data, Place, Value};
use super::{Found, build, policy};
use crate::function::Kind;
use variables::Variables;

/// Of functions and layers.
const OTHERS: Others = Others {
    format: Format::Serverless,
    noted: &[
        (&["role", "iamRoleStatementsName"], ROLE),
        (&["events", "url", "destinations"], CALLERS),
        (&["provisionedConcurrency"], WARM),
    ],
    silent: &[
        OF_ALL,
        // Of the plugin serverless-iam-roles-per-function.
        "iamRoleStatements",
        "image",
        "layers",
        "logRetentionInDays",
        "name",
        "package",
        "path",
        "versionFunction",
    ],
};

/// Policy statements of all functions.
const OF_ALL: &str = "provider.iam";

/// Keys of a function that `provider` has for all.
const OF_PROVIDER: [&str; 9] = [
    "architecture",
    "environment",
    "kmsKeyArn",
    "layers",
    "memorySize",
    "runtime",
    "tags",
    "timeout",
    "vpc",
];

/// The framework's defaults where they are not Lambda's:
/// <https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml>
const DEFAULTS: [(&str, &str); 2] = [("memorySize", "1024"), ("timeout", "6")];

/// Plugins that make packages of what isn't the source, and that aren't followed.
const BUNDLERS: [&str; 5] = [
    "serverless-bundle",
    "serverless-plugin-typescript",
    "serverless-rust",
    "serverless-webpack",
    "serverless-wsgi",
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

/// What is read from this file.
pub fn read(value: &Value, file: &Path, repository: &Repository, found: &mut Found) {
    let directory = file.parent().unwrap_or(Path::new("."));
    let variables = Variables::new(value, directory, repository);
    let resolved = |key: &str| value.get(key).map(|value| variables.resolve(value));
    let provider = resolved("provider").unwrap_or_else(|| Value::map(&value.place, []));
    let plugins = resolved("plugins");
    let plugins = plugins
        .iter()
        .flat_map(|plugins| plugins.get("modules").unwrap_or(plugins).members());
    let plugins: Vec<String> = plugins.filter_map(Value::text).collect();
    let resources = resolved("resources");
    let resources = resources.iter().flat_map(Value::members);
    for (id, resource) in resources
        .filter_map(|part| part.get("Resources"))
        .flat_map(Value::entries)
    {
        let reason = match cloudformation::type_of(resource) {
            "AWS::Lambda::Function" | "AWS::Serverless::Function" => {
                Some("functions of `resources` aren't read: write a definition")
            }
            kind => cloudformation::unread(id, kind),
        };
        if let Some(reason) = reason {
            found.lost(&resource.place, id, reason);
        }
    }
    let layers = resolved("layers");
    let functions = resolved("functions");
    // Of the plugin serverless-lift.
    if let Some(constructs) = value.get("constructs") {
        let reason = "what a plugin makes of it isn't followed: write a definition for each function of it";
        found.lost(&constructs.place, "constructs", reason);
    }
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
        if let Data::Unknown(unknown) = &functions.data {
            found.lost(&functions.place, "functions", unknown.reason());
        }
        for (key, function) in functions.entries() {
            let context = Context {
                parameters: None,
                mappings: None,
                resolver: &repository.resolver,
            };
            let draft = service.function(key, &context.resolve(&service.attributes(function)));
            found.drafts.push(draft);
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
        let mut draft = Draft::named(
            layer.get("name"),
            "name",
            key.to_owned(),
            Kind::Layer,
            layer.place.clone(),
        );
        draft.carry(&OTHERS, layer);
        match layer.get("path").and_then(Value::plain) {
            Some(path) => {
                let part = Part::plain(self.variables.directory.join(path));
                let patterns = layer
                    .at(&["package", "patterns"])
                    .map(Value::members)
                    .unwrap_or_default();
                let parts = patterns::narrow(&mut draft, &part, patterns);
                draft.sources.extend(parts);
            }
            None => draft.refuse(&layer.place, "it has no `path` that is known here"),
        }
        draft
    }

    /// What is said of a function, with what `provider` says of all, and the framework's defaults.
    fn attributes(&self, function: &Value) -> Value {
        let mut entries = function.entries().to_vec();
        let tracing = self.provider.at(&["tracing", "lambda"]).map(|mode| ("tracing", mode));
        let statements = self.provider.at(&["iam", "role", "statements"]);
        let statements = statements.or_else(|| self.provider.get("iamRoleStatements"));
        let statements = statements.map(|statements| (OF_ALL, statements));
        let of_all = OF_PROVIDER
            .into_iter()
            .filter_map(|key| Some((key, self.provider.get(key)?)));
        for (key, base) in of_all.chain(tracing).chain(statements) {
            match entries
                .iter_mut()
                .find(|(known, value)| known == key && !value.is_null())
            {
                // Of these both count.
                Some((_, own)) if ["environment", "tags"].contains(&key) => *own = merged(base, own),
                Some(_) => {}
                None => entries.push((key.to_owned(), base.clone())),
            }
        }
        for (key, default) in DEFAULTS {
            if !entries.iter().any(|(known, _)| known == key) {
                let default = Value::new(&function.place, Data::Number(default.to_owned()));
                entries.push((key.to_owned(), default));
            }
        }
        for (key, value) in &mut entries {
            match (key.as_str(), &value.data) {
                ("tracing", Data::Bool(true)) => value.data = Data::String("Active".to_owned()),
                ("tracing", Data::Bool(false)) => value.data = Data::Null,
                _ => {}
            }
        }
        Value::map(&function.place, entries)
    }

    fn function(&self, key: &str, function: &Value) -> Draft {
        let mut draft = Draft::new(key, Kind::Function, function.place.clone());
        // The framework's name has the service and the stage in it, which `name_prefix` has here.
        if let Some(name) = function.get("name") {
            let reason = format!(
                "the definition is called `{key}`, not as it says: set `name_prefix` of lambda-deploy-module, or `function_name`"
            );
            draft.lost(&name.place, "name", reason);
        }
        draft.carry(&OTHERS, function);
        cloudformation::name_layers(function.get("layers"), "layers", &self.layers, &mut draft);
        for key in [OF_ALL, "iamRoleStatements"] {
            if let Some(statements) = function.get(key) {
                policy::statements(&mut draft, key, statements);
            }
        }
        self.package(function, &mut draft);
        draft
    }

    fn package(&self, function: &Value, draft: &mut Draft) {
        if let Some(image) = function.get("image") {
            return draft.refuse(&image.place, "its package is a container image");
        }
        let packages = [self.package.as_ref(), function.get("package")];
        let packages = packages.into_iter().flatten();
        if let Some(artifact) = packages.clone().find_map(|package| package.get("artifact")) {
            let made = "its package is made elsewhere: write a definition with the `source` or `build` that makes it";
            return draft.refuse(&artifact.place, made);
        }
        let directory = self.variables.directory;
        let place = function
            .get("handler")
            .map_or_else(|| function.place.clone(), |handler| handler.place.clone());
        let runtime = draft.text("runtime").unwrap_or_default().to_owned();
        if let Some(own) = function
            .get("runtime")
            .filter(|own| runtime.is_empty() && !own.is_unknown())
        {
            let reason = "a plugin makes the package of its `runtime`, which is none of Lambda's: write a definition with the `build` that does";
            return draft.refuse(&own.place, reason);
        }
        if runtime.is_empty() {
            draft.lost(
                &place,
                "runtime",
                "none is stated, and the framework's default changes with its version: write it into the definition",
            );
        }
        let part = Part::plain(directory.to_owned());
        let handler = draft.text("handler").unwrap_or_default();
        let handler = handler.rsplit_once('.').map_or(handler, |(file, _)| file);
        let has = |extensions: &[&str]| {
            let mut files = extensions
                .iter()
                .map(|extension| directory.join(format!("{handler}.{extension}")));
            files.any(|file| file.is_file())
        };
        // From version 4 on the framework bundles by itself what is to be compiled.
        let is_typescript = runtime.starts_with("nodejs") && has(&["ts", "mts", "tsx"]) && !has(&["js", "mjs", "cjs"]);
        if is_typescript || self.has_plugin("serverless-esbuild") {
            self.bundle(&place, directory, draft);
        } else {
            if let Some(plugin) = BUNDLERS.iter().find(|plugin| self.has_plugin(plugin)) {
                if !has(&["js", "mjs", "cjs", "py", "rb"]) {
                    let reason = "makes what its handler names, and isn't followed: write a definition with the `build` that does";
                    return draft.refuse(&place, format!("the plugin `{plugin}` {reason}"));
                }
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
        let patterns: Vec<Value> = packages.flat_map(patterns::of).collect();
        let parts = patterns::narrow(draft, &part, &patterns);
        draft.sources.extend(parts);
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
            return draft.refuse(place, format!("no file is its handler's `{}`", crate::shorten(file)));
        };
        let option = |key: &str| self.esbuild.as_ref().and_then(|options| options.get(key));
        let is_set = |key: &str| option(key).and_then(Value::text).is_some_and(|text| text == "true");
        let external: Vec<String> = option("external")
            .map(Value::members)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::plain)
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

/// A mapping with that of `provider` below it.
fn merged(base: &Value, own: &Value) -> Value {
    let (Data::Map(kept), Data::Map(entries)) = (&base.data, &own.data) else {
        return own.clone();
    };
    let kept = kept.iter().filter(|(key, _)| own.get(key).is_none());
    Value::map(&own.place, kept.chain(entries).cloned())
}
