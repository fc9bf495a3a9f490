//! How programs write a text that they are given: what shows a secret as surely as its own letters do.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The text itself, and what JSON, URLs, shells, base64 and hex make of it. Some may come twice.
pub fn of(text: &str) -> Vec<String> {
    let itself = vec![text.to_owned()];
    let all = [
        itself,
        json_escaped(text),
        url_encoded(text),
        shell_quoted(text),
        base64_encoded(text),
        vec![hex::encode(text), hex::encode_upper(text)],
    ];
    all.concat()
}

/// Once, and as a text in a text; with and without letters beyond ASCII.
fn json_escaped(text: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = serde_json::to_string(text).expect("a string is JSON");
        quoted[1..quoted.len() - 1].to_owned()
    };
    let ascii = |text: &str| {
        let mut result = String::new();
        for c in text.chars() {
            match c.is_ascii() {
                true => result.push(c),
                false => result.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            }
        }
        result
    };
    let once = escaped(text);
    let slashes = once.replace('/', "\\/");
    vec![ascii(&once), escaped(&once), slashes, once]
}

/// As `encodeURIComponent`, Python's `quote` and forms do it.
fn url_encoded(text: &str) -> Vec<String> {
    let encoded = |kept: &str, lower: bool| {
        let mut result = String::new();
        for byte in text.bytes() {
            match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.as_bytes().contains(&byte) {
                true => result.push(byte.into()),
                false if lower => result.push_str(&format!("%{byte:02x}")),
                false => result.push_str(&format!("%{byte:02X}")),
            }
        }
        result
    };
    let mut all = Vec::new();
    for kept in ["", "/", "!*'()"] {
        for lower in [false, true] {
            let percent = encoded(kept, lower);
            all.push(percent.replace("%20", "+"));
            all.push(percent);
        }
    }
    all
}

/// As `set -x` and `printf %q` do it.
fn shell_quoted(text: &str) -> Vec<String> {
    let mut escaped = String::new();
    for c in text.chars() {
        if !(c.is_alphanumeric() || "-_./:@%+=,".contains(c)) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    vec![text.replace('\'', "'\\''"), text.replace('\'', "'\"'\"'"), escaped]
}

/// Whole, within more at each of the three positions that a byte can have, and broken into lines.
fn base64_encoded(text: &str) -> Vec<String> {
    /// Of `base64`, and of PEM and `openssl base64`.
    const LINES: [usize; 2] = [76, 64];
    /// Shorter ends of lines are in other texts too.
    const SHORTEST_END: usize = 8;
    let mut all = Vec::new();
    for engine in [STANDARD, URL_SAFE] {
        for before in 0..3 {
            let bytes = [&[0; 2][..before], text.as_bytes()].concat();
            let encoded = engine.encode(&bytes);
            // Six bits a character; those that hold bits of what stands before or after are left out.
            let core = &encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6];
            all.push(core.to_owned());
        }
        for ended in [text.to_owned(), format!("{text}\n")] {
            let encoded = engine.encode(&ended);
            for length in LINES.into_iter().filter(|length| encoded.len() > *length) {
                let lines = encoded
                    .as_bytes()
                    .chunks(length)
                    .filter(|line| line.len() >= SHORTEST_END);
                all.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
            }
            all.push(encoded);
        }
    }
    all
}
