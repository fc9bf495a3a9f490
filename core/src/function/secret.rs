//! The key `secrets` of a definition, and of a profile: what becomes of a secret, never the secret itself.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use schemars::{JsonSchema, Schema};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::allowed_secret::RuleId;
use super::definition::{EnvironmentKeyRule, Kind, PatternRule, ReasonRule, SecretIdRule, UniqueMap, is_reserved};
use super::text::{Bounded, GlobText, Text};
use crate::json::{self, Object};
use crate::{Error, Result, collect_all, secrets};

/// A secret, by its name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = keys_of_classes)]
pub struct Secret {
    pub id: Text<SecretIdRule>,
    pub class: SecretClass,
    /// Environment variable that will hold its name or ARN, for the function to read it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Text<EnvironmentKeyRule>>,
    /// `infrastructure`: why it stays where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<ReasonRule>>,
    /// `infrastructure`: the rule that finds secrets like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RuleId>,
    /// `infrastructure`: variable of the environment in which packages are made, whose value it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<Text<EnvironmentKeyRule>>,
    /// Regular expression: of what it looks like (`infrastructure`), or of what may be entered (`user_prompt`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Text<PatternRule>>,
    /// `per_install_generated`: number of characters; default 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Bounded<8, 4096>>,
    /// `per_install_generated`: default `alphanumeric`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<Charset>,
    /// `user_prompt`: what it is called where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Name of an existing SSM parameter that holds it (`user_prompt`, `remote_fetch`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// `remote_fetch`: ARN of the secret or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// `remote_fetch`: name of the secret in Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In profiles: the functions that it is for; default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<GlobText>>,
}

/// What becomes of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SecretClass", rename_all = "snake_case")]
pub enum SecretClass {
    /// It never leaves: what would be packed with it is refused.
    Infrastructure,
    /// Made when the function is deployed for the first time.
    PerInstallGenerated,
    /// Asked for when the function is deployed.
    UserPrompt,
    /// It exists; the function reads it when it runs.
    RemoteFetch,
}

crate::fixed_words!(read and written SecretClass);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Charset", rename_all = "snake_case")]
pub enum Charset {
    #[default]
    Alphanumeric,
    Hex,
    /// Letters, digits, `-` and `_`.
    UrlSafe,
    /// All that can be printed, but for spaces, quotes, `/`, `@` and `\`.
    Printable,
}

crate::fixed_words!(read and written Charset);

impl SecretClass {
    pub const ALL: [SecretClass; 4] = [
        SecretClass::Infrastructure,
        SecretClass::PerInstallGenerated,
        SecretClass::UserPrompt,
        SecretClass::RemoteFetch,
    ];

    pub fn name(self) -> &'static str {
        match self {
            SecretClass::Infrastructure => "infrastructure",
            SecretClass::PerInstallGenerated => "per_install_generated",
            SecretClass::UserPrompt => "user_prompt",
            SecretClass::RemoteFetch => "remote_fetch",
        }
    }
}

/// The variable that an id names, if it is such a name.
pub(crate) fn variable_of_id(id: &str) -> Option<&str> {
    id.parse::<Text<EnvironmentKeyRule>>().is_ok().then_some(id)
}

impl Charset {
    /// Each once, as ASCII.
    pub fn characters(self) -> Vec<u8> {
        let is_in: fn(&u8) -> bool = match self {
            Charset::Alphanumeric => u8::is_ascii_alphanumeric,
            Charset::Hex => |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Charset::UrlSafe => |byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte),
            Charset::Printable => |byte| byte.is_ascii_graphic() && !br#""'`/@\"#.contains(byte),
        };
        (0..=u8::MAX).filter(is_in).collect()
    }
}

/// A key, the classes that have it, and whether a secret has it.
type Owned = (&'static str, &'static [SecretClass], fn(&Secret) -> bool);

const OWNERS: [Owned; 12] = {
    use SecretClass::{Infrastructure, PerInstallGenerated, RemoteFetch, UserPrompt};
    [
        ("target", &[PerInstallGenerated, UserPrompt, RemoteFetch], |it| {
            it.target.is_some()
        }),
        ("reason", &[Infrastructure], |it| it.reason.is_some()),
        ("kind", &[Infrastructure], |it| it.kind.is_some()),
        ("variable", &[Infrastructure], |it| it.variable.is_some()),
        ("pattern", &[Infrastructure, UserPrompt], |it| it.pattern.is_some()),
        ("length", &[PerInstallGenerated], |it| it.length.is_some()),
        ("charset", &[PerInstallGenerated], |it| it.charset.is_some()),
        ("label", &[UserPrompt], |it| it.label.is_some()),
        ("description", &SecretClass::ALL, |it| it.description.is_some()),
        ("parameter", &[UserPrompt, RemoteFetch], |it| it.parameter.is_some()),
        ("arn", &[RemoteFetch], |it| it.arn.is_some()),
        ("name", &[RemoteFetch], |it| it.name.is_some()),
    ]
};

