//! What a secret looks like: one table. A vendor's own description of the format stands above each rule.
//!
//! No crate has such a table that fits here: kingfisher-rules needs a C++ library and brings data under CC BY-SA, others are
//! programs. A rule begins with a literal that is rare elsewhere, since all that is packed is searched for it.

use std::sync::OnceLock;

use regex::bytes::Regex;

use super::likeness::{any, is_jwt, is_mixed, is_password_url, is_real};

/// A kind of secret.
pub struct Rule {
    /// Its name in messages and in `allowed_secrets`: never changed, since definitions name it.
    pub id: &'static str,
    /// What was found, in words.
    pub what: &'static str,
    pub sign: Sign,
}

/// What gives a secret away.
pub enum Sign {
    Content(Pattern),
    /// The name of the file, in lower case.
    FileName(fn(&str) -> bool),
    /// The name and value of an environment variable, see [`super::environment`].
    Variable,
}

pub struct Pattern {
    /// A match begins with one of these; four bytes at least, and none begins with another one.
    pub literals: &'static [&'static str],
    /// What may stand before it.
    pub before: Before,
    /// From the literal on. What the check gets is the first group, or else all of it.
    pattern: &'static str,
    /// Whether it is one, and no example: a second look at what matches.
    check: fn(&[u8]) -> bool,
    regex: OnceLock<Regex>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Anything,
    /// No letter, digit or `_`, so that it isn't the end of a word.
    NoWord,
    /// No capital and no digit.
    NoCapital,
    /// The beginning of a PEM header (RFC 7468, 3), which its end lacks.
    Begin,
}

impl Before {
    /// `text` is what stands before, or the end of it.
    pub fn allows(self, text: &[u8]) -> bool {
        let is_capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        match self {
            Before::Anything => true,
            Before::NoWord => !text
                .last()
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
            Before::NoCapital => !text.last().is_some_and(is_capital),
            Before::Begin => {
                let label = text.iter().rposition(|byte| !is_capital(byte) && *byte != b' ');
                label.is_some_and(|dash| text[dash..].starts_with(b"-BEGIN "))
            }
        }
    }
}

impl Pattern {
    /// How long the secret is that `text` begins with, in bytes. It begins with one of the literals; `None` if that is no secret.
    pub fn length(&self, text: &[u8]) -> Option<usize> {
        let regex = self.regex.get_or_init(|| {
            // Bytes, whatever they mean; compiled once, and only if its literal was found.
            Regex::new(&format!(r"(?s-u)\A(?:{})", self.pattern)).expect("a test compiles all patterns")
        });
        let groups = regex.captures(text)?;
        let secret = groups.get(1).unwrap_or_else(|| groups.get_match());
        (self.check)(secret.as_bytes()).then(|| groups.get_match().end())
    }
}

const fn content(
    id: &'static str,
    what: &'static str,
    literals: &'static [&'static str],
    before: Before,
    pattern: &'static str,
    check: fn(&[u8]) -> bool,
) -> Rule {
    let regex = OnceLock::new();
    Rule {
        id,
        what,
        sign: Sign::Content(Pattern {
            literals,
            before,
            pattern,
            check,
            regex,
        }),
    }
}

const fn file_name(id: &'static str, what: &'static str, is_match: fn(&str) -> bool) -> Rule {
    Rule {
        id,
        what,
        sign: Sign::FileName(is_match),
    }
}

/// The rule for what a variable's name says of its value.
pub const VARIABLE: &str = "secret-variable";

/// The rule for what goes on in further lines.
pub const PRIVATE_KEY: &str = "private-key";

