//! Everything about declared secrets that can be known before functions are deployed.

mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use regex::Regex;
use serde::Serialize;

use super::{Guard, SecretValue, infrastructure};
use crate::fitness::{Status, Tier};
use crate::function::{Function, Secret, SecretClass};
use crate::json::Object;
use crate::profile::Profile;
use crate::{Error, Result, counted};

/// What was checked, and what came of it. No value is in it.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub check: &'static str,
    pub status: Status,
    /// The secret's id, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    pub detail: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Check {
            check,
            status,
            secret: None,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn pass(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Pass, detail)
    }

    fn warn(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check {
            remedy: Some(remedy.into()),
            ..Self::new(check, Status::Warn, detail)
        }
    }

    fn fail(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check {
            remedy: Some(remedy.into()),
            ..Self::new(check, Status::Fail, detail)
        }
    }
}

/// What came of all checks.
pub struct Checked {
    pub checks: Vec<Check>,
    /// The failures, for those who only want to know whether there are any.
    pub failed: Option<Error>,
}

/// Checks the secrets of `functions`, which `profile` has been applied to, and which are protected. `value_of` gives the values
/// of this machine's variables.
pub fn check(
    functions: &BTreeMap<String, Function>,
    profile: Option<&Profile>,
    value_of: impl Fn(&str) -> Result<Option<SecretValue>>,
) -> Result<Checked> {
    let mut checks = Vec::new();
    for (id, declarations) in by_id(functions.values()) {
        let secret = declarations[0].1;
        let mut of_secret = of_declarations(&declarations, profile);
        if secret.class == SecretClass::Infrastructure {
            of_secret.push(known_by(secret, &value_of)?);
        }
        of_secret.extend(pattern(secret));
        checks.extend(of_secret.into_iter().map(|check| of_secret_named(id, check)));
    }
    let mut failed = Vec::new();
    for function in functions.values() {
        let Err(error) = Guard::of(function).check_environment() else {
            continue;
        };
        let error = error.within(format_args!("function `{}`", function.name));
        checks.extend(error.each().map(|error| {
            let remedy = error.help_text().unwrap_or_default();
            Check::fail("environment", error.message(), remedy)
        }));
        failed.push(error);
    }
    if failed.is_empty() {
        let detail = format!(
            "no variable of {} holds a secret",
            counted(functions.len(), "definition")
        );
        checks.push(Check::pass("environment", detail));
    }
    failed.extend(failures(&checks));
    Ok(Checked {
        failed: Error::join(failed),
        checks,
    })
}

/// Fails where the secrets that `functions` declare contradict each other or the profile, or name what AWS can't have: nothing of that
/// may be deployed. Knows no values, and needs none.
pub fn check_declarations<'a>(functions: impl Iterator<Item = &'a Function>, profile: Option<&Profile>) -> Result<()> {
    let checks = by_id(functions).into_iter().flat_map(|(id, declarations)| {
        let of_secret = of_declarations(&declarations, profile).into_iter();
        of_secret.map(move |check| of_secret_named(id, check))
    });
    let checks: Vec<Check> = checks.collect();
    Error::join(failures(&checks)).map_or(Ok(()), Err)
}

type Declarations<'a> = Vec<(&'a Function, &'a Secret)>;

fn by_id<'a>(functions: impl Iterator<Item = &'a Function>) -> BTreeMap<&'a str, Declarations<'a>> {
    let mut by_id = BTreeMap::<&str, Declarations>::new();
    for function in functions {
        for Object(secret) in &function.definition.secrets {
            by_id.entry(secret.id.as_str()).or_default().push((function, secret));
        }
    }
    by_id
}

/// What is known of a secret by its declarations alone.
fn of_declarations(declarations: &[(&Function, &Secret)], profile: Option<&Profile>) -> Vec<Check> {
    let secret = declarations[0].1;
    let mut checks = vec![agreement(declarations)];
    if secret.is_deployed() {
        checks.push(place::place(secret));
        checks.extend(tier(profile, declarations));
    }
    checks
}

fn of_secret_named(id: &str, check: Check) -> Check {
    Check {
        secret: Some(id.to_owned()),
        ..check
    }
}

