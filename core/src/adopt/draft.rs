//! A definition in the making: what was found of a function, and what couldn't be carried over.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::value::{Data, Place, Unknown, Value};
use crate::function::{Function, Kind};
use crate::{Error, secrets};

/// What couldn't be carried over, and why.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub file: PathBuf,
    /// Counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// `None` for what belongs to none.
    pub function: Option<String>,
    /// As it is spelt there; `None` where the function itself isn't carried over.
    pub key: Option<String>,
    pub reason: String,
}

impl Note {
    /// Of a whole file.
    pub fn of_file(file: &Path, reason: impl Into<String>) -> Self {
        Note {
            file: file.to_owned(),
            line: 0,
            function: None,
            key: None,
            reason: reason.into(),
        }
    }
}

/// A function or layer.
#[derive(Clone)]
pub struct Draft {
    pub name: String,
    pub kind: Kind,
    pub place: Place,
    keys: Vec<(&'static str, Json)>,
    pub sources: Vec<Part>,
    /// `build`, if it turns out to be one that works.
    pub build: Option<Candidate>,
    /// By name or ARN, each with its place.
    pub layers: Vec<(Place, String)>,
    pub notes: Vec<Note>,
    /// No definition can be made of it; a note says why.
    pub is_refused: bool,
}

/// One part of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Absolute.
    pub path: PathBuf,
    pub include: Option<Vec<String>>,
    pub exclude: Vec<String>,
    pub prefix: Option<String>,
    /// Whether links are replaced by what they lead to.
    pub follow: bool,
}

/// A `build` that may fit.
#[derive(Clone)]
pub struct Candidate {
    pub json: Json,
    /// The lock file, absolute, if it stands in no directory of the source.
    pub lock: Option<PathBuf>,
    pub place: Place,
    /// Whether the function is something without it.
    pub is_optional: bool,
}

impl Part {
    pub fn plain(path: PathBuf) -> Self {
        Part {
            path,
            ..Part::default()
        }
    }
}

impl Draft {
    pub fn new(name: impl Into<String>, kind: Kind, place: Place) -> Self {
        Draft {
            name: name.into(),
            kind,
            place,
            keys: Vec::new(),
            sources: Vec::new(),
            build: None,
            layers: Vec::new(),
            notes: Vec::new(),
            is_refused: false,
        }
    }

    /// One that is called `own` where its name isn't known.
    pub fn named(name: Option<&Value>, theirs: &str, own: String, kind: Kind, place: Place) -> Self {
        let Some(value) = name else {
            return Draft::new(own, kind, place);
        };
        if let Some(text) = value.text() {
            return Draft::new(text, kind, place);
        }
        let reason = value
            .first_unknown()
            .map_or_else(|| "it is no string".to_owned(), Unknown::reason);
        let reason = format!(
            "{reason}; the definition is called `{own}`, and `name_prefix` of lambda-deploy-module is put before it"
        );
        let mut draft = Draft::new(own, kind, place);
        draft.lost(&value.place, theirs, reason);
        draft
    }

    pub fn keys(&self) -> impl Iterator<Item = (&'static str, &Json)> {
        self.keys.iter().map(|(key, value)| (*key, value))
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        let found = self.keys.iter().find(|(known, _)| *known == key);
        found.and_then(|(_, value)| value.as_str())
    }

    /// Notes that something isn't carried over.
    pub fn lost(&mut self, place: &Place, key: &str, reason: impl Into<String>) {
        self.note(place, Some(key.to_owned()), reason.into());
    }

    /// Notes that the function isn't.
    pub fn refuse(&mut self, place: &Place, reason: impl Into<String>) {
        self.is_refused = true;
        self.note(place, None, reason.into());
    }

    fn note(&mut self, place: &Place, key: Option<String>, reason: String) {
        self.notes.push(Note {
            file: place.file.to_path_buf(),
            line: place.line,
            // Filled in when the name is settled.
            function: None,
            key,
            reason,
        });
    }

    /// Notes that something isn't known.
    pub fn unknown(&mut self, place: &Place, key: &str, unknown: &Unknown, remedy: &str) {
        let remedy = match unknown.is_secret {
            true => DECLARE,
            false => remedy,
        };
        self.lost(place, key, format!("{}; {remedy}", unknown.reason()));
    }

    /// Notes that what is named as a layer is none that is known.
    pub fn no_layer(&mut self, key: &str, layer: &Value) {
        match layer.first_unknown() {
            Some(unknown) => self.unknown(&layer.place, key, unknown, "give its ARN in `layers` of the definition"),
            None => self.lost(&layer.place, key, "it is no ARN"),
        }
    }

