//! A definition in the making: what was found of a function, and what couldn't be carried over.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::value::{Data, Place, Value};
use crate::function::{Function, Kind};
use crate::secrets;

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

/// A function or layer.
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
        // Reasons spell out what was found.
        let reason = match holds_secret(&reason) {
            true => "it looks like a secret, and isn't shown".to_owned(),
            false => reason,
        };
        self.notes.push(Note {
            file: place.file.to_path_buf(),
            line: place.line,
            // Filled in when the name is settled.
            function: None,
            key,
            reason,
        });
    }

    /// Notes that something is known only when it is deployed.
    pub fn unknown(&mut self, place: &Place, key: &str, text: &str, remedy: &str) {
        let text = crate::shorten(text);
        self.lost(
            place,
            key,
            format!("`{text}` is known only when it is deployed; {remedy}"),
        );
    }

    /// Carries a value over that a definition has too, if it is known and allowed there. `theirs` is its key there.
    pub fn set(&mut self, key: &'static str, theirs: &str, value: Option<&Value>) {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return;
        };
        let json = match value.to_json() {
            Ok(json) => wanted(key, json),
            Err(unknown) => {
                let text = unknown.text.clone();
                return self.unknown(&value.place, theirs, &text, remedy(key));
            }
        };
        self.set_json(key, theirs, &value.place, json);
    }

    pub fn set_json(&mut self, key: &'static str, theirs: &str, place: &Place, json: Json) {
        if key != "environment" && holds_secret(&json.to_string()) {
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

    /// A layer has one architecture here, and may have several there: then it gets that of the functions that name it.
    pub fn set_layer_architectures(&mut self, theirs: &str, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| value.members().len() == 1) {
            self.set("architectures", theirs, Some(value));
        }
    }

    /// Carries over those variables that are known and no secrets.
    pub fn set_environment(&mut self, theirs: &str, variables: Option<&Value>) {
        let Some(variables) = variables else {
            return;
        };
        if let Data::Unknown(unknown) = &variables.data {
            let text = unknown.text.clone();
            return self.unknown(&variables.place, theirs, &text, remedy("environment"));
        }
        let mut known = serde_json::Map::new();
        for (name, value) in variables.entries() {
            let key = format!("{theirs}.{name}");
            let Some(text) = value.text() else {
                match value.first_unknown() {
                    Some(unknown) => {
                        let text = unknown.text.clone();
                        match secrets::kind_of_variable(name, &without_variables(&text)) {
                            Some(_) => self.lost(&value.place, &key, SECRET),
                            None => self.unknown(&value.place, &key, &text, remedy("environment")),
                        }
                    }
                    None if value.is_null() => {}
                    None => self.lost(&value.place, &key, "it is no string"),
                }
                continue;
            };
            if secrets::kind_of_variable(name, &text).is_some() {
                self.lost(&value.place, &key, SECRET);
                continue;
            }
            match check(self.kind, "environment", &json!({ name: text })) {
                Ok(()) => {
                    known.insert(name.clone(), text.into());
                }
                Err(reason) => self.lost(&value.place, &key, reason),
            }
        }
        if !known.is_empty() {
            self.keys.push(("environment", known.into()));
        }
    }
}

fn holds_secret(text: &str) -> bool {
    secrets::is_in_text(&without_variables(text))
}

/// With a letter for each `${…}`: the password stands beside it in `postgres://app:…@${host}`.
fn without_variables(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('x');
        let mut depth = 1;
        let end = after.char_indices().find(|(_, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        rest = end.map_or("", |(end, _)| &after[end + 1..]);
    }
    plain + rest
}

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
    parsed.map(drop).map_err(|error| {
        // Without the place in a text that nobody sees.
        let message = error.message();
        message.split_once(": ").map_or(message, |(_, rest)| rest).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn draft(key: &'static str, yaml: &str) -> Draft {
        let value = yaml::parse(&Path::new("t.yaml").into(), yaml).expect("YAML");
        let mut draft = Draft::new("app", Kind::Function, value.place.clone());
        match key {
            "environment" => draft.set_environment("Variables", Some(&value)),
            key => draft.set(key, "Theirs", Some(&value)),
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
            "key `memory_size`: found integer `64`; allowed: an integer from 128 to 10240"
        );
    }

    #[test]
    fn a_password_beside_a_variable_is_one() {
        assert!(holds_secret("postgres://app:Rt5yUi8OpQ@${aws_db.this.address}/orders"));
        assert!(!holds_secret(
            "postgres://app:${var.password}@${lookup({a = 1}, \"a\")}/orders"
        ));
        assert_eq!(without_variables("a${b{c}d}e {f} $g"), "axe {f} $g");
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
