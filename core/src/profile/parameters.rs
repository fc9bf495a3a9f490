//! `${parameters.NAME}` in values of `environment` and `tags`.

use std::collections::BTreeMap;

use crate::function::{Definition, Function};
use crate::{Error, Result, collect_all, shorten, suggest};

const START: &str = "${parameters.";

/// Puts the parameters where a definition names them.
pub(super) fn fill(definition: &mut Definition, parameters: &BTreeMap<String, String>) -> Result<()> {
    let filled = texts(definition).map(|(key, text)| {
        let (known, found) = (parameters.keys().map(String::as_str), &*text);
        match filled(found, parameters) {
            Ok(filled) => {
                *text = filled;
                Ok(())
            }
            Err(name) => {
                let help = match suggest(&name, known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "set it under `parameters` of the profile".to_owned(),
                };
                Err(Error::invalid(format!(
                    "key `{key}`: the profile has no parameter `{}`",
                    shorten(&name)
                ))
                .help(help))
            }
        }
    });
    collect_all(filled).map(drop)
}

/// The values that may name parameters, with their keys.
fn texts(definition: &mut Definition) -> impl Iterator<Item = (String, &mut String)> {
    let environment = definition.environment.iter_mut().flat_map(|map| map.iter_mut());
    let environment = environment.map(|(name, value)| (format!("environment.{name}"), value));
    let tags = definition.tags.iter_mut().flat_map(|map| map.iter_mut());
    environment.chain(tags.map(|(name, value)| (format!("tags.{name}"), value)))
}

/// Fails with the name that isn't known.
fn filled(text: &str, parameters: &BTreeMap<String, String>) -> std::result::Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let value = parameters.get(name).ok_or(name)?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fails where a definition needs parameters, and no profile gives any.
pub fn refuse_parameters(functions: &BTreeMap<String, Function>) -> Result<()> {
    let refused = functions.values().map(|function| {
        let definition = &function.definition;
        let environment = definition.environment.iter().flat_map(|map| map.iter());
        let environment = environment.map(|(name, value)| ("environment", name.as_str(), value));
        let tags = definition.tags.iter().flat_map(|map| map.iter());
        let mut all = environment.chain(tags.map(|(name, value)| ("tags", name.as_str(), value)));
        match all.find(|(_, _, value)| value.contains(START)) {
            None => Ok(()),
            Some((key, name, _)) => Err(Error::invalid(format!(
                "{}: key `{key}.{name}` has a parameter, and no profile says what it is",
                function.file.display()
            ))
            .help("name a profile with --deployment-profile, or LAMBDA_PACK_DEPLOYMENT_PROFILE")),
        }
    });
    collect_all(refused).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_and_unknown_ones_are_named() {
        let parameters = BTreeMap::from([("stage".to_owned(), "prod".to_owned())]);
        let filled = |text| filled(text, &parameters);
        assert_eq!(
            filled("a-${parameters.stage}-${parameters.stage}"),
            Ok("a-prod-prod".to_owned())
        );
        assert_eq!(filled("${parameters.stag}"), Err("stag".to_owned()));
        assert_eq!(filled("${other} $ {"), Ok("${other} $ {".to_owned()));
    }
}
