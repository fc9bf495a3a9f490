//! Those of Terraform's functions that names, paths and settings of functions are made with.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::resolve::LARGEST;
use super::super::value::{Data, Value, last_of_each};

/// `None` where the result isn't known here.
pub fn call(name: &str, arguments: &[Value]) -> Option<Data> {
    let text = |index: usize| arguments.get(index).and_then(Value::text);
    let string = |text: String| Some(Data::String(text));
    match (name, arguments) {
        ("tostring" | "nonsensitive", [_]) => string(text(0)?),
        // The home of whoever runs Terraform is known there alone.
        ("pathexpand", [_]) => text(0).filter(|path| !path.starts_with('~')).map(Data::String),
        ("basename", [_]) => string(Path::new(&text(0)?).file_name()?.to_str()?.to_owned()),
        ("dirname", [_]) => match Path::new(&text(0)?).parent()?.to_str()? {
            "" => string(".".to_owned()),
            directory => string(directory.to_owned()),
        },
        ("lower", [_]) => string(text(0)?.to_lowercase()),
        ("upper", [_]) => string(text(0)?.to_uppercase()),
        ("trimspace", [_]) => string(text(0)?.trim().to_owned()),
        ("trimprefix", [_, _]) => {
            let whole = text(0)?;
            string(whole.strip_prefix(&text(1)?).unwrap_or(&whole).to_owned())
        }
        ("trimsuffix", [_, _]) => {
            let whole = text(0)?;
            string(whole.strip_suffix(&text(1)?).unwrap_or(&whole).to_owned())
        }
        // With slashes around it is a regular expression.
        ("replace", [_, _, _]) if !text(1)?.starts_with('/') => {
            let (whole, part, other) = (text(0)?, text(1)?, text(2)?);
            let is_bounded = whole.matches(&part).count() * other.len() <= LARGEST;
            is_bounded.then(|| Data::String(whole.replace(&part, &other)))
        }
        ("join", [_, list]) => {
            let parts: Vec<String> = list.members().iter().map(Value::text).collect::<Option<_>>()?;
            let separator = text(0)?;
            (separator.len() * parts.len() <= LARGEST).then(|| Data::String(parts.join(&separator)))
        }
        ("format", [_, values @ ..]) => string(format(&text(0)?, values)?),
        ("tonumber", [_]) => text(0).filter(|text| text.parse::<f64>().is_ok()).map(Data::Number),
        ("tobool", [value]) => match value.text()?.as_str() {
            "true" => Some(Data::Bool(true)),
            "false" => Some(Data::Bool(false)),
            _ => None,
        },
        ("tolist" | "tomap", [value]) => match &value.data {
            Data::Unknown(_) => None,
            data => Some(data.clone()),
        },
        // Each once, in the order of their texts.
        ("toset", [value]) => match &value.data {
            Data::List(members) => {
                let members = members.iter().map(|member| Some((member.text()?, member.clone())));
                let members: BTreeMap<String, Value> = members.collect::<Option<_>>()?;
                Some(Data::List(members.into_values().collect()))
            }
            _ => None,
        },
        ("concat", lists) => {
            let lists = lists.iter().map(|list| match &list.data {
                Data::List(members) => Some(members.clone()),
                _ => None,
            });
            Some(Data::List(lists.collect::<Option<Vec<_>>>()?.concat()))
        }
        ("merge", maps) => {
            let mut merged = Vec::new();
            for map in maps {
                match &map.data {
                    Data::Map(entries) => merged.extend(entries.iter().cloned()),
                    Data::Null => {}
                    _ => return None,
                }
            }
            Some(Data::Map(last_of_each(merged)))
        }
        ("coalesce", values) => {
            for value in values {
                match &value.data {
                    Data::Unknown(_) => return None,
                    Data::Null => {}
                    Data::String(text) if text.is_empty() => {}
                    data => return Some(data.clone()),
                }
            }
            None
        }
        ("lookup", [map, _, default @ ..]) => match (&map.data, default) {
            (Data::Map(_), _) if map.get(&text(1)?).is_some() => map.get(&text(1)?).map(|value| value.data.clone()),
            (Data::Map(_), [default]) if default.first_unknown().is_none() => Some(default.data.clone()),
            _ => None,
        },
        ("jsonencode", [value]) => {
            let json = value.to_json().ok()?.to_string();
            // As Terraform has it: https://developer.hashicorp.com/terraform/language/functions/jsonencode
            let json = json
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026");
            string(json)
        }
        _ => None,
    }
}

/// `%s`, `%d`, `%v` and `%%`; nothing of widths.
fn format(spec: &str, values: &[Value]) -> Option<String> {
    let mut values = values.iter();
    let mut text = String::new();
    let mut characters = spec.chars();
    while let Some(c) = characters.next() {
        match c {
            '%' => match characters.next()? {
                '%' => text.push('%'),
                's' | 'v' => text.push_str(&values.next()?.text()?),
                'd' => text.push_str(&values.next()?.text().filter(|text| text.parse::<i64>().is_ok())?),
                _ => return None,
            },
            c => text.push(c),
        }
    }
    Some(text)
}
