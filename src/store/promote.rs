//! Packages from another store: the same bytes under the same hash, with all that belongs to them.

use std::path::PathBuf;

use lambda_pack_core::{Error, ErrorKind, Result};
use tempfile::TempDir;

use super::{Copied, CopySource, Found, PackageFile, PackageNotes, PackageStat, Published, Record, Store};
use crate::parallel::{Turn, Turns};
use crate::scratch;

/// What became of a package.
pub enum Promoted {
    Copied(Record, Way),
    Unchanged(Record),
}

/// How the bytes of a package came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They never left the service, or were there already.
    InService,
    ThroughThisMachine,
}

/// A package on this machine, for as long as it is needed. Its bytes are those of its record.
struct Fetched {
    file: PathBuf,
    #[expect(dead_code, reason = "the file goes when this does")]
    directory: TempDir,
    #[expect(dead_code, reason = "others wait for it: packages have up to 250 MB")]
    turn: Turn,
}

/// Packages on this machine at a time.
const FETCHED_AT_ONCE: usize = 4;
static FETCHED: Turns = Turns::new(FETCHED_AT_ONCE);

impl Store {
    /// Whether two stores are one.
    pub fn is_same(&self, other: &Store) -> bool {
        self.url == other.url && self.objects.place() == other.objects.place()
    }

    /// Fails if what this store has for a source isn't the package that another store recorded.
    pub fn check_same_package(&self, from: &Store, name: &str, recorded: &Record, found: &Found) -> Result<()> {
        match found {
            Found::Published(first) if first.code_sha256 != recorded.code_sha256 => {
                let [here, there] = [first, recorded].map(|record| record.code_sha256.to_base64());
                let source_hash = recorded.source_hash();
                Err(Error::new(
                    ErrorKind::Integrity,
                    format!(
                        "for the source hash {source_hash} `{}` has a package with the code sha256 {here}, `{}` one with {there}",
                        self.url, from.url
                    ),
                )
                .help(format!(
                    "somebody built {name} there, too, and the first package stays: deploy that one, or promote to another prefix"
                )))
            }
            Found::Published(_) | Found::PackageMissing(..) | Found::Nothing => Ok(()),
        }
    }

    /// Makes a package of another store visible here, as it is, and again if somebody deleted meanwhile. `found` is what [`Store::find`] said of
    /// this store before.
    pub fn promote(&self, from: &Store, name: &str, recorded: &Record, found: &Found) -> Result<Promoted> {
        let source_hash = recorded.source_hash();
        let mut found = self.use_again(name, &source_hash, found)?;
        if let Found::Published(first) = &found {
            self.check_same_package(from, name, recorded, &found)?;
            return Ok(Promoted::Unchanged(first.clone()));
        }
        let mut before = self.quiet()?;
        let mut promoted = self.promote_once(from, name, recorded, &found)?;
        loop {
            let after = self.quiet_now()?;
            if after == before {
                return Ok(promoted);
            }
            // Who deleted meanwhile didn't know of this record yet: what was there already may be gone.
            before = after;
            found = self.ask(name, &source_hash)?;
            let again = self.promote_once(from, name, recorded, &found)?;
            if matches!(promoted, Promoted::Unchanged(_)) {
                promoted = again;
            }
        }
    }

