//! Terraform: `aws_lambda_function` with the `archive_file` that its package comes from, and the registry's
//! `terraform-aws-modules/lambda/aws`. Modules of the repository are followed into.

mod evaluate;
mod functions;
mod module;
mod packages;
mod registry;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Found;
use super::draft::{Draft, Note};
use super::value::{Data, Part, Value};
use crate::function::Kind;
use evaluate::Scope;
use module::{Located, Module};

/// Modules call modules, but no repository this deep.
const DEEPEST: usize = 16;

/// Arguments of `aws_lambda_function` that a definition has under the same name.
const SAME: [&str; 9] = [
    "description",
    "runtime",
    "handler",
    "architectures",
    "memory_size",
    "timeout",
    "kms_key_arn",
    "reserved_concurrent_executions",
    "tags",
];

/// The same, which are blocks there and objects here.
const BLOCKS: [&str; 4] = [
    "ephemeral_storage",
    "tracing_config",
    "dead_letter_config",
    "vpc_config",
];

/// What says nothing that a definition or lambda-deploy-module doesn't know by itself.
const SILENT: [&str; 20] = [
    "count",
    "depends_on",
    "environment",
    "filename",
    "for_each",
    "function_name",
    "image_uri",
    "layers",
    "lifecycle",
    "package_type",
    "provider",
    "publish",
    "region",
    "s3_bucket",
    "s3_key",
    "s3_object_version",
    "source_code_hash",
    "source_code_size",
    "timeouts",
    "tags_all",
];

/// Functions and layers of `.tf` files, which are given with their paths in messages.
pub fn read(files: &[(PathBuf, PathBuf)], found: &mut Found) {
    let mut directories = BTreeMap::<&Path, Vec<(PathBuf, PathBuf)>>::new();
    for (path, shown) in files {
        let directory = path.parent().unwrap_or(Path::new("."));
        directories
            .entry(directory)
            .or_default()
            .push((path.clone(), shown.clone()));
    }
    let mut modules = BTreeMap::new();
    for (directory, files) in directories {
        match Module::read(directory, &files) {
            Ok(module) => {
                modules.insert(directory.to_owned(), module);
            }
            Err(error) => found.notes.push(Note {
                file: files[0].1.parent().unwrap_or(Path::new("")).to_owned(),
                line: 0,
                function: None,
                key: None,
                reason: error.message().to_owned(),
            }),
        }
    }
    let mut called = BTreeSet::new();
    for module in modules.values() {
        let scope = Scope::of_root(module);
        let targets = module.blocks("module").filter_map(|call| local_source(&scope, call));
        called.extend(targets.map(|(directory, _)| directory));
    }
    for (directory, module) in &modules {
        if !called.contains(directory) {
            let mut reader = Reader {
                modules: &modules,
                layers: Vec::new(),
                found,
            };
            reader.layers(&Scope::of_root(module));
            reader.functions(&Scope::of_root(module));
        }
    }
}

/// The directory of a module that is called by its path, and `path.module` in it.
fn local_source(scope: &Scope, call: Located) -> Option<(PathBuf, String)> {
    let source = scope.attribute(call, "source")?;
    let source = source
        .as_str()
        .filter(|source| source.starts_with("./") || source.starts_with("../"))?;
    let directory = fs::canonicalize(scope.module.directory.join(source)).ok()?;
    let root = fs::canonicalize(scope.root).ok()?;
    let path = match directory.strip_prefix(&root) {
        Ok(below) => below.to_str()?.to_owned(),
        Err(_elsewhere) => directory.to_str()?.to_owned(),
    };
    Some((directory, path))
}

/// What a reference to a layer looks like, and what it is called here.
struct Layer {
    calls: Vec<String>,
    /// `aws_lambda_layer_version` and its name, or `module` and its name.
    names: [String; 2],
    instance: Option<String>,
    function_name: String,
}

struct Reader<'a> {
    modules: &'a BTreeMap<PathBuf, Module>,
    layers: Vec<Layer>,
    found: &'a mut Found,
}

