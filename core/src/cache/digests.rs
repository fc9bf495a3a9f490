//! The digests of files that were read before, so that an unchanged tree is walked but not read.
//!
//! A digest is believed if device, inode, size, and both times (in nanoseconds) are as they were; Git trusts its index in
//! the same way. The system sets the change time at each write, and nobody can set it back. Two things could still leave
//! it alone, and are met here: a second write within the same tick of the clock (so the youngest files are never kept)
//! and a clock that was set back (so the whole cache is dropped). A third can't be seen: a write through a memory map may
//! reach the file long after its times were set. That is why `upload` reads what it packs.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use super::{CacheDir, files, local};
use crate::digest::{Algorithm, Digest};
use crate::source::{FileStat, Identity};
use crate::temporary::private_temporary_file;

/// First bytes of the file. Any other version is ignored, and overwritten.
const MAGIC: &[u8; 16] = b"lambda-pack/dig1";
/// Magic, machine (BLAKE3), time stamp.
const HEADER_BYTES: usize = 16 + 32 + 8;
/// Device, inode, size, mtime, ctime, digest.
const ENTRY_BYTES: usize = 5 * 8 + 32;
/// BLAKE3 of all before.
const CHECKSUM_BYTES: usize = 32;
/// Files that changed less than this before they were read are not kept: their times may not move at the next write. The
/// coarsest clock of a file system ticks every 2 s (FAT).
const YOUNG_NANOSECONDS: i64 = 2_000_000_000;
const SUFFIX: &str = "digests";
/// Trees whose digests are kept, and the bytes that they all may take; the least recently changed go first.
const MOST_TREES: usize = 1000;
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// With more files than this the cache starts anew: 72 MB.
const MOST_ENTRIES: usize = 1_000_000;

/// BLAKE3 digests of files by what the file system says of them.
pub struct DigestCache(Option<Open>);

struct Open {
    /// Directory of all such caches.
    place: PathBuf,
    file: PathBuf,
    /// The time of a new file, by the clock that files get their times from, before any was read.
    stamp: i64,
    machine: [u8; 32],
    known: Known,
    learned: Mutex<HashMap<Identity, (FileStat, Digest)>>,
    /// Whether a device's times can be relied upon.
    devices: RwLock<HashMap<u64, bool>>,
}

impl DigestCache {
    pub fn none() -> Self {
        DigestCache(None)
    }

    /// Opens the cache for the files below `root`. A cache that is damaged, or of elsewhere, is an empty one.
    pub fn open(directory: &CacheDir, root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        let place = directory.path.join("digests");
        fs::create_dir_all(&place)?;
        let name = &blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex()[..32];
        // Elsewhere files may have another clock than those that are hashed.
        if !local::is_local(&place) {
            return Ok(DigestCache(None));
        }
        let stamp = FileStat::of(&tempfile::tempfile_in(&place)?.metadata()?)
            .map(|stat| stat.mtime)
            .ok_or(io::ErrorKind::Unsupported)?;
        let file = place.join(format!("{name}.{SUFFIX}"));
        let machine = *blake3::hash(directory.machine.as_bytes()).as_bytes();
        let known = match fs::read(&file) {
            Ok(bytes) => Known::parse(bytes, &machine, stamp).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Known::default(),
            Err(error) => return Err(error),
        };
        Ok(DigestCache(Some(Open {
            place,
            file,
            stamp,
            machine,
            known,
            learned: Mutex::default(),
            devices: RwLock::default(),
        })))
    }

    /// The digest of the file, if it was read in this state before.
    pub(crate) fn get(&self, stat: &FileStat) -> Option<Digest> {
        self.0.as_ref()?.known.find(stat)
    }

    /// Remembers the digest of a file that was read, and had this state before and after.
    pub(crate) fn put(&self, file: &Path, stat: &FileStat, digest: Digest) {
        let Some(open) = &self.0 else {
            return;
        };
        let young = stat.mtime.max(stat.ctime) > open.stamp.saturating_sub(YOUNG_NANOSECONDS);
        let is_new = open.known.find(stat) != Some(digest);
        if is_new && !young && open.trusts(stat.identity.device, file) {
            let mut learned = open.learned.lock().expect("no panic");
            learned.insert(stat.identity, (*stat, digest));
        }
    }

