//! The secrets of a project, each once.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::function::{Function, Secret, SecretClass};
use crate::json::Object;
use crate::profile::Profile;

/// A secret as it is declared, and whose it is.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    pub id: String,
    pub class: SecretClass,
    /// The variable that will hold its name or ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it is for. What belongs to the infrastructure is kept out of all.
    pub functions: Vec<String>,
    /// Files of definitions, or the profile.
    pub declared_in: Vec<String>,
}

/// The secrets of `functions`, which `profile` has been applied to, by id. Those that differ in class or target stand by
/// themselves.
pub fn listed(functions: &BTreeMap<String, Function>, profile: Option<&Profile>) -> Vec<Listed> {
    let mut listed = BTreeMap::<_, Listed>::new();
    for function in functions.values() {
        for Object(secret) in &function.definition.secrets {
            let target = secret.target.as_ref().map(ToString::to_string);
            let key = (secret.id.to_string(), secret.class, target.clone());
            let entry = listed.entry(key).or_insert_with(|| Listed {
                id: secret.id.to_string(),
                class: secret.class,
                target,
                functions: Vec::new(),
                declared_in: Vec::new(),
            });
            entry.functions.push(function.name.to_string());
            let place = declared_in(function, secret, profile);
            if !entry.declared_in.contains(&place) {
                entry.declared_in.push(place);
            }
        }
    }
    let all = || functions.keys().cloned().collect();
    let mut listed: Vec<Listed> = listed.into_values().collect();
    for entry in listed
        .iter_mut()
        .filter(|entry| entry.class == SecretClass::Infrastructure)
    {
        entry.functions = all();
    }
    listed
}

fn declared_in(function: &Function, secret: &Secret, profile: Option<&Profile>) -> String {
    match profile.filter(|profile| profile.declares(function, secret)) {
        Some(profile) => format!("lambda-pack.toml: profile `{}`", profile.name),
        None => function.file.display().to_string(),
    }
}
