//! Packages that are used again, as those that delete see it.
//!
//! A record says when its package was published. When it was used again says an object of its own, by when it was written:
//! `uses/{name}/{source_hash}.json`.

use std::time::Duration;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::{ErrorKind, Result};

use super::lease::Quiet;
use super::{Found, Object, Store, record};
use crate::time;

/// A package that was used a shorter time ago isn't marked as used again: this much less than its `--min-age` says is a package safe from
/// `gc`, and this seldom is a use written that nothing else changes.
const NOTED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// For who is about to name a package that was found here: has the store know that it is used now, unless it does. The package may be
    /// gone since, which is what this returns then.
    pub fn use_again(&self, name: &str, source_hash: &Digest, found: &Found) -> Result<Found> {
        let Found::Published(record) = found else {
            return Ok(found.clone());
        };
        let published = record.published.unwrap_or_default();
        if is_young(published) || self.is_newest(name, source_hash, published) {
            return Ok(found.clone());
        }
        let record_key = record::key(name, source_hash);
        let used = self.cache.get(&record_key).and_then(|entry| entry.used);
        if used.is_some_and(is_young) {
            return Ok(found.clone());
        }
        let key = record::use_key(name, source_hash);
        let noted = self.objects.get(&key)?;
        if let Some(noted) = &noted
            && is_young(noted.modified)
        {
            self.cache.note_used(&record_key, noted.modified);
            return Ok(found.clone());
        }
        match self.note_use(&key, &record_key, noted)? {
            true => Ok(found.clone()),
            false => Ok(Found::Nothing),
        }
    }

    /// Writes the use in place of the last one, and makes sure that nobody deletes the record because of what was known before. False if it is gone.
    fn note_use(&self, key: &str, record_key: &str, mut last: Option<Object>) -> Result<bool> {
        /// Somebody may delete meanwhile; not again and again.
        const TRIES: usize = 5;
        let mut before = self.quiet()?;
        for _ in 0..TRIES {
            let now = time::now().as_nanos();
            let written = match last {
                Some(object) => self.objects.replace(key, &object.version, USE),
                None => self.objects.create(key, USE).map(drop),
            };
            match written {
                // Somebody else noted it at the same moment, or deletes it: the looks at who deletes tell that.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                written => written?,
            }
            // It may have been deleted since it was looked up, and before anything was written here.
            if self.objects.get(record_key)?.is_none() {
                return Ok(false);
            }
            let after = self.quiet_now()?;
            if after == before {
                self.cache.note_used(record_key, now);
                return Ok(true);
            }
            before = after;
            last = self.objects.get(key)?;
        }
        Err(super::lost_race(&self.url.of_key(record_key)))
    }

    /// Whether a listing shows that nothing else of this function was published as late: `gc` keeps that, whatever its age, so that a run of
    /// which nothing changed writes nothing.
    fn is_newest(&self, name: &str, source_hash: &Digest, published: i128) -> bool {
        let listings = self.listings.as_ref();
        let directory = record::directory(name);
        let records = listings.and_then(|listings| listings.records.below(&directory));
        let own = record::key(name, source_hash);
        // S3 counts in seconds: which of two came later isn't known then, and `gc` may take the other one for the newest.
        records.is_some_and(|mut records| records.all(|(key, listed)| key == own || listed.modified < published))
    }

    /// Some moment in this run, before anything was written, in which nobody deleted. All threads wait for one that looks.
    pub(super) fn quiet(&self) -> Result<Quiet> {
        let mut last = self.last_quiet();
        if let Some(quiet) = &*last {
            return Ok(quiet.clone());
        }
        let quiet = self.wait_until_quiet()?;
        *last = Some(quiet.clone());
        Ok(quiet)
    }

    pub(super) fn quiet_now(&self) -> Result<Quiet> {
        let quiet = self.wait_until_quiet()?;
        *self.last_quiet() = Some(quiet.clone());
        Ok(quiet)
    }
}

/// What the object holds: when it was written is what it says.
const USE: &[u8] = b"{}";

fn is_young(time: i128) -> bool {
    time::now().as_nanos() - time < NOTED_AFTER.as_nanos().cast_signed()
}