    /// Writes what is new, with what was known before.
    pub fn save(self) -> io::Result<()> {
        let Some(open) = self.0 else {
            return Ok(());
        };
        let learned = open.learned.into_inner().expect("no panic");
        if learned.is_empty() {
            return Ok(());
        }
        let mut learned: Vec<[u8; ENTRY_BYTES]> = learned.values().map(|(stat, digest)| encode(stat, digest)).collect();
        learned.sort_unstable_by_key(|entry| identity(entry));
        let known = match open.known {
            known if known.entries().len() + learned.len() <= MOST_ENTRIES => known,
            _ => Known::default(),
        };
        let most = (known.entries().len() + learned.len()) * ENTRY_BYTES;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + most + CHECKSUM_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&open.machine);
        bytes.extend_from_slice(&open.stamp.to_le_bytes());
        // Both are sorted. Of the same file the new entry counts.
        let mut learned = learned.iter().peekable();
        for entry in known.entries() {
            let here = identity(entry);
            while let Some(new) = learned.next_if(|new| identity(*new) < here) {
                bytes.extend_from_slice(new);
            }
            if learned.peek().is_none_or(|new| identity(*new) != here) {
                bytes.extend_from_slice(entry);
            }
        }
        bytes.extend(learned.flatten());
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        let mut next = private_temporary_file(&open.place)?;
        next.write_all(&bytes)?;
        next.persist(&open.file).map_err(|error| error.error)?;
        files::prune(&open.place, SUFFIX, MOST_TREES, MOST_BYTES)
    }
}

impl Open {
    fn trusts(&self, device: u64, file: &Path) -> bool {
        if let Some(trusted) = self.devices.read().expect("no panic").get(&device) {
            return *trusted;
        }
        let trusted = local::is_local(file);
        self.devices.write().expect("no panic").insert(device, trusted);
        trusted
    }
}

/// A cache file's bytes, checked. Its entries are sorted by identity, and looked up where they lie.
#[derive(Default)]
struct Known(Vec<u8>);

impl Known {
    /// `None` unless the bytes are whole, of this version and machine, and older than `now`.
    fn parse(bytes: Vec<u8>, machine: &[u8; 32], now: i64) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
        let (header, entries) = body.split_at_checked(HEADER_BYTES)?;
        let (of, stamp) = header.strip_prefix(MAGIC)?.split_at(32);
        let stamp = i64::from_le_bytes(stamp.try_into().ok()?);
        let fine = of == machine
            && stamp <= now
            && entries.len() % ENTRY_BYTES == 0
            && blake3::hash(body).as_bytes().as_slice() == checksum;
        fine.then_some(Known(bytes))
    }

    fn entries(&self) -> &[[u8; ENTRY_BYTES]] {
        let entries = self.0.get(HEADER_BYTES..self.0.len().saturating_sub(CHECKSUM_BYTES));
        entries.unwrap_or_default().as_chunks().0
    }

    fn find(&self, stat: &FileStat) -> Option<Digest> {
        let entries = self.entries();
        let found = entries.binary_search_by_key(&stat.identity, |entry| identity(entry));
        decode(&entries[found.ok()?], stat)
    }
}

fn encode(stat: &FileStat, digest: &Digest) -> [u8; ENTRY_BYTES] {
    let [mtime, ctime] = [stat.mtime, stat.ctime].map(i64::cast_unsigned);
    let numbers = [stat.identity.device, stat.identity.inode, stat.size, mtime, ctime];
    let mut entry = [0; ENTRY_BYTES];
    for (place, number) in entry.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    entry[8 * numbers.len()..].copy_from_slice(digest.as_bytes());
    entry
}

fn number(entry: &[u8], index: usize) -> u64 {
    u64::from_le_bytes(entry[index * 8..][..8].try_into().expect("8 bytes"))
}

fn identity(entry: &[u8]) -> Identity {
    Identity {
        device: number(entry, 0),
        inode: number(entry, 1),
    }
}

