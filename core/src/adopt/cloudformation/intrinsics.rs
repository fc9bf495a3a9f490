//! CloudFormation's functions, as far as their result is known without deploying.

use super::super::value::{Data, Part, Place, Unknown, Value};

/// What functions refer to.
pub struct Context<'a> {
    pub parameters: Option<&'a Value>,
    pub mappings: Option<&'a Value>,
}

impl Context<'_> {
    /// The value with all that is known in it put in.
    pub fn resolve(&self, value: &Value) -> Value {
        let place = &value.place;
        let data = match &value.data {
            Data::List(members) => {
                let members = members.iter().map(|member| self.resolve(member));
                Data::List(members.filter(|member| !is_no_value(member)).collect())
            }
            Data::Map(entries) => match &entries[..] {
                [(name, argument)] if name == "Ref" || name.starts_with("Fn::") => {
                    return self.call(place, name, argument);
                }
                entries => {
                    let entries = entries.iter().map(|(key, value)| (key.clone(), self.resolve(value)));
                    Data::Map(entries.filter(|(_, value)| !is_no_value(value)).collect())
                }
            },
            data => data.clone(),
        };
        Value::new(place, data)
    }

    fn call(&self, place: &Place, name: &str, argument: &Value) -> Value {
        let argument = match name {
            // Its variables are no values yet.
            "Fn::Sub" => argument.clone(),
            _ => self.resolve(argument),
        };
        let known = match name {
            "Ref" => argument.as_str().and_then(|name| self.parameter(name)),
            "Fn::Sub" => self.substitute(&argument),
            "Fn::Join" => join(&argument),
            "Fn::Select" => select(&argument),
            "Fn::FindInMap" => self.find_in_map(&argument),
            _ => None,
        };
        known.map_or_else(|| unknown(place, name, &argument), |data| Value::new(place, data))
    }

    /// The default of a parameter, if it is one that says what is used.
    fn parameter(&self, name: &str) -> Option<Data> {
        let parameter = self.parameters?.get(name)?;
        // A value of Parameter Store's is known there alone.
        let is_plain = parameter
            .get("Type")
            .and_then(Value::as_str)
            .is_some_and(|kind| !kind.starts_with("AWS::SSM"));
        let is_hidden = parameter
            .get("NoEcho")
            .and_then(Value::text)
            .is_some_and(|text| text == "true");
        let default = parameter.get("Default").filter(|_| is_plain && !is_hidden)?;
        let is_list = parameter
            .get("Type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.starts_with("List") || kind == "CommaDelimitedList");
        match (is_list, default.text()?) {
            (true, text) => {
                let members = text
                    .split(',')
                    .map(|member| Value::string(&default.place, member.trim()));
                Some(Data::List(members.collect()))
            }
            (false, _) => Some(default.data.clone()),
        }
    }

    /// `${Name}`, `${Name.Attribute}`, and `${!Literal}`.
    fn substitute(&self, argument: &Value) -> Option<Data> {
        let (template, variables) = match argument.members() {
            [template] => (template.as_str()?, None),
            [template, variables] => (template.as_str()?, Some(variables)),
            _ => return None,
        };
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            text.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => text.push_str(&format!("${{{literal}}}")),
                None => {
                    let given = variables.and_then(|variables| variables.get(name.trim()));
                    let value = match given {
                        Some(value) => self.resolve(value).text()?,
                        None => Value::new(&argument.place, self.parameter(name.trim())?).text()?,
                    };
                    text.push_str(&value);
                }
            }
            rest = after;
        }
        Some(Data::String(text + rest))
    }

    fn find_in_map(&self, argument: &Value) -> Option<Data> {
        let [map, first, second] = argument.members() else {
            return None;
        };
        let found = self.mappings?.at(&[map.as_str()?, &first.text()?, &second.text()?])?;
        Some(found.data.clone())
    }
}

fn is_no_value(value: &Value) -> bool {
    matches!(&value.data, Data::Unknown(unknown) if unknown.names() == ["Ref", "AWS::NoValue"])
}

fn join(argument: &Value) -> Option<Data> {
    let [separator, list] = argument.members() else {
        return None;
    };
    let parts: Vec<String> = list.members().iter().map(Value::text).collect::<Option<_>>()?;
    Some(Data::String(parts.join(separator.as_str()?)))
}

fn select(argument: &Value) -> Option<Data> {
    let [index, list] = argument.members() else {
        return None;
    };
    let index: usize = index.text()?.parse().ok()?;
    list.members()
        .get(index)
        .filter(|value| value.first_unknown().is_none())
        .map(|value| value.data.clone())
}

/// As YAML has it, and what it refers to.
fn unknown(place: &Place, name: &str, argument: &Value) -> Value {
    let short = name.strip_prefix("Fn::").unwrap_or(name);
    let shown = match argument.text() {
        Some(text) => text,
        None => {
            let texts: Option<Vec<String>> = argument.members().iter().map(Value::text).collect();
            texts
                .filter(|texts| !texts.is_empty())
                .map_or_else(|| "…".to_owned(), |texts| format!("[{}]", texts.join(", ")))
        }
    };
    let referred = argument.members().first().and_then(Value::text);
    Value::new(
        place,
        Data::Unknown(Unknown {
            text: format!("!{short} {shown}"),
            reference: [Some(name.to_owned()), referred]
                .into_iter()
                .flatten()
                .map(Part::Name)
                .collect(),
        }),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::yaml;
    use super::*;

    #[test]
    fn what_parameters_and_mappings_say_is_known() {
        let text = "\
Parameters:
  Stage: {Type: String, Default: dev}
  Password: {Type: String, NoEcho: true, Default: hunter2}
  Path: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}
  Subnets: {Type: CommaDelimitedList, Default: 'a, b'}
Mappings: {Memory: {dev: {size: 512}}}
Values:
  A: !Ref Stage
  B: !Sub 'x-${Stage}-${!Stage}'
  C: !Sub ['${A}-${Stage}', {A: !Ref Stage}]
  D: !Join ['-', [a, !Ref Stage]]
  E: !FindInMap [Memory, !Ref Stage, size]
  F: !Ref Subnets
  G: !Ref AWS::NoValue
  U: [!Ref Password, !Ref Path, !Sub '${AWS::Region}', !GetAtt T.Arn, !If [C, 1, 2], !ImportValue x]
";
        let template = yaml::parse(&Path::new("t.yaml").into(), text).expect("YAML");
        let context = Context {
            parameters: template.get("Parameters"),
            mappings: template.get("Mappings"),
        };
        let values = context.resolve(template.get("Values").expect("values"));
        let unknown = values.get("U").expect("a list").members().iter();
        let unknown: Vec<_> = unknown
            .map(|value| value.first_unknown().map_or("known", |it| &it.text))
            .collect();
        assert_eq!(
            unknown,
            [
                "!Ref Password",
                "!Ref Path",
                "!Sub ${AWS::Region}",
                "!GetAtt T.Arn",
                "!If [C, 1, 2]",
                "!ImportValue x"
            ]
        );
        let known =
            ["A", "B", "C", "D", "E", "F"].map(|key| values.get(key).expect("a value").to_json().expect("known"));
        assert_eq!(
            serde_json::json!(known),
            serde_json::json!(["dev", "x-dev-${Stage}", "dev-dev", "a-dev", 512, ["a", "b"]])
        );
        assert!(values.get("G").is_none());
    }
}
