//! Checksums get into a definition's text without another character of it being changed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde_json::value::RawValue;

use crate::function::Sha256;
use crate::{Error, Result};

/// The text with these checksums, by the index of their assets.
pub fn fill_in(file: &Path, text: &str, checksums: &BTreeMap<usize, Sha256>) -> Result<String> {
    let cannot = || Error::invalid(format!("{}: its `assets` changed meanwhile", file.display())).help("run again");
    let assets = assets_of(text).ok_or_else(cannot)?;
    let mut filled = text.to_owned();
    // From the end, so that earlier places stay where they are.
    for (&index, sha256) in checksums.iter().rev() {
        let (place, new) = assets
            .get(index)
            .and_then(|asset| edit(text, asset, sha256))
            .ok_or_else(cannot)?;
        filled.replace_range(place, &new);
    }
    Ok(filled)
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn assets_of(text: &str) -> Option<Vec<Members<'_>>> {
    let json = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let definition: Members = serde_json::from_str(json).ok()?;
    serde_json::from_str(definition.get("assets")?.get()).ok()
}

/// What to put where.
fn edit(text: &str, asset: &Members, sha256: &Sha256) -> Option<(Range<usize>, String)> {
    // `null`: the key is there.
    if let Some(old) = asset.get("sha256") {
        return Some((range(text, old), format!("\"{sha256}\"")));
    }
    let url = range(text, asset.get("url")?);
    // The new member looks like the one before it.
    let (before, between) = key_before(text, url.start).unwrap_or((" ", ": "));
    let before = match between {
        _ if before.contains('\n') => before,
        ":" => "",
        _ => " ",
    };
    let member = format!(",{before}\"sha256\"{between}\"{sha256}\"");
    Some((url.end..url.end, member))
}

/// Where in `text` a value stands that was parsed from it without being copied.
fn range(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
    start..start + value.get().len()
}

/// The white space before the key of the value at `start`, and what is between both.
fn key_before(text: &str, start: usize) -> Option<(&str, &str)> {
    const KEY: &str = "\"url\"";
    let key = text[..start].rfind(KEY)?;
    let between = &text[key + KEY.len()..start];
    let white = text[..key].rfind(['{', ','])? + 1;
    let before = &text[white..key];
    (before.trim().is_empty() && between.trim() == ":").then_some((before, between))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let sha256 = Sha256([0x11; 32]);
        let index = usize::from(text.contains("first"));
        let checksums = BTreeMap::from([(index, sha256)]);
        let filled = fill_in(Path::new("app.json"), text, &checksums).expect("filled in");
        filled.replace(&sha256.to_string(), "NEW")
    }

    #[test]
    fn only_the_checksum_is_new() {
        for (text, expected) in [
            (
                "{\"assets\": [{\"url\": \"a\", \"path\": \"p\"}], \"z\": 1}\r\n",
                "{\"assets\": [{\"url\": \"a\", \"sha256\": \"NEW\", \"path\": \"p\"}], \"z\": 1}\r\n",
            ),
            (
                "{\"assets\":[{\"url\":\"a\"}]}",
                "{\"assets\":[{\"url\":\"a\",\"sha256\":\"NEW\"}]}",
            ),
            (
                "{\n\t\"assets\" : [\n\t\t{\n\t\t\t\"url\" : \"a\"\n\t\t}\n\t]\n}\n",
                "{\n\t\"assets\" : [\n\t\t{\n\t\t\t\"url\" : \"a\",\n\t\t\t\"sha256\" : \"NEW\"\n\t\t}\n\t]\n}\n",
            ),
            (
                "{\"assets\": [{ \"path\": \"url\", \"url\": \"\\\"url\\\": {,\" }]}",
                "{\"assets\": [{ \"path\": \"url\", \"url\": \"\\\"url\\\": {,\", \"sha256\": \"NEW\" }]}",
            ),
            (
                "{\"assets\": [{\"url\": \"a\", \"sha256\": null}]}",
                "{\"assets\": [{\"url\": \"a\", \"sha256\": \"NEW\"}]}",
            ),
            (
                "\u{FEFF}{\"assets\": [{\"url\": \"first\"}, {\"\\u0075rl\": \"b\"}], \"é\": \"é\"}",
                "\u{FEFF}{\"assets\": [{\"url\": \"first\"}, {\"\\u0075rl\": \"b\", \"sha256\": \"NEW\"}], \"é\": \"é\"}",
            ),
        ] {
            assert_eq!(filled(text), expected);
        }
    }
}
