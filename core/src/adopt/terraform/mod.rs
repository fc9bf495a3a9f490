//! Terraform: `aws_lambda_function` with the `archive_file` that its package comes from, and the registry's
//! `terraform-aws-modules/lambda/aws`. Modules of the repository are followed into.

mod block;
mod evaluate;
mod functions;
mod module;
mod operators;
mod packages;
mod policies;
mod registry;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Found;
use super::beside::{self, ALIAS};
use super::carry::ROLE;
use super::draft::{Draft, Note};
use super::files::Repository;
use super::keys::{Format, Others};
use super::relative;
use super::value::{Data, Value};
use crate::function::Kind;
use block::{named, object};
use evaluate::Scope;
use module::{Located, Module};

/// Modules call modules, but no repository this deep.
const DEEPEST: usize = 16;

/// Of `aws_lambda_function` and `aws_lambda_layer_version`.
const OTHERS: Others = Others {
    format: Format::Terraform,
    noted: &[(&["provider", "region"], ELSEWHERE), (&["role"], ROLE)],
    silent: &[
        "count",
        "depends_on",
        "filename",
        "for_each",
        "function_name",
        "image_uri",
        "layer_name",
        "layers",
        "lifecycle",
        "package_type",
        "publish",
        "s3_bucket",
        "s3_key",
        "s3_object_version",
        "source_code_hash",
        "source_code_size",
        "tags_all",
        "timeouts",
    ],
};

/// Where a function is deployed to, if that isn't where all are.
const ELSEWHERE: &str =
    "lambda-deploy-module deploys to the region and account of its provider: call it once for each, with a profile";

/// Functions and layers of `.tf` files, which are given with their paths in messages.
pub fn read(files: &[(PathBuf, PathBuf)], repository: &Repository, found: &mut Found) {
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
        match Module::read(directory, &files, repository) {
            Ok(module) => {
                modules.insert(directory.to_owned(), module);
            }
            Err(error) => {
                let directory = files[0].1.parent().unwrap_or(Path::new(""));
                found.notes.push(Note::of_file(directory, error.message()));
            }
        }
    }
    let roots = modules
        .iter()
        .map(|(directory, module)| (directory, Scope::of_root(module, &repository.resolver)));
    let roots: Vec<_> = roots.collect();
    for scope in roots_of(&roots) {
        let mut reader = Reader {
            modules: &modules,
            layers: Vec::new(),
            found,
        };
        reader.layers(scope);
        reader.functions(scope);
    }
}

/// The modules that no other one calls; and of those that call each other in a circle the first.
fn roots_of<'a, 's>(modules: &'s [(&PathBuf, Scope<'a>)]) -> Vec<&'s Scope<'a>> {
    let calls: BTreeMap<&Path, BTreeSet<PathBuf>> = modules
        .iter()
        .map(|(directory, scope)| {
            let targets = scope
                .module
                .blocks("module")
                .filter_map(|call| local_source(scope, call));
            let others = targets.map(|(target, _)| target).filter(|target| target != *directory);
            (directory.as_path(), others.collect())
        })
        .collect();
    let is_called = |directory: &Path| calls.values().any(|targets| targets.contains(directory));
    let (called, roots): (Vec<_>, Vec<_>) = modules.iter().partition(|(directory, _)| is_called(directory));
    let mut reached = BTreeSet::<&Path>::new();
    let mut kept = Vec::new();
    for (directory, scope) in roots.into_iter().chain(called) {
        if reached.contains(directory.as_path()) {
            continue;
        }
        kept.push(scope);
        let mut next = vec![directory.as_path()];
        while let Some(directory) = next.pop() {
            if reached.insert(directory) {
                next.extend(calls.get(directory).into_iter().flatten().map(PathBuf::as_path));
            }
        }
    }
    kept
}

