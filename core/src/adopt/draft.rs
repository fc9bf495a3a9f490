//! A definition in the making: what was found of a function, and what couldn't be carried over.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value as Json;

use super::carry::DECLARE;
use super::value::{Place, Unknown, Value};
use crate::function::Kind;

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
    pub(super) keys: Vec<(&'static str, Json)>,
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
}
