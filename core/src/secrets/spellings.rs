//! How programs write a text that they are given: what shows a secret as surely as its own letters do.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use regex::{Captures, Regex};

/// The text itself, and what JSON, URLs, shells, base64 and hex make of it. Some may come twice.
pub fn of(text: &str) -> Vec<String> {
    let itself = vec![text.to_owned()];
    let all = [
        itself,
        json_escaped(text),
        url_encoded(text),
        shell_quoted(text),
        base64_encoded(text),
        encoded(text.as_bytes()),
        marked_up(text),
        in_numbers(text),
        doubled(text),
    ];
    all.concat()
}

/// Once, and as a text in a text; with and without letters beyond ASCII. Go's and Terraform's programs escape what HTML
/// knows too (<https://pkg.go.dev/encoding/json#HTMLEscape>), .NET's still more, in capitals
/// (<https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding>).
fn json_escaped(text: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = serde_json::to_string(text).expect("a string is JSON");
        quoted[1..quoted.len() - 1].to_owned()
    };
    let hidden = |text: &str, is_hidden: fn(char) -> bool| {
        let mut result = String::new();
        for c in text.chars() {
            match is_hidden(c) {
                false => result.push(c),
                true => result.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            }
        }
        result
    };
    let once = escaped(text);
    let slashes = once.replace('/', "\\/");
    let ascii = hidden(&once, |c| !c.is_ascii());
    let html = hidden(&once, |c| "<>&\u{2028}\u{2029}".contains(c));
    // The backslash of `\"` would be one too many.
    let quotes = once.replace("\\\"", "\"");
    let dotnet = hidden(&quotes, |c| !c.is_ascii() || "<>&+'`\"".contains(c));
    let capitals = UNIT.replace_all(&dotnet, |found: &Captures| {
        found[0].to_ascii_uppercase().replace('U', "u")
    });
    let nested = [escaped(&once), escaped(&html), escaped(&ascii)];
    [vec![ascii, html, capitals.into_owned(), slashes, once], nested.to_vec()].concat()
}

static UNIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\u[0-9a-f]{4}").expect("it is constant"));

/// What programs keep of a text in a URL, beside letters, digits and `-_.`.
const KEPT: [&str; 11] = [
    // RFC 3986: Python's `quote`, Go's `QueryEscape`; and with slashes.
    "~",
    "~/",
    // Forms, of browsers and of Java's `URLEncoder`.
    "*",
    // `encodeURIComponent` and `encodeURI`.
    "~!*'()",
    "~!*'();,/?:@&=+$#",
    // Go's user information, part of a path, path, and fragment: <https://pkg.go.dev/net/url>
    "~$&+,;=",
    "~$&+:=@",
    "~$&+,/:;=@",
    "~$&+,/:;=?@!()*'",
    // User information and path of the URL standard, `new URL(…)`: <https://url.spec.whatwg.org/#percent-encoded-bytes>
    "~!$%&'()*+,",
    "~!$%&'()*+,/:;=@[]|",
];

