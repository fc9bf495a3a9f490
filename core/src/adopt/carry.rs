//! What of a function is carried over into its definition: by a table for each tool, and only what a definition allows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::draft::Draft;
use super::keys::{Fate, Others, Way};
use super::unknown::Unknown;
use super::value::{Data, Place, Value};
use crate::function::{Function, Kind};
use crate::{Error, secrets};

impl Draft {
    /// Carries over what definitions have of a format's attributes.
    pub fn carry(&mut self, others: &Others, attributes: &Value) {
        let mut objects = BTreeMap::<&'static str, (&str, Vec<(String, Value)>)>::new();
        for (theirs, value) in attributes.entries().iter().filter(|(_, value)| !value.is_null()) {
            let way = match others.fate(theirs) {
                Fate::Carried(way) => way,
                Fate::Silent => continue,
                Fate::Noted(reason) => {
                    self.lost(&value.place, theirs, reason);
                    continue;
                }
                Fate::Unknown => {
                    self.lost(&value.place, theirs, NOTHING_LIKE_IT);
                    continue;
                }
            };
            match way {
                Way::As(key) => self.set(key, theirs, value),
                Way::LayerArchitectures => self.set_layer_architectures(theirs, value),
                Way::Member(key, name) => {
                    let (_, members) = objects.entry(key).or_insert_with(|| (theirs, Vec::new()));
                    members.push((name.to_owned(), value.clone()));
                }
                Way::Object(key, names) => self.set_object(key, theirs, value, names),
                Way::Texts(key, within) => match within.and_then(|name| Some((name, value.get(name)?))) {
                    Some((name, value)) => self.set_texts(key, &format!("{theirs}.{name}"), value),
                    None => self.set_texts(key, theirs, value),
                },
            }
        }
        for (key, (theirs, members)) in objects {
            let place = members[0].1.place.clone();
            self.set(key, theirs, &Value::map(&place, members));
        }
    }

    /// Carries a value over that a definition has too, if it is known and allowed there. `theirs` is its key there.
    fn set(&mut self, key: &'static str, theirs: &str, value: &Value) {
        match value.to_json() {
            Err(unknown) => self.unknown(&value.place, theirs, unknown, remedy(key)),
            Ok(_) if value.may_be_secret() => self.lost(&value.place, theirs, format!("{SECRET}; {DECLARE}")),
            Ok(_) if value.origin_of_parts().is_local => self.lost(&value.place, theirs, LOCAL),
            Ok(json) => self.set_json(key, theirs, &value.place, wanted(key, json)),
        }
    }

    /// Sets what holds no secret.
    pub fn set_json(&mut self, key: &'static str, theirs: &str, place: &Place, json: Json) {
        match check(self.kind, key, &json) {
            Ok(()) => {
                self.keys.retain(|(known, _)| *known != key);
                self.keys.push((key, json));
            }
            Err(reason) => self.lost(place, theirs, reason),
        }
    }

    /// Adds a policy statement, if it is allowed. Statements of several policies become those of one, where a `sid` comes once.
    pub fn add_statement(&mut self, theirs: &str, place: &Place, mut statement: Json) {
        let mut all = self.list("policy_statements");
        let is_taken = |sid: &Json| all.iter().any(|other| other.get("sid") == Some(sid));
        if statement.get("sid").is_some_and(is_taken)
            && let Some(keys) = statement.as_object_mut()
        {
            keys.remove("sid");
        }
        all.push(statement);
        self.set_json("policy_statements", theirs, place, all.into());
    }

    fn list(&self, key: &str) -> Vec<Json> {
        let known = self.keys.iter().find(|(known, _)| *known == key);
        known.map_or_else(Vec::new, |(_, known)| known.as_array().expect("it is a list").clone())
    }

