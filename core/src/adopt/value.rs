//! What a template of others says, as far as it can be known without deploying it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::origin::{Origin, is_secret};
use super::unknown::Unknown;
use crate::printable;

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
        let file = self.file.display().to_string();
        write!(f, "{}:{}", printable(&file), self.line)
    }
}

#[derive(Clone, Debug)]
pub struct Value {
    pub place: Place,
    pub data: Data,
    pub origin: Origin,
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

/// Of keys that come twice the last one.
pub fn last_of_each(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<_> = entries
        .into_iter()
        .rev()
        .filter(|(key, _)| seen.insert(key.clone()))
        .collect();
    kept.reverse();
    kept
}

impl Value {
    pub fn new(place: &Place, data: Data) -> Self {
        Value {
            place: place.clone(),
            data,
            origin: Origin::default(),
        }
    }

    /// A scalar's key is one of the names that lead to it. That of a mapping may be just a heading.
    pub fn map(place: &Place, entries: impl IntoIterator<Item = (String, Value)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| match &value.data {
            Data::List(_) | Data::Map(_) => (key, value),
            _ => {
                let value = value.from(Origin::named(&[&key]));
                (key, value)
            }
        });
        Value::new(place, Data::Map(entries.collect()))
    }

    /// The value, and all in it, with more that is known of its origin.
    pub fn from(mut self, origin: Origin) -> Self {
        if origin == Origin::default() {
            return self;
        }
        self.origin = self.origin.and(origin);
        self.data = match self.data {
            Data::List(members) => Data::List(members.into_iter().map(|member| member.from(origin)).collect()),
            Data::Map(entries) => {
                let entries = entries.into_iter();
                Data::Map(entries.map(|(key, value)| (key, value.from(origin))).collect())
            }
            data => data,
        };
        self
    }

    /// That of a text which all in it goes into: there, nobody can tell any more what is a secret.
    pub fn origin_of_parts(&self) -> Origin {
        let mut whole = self.origin;
        self.scalars(Origin::default(), &mut |scalar, origin| {
            whole = whole.and(Origin {
                // What is one by its content is that in any text.
                is_secret: origin.is_secret || origin.named.is_some() && is_secret(scalar, origin),
                ..origin
            });
        });
        whole
    }

    /// Whether it, or something in it, may be a secret: by the names that lead to it, or by what it is.
    pub fn may_be_secret(&self) -> bool {
        let mut may_be = false;
        self.scalars(Origin::default(), &mut |scalar, origin| {
            may_be = may_be || is_secret(scalar, origin)
        });
        may_be
    }

    /// Each scalar in it, with what keys on the way to it say too.
    fn scalars(&self, origin: Origin, visit: &mut dyn FnMut(&Data, Origin)) {
        let origin = origin.and(self.origin);
        match &self.data {
            Data::List(members) => members.iter().for_each(|member| member.scalars(origin, visit)),
            Data::Map(entries) => {
                for (key, value) in entries {
                    value.scalars(origin.and(Origin::named(&[key])), visit);
                }
            }
            scalar => visit(scalar, origin),
        }
    }

    /// A scalar as text that may be copied and shown: all that leaves the templates. `None` too for what may be a secret.
    pub fn plain(&self) -> Option<String> {
        self.text().filter(|_| !self.may_be_secret())
    }

    /// Why there is no [`Value::plain`], as the beginning of a sentence; `what` it should be.
    pub fn reason(&self, what: &str) -> String {
        match self.first_unknown() {
            Some(unknown) => unknown.reason(),
            None if self.may_be_secret() => "it looks like a secret".to_owned(),
            None => format!("it is no {what}"),
        }
    }

    pub fn string(place: &Place, text: impl Into<String>) -> Self {
        Value::new(place, Data::String(text.into()))
    }

    pub fn unknown(place: &Place, unknown: Unknown) -> Self {
        Value::new(place, Data::Unknown(unknown))
    }

    pub fn of_json(place: &Place, json: Json) -> Self {
        let data = match json {
            Json::Null => Data::Null,
            Json::Bool(value) => Data::Bool(value),
            Json::Number(number) => Data::Number(number.to_string()),
            Json::String(text) => Data::String(text),
            Json::Array(members) => Data::List(members.into_iter().map(|it| Value::of_json(place, it)).collect()),
            Json::Object(members) => {
                let members = members.into_iter().map(|(key, it)| (key, Value::of_json(place, it)));
                return Value::map(place, members);
            }
        };
        Value::new(place, data)
    }

    /// What a copy of it takes: bytes of text, and about as many for each value.
    pub fn weight(&self) -> usize {
        const OF_ONE: usize = 64;
        let of_data = match &self.data {
            Data::String(text) | Data::Number(text) => text.len(),
            Data::List(members) => members.iter().map(Value::weight).sum(),
            Data::Map(entries) => entries.iter().map(|(key, value)| key.len() + value.weight()).sum(),
            Data::Null | Data::Bool(_) | Data::Unknown(_) => 0,
        };
        OF_ONE + of_data
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

    /// Whether all of it isn't known.
    pub fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown(_))
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
