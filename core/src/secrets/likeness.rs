//! The second look: whether what has a secret's form is one, or an example. Randomness only supports a form, it never makes
//! one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem;
use serde_json::Value;

/// The form says enough.
pub fn any(_: &[u8]) -> bool {
    true
}

/// No placeholder.
pub fn is_real(secret: &[u8]) -> bool {
    /// AWS's documentation ends its keys so; the rest is what people write for others to fill in.
    const WORDS: [&[u8]; 7] = [
        b"example",
        b"placeholder",
        b"redacted",
        b"changeme",
        b"change_me",
        b"dummy",
        b"your",
    ];
    const FILLERS: &[u8] = b"xX0*.#-_/";
    const FILLERS_IN_A_ROW: usize = 6;
    let lower = secret.to_ascii_lowercase();
    let names_itself = WORDS
        .iter()
        .any(|word| lower.windows(word.len()).any(|part| part == *word));
    let is_filled = secret
        .windows(FILLERS_IN_A_ROW)
        .any(|part| FILLERS.contains(&part[0]) && part.iter().all(|byte| *byte == part[0]));
    !names_itself && !is_filled
}

/// No placeholder, and no words either: letters and digits, mixed.
pub fn is_mixed(secret: &[u8]) -> bool {
    is_real(secret)
        && secret.iter().any(u8::is_ascii_digit)
        && secret.iter().any(u8::is_ascii_alphabetic)
        && bits_per_byte(secret) > 3.0
        && !is_azurite(secret)
}

/// Shannon's entropy of single bytes: hex digits reach 4 bits, words 3 to 4, repetitions less.
fn bits_per_byte(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = text.len() as f64;
    let parts = counts.iter().filter(|count| **count > 0).map(|count| {
        let part = f64::from(*count) / total;
        -part * part.log2()
    });
    parts.sum()
}

/// The key that every emulator of Azure's storage has:
/// <https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key>
fn is_azurite(secret: &[u8]) -> bool {
    secret.starts_with(b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsu")
}

/// The beginning of a JSON Web Token: its header names an algorithm, and it isn't an example, nor meant for everybody.
pub fn is_jwt(token: &[u8]) -> bool {
    // RFC 7519, 4.1. Of a payload that goes on nobody knows them; `{"a": "b"}` is in every manual.
    const CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let mut parts = token.split(|byte| *byte == b'.');
    let mut decoded = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let (header, payload) = (decoded().unwrap_or_default(), decoded().unwrap_or_default());
    // Unsigned ones open nothing.
    let is_signed = serde_json::from_slice::<Value>(&header).is_ok_and(|header| {
        let algorithm = header["alg"].as_str();
        algorithm.is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("none"))
    });
    let says = |word: &str| memmem::find(&payload.to_ascii_lowercase(), word.as_bytes()).is_some();
    let is_of_nobody = serde_json::from_slice::<Value>(&payload).is_ok_and(|payload| {
        // Those of <https://www.jwt.io> and of RFC 7519, 3.1, and Supabase's key for browsers:
        // <https://supabase.com/docs/guides/api/api-keys>
        let shown = [
            ("sub", "1234567890"),
            ("name", "John Doe"),
            ("iss", "joe"),
            ("role", "anon"),
        ];
        let has_claim = CLAIMS.iter().any(|claim| payload.get(claim).is_some());
        !has_claim || shown.iter().any(|(key, value)| payload[key] == *value)
    });
    let signature = token.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    is_signed && !is_of_nobody && !says("example") && is_real(signature)
}

/// `s://user:password@host…`: whether the password is one, and the host may be somebody's.
pub fn is_password_url(url: &[u8]) -> bool {
    let url = String::from_utf8_lossy(url);
    let parts = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let Some((user, password, host)) =
        parts.and_then(|(login, host)| login.split_once(':').map(|(user, password)| (user, password, host)))
    else {
        return false;
    };
    let host = host.split(':').next().unwrap_or_default();
    is_password(password) && password != user && !is_nobodys(host)
}

/// Names that lead nowhere (RFC 6761), or to this machine. Examples' hosts aren't among them: what counts is the password.
fn is_nobodys(host: &str) -> bool {
    const NAMES: [&str; 6] = ["localhost", "127.0.0.1", "0.0.0.0", "host", "hostname", "server"];
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_below = |name: &str| {
        host.strip_suffix(name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    NAMES.contains(&host.as_str()) || ["test", "invalid", "localhost"].into_iter().any(is_below)
}

/// Whether it could be somebody's password, rather than what stands for one or names one.
pub fn is_password(text: &str) -> bool {
    const SHORTEST: usize = 6;
    /// So long are few names that are letters only.
    const LONG: usize = 12;
    // `${PASSWORD}`, `%s`, `<password>`, `{{ password }}`, `$(…)`, `***`
    const TEMPLATE: &[char] = &['$', '{', '}', '<', '>', '(', ')', '[', ']', '*'];
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    let is_named = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_name = text.bytes().all(|byte| is_named(&byte)) && !(is_mixed && text.len() >= LONG);
    text.chars().count() >= SHORTEST
        && !text.contains(TEMPLATE)
        && !text.starts_with('%')
        && !is_name
        && is_real(text.as_bytes())
}