    /// Declares the secret that a variable held; returns what is said of it.
    fn declare(&mut self, name: &str, value: &Value, others: &Value) -> Option<String> {
        let unknown = value.first_unknown();
        let kept = unknown.and_then(|unknown| unknown.kept.as_deref());
        let key = unknown.and_then(|unknown| unknown.key.as_deref());
        let snippet = secrets::declaration(name, kept, key, |target| others.get(target).is_some())?;
        let mut all = self.list("secrets");
        all.push(serde_json::to_value(&snippet).expect("its keys are strings"));
        let all = Json::from(all);
        check(self.kind, "secrets", &all).ok()?;
        self.keys.retain(|(known, _)| *known != "secrets");
        self.keys.push(("secrets", all));
        let (id, class, target) = (&snippet.id, snippet.class.name(), snippet.target?);
        let part = snippet.description.map(|part| format!(", of it {part}"));
        Some(format!(
            "it is declared in `secrets` as `{id}`, of class `{class}`: the function is to read the secret whose name or ARN `{target}` holds{}",
            part.unwrap_or_default()
        ))
    }

    /// An object whose members have other names here.
    fn set_object(&mut self, key: &'static str, theirs: &str, object: &Value, names: &[(&str, &str)]) {
        let mut members = Vec::new();
        for (name, value) in object.entries() {
            match names.iter().find(|(known, _)| known == name) {
                Some((_, ours)) => members.push(((*ours).to_owned(), value.clone())),
                None => self.lost(&value.place, &format!("{theirs}.{name}"), NOTHING_LIKE_IT),
            }
        }
        match object.is_unknown() {
            true => self.set(key, theirs, object),
            false => self.set(key, theirs, &Value::map(&object.place, members)),
        }
    }

    /// A layer has one architecture here, and may have several there: then it gets that of the functions that name it.
    fn set_layer_architectures(&mut self, theirs: &str, value: &Value) {
        if value.members().len() == 1 {
            self.set("architectures", theirs, value);
        }
    }

    /// Carries over those variables or tags that are known and no secrets.
    fn set_texts(&mut self, ours: &'static str, theirs: &str, texts: &Value) {
        if let Data::Unknown(unknown) = &texts.data {
            return self.unknown(&texts.place, theirs, unknown, remedy(ours));
        }
        let mut known = serde_json::Map::new();
        for (name, value) in texts.entries().iter().filter(|(_, value)| !value.is_null()) {
            let key = match secrets::may_be(None, name) {
                true => "…",
                false => name,
            };
            let key = format!("{theirs}.{key}");
            match (value.text(), value.first_unknown()) {
                _ if value.may_be_secret() || secrets::may_be(None, name) => {
                    let what = value.first_unknown().map_or_else(|| SECRET.to_owned(), Unknown::reason);
                    let declared = match ours {
                        "environment" if value.first_unknown().is_some_and(Unknown::is_kept_elsewhere) => {
                            Some(EXISTS.to_owned())
                        }
                        "environment" => self.declare(name, value, texts),
                        _ => None,
                    };
                    let declared = declared.unwrap_or_else(|| DECLARE.to_owned());
                    self.lost(&value.place, &key, format!("{what}; {declared}"));
                }
                (Some(_), _) if value.origin.is_local => self.lost(&value.place, &key, LOCAL),
                (Some(text), _) => match check(self.kind, ours, &json!({ name: text })) {
                    Ok(()) => {
                        known.insert(name.clone(), text.into());
                    }
                    Err(reason) => self.lost(&value.place, &key, reason),
                },
                (None, Some(unknown)) => self.unknown(&value.place, &key, unknown, remedy(ours)),
                (None, None) => self.lost(&value.place, &key, "it is no string"),
            }
        }
        if !known.is_empty() {
            self.keys.push((ours, known.into()));
        }
    }
}

const NOTHING_LIKE_IT: &str = "definitions have nothing like it";

/// Of a role, and of policies that aren't wholly known.
pub const ROLE: &str = "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`";

pub const CALLERS: &str =
    "what calls a function is no part of its definition: let it call the alias that lambda-deploy-module makes";

pub const DECLARE: &str = "declare it in `secrets` of the definition";

const EXISTS: &str = "declare it in `secrets` of the definition as `remote_fetch`, by the ARN or name of where it is";

const SECRET: &str = "it looks like a secret, so its value isn't copied";

const LOCAL: &str = "it is a path of the machine that deploys";

