//! The two sides of a comparison, as the command line names them.

use std::path::PathBuf;
use std::str::FromStr;

use crate::settings::Settings;

/// As the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The working tree.
    Source,
    /// What was published last, in the store that the settings name.
    Published,
    /// The same, in another store.
    Store(String),
    /// A source hash, or how it begins, in the settings' store.
    Hash(String),
    /// A commit of the project's repository.
    Git(String),
    /// A package on disk.
    Zip(PathBuf),
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// Fewer digits might be a name.
        const FEWEST_DIGITS: usize = 8;
        let is_hash = text.len() >= FEWEST_DIGITS && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        match text {
            "source" => Ok(Side::Source),
            "published" => Ok(Side::Published),
            _ if text.starts_with("git:") => Ok(Side::Git(text["git:".len()..].to_owned())),
            _ if text.contains("://") => Ok(Side::Store(text.to_owned())),
            _ if text.ends_with(".zip") => Ok(Side::Zip(text.into())),
            _ if is_hash => Ok(Side::Hash(text.to_owned())),
            _ => Err(
                "allowed: source, published, git:REF, a source hash (8 digits or more), the address of a store, FILE.zip"
                    .to_owned(),
            ),
        }
    }
}

impl Side {
    /// For messages: "compared … with …".
    pub fn describe(&self, settings: &Settings) -> String {
        match self {
            Side::Source => "the source".to_owned(),
            Side::Published => format!(
                "what was published last in {}",
                settings.store.portable(&settings.project_dir)
            ),
            Side::Store(url) => format!("what was published last in {url}"),
            Side::Hash(hash) => format!("the source hash {hash}"),
            Side::Git(reference) => format!("the commit {reference}"),
            Side::Zip(path) => path.display().to_string(),
        }
    }
}
