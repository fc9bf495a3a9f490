//! Which class a secret in an environment probably is of, and why: a table of what variables are called and what their values
//! look like.

mod kept;
#[cfg(test)]
mod tests;

use serde::Serialize;

use kept::{Kept, key_of_json};

pub use kept::Place;

use super::environment::{self, is_reference, named};
use super::guard::VARIABLES;
use super::rules::{self, Rule};
use crate::function::{Build, Charset, Function, SecretClass};
use crate::json::Object;

/// What to declare in the place of a variable. Nothing in it comes from a value, but for the name or ARN of where one is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    pub function: String,
    /// As the definition has it, from its top.
    pub key: String,
    pub class: SecretClass,
    pub why: String,
    /// An entry for `secrets` of the definition.
    pub secret: Snippet,
}

/// An entry for `secrets`, in the order in which people read it.
#[derive(Clone, Debug, Serialize)]
pub struct Snippet {
    pub id: String,
    pub class: SecretClass,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<Charset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What of an existing secret is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(flatten)]
    pub place: Option<Place>,
}

/// Suggestions for the variables of a function, and of the program that builds it, that look like secrets.
pub fn classify(function: &Function) -> Vec<Suggestion> {
    let definition = &function.definition;
    let of_build = match &definition.build {
        Some(Object(Build::Command(build))) => Some(&build.environment),
        _ => None,
    };
    let environments = VARIABLES.into_iter().zip([definition.environment.as_ref(), of_build]);
    let variables = environments.flat_map(|(prefix, variables)| {
        let variables = variables.into_iter().flat_map(|variables| variables.iter());
        variables.map(move |(name, value)| (prefix, name.as_str(), value))
    });
    let suggestions = variables.filter_map(|(prefix, name, value)| {
        let rule = environment::find(name, value);
        let is_deployed = prefix == VARIABLES[0];
        let kept = is_deployed.then(|| kept(name, value)).flatten();
        let (class, why) = match &kept {
            Some(kept) => (SecretClass::RemoteFetch, kept.place.why()),
            None if !looks_like_secret(name, value, rule) => return None,
            None if is_deployed => class_of(name, rule),
            None => (
                SecretClass::Infrastructure,
                "only what builds the function has it, and what builds are told is kept with packages".to_owned(),
            ),
        };
        Some(Suggestion {
            function: function.name.to_string(),
            key: format!("{prefix}{name}"),
            class,
            why,
            secret: snippet(name, class, rule, kept),
        })
    });
    suggestions.collect()
}

/// What to declare in the place of a variable that held a secret: one that is asked for, unless `kept` says where there is one, as
/// CloudFormation does (`{{resolve:…}}`), and `key` which key of its JSON is meant. `taken` are the names of other variables.
pub fn declaration(name: &str, kept: Option<&str>, key: Option<&str>, taken: impl Fn(&str) -> bool) -> Option<Snippet> {
    let kept = kept.and_then(Kept::of).map(|mut kept| {
        kept.parts.extend(key.map(key_of_json));
        kept
    });
    let class = match kept {
        Some(_) => SecretClass::RemoteFetch,
        None => SecretClass::UserPrompt,
    };
    let targets = ["_SECRET", "_NAME", "_SECRET_NAME"].map(|end| format!("{name}{end}"));
    let is_free = |target: &&String| !taken(target) && !target.ends_with("SECRET_SECRET");
    Some(Snippet {
        // What it held until now was the secret itself.
        target: Some(targets.iter().find(is_free)?.clone()),
        ..snippet(name, class, None, kept)
    })
}

fn looks_like_secret(name: &str, value: &str, rule: Option<&Rule>) -> bool {
    // Switches and limits: `MAX_TOKEN`, `REQUIRE_PASSWORD`.
    let is_setting = value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty()
        || ["true", "false", "yes", "no", "on", "off"].contains(&value.to_ascii_lowercase().as_str());
    rule.is_some() || named(name).is_some() && !is_setting && !is_reference(value)
}

/// Where a value says that the secret is.
fn kept(name: &str, value: &str) -> Option<Kept> {
    if value.starts_with("arn:")
        && [":secretsmanager:", ":ssm:"]
            .iter()
            .any(|service| value.contains(service))
    {
        return Some(Place::Arn(value.to_owned()).into());
    }
    if let Some(kept) = Kept::of(value) {
        return Some(kept);
    }
    // A path that could be a password isn't shown: these are words.
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
    };
    named(name)?;
    match value.strip_prefix('/') {
        Some(path) if path.contains('/') && path.split('/').all(is_word) => {
            Some(Place::Parameter(value.to_owned()).into())
        }
        None if value.contains('/') && value.split('/').all(is_word) => Some(Place::Name(value.to_owned()).into()),
        _ => None,
    }
}

/// A row of the table: words of names, rules of values, and what they say.
struct Row {
    words: &'static [&'static str],
    rules: &'static [&'static str],
    class: SecretClass,
    why: &'static str,
}

