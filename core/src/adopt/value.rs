//! What a template of others says, as far as it can be known without deploying it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::printable;
use crate::secrets::{self, Named};

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

/// What the way to a value says of it: it goes along wherever the value, or something that is made of it, goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// What the names say that led to it: of keys, variables, locals, parameters.
    pub named: Option<Named>,
    /// Whether something that is a secret went into it.
    pub is_secret: bool,
    /// Whether it is of this machine, such as the path of the repository.
    pub is_local: bool,
}

impl Origin {
    pub const LOCAL: Origin = Origin {
        named: None,
        is_secret: false,
        is_local: true,
    };

    /// Of what such names lead to, the last one first of all.
    pub fn named(path: &[&str]) -> Self {
        Origin {
            named: secrets::named_by(path),
            ..Origin::default()
        }
    }

    /// Of what is made of both.
    pub fn and(self, other: Origin) -> Self {
        Origin {
            named: self.named.max(other.named),
            is_secret: self.is_secret || other.is_secret,
            is_local: self.is_local || other.is_local,
        }
    }
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

/// What is known only when it is deployed, or is not to be known here. It holds names alone, never a text that somebody wrote
/// as a value: so it can be shown.
#[derive(Clone, Debug, Default)]
pub struct Unknown {
    pub tool: Tool,
    /// What it refers to, such as `data.archive_file.orders.output_path`, a part each; empty for an expression of no name.
    pub reference: Vec<Part>,
    pub says: Says,
    /// Where it is kept, as CloudFormation spells it: `{{resolve:ssm:/shop/stripe}}`.
    pub kept: Option<String>,
}

/// What is said of a value that isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    #[default]
    Nothing,
    /// It is marked as a secret.
    Secret,
    /// It is the name, ARN or address of something, so that it is none.
    Name,
}

/// Whose spelling a reference has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    #[default]
    Terraform,
    CloudFormation,
    Serverless,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Name(String),
    /// `["orders"]` or `[0]`; `None` where that isn't known.
    Index(Option<String>),
    /// `("app.py")`, where that is one text that is known.
    Argument(Option<String>),
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

impl Unknown {
    pub fn of(tool: Tool, reference: Vec<Part>) -> Self {
        Unknown {
            tool,
            reference,
            ..Unknown::default()
        }
    }

    /// Why it isn't known, as the beginning of a sentence.
    pub fn reason(&self) -> String {
        let what = match self.reference.is_empty() {
            true => "it".to_owned(),
            false => format!("`{self}`"),
        };
        match self.says {
            Says::Secret => format!("{what} is marked as a secret"),
            Says::Nothing | Says::Name => format!("{what} is known only when it is deployed"),
        }
    }

    /// Whether it is read from where secrets are kept, but nobody knows where in it.
    pub fn is_kept_elsewhere(&self) -> bool {
        let reads =
            |name: &&str| name.starts_with("aws_secretsmanager_secret") || name.starts_with("aws_ssm_parameter");
        self.kept.is_none() && self.names().get(1).is_some_and(reads) && self.names()[0] == "data"
    }

    /// The first index in what it refers to that is known.
    pub fn index(&self) -> Option<&str> {
        self.reference.iter().find_map(|part| match part {
            Part::Index(index) => index.as_deref(),
            Part::Name(_) | Part::Argument(_) => None,
        })
    }

    /// The names in what it refers to: `["data", "archive_file", "orders", "output_path"]`.
    pub fn names(&self) -> Vec<&str> {
        let names = self.reference.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Index(_) | Part::Argument(_) => None,
        });
        names.collect()
    }
}

/// Without what stands in brackets: that may be any text.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        match self.tool {
            Tool::Terraform => {
                for (index, part) in self.reference.iter().enumerate() {
                    match part {
                        Part::Name(name) if index > 0 => write!(f, ".{name}")?,
                        Part::Name(name) => f.write_str(name)?,
                        Part::Index(_) => f.write_str("[…]")?,
                        Part::Argument(_) => f.write_str("(…)")?,
                    }
                }
                Ok(())
            }
            Tool::CloudFormation => write!(f, "!{}", names.join(" ").trim_start_matches("Fn::")),
            Tool::Serverless => write!(f, "${{{}}}", names.join(":")),
        }
    }
}

fn is_secret(scalar: &Data, origin: Origin) -> bool {
    match scalar {
        Data::Unknown(unknown) => match unknown.says {
            Says::Secret => true,
            Says::Name => false,
            Says::Nothing => origin.is_secret || origin.named.is_some(),
        },
        Data::String(text) | Data::Number(text) => origin.is_secret || secrets::may_be(origin.named, text),
        Data::Null | Data::Bool(_) | Data::List(_) | Data::Map(_) => false,
    }
}
