//! Names and globs of a profile that lead nowhere.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{Profile, parameters};
use crate::function::{Function, GlobText, Kind};
use crate::swaps::Replacement;
use crate::{Error, Result, shorten, suggest};

impl Profile {
    /// `functions` are all that are defined.
    pub(super) fn check_names(&self, functions: &BTreeMap<String, Function>) -> Result<()> {
        let of_kind = |kind| {
            functions
                .values()
                .filter(move |function| function.definition.kind == kind)
                .map(|function| function.name.as_str())
        };
        let defined: Vec<&str> = of_kind(Kind::Function).collect();
        let layers: Vec<&str> = of_kind(Kind::Layer).collect();
        let all: Vec<&str> = functions.keys().map(String::as_str).collect();
        let mut errors = Vec::new();
        // `place` says where a glob stands.
        let mut check = |key: String,
                         globs: Option<&[GlobText]>,
                         [names, others]: [&[&str]; 2],
                         other_key: &str,
                         place: &dyn Fn(&str) -> String| {
            for glob in globs.into_iter().flatten() {
                let matcher = glob.glob().compile_matcher();
                if names.iter().any(|name| matcher.is_match(name)) {
                    continue;
                }
                let text = shorten(glob.glob().glob());
                let help = match suggest(&text, names.iter().copied()) {
                    _ if others.iter().any(|name| matcher.is_match(name)) => {
                        format!("what it names belongs under `{other_key}`")
                    }
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None if names.is_empty() => "none is defined".to_owned(),
                    None => format!("defined: {}", shorten(&names.join(", "))),
                };
                let nothing = format!("key `{key}`: nothing that is defined matches `{text}`");
                errors.push(self.refuse(nothing, place(glob.glob().glob())).help(help));
            }
        };
        for (key, globs, names, other_key) in [
            ("functions", self.functions.as_deref(), [&*defined, &*layers], "layers"),
            // Of layers a glob for all is fine where there are none.
            (
                "layers",
                self.layers.as_deref().filter(|globs| !is_all(globs)),
                [&*layers, &*defined],
                "functions",
            ),
        ] {
            let place = |glob: &str| {
                let is_meant = |element: &DeValue| element.as_str() == Some(glob);
                self.places.of_element(&self.chain, key, is_meant)
            };
            check(key.to_owned(), globs, names, other_key, &place);
        }
        for swap in &self.swaps {
            let key = format!("swaps.{}.functions", swap.from);
            let place = |_: &str| self.places.of_swap(&self.chain, swap);
            check(key, swap.functions.as_deref(), [&all, &[]], "", &place);
        }
        for secret in &self.secrets {
            let key = format!("secrets.{}.functions", secret.id);
            let place = |_: &str| self.places.of_secret(&self.chain, secret);
            check(
                key,
                secret.functions.as_deref(),
                [&defined, &layers],
                "functions",
                &place,
            );
        }
        for secret in &self.secrets {
            if secret.functions.as_ref().is_some_and(Vec::is_empty) {
                let nobody = format!("key `secrets.{}.functions`: an empty list means no function", secret.id);
                let place = self.places.of_secret(&self.chain, secret);
                errors.push(
                    self.refuse(nobody, place)
                        .help("name some, or leave the key out for all"),
                );
            }
        }
        for swap in &self.swaps {
            if let Replacement::Layer(layer) = &swap.to
                && !layers.contains(&layer.as_str())
            {
                let help = match suggest(layer.as_str(), layers.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "define it, with `\"type\": \"layer\"`".to_owned(),
                };
                let missing = format!("key `swaps.{}.to`: no layer `{layer}` is defined", swap.from);
                let place = self.places.of_swap(&self.chain, swap);
                errors.push(self.refuse(missing, place).help(help));
            }
        }
        Error::join(errors).map_or(Ok(()), Err)
    }

    /// Parameters that no definition names: what was meant by them would stay as it is.
    pub(super) fn unused_parameters(&self, functions: &BTreeMap<String, Function>) -> Vec<Error> {
        if self.parameters.is_empty() {
            return Vec::new();
        }
        let named = parameters::named(functions);
        let unused = self.parameters.keys().filter(|name| !named.contains(*name));
        let errors = unused.map(|name| {
            let help = match suggest(name, named.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if named.is_empty() => "no definition names any parameter".to_owned(),
                None => format!(
                    "definitions name: {}",
                    shorten(&named.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
                ),
            };
            let place = self.places.of_parameter(&self.chain, name);
            let name = shorten(name);
            let unused = format!("key `parameters.{name}`: no definition names `${{parameters.{name}}}`");
            self.refuse(unused, place).help(help)
        });
        errors.collect()
    }

    fn refuse(&self, what: String, place: String) -> Error {
        Error::invalid(what)
            .within(format_args!("profile `{}`", self.name))
            .within(place)
    }
}

fn is_all(globs: &[GlobText]) -> bool {
    globs.iter().all(|glob| glob.glob().glob() == "*")
}
