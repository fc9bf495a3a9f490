//! Layers of functions: those that they name, and those that their dependencies are split off into.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::text::Text;
use super::{Function, FunctionName, Kind, Place};
use crate::{Error, Result, suggest};

/// What was asked for, and the layers that it names beside.
#[derive(Debug)]
pub struct Selected<T> {
    pub functions: Vec<T>,
    pub layers: Vec<T>,
}

impl<T> Selected<T> {
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.functions.iter().chain(&self.layers)
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.functions.iter_mut().chain(&mut self.layers)
    }

    pub fn into_all(mut self) -> Vec<T> {
        self.functions.append(&mut self.layers);
        self.functions
    }

    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Selected<U> {
        let functions = self.functions.len();
        let mut all: Vec<U> = self.into_all().into_iter().map(map).collect();
        let layers = all.split_off(functions);
        Selected { functions: all, layers }
    }

    /// Pairs them with what was made of them, in the order of [`Selected::all`].
    pub fn zip<U>(self, made: impl IntoIterator<Item = U>) -> Selected<(T, U)> {
        let mut made = made.into_iter();
        self.map(|it| (it, made.next().expect("one was made of each")))
    }
}

/// Takes the layers that functions name from the rest of the definitions.
pub(super) fn select(
    functions: BTreeMap<String, Function>,
    mut rest: BTreeMap<String, Function>,
) -> Selected<Function> {
    let functions: Vec<Function> = functions.into_values().collect();
    let named: BTreeSet<&str> = functions.iter().flat_map(Function::layer_names).collect();
    let layers = named.into_iter().filter_map(|name| rest.remove(name)).collect();
    Selected { functions, layers }
}

/// The layer that a function's dependencies are split off into.
pub(super) fn name_of_dependencies(function: &str) -> String {
    format!("{function}-dependencies")
}

/// Splits a function's dependencies off into a layer, if its definition asks for that. What is left is packed from its source
/// alone, so that neither changes with the other.
pub(super) fn split(function: &mut Function) -> Result<Option<Function>> {
    let build = function.definition.build.as_ref();
    if build.is_none_or(|build| build.0.dependencies() == Place::Package) {
        return Ok(None);
    }
    if function.definition.kind == Kind::Layer {
        return Err(Error::invalid("a layer has its dependencies in itself")
            .in_key("build.dependencies")
            .help("remove the key"));
    }
    if function.definition.runtime.is_none() {
        return Err(Error::invalid(
            "key `runtime` is missing: a build needs to know what to install for",
        ));
    }
    let name = name_of_dependencies(function.name.as_str());
    let name: FunctionName = name.parse().map_err(|expected| {
        Error::invalid(format!(
            "its dependencies would be the layer `{name}`, whose name must be {expected}"
        ))
        .help("shorten `function_name`, or define a layer of your own with this `build`")
    })?;
    let layer = Function {
        name: name.clone(),
        file: function.file.clone(),
        definition: Box::new(function.definition.layer_of_dependencies(name.clone())),
        swaps: Vec::new(),
        infrastructure: None,
        left_by_tools: Arc::default(),
        layers_of_swaps: Vec::new(),
        split_from: Some(function.name.clone()),
    };
    function.definition.build = None;
    // Last, so that of all layers it has the last word.
    let layers = function.definition.layers.get_or_insert_default();
    layers.push(name.as_str().parse().expect("names of functions are names of layers"));
    Ok(Some(layer))
}

/// Layers that a function names by several ARNs. Lambda takes one version of each.
fn twice(function: &Function) -> impl Iterator<Item = Error> {
    let layers = function.definition.layers.iter().flatten().map(Text::as_str);
    let versions = layers
        .filter(|layer| layer.starts_with("arn:"))
        .filter_map(|arn| arn.rsplit_once(':'));
    let mut seen = BTreeSet::new();
    versions
        .filter(move |(layer, _)| !seen.insert(*layer))
        .map(|(layer, _)| comes_twice(layer, "name it once, with one version"))
}

fn comes_twice(layer: &str, remedy: &str) -> Error {
    Error::invalid(format!("key `layers`: `{layer}` comes twice"))
        .help(format!("{remedy}: Lambda takes each layer once"))
}

/// Faults in the layers that a function names.
pub(super) fn check(function: &Function, functions: &BTreeMap<String, Function>) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let fault = |name| match functions.get(name) {
        Some(layer) if layer.definition.kind == Kind::Function => Some(
            Error::invalid(format!("key `layers`: `{name}` is a function"))
                .help("only what has `\"type\": \"layer\"` is a layer"),
        ),
        Some(_) if !seen.insert(name) => Some(comes_twice(name, "name it once")),
        Some(_) => None,
        None => {
            let layers = functions.values().filter(|other| other.definition.kind == Kind::Layer);
            let meant = suggest(name, layers.map(|layer| layer.name.as_str()));
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "define it beside, with `\"type\": \"layer\"` and `\"function_name\": \"{name}\"`, or give the ARN of a layer version"
                ),
            };
            Some(Error::invalid(format!("key `layers`: no layer `{name}` is defined")).help(help))
        }
    };
    let faults = function.layer_names().filter_map(fault).chain(twice(function));
    faults.map(|error| error.within(function.file.display())).collect()
}
