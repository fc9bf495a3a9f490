//! Looking source hashes up, and what makes a package worth trusting.
//!
//! Where the store is listed, a record that isn't listed is no record; a record is read from the cache if it is the
//! listed version; and a package needs no request of its own if its bytes are known to be the recorded ones:
//!
//! - it is listed in the version that was verified in an earlier run, or
//! - it has the ETag that its record gives, and was not written after the record. Packages are written first, so a later
//!   one was put there by somebody else, whatever its ETag is.
//!
//! Everything else is asked about, as if there were no listing: a package that is missing, larger, or another version is
//! never judged by a listing alone.

use std::path::Path;

use lambda_pack_core::Result;
use lambda_pack_core::digest::Digest;

use super::cache::Entry;
use super::listing::{Listed, Listing, Listings, Lookup};
use super::{Found, PackageStat, Record, Store, StoreUrl, Verified, record};

impl Store {
    /// Prepares for looking these functions up: many are found with few requests. `cache_dir` is the user's.
    pub fn expect(&mut self, names: &[&str], cache_dir: Option<&Path>) -> Result<()> {
        self.listings = Listings::read(&*self.objects, names)?;
        // Without a listing nothing tells whether an S3 record is still the cached one.
        let of_use = self.listings.is_some() || matches!(self.url, StoreUrl::File(_));
        if let Some(cache_dir) = cache_dir.filter(|_| of_use) {
            self.open_cache(cache_dir);
        }
        Ok(())
    }

    /// Looks a source hash up. A record that contradicts itself or its package is an error.
    ///
    /// That nothing is there may be what the listing said some time ago: who acts on it must be ready to find something.
    pub fn find(&self, name: &str, source_hash: &Digest) -> Result<Found> {
        let Some(listings) = &self.listings else {
            return self.ask(name, source_hash);
        };
        match listings.records.look_up(&record::key(name, source_hash)) {
            Lookup::Present(listed) => self.find_listed(name, source_hash, listed, &listings.packages),
            Lookup::Absent => Ok(Found::Nothing),
            Lookup::Unknown => self.ask(name, source_hash),
        }
    }

    /// Like [`Store::find`], by asking for the record and its package as they are now.
    pub fn ask(&self, name: &str, source_hash: &Digest) -> Result<Found> {
        let key = record::key(name, source_hash);
        let Some(object) = self.objects.get(&key)? else {
            return Ok(Found::Nothing);
        };
        let record = self.parse(name, source_hash, &object.content)?;
        let cached = self.cache.get(&key).filter(|entry| entry.version == object.version);
        let verified = cached.and_then(|entry| entry.package).map(|stamp| Verified {
            stamp,
            code_sha256: record.code_sha256,
        });
        let package_key = record.package_key();
        let Some(stat) = self.objects.stat_package(&package_key, verified.as_ref())? else {
            return Ok(Found::PackageMissing(record, object.version));
        };
        self.check_package(&record, name, &package_key, &stat)?;
        self.remember(&key, object.version, &record, stat.stamp);
        Ok(Found::Published(record.published_at(object.modified)))
    }

    /// Keeps what was learnt for the next run.
    pub fn save_cache(&self) {
        self.cache.save();
    }

    fn find_listed(&self, name: &str, source_hash: &Digest, listed: &Listed, packages: &Listing) -> Result<Found> {
        let key = record::key(name, source_hash);
        let cached = self.cached(&key, name, source_hash, listed);
        let (record, version, verified) = match cached {
            Some(cached) => cached,
            None => match self.objects.get(&key)? {
                Some(object) => (self.parse(name, source_hash, &object.content)?, object.version, None),
                // Deleted since.
                None => return Ok(Found::Nothing),
            },
        };
        let package_key = record.package_key();
        let package = match packages.look_up(&package_key) {
            Lookup::Present(package) => Some(package),
            Lookup::Absent | Lookup::Unknown => None,
        };
        if let Some(package) = package
            && package.size_bytes == record.size_bytes
            && (was_verified(package, verified.as_deref()) || is_as_written(package, &record, listed))
        {
            self.remember(&key, version, &record, verified);
            return Ok(Found::Published(record.published_at(listed.modified)));
        }
        let Some(stat) = self.objects.stat_package(&package_key, None)? else {
            return Ok(Found::PackageMissing(record, version));
        };
        self.check_package(&record, name, &package_key, &stat)?;
        // What was verified is what was listed, unless somebody wrote in between.
        let verified = package
            .filter(|package| package.etag == stat.etag)
            .and_then(Listed::version);
        self.remember(&key, version, &record, verified);
        Ok(Found::Published(record.published_at(listed.modified)))
    }