/// The keys that say where a secret is. `remote_fetch` has one of them.
const PLACES: [&str; 3] = ["arn", "name", "parameter"];

/// What [`Secret::check`] says of classes, for the JSON Schema. `null` is as if the key weren't there.
fn keys_of_classes(schema: &mut Schema) {
    let rules = SecretClass::ALL.map(|class| {
        let others = OWNERS.into_iter().filter(|(_, classes, _)| !classes.contains(&class));
        let others: Map<String, Value> = others
            .map(|(key, ..)| (key.to_owned(), json!({"type": "null"})))
            .collect();
        let has = |key: &str| json!({"required": [key], "properties": {key: {"not": {"type": "null"}}}});
        let needed = match class {
            SecretClass::Infrastructure => has("reason"),
            _ => has("target"),
        };
        let mut all = vec![json!({ "properties": others }), needed];
        if class == SecretClass::RemoteFetch {
            all.push(json!({ "oneOf": PLACES.map(has) }));
        }
        json!({
            "if": {"required": ["class"], "properties": {"class": {"const": class.name()}}},
            "then": { "allOf": all },
        })
    });
    schema.insert("allOf".to_owned(), rules.to_vec().into());
}

/// Characters of a value that is made up: 190 bits of `alphanumeric`, 128 of `hex`.
const DEFAULT_LENGTH: Bounded<8, 4096> = Bounded::literal(32);

impl Secret {
    /// A declaration by itself; `place` names it in messages.
    pub fn parse(place: &str, json: &[u8]) -> Result<Self> {
        let secret: Secret = json::parse_object(place, json)?;
        secret.check().map_err(|error| error.within(place))?;
        Ok(secret)
    }

    /// Of a value that is made up, in characters.
    pub fn length(&self) -> usize {
        let length = self.length.unwrap_or(DEFAULT_LENGTH).get();
        usize::try_from(length).expect("it is bounded")
    }

    /// Whether a value is as `pattern` demands.
    pub fn accepts(&self, value: &str) -> bool {
        let regex = self.pattern.as_ref().map(|pattern| Regex::new(pattern.as_str()));
        regex.is_none_or(|regex| regex.expect("patterns are checked when they are read").is_match(value))
    }

    pub fn is_deployed(&self) -> bool {
        self.class != SecretClass::Infrastructure
    }

    /// The variable whose value it is. Where nothing says by what it is known, it is the one that `id` names.
    pub fn known_variable(&self) -> Option<&str> {
        let by_id = || (self.kind.is_none() && self.pattern.is_none()).then(|| variable_of_id(self.id.as_str()));
        let variable = self.variable.as_ref().map(Text::as_str);
        variable.or_else(|| by_id()?)
    }

    fn check(&self) -> Result<()> {
        let class = self.class;
        let misplaced = |(_, classes, is_set): &Owned| is_set(self) && !classes.contains(&class);
        if let Some((key, classes, _)) = OWNERS.into_iter().find(misplaced) {
            let classes: Vec<&str> = classes.iter().map(|class| class.name()).collect();
            return Err(
                Error::invalid(format!("a secret of class `{}` has no key `{key}`", class.name()))
                    .help(format!("it is for `{}`", classes.join("`, `"))),
            );
        }
        let missing = |key: &str, help: &str| {
            Err(Error::invalid(format!(
                "key `{key}` is missing: the secret `{}` is of class `{}`",
                self.id,
                class.name()
            ))
            .help(help))
        };
        if self.is_deployed() && self.target.is_none() {
            return missing(
                "target",
                "name the environment variable that the function finds its name or ARN in",
            );
        }
        if class == SecretClass::Infrastructure && self.reason.is_none() {
            return missing(
                "reason",
                "say why no function needs it, for those who read what was left out",
            );
        }
        let sources = [self.arn.is_some(), self.name.is_some(), self.parameter.is_some()];
        if class == SecretClass::RemoteFetch && sources.into_iter().filter(|set| *set).count() != 1 {
            return Err(
                Error::invalid(format!("where the secret `{}` is must be said once", self.id))
                    .help("set one of `arn`, `name` (Secrets Manager) and `parameter` (SSM)"),
            );
        }
        let Some(pattern) = &self.pattern else { return Ok(()) };
        let compiled = match class {
            SecretClass::Infrastructure => secrets::searching(pattern.as_str()).map(drop),
            _ => Regex::new(pattern.as_str())
                .map(drop)
                .map_err(|error| error.to_string()),
        };
        compiled.map_err(|why| Error::invalid(why.replace('\n', " ")).in_key("pattern"))
    }
}

