//! What functions were before: every package that was published of them.

use std::sync::atomic::{AtomicBool, Ordering};

use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::as_argument;
use lambda_pack_core::{Error, ErrorKind, Result, shorten};

use super::listing::{FEWEST, Listed, Listing};
use super::{REQUESTS_AT_ONCE, Store, record};
use crate::{parallel, time};

/// A package that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    pub source_hash: Digest,
    /// Nanoseconds since 1970, by the store's clock; S3 counts in seconds.
    pub published: i128,
}

impl Past {
    /// RFC 3339 in UTC, whole seconds.
    pub fn published_text(&self) -> String {
        time::text(time::of_nanos(self.published))
    }
}

impl Store {
    /// The packages of each function, the newest first; of two of the same second, the order is that of their hashes. `None` if
    /// the store's bucket isn't there. Many functions are listed together, as far as that takes fewer requests.
    pub fn histories(&self, names: &[String]) -> Result<Option<Vec<Vec<Past>>>> {
        let listing = match names.len() >= FEWEST {
            true => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Listing::read(&*self.objects, record::PART, &names)?
            }
            false => None,
        };
        // What fails for one fails for all: nobody waits for a thousand refusals.
        let has_failed = AtomicBool::new(false);
        let histories = parallel::map(names, REQUESTS_AT_ONCE, |name| {
            let directory = record::directory(name);
            if let Some(records) = listing.as_ref().and_then(|listing| listing.below(&directory)) {
                return Ok(Some(history(records)));
            }
            if has_failed.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let records = self.objects.list_all(&directory);
            let found = matches!(records, Ok(Some(_)));
            has_failed.fetch_or(!found, Ordering::Relaxed);
            Ok(records?.map(|records| history(records.iter().map(|(key, listed)| (key.as_str(), listed)))))
        });
        // The first failure, whichever functions were passed over because of it.
        let (failed, found): (Vec<_>, Vec<_>) = histories.into_iter().partition(Result::is_err);
        match failed.into_iter().next() {
            Some(failed) => failed.map(|_: Option<Vec<Past>>| None),
            None => found.into_iter().collect(),
        }
    }

    /// The package of these whose source hash begins so.
    pub fn starting_with(&self, start: &str, name: &str, history: &[Past]) -> Result<Past> {
        /// Of a whole one, in hex.
        const DIGITS: usize = 64;
        let is_hex = start.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if start.is_empty() || start.len() > DIGITS || !is_hex {
            let said = format!("`{}` is no source hash, and none begins so", shorten(start));
            let help = format!(
                "`lambda-pack list {}` shows those that `{}` has",
                as_argument(name),
                self.url
            );
            return Err(Error::new(ErrorKind::Usage, said).help(help));
        }
        let mut fitting = history
            .iter()
            .filter(|past| past.source_hash.to_hex().starts_with(start));
        match (fitting.next(), fitting.next()) {
            (Some(past), None) => Ok(*past),
            (None, _) => {
                let said = format!("`{}` has no package of `{name}` with the source hash {start}", self.url);
                Err(not_there(said, history))
            }
            (Some(_), Some(_)) => {
                let said = format!("{start} is how several source hashes of `{name}` begin");
                Err(not_there(said, history))
            }
        }
    }
}

/// Says what is there instead.
pub fn not_there(said: String, history: &[Past]) -> Error {
    /// Who looks for an older one knows its hash.
    const SHOWN: usize = 10;
    let known = history.iter().take(SHOWN);
    let known: Vec<String> = known
        .map(|past| format!("{} ({})", &past.source_hash.to_hex()[..16], past.published_text()))
        .collect();
    let help = match (known.as_slice(), history.len()) {
        ([], _) => "nothing of it was ever published there: name another store with --store".to_owned(),
        (known, all @ SHOWN..) if all > SHOWN => {
            format!(
                "name one of those that are there: {}, and {} older ones",
                known.join(", "),
                all - SHOWN
            )
        }
        (known, _) => format!("name one of those that are there: {}", known.join(", ")),
    };
    Error::new(ErrorKind::Conflict, said).help(help)
}

fn history<'a>(records: impl Iterator<Item = (&'a str, &'a Listed)>) -> Vec<Past> {
    let pasts = records.filter_map(|(key, listed)| {
        let hash = key.rsplit('/').next()?.strip_suffix(".json")?;
        Some(Past {
            source_hash: Digest::from_hex(Algorithm::Blake3, hash)?,
            published: listed.modified,
        })
    });
    let mut pasts: Vec<Past> = pasts.collect();
    pasts.sort_by_key(|past| std::cmp::Reverse(past.published));
    pasts
}