/// Those of secrets; an environment has errors of its own.
fn failures(checks: &[Check]) -> impl Iterator<Item = Error> {
    let of_secrets = checks.iter().filter(|check| check.status == Status::Fail);
    of_secrets.filter_map(|check| {
        let id = check.secret.as_deref()?;
        let error = Error::invalid(format!("secret `{id}`: {}", check.detail));
        Some(error.help(check.remedy.as_deref().unwrap_or_default()))
    })
}

/// One id is one secret, whichever functions have it.
fn agreement(declarations: &[(&Function, &Secret)]) -> Check {
    const CHECK: &str = "declaration";
    let (first, secret) = declarations[0];
    let keys = |secret: &Secret| {
        let json = serde_json::to_value(secret).expect("a declaration is JSON");
        ["class", "length", "charset", "pattern", "parameter", "arn", "name"].map(|key| (key, json.get(key).cloned()))
    };
    let said = keys(secret);
    let other = declarations.iter().find_map(|(function, secret)| {
        let pairs = keys(secret).into_iter().zip(&said);
        let (key, _) = pairs
            .map(|(own, said)| (own.0, own != *said))
            .find(|(_, differs)| *differs)?;
        Some((function, key))
    });
    match other {
        Some((other, key)) => Check::fail(
            CHECK,
            format!(
                "`{}` and `{}` say different things of its `{key}`",
                first.name, other.name
            ),
            "one id is one secret: declare it alike, or give one of them another id",
        ),
        None => Check::pass(
            CHECK,
            format!(
                "{}, declared by {}",
                secret.class.name(),
                counted(declarations.len(), "definition")
            ),
        ),
    }
}

/// By what a secret of the infrastructure is known.
fn known_by(secret: &Secret, value_of: impl Fn(&str) -> Result<Option<SecretValue>>) -> Result<Check> {
    const CHECK: &str = "known_by";
    let kind = secret.kind.map(|kind| format!("kind `{}`", kind.rule().id));
    let pattern = secret.pattern.as_ref().map(|_| "its pattern".to_owned());
    let mut signs: Vec<String> = kind.into_iter().chain(pattern).collect();
    let Some(variable) = secret.known_variable() else {
        return Ok(match signs.is_empty() {
            false => Check::pass(CHECK, signs.join(", ")),
            true => Check::warn(
                CHECK,
                "nothing says by what it is known: only an environment variable of its name is refused",
                "set `kind`, `pattern`, or `variable`: the one that holds it where packages are made",
            ),
        });
    };
    signs.push(format!("the value of `{variable}`"));
    Ok(match infrastructure::fault(variable, value_of(variable)?.as_ref()) {
        Some((detail, remedy)) => Check::warn(CHECK, detail, remedy),
        None => Check::pass(CHECK, signs.join(", ")),
    })
}

/// Compiled when the definition was read.
fn pattern(secret: &Secret) -> Option<Check> {
    const CHECK: &str = "pattern";
    let pattern = secret.pattern.as_ref()?;
    let takes_nothing =
        secret.class == SecretClass::UserPrompt && Regex::new(pattern.as_str()).is_ok_and(|regex| regex.is_match(""));
    Some(match takes_nothing {
        true => Check::warn(CHECK, "it allows an empty value", "demand a character at least: `^.+$`"),
        false => Check::pass(CHECK, "it compiles"),
    })
}

/// Where functions have no environment, nothing tells them the name of a secret.
fn tier(profile: Option<&Profile>, declarations: &[(&Function, &Secret)]) -> Option<Check> {
    let profile = profile.filter(|profile| profile.tier == Tier::LambdaEdge)?;
    let functions: Vec<&str> = declarations
        .iter()
        .map(|(function, _)| function.name.as_str())
        .collect();
    Some(Check::fail(
        "tier",
        format!(
            "`{}` can't be told of it: functions at the edge have no environment variables",
            functions.join("`, `")
        ),
        format!(
            "leave them out of the profile `{}`, or read the secret by a name in the code",
            profile.name
        ),
    ))
}
