//! The Serverless Framework's variables, `${self:custom.table}`, as `serverless deploy` without options would put them in.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::super::value::{Data, Place, Value};
use super::super::yaml;

/// Variables that name each other end nowhere.
const DEEPEST: usize = 50;

pub struct Variables<'a> {
    /// The whole file.
    pub service: &'a Value,
    pub directory: &'a Path,
    /// The directory's path in messages.
    pub shown: &'a Path,
    depth: Cell<usize>,
}

impl<'a> Variables<'a> {
    pub fn new(service: &'a Value, directory: &'a Path, shown: &'a Path) -> Self {
        Variables {
            service,
            directory,
            shown,
            depth: Cell::new(0),
        }
    }

    /// The value with all that is known in it put in.
    pub fn resolve(&self, value: &Value) -> Value {
        let place = &value.place;
        match &value.data {
            Data::String(text) if text.contains("${") => self.text(place, text),
            Data::List(members) => {
                let members = members.iter().map(|member| self.resolve(member)).collect();
                Value::new(place, Data::List(members))
            }
            Data::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), self.resolve(value)));
                Value::new(place, Data::Map(entries.collect()))
            }
            _ => value.clone(),
        }
    }

    /// The stage of a deployment that names none.
    pub fn stage(&self) -> Option<String> {
        match self.at(&["provider", "stage"]) {
            Some(stage) => stage.text(),
            None => Some("dev".to_owned()),
        }
    }

    fn at(&self, path: &[&str]) -> Option<Value> {
        let mut value = self.service.clone();
        for key in path {
            // On the way there may be `${file(…)}`.
            let next = self.resolved_one(&value);
            value = match &next.data {
                Data::List(members) => key
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| members.get(index).cloned())?,
                _ => next.get(key)?.clone(),
            };
        }
        Some(self.resolve(&value))
    }

    fn resolved_one(&self, value: &Value) -> Value {
        match &value.data {
            Data::String(text) if text.contains("${") => self.text(&value.place, text),
            _ => value.clone(),
        }
    }

    fn text(&self, place: &Place, text: &str) -> Value {
        let unknown = || Value::unknown(place, text);
        if self.depth.get() > DEEPEST {
            return unknown();
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.substitute(place, text);
        self.depth.set(self.depth.get() - 1);
        value.unwrap_or_else(unknown)
    }

    fn substitute(&self, place: &Place, text: &str) -> Option<Value> {
        let (before, inner, after) = split_variable(text)?;
        let value = self.variable(place, inner)?;
        if before.is_empty() && after.is_empty() {
            // Not only text: a variable may stand for a whole mapping.
            return Some(Value::new(place, value.data));
        }
        let rest = match after.contains("${") {
            true => self.text(place, after).text()?,
            false => after.to_owned(),
        };
        Some(Value::string(place, format!("{before}{}{rest}", value.text()?)))
    }

    /// What stands in `${…}`: sources, of which the first counts that has it.
    fn variable(&self, place: &Place, inner: &str) -> Option<Value> {
        for alternative in split_alternatives(inner) {
            let alternative = alternative.trim();
            let quoted = ['\'', '"']
                .into_iter()
                .find_map(|quote| alternative.strip_prefix(quote)?.strip_suffix(quote));
            if let Some(literal) = quoted {
                return Some(Value::string(place, literal));
            }
            if alternative.contains("${") {
                // Sources may be made of variables themselves.
                let made = self.text(place, alternative);
                match made.text() {
                    Some(_) if alternative.starts_with("${") && alternative.ends_with('}') => return Some(made),
                    Some(text) => match self.source(&text)? {
                        Some(value) => return Some(value),
                        None => continue,
                    },
                    None if made.first_unknown().is_none() && !made.is_null() => return Some(made),
                    None => return None,
                }
            }
            match self.source(alternative)? {
                Some(value) if value.first_unknown().is_some() && value.entries().is_empty() => return None,
                Some(value) => return Some(value),
                None => {}
            }
        }
        None
    }

    /// `None`: it isn't known here. `Some(None)`: there is no such thing, and the next source counts.
    fn source(&self, text: &str) -> Option<Option<Value>> {
        if let Ok(number) = text.parse::<i64>() {
            return Some(Some(self.scalar(Data::Number(number.to_string()))));
        }
        if matches!(text, "true" | "false") {
            return Some(Some(self.scalar(Data::Bool(text == "true"))));
        }
        if let Some(rest) = text.strip_prefix("file(") {
            return self.file(rest).map(Some);
        }
        let (source, address) = text.split_once(':')?;
        let path: Vec<&str> = address.split('.').filter(|key| !key.is_empty()).collect();
        match (source, path.as_slice()) {
            ("self", path) => Some(self.at(path)),
            // What is given on the command line isn't: but the stage has a default of its own.
            ("opt", ["stage"]) if self.service.at(&["provider", "stage"]).is_none() => Some(None),
            ("opt", _) => Some(None),
            ("sls", ["stage"]) => Some(Some(self.scalar(Data::String(self.stage()?)))),
            ("param", path) => {
                let of = |stage: &str| self.at(&[&["params", stage], path].concat());
                Some(of(&self.stage()?).or_else(|| of("default")))
            }
            _ => None,
        }
    }

    fn scalar(&self, data: Data) -> Value {
        Value::new(&self.service.place, data)
    }

    /// `./config.yml):orders.table`
    fn file(&self, rest: &str) -> Option<Value> {
        let (path, address) = rest.split_once(')')?;
        let path = path.trim();
        let is_data = [".yml", ".yaml", ".json"].iter().any(|end| path.ends_with(end));
        if !is_data {
            return None;
        }
        let text = fs::read_to_string(self.directory.join(path)).ok()?;
        let shown: Arc<Path> = self.shown.join(path).into();
        let mut value = yaml::parse(&shown, &text).ok()?;
        for key in address
            .trim_start_matches([':', '.'])
            .split('.')
            .filter(|key| !key.is_empty())
        {
            value = self.resolved_one(value.get(key)?);
        }
        Some(self.resolve(&value))
    }
}

