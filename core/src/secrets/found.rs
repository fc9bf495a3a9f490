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
        /// The file and line, or the file alone where its name says all.
        file: String,
    },
    Variable {
        /// As the definition has it, from its top.
        key: String,
    },
}

impl Found {
    /// `file` is the one that has the entry's content, and the line if there is one.
    pub(super) fn in_entry(entry: &TreeEntry, file: String, what: What) -> Self {
        let path = Arc::clone(&entry.path);
        let place = Place::Entry { path, file };
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
