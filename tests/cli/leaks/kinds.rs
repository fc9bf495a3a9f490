//! Twenty kinds of secrets, made up when the tests run: no scanner finds any in this repository.

#[path = "../../../core/src/secrets/tests/made_up.rs"]
mod made_up;

use made_up::{capitals, hex, word};

/// The kinds of the leak table.
pub const KINDS: [&str; 20] = [
    "private-key",
    "aws-access-key-id",
    "aws-secret-access-key",
    "github-token",
    "gitlab-token",
    "slack-token",
    "slack-webhook",
    "stripe-key",
    "npm-token",
    "pypi-token",
    "openai-key",
    "anthropic-key",
    "google-api-key",
    "google-oauth-secret",
    "azure-storage-key",
    "datadog-key",
    "digitalocean-token",
    "vault-token",
    "terraform-token",
    "password-in-url",
];

/// A secret of this kind, as it stands in a file.
pub fn token(kind: &str) -> String {
    match kind {
        "private-key" => format!("-----BEGIN RSA PRIVATE {}-----\n{}\n{}", "KEY", word(64), word(64)),
        "aws-access-key-id" => ["AK", "IA", &capitals(16)].concat(),
        "aws-secret-access-key" => format!("aws_secret_access_key = {}", word(40)),
        "github-token" => format!("gh{}_{}", "p", word(36)),
        "gitlab-token" => format!("gl{}-{}", "pat", word(20)),
        "slack-token" => format!("xox{}-123456789012-1234567890123-{}", "b", word(24)),
        "slack-webhook" => {
            let path = format!("T{}/B{}/{}", capitals(8), capitals(10), word(24));
            format!("https://hooks.slack.{}/services/{path}", "com")
        }
        "stripe-key" => format!("sk_{}_{}", "live", word(24)),
        "npm-token" => format!("np{}_{}", "m", word(36)),
        "pypi-token" => format!("pypi-{}EIcHlwaS5vcmc{}", "Ag", word(60)),
        "openai-key" => format!("sk-{}-{}", "proj", word(48)),
        "anthropic-key" => format!("sk-{}-api03-{}", "ant", word(95)),
        "google-api-key" => format!("AI{}{}", "za", word(35)),
        "google-oauth-secret" => format!("GO{}-{}", "CSPX", word(28)),
        "azure-storage-key" => format!("AccountName=a;Account{}={}==", "Key", word(86)),
        "datadog-key" => format!("DD_API_KEY: {}", hex(32)),
        "digitalocean-token" => format!("do{}_v1_{}", "p", hex(64)),
        "vault-token" => format!("hv{}.{}", "s", word(90)),
        "terraform-token" => format!("{}.atlas{}.{}", word(14), "v1", word(67)),
        "password-in-url" => format!("postgres://admin:{}@db.internal:5432/app", word(12)),
        other => panic!("no token of the kind {other}"),
    }
}

/// What nobody may see of it: how the part begins that isn't the same in all.
pub fn core(kind: &str) -> String {
    const SHOWN: usize = 12;
    let core = match kind {
        "datadog-key" | "digitalocean-token" => hex(SHOWN),
        "aws-access-key-id" => capitals(SHOWN),
        _ => word(SHOWN),
    };
    assert!(token(kind).contains(&core), "{kind}");
    core
}
