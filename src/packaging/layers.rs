//! How large the layers are that functions name: Lambda counts them with the function.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lambda_pack_core::Result;
use lambda_pack_core::function::Function;
use lambda_pack_core::preflight::Layer;
use lambda_pack_core::source::Tree;

use super::Hashed;

/// Layers by name, each with what is known of it.
pub struct Layers<'a, T> {
    layers: BTreeMap<&'a str, Defined<'a, T>>,
}

struct Defined<'a, T> {
    function: &'a Function,
    known: &'a T,
    /// Once somebody asked for it.
    bytes: Mutex<Option<u64>>,
}

impl<'a> Layers<'a, Tree> {
    /// As far as their sources tell.
    pub fn of_sources(all: impl Iterator<Item = &'a Hashed>) -> Self {
        Layers::new(all.map(|hashed| (&hashed.function, &hashed.tree)))
    }

    /// Those that a function names. Dependencies aren't there before they are installed.
    pub fn before_build(&self, function: &Function) -> Result<Vec<Layer<'a>>> {
        self.of(function, |tree| tree, |_, tree| Ok(tree.size()))
    }
}

impl<'a, T> Layers<'a, T> {
    /// Functions among them do no harm: nobody names them.
    pub fn new(all: impl Iterator<Item = (&'a Function, &'a T)>) -> Self {
        let layers = all.map(|(function, known)| {
            let bytes = Mutex::new(None);
            (function.name.as_str(), Defined { function, known, bytes })
        });
        Layers {
            layers: layers.collect(),
        }
    }

    /// What is known of the one of this name.
    pub fn known(&self, name: &str) -> Option<&'a T> {
        self.layers.get(name).map(|layer| layer.known)
    }

    /// Those that a function names, each with its source. `bytes` is asked once for each, and tells its unzipped size.
    pub fn of(
        &self,
        function: &Function,
        source: impl Fn(&'a T) -> &'a Tree,
        bytes: impl Fn(&Function, &T) -> Result<u64>,
    ) -> Result<Vec<Layer<'a>>> {
        let named = function.layer_names().map(|name| &self.layers[name]);
        let sized = named.map(|layer| {
            // A panic elsewhere left no half of a number.
            let mut known = layer.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let bytes = match *known {
                Some(bytes) => bytes,
                None => *known.insert(bytes(layer.function, layer.known)?),
            };
            Ok(Layer {
                function: layer.function,
                bytes,
                source: Some(source(layer.known)),
            })
        });
        sized.collect()
    }
}