/// A number where a definition wants one: templates may quote it.
fn wanted(key: &str, json: Json) -> Json {
    const NUMBERS: [&str; 3] = ["memory_size", "timeout", "reserved_concurrent_executions"];
    match &json {
        Json::String(text) if NUMBERS.contains(&key) => text.parse().map_or(json, Json::Number),
        Json::String(_) if matches!(key, "architectures" | "compatible_runtimes") => Json::Array(vec![json]),
        _ => json,
    }
}

/// Where a value goes that is known only when it is deployed.
fn remedy(key: &str) -> &'static str {
    match key {
        "environment" => "give it in `environment` of lambda-deploy-module",
        "tags" => "give it in `tags` of lambda-deploy-module",
        "architectures" | "compatible_runtimes" => "write it into the definition",
        "policy_statements" => "attach a policy to the role that lambda-deploy-module makes (`role_name`)",
        _ => "give it in `function_overrides` of lambda-deploy-module",
    }
}

/// Whether a definition allows this value; why not, else.
fn check(kind: Kind, key: &str, value: &Json) -> Result<(), String> {
    let kind = match kind {
        Kind::Function => "function",
        Kind::Layer => "layer",
    };
    let definition = json!({ "type": kind, "source": "x", key: value });
    let file = Path::new("definition.json");
    let parsed = Function::parse(file, definition.to_string().as_bytes());
    parsed.map(drop).map_err(|error| refusal(&error))
}

/// What a definition allows instead, without the place in a text that nobody sees, and without what was found.
pub fn refusal(error: &Error) -> String {
    const OF_NAMES: [&str; 3] = ["unknown key ", "environment variable ", "key `"];
    let message = error.message();
    let message = message.split_once(": ").map_or(message, |(_, rest)| rest);
    match (message.split_once("found "), message.rsplit_once("; allowed: ")) {
        (Some((key, _)), Some((_, allowed))) => format!("{key}allowed: {allowed}"),
        (Some((key, _)), None) => format!("{key}{}", error.help_text().unwrap_or("it isn't allowed")),
        (None, _) if OF_NAMES.iter().any(|start| message.starts_with(start)) => message.to_owned(),
        (None, _) => "a definition doesn't allow it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn draft(key: &'static str, yaml: &str) -> Draft {
        let value = yaml::parse(&Path::new("t.yaml").into(), yaml).expect("YAML");
        let mut draft = Draft::new("app", Kind::Function, value.place.clone());
        match key {
            "environment" => draft.set_texts(key, "Variables", &value),
            key => draft.set(key, "Theirs", &value),
        }
        draft
    }

    #[test]
    fn what_a_definition_allows_is_carried_over() {
        let set = |key, yaml| draft(key, yaml).keys().next().map(|(_, value)| value.clone());
        assert_eq!(set("memory_size", "'512'"), Some(json!(512)));
        assert_eq!(set("architectures", "arm64"), Some(json!(["arm64"])));
        assert_eq!(set("tags", "{a: b}"), Some(json!({"a": "b"})));
        let refused = draft("memory_size", "64");
        assert_eq!(refused.keys().count(), 0);
        assert_eq!(
            refused.notes[0].reason,
            "key `memory_size`: allowed: an integer from 128 to 10240"
        );
    }

    #[test]
    fn a_secret_and_what_lambda_sets_stay_behind() {
        let made = draft(
            "environment",
            "PORT: 8080\nDB_PASSWORD: hunter2-Long9\nAWS_REGION: eu-west-1\nDEBUG: false\n",
        );
        let kept: BTreeMap<_, _> = made.keys().collect();
        assert_eq!(kept["environment"], &json!({"PORT": "8080", "DEBUG": "false"}));
        assert_eq!(kept["secrets"][0]["target"], "DB_PASSWORD_SECRET");
        let lost: Vec<_> = made
            .notes
            .iter()
            .map(|note| (note.line, note.key.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(lost, [(2, "Variables.DB_PASSWORD"), (3, "Variables.AWS_REGION")]);
        assert!(made.notes.iter().all(|note| !note.reason.contains("hunter2")));
    }
}