/// The first that fits counts, rules before words.
const ROWS: [Row; 5] = [
    Row {
        words: &["WEBHOOK", "OAUTH", "CLIENT", "CONSUMER"],
        rules: &["webhook-secret", "slack-webhook", "google-oauth-secret"],
        class: SecretClass::UserPrompt,
        why: "who runs the other side gives it to whoever installs this",
    },
    Row {
        words: &["AWS"],
        rules: &["aws-access-key-id", "aws-secret-access-key"],
        class: SecretClass::Infrastructure,
        why: "a function has the credentials of its role, so that it needs no key of AWS",
    },
    Row {
        words: &[
            "GITHUB",
            "GH",
            "GITLAB",
            "BITBUCKET",
            "CI",
            "NPM",
            "PYPI",
            "TWINE",
            "CARGO",
            "DOCKER",
            "REGISTRY",
            "TF",
            "TERRAFORM",
            "PULUMI",
            "DEPLOY",
            "CODECOV",
            "SONAR",
            "ARTIFACTORY",
            "NEXUS",
            "KUBE",
            "SSH",
            "RUBYGEMS",
        ],
        rules: &[
            "github-token",
            "gitlab-token",
            "npm-token",
            "pypi-token",
            "rubygems-key",
            "docker-token",
            "terraform-token",
            "vault-token",
            "putty-private-key",
            "age-secret-key",
        ],
        class: SecretClass::Infrastructure,
        why: "it is for what builds and deploys the function, which itself doesn't need it",
    },
    Row {
        words: &[
            "SESSION",
            "COOKIE",
            "CSRF",
            "XSRF",
            "JWT",
            "SIGNING",
            "HMAC",
            "ENCRYPTION",
            "SALT",
            "PEPPER",
            "DJANGO",
            "FLASK",
            "INTERNAL",
        ],
        rules: &[],
        class: SecretClass::PerInstallGenerated,
        why: "nobody outside needs to know it, so that each installation can have one that nobody has ever seen",
    },
    Row {
        words: &[
            "DB",
            "DATABASE",
            "POSTGRES",
            "POSTGRESQL",
            "PG",
            "MYSQL",
            "MONGO",
            "MONGODB",
            "REDIS",
            "RDS",
        ],
        rules: &["password-in-url"],
        class: SecretClass::UserPrompt,
        why: "who set up the database knows it; if Secrets Manager has it, as it has passwords that RDS manages, use `remote_fetch` \
              with its `arn`",
    },
];

/// Names that say nothing but that frameworks sign with it.
const GENERATED_NAMES: [&str; 4] = ["SECRET_KEY", "SECRET_KEY_BASE", "APP_SECRET", "APP_KEY"];

fn class_of(name: &str, rule: Option<&Rule>) -> (SecretClass, String) {
    let upper = name.to_ascii_uppercase();
    let by_rule = || {
        ROWS.iter()
            .find(|row| rule.is_some_and(|rule| row.rules.contains(&rule.id)))
    };
    let by_name = || {
        ROWS.iter()
            .find(|row| upper.split('_').any(|word| row.words.contains(&word)))
    };
    // A value of a known format says more than a name.
    let is_known = rule.is_some_and(|rule| rule.id != rules::VARIABLE);
    let found = match is_known {
        true => by_rule(),
        false => by_name(),
    };
    let (class, why) = match found {
        Some(row) => (row.class, row.why),
        None if !is_known && GENERATED_NAMES.contains(&upper.as_str()) => {
            let generated = &ROWS[3];
            (generated.class, generated.why)
        }
        None => (
            SecretClass::UserPrompt,
            "others issue it, so that whoever installs the function has it, and nobody else",
        ),
    };
    let sign = match rule {
        Some(rule) if is_known => format!("its value looks like {}", rule.what),
        Some(_) if named(name).is_none() => "its value is that of an `Authorization` header".to_owned(),
        Some(_) => "its name speaks of a secret, and its value looks like one".to_owned(),
        None => "its name speaks of a secret".to_owned(),
    };
    (class, format!("{sign}: {why}"))
}

fn snippet(name: &str, class: SecretClass, rule: Option<&'static Rule>, kept: Option<Kept>) -> Snippet {
    let words: Vec<String> = name
        .split('_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let is = |wanted| class == wanted;
    let target = match (class, name.to_ascii_uppercase().ends_with("SECRET")) {
        (SecretClass::Infrastructure, _) => None,
        // It holds a name or ARN already.
        (SecretClass::RemoteFetch, _) => Some(name.to_owned()),
        (_, true) => Some(format!("{name}_NAME")),
        (_, false) => Some(format!("{name}_SECRET")),
    };
    let kind = rule
        .map(|rule| rule.id)
        .filter(|id| is(SecretClass::Infrastructure) && *id != rules::VARIABLE);
    let generated = is(SecretClass::PerInstallGenerated);
    let label = || {
        let text = words.join(" ");
        let first = text.chars().next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(text.chars().skip(1)).collect()
    };
    Snippet {
        id: words.join("-"),
        class,
        target,
        reason: is(SecretClass::Infrastructure).then_some("for building and deploying; no function needs it"),
        kind,
        variable: is(SecretClass::Infrastructure).then(|| name.to_owned()),
        length: generated.then_some(32),
        charset: generated.then_some(Charset::Alphanumeric),
        label: is(SecretClass::UserPrompt).then(label),
        description: kept.as_ref().and_then(Kept::part),
        place: kept.map(|kept| kept.place),
    }
}
