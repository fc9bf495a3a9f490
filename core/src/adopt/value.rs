//! What a template of others says, as far as it can be known without deploying it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Relative to the directory that is adopted.
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

#[derive(Clone, Debug)]
pub struct Value {
    pub place: Place,
    pub data: Data,
}

#[derive(Clone, Debug)]
pub enum Data {
    Null,
    Bool(bool),
    /// As it is spelt: `1.0` and `007` are that where a string is wanted.
    Number(String),
    String(String),
    List(Vec<Value>),
    /// In the order of the file; no key comes twice.
    Map(Vec<(String, Value)>),
    Unknown(Unknown),
}

/// What is known only when it is deployed.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// As it is spelt, for messages.
    pub text: String,
    /// What it refers to, such as `data.archive_file.orders.output_path`, a part each.
    pub reference: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Name(String),
    /// `["orders"]` or `[0]`; `None` where that isn't known.
    Index(Option<String>),
}

impl Value {
    pub fn new(place: &Place, data: Data) -> Self {
        Value {
            place: place.clone(),
            data,
        }
    }

    pub fn string(place: &Place, text: impl Into<String>) -> Self {
        Value::new(place, Data::String(text.into()))
    }

    pub fn unknown(place: &Place, text: impl Into<String>) -> Self {
        let text = text.into();
        let reference = Vec::new();
        Value::new(place, Data::Unknown(Unknown { text, reference }))
    }

    /// The value of a key, of a mapping.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let found = self.entries().iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Of a mapping; nothing of all else.
    pub fn entries(&self) -> &[(String, Value)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a list, or the value itself: templates leave out the brackets around one.
    pub fn members(&self) -> &[Value] {
        match &self.data {
            Data::List(members) => members,
            Data::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as it is where a string is wanted.
    pub fn text(&self) -> Option<String> {
        match &self.data {
            Data::String(text) | Data::Number(text) => Some(text.clone()),
            Data::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The first thing in it that isn't known.
    pub fn first_unknown(&self) -> Option<&Unknown> {
        match &self.data {
            Data::Unknown(unknown) => Some(unknown),
            Data::List(members) => members.iter().find_map(Value::first_unknown),
            Data::Map(entries) => entries.iter().find_map(|(_, value)| value.first_unknown()),
            _ => None,
        }
    }

    /// As JSON; what isn't known is the error.
    pub fn to_json(&self) -> Result<Json, &Unknown> {
        Ok(match &self.data {
            Data::Null => Json::Null,
            Data::Bool(value) => Json::Bool(*value),
            Data::Number(text) => text
                .parse()
                .map_or_else(|_float| Json::String(text.clone()), Json::Number),
            Data::String(text) => Json::String(text.clone()),
            Data::List(members) => Json::Array(members.iter().map(Value::to_json).collect::<Result<_, _>>()?),
            Data::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.clone(), value.to_json()?)));
                Json::Object(entries.collect::<Result<_, _>>()?)
            }
            Data::Unknown(unknown) => return Err(unknown),
        })
    }
}

impl Unknown {
    /// The names in what it refers to: `["data", "archive_file", "orders", "output_path"]`.
    pub fn names(&self) -> Vec<&str> {
        let names = self.reference.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Index(_) => None,
        });
        names.collect()
    }
}
