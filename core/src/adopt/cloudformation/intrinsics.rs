//! CloudFormation's functions, as far as their result is known without deploying.

use super::super::origin::Origin;
use super::super::resolve::{LARGEST, Resolver, Seen};
use super::super::unknown::{Part, Says, Tool, Unknown};
use super::super::value::{Data, Value};
use crate::secrets;

/// What functions refer to.
pub struct Context<'a> {
    pub parameters: Option<&'a Value>,
    pub mappings: Option<&'a Value>,
    pub resolver: &'a Resolver<'a>,
}

impl Context<'_> {
    /// The value with all that is known in it put in.
    pub fn resolve(&self, value: &Value) -> Value {
        self.resolver.value(&value.place, |seen| self.data(value, seen))
    }

    fn data(&self, value: &Value, seen: &Seen) -> Result<Data, Unknown> {
        seen.add(value.origin);
        Ok(match &value.data {
            Data::List(members) => {
                let members = members.iter().map(|member| self.resolve(member));
                Data::List(members.filter(|member| !is_no_value(member)).collect())
            }
            Data::Map(entries) => match &entries[..] {
                [(name, argument)] if name == "Ref" || name.starts_with("Fn::") => {
                    return self.call(name, argument, seen);
                }
                entries => {
                    let entries = entries.iter().map(|(key, value)| (key.clone(), self.resolve(value)));
                    Value::map(&value.place, entries.filter(|(_, value)| !is_no_value(value))).data
                }
            },
            // A secret, or a parameter's value: CloudFormation puts it in.
            Data::String(text) if text.contains("{{resolve:") => {
                return Err(Unknown {
                    says: match text.contains("{{resolve:ssm:") {
                        true => Says::Nothing,
                        false => Says::Secret,
                    },
                    kept: Some(text.clone()),
                    ..Unknown::default()
                });
            }
            data => data.clone(),
        })
    }

    fn call(&self, name: &str, argument: &Value, seen: &Seen) -> Result<Data, Unknown> {
        let argument = self.resolve(argument);
        seen.add(argument.origin_of_parts());
        let known = match name {
            "Ref" => argument.as_str().and_then(|name| self.parameter(name, seen)),
            "Fn::Sub" => return self.substitute(&argument, seen),
            "Fn::Join" => join(&argument),
            "Fn::Select" => select(&argument),
            "Fn::FindInMap" => self.find_in_map(&argument, seen),
            _ => None,
        };
        known.ok_or_else(|| self.unknown(name, &argument))
    }

    /// The default of a parameter, if it is one that says what is used.
    fn parameter(&self, name: &str, seen: &Seen) -> Option<Data> {
        let parameter = self.parameters?.get(name)?;
        seen.add(Origin::named(&[name]));
        // A value of Parameter Store's is known there alone.
        let is_plain = parameter
            .get("Type")
            .and_then(Value::as_str)
            .is_some_and(|kind| !kind.starts_with("AWS::SSM"));
        let default = parameter.get("Default").filter(|_| is_plain && !self.is_hidden(name))?;
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
    fn substitute(&self, argument: &Value, seen: &Seen) -> Result<Data, Unknown> {
        let (template, variables) = match argument.members() {
            [template] => (template, None),
            [template, variables] => (template, Some(variables)),
            _ => return Err(Unknown::default()),
        };
        let mut text = String::new();
        let mut rest = template.as_str().ok_or_else(|| self.unknown("Fn::Sub", template))?;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(Unknown::default)?;
            text.push_str(before);
            match (name.strip_prefix('!'), name.trim()) {
                (Some(literal), _) => text.push_str(&format!("${{{literal}}}")),
                (None, name) => {
                    let given = variables.and_then(|variables| variables.get(name)).cloned();
                    let own = || self.parameter(name, seen).map(|data| Value::new(&argument.place, data));
                    let value = given.or_else(own);
                    let value = value.ok_or_else(|| self.unknown("Ref", &Value::string(&argument.place, name)))?;
                    let copy = self.resolver.copy(&value);
                    text.push_str(&copy.text().ok_or_else(|| self.unknown("Fn::Sub", &copy))?);
                }
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(Data::String(text))
    }

    /// What a call refers to whose result isn't known: what its arguments refer to, or the names that it takes itself.
    fn unknown(&self, name: &str, argument: &Value) -> Unknown {
        if let Some(unknown) = argument.first_unknown() {
            return unknown.clone();
        }
        let names = match name {
            "Ref" | "Fn::GetAtt" | "Fn::ImportValue" => {
                let names: Vec<String> = argument.members().iter().filter_map(Value::text).collect();
                Some(names.join("."))
            }
            _ => None,
        };
        let is_attribute = name == "Ref" && names.as_ref().is_some_and(|names| names.contains('.'));
        let name = if is_attribute { "Fn::GetAtt" } else { name };
        let says = match (name, &names) {
            ("Ref", Some(name)) if self.is_hidden(name) => Says::Secret,
            // What a resource is called, or where it is.
            ("Ref", Some(name)) if self.parameters.is_none_or(|all| all.get(name).is_none()) => Says::Name,
            ("Fn::GetAtt", Some(names)) if names.rsplit('.').next().is_some_and(secrets::is_of_another_thing) => {
                Says::Name
            }
            _ => Says::Nothing,
        };
        let parts = [Some(name.to_owned()), names].into_iter().flatten();
        Unknown {
            says,
            ..Unknown::of(Tool::CloudFormation, parts.map(Part::Name).collect())
        }
    }

    /// Whether it is a parameter that is kept out of what CloudFormation shows.
    fn is_hidden(&self, name: &str) -> bool {
        let parameter = self.parameters.and_then(|parameters| parameters.get(name));
        let hidden = parameter.and_then(|parameter| parameter.get("NoEcho")?.text());
        hidden.is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    fn find_in_map(&self, argument: &Value, seen: &Seen) -> Option<Data> {
        let [map, first, second] = argument.members() else {
            return None;
        };
        let (map, first, second) = (map.as_str()?, first.text()?, second.text()?);
        let path = [map, first.as_str(), second.as_str()];
        seen.add(Origin::named(&path));
        Some(self.mappings?.at(&path)?.data.clone())
    }
}

fn is_no_value(value: &Value) -> bool {
    matches!(&value.data, Data::Unknown(unknown) if unknown.names() == ["Ref", "AWS::NoValue"])
}

fn join(argument: &Value) -> Option<Data> {
    let [separator, list] = argument.members() else {
        return None;
    };
    let separator = separator.as_str()?;
    let parts: Vec<String> = list.members().iter().map(Value::text).collect::<Option<_>>()?;
    (separator.len() * parts.len() <= LARGEST).then(|| Data::String(parts.join(separator)))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::yaml;
    use super::*;
    use crate::Meter;

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
        let meter = Meter::default();
        let context = Context {
            parameters: template.get("Parameters"),
            mappings: template.get("Mappings"),
            resolver: &Resolver::new(&meter),
        };
        let values = context.resolve(template.get("Values").expect("values"));
        let unknown = values.get("U").expect("a list").members().iter();
        let unknown: Vec<_> = unknown
            .map(|value| {
                value
                    .first_unknown()
                    .map_or_else(|| "known".to_owned(), Unknown::to_string)
            })
            .collect();
        assert_eq!(
            unknown,
            [
                "!Ref Password",
                "!Ref Path",
                "!Ref AWS::Region",
                "!GetAtt T.Arn",
                "!If",
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
