//! Layers of functions: those that they name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Function, Kind};
use crate::{Error, suggest};

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

/// Faults in the layers that a function names.
pub(super) fn check(function: &Function, functions: &BTreeMap<String, Function>) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let fault = |name| match functions.get(name) {
        Some(layer) if layer.definition.kind == Kind::Function => Some(
            Error::invalid(format!("key `layers`: `{name}` is a function"))
                .help("only what has `\"type\": \"layer\"` is a layer"),
        ),
        Some(_) if !seen.insert(name) => Some(
            Error::invalid(format!("key `layers`: `{name}` comes twice"))
                .help("name it once: Lambda takes each layer once"),
        ),
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
    let faults = function.layer_names().filter_map(fault);
    faults.map(|error| error.within(function.file.display())).collect()
}
