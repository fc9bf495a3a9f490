//! What differs in the text of entries.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::diff::{Change, ChangeKind, Difference, Unified, unified};
use lambda_pack_core::manifest::{Entry, Manifest};
use serde::Serialize;

use super::contents::{Bytes, Contents};

/// What differs in one entry, as `diff -u` prints it; or why that isn't shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub struct Text {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    #[serde(flatten)]
    pub shown: Shown,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    Diff(String),
    Skipped(&'static str),
}

/// Of each entry whose content differs, or that is there on one side alone. `None` is a side that doesn't have the function.
pub fn texts(
    difference: &Difference,
    [before, after]: [Option<&Manifest>; 2],
    [old, new]: &mut [Contents; 2],
) -> Result<Vec<Text>> {
    // What moved was elsewhere.
    let moved: BTreeMap<&str, &str> = difference
        .changes
        .iter()
        .filter_map(|change| Some((change.path.as_str(), change.from_path.as_deref()?)))
        .collect();
    let changes = difference.changes.iter().filter(|change| has_text(change));
    let texts = changes.map(|change| {
        let from_path = moved.get(change.path.as_str()).copied();
        let was = from_path.unwrap_or(&change.path);
        let was = change.size_before.and_then(|_| entry(before, was));
        let is = change.size_after.and_then(|_| entry(after, &change.path));
        Ok(Text {
            path: change.path.clone(),
            from_path: from_path.map(str::to_owned),
            shown: shown([was, is], [old, new])?,
        })
    });
    texts.collect()
}

fn has_text(change: &Change) -> bool {
    match change.change {
        ChangeKind::Added | ChangeKind::Removed | ChangeKind::Modified | ChangeKind::Retargeted => true,
        ChangeKind::Renamed | ChangeKind::Mode => false,
    }
}

fn entry<'a>(manifest: Option<&'a Manifest>, path: &str) -> Option<&'a Entry> {
    let entries = manifest?.entries();
    let position = entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok()?;
    Some(&entries[position])
}

fn shown([was, is]: [Option<&Entry>; 2], [old, new]: [&mut Contents; 2]) -> Result<Shown> {
    let read = |entry: Option<&Entry>, contents: &mut Contents| match entry {
        Some(entry) => contents.read(entry),
        None => Ok(Bytes::Known(Vec::new())),
    };
    let (before, after) = match (read(was, old)?, read(is, new)?) {
        (Bytes::Known(before), Bytes::Known(after)) => (before, after),
        (Bytes::TooMany, _) | (_, Bytes::TooMany) => return Ok(Shown::Skipped(LARGE)),
        (Bytes::Missing, _) | (_, Bytes::Missing) => {
            return Ok(Shown::Skipped("what is packed is made of it, and doesn't hold it"));
        }
    };
    let name = |side: &str, entry: Option<&Entry>| match entry {
        Some(entry) => format!("{side}/{}", entry.path),
        None => "/dev/null".to_owned(),
    };
    let names = [name("a", was), name("b", is)];
    Ok(match unified(&before, &after, [&names[0], &names[1]]) {
        Unified::Text(diff) => Shown::Diff(diff),
        Unified::Binary => Shown::Skipped("binary"),
        Unified::Large => Shown::Skipped(LARGE),
    })
}

const LARGE: &str = "larger than 1 MiB";