/// The entry's digest, if it is of a file in this state.
fn decode(entry: &[u8], stat: &FileStat) -> Option<Digest> {
    let state = [stat.size, stat.mtime.cast_unsigned(), stat.ctime.cast_unsigned()];
    let same = (2..).zip(state).all(|(index, value)| number(entry, index) == value);
    same.then(|| Digest::from_bytes(Algorithm::Blake3, &entry[40..]))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    struct Cache {
        directory: tempfile::TempDir,
    }

    impl Cache {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            Cache { directory }
        }

        fn open_on(&self, machine: &str) -> DigestCache {
            let directory = CacheDir {
                path: self.directory.path().to_owned(),
                machine: machine.to_owned(),
            };
            DigestCache::open(&directory, self.directory.path()).expect("opened")
        }

        fn open(&self) -> DigestCache {
            self.open_on("here")
        }

        /// As if the file had been read just now.
        fn learn(&self, stats: &[FileStat]) {
            let cache = self.open();
            for stat in stats {
                cache.put(self.directory.path(), stat, digest());
            }
            cache.save().expect("saved");
        }

        fn file(&self) -> PathBuf {
            let mut files = files::newest_first(&self.directory.path().join("digests"), SUFFIX).expect("listed");
            files.pop().expect("a cache").path
        }
    }

    fn digest() -> Digest {
        Algorithm::Blake3.hash(b"content")
    }

    fn stamp(cache: &DigestCache) -> i64 {
        cache.0.as_ref().expect("open").stamp
    }

    fn old(inode: u64) -> FileStat {
        FileStat {
            identity: Identity { device: 1, inode },
            size: 7,
            mtime: 1_000 * SECOND,
            ctime: 1_000 * SECOND,
        }
    }

    #[test]
    fn a_digest_is_believed_only_while_all_five_values_are_as_they_were() {
        let cache = Cache::new();
        cache.learn(&[old(1), old(3), old(2)]);
        let open = cache.open();
        for inode in 1..=3 {
            assert_eq!(open.get(&old(inode)), Some(digest()));
        }
        let is = old(2);
        for other in [
            old(4),
            FileStat {
                identity: Identity { device: 2, inode: 2 },
                ..is
            },
            FileStat { size: 8, ..is },
            FileStat {
                mtime: is.mtime + 1,
                ..is
            },
            FileStat {
                mtime: is.mtime - 1,
                ..is
            },
            FileStat {
                ctime: is.ctime + 1,
                ..is
            },
        ] {
            assert_eq!(open.get(&other), None, "{other:?}");
        }
    }

    #[test]
    fn files_that_changed_just_now_are_not_kept() {
        let cache = Cache::new();
        let now = stamp(&cache.open());
        for young in [
            FileStat { ctime: now, ..old(1) },
            FileStat {
                ctime: now - SECOND,
                ..old(1)
            },
            FileStat {
                mtime: now - SECOND,
                ..old(1)
            },
            FileStat {
                mtime: now + 1_000 * SECOND,
                ..old(1)
            },
            // The clock was set back after the file was written.
            FileStat {
                ctime: now + 1_000 * SECOND,
                ..old(1)
            },
        ] {
            cache.learn(&[young]);
            assert_eq!(cache.open().get(&young), None, "{young:?}");
        }
    }

    #[test]
    fn a_cache_from_the_future_or_another_machine_is_empty() {
        let cache = Cache::new();
        cache.learn(&[old(1)]);
        let bytes = fs::read(cache.file()).expect("read");
        let machine = *blake3::hash(b"here").as_bytes();
        let now = stamp(&cache.open());
        assert!(Known::parse(bytes.clone(), &machine, now).is_some());
        assert!(Known::parse(bytes, &machine, now - 3_600 * SECOND).is_none());
        assert_eq!(cache.open_on("elsewhere").get(&old(1)), None);
    }

    #[test]
    fn any_damage_makes_it_empty() {
        let cache = Cache::new();
        cache.learn(&[old(1), old(2)]);
        let file = cache.file();
        let whole = fs::read(&file).expect("read");
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).expect("written");
            assert_eq!(cache.open().get(&old(1)), None, "cut to {length}");
        }
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 1 << (position % 8);
            fs::write(&file, &flipped).expect("written");
            assert_eq!(cache.open().get(&old(1)), None, "flipped at {position}");
        }
        fs::write(&file, &whole).expect("written");
        assert_eq!(cache.open().get(&old(1)), Some(digest()));
    }

    #[test]
    fn what_two_processes_learn_at_once_does_no_harm() {
        let cache = Cache::new();
        let (one, two) = (cache.open(), cache.open());
        one.put(cache.directory.path(), &old(1), digest());
        two.put(cache.directory.path(), &old(2), digest());
        one.save().expect("saved");
        two.save().expect("saved");
        assert_eq!(cache.open().get(&old(2)), Some(digest()));
        cache.learn(&[old(1)]);
        assert_eq!(cache.open().get(&old(1)), Some(digest()));
        assert_eq!(cache.open().get(&old(2)), Some(digest()), "what was known is kept");
    }

    #[test]
    fn a_file_in_another_state_replaces_the_old_one() {
        let cache = Cache::new();
        cache.learn(&[old(1)]);
        let edited = FileStat {
            ctime: 2_000 * SECOND,
            ..old(1)
        };
        cache.learn(&[edited]);
        assert_eq!(cache.open().get(&edited), Some(digest()));
        assert_eq!(cache.open().get(&old(1)), None);
    }
}