/// The directory of a module that is called by its path, and `path.module` in it.
fn local_source(scope: &Scope, call: Located) -> Option<(PathBuf, String)> {
    let source = scope.attribute(call, "source")?;
    let source = source
        .as_str()
        .filter(|source| source.starts_with("./") || source.starts_with("../"))?;
    let directory = fs::canonicalize(scope.module.directory.join(source)).ok()?;
    let root = fs::canonicalize(scope.root).ok()?;
    let path = relative(&directory, &root).to_str()?.to_owned();
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

impl<'a> Reader<'a> {
    /// First, so that functions know them.
    fn layers(&mut self, scope: &Scope<'a>) {
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

    fn functions(&mut self, scope: &Scope<'a>) {
        for block in scope.module.blocks("resource") {
            if let Some(reason) = beside::reason(block.label(0)) {
                self.beside(block, "resource", reason);
            }
            if block.label(0) == "aws_lambda_function" {
                self.each(scope, block, |reader, scope| {
                    let draft = reader.function(scope, block);
                    reader.found.drafts.push(draft);
                });
            }
        }
        for call in scope.module.blocks("module") {
            if registry::is_alias(scope, call) {
                self.beside(call, "module", ALIAS);
            }
            if registry::is_lambda(scope, call) && !registry::is_layer(scope, call) {
                self.each(scope, call, |reader, scope| {
                    let (mut draft, attributes) = registry::function(scope, call);
                    reader.name_layers(scope, attributes.get("layers"), &mut draft);
                    reader.found.drafts.push(draft);
                });
            }
        }
        self.within(scope, Self::functions);
    }

    /// The modules that are called here.
    fn within(&mut self, scope: &Scope<'a>, visit: fn(&mut Self, &Scope<'a>)) {
        if scope.calls.len() > DEEPEST || scope.resolver.is_stopped() {
            return;
        }
        for call in scope.module.blocks("module") {
            let target = local_source(scope, call);
            let module = target.and_then(|(directory, path)| Some((path, self.modules.get(&directory)?)));
            let Some((path, module)) = module.filter(|(_, module)| module.may_have_functions()) else {
                continue;
            };
            if scope.is_within(module) {
                let reason = "modules that call each other in a circle are read once";
                self.found
                    .lost(&call.place(), &format!("module.{}", call.label(0)), reason);
                continue;
            }
            self.each(scope, call, |reader, scope| {
                visit(reader, &scope.called(call, path.clone(), module));
            });
        }
    }

    /// Each instance of a block with `count` or `for_each`; where they aren't known, a note.
    fn each(&mut self, scope: &Scope<'a>, block: Located<'a>, mut visit: impl FnMut(&mut Self, &Scope<'a>)) {
        if scope.resolver.is_stopped() {
            return;
        }
        let unknown = |value: &Value| match value.first_unknown() {
            Some(unknown) => unknown.reason(),
            None => "only 0 and 1 are carried over".to_owned(),
        };
        let lost = "how many functions there are isn't known, so none of them is carried over";
        if let Some(count) = scope.attribute(block, "count") {
            match count.text().as_deref() {
                Some("0") => self.lost(
                    block,
                    "count",
                    &count,
                    "it is 0, so nothing is deployed by it".to_owned(),
                ),
                Some("1") => visit(self, scope),
                _ => self.lost(block, "count", &count, format!("{}: {lost}", unknown(&count))),
            }
            return;
        }
        let Some(each) = scope.attribute(block, "for_each") else {
            return visit(self, scope);
        };
        match &each.data {
            Data::Map(entries) => {
                for (key, value) in entries {
                    visit(
                        self,
                        &scope.with_each(&Value::string(&value.place, key.as_str()), value),
                    );
                }
            }
            Data::List(members) if members.iter().all(|member| member.text().is_some()) => {
                for member in members {
                    visit(self, &scope.with_each(member, member));
                }
            }
            _ => self.lost(block, "for_each", &each, format!("{}: {lost}", unknown(&each))),
        }
    }

    fn lost(&mut self, block: Located, key: &str, value: &Value, reason: String) {
        let labels: Vec<&str> = block.block.labels.iter().map(|label| label.as_str()).collect();
        let note = Note::new(&value.place, Some(key), reason);
        self.found.notes.push(Note {
            function: Some(labels.join(".")),
            ..note
        });
    }

    /// Notes what stands beside functions.
    fn beside(&mut self, block: Located, key: &str, reason: &str) {
        let labels: Vec<&str> = block.block.labels.iter().map(|label| label.as_str()).collect();
        let place = block.place();
        self.found
            .lost(&place, &[&[key], labels.as_slice()].concat().join("."), reason);
    }

    fn layer(&mut self, scope: &Scope<'a>, block: Located<'a>) {
        let attributes = object(scope, block);
        let mut draft = named(scope, block, &attributes, "layer_name", Kind::Layer);
        draft.carry(&OTHERS, &attributes);
        packages::find(scope, &attributes, &mut draft);
        self.keep_layer(scope, ["aws_lambda_layer_version", block.label(1)], draft);
    }

    fn keep_layer(&mut self, scope: &Scope, names: [&str; 2], draft: Draft) {
        self.layers.push(Layer {
            calls: scope.calls.clone(),
            names: names.map(str::to_owned),
            instance: scope.each_key(),
            function_name: draft.name.clone(),
        });
        self.found.drafts.push(draft);
    }

    fn function(&self, scope: &Scope<'a>, block: Located<'a>) -> Draft {
        let attributes = object(scope, block);
        let mut draft = named(scope, block, &attributes, "function_name", Kind::Function);
        draft.carry(&OTHERS, &attributes);
        self.name_layers(scope, attributes.get("layers"), &mut draft);
        if let Some(role) = attributes.get("role") {
            policies::of_role(scope, role, &mut draft);
        }
        match attributes.get("package_type").and_then(Value::as_str) {
            Some("Image") => draft.refuse(&block.place(), "its package is a container image"),
            _ => packages::find(scope, &attributes, &mut draft),
        }
        draft
    }

    /// The layers of a function: ARNs, and those that are made here.
    fn name_layers(&self, scope: &Scope, layers: Option<&Value>, draft: &mut Draft) {
        for layer in layers.map(Value::members).unwrap_or_default() {
            match self.named_layer(scope, layer) {
                Some(name) => draft.layers.push((layer.place.clone(), name.to_owned())),
                None => draft.add_layer("layers", layer),
            }
        }
    }

    fn named_layer(&self, scope: &Scope, value: &Value) -> Option<&str> {
        let unknown = value.first_unknown()?;
        let names = unknown.names();
        let instance = unknown.index();
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
