//! Declared secrets in what a definition hands on as it is: to Lambda, to Terraform's state, to the store.

use std::sync::Arc;

use serde_json::Value;

use super::{Infrastructure, Leak, Sign};
use crate::function::{Build, Definition};
use crate::json::Object;
use crate::secrets::environment;
use crate::secrets::guard::VARIABLES;
use crate::secrets::scan::Finding;
use crate::{Result, collect_all};

impl Infrastructure {
    /// With the keys where they are, as the definition has them from its top.
    pub(in crate::secrets) fn in_definition(&self, definition: &Definition) -> Vec<(String, Leak)> {
        let resolved = serde_json::to_value(definition).expect("a definition is JSON");
        let mut texts = Vec::new();
        add_texts(String::new(), &resolved, &mut texts);
        if let Some(Object(Build::Command(build))) = &definition.build {
            let variables = build.environment.iter();
            let names = build
                .environment
                .iter()
                .map(|(name, _)| ("build.environment".to_owned(), name.to_string()));
            texts.extend(names);
            texts.extend(variables.map(|(name, value)| (format!("{}{name}", VARIABLES[1]), value.to_owned())));
            let words = build.command.iter().enumerate();
            texts.extend(words.map(|(index, word)| (format!("build.command[{index}]"), word.clone())));
            let identity = build.identity.as_ref().map(|identity| identity.to_string());
            texts.extend(identity.map(|identity| ("build.identity".to_owned(), identity)));
        }
        let leaks = texts.iter().flat_map(|(key, text)| {
            let variable = VARIABLES.iter().find_map(|prefix| key.strip_prefix(prefix));
            let leaks = match variable {
                Some(variable) => self.in_variable(variable, text),
                None => self.search_text(text),
            };
            leaks.into_iter().map(|leak| (key.clone(), leak))
        });
        leaks.collect()
    }

    /// Fails if any of them is in JSON of ours that is handed out, and says under which key; `place` says what it is.
    pub fn check_json(&self, place: &str, json: &Value) -> Result<()> {
        let mut texts = Vec::new();
        add_texts(String::new(), json, &mut texts);
        let checked = texts
            .iter()
            .map(|(key, text)| self.check_text(&format!("{place}: key `{key}`"), text));
        collect_all(checked).map(drop)
    }

    /// In what says where assets come from, and where they go: that is asked of others, and shown.
    pub(in crate::secrets) fn in_assets(&self, definition: &Definition) -> Vec<(String, Leak)> {
        let assets = definition.assets.iter().enumerate();
        let texts = assets.flat_map(|(index, Object(asset))| {
            let path = asset.path.as_ref().map(|path| ("path", path.as_str().to_owned()));
            let texts = [("url", asset.url.unshortened())].into_iter().chain(path);
            texts.map(move |(key, text)| (format!("assets[{index}].{key}"), text))
        });
        let leaks = texts.flat_map(|(key, text)| {
            let leaks = self.search_text(&text).into_iter();
            leaks.map(move |leak| (key.clone(), leak)).collect::<Vec<_>>()
        });
        leaks.collect()
    }

    fn in_variable(&self, variable: &str, value: &str) -> Vec<Leak> {
        let findings: Vec<Finding> = environment::rules(variable, value)
            .map(|rule| Finding { rule, line: 1 })
            .collect();
        let mut leaks = self.search(value.as_bytes(), &findings);
        let named = self.secrets.iter().filter(|secret| {
            let names = [Some(&secret.id), secret.variable.as_ref()];
            names.into_iter().flatten().any(|name| is_alike(name, variable))
        });
        for secret in named {
            if leaks.iter().all(|leak| !Arc::ptr_eq(&leak.secret, secret)) {
                let secret = Arc::clone(secret);
                leaks.push(Leak {
                    secret,
                    sign: Sign::Name,
                    line: 1,
                });
            }
        }
        leaks
    }
}

/// Whether a variable has this name: `ci-token` is `CI_TOKEN`.
fn is_alike(name: &str, variable: &str) -> bool {
    let spelled = |text: &str| {
        text.to_ascii_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    };
    spelled(name) == spelled(variable)
}

/// Names are texts of the object that has them: of a variable or tag anybody may choose them.
fn add_texts(key: String, value: &Value, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((key, text.clone())),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                add_texts(format!("{key}[{index}]"), value, texts);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                texts.push((key.clone(), name.clone()));
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                add_texts(key, value, texts);
            }
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}
