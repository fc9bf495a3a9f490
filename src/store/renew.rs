//! Packages that are used again, as those that delete see it.

use std::time::Duration;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::{ErrorKind, Result};

use super::lease::Quiet;
use super::{Found, Store, record};
use crate::time;

/// A package that was used a shorter time ago isn't marked as used again: this much less than its `--min-age` says is a package safe from
/// `gc`, and this seldom is a record written that nothing else changes.
const NOTED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// For who is about to name a package that was found here: has the store know that it is used now, by writing its record once more,
    /// unless it does. It may be gone since, which is what this returns then.
    pub fn use_again(&self, name: &str, source_hash: &Digest, found: &Found) -> Result<Found> {
        let Found::Published(record) = found else {
            return Ok(found.clone());
        };
        let used = record.used.unwrap_or_default();
        let unused = time::now().as_nanos() - used;
        if unused < NOTED_AFTER.as_nanos().cast_signed() || self.is_newest(name, used) {
            return Ok(found.clone());
        }
        /// Somebody else may write it at the same moment; not again and again.
        const TRIES: usize = 5;
        let key = record::key(name, source_hash);
        let mut before = self.quiet()?;
        for _ in 0..TRIES {
            let Some(object) = self.objects.get(&key)? else {
                return Ok(Found::Nothing);
            };
            match self.objects.replace(&key, &object.version, &object.content) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => continue,
                Err(error) => return Err(error),
            }
            let after = self.quiet_now()?;
            if after == before {
                return Ok(found.clone());
            }
            before = after;
        }
        Err(super::lost_race(&self.url.of_key(&key)))
    }

    /// Whether a listing shows that nothing of this function was used later: `gc` keeps that, whatever its age, so that a run of which
    /// nothing changed writes nothing.
    fn is_newest(&self, name: &str, used: i128) -> bool {
        let directory = format!("records/{name}");
        let listings = self.listings.as_ref();
        let records = listings.and_then(|listings| listings.records.below(&directory));
        records.is_some_and(|mut records| records.all(|(_, listed)| listed.modified <= used))
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