pub static RULES: [Rule; 44] = [
    // RFC 7468, sections 10 and 11; RFC 1421, 4.6 (headers); RFC 9580, 6.2 (PGP). Forty digits must follow: programs that read
    // keys hold the header alone.
    content(
        PRIVATE_KEY,
        "a private key",
        &["PRIVATE KEY"],
        Before::Begin,
        r"PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-[^-]){0,200}?([A-Za-z0-9+/]{40})",
        is_real,
    ),
    // https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html
    content(
        "putty-private-key",
        "a PuTTY private key",
        &["PuTTY-User-Key-File-"],
        Before::Anything,
        r"PuTTY-User-Key-File-[0-9]: [a-z]",
        any,
    ),
    // https://age-encryption.org/v1: Bech32
    content(
        "age-secret-key",
        "an age secret key",
        &["AGE-SECRET-KEY-"],
        Before::Anything,
        r"AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58}",
        is_real,
    ),
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
    content(
        "aws-access-key-id",
        "an AWS access key ID",
        &["AKIA", "ASIA"],
        Before::NoCapital,
        r"(A[KS]IA[A-Z0-9]{16})(?:[^A-Z0-9]|\z)",
        is_real,
    ),
    // https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
    content(
        "aws-secret-access-key",
        "an AWS secret access key",
        &["ecret_access_key", "ECRET_ACCESS_KEY", "ecretAccessKey"],
        Before::Anything,
        r#"(?i:ecret_?access_?key)[\\"'\])]{0,3}\s{0,8}(?:=>|:=|[=:,>])\s{0,8}[\\"'`]{0,2}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|\z)"#,
        is_mixed,
    ),
    // https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available/ ; the checksum in
    // the last digits isn't looked at, because newer kinds have none.
    content(
        "github-token",
        "a GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        Before::Anything,
        r"(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{36}",
        is_real,
    ),
    // https://docs.gitlab.com/security/tokens/#token-prefixes
    content(
        "gitlab-token",
        "a GitLab token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glagent-"],
        Before::Anything,
        r"gl(?:pat|dt|rt|ptt|cbt|soat|agent)-[A-Za-z0-9_-]{20}",
        is_mixed,
    ),
    // https://docs.slack.dev/authentication/tokens
    content(
        "slack-token",
        "a Slack token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe", "xapp-"],
        Before::Anything,
        r"(?:xox[abeprs]-[0-9]+-[A-Za-z0-9-]{10}|xoxe\.xox[bp]-[0-9]-[A-Za-z0-9]{20}|xapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{20})",
        is_real,
    ),
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    content(
        "slack-webhook",
        "the address of a Slack webhook, which is its password",
        &["hooks.slack.com/"],
        Before::Anything,
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[TE][A-Z0-9]{6,}/[A-Z0-9]{6,}/[A-Za-z0-9]{16}",
        is_real,
    ),
    // https://docs.stripe.com/keys: keys of test mode reach nobody's money
    content(
        "stripe-key",
        "a Stripe key of live mode",
        &["sk_live_", "rk_live_"],
        Before::Anything,
        r"[rs]k_live_[A-Za-z0-9]{16}",
        is_real,
    ),
    // https://docs.stripe.com/webhooks/signature
    content(
        "webhook-secret",
        "the signing secret of a webhook",
        &["whsec_"],
        Before::NoWord,
        r"whsec_[A-Za-z0-9+/]{24}",
        is_mixed,
    ),
    // https://docs.npmjs.com/about-access-tokens, https://docs.npmjs.com/cli/configuring-npm/npmrc
    content(
        "npm-token",
        "an npm access token",
        &["npm_", "_authToken"],
        Before::Anything,
        r#"(?:(npm_[A-Za-z0-9]{36})|_authToken["']?\s{0,4}[=:]\s{0,4}["']?([A-Za-z0-9_/+.=-]{20}))"#,
        is_mixed,
    ),
    // https://pypi.org/help/#apitoken: a macaroon that begins with its location
    content(
        "pypi-token",
        "a PyPI API token",
        &["pypi-AgE"],
        Before::Anything,
        r"pypi-AgE[A-Za-z0-9_-]{40}",
        is_real,
    ),
    // https://platform.openai.com/docs/api-reference/authentication; in the middle of most is base64 of the vendor's name
    content(
        "openai-key",
        "an OpenAI API key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        Before::NoWord,
        r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}",
        is_mixed,
    ),
    content(
        "openai-legacy-key",
        "an OpenAI API key",
        &["T3BlbkFJ"],
        Before::Anything,
        r"T3BlbkFJ[A-Za-z0-9_-]{20}",
        is_real,
    ),
    // https://platform.claude.com/docs/en/api/overview
    content(
        "anthropic-key",
        "an Anthropic API key",
        &["sk-ant-"],
        Before::NoWord,
        r"sk-ant-[a-z]+[0-9]{2}-[A-Za-z0-9_-]{20}",
        is_real,
    ),
    // https://openrouter.ai/docs/api-reference/authentication
    content(
        "openrouter-key",
        "an OpenRouter API key",
        &["sk-or-v1-"],
        Before::NoWord,
        r"sk-or-v1-[0-9a-f]{32}",
        is_real,
    ),
    // https://huggingface.co/docs/hub/security-tokens
    content(
        "huggingface-token",
        "a Hugging Face token",
        &["\"hf_", "'hf_", "=hf_", " hf_"],
        Before::Anything,
        r#"["'= ]hf_[A-Za-z0-9]{30}"#,
        is_real,
    ),
    // https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys
    content(
        "sendgrid-key",
        "a SendGrid API key",
        &["\"SG.", "'SG.", "=SG.", " SG."],
        Before::Anything,
        r#"["'= ]SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{40}"#,
        is_real,
    ),
    // https://www.twilio.com/docs/iam/api/authtoken
    content(
        "twilio-auth-token",
        "a Twilio auth token",
        &["TWILIO_AUTH_TOKEN"],
        Before::Anything,
        r#"TWILIO_AUTH_TOKEN[\\"'\])]{0,3}\s{0,8}[=:,]\s{0,8}[\\"'`]{0,2}([0-9a-f]{32})"#,
        is_mixed,
    ),
    // https://docs.cloud.google.com/docs/authentication/api-keys
    content(
        "google-api-key",
        "a Google API key",
        &["AIza"],
        Before::NoWord,
        r"(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|\z)",
        is_mixed,
    ),
    // https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
    content(
        "google-oauth-secret",
        "a Google OAuth client secret",
        &["GOCSPX-"],
        Before::Anything,
        r"GOCSPX-[A-Za-z0-9_-]{24}",
        is_mixed,
    ),
    // https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    content(
        "azure-storage-key",
        "the key of an Azure storage account",
        &["AccountKey="],
        Before::Anything,
        r"AccountKey=([A-Za-z0-9+/]{86}==)",
        is_mixed,
    ),
    // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
    content(
        "azure-shared-access-key",
        "an Azure shared access key",
        &["SharedAccessKey="],
        Before::Anything,
        r"SharedAccessKey=([A-Za-z0-9+/]{43}=)",
        is_mixed,
    ),
    // https://docs.datadoghq.com/account_management/api-app-keys/
    content(
        "datadog-key",
        "a Datadog key",
        &["DD_API_KEY", "DD_APP_KEY"],
        Before::Anything,
        r#"DD_AP[IP]_KEY[\\"'\])]{0,3}\s{0,8}[=:,]\s{0,8}[\\"'`]{0,2}([0-9a-f]{32})"#,
        is_mixed,
    ),
    // https://docs.digitalocean.com/reference/api/create-personal-access-token/
    content(
        "digitalocean-token",
        "a DigitalOcean token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        Before::Anything,
        r"do[opr]_v1_[0-9a-f]{64}",
        is_real,
    ),
    // https://shopify.dev/docs/apps/build/authentication-authorization
    content(
        "shopify-token",
        "a Shopify token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        Before::Anything,
        r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}",
        is_real,
    ),
    // https://docs.databricks.com/aws/en/dev-tools/auth/pat
    content(
        "databricks-token",
        "a Databricks token",
        &["dapi"],
        Before::NoWord,
        r"dapi[0-9a-f]{32}",
        is_real,
    ),
    // https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
    content(
        "vault-token",
        "a HashiCorp Vault token",
        &["hvs.", "hvb."],
        Before::NoWord,
        r"hv[bs]\.[A-Za-z0-9_-]{24,}",
        is_mixed,
    ),
    // https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens
    content(
        "terraform-token",
        "an HCP Terraform token",
        &[".atlasv1."],
        Before::Anything,
        r"\.atlasv1\.[A-Za-z0-9_-]{60}",
        is_real,
    ),
    // https://grafana.com/docs/grafana/latest/administration/service-accounts/
    content(
        "grafana-token",
        "a Grafana service account token",
        &["glsa_"],
        Before::Anything,
        r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}",
        is_real,
    ),
    // https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/
    content(
        "newrelic-key",
        "a New Relic user key",
        &["NRAK-"],
        Before::Anything,
        r"NRAK-[A-Z0-9]{27}",
        is_real,
    ),
    // https://learning.postman.com/docs/developer/postman-api/authentication/
    content(
        "postman-key",
        "a Postman API key",
        &["PMAK-"],
        Before::Anything,
        r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
        is_real,
    ),
    // https://docs.sentry.io/account/auth-tokens/
    content(
        "sentry-token",
        "a Sentry auth token",
        &["sntrys_", "sntryu_"],
        Before::Anything,
        r"sntry[su]_[A-Za-z0-9+/=_]{40}",
        is_real,
    ),
    // https://docs.docker.com/security/access-tokens/
    content(
        "docker-token",
        "a Docker access token",
        &["dckr_pat_", "dckr_oat_"],
        Before::Anything,
        r"dckr_[op]at_[A-Za-z0-9_-]{27}",
        is_real,
    ),
    // https://guides.rubygems.org/api-key-scopes/
    content(
        "rubygems-key",
        "a RubyGems API key",
        &["rubygems_"],
        Before::Anything,
        r"rubygems_[0-9a-f]{48}",
        is_real,
    ),
    // https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
    content(
        "atlassian-token",
        "an Atlassian API token",
        &["ATATT3"],
        Before::Anything,
        r"ATATT3[A-Za-z0-9_=-]{60}",
        is_real,
    ),
    // https://linear.app/developers/graphql
    content(
        "linear-key",
        "a Linear API key",
        &["lin_api_"],
        Before::Anything,
        r"lin_api_[A-Za-z0-9]{32}",
        is_real,
    ),
    // RFC 7519, 3 and RFC 7515, 4.1: headers in base64url, by the parameter that comes first: `alg`, `typ`, `kid`, `cty`, `jku`,
    // `x5t`. More literals would make the search slower. Of a long token the beginning is enough: more isn't looked at.
    content(
        "jwt",
        "a JSON Web Token",
        &[
            "eyJhbGciO",
            "eyJ0eXAiO",
            "eyJraWQiO",
            "eyJjdHkiO",
            "eyJqa3UiO",
            "eyJ4NXQ",
        ],
        Before::NoWord,
        r"eyJ[A-Za-z0-9_-]+\.ey[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]{20}|[A-Za-z0-9_-]{450})",
        is_jwt,
    ),
    // RFC 3986, 3.2.1: the end of a scheme, user and password
    content(
        "password-in-url",
        "a password in a URL",
        &["s://", "p://", "l://", "b://", "v://", "r://"],
        Before::Anything,
        r#"[a-z]://[^\s/?#@:"'`<>\\]{0,100}:[^\s/?#@:"'`<>\\]{1,200}@[A-Za-z0-9._\[-][A-Za-z0-9._:\]-]{0,200}"#,
        is_password_url,
    ),
    // https://github.com/motdotla/dotenv: files that hold secrets by their purpose, but for templates of them
    file_name("env-file", "a file of secrets, by its name", |name| {
        const TEMPLATES: [&str; 7] = ["example", "sample", "template", "dist", "defaults", "tmpl", "schema"];
        let is_template = |rest: &str| rest.split('.').any(|part| TEMPLATES.contains(&part));
        name == ".env" || name.strip_prefix(".env.").is_some_and(|rest| !is_template(rest))
    }),
    // ssh-keygen(1), "FILES"; RFC 7292 (PKCS #12); KeePass
    file_name("key-file", "a file of private keys, by its name", |name| {
        const SUFFIXES: [&str; 4] = [".p12", ".pfx", ".ppk", ".kdbx"];
        [
            "id_rsa",
            "id_dsa",
            "id_ecdsa",
            "id_ecdsa_sk",
            "id_ed25519",
            "id_ed25519_sk",
        ]
        .contains(&name)
            || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    }),
    // gitcredentials(7), ftp(1), "33.16 The Password File" of PostgreSQL's documentation
    file_name("credentials-file", "a file of passwords, by its name", |name| {
        [".git-credentials", ".netrc", "_netrc", ".pgpass"].contains(&name)
    }),
    Rule {
        id: VARIABLE,
        what: "a value that looks like the secret that the variable's name speaks of, or that of an `Authorization` header",
        sign: Sign::Variable,
    },
];

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// All rules that look at content.
pub fn patterns() -> impl Iterator<Item = (&'static Rule, &'static Pattern)> {
    RULES.iter().filter_map(|rule| match &rule.sign {
        Sign::Content(pattern) => Some((rule, pattern)),
        Sign::FileName(_) | Sign::Variable => None,
    })
}