/// Fails on what each secret by itself, or two of one id, are not allowed to say.
pub(crate) fn check(secrets: &[Object<Secret>], key: &str) -> Result<()> {
    let mut ids = BTreeSet::new();
    let checked = secrets.iter().enumerate().map(|(index, Object(secret))| {
        let twice = match ids.insert(secret.id.as_str()) {
            true => Ok(()),
            false => Err(Error::invalid(format!("the secret `{}` comes twice", secret.id))),
        };
        let checked = secret.check().and(twice);
        checked.map_err(|error| error.in_key(&format!("{key}[{index}]")))
    });
    collect_all(checked).map(drop)
}

/// Fails where secrets contradict what else a definition says.
pub(super) fn check_together<K: Ord + AsRef<str>>(
    secrets: &[Object<Secret>],
    kind: Kind,
    environment: Option<&UniqueMap<K>>,
) -> Result<()> {
    let mut targets = BTreeSet::new();
    let checked = secrets.iter().enumerate().map(|(index, Object(secret))| {
        let Some(target) = &secret.target else { return Ok(()) };
        let checked = check_target(target.as_str(), secret, kind, environment);
        let twice = match targets.insert(target.as_str()) {
            true => Ok(()),
            false => Err(Error::invalid(format!(
                "the variable `{target}` is the target of two secrets"
            ))),
        };
        checked
            .and(twice)
            .map_err(|error| error.at_key(format_args!("{SECRETS}[{index}].target")))
    });
    collect_all(checked).map(drop)
}

fn check_target<K: Ord + AsRef<str>>(
    target: &str,
    secret: &Secret,
    kind: Kind,
    environment: Option<&UniqueMap<K>>,
) -> Result<()> {
    if kind == Kind::Layer {
        return Err(Error::invalid(format!(
            "a layer can't have the secret `{}`: it has no environment",
            secret.id
        ))
        .help("declare it in the functions that read it"));
    }
    if is_reserved(target) {
        return Err(Error::invalid(format!(
            "the variable `{target}`, the target of the secret `{}`, is set by Lambda itself",
            secret.id
        ))
        .help("use another name: Lambda refuses functions that set this one"));
    }
    if environment.is_some_and(|environment| environment.get(target).is_some()) {
        return Err(Error::invalid(format!(
            "the variable `{target}` is in `environment`, and the target of the secret `{}`",
            secret.id
        ))
        .help("remove it from `environment`: when the function is deployed, it gets the secret's name"));
    }
    Ok(())
}

/// What is wrong with each secret of a definition that couldn't be read: reading it ends at the first.
pub(super) fn faults(place: &Path, definition: &[u8]) -> Vec<Error> {
    #[derive(Deserialize)]
    struct Declared<'a> {
        #[serde(borrow, default)]
        secrets: Vec<&'a RawValue>,
    }
    let Ok(declared) = serde_json::from_slice::<Declared>(json::without_mark(definition)) else {
        return Vec::new();
    };
    let secrets = declared.secrets.into_iter().enumerate();
    let faults = secrets.filter_map(|(index, text)| {
        let key = format!("{SECRETS}[{index}]");
        let secret: Result<Object<Secret>> = json::parse_part(place.display(), definition, text, &key);
        match secret {
            Ok(Object(secret)) => {
                let error = secret.check().err()?.in_key(&key);
                Some(error.within_text(place.display(), |key| json::position(definition, key)))
            }
            Err(error) => Some(error),
        }
    });
    faults.collect()
}

/// The key of a definition that declares them.
const SECRETS: &str = "secrets";

pub(super) fn none_is_deployed(secrets: &[Object<Secret>]) -> bool {
    !secrets.iter().any(|Object(secret)| secret.is_deployed())
}

/// Those that a function gets: what never leaves isn't even named.
pub(super) fn deployed<S: Serializer>(secrets: &[Object<Secret>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().filter(|Object(secret)| secret.is_deployed()))
}
