//! Everything about declared secrets that can be known before functions are deployed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::{Guard, SecretValue, infrastructure};
use crate::fitness::{Status, Tier};
use crate::function::{Function, Secret, SecretClass};
use crate::json::Object;
use crate::profile::Profile;
use crate::{Error, Result};

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
    let mut by_id = BTreeMap::<&str, Vec<(&Function, &Secret)>>::new();
    for function in functions.values() {
        for Object(secret) in &function.definition.secrets {
            by_id.entry(secret.id.as_str()).or_default().push((function, secret));
        }
    }
    let mut checks = Vec::new();
    for (id, declarations) in &by_id {
        let secret = declarations[0].1;
        let mut of_secret = vec![agreement(declarations)];
        match secret.class {
            SecretClass::Infrastructure => of_secret.push(known_by(secret, &value_of)?),
            SecretClass::PerInstallGenerated | SecretClass::UserPrompt | SecretClass::RemoteFetch => {
                of_secret.push(place(secret));
                of_secret.extend(tier(profile, declarations));
            }
        }
        of_secret.extend(pattern(secret));
        checks.extend(of_secret.into_iter().map(|check| Check {
            secret: Some((*id).to_owned()),
            ..check
        }));
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
    let of_secrets = checks
        .iter()
        .filter(|check| check.status == Status::Fail && check.secret.is_some());
    failed.extend(of_secrets.map(|check| {
        let id = check.secret.as_deref().unwrap_or_default();
        let error = Error::invalid(format!("secret `{id}`: {}", check.detail));
        error.help(check.remedy.as_deref().unwrap_or_default())
    }));
    Ok(Checked {
        failed: Error::join(failed),
        checks,
    })
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
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

/// Where it is, or will be: a name that AWS takes.
fn place(secret: &Secret) -> Check {
    const CHECK: &str = "place";
    let name = secret.name.as_deref().map(secret_name);
    let parameter = secret.parameter.as_deref().map(parameter_name);
    let checked = name.or(parameter).or(secret.arn.as_deref().map(arn));
    match (checked, &secret.arn) {
        (Some(Ok(detail)), Some(arn)) if may_be_cut_off(arn) => Check::warn(
            CHECK,
            format!("{detail}, which ends like a name: AWS ends the ARNs of secrets with six characters of its own"),
            "if it lacks them, add them, or the role can't read the secret",
        ),
        (Some(Ok(detail)), _) => Check::pass(CHECK, detail),
        (Some(Err((detail, remedy))), _) => Check::fail(CHECK, detail, remedy),
        // What an id may hold, a name may.
        (None, _) => Check::pass(
            CHECK,
            "made in Secrets Manager under its id, after the module's prefixes",
        ),
    }
}

type Place = Result<String, (String, &'static str)>;

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
fn secret_name(name: &str) -> Place {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[A-Za-z0-9/_+=.@-]{1,512}$").expect("a literal"));
    match NAME.is_match(name) {
        true => Ok(format!("the secret `{name}` in Secrets Manager")),
        false => Err((
            "Secrets Manager takes no such name".to_owned(),
            "use 1 to 512 letters, digits and `/_+=.@-`",
        )),
    }
}

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
fn parameter_name(name: &str) -> Place {
    const MOST_BYTES: usize = 1011;
    const MOST_LEVELS: usize = 15;
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$").expect("a literal"));
    let refused = |detail: String, remedy| Err((detail, remedy));
    if !NAME.is_match(name) || name.len() > MOST_BYTES {
        return refused(
            "Parameter Store takes no such name".to_owned(),
            "use letters, digits and `_.-`, in levels that begin with `/`",
        );
    }
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if ["aws", "ssm"].iter().any(|reserved| first.starts_with(reserved)) {
        return refused(
            format!("`{name}` begins with `aws` or `ssm`, which Parameter Store keeps for AWS"),
            "choose another name",
        );
    }
    if name.contains('/') && !name.starts_with('/') {
        return refused(
            format!("`{name}` has levels, and doesn't begin with `/`"),
            "put `/` in front of it",
        );
    }
    if name.matches('/').count() > MOST_LEVELS {
        return refused(format!("`{name}` has more than {MOST_LEVELS} levels"), "use fewer");
    }
    Ok(format!("the parameter `{name}` in Parameter Store"))
}

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>, and of
/// `awssystemsmanager`.
fn arn(arn: &str) -> Place {
    const REMEDY: &str =
        "use `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX` or `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`";
    static ARN: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = "^arn:aws[a-z-]*:(?:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+|ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+)$";
        Regex::new(pattern).expect("a literal")
    });
    if arn.contains(['*', '?']) {
        return Err((
            "an ARN with `*` or `?` names more than one secret, and the role may read just one".to_owned(),
            REMEDY,
        ));
    }
    match ARN.is_match(arn) {
        true => Ok(format!("`{arn}`")),
        false => Err(("it is no ARN of a secret or of a parameter".to_owned(), REMEDY)),
    }
}

