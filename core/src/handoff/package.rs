//! Whether what a document says of a function fits what is in its package.

use std::path::Path;

use serde_json::json;

use super::{Document, FILE_NAME, FunctionEntry};
use crate::fitness::Status;
use crate::function::Function;
use crate::preflight::{self, Contents};
use crate::{Error, Result, shorten};

impl Document {
    /// Fails where its package couldn't work as the document describes it: its handler isn't there, or is for another processor; a
    /// layer is missing that the package leaves something to.
    pub fn check_contents(&self, said: &FunctionEntry, contents: &Contents) -> Result<()> {
        let function = said.function()?;
        // Layers beside it may have what it lacks, and their sizes were compared already.
        let refused = preflight::check(&function, contents, &[]).err();
        let moved = contents.moved().iter().filter_map(|moved| {
            let (name, from) = moved.names();
            let to = format!("layer:{}", moved.layer());
            let mut swaps = self.swaps.iter();
            let is_swapped =
                swaps.any(|swap| swap.from == from && swap.to == to && swap.functions.contains(&said.name.to_string()));
            let has_layer = said.layers.iter().any(|layer| layer == moved.layer());
            let lost = match (has_layer, is_swapped) {
                (true, true) => return None,
                (false, _) => "which isn't among its layers",
                (true, false) => "and no swap says so",
            };
            let (name, layer) = (shorten(name), shorten(moved.layer()));
            Some(Error::invalid(format!(
                "its package leaves `{name}` to the layer `{layer}`, {lost}"
            )))
        });
        let check = format!("swaps/{}", said.name);
        let said_of_swaps = self.validation.iter().find(|it| it.check == check);
        let is_silent = said_of_swaps.is_none_or(|it| it.status == Status::Pass);
        let silent = (is_silent && !contents.warnings_of_swaps().is_empty()).then(|| {
            Error::invalid(format!(
                "the store knows what its swaps may break, and `{check}` doesn't warn of it"
            ))
        });
        let errors = refused.into_iter().chain(moved).chain(silent);
        Error::join(errors).map_or(Ok(()), Err)
    }
}

impl FunctionEntry {
    /// As far as the document describes it.
    fn function(&self) -> Result<Function> {
        let mut definition = json!({
            "function_name": self.name,
            "type": self.kind,
            "source": ".",
            "runtime": self.runtime,
            "handler": self.handler,
            "architectures": self.architectures,
            "layers": self.layers,
            "compatible_runtimes": self.compatible_runtimes,
        });
        let keys = definition.as_object_mut().expect("an object");
        keys.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty()));
        Function::parse(Path::new(FILE_NAME), definition.to_string().as_bytes())
    }
}
