//! What was found, and where.

use std::sync::Arc;

use super::infrastructure::{Declared, Leak, Sign};
use super::published::Published;
use super::rules::Rule;
use crate::Result;
use crate::source::TreeEntry;

/// A secret, and where.
pub(crate) struct Found {
    pub(super) place: Place,
    pub(super) what: What,
}

pub(super) enum What {
    /// It looks like one.
    Rule(&'static Rule),
    /// It is declared.
    Infrastructure(Arc<Declared>, Sign),
}

impl From<Leak> for What {
    fn from(leak: Leak) -> Self {
        What::Infrastructure(leak.secret, leak.sign)
    }
}

pub(super) enum Place {
    Entry {
        path: Arc<str>,
        /// Where people find it: with the line, unless its name says all.
        text: String,
        /// What people can do about it there.
        remedy: &'static str,
    },
    Variable {
        /// As the definition has it, from its top.
        key: String,
    },
}

impl Found {
    /// Without a line where its name says all. What was made or installed is in a cache, which is no place of the user's.
    pub(super) fn in_entry(entry: &TreeEntry, line: Option<u64>, what: What) -> Self {
        let (place, remedy) = match (entry.is_from_source(), entry.is_own()) {
            (true, _) => (
                entry.file.display().to_string(),
                "remove it, or leave the file out with `exclude` or `.lambdaignore`",
            ),
            (false, true) => (
                format!("its package: {}", entry.path),
                "change what its build makes, or its assets: `exclude` leaves out nothing of these",
            ),
            (false, false) => (
                format!("its package: {}", entry.path),
                "change what its lock file installs: `exclude` leaves out nothing of that",
            ),
        };
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = Place::Entry {
            path: Arc::clone(&entry.path),
            text: place + &line,
            remedy,
        };
        Found { place, what }
    }

    pub(super) fn in_variable(key: String, what: What) -> Self {
        let place = Place::Variable { key };
        Found { place, what }
    }

    pub(super) fn is_infrastructure(&self) -> bool {
        matches!(self.what, What::Infrastructure(..))
    }

    /// The rule that has found it, if it is known by what it looks like.
    pub(super) fn rule(&self) -> Option<&'static Rule> {
        match &self.what {
            What::Rule(rule) | What::Infrastructure(_, Sign::Kind(rule)) => Some(rule),
            What::Infrastructure(..) => None,
        }
    }

    pub(super) fn is_in(&self, published: &Published) -> Result<bool> {
        match &self.place {
            Place::Entry { path, .. } => published.has(path),
            Place::Variable { .. } => Ok(false),
        }
    }
}
