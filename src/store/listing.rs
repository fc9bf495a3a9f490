//! What a store lists: many functions are looked up with one request instead of two each.
//!
//! A page holds 1,000 keys, whomever they belong to, so in a store with a long history listing can cost more than asking.
//! Hence two rules. For a few functions nothing is listed ([`FEWEST`]). And listing goes on only while it pays: a page that
//! settles fewer functions than could have been asked for meanwhile ([`REQUESTS_AT_ONCE`]) is the last one. Whatever the
//! store holds, at most one page in each part is wasted.

use std::collections::BTreeMap;

use lambda_pack_core::Result;

use super::{Objects, REQUESTS_AT_ONCE};
use crate::parallel;

/// Fewer functions are asked for one by one. S3 charges for a LIST what 12.5 GETs cost, and two LISTs take the place of two
/// small requests each: from 13 functions on they are cheaper. <https://aws.amazon.com/s3/pricing/>
pub const FEWEST: usize = 16;

/// An object as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub size_bytes: u64,
    /// Changes with the content; `None` if the store gives none.
    pub etag: Option<String>,
    /// Nanoseconds since 1970, by the store's clock; S3 counts in seconds.
    pub modified: i128,
}

impl Listed {
    /// Tells these bytes from all others that ever have this key.
    pub fn version(&self) -> Option<String> {
        self.etag.as_ref().map(|etag| format!("{etag} {}", self.modified))
    }
}

/// Some objects, in the order of their keys.
pub struct Page {
    pub objects: Vec<(String, Listed)>,
    /// Whether others come behind them.
    pub more: bool,
}

/// What a listing says about a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    Present(&'a Listed),
    Absent,
    /// The listing was ended before it got there.
    Unknown,
}

/// Records and packages of some functions.
pub struct Listings {
    pub records: Listing,
    pub packages: Listing,
}

impl Listings {
    /// `None` where nothing is listed: few functions, or a store that can't or won't.
    pub fn read(objects: &dyn Objects, names: &[&str]) -> Result<Option<Self>> {
        if names.len() < FEWEST {
            return Ok(None);
        }
        let mut parts = parallel::map(&["records", "packages"], 2, |part| Listing::read(objects, part, names));
        let packages = parts.pop().expect("a result for each part")?;
        let records = parts.pop().expect("a result for each part")?;
        Ok(records
            .zip(packages)
            .map(|(records, packages)| Listings { records, packages }))
    }
}

/// The objects of one part of the store, as far as they were listed.
pub struct Listing {
    objects: BTreeMap<String, Listed>,
    /// The last key that was read, if there are others behind it that matter.
    until: Option<String>,
}

impl Listing {
    pub fn read(objects: &dyn Objects, part: &str, names: &[&str]) -> Result<Option<Self>> {
        let Some(mut after) = names.iter().map(|name| format!("{part}/{name}/")).min() else {
            return Ok(None);
        };
        // `0` is the character behind `/`: all keys of a function are before its end.
        let mut ends: Vec<String> = names.iter().map(|name| format!("{part}/{name}0")).collect();
        ends.sort_unstable();
        let mut listing = Listing {
            objects: BTreeMap::new(),
            until: None,
        };
        let mut settled = 0;
        loop {
            let Some(page) = objects.list(part, &after)? else {
                return Ok(None);
            };
            // A page without keys that promises more leads nowhere; what was not read by then is asked for.
            let last = page.objects.last().map_or(after, |(key, _)| key.clone());
            listing.objects.extend(page.objects);
            let settled_now = ends.partition_point(|end| *end <= last);
            if !page.more || settled_now == ends.len() {
                listing.until = None;
                return Ok(Some(listing));
            }
            listing.until = Some(last.clone());
            if settled_now - settled < REQUESTS_AT_ONCE {
                tracing::info!(
                    "listed {} {part} for {settled_now} of {} functions; the others are asked for one by one",
                    listing.objects.len(),
                    names.len()
                );
                return Ok(Some(listing));
            }
            settled = settled_now;
            after = last;
        }
    }

    pub fn look_up(&self, key: &str) -> Lookup<'_> {
        match (self.objects.get(key), &self.until) {
            (Some(listed), _) => Lookup::Present(listed),
            (None, Some(until)) if key > until.as_str() => Lookup::Unknown,
            (None, _) => Lookup::Absent,
        }
    }

    /// All objects below `{directory}/`; `None` if the listing was ended before the last of them.
    pub fn below(&self, directory: &str) -> Option<impl Iterator<Item = (&str, &Listed)>> {
        // `0` is the character behind `/`.
        let (start, end) = (format!("{directory}/"), format!("{directory}0"));
        if self.until.as_ref().is_some_and(|until| *until < end) {
            return None;
        }
        let objects = self.objects.range(start..end);
        Some(objects.map(|(key, listed)| (key.as_str(), listed)))
    }
}