/// Whether what looks like the end of an ARN may be a name's: `…:secret:cookie-secret`.
fn may_be_cut_off(arn: &str) -> bool {
    const SUFFIX: usize = 6;
    let last = arn.rsplit_once('-').map(|(_, last)| last).unwrap_or_default();
    arn.contains(":secretsmanager:") && last.len() == SUFFIX && last.bytes().all(|byte| byte.is_ascii_lowercase())
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
    let fault = match value_of(variable)? {
        None => Some((
            format!("`{variable}` is not set here: its value is looked for only where it is"),
            "set it where packages are made, or say what it looks like with `kind` or `pattern`",
        )),
        Some(value) if value.reveal().trim().chars().count() < infrastructure::SHORTEST => Some((
            format!(
                "`{variable}` holds fewer than {} characters: that much is in every text",
                infrastructure::SHORTEST
            ),
            "use a longer secret",
        )),
        Some(_) => None,
    };
    Ok(match fault {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::secrets::protect;

    /// Status and detail of a check, of the functions that declare these secrets.
    fn checked(functions: &[Value], check_name: &str) -> Vec<(Status, String)> {
        let parsed = functions.iter().enumerate().map(|(index, definition)| {
            let file = format!("f{index}.json");
            let function = Function::parse(Path::new(&file), definition.to_string().as_bytes()).expect("a definition");
            (function.name.to_string(), function)
        });
        let mut functions = parsed.collect();
        let value_of = |name: &str| {
            let value = [("LONG", "0123456789"), ("SHORT", "0123")]
                .into_iter()
                .find(|(known, _)| *known == name);
            Ok(value.map(|(_, value)| SecretValue::new(value.to_owned())))
        };
        protect(&mut functions, value_of).expect("protected");
        let checks = check(&functions, None, value_of).expect("checked").checks;
        let of_name = checks.into_iter().filter(|check| check.check == check_name);
        of_name.map(|check| (check.status, check.detail)).collect()
    }

    #[track_caller]
    fn assert_one(secret: Value, check: &str, status: Status, words: &str) {
        let found = checked(&[json!({"source": "a", "secrets": [secret]})], check);
        let [(found, detail)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(*found, status, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }

    #[test]
    fn places_are_names_that_aws_takes() {
        let fetch = |key: &str, value: &str| json!({"id": "a", "class": "remote_fetch", "target": "AB", key: value});
        for (key, value) in [
            ("name", "prod/db@x+y=z"),
            ("parameter", "/shop/smtp"),
            ("parameter", "smtp"),
            (
                "arn",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/x-AbCdEf",
            ),
            ("arn", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/shop/x"),
        ] {
            assert_one(fetch(key, value), "place", Status::Pass, value);
        }
        for (key, value, words) in [
            ("name", "a b", "no such name"),
            ("parameter", "/a//b", "no such name"),
            ("parameter", "/awsx/b", "keeps for AWS"),
            ("parameter", "SSM-x", "keeps for AWS"),
            ("parameter", "a/b", "doesn't begin with `/`"),
            ("parameter", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "15 levels"),
            (
                "arn",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/*",
                "more than one",
            ),
            ("arn", "arn:aws:s3:::bucket", "no ARN of a secret"),
            ("arn", "arn:aws:ssm:eu-west-1:1234:parameter/x", "no ARN of a secret"),
        ] {
            assert_one(fetch(key, value), "place", Status::Fail, words);
        }
        let made = |id: &str| json!({"id": id, "class": "per_install_generated", "target": "AB"});
        assert_one(made("shop/cookie-key"), "place", Status::Pass, "under its id");
        let cut_off = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cookie-secret";
        assert_one(fetch("arn", cut_off), "place", Status::Warn, "ends like a name");
    }

    #[test]
    fn the_infrastructures_secrets_are_known_by_something() {
        let secret = |more: Value| {
            let mut secret = json!({"id": "a-b", "class": "infrastructure", "reason": "r"});
            secret
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("an object").clone());
            secret
        };
        let cases = [
            (json!({"variable": "LONG"}), Status::Pass, "the value of `LONG`"),
            (json!({"id": "LONG"}), Status::Pass, "the value of `LONG`"),
            (json!({"kind": "npm-token"}), Status::Pass, "kind `npm-token`"),
            (json!({"pattern": "corp_x"}), Status::Pass, "its pattern"),
            (json!({"variable": "SHORT"}), Status::Warn, "fewer than 8"),
            (json!({"variable": "NONE"}), Status::Warn, "not set here"),
            (json!({}), Status::Warn, "nothing says"),
        ];
        for (more, status, words) in cases {
            assert_one(secret(more), "known_by", status, words);
        }
    }

    #[test]
    fn one_id_is_one_secret() {
        let definition = |length: u32, target: &str| {
            let secret = json!({"id": "key", "class": "per_install_generated", "length": length, "target": target});
            json!({"source": "a", "secrets": [secret]})
        };
        let alike = checked(&[definition(32, "AB"), definition(32, "CD")], "declaration");
        assert_eq!(
            alike,
            [(
                Status::Pass,
                "per_install_generated, declared by 2 definitions".to_owned()
            )]
        );
        let unlike = checked(&[definition(32, "AB"), definition(33, "AB")], "declaration");
        assert_eq!(
            unlike,
            [(
                Status::Fail,
                "`f0` and `f1` say different things of its `length`".to_owned()
            )]
        );
    }

    #[test]
    fn values_in_the_environment_fail_and_are_not_shown() {
        let definition = json!({"source": "a", "environment": {"DB_PASSWORD": "hunter2!x", "MODE": "on"}});
        let found = checked(&[definition], "environment");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Status::Fail);
        assert!(
            found[0].1.contains("environment.DB_PASSWORD") && !found[0].1.contains("hunter2"),
            "{found:?}"
        );
        let fine = checked(&[json!({"source": "a", "environment": {"MODE": "on"}})], "environment");
        assert_eq!(
            fine,
            [(Status::Pass, "no variable of 1 definition holds a secret".to_owned())]
        );
    }

    #[test]
    fn a_prompt_that_takes_nothing_is_warned_of() {
        let secret = |pattern: &str| json!({"id": "a", "class": "user_prompt", "target": "AB", "pattern": pattern});
        assert_one(secret("^.{8,}$"), "pattern", Status::Pass, "compiles");
        assert_one(secret("^.*$"), "pattern", Status::Warn, "empty");
    }
}
