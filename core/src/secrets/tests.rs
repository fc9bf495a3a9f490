//! Examples are put together when the tests run, so that no scanner finds any in this repository.

mod made_up;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use made_up::{capitals, hex, noise, word};

use super::environment;
use super::rules::{self, RULES, Sign, patterns};
use super::scan::{Stream, scan};

/// At least one example of each rule that looks at content: the text that stands in a file.
fn examples() -> Vec<(&'static str, String)> {
    let key = |kind: &str| format!("-----BEGIN {kind}PRIVATE {}-----\n{}\n{}", "KEY", word(64), word(64));
    let id = |prefix: &str| format!("key = \"{prefix}{}\"", capitals(16));
    vec![
        ("private-key", key("")),
        ("private-key", key("RSA ")),
        ("private-key", key("OPENSSH ")),
        ("private-key", key("EC ").replace('\n', "\\n")),
        (
            "private-key",
            key("RSA ").replacen(
                '\n',
                "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789\n\n",
                1,
            ),
        ),
        (
            "private-key",
            format!(
                "-----BEGIN PGP PRIVATE {} BLOCK-----\nVersion: GnuPG v2\n\n{}",
                "KEY",
                word(64)
            ),
        ),
        ("putty-private-key", format!("PuTTY-User-{}-File-3: ssh-ed25519", "Key")),
        (
            "age-secret-key",
            format!(
                "AGE-SECRET-{}-1{}",
                "KEY",
                noise(58, b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")
            ),
        ),
        ("aws-access-key-id", id("AKIA")),
        ("aws-access-key-id", id("ASIA")),
        ("aws-secret-access-key", format!("aws_secret_access_key = {}", word(40))),
        ("aws-secret-access-key", format!("AWS_SECRET_ACCESS_KEY={}", word(40))),
        (
            "aws-secret-access-key",
            format!("{{\"SecretAccessKey\": \"{}\"}}", word(40)),
        ),
        (
            "aws-secret-access-key",
            format!("os.environ['AWS_SECRET_ACCESS_KEY'] = '{}'", word(40)),
        ),
        ("github-token", format!("gh{}_{}", "p", word(36))),
        ("github-token", format!("gh{}_{}", "s", word(36))),
        ("github-token", format!("github_{}_{}_{}", "pat", word(22), word(59))),
        ("gitlab-token", format!("gl{}-{}", "pat", word(20))),
        (
            "slack-token",
            format!("xox{}-123456789012-1234567890123-{}", "b", word(24)),
        ),
        (
            "slack-token",
            format!("xapp-1-A{}-1234567890123-{}", capitals(10), hex(64)),
        ),
        (
            "slack-webhook",
            format!(
                "https://hooks.slack.{}/services/T{}/B{}/{}",
                "com",
                capitals(8),
                capitals(10),
                word(24)
            ),
        ),
        ("stripe-key", format!("sk_{}_{}", "live", word(24))),
        ("webhook-secret", format!("wh{}_{}", "sec", word(32))),
        ("npm-token", format!("np{}_{}", "m", word(36))),
        (
            "npm-token",
            format!("//registry.example/:_auth{}={}", "Token", word(36)),
        ),
        ("pypi-token", format!("pypi-{}EIcHlwaS5vcmc{}", "Ag", word(60))),
        ("openai-key", format!("sk-{}-{}", "proj", word(48))),
        (
            "openai-legacy-key",
            format!("sk-{}T3Blb{}{}", word(20), "kFJ", word(20)),
        ),
        ("anthropic-key", format!("sk-{}-api03-{}", "ant", word(95))),
        ("openrouter-key", format!("sk-{}-v1-{}", "or", hex(64))),
        ("huggingface-token", format!("token = \"hf{}{}\"", "_", word(34))),
        ("sendgrid-key", format!("'S{}{}.{}'", "G.", word(22), word(43))),
        ("twilio-auth-token", format!("TWILIO_AUTH_TOKEN={}", hex(32))),
        ("google-api-key", format!("AI{}{}", "za", word(35))),
        ("google-oauth-secret", format!("GO{}-{}", "CSPX", word(28))),
        (
            "azure-storage-key",
            format!("AccountName=a;Account{}={}==", "Key", word(86)),
        ),
        (
            "azure-shared-access-key",
            format!("SharedAccess{}={}=", "Key", word(43)),
        ),
        ("datadog-key", format!("DD_API_KEY: {}", hex(32))),
        ("digitalocean-token", format!("do{}_v1_{}", "p", hex(64))),
        ("shopify-token", format!("sh{}_{}", "pat", hex(32))),
        ("databricks-token", format!("da{}{}", "pi", hex(32))),
        ("vault-token", format!("hv{}.{}", "s", word(90))),
        ("terraform-token", format!("{}.atlas{}.{}", word(14), "v1", word(67))),
        ("grafana-token", format!("gl{}_{}_{}", "sa", word(32), hex(8))),
        ("newrelic-key", format!("NR{}-{}", "AK", capitals(27))),
        ("postman-key", format!("PM{}-{}-{}", "AK", hex(24), hex(34))),
        ("sentry-token", format!("sntry{}_{}", "u", hex(64))),
        ("docker-token", format!("dckr_{}_{}", "pat", word(27))),
        ("rubygems-key", format!("ruby{}_{}", "gems", hex(48))),
        ("atlassian-token", format!("ATA{}{}", "TT3", word(186))),
        ("linear-key", format!("lin_{}_{}", "api", word(40))),
        (
            "jwt",
            jwt(
                r#"{"alg":"HS256","typ":"JWT"}"#,
                r#"{"sub":"service-17","iss":"https://id.corp.internal"}"#,
            ),
        ),
        (
            "jwt",
            jwt(
                r#"{"kid":"2026-a","alg":"RS256"}"#,
                r#"{"aud":"orders","iat":1795000000}"#,
            ),
        ),
        // Its signature stands further than is looked.
        (
            "jwt",
            jwt(
                r#"{"typ":"JWT","alg":"ES256"}"#,
                &format!(r#"{{"scope":"{}"}}"#, "orders:read ".repeat(200)),
            ),
        ),
        (
            "password-in-url",
            format!("postgres://admin:{}@db.internal:5432/app", word(12)),
        ),
        (
            "password-in-url",
            format!("mongodb+srv://admin:{}@cluster0.mongodb.net", word(12)),
        ),
        (
            "password-in-url",
            format!("https://bot:{}@git.company.com/a.git", word(12)),
        ),
        ("password-in-url", format!("redis://:{}@cache:6379", word(12))),
    ]
}

fn jwt(header: &str, payload: &str) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{payload}.{}", word(43))
}

#[test]
fn tokens_that_open_nothing_and_what_only_looks_like_tokens_are_none() {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    for text in [
        jwt(header, r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#),
        jwt(r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"iss":"joe","exp":1300819380}"#),
        jwt(header, r#"{"iss":"supabase","role":"anon"}"#),
        jwt(header, r#"{"a":"b"}"#),
        jwt(header, r#"{"iss":"https://id.example.com","sub":"a"}"#),
        jwt(r#"{"alg":"none"}"#, r#"{"sub":"service-17"}"#),
        jwt(r#"{"alg":17}"#, r#"{"sub":"service-17"}"#),
        jwt(r#"{"typ":"JWT"}"#, r#"{"sub":"service-17"}"#),
        format!(
            "{}.your-signature-comes-here-XXXXXX",
            jwt(header, r#"{"sub":"a"}"#).rsplit_once('.').expect("dots").0
        ),
        // What a program begins one with, a source map, and other data in base64.
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9".to_owned(),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.".to_owned(),
        format!(
            "base64,{}",
            URL_SAFE_NO_PAD.encode(r#"{"version":3,"sources":["alg"]}"#.repeat(30))
        ),
        format!("x{}", jwt(header, r#"{"sub":"service-17"}"#)),
    ] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

fn found(content: &[u8]) -> Vec<(&'static str, u64)> {
    let findings = scan(content);
    findings.iter().map(|finding| (finding.rule.id, finding.line)).collect()
}

#[test]
fn every_rule_finds_its_examples_in_files_and_in_the_environment() {
    let examples = examples();
    for (id, example) in &examples {
        let content = format!("first = 1\n\n{example}\n");
        let lines = found(content.as_bytes());
        assert!(
            lines.iter().any(|(rule, line)| rule == id && *line >= 3),
            "{id}: {lines:?}"
        );
        assert!(
            environment::find("SETTING", example).is_some(),
            "{id} in the environment"
        );
        let wide: Vec<u8> = content.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(found(&[&b"\xFF\xFE"[..], &wide].concat()), lines, "{id} in UTF-16");
    }
    for (rule, _) in patterns() {
        assert!(
            examples.iter().any(|(id, _)| *id == rule.id),
            "{} has an example",
            rule.id
        );
    }
}

#[test]
fn rules_can_be_told_apart() {
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len());
    let literals: Vec<&str> = patterns().flat_map(|(_, pattern)| pattern.literals).copied().collect();
    for literal in &literals {
        assert!(literal.len() >= 4, "{literal}: shorter ones make the search slow");
        let alike = literals.iter().filter(|other| other.starts_with(literal)).count();
        assert_eq!(alike, 1, "another literal begins with {literal}");
    }
}

#[test]
fn examples_of_documentations_and_placeholders_are_none() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "xoxb-your-token",
        "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----",
        "if text.startswith('-----BEGIN RSA PRIVATE KEY-----'): # ------------------------------------------------",
        "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa",
        "-----BEGIN DSA PRIVATE KEY-----<a key>-----END DSA PRIVATE KEY-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa",
        "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
        "postgres://user:password@localhost/db",
        "postgres://postgres:postgres@db/app",
        "https://user:pass@host.com/",
        "mysql://${USER}:${PASSWORD}@db/app",
        "redis://:%s@cache:6379",
        "https://example.com/a:b/c@2.0.0 and @scope/name",
        "task-proj-a-long-name-in-kebab-case-of-css",
        "SLOVAKIAANDOTHERCOUNTRIESINCAPITALS",
    ] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn names_of_files_tell() {
    let rule_of = |name: &str| {
        let matching = RULES
            .iter()
            .find(|rule| matches!(rule.sign, Sign::FileName(is_match) if is_match(name)));
        matching.map(|rule| rule.id)
    };
    for name in [".env", ".env.production", ".env.local"] {
        assert_eq!(rule_of(name), Some("env-file"), "{name}");
    }
    for name in [
        ".env.example",
        ".env.sample",
        ".env.template",
        ".env.dist",
        ".envrc.js",
        "env",
        "id_rsa.pub",
    ] {
        assert_eq!(rule_of(name), None, "{name}");
    }
    assert_eq!(rule_of("id_ed25519"), Some("key-file"));
    assert_eq!(rule_of("store.p12"), Some("key-file"));
    assert_eq!(rule_of(".netrc"), Some("credentials-file"));
}

#[test]
fn names_of_variables_and_their_values_together_tell() {
    let is_secret = |key: &str, value: &str| environment::find(key, value).is_some();
    for (key, value) in [
        ("DB_PASSWORD", "hunter2"),
        ("DB_PASSWORD", "Correct-Horse-9"),
        ("DbPassword", "s3cr3t!"),
        ("STRIPE_SECRET", word(24).as_str()),
        ("API_KEY", hex(32).as_str()),
        ("SESSION_TOKEN", word(40).as_str()),
    ] {
        assert!(is_secret(key, value), "{key}={value}");
    }
    for (key, value) in [
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "prod/db/password"),
        (
            "DB_PASSWORD",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
        ),
        ("DB_PASSWORD", "{{resolve:secretsmanager:db:SecretString:password}}"),
        ("DB_PASSWORD", "changeme"),
        ("DB_PASSWORD_NAME", "hunter2hunter2"),
        ("PARTITION_KEY", hex(32).as_str()),
        ("SORT_KEY", "customer-events-2024-primary"),
        ("API_KEY", "customer-events-2024-primary"),
        ("SETTING", word(40).as_str()),
        ("TOKEN_URL", "https://login.example.com/oauth2/token"),
    ] {
        assert!(!is_secret(key, value), "{key}={value}");
    }
}

#[test]
fn the_same_secret_twice_in_a_line_is_one_finding() {
    let (_, example) = examples().swap_remove(8);
    let found = found(format!("{example} {example}\n{example}").as_bytes());
    assert_eq!(found, [("aws-access-key-id", 1), ("aws-access-key-id", 2)]);
}

/// Content in pieces of these sizes, over and over.
pub fn in_pieces<'a>(content: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = content;
    sizes.iter().cycle().map_while(move |size| {
        let (piece, others) = rest.split_at((*size).min(rest.len()));
        rest = others;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_secret_is_found_at_any_place_and_however_content_is_cut(
        before in proptest::collection::vec(any::<u8>(), 0..3000),
        after in proptest::collection::vec(any::<u8>(), 0..3000),
        which in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec(1_usize..2500, 1..8),
    ) {
        let examples = examples();
        let (id, example) = which.get(&examples);
        let content = [&before[..], b"\n", example.as_bytes(), b"\n", &after].concat();
        let whole = found(&content);
        prop_assert!(whole.iter().any(|(rule, _)| rule == id), "{id}: {whole:?}");
        let mut stream = Stream::default();
        in_pieces(&content, &cuts).for_each(|piece| stream.push(piece));
        let pieces: Vec<_> = stream.finish().iter().map(|finding| (finding.rule.id, finding.line)).collect();
        // A byte order mark is looked at in whole files only.
        prop_assume!(!content.starts_with(b"\xFF\xFE") && !content.starts_with(b"\xFE\xFF"));
        prop_assert_eq!(pieces, whole);
    }
}

#[test]
fn ids_are_found() {
    assert_eq!(rules::find("private-key").map(|rule| rule.id), Some("private-key"));
    assert!(rules::find("nothing").is_none());
}