impl Reader<'_> {
    /// First, so that functions know them.
    fn layers(&mut self, scope: &Scope) {
        for block in scope.module.blocks("resource") {
            if block.label(0) == "aws_lambda_layer_version" {
                self.each(scope, block, |reader, scope| reader.layer(scope, block));
            }
        }
        for call in scope.module.blocks("module") {
            if registry::is_lambda(scope, call) && registry::is_layer(scope, call) {
                self.each(scope, call, |reader, scope| {
                    let draft = registry::layer(scope, call);
                    reader.keep_layer(scope, ["module", call.label(0)], draft);
                });
            }
        }
        self.within(scope, Self::layers);
    }

    fn functions(&mut self, scope: &Scope) {
        for block in scope.module.blocks("resource") {
            if block.label(0) == "aws_lambda_function" {
                self.each(scope, block, |reader, scope| {
                    let draft = reader.function(scope, block);
                    reader.found.drafts.push(draft);
                });
            }
        }
        for call in scope.module.blocks("module") {
            if registry::is_lambda(scope, call) && !registry::is_layer(scope, call) {
                self.each(scope, call, |reader, scope| {
                    let mut draft = registry::function(scope, call);
                    reader.name_layers(scope, call, &mut draft);
                    reader.found.drafts.push(draft);
                });
            }
        }
        self.within(scope, Self::functions);
    }

    /// The modules that are called here.
    fn within(&mut self, scope: &Scope, visit: fn(&mut Self, &Scope)) {
        if scope.calls.len() > DEEPEST {
            return;
        }
        for call in scope.module.blocks("module") {
            let target = local_source(scope, call);
            let Some((path, module)) = target.and_then(|(directory, path)| Some((path, self.modules.get(&directory)?)))
            else {
                continue;
            };
            self.each(scope, call, |reader, scope| {
                visit(reader, &scope.called(call, path.clone(), module));
            });
        }
    }

    /// Each instance of a block with `count` or `for_each`; where they aren't known, a note.
    fn each(&mut self, scope: &Scope, block: Located, mut visit: impl FnMut(&mut Self, &Scope)) {
        let unknown = |value: &Value| match value.first_unknown() {
            Some(unknown) => format!("`{}` is known only when it is deployed", crate::shorten(&unknown.text)),
            None => "only 0 and 1 are carried over".to_owned(),
        };
        if let Some(count) = scope.attribute(block, "count") {
            match count.text().as_deref() {
                Some("0") => {}
                Some("1") => visit(self, scope),
                _ => self.lost(block, "count", &count, unknown(&count)),
            }
            return;
        }
        let Some(each) = scope.attribute(block, "for_each") else {
            return visit(self, scope);
        };
        match &each.data {
            Data::Map(entries) => {
                for (key, value) in entries {
                    visit(self, &scope.with_each(key, value.clone()));
                }
            }
            Data::List(members) if members.iter().all(|member| member.text().is_some()) => {
                for member in members {
                    let key = member.text().unwrap_or_default();
                    visit(self, &scope.with_each(&key, member.clone()));
                }
            }
            _ => self.lost(block, "for_each", &each, unknown(&each)),
        }
    }

    fn lost(&mut self, block: Located, key: &str, value: &Value, reason: String) {
        let labels: Vec<&str> = block.block.labels.iter().map(|label| label.as_str()).collect();
        let note = Note {
            file: value.place.file.to_path_buf(),
            line: value.place.line,
            function: Some(labels.join(".")),
            key: Some(key.to_owned()),
            reason: format!("{reason}: how many functions there are isn't known, so none of them is carried over"),
        };
        // Layers and functions of a module are looked for one after the other.
        if !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }

    fn layer(&mut self, scope: &Scope, block: Located) {
        let mut draft = Draft::new(name(scope, block, "layer_name"), Kind::Layer, block.place());
        for key in ["description", "compatible_runtimes"] {
            draft.set(key, key, scope.attribute(block, key).as_ref());
        }
        let architectures = scope.attribute(block, "compatible_architectures");
        draft.set_layer_architectures("compatible_architectures", architectures.as_ref());
        note_name(scope, block, "layer_name", &mut draft);
        packages::find(scope, block, &mut draft);
        self.keep_layer(scope, ["aws_lambda_layer_version", block.label(1)], draft);
    }

    fn keep_layer(&mut self, scope: &Scope, names: [&str; 2], draft: Draft) {
        self.layers.push(Layer {
            calls: scope.calls.clone(),
            names: names.map(str::to_owned),
            instance: scope.each_key().map(str::to_owned),
            function_name: draft.name.clone(),
        });
        self.found.drafts.push(draft);
    }

    fn function(&self, scope: &Scope, block: Located) -> Draft {
        let mut draft = Draft::new(name(scope, block, "function_name"), Kind::Function, block.place());
        note_name(scope, block, "function_name", &mut draft);
        for key in SAME {
            draft.set(key, key, scope.attribute(block, key).as_ref());
        }
        for inner in block.blocks() {
            match inner.block.ident.as_str() {
                "environment" => {
                    draft.set_environment("environment", scope.attribute(inner, "variables").as_ref());
                }
                kind => match BLOCKS.into_iter().find(|known| *known == kind) {
                    Some(key) => draft.set(key, key, Some(&object(scope, inner))),
                    None if SILENT.contains(&kind) => {}
                    None => draft.lost(&inner.place(), kind, "definitions have nothing like it"),
                },
            }
        }
        self.name_layers(scope, block, &mut draft);
        for (attribute, place) in block.attributes() {
            match attribute.key.as_str() {
                "role" => draft.lost(&place, "role", "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`"),
                key if SAME.contains(&key) || SILENT.contains(&key) => {}
                key => draft.lost(&place, key, "definitions have nothing like it"),
            }
        }
        if scope
            .attribute(block, "package_type")
            .is_some_and(|value| value.as_str() == Some("Image"))
        {
            draft.refuse(&block.place(), "its package is a container image");
        } else {
            packages::find(scope, block, &mut draft);
        }
        draft
    }

    /// The layers of a function: ARNs, and those that are made here.
    fn name_layers(&self, scope: &Scope, block: Located, draft: &mut Draft) {
        let Some(layers) = scope.attribute(block, "layers") else {
            return;
        };
        for layer in layers.members() {
            match (&layer.data, self.named_layer(scope, layer)) {
                (_, Some(name)) => draft.layers.push((layer.place.clone(), name.to_owned())),
                (Data::String(arn), None) => draft.layers.push((layer.place.clone(), arn.clone())),
                (_, None) => {
                    let text = layer
                        .first_unknown()
                        .map_or("it", |unknown| unknown.text.as_str())
                        .to_owned();
                    draft.unknown(
                        &layer.place,
                        "layers",
                        &text,
                        "give its ARN in `layers` of the definition",
                    );
                }
            }
        }
    }

    fn named_layer(&self, scope: &Scope, value: &Value) -> Option<&str> {
        let unknown = value.first_unknown()?;
        let names = unknown.names();
        let instance = unknown.reference.iter().find_map(|part| match part {
            Part::Index(index) => index.as_deref(),
            Part::Name(_) => None,
        });
        let fits = |layer: &&Layer| {
            names.len() > 2
                && layer.names[..] == names[..2]
                && scope.calls.starts_with(&layer.calls)
                && (layer.instance.is_none() || layer.instance.as_deref() == instance)
        };
        // The nearest: it may have been passed down from a module above.
        let found = self.layers.iter().filter(fits).max_by_key(|layer| layer.calls.len());
        found.map(|layer| layer.function_name.as_str())
    }
}

