//! The Serverless Framework's variables, `${self:custom.table}`, as `serverless deploy` without options would put them in.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::super::files::Repository;
use super::super::origin::Origin;
use super::super::resolve::{Names, Seen};
use super::super::unknown::{Part, Says, Tool, Unknown};
use super::super::value::{Data, Place, Value};
use super::super::yaml;

pub struct Variables<'a> {
    /// The whole file.
    service: &'a Value,
    pub directory: &'a Path,
    repository: &'a Repository<'a>,
    /// By the text of the variable.
    known: Names<String>,
    /// By path.
    files: Names<PathBuf>,
}

impl<'a> Variables<'a> {
    pub fn new(service: &'a Value, directory: &'a Path, repository: &'a Repository<'a>) -> Self {
        Variables {
            service,
            directory,
            repository,
            known: Names::default(),
            files: Names::default(),
        }
    }

    /// The value with all that is known in it put in.
    pub fn resolve(&self, value: &Value) -> Value {
        self.repository
            .resolver
            .value(&value.place, |seen| self.data(value, seen))
    }

    fn data(&self, value: &Value, seen: &Seen) -> Result<Data, Unknown> {
        seen.add(value.origin);
        Ok(match &value.data {
            Data::String(text) if text.contains("${") => seen.of(self.text(&value.place, text, seen)?).data,
            Data::List(members) => Data::List(members.iter().map(|member| self.resolve(member)).collect()),
            Data::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), self.resolve(value)));
                Value::map(&value.place, entries).data
            }
            data => data.clone(),
        })
    }

    /// The value at a path of keys of the file, or of another one.
    fn at(&self, mut value: &Value, path: &[&str]) -> Option<Value> {
        for (index, key) in path.iter().enumerate() {
            // On the way there may be `${file(…)}`.
            if let Data::String(_) = &value.data {
                let whole = self.resolve(value);
                return match whole.is_unknown() {
                    // Nobody knows whether it has the key: that isn't a reason for the next source.
                    true => Some(whole),
                    false => self.at(&whole, &path[index..]),
                };
            }
            value = match &value.data {
                Data::List(members) => members.get(key.parse::<usize>().ok()?)?,
                _ => value.get(key)?,
            };
        }
        Some(self.resolve(value))
    }

    /// A text with variables.
    fn text(&self, place: &Place, text: &str, seen: &Seen) -> Result<Value, Unknown> {
        let (before, inner, after) = split_variable(text).ok_or_else(Unknown::default)?;
        for alternative in split_alternatives(inner) {
            seen.add(origin_of(alternative));
        }
        let known = self.known.get(inner.to_owned(), || {
            let value = self.variable(place, inner);
            value.unwrap_or_else(|unknown| Value::unknown(place, unknown))
        });
        let known = known.ok_or_else(|| named(inner))?;
        if let Data::Unknown(unknown) = &known.data {
            return Err(unknown.clone());
        }
        let known = seen.of(self.repository.resolver.copy(&known));
        if before.is_empty() && after.is_empty() {
            // Not only text: a variable may stand for a whole mapping.
            return Ok(known);
        }
        let rest = match after.contains("${") {
            true => seen.of(self.resolve(&Value::string(place, after))),
            false => Value::string(place, after),
        };
        match (known.text(), rest.text(), rest.data) {
            (Some(text), Some(rest), _) => Ok(Value::string(place, format!("{before}{text}{rest}"))),
            (_, _, Data::Unknown(unknown)) => Err(unknown),
            _ => Err(named(inner)),
        }
    }

    /// What stands in `${…}`: sources, of which the first counts that has it.
    fn variable(&self, place: &Place, inner: &str) -> Result<Value, Unknown> {
        for alternative in split_alternatives(inner) {
            let alternative = alternative.trim();
            let quoted = ['\'', '"']
                .into_iter()
                .find_map(|quote| alternative.strip_prefix(quote)?.strip_suffix(quote));
            if let Some(literal) = quoted {
                return Ok(Value::string(place, literal));
            }
            let source = match alternative.contains("${") {
                // Sources may be made of variables themselves, or be one.
                true => {
                    let made = self.resolve(&Value::string(place, alternative));
                    let is_one = alternative.starts_with("${") && alternative.ends_with('}');
                    match (made.text(), made.data.clone()) {
                        (_, Data::Unknown(unknown)) => return Err(unknown),
                        (Some(text), _) if !is_one => text,
                        (_, Data::Null) => return Err(named(inner)),
                        (_, data) => return Ok(Value { data, ..made }),
                    }
                }
                false => alternative.to_owned(),
            };
            match self.source(place, &source).ok_or_else(|| named(&source))? {
                Some(Value {
                    data: Data::Unknown(unknown),
                    ..
                }) => return Err(unknown),
                Some(value) => return Ok(value),
                None => {}
            }
        }
        let alternatives = split_alternatives(inner);
        let own = alternatives.iter().find(|source| source.trim().starts_with("self:"));
        Err(match own {
            Some(own) => Unknown {
                says: Says::Missing,
                ..named(own)
            },
            None => named(inner),
        })
    }

    /// `None`: it isn't known here. `Some(None)`: there is no such thing, and the next source counts.
    fn source(&self, place: &Place, text: &str) -> Option<Option<Value>> {
        let scalar = |data| Some(Some(Value::new(place, data)));
        if let Ok(number) = text.parse::<i64>() {
            return scalar(Data::Number(number.to_string()));
        }
        if matches!(text, "true" | "false") {
            return scalar(Data::Bool(text == "true"));
        }
        if let Some(rest) = text.strip_prefix("file(") {
            return self.file(place, rest).map(Some);
        }
        let (source, address) = text.split_once(':')?;
        let path: Vec<&str> = address.split('.').filter(|key| !key.is_empty()).collect();
        match (source, path.as_slice()) {
            // The framework's defaults.
            ("self", ["provider", "stage"]) => scalar(Data::String(self.stage()?)),
            ("self", path @ ["provider", "region"]) => match self.at(self.service, path) {
                Some(region) => Some(Some(region)),
                None => scalar(Data::String("us-east-1".to_owned())),
            },
            ("self", path) => Some(self.at(self.service, path)),
            // What is given on the command line isn't.
            ("opt", _) => Some(None),
            ("sls", ["stage"]) => scalar(Data::String(self.stage()?)),
            ("param", path) => {
                let of = |stage: &str| self.at(self.service, &[&["params", stage], path].concat());
                Some(of(&self.stage()?).or_else(|| of("default")))
            }
            _ => None,
        }
    }

    /// The stage of a deployment that names none.
    fn stage(&self) -> Option<String> {
        match self.at(self.service, &["provider", "stage"]) {
            Some(stage) => stage.text(),
            None => Some("dev".to_owned()),
        }
    }

    /// `./config.yml):orders.table`
    fn file(&self, place: &Place, rest: &str) -> Option<Value> {
        let (path, address) = rest.split_once(')')?;
        let path = path.trim();
        let is_data = [".yml", ".yaml", ".json"].iter().any(|end| path.ends_with(end));
        if !is_data {
            return None;
        }
        let address = address.trim_start_matches([':', '.']).split('.');
        let address: Vec<&str> = address.filter(|key| !key.is_empty()).collect();
        self.at(&*self.parsed(place, path)?, &address)
    }

    /// A file of the repository; what git ignores isn't known to others, and isn't read.
    fn parsed(&self, place: &Place, path: &str) -> Option<Rc<Value>> {
        let path = self.directory.join(path).canonicalize().ok()?;
        self.files.get(path.clone(), || {
            let shown: Arc<Path> = self.repository.shown(&path).into();
            let text = self.repository.text(&path);
            let value = text.and_then(|text| yaml::parse(&shown, &text));
            value.unwrap_or_else(|_unread| Value::unknown(place, Unknown::default()))
        })
    }
}