/// What stands before the first `${`, in it, and after it. CloudFormation's own `${AWS::Region}` is none.
fn split_variable(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("${")?;
    let mut depth = 0;
    for (index, c) in text[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    let end = start + index;
                    return Some((&text[..start], &text[start + 2..end], &text[end + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// At commas that stand in no variable and no quotes.
fn split_alternatives(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0, None, 0);
    for (index, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            ('{' | '(', None) => depth += 1,
            ('}' | ')', None) => depth -= 1,
            (',', None) if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_what_a_deployment_without_options_puts_in() {
        let text = "\
service: shop
provider: {stage: \"${opt:stage, 'test'}\", region: eu-west-1}
params: {default: {size: 1}, test: {level: debug}}
custom: {table: \"orders-${self:provider.stage}\", all: {a: 1}, list: [x, y]}
values:
  a: ${self:custom.table}
  b: ${self:service}-${sls:stage}-x
  c: ${opt:nothing, self:custom.nothing, 'fallback, with a comma'}
  d: ${self:custom.all}
  e: ${param:level}${param:size}
  f: ${opt:x, ${self:custom.table}}
  g: ${self:custom.list.1}
  u: ['${env:HOME}', '${ssm:/a/b}', '${cf:stack.Out}', '${AWS::Region}', '${self:custom.none}', '${file(x.js):a}']
  loop: ${self:values.loop}
";
        let service = yaml::parse(&Path::new("serverless.yml").into(), text).expect("YAML");
        let variables = Variables::new(&service, Path::new("."), Path::new(""));
        let values = variables.resolve(service.get("values").expect("values"));
        let known =
            ["a", "b", "c", "d", "e", "f", "g"].map(|key| values.get(key).expect("a value").to_json().expect("known"));
        assert_eq!(
            serde_json::json!(known),
            serde_json::json!(["orders-test", "shop-test-x", "fallback, with a comma", {"a": 1}, "debug1", "orders-test", "y"])
        );
        let unknown = values.get("u").expect("a list").members().iter();
        assert!(
            unknown.clone().all(|value| value.first_unknown().is_some()),
            "{unknown:?}"
        );
        assert!(values.get("loop").is_some_and(|value| value.first_unknown().is_some()));
    }
}