/// As programs write a text into a URL or a form.
fn url_encoded(text: &str) -> Vec<String> {
    let encoded = |kept: &str, lower: bool| {
        let mut result = String::new();
        for byte in text.bytes() {
            match byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || kept.as_bytes().contains(&byte) {
                true => result.push(byte.into()),
                false if lower => result.push_str(&format!("%{byte:02x}")),
                false => result.push_str(&format!("%{byte:02X}")),
            }
        }
        result
    };
    let mut all = Vec::new();
    for kept in KEPT {
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

/// As XML and HTML have it: as text, and in the attributes that Go, Python, PHP and others write.
fn marked_up(text: &str) -> Vec<String> {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quotes = [
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#039;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
    ];
    let quoted = quotes.map(|(double, single)| plain.replace('"', double).replace('\'', single));
    [vec![plain], quoted.to_vec()].concat()
}

/// What stands for itself twice: quotes in YAML, SQL, CSV and PowerShell, `$` in Terraform, Compose files and Make; and in the texts
/// in JSON that hold those.
fn doubled(text: &str) -> Vec<String> {
    let dollars = text.replace('$', "$$");
    let texts = [
        text.replace('\'', "''"),
        text.replace('"', "\"\""),
        // Terraform's template marks, where they aren't meant: `$${` and `%%{`.
        text.replace("${", "$${").replace("%{", "%%{"),
        dollars.replace('\'', "''"),
        dollars.replace('"', "\"\""),
        dollars,
    ];
    let nested = texts.iter().flat_map(|text| json_escaped(text));
    nested
        .chain(texts.iter().cloned())
        .filter(|spelled| spelled != text)
        .collect()
}

/// As hex with colons, as bytes in decimal, and with each character escaped, as minifiers and obfuscators write literals.
fn in_numbers(text: &str) -> Vec<String> {
    let joined = |between: &str, number: fn(&u8) -> String| {
        let numbers: Vec<String> = text.as_bytes().iter().map(number).collect();
        numbers.join(between)
    };
    let units = |number: fn(u16) -> String| text.encode_utf16().map(number).collect::<String>();
    vec![
        joined(":", |byte| format!("{byte:02x}")),
        joined(":", |byte| format!("{byte:02X}")),
        joined(", ", u8::to_string),
        joined(",", u8::to_string),
        joined(" ", u8::to_string),
        joined("", |byte| format!("\\x{byte:02x}")),
        joined("", |byte| format!("\\x{byte:02X}")),
        units(|unit| format!("\\u{unit:04x}")),
        units(|unit| format!("\\u{unit:04X}")),
    ]
}

/// In base64, within more at each of the three positions that a byte can have; and in hex. No part of it is a word, so that it is
/// the same text where it is broken into lines.
pub fn encoded(bytes: &[u8]) -> Vec<String> {
    let hex = vec![hex::encode(bytes), hex::encode_upper(bytes)];
    [hex, within_base64(&STANDARD, bytes), within_base64(&URL_SAFE, bytes)].concat()
}

/// In base64 in base64, as Kubernetes has what registries ask for.
pub fn encoded_twice(bytes: &[u8]) -> Vec<String> {
    let once = within_base64(&STANDARD, bytes).into_iter();
    once.flat_map(|once| within_base64(&STANDARD, once.as_bytes()))
        .collect()
}

fn within_base64(engine: &GeneralPurpose, bytes: &[u8]) -> Vec<String> {
    let positions = (0..3).map(|before| {
        let bytes = [&[0; 2][..before], bytes].concat();
        let encoded = engine.encode(&bytes);
        // Six bits a character; those that hold bits of what stands before or after are left out.
        encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned()
    });
    positions.collect()
}

/// Whole, and its lines where it is broken into lines.
fn base64_encoded(text: &str) -> Vec<String> {
    /// Of `base64`, and of PEM and `openssl base64`.
    const LINES: [usize; 2] = [76, 64];
    /// Shorter ends of lines are in other texts too.
    const SHORTEST_END: usize = 8;
    let mut all = Vec::new();
    for engine in [STANDARD, URL_SAFE] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_itself_twice_is_known() {
        let spelled = of("it's $5 \"or\" ${more}");
        for spelling in [
            "it''s $5 \"or\" ${more}",
            "it's $5 \"\"or\"\" ${more}",
            "it's $$5 \"or\" $${more}",
            "it's $5 \"or\" $${more}",
            r#"it's $$5 \"or\" $${more}"#,
            "it''s $$5 \"or\" $${more}",
        ] {
            assert!(spelled.iter().any(|it| it == spelling), "{spelling}");
        }
    }

    /// As the documentation of those programs says that they print it.
    #[test]
    fn programs_write_a_text_in_many_ways() {
        let spelled = of("p@ss&word<1>+x=y/z\"é");
        for spelling in [
            // Terraform's jsonencode, Go's encoding/json; and that in a text of jq's.
            r#"p@ss\u0026word\u003c1\u003e+x=y/z\"é"#,
            r#"p@ss\\u0026word\\u003c1\\u003e+x=y/z\\\"é"#,
            // .NET.
            r"p@ss\u0026word\u003C1\u003E\u002Bx=y/z\u0022\u00E9",
            // Go: url.UserPassword, url.PathEscape, a URL's path; JavaScript: encodeURI, new URL; Java: URLEncoder.
            "p%40ss&word%3C1%3E+x=y%2Fz%22%C3%A9",
            "p@ss&word%3C1%3E+x=y%2Fz%22%C3%A9",
            "p@ss&word%3C1%3E+x=y/z%22%C3%A9",
            "p%40ss&word%3C1%3E+x%3Dy%2Fz%22%C3%A9",
            "p%40ss%26word%3C1%3E%2Bx%3Dy%2Fz%22%C3%A9",
        ] {
            assert!(spelled.iter().any(|it| it == spelling), "{spelling}");
        }
        for spelling in [
            "it&#39;s a &#34;&lt;b&gt;&#34;",
            "it's a \"&lt;b&gt;\"",
            "it&#x27;s a &quot;&lt;b&gt;&quot;",
        ] {
            assert!(of("it's a \"<b>\"").iter().any(|it| it == spelling), "{spelling}");
        }
        assert!(of("a~b").iter().any(|it| it == "a%7Eb"));
        for spelling in [
            r"\x61\x7e\x4b",
            r"\x61\x7E\x4B",
            r"\u0061\u007e\u004b",
            r"\u0061\u007E\u004B",
            "61:7e:4b",
            "61:7E:4B",
            "97, 126, 75",
            "97,126,75",
            "97 126 75",
        ] {
            assert!(of("a~K").iter().any(|it| it == spelling), "{spelling}");
        }
    }
}