    /// Manifest, bill of materials, provenance, zip, record. Nothing is written before the bytes are known to be those that were recorded.
    fn promote_once(&self, from: &Store, name: &str, recorded: &Record, found: &Found) -> Result<Promoted> {
        self.check_same_package(from, name, recorded, found)?;
        if let Found::Published(first) = found {
            return Ok(Promoted::Unchanged(first.clone()));
        }
        let stat = from.stat(name, recorded)?;
        let source = from.objects.copy_source(&recorded.package_key(), stat.etag.as_deref());
        // Who wrote it may have said that it is what it isn't.
        let fetched = match &source {
            Some(_) if stat.is_computed => None,
            _ => Some(from.fetch(name, recorded)?),
        };
        for (key, content) in from.beside(name, recorded)? {
            self.objects.create(&key, &content)?;
        }
        let mut record = recorded.in_store(&self.url);
        let way;
        (record.etag, way) = self.bring(from, name, &record, (source, stat, fetched))?;
        match self.commit(name, record, found)? {
            Published::Uploaded(record) => Ok(Promoted::Copied(record, way)),
            // Somebody else did the same meanwhile, or uploaded another one.
            Published::Unchanged(first) => {
                let found = Found::Published(first);
                self.check_same_package(from, name, recorded, &found)?;
                match found {
                    Found::Published(first) => Ok(Promoted::Unchanged(first)),
                    Found::Nothing | Found::PackageMissing(..) => unreachable!("it was made two lines above"),
                }
            }
        }
    }

    /// Brings the zip here, unless it is there, and makes sure of its bytes. Returns its ETag.
    fn bring(
        &self,
        from: &Store,
        name: &str,
        record: &Record,
        (source, stat, fetched): (Option<CopySource>, PackageStat, Option<Fetched>),
    ) -> Result<(Option<String>, Way)> {
        let key = record.package_key();
        let is_there = || Ok(self.objects.stat_package(&key, None)?.is_some());
        if is_there()? {
            // First, since reading what is there takes a turn of its own.
            drop(fetched);
            return Ok((self.prove(name, record)?, Way::InService));
        }
        if let Some(source) = source {
            match self.objects.copy_package(&key, &source)? {
                Copied::NotPossible(why) => tracing::info!("{name}: {why}: the package goes through this machine"),
                Copied::Done { etag, code_sha256 } if code_sha256 == Some(record.code_sha256) => {
                    return Ok((etag, Way::InService));
                }
                Copied::Refused if !is_there()? => return Err(super::lost_race(&from.package_url(record))),
                Copied::Done { .. } | Copied::Refused => {
                    drop(fetched);
                    return Ok((self.prove(name, record)?, Way::InService));
                }
            }
        }
        let fetched = match fetched {
            Some(fetched) => fetched,
            None => from.fetch(name, record)?,
        };
        let file = PackageFile {
            path: &fetched.file,
            size_bytes: record.size_bytes,
            code_sha256: record.code_sha256,
        };
        let notes = PackageNotes {
            source_hash: record.source_hash(),
            package_format: record.package_format(),
            git_commit: stat.git_commit,
        };
        let etag = self.create_package(name, record, &file, &notes)?;
        Ok((etag, Way::ThroughThisMachine))
    }

    /// What a store knows of a package that must be there.
    fn stat(&self, name: &str, record: &Record) -> Result<PackageStat> {
        let key = record.package_key();
        let stat = self.objects.stat_package(&key, None)?;
        let stat = stat.ok_or_else(|| self.vanished(&key))?;
        self.check_package(record, name, &key, &stat)?;
        Ok(stat)
    }

    /// Makes sure that a package's bytes are those that were recorded, whatever its metadata says. Returns its ETag.
    fn prove(&self, name: &str, record: &Record) -> Result<Option<String>> {
        let stat = self.stat(name, record)?;
        if !stat.is_computed {
            self.fetch(name, record)?;
        }
        Ok(stat.etag)
    }

    fn fetch(&self, name: &str, record: &Record) -> Result<Fetched> {
        let turn = FETCHED.take();
        let directory = scratch::directory()?;
        let file = directory.path().join("package.zip");
        tracing::info!("{name}: fetching {}", self.package_url(record));
        self.download(name, record, &file)?;
        Ok(Fetched { file, directory, turn })
    }

    /// The commit that a package was built from, as its metadata says.
    pub fn git_commit(&self, name: &str, record: &Record) -> Result<Option<String>> {
        Ok(self.stat(name, record)?.git_commit)
    }
}