/// The attributes of a block, as an object.
fn object(scope: &Scope, block: Located) -> Value {
    let entries = block.attributes().map(|(attribute, _)| {
        let name = attribute.key.to_string();
        let value = scope.attribute(block, &name);
        (name, value.unwrap_or_else(|| Value::new(&block.place(), Data::Null)))
    });
    let entries = entries.filter(|(_, value)| !value.is_null()).collect();
    Value::new(&block.place(), Data::Map(entries))
}

/// What the function is called, or, where that isn't known, the block.
fn name(scope: &Scope, block: Located, attribute: &str) -> String {
    /// Labels that say nothing: of the only resource in a module.
    const NAMELESS: [&str; 7] = [
        "this",
        "main",
        "default",
        "lambda",
        "function",
        "layer",
        "lambda_function",
    ];
    if let Some(name) = scope.attribute(block, attribute).and_then(|name| name.text()) {
        return name;
    }
    let label = block.block.labels.last().map_or("function", |label| label.as_str());
    let label = match scope.calls.last() {
        Some(call) if NAMELESS.contains(&label) => call,
        _ => label,
    };
    match scope.each_key() {
        Some(key) => format!("{label}-{key}"),
        None => label.to_owned(),
    }
}

fn note_name(scope: &Scope, block: Located, attribute: &str, draft: &mut Draft) {
    let value = scope.attribute(block, attribute);
    if let Some(unknown) = value.as_ref().and_then(Value::first_unknown) {
        let place = value
            .as_ref()
            .map_or_else(|| block.place(), |value| value.place.clone());
        let reason = format!(
            "`{}` is known only when it is deployed; the definition is called `{}`, and `name_prefix` of lambda-deploy-module is put before it",
            crate::shorten(&unknown.text),
            draft.name
        );
        draft.lost(&place, attribute, reason);
    }
}