    /// Carries over what the table says, of attributes by their names there.
    pub fn carry(&mut self, table: &Table, attributes: &Value) {
        let mut objects = Vec::<(&'static str, &str, Vec<(String, Value)>)>::new();
        for (theirs, value) in attributes.entries().iter().filter(|(_, value)| !value.is_null()) {
            let found = table.iter().find_map(|(names, fate)| {
                let name = names.iter().find(|name| *name == theirs)?;
                Some((*name, fate))
            });
            let Some((name, fate)) = found else {
                self.lost(&value.place, theirs, NOTHING_LIKE_IT);
                continue;
            };
            match fate {
                Fate::Silent => {}
                Fate::Noted(reason) => self.lost(&value.place, theirs, *reason),
                Fate::Same => self.set(name, theirs, value),
                Fate::Key(key) => self.set(key, theirs, value),
                Fate::LayerArchitectures => self.set_layer_architectures(theirs, value),
                Fate::Member(key, name) => {
                    let member = ((*name).to_owned(), value.clone());
                    match objects.iter_mut().find(|(known, ..)| known == key) {
                        Some((.., members)) => members.push(member),
                        None => objects.push((*key, theirs, vec![member])),
                    }
                }
                Fate::Object(key, names) => self.set_object(key, theirs, value, names),
                Fate::Texts(key, within) => {
                    let within = within.and_then(|name| Some((name, value.get(name)?)));
                    match within {
                        Some((name, value)) => self.set_texts(key, &format!("{theirs}.{name}"), value),
                        None => self.set_texts(key, theirs, value),
                    }
                }
            }
        }
        for (key, theirs, members) in objects {
            let place = members[0].1.place.clone();
            self.set(key, theirs, &Value::map(&place, members));
        }
    }

    /// Carries a value over that a definition has too, if it is known and allowed there. `theirs` is its key there.
    fn set(&mut self, key: &'static str, theirs: &str, value: &Value) {
        match value.to_json() {
            Ok(json) => self.set_json(key, theirs, &value.place, wanted(key, json)),
            Err(unknown) => self.unknown(&value.place, theirs, unknown, remedy(key)),
        }
    }

    pub fn set_json(&mut self, key: &'static str, theirs: &str, place: &Place, json: Json) {
        if holds_secret("", &json) {
            return self.lost(place, theirs, SECRET);
        }
        match check(self.kind, key, &json) {
            Ok(()) => {
                self.keys.retain(|(known, _)| *known != key);
                self.keys.push((key, json));
            }
            Err(reason) => self.lost(place, theirs, reason),
        }
    }

    /// Adds a policy statement, if it is allowed.
    pub fn add_statement(&mut self, theirs: &str, place: &Place, statement: Json) {
        let known = self.keys.iter().find(|(key, _)| *key == "policy_statements");
        let mut all = known.map_or_else(Vec::new, |(_, known)| known.as_array().expect("it is a list").clone());
        all.push(statement);
        self.set_json("policy_statements", theirs, place, all.into());
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
            let key = format!("{theirs}.{name}");
            match (value.text(), value.first_unknown()) {
                (Some(text), _) if secrets::may_be_in(name, &text) => self.lost(&value.place, &key, SECRET),
                (Some(text), _) => match check(self.kind, ours, &json!({ name: text })) {
                    Ok(()) => {
                        known.insert(name.clone(), text.into());
                    }
                    Err(reason) => self.lost(&value.place, &key, reason),
                },
                (None, Some(unknown)) => {
                    let remedy = match secrets::is_named_like_one(name) {
                        true => DECLARE,
                        false => remedy(ours),
                    };
                    self.unknown(&value.place, &key, unknown, remedy);
                }
                (None, None) => self.lost(&value.place, &key, "it is no string"),
            }
        }
        if !known.is_empty() {
            self.keys.push((ours, known.into()));
        }
    }
}

/// What becomes of an attribute.
pub enum Fate {
    /// A definition has it under the same name.
    Same,
    /// A definition has it under this key.
    Key(&'static str),
    /// It is one member of an object that a definition has: key, and name within.
    Member(&'static str, &'static str),
    /// A definition has the object under this key, and its members under other names: theirs and ours.
    Object(&'static str, &'static [(&'static str, &'static str)]),
    /// It is a mapping of texts that a definition has under this key; or has that, under this name. Each text is looked at by
    /// itself.
    Texts(&'static str, Option<&'static str>),
    /// The architectures of a layer.
    LayerArchitectures,
    /// It is read elsewhere, or says nothing that a definition or lambda-deploy-module doesn't know by itself.
    Silent,
    /// It is left behind, and why.
    Noted(&'static str),
}

/// By names; what isn't named has nothing like it in a definition.
pub type Table = [(&'static [&'static str], Fate)];

const NOTHING_LIKE_IT: &str = "definitions have nothing like it";

/// Of a role, and of policies that aren't wholly known.
pub const ROLE: &str = "lambda-deploy-module makes a role for each function: attach policies to it, by its `role_name`, or write `policy_statements`";

pub const CALLERS: &str =
    "what calls a function is no part of its definition: let it call the alias that lambda-deploy-module makes";

/// Whether something in it may be a secret, by itself or by its name.
fn holds_secret(name: &str, json: &Json) -> bool {
    match json {
        Json::String(text) => secrets::may_be_in(name, text),
        Json::Array(members) => members.iter().any(|member| holds_secret(name, member)),
        Json::Object(members) => members.iter().any(|(name, member)| holds_secret(name, member)),
        Json::Number(_) | Json::Bool(_) | Json::Null => false,
    }
}

const DECLARE: &str = "declare it in `secrets` of the definition";

const SECRET: &str = "it looks like a secret, so its value isn't copied; declare it in `secrets` of the definition";

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
        let kept: Vec<_> = made.keys().collect();
        assert_eq!(kept, [("environment", &json!({"PORT": "8080", "DEBUG": "false"}))]);
        let lost: Vec<_> = made
            .notes
            .iter()
            .map(|note| (note.line, note.key.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(lost, [(2, "Variables.DB_PASSWORD"), (3, "Variables.AWS_REGION")]);
        assert!(made.notes.iter().all(|note| !note.reason.contains("hunter2")));
    }
}
