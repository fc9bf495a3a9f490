//! What a function was before: every package that was published of it.

use lambda_pack_core::Result;
use lambda_pack_core::digest::{Algorithm, Digest};

use super::Store;

/// A package that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    pub source_hash: Digest,
    /// Nanoseconds since 1970, by the store's clock; S3 counts in seconds.
    pub published: i128,
}

impl Store {
    /// The packages of a function, the newest first. Of two of the same second, the order is that of their hashes.
    pub fn history(&self, name: &str) -> Result<Vec<Past>> {
        let records = self.objects.list_all(&format!("records/{name}"))?;
        let pasts = records.into_iter().filter_map(|(key, listed)| {
            let hash = key.rsplit('/').next()?.strip_suffix(".json")?;
            Some(Past {
                source_hash: Digest::from_hex(Algorithm::Blake3, hash)?,
                published: listed.modified,
            })
        });
        let mut pasts: Vec<Past> = pasts.collect();
        pasts.sort_by_key(|past| std::cmp::Reverse(past.published));
        Ok(pasts)
    }
}
