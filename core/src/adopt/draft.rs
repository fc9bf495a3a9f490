//! A definition in the making: what was found of a function, and what couldn't be carried over.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value as Json;

use super::carry::DECLARE;
use super::unknown::{Says, Unknown};
use super::value::{Place, Value};
use crate::function::{Kind, glob_fault};
use crate::{printable, secrets, shorten};

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
    /// Of a function that is yet to be named, or of none.
    pub fn new(place: &Place, key: Option<&str>, reason: String) -> Self {
        // A key may be any text.
        let key = key.map(|key| match secrets::may_be(None, key) {
            true => "…".to_owned(),
            false => printable(key),
        });
        Note {
            file: place.file.to_path_buf(),
            line: place.line,
            function: None,
            key,
            reason: printable(&reason),
        }
    }

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
    /// Whether it has this name there, rather than in its file alone.
    pub is_named: bool,
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
    pub links: Links,
}

/// What the tool makes of links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    #[default]
    Kept,
    /// They are replaced by what they lead to.
    Followed,
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
            is_named: false,
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
        if let Some(text) = value.plain() {
            return Draft {
                is_named: true,
                ..Draft::new(text, kind, place)
            };
        }
        let reason = format!(
            "{}; the definition is called `{own}`, and `name_prefix` of lambda-deploy-module is put before it",
            value.reason("string")
        );
        let mut draft = Draft::new(own, kind, place);
        draft.lost(&value.place, theirs, reason);
        draft
    }

    pub fn keys(&self) -> impl Iterator<Item = (&'static str, &Json)> {
        self.keys.iter().map(|(key, value)| (*key, value))
    }

    /// Those that are declared.
    pub fn secrets_mut(&mut self) -> &mut [Json] {
        let secrets = self.keys.iter_mut().find(|(key, _)| *key == "secrets");
        let secrets = secrets.and_then(|(_, value)| value.as_array_mut());
        secrets.map_or(&mut [], Vec::as_mut_slice)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        let found = self.keys.iter().find(|(known, _)| *known == key);
        found.and_then(|(_, value)| value.as_str())
    }

    /// Notes that something isn't carried over.
    pub fn lost(&mut self, place: &Place, key: &str, reason: impl Into<String>) {
        self.notes.push(Note::new(place, Some(key), reason.into()));
    }

    /// Whether a source can have this glob; notes it if not.
    pub fn can_have(&mut self, glob: &str, place: &Place, key: &str) -> bool {
        let fault = glob_fault(glob);
        if let Some(fault) = &fault {
            let glob = shorten(glob);
            self.lost(place, key, format!("`{glob}` matches no file of the source: {fault}"));
        }
        fault.is_none()
    }

    /// Notes that the function isn't.
    pub fn refuse(&mut self, place: &Place, reason: impl Into<String>) {
        self.is_refused = true;
        self.notes.push(Note::new(place, None, reason.into()));
    }

    /// A path; where there is none that may be shown, the function is refused. `what` has it.
    pub fn path(&mut self, what: &str, value: &Value) -> Option<String> {
        let path = value.plain();
        if path.is_none() {
            self.refuse(&value.place, format!("{what}: {}", value.reason("path")));
        }
        path
    }

    /// Notes that something isn't known.
    pub fn unknown(&mut self, place: &Place, key: &str, unknown: &Unknown, remedy: &str) {
        let remedy = match unknown.says {
            Says::Secret => DECLARE,
            Says::Missing => "correct the reference, or write the value itself into the definition",
            Says::Nothing | Says::Name => remedy,
        };
        self.lost(place, key, format!("{}; {remedy}", unknown.reason()));
    }

    /// Adds a layer by its ARN, or notes that it isn't known.
    pub fn add_layer(&mut self, key: &str, layer: &Value) {
        match (layer.plain(), layer.first_unknown()) {
            (Some(arn), _) => self.layers.push((layer.place.clone(), arn)),
            (None, Some(unknown)) => {
                self.unknown(&layer.place, key, unknown, "give its ARN in `layers` of the definition")
            }
            (None, None) => self.lost(&layer.place, key, layer.reason("ARN")),
        }
    }
}
