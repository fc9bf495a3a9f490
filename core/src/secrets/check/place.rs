//! Names and ARNs, as AWS takes them.

use std::sync::LazyLock;

use regex::Regex;

use super::Check;
use crate::function::Secret;

/// Where it is, or will be: a name that AWS takes.
pub(super) fn place(secret: &Secret) -> Check {
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
