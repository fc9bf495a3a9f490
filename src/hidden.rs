//! What no output shows: values of the infrastructure's secrets. All that this program prints goes through here, so that nobody who
//! writes a message has to think of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::env::{self, VarError};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use lambda_pack_core::secrets::{Infrastructure, SecretValue};
use lambda_pack_core::{Error, Result, json, toml_text};
use serde_json::Value;

static HIDDEN: RwLock<Vec<Arc<Infrastructure>>> = RwLock::new(Vec::new());

/// Where definitions may be.
static DEFINITIONS: RwLock<BTreeSet<PathBuf>> = RwLock::new(BTreeSet::new());

/// Hides them from now on.
pub fn hide(infrastructure: Arc<Infrastructure>) {
    // A panic elsewhere left no half of an entry.
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    // Who reads definitions again and again finds the same.
    if !hidden.iter().any(|known| known.is_as(&infrastructure)) {
        hidden.push(infrastructure);
    }
}

/// Hides what all profiles of `lambda-pack.toml` declare, however wrong it is otherwise.
pub fn hide_of_project(text: &str) {
    if text.contains("secrets")
        && let Ok(document) = toml_text::parse("", text)
    {
        hide_declared_in(&[document]);
    }
}

/// Where [`hide_of_definitions`] will look.
pub fn definitions_are_in(directory: &Path) {
    let mut directories = DEFINITIONS.write().unwrap_or_else(PoisonError::into_inner);
    directories.insert(directory.to_owned());
}

/// Hides what definitions declare, before something is said of them that couldn't be read.
pub fn hide_of_definitions() {
    let directories = DEFINITIONS.read().unwrap_or_else(PoisonError::into_inner);
    // What can't be read is said by who needs it.
    let files = directories
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flatten();
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let definitions = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let texts = definitions.filter_map(|path| fs::read(path).ok());
    // Of what is no JSON, no message shows anything.
    let documents: Vec<Value> = texts.filter_map(|text| json::parse("", &text).ok()).collect();
    hide_declared_in(&documents);
}

fn hide_declared_in(documents: &[Value]) {
    // What is no text can't be shown.
    let value_of = |variable: &str| Ok(value_of(variable).unwrap_or(None));
    if let Ok(Some(infrastructure)) = Infrastructure::declared_in(documents, value_of) {
        hide(Arc::new(infrastructure));
    }
}

/// The value of one of this machine's variables, to be looked for and never shown.
pub fn value_of(variable: &str) -> Result<Option<SecretValue>> {
    match env::var(variable) {
        Ok(value) => Ok(Some(SecretValue::new(value))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::invalid(format!(
            "the variable `{variable}` holds what is no text, so that packages can't be searched for it"
        ))
        .help("unset it for this command, or declare what it looks like with `pattern` or `kind`")),
    }
}

/// A text as it may be shown.
pub fn masked(text: &str) -> Cow<'_, str> {
    match masked_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => text.into(),
        Cow::Owned(masked) => String::from_utf8_lossy(&masked).into_owned().into(),
    }
}

/// JSON as it may be shown: still JSON, since nothing but strings is looked into.
pub fn masked_json(json: &str) -> Cow<'_, str> {
    if matches!(masked(json), Cow::Borrowed(_)) {
        return json.into();
    }
    let mut shown = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (between, string) = rest.split_at(start);
        let end = end_of_string(string);
        shown.push_str(between);
        shown.push_str(&masked(&string[..end]));
        rest = &string[end..];
    }
    shown.push_str(rest);
    shown.into()
}

/// Where the string ends that JSON begins with.
fn end_of_string(json: &str) -> usize {
    let mut is_escaped = true;
    let end = json.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        // The first quote begins it.
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 1)
}

pub fn masked_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    hidden.iter().fold(Cow::Borrowed(text), |text, infrastructure| {
        match infrastructure.masked(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked.into(),
        }
    })
}

/// Fails if something hidden is in a text that is handed out; `place` says what it is.
pub fn refuse(place: &str, text: &str) -> Result<()> {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    let refused = hidden
        .iter()
        .map(|infrastructure| infrastructure.check_text(place, text));
    refused.collect()
}

/// Stderr for logs. Each comes in one piece.
pub struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, log: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(&masked_bytes(log))?;
        Ok(log.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
