//! `${parameters.NAME}` in values of `environment` and `tags`.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use crate::function::{Definition, Function};
use crate::{Error, Result, collect_all, shorten, suggest};

const START: &str = "${parameters.";
const END: char = '}';

/// Where parameters are filled in: maps of a definition.
const FILLED: [&str; 2] = ["environment", "tags"];

type Parameters = BTreeMap<String, String>;

/// Puts the parameters where a definition names them.
pub(super) fn fill(definition: &mut Definition, parameters: &Parameters) -> Result<()> {
    check(definition, Some(parameters))?;
    let environment = definition.environment.iter_mut().flat_map(|map| map.iter_mut());
    let tags = definition.tags.iter_mut().flat_map(|map| map.iter_mut());
    let values = environment.map(|(_, value)| value).chain(tags.map(|(_, value)| value));
    for value in values.filter(|value| value.contains(START)) {
        *value = filled(value, parameters);
    }
    Ok(())
}

/// Fails where a definition needs parameters, and no profile gives any.
pub fn refuse_parameters(functions: &BTreeMap<String, Function>) -> Result<()> {
    // What is split off says what its owner says.
    let defined = functions
        .par_iter()
        .filter(|(_, function)| *function.owner() == function.name);
    let refused = defined
        .map(|(_, function)| check(&function.definition, None).map_err(|error| error.within(function.file.display())));
    collect_all(refused.collect::<Vec<_>>()).map(drop)
}

/// The parameters that any definition names.
pub(super) fn named(functions: &BTreeMap<String, Function>) -> BTreeSet<String> {
    let texts = functions.values().flat_map(|function| {
        let definition = &function.definition;
        let environment = definition.environment.iter().flat_map(|map| map.iter());
        let tags = definition.tags.iter().flat_map(|map| map.iter());
        environment.map(|(_, value)| value).chain(tags.map(|(_, value)| value))
    });
    let named = texts.flat_map(|text| text.split(START).skip(1));
    let named = named.filter_map(|after| after.split_once(END));
    named.map(|(name, _)| name.to_owned()).collect()
}

/// Fails at a value that would be parameters of the profile in force, deployed as it is written.
pub(super) fn refuse_nested(parameters: &Parameters) -> Result<()> {
    let refused = parameters.iter().map(|(name, value)| match value.contains(START) {
        true => Err(Error::invalid(format!(
            "key `parameters.{}`: parameters are not filled in here",
            shorten(name)
        ))
        .help("write the value itself")),
        false => Ok(()),
    });
    collect_all(refused).map(drop)
}

/// Whether everything that looks like a parameter is one, in all that is deployed. Without a profile nothing is.
fn check(definition: &Definition, parameters: Option<&Parameters>) -> Result<()> {
    let text = serde_json::to_string(definition).expect("a definition is JSON");
    if !text.contains(START) {
        return Ok(());
    }
    let value: Value = serde_json::from_str(&text).expect("a definition is JSON");
    let mut errors = Vec::new();
    each_text(&value, &mut Vec::new(), &mut |keys, text| {
        if text.contains(START)
            && let Err(error) = check_text(keys, text, parameters)
        {
            errors.push(error.within(format_args!("key `{}`", shorten(&keys.join(".")))));
        }
    });
    Error::join(errors).map_or(Ok(()), Err)
}

/// Texts and names of keys, each with the keys that lead there.
fn each_text(value: &Value, keys: &mut Vec<String>, visit: &mut impl FnMut(&[String], &str)) {
    match value {
        Value::String(text) => visit(keys, text),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                keys.push(index.to_string());
                each_text(value, keys, visit);
                keys.pop();
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                visit(keys, name);
                keys.push(name.clone());
                each_text(value, keys, visit);
                keys.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_text(keys: &[String], text: &str, parameters: Option<&Parameters>) -> Result<()> {
    let is_filled = keys.len() == 2 && FILLED.contains(&keys[0].as_str());
    if !is_filled {
        return Err(Error::invalid("parameters are not filled in here").help(format!(
            "they are in values of `{}`; write the value itself",
            FILLED.join("` and `")
        )));
    }
    let Some(parameters) = parameters else {
        return Err(Error::invalid("it has a parameter, and no profile says what it is")
            .help("name a profile with --deployment-profile, or LAMBDA_PACK_DEPLOYMENT_PROFILE"));
    };
    let named = text.split(START).skip(1).map(|after| match after.split_once(END) {
        None => Err(Error::invalid(format!("`{START}` has no `{END}`")).help("close it, as in `${parameters.stage}`")),
        Some((name, _)) if parameters.contains_key(name) => Ok(()),
        Some((name, _)) => {
            let help = match suggest(name, parameters.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "set it under `parameters` of the profile".to_owned(),
            };
            Err(Error::invalid(format!("the profile has no parameter `{}`", shorten(name))).help(help))
        }
    });
    collect_all(named).map(drop)
}

/// `text` is checked.
fn filled(text: &str, parameters: &Parameters) -> String {
    let mut parts = text.split(START);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, after) = part.split_once(END).expect("it is checked");
        filled.push_str(&parameters[name]);
        filled.push_str(after);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in() {
        let parameters = BTreeMap::from([("stage".to_owned(), "prod".to_owned())]);
        assert_eq!(
            filled("a-${parameters.stage}-${parameters.stage}", &parameters),
            "a-prod-prod"
        );
        assert_eq!(filled("${other} $ {", &parameters), "${other} $ {");
    }

    #[test]
    fn what_looks_like_a_parameter_is_one_or_refused() {
        let parameters = BTreeMap::from([("stage".to_owned(), "prod".to_owned())]);
        let refused = |keys: &[&str], text: &str| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            check_text(&keys, text, Some(&parameters)).map_err(|error| error.message().to_owned())
        };
        let value = ["environment", "A_B"];
        assert_eq!(refused(&value, "${parameters.stage}"), Ok(()));
        let unclosed = Err("`${parameters.` has no `}`".to_owned());
        assert_eq!(refused(&value, "${parameters.stage} ${parameters.stage"), unclosed);
        let unknown = Err("the profile has no parameter `stag`".to_owned());
        assert_eq!(refused(&value, "${parameters.stag}"), unknown);
        for elsewhere in [["description"].as_slice(), &["tags"], &["environment", "A_B", "0"]] {
            assert!(refused(elsewhere, "${parameters.stage}").is_err(), "{elsewhere:?}");
        }
    }
}