    /// The record that is listed, its version, and the verified version of its package, if they are known here.
    pub(super) fn cached(
        &self,
        key: &str,
        name: &str,
        source_hash: &Digest,
        listed: &Listed,
    ) -> Option<(Record, String, Option<String>)> {
        let Entry {
            version,
            record,
            package,
            ..
        } = self.cache.get(key)?;
        if listed.etag.as_ref() != Some(&version) {
            return None;
        }
        match Record::parse(&self.url, name, source_hash, record.as_bytes()) {
            Ok(record) => Some((record, version, package)),
            Err(problem) => {
                tracing::info!("the cache has no use of `{key}`: {problem}");
                None
            }
        }
    }

    /// Notes a record, and the version in which its package was verified, if there is one.
    pub(super) fn remember(&self, key: &str, version: String, record: &Record, verified: Option<String>) {
        let record = String::from_utf8(record.to_json()).expect("JSON is UTF-8");
        self.cache.remember(key, version, record, verified);
    }

    /// Whether the package of a source hash passed checks that this decided, as far as this machine knows.
    pub fn has_passed(&self, name: &str, source_hash: &Digest, decided_by: &Digest) -> bool {
        let cached = self.cache.get(&record::key(name, source_hash));
        cached.and_then(|entry| entry.checked) == Some(decided_by.to_hex())
    }

    /// Notes that it did. The record must have been found, or written.
    pub fn note_passed(&self, name: &str, source_hash: &Digest, decided_by: &Digest) {
        self.cache
            .note_checked(&record::key(name, source_hash), decided_by.to_hex());
    }

    pub(super) fn parse(&self, name: &str, source_hash: &Digest, content: &[u8]) -> Result<Record> {
        Record::parse(&self.url, name, source_hash, content)
            .map_err(|problem| self.contradiction(&record::key(name, source_hash), name, source_hash, &problem))
    }

    pub(super) fn check_package(&self, record: &Record, name: &str, key: &str, stat: &PackageStat) -> Result<()> {
        let problem = if stat.size_bytes != record.size_bytes {
            format!(
                "it has {} bytes, its record says {}",
                stat.size_bytes, record.size_bytes
            )
        } else {
            match stat.code_sha256 {
                Some(stored) if stored == record.code_sha256 => return Ok(()),
                Some(stored) => format!(
                    "its code sha256 is {}, its record says {}",
                    stored.to_base64(),
                    record.code_sha256.to_base64()
                ),
                None => "nothing says what its SHA-256 is: something else wrote it".to_owned(),
            }
        };
        Err(self.contradiction(key, name, &record.source_hash(), &problem))
    }
}

/// Whether the listed package is the version that was compared with the record in an earlier run.
fn was_verified(package: &Listed, verified: Option<&str>) -> bool {
    verified.is_some() && package.version().as_deref() == verified
}

/// Whether the listed package is the one that was written just before its record.
fn is_as_written(package: &Listed, record: &Record, listed: &Listed) -> bool {
    record.etag.is_some() && package.etag == record.etag && package.modified <= listed.modified
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(etag: Option<&str>, modified: i128) -> Listed {
        Listed {
            size_bytes: 1,
            etag: etag.map(str::to_owned),
            modified,
        }
    }

    fn record(etag: Option<&str>) -> Record {
        let built = serde_json::json!({
            "name": "app", "hash_version": 1, "source_hash": "0".repeat(64), "package_format": 1,
            "code_sha256": format!("{}=", "A".repeat(43)), "s3_key": format!("packages/app/{}.zip", "0".repeat(64)),
            "size_bytes": 1, "unzipped_bytes": 1, "entries": 1, "etag": etag,
        });
        let url = StoreUrl::parse("s3://bucket", Path::new("")).unwrap();
        let hash = Digest::from_hex(lambda_pack_core::digest::Algorithm::Blake3, &"0".repeat(64)).unwrap();
        Record::parse(&url, "app", &hash, built.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_package_is_as_written_only_with_its_etag_and_before_its_record() {
        let is = |package: &Listed, etag| is_as_written(package, &record(etag), &listed(Some("r"), 10));
        assert!(is(&listed(Some("a"), 9), Some("a")));
        assert!(is(&listed(Some("a"), 10), Some("a")), "S3 counts in seconds");
        assert!(!is(&listed(Some("a"), 11), Some("a")), "somebody wrote it again");
        assert!(!is(&listed(Some("b"), 9), Some("a")));
        assert!(!is(&listed(Some("a"), 9), None));
        assert!(!is(&listed(None, 9), None));
    }

    #[test]
    fn a_package_was_verified_only_in_its_version() {
        let version = listed(Some("a"), 9).version();
        assert!(was_verified(&listed(Some("a"), 9), version.as_deref()));
        assert!(!was_verified(&listed(Some("a"), 10), version.as_deref()));
        assert!(!was_verified(&listed(Some("b"), 9), version.as_deref()));
        assert!(!was_verified(&listed(None, 9), None));
    }
}
