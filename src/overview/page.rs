//! The page: one file that needs no other and asks nobody, whatever the names in it are.
//!
//! Data is JSON in a script of a type that no browser runs, with each `<` escaped, so that none of it is markup, and what turns text round written out; the program
//! puts it into the page as text. A policy lets in the two scripts and the style that stand in the file, by their digests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::Overview;
use crate::hidden::masked_json;
use crate::visible::visible;

const FRAME: &str = include_str!("page/frame.html");
const STYLE: &str = include_str!("page/style.css");
/// Lays out treemaps. `page/vendor/README.md` says where it is from.
const D3_HIERARCHY: &str = include_str!("page/vendor/d3-hierarchy.js");
/// In the order in which they need each other.
const SCRIPTS: [&str; 6] = [
    include_str!("page/text.js"),
    include_str!("page/list.js"),
    include_str!("page/treemap.js"),
    include_str!("page/function.js"),
    include_str!("page/pages.js"),
    include_str!("page/main.js"),
];

/// The whole file; the same bytes for the same overview.
pub fn page(overview: &Overview) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        source(D3_HIERARCHY),
        source(&script),
        source(STYLE)
    );
    let parts = [
        ("{{policy}}", policy.as_str()),
        ("{{style}}", STYLE),
        ("{{data}}", &data(overview)),
        ("{{vendor}}", D3_HIERARCHY),
        ("{{script}}", &script),
    ];
    let mut page = String::with_capacity(FRAME.len() + parts.iter().map(|(_, part)| part.len()).sum::<usize>());
    let mut rest = FRAME;
    // From the front: no part is looked into for others.
    for (mark, part) in parts {
        let (before, after) = rest.split_once(mark).expect("the frame has each mark, in this order");
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// <https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements>
fn data(overview: &Overview) -> String {
    let json = serde_json::to_string(overview).expect("the overview has string keys");
    visible(&masked_json(&json)).replace('<', "\\u003c")
}

/// What stands between the tags, by its digest: <https://www.w3.org/TR/CSP3/#framework-directive-source-list>
fn source(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(text.as_bytes())))
}
