//! YAML with tags, and JSON, which is YAML: templates of CloudFormation and of the Serverless Framework.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::origin::Origin;
use super::unknown::Unknown;
use super::value::{Data, Place, Value};
use crate::{Error, Result, shorten};

/// A few bytes with anchors can stand for gigabytes. Templates end at 1 MB, and have far fewer values.
const MOST_NODES: usize = 200_000;
/// Nobody nests deeper; a stack ends.
const DEEPEST: usize = 128;

/// The first document of a text. A tag `!Sub` is read as CloudFormation's longer form: `{"Fn::Sub": …}`.
pub fn parse(file: &Arc<Path>, text: &str) -> Result<Value> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut loader = Loader {
        file,
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    loop {
        match loader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => return Ok(Value::new(&loader.place(&span), Data::Null)),
            (event, span) => return loader.node(event, &span, 0, None),
        }
    }
}

struct Loader<'a, 'input> {
    file: &'a Arc<Path>,
    parser: Parser<'input, granit_parser::StrInput<'input>>,
    anchors: BTreeMap<usize, (Value, usize)>,
    nodes: usize,
}

impl<'input> Loader<'_, 'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let place = Place {
                    file: Arc::clone(self.file),
                    line: error.marker().line(),
                };
                Err(Error::invalid(format!("{place}: {}", shorten(&error.to_string()))))
            }
            None => Err(Error::invalid(format!("{}: it ends too early", self.file.display()))),
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place {
            file: Arc::clone(self.file),
            line: span.start.line(),
        }
    }

    fn count(&mut self, nodes: usize, depth: usize, place: &Place) -> Result<()> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES || depth > DEEPEST {
            return Err(Error::invalid(format!(
                "{place}: its values and anchors stand for too much"
            )));
        }
        Ok(())
    }

    /// `key` is the one whose value it is.
    fn node(&mut self, event: Event<'input>, span: &Span, depth: usize, key: Option<&str>) -> Result<Value> {
        let place = self.place(span);
        self.count(1, depth, &place)?;
        let before = self.nodes;
        let (value, anchor, tag) = match event {
            Event::Alias(anchor) => {
                let (value, nodes) = self.anchors.get(&anchor).cloned().unwrap_or_else(|| {
                    // An anchor within itself.
                    (Value::unknown(&place, Unknown::default()), 1)
                });
                self.count(nodes, depth, &place)?;
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&place, &text, style, tag.as_deref());
                // Wherever its anchor is used.
                let origin = key.map(|key| Origin::named(&[key]));
                (value.from(origin.unwrap_or_default()), anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut members = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => members.push(self.node(event, &span, depth + 1, None)?),
                    }
                }
                (Value::new(&place, Data::List(members)), anchor, tag)
            }
            Event::MappingStart(_, anchor, tag) => (Value::map(&place, self.entries(depth)?), anchor, tag),
            _ => return Err(Error::invalid(format!("{place}: no value where one is wanted"))),
        };
        let value = tagged(value, tag.as_deref());
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before + 1));
        }
        Ok(value)
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(String, Value)>> {
        let mut entries = Vec::<(String, Value)>::new();
        let mut names = BTreeSet::new();
        // `<<` of YAML 1.1; what stands in the mapping itself wins.
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, &span, depth + 1, None)?;
            let Some(name) = key.text() else {
                return Err(Error::invalid(format!("{}: a key that is no text", key.place)));
            };
            let (event, span) = self.next()?;
            let mut value = self.node(event, &span, depth + 1, Some(&name))?;
            // Of a block, the key's line is what people look for.
            value.place = key.place.clone();
            if name == "<<" {
                merged.push(value);
            } else if !names.insert(name.clone()) {
                let name = shorten(&name);
                return Err(Error::invalid(format!("{}: key `{name}` comes twice", key.place)));
            } else {
                entries.push((name, value));
            }
        }
        for (name, value) in merged.iter().flat_map(Value::members).flat_map(Value::entries) {
            if names.insert(name.clone()) {
                entries.push((name.clone(), value.clone()));
            }
        }
        Ok(entries)
    }
}

/// By the core schema of YAML 1.2; quoted text is text.
fn scalar(place: &Place, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| !tag.is_yaml_core_schema_tag("int"));
    let data = match text {
        _ if is_text => Data::String(text.to_owned()),
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ if text.parse::<f64>().is_ok()
            && text.starts_with(['-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
        {
            Data::Number(text.to_owned())
        }
        _ => Data::String(text.to_owned()),
    };
    Value::new(place, data)
}

/// `!Ref x` is `{"Ref": x}`, `!Sub x` is `{"Fn::Sub": x}`: the two forms that CloudFormation has of each.
fn tagged(value: Value, tag: Option<&Tag>) -> Value {
    let Some(tag) = tag.filter(|tag| tag.handle() == "!" && !tag.suffix().is_empty()) else {
        return value;
    };
    let name = match tag.suffix() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    };
    let place = value.place.clone();
    Value::new(&place, Data::Map(vec![(name, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> serde_json::Value {
        let value = parse(&Path::new("template.yaml").into(), text).expect("YAML");
        value.to_json().expect("known")
    }

    #[test]
    fn tags_are_the_longer_forms() {
        let yaml =
            "A: !Ref Table\nB: !Sub '${A}-x'\nC: !GetAtt Table.Arn\nD: !Join ['', [a, !Ref B]]\nE: !If [C, 1, 2]\n";
        assert_eq!(
            json(yaml),
            serde_json::json!({
                "A": {"Ref": "Table"}, "B": {"Fn::Sub": "${A}-x"}, "C": {"Fn::GetAtt": "Table.Arn"},
                "D": {"Fn::Join": ["", ["a", {"Ref": "B"}]]}, "E": {"Fn::If": ["C", 1, 2]}
            })
        );
    }

    #[test]
    fn json_is_yaml_and_tabs_are_space_there() {
        assert_eq!(
            json("{\n\t\"a\": [1, true, null],\n\t\"b\": {\"c\": \"\\u00e9\"}\n}\n"),
            serde_json::json!({"a": [1, true, null], "b": {"c": "é"}})
        );
    }

    #[test]
    fn anchors_and_merge_keys_stand_for_what_they_name() {
        assert_eq!(
            json("base: &base {a: 1, b: 2}\nx: {<<: *base, b: 3}\ny: *base\n"),
            serde_json::json!({"base": {"a": 1, "b": 2}, "x": {"a": 1, "b": 3}, "y": {"a": 1, "b": 2}})
        );
        let bomb = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)
        });
        let error = parse(&Path::new("b.yaml").into(), &bomb).expect_err("too much");
        assert!(error.message().contains("stand for too much"), "{error}");
    }

    #[test]
    fn scalars_keep_their_spelling_and_places_their_line() {
        let value = parse(&Path::new("a.yaml").into(), "a:\n  b: 1.0\n  c: '8'\n  d: yes\n").expect("YAML");
        let texts = ["b", "c", "d"].map(|key| value.at(&["a", key]).and_then(Value::text));
        assert_eq!(texts, ["1.0", "8", "yes"].map(|text| Some(text.to_owned())));
        assert_eq!(
            value.at(&["a", "d"]).map(|value| value.place.to_string()),
            Some("a.yaml:4".to_owned())
        );
        let error = parse(&Path::new("a.yaml").into(), "a: [1\nb: 2\n").expect_err("no YAML");
        assert!(error.message().starts_with("a.yaml:"), "{error}");
    }
}