/// What is shown of a variable: its first source, without what would count instead.
fn named(inner: &str) -> Unknown {
    let first = split_alternatives(inner).first().map_or("", |first| first.trim());
    let is_name = |text: &str| {
        let mut characters = text.chars();
        characters.all(|c| c.is_alphanumeric() || "_-./:()~@#".contains(c))
    };
    let parts = first.splitn(2, ':').map(|part| Part::Name(part.to_owned()));
    let kept = match first.split_once(':') {
        Some(("ssm", name)) => match name.strip_prefix("/aws/reference/secretsmanager/") {
            Some(name) => Some(format!("{{{{resolve:secretsmanager:{name}}}}}")),
            None => Some(format!("{{{{resolve:ssm:{name}}}}}")),
        },
        _ => None,
    };
    Unknown {
        kept: kept.filter(|_| is_name(first)),
        ..Unknown::of(
            Tool::Serverless,
            if is_name(first) { parts.collect() } else { Vec::new() },
        )
    }
}

/// What the names in a source say: `self:custom.db.password`, `env:API_TOKEN`, `file(secrets.yml):db`.
fn origin_of(source: &str) -> Origin {
    let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let source = source
        .trim()
        .trim_start_matches("file(")
        .replace(".yml", "")
        .replace(".yaml", "")
        .replace(".json", "");
    let is_literal = source.starts_with(['\'', '"']);
    let names: Vec<&str> = source
        .split(|c: char| !is_name(c))
        .filter(|name| !name.is_empty())
        .collect();
    match is_literal {
        true => Origin::default(),
        false => Origin::named(&names),
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
    use crate::Meter;

    #[test]
    fn variables_are_what_a_deployment_without_options_puts_in() {
        let text = "\
service: shop
provider: {stage: \"${opt:stage, 'test'}\", region: eu-west-1}
params: {default: {size: 1}, test: {level: debug}}
custom: {js: \"${file(x.js)}\", table: \"orders-${self:provider.stage}\", all: {a: 1}, list: [x, y]}
values:
  a: ${self:custom.table}
  b: ${self:service}-${sls:stage}-x
  c: ${opt:nothing, self:custom.nothing, 'fallback, with a comma'}
  d: ${self:custom.all}
  e: ${param:level}${param:size}
  f: ${opt:x, ${self:custom.table}}
  g: ${self:custom.list.1}
  u: ['${env:HOME}', '${ssm:/a/b}', '${cf:stack.Out}', '${AWS::Region}', '${self:custom.none}', '${file(x.js):a}', '${opt:q, self:custom.none}', '${self:custom.js.key, \"x\"}']
  loop: ${self:values.loop}
";
        let service = yaml::parse(&Path::new("serverless.yml").into(), text).expect("YAML");
        let directory = tempfile::tempdir().expect("a directory");
        let meter = Meter::default();
        let repository = Repository::walk(directory.path(), &meter).expect("it is empty");
        let variables = Variables::new(&service, directory.path(), &repository);
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
        let reason = |index: usize| {
            let unknown = values
                .get("u")
                .and_then(|list| list.members().get(index)?.first_unknown());
            unknown.map(|unknown| unknown.reason())
        };
        let missing = "`${self:custom.none}` refers to what isn't there";
        assert_eq!(reason(4).as_deref(), Some(missing));
        assert_eq!(
            reason(6).as_deref(),
            Some(missing),
            "options that aren't given have no fallback"
        );
        // What a file that isn't data holds, nobody knows: the fallback need not count.
        assert_eq!(
            reason(7).as_deref(),
            Some("`${file(x.js)}` is known only when it is deployed")
        );
        assert!(values.get("loop").is_some_and(|value| value.first_unknown().is_some()));
    }
}
