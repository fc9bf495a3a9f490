//! What was published of a function, and what changed each time.

use lambda_pack_core::Result;
use lambda_pack_core::diff::Change;

use super::model::{ChangeView, PastView};
use super::{OfOne, record};
use crate::comparison::{self, Version};
use crate::store::Past;

/// Entries of one change that are named.
const MOST_CHANGES: usize = 20;

impl OfOne<'_> {
    /// The newest `most` of them, each compared with the one before. Two manifests are held at a time.
    pub(super) fn past(&self, name: &str, history: &[Past], most: usize) -> Vec<PastView> {
        let version = |past: &Past| Version::stored(self.store, name, &past.source_hash);
        let mut known = None;
        let shown = history.iter().take(most).enumerate();
        shown
            .map(|(index, past)| {
                let this = known.take().unwrap_or_else(|| version(past));
                let before = history.get(index + 1).map(version);
                let (reason, changes) = self.change(&this, before.as_ref());
                known = before;
                self.past_view(name, past, reason, &changes)
            })
            .collect()
    }

    fn change(&self, this: &Result<Version>, before: Option<&Result<Version>>) -> (String, Vec<Change>) {
        let Some(before) = before else {
            return ("first package".to_owned(), Vec::new());
        };
        let difference = match (this, before) {
            (Ok(this), Ok(before)) => comparison::difference(Some(before), Some(this)),
            (Err(error), _) | (_, Err(error)) => return (comparison::unknown(error, self.settings), Vec::new()),
        };
        match difference {
            Ok(difference) => (difference.reason(), difference.changes),
            Err(error) => (comparison::unknown(&error, self.settings), Vec::new()),
        }
    }

    fn past_view(&self, name: &str, past: &Past, reason: String, changes: &[Change]) -> PastView {
        let (record, reason) = match self.store.find(name, &past.source_hash) {
            Ok(found) => (record(found), reason),
            Err(error) => (None, comparison::unknown(&error, self.settings)),
        };
        let of_changes = changes.iter().take(MOST_CHANGES).map(|change| ChangeView {
            path: change.path.clone(),
            change: change.change,
            size_before: change.size_before,
            size_after: change.size_after,
        });
        PastView {
            published: past.published_text(),
            source_hash: past.source_hash.to_hex(),
            code_sha256: record.as_ref().map(|record| record.code_sha256.to_base64()),
            size_bytes: record.as_ref().map(|record| record.size_bytes),
            unzipped_bytes: record.as_ref().map(|record| record.unzipped_bytes),
            reason,
            changes: of_changes.collect(),
            more_changes: changes.len().saturating_sub(MOST_CHANGES),
        }
    }
}
