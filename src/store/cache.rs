//! Records on disk, so that "nothing changed" costs one listing and no look at each function.
//!
//! A record is taken from here only if the store lists the very version that was read, and a package counts as verified
//! only in the version that was. So the cache may be deleted, lost, damaged or out of date: that costs requests and
//! nothing else, and none of it is an error. It never says that something is absent. What decided the checks that a package
//! passed is noted beside its record. One file a store:
//!
//! ```text
//! lambda-pack records 1 <BLAKE3 of what follows>\n
//! {"<record key>": {"version": …, "record": …, "package": …, "checked": …, "used": …}, …}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::temporary::{private_temporary_file, remove_abandoned};
use serde::{Deserialize, Serialize};

/// First words of the file; the number is the version of all that follows.
const HEADER: &str = "lambda-pack records 1 ";

/// Entries that a run may leave alone and are kept: other branches' functions, older versions. An entry has about
/// 700 bytes.
const MOST_UNUSED: usize = 5_000;

/// A record, and the version of its package that was found to be what the record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record's, as the store names it.
    pub version: String,
    pub record: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Digest of what decided the checks that it passed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
    /// When the store was last known to know that it is used: nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<i128>,
}

/// The records of one store that are known on this machine. Without a file, it knows nothing and keeps nothing.
#[derive(Default)]
pub struct Cache {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    used: BTreeSet<String>,
    changed: bool,
}

impl Cache {
    /// `store` tells the store from all others.
    pub fn open(cache_dir: &Path, store: &str) -> Self {
        let name = Algorithm::Blake3.hash(store.as_bytes()).to_hex();
        let file = cache_dir.join("records").join(format!("{name}.json"));
        let entries = match fs::read(&file) {
            Ok(content) => parse(&content).unwrap_or_else(|problem| {
                tracing::info!("{}: {problem}; it is made anew", file.display());
                BTreeMap::new()
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::info!("cannot read the cache `{}`: {error}", file.display());
                }
                BTreeMap::new()
            }
        };
        Cache {
            file: Some(file),
            state: Mutex::new(State {
                entries,
                ..State::default()
            }),
        }
    }

    pub fn get(&self, key: &str) -> Option<Entry> {
        let mut state = self.state();
        let entry = state.entries.get(key)?.clone();
        state.used.insert(key.to_owned());
        Some(entry)
    }

    /// What was checked, and when it was used, stays noted for this version.
    pub fn remember(&self, key: &str, version: String, record: String, package: Option<String>) {
        let known = self.get(key).filter(|entry| entry.version == version);
        let (checked, used) = known.map(|entry| (entry.checked, entry.used)).unwrap_or_default();
        let entry = Entry {
            version,
            record,
            package,
            checked,
            used,
        };
        self.set(key, entry);
    }

    /// Notes what decided the checks that a package passed, if its record is known.
    pub fn note_checked(&self, key: &str, checked: String) {
        if let Some(entry) = self.get(key) {
            let checked = Some(checked);
            self.set(key, Entry { checked, ..entry });
        }
    }

    /// Notes when a package was used, if its record is known.
    pub fn note_used(&self, key: &str, used: i128) {
        if let Some(entry) = self.get(key) {
            let used = Some(used);
            self.set(key, Entry { used, ..entry });
        }
    }

    fn set(&self, key: &str, entry: Entry) {
        if self.file.is_none() || entry.version.is_empty() {
            return;
        }
        let mut state = self.state();
        state.used.insert(key.to_owned());
        if state.entries.get(key) != Some(&entry) {
            state.entries.insert(key.to_owned(), entry);
            state.changed = true;
        }
    }

    /// Writes what is new. Of two processes at once, the last one wins; both files are whole.
    pub fn save(&self) {
        let Some(file) = &self.file else { return };
        let State { entries, used, changed } = &mut *self.state();
        if !*changed {
            return;
        }
        if entries.len() - used.len() > MOST_UNUSED {
            entries.retain(|key, _| used.contains(key));
        }
        match write(file, entries) {
            Ok(()) => *changed = false,
            Err(error) => tracing::info!("cannot write the cache `{}`: {error}", file.display()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the cache")
    }
}

fn parse(content: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let content = content.strip_prefix(HEADER.as_bytes()).ok_or("another version")?;
    let (checksum, entries) = content
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|end| (&content[..end], &content[end + 1..]))
        .ok_or("damaged")?;
    if checksum != checksum_of(entries).as_bytes() {
        return Err("damaged".to_owned());
    }
    serde_json::from_slice(entries).map_err(|error| error.to_string())
}

fn checksum_of(entries: &[u8]) -> String {
    Algorithm::Blake3.hash(entries).to_hex()
}

/// Unsynced: what a power cut leaves of it fails the checksum.
fn write(file: &Path, entries: &BTreeMap<String, Entry>) -> io::Result<()> {
    let directory = file.parent().expect("the file is in a directory");
    fs::create_dir_all(directory)?;
    let entries = serde_json::to_vec(entries)?;
    remove_abandoned(directory);
    let mut temporary = private_temporary_file(directory)?;
    temporary.write_all(format!("{HEADER}{}\n", checksum_of(&entries)).as_bytes())?;
    temporary.write_all(&entries)?;
    temporary.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: &str) -> Entry {
        Entry {
            version: version.to_owned(),
            record: "{}".to_owned(),
            package: None,
            checked: None,
            used: None,
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), "store");
        cache.set("records/a/1.json", entry("1"));
        cache.save();
        let file = cache.file.unwrap();
        let whole = fs::read(&file).unwrap();
        assert_eq!(parse(&whole).unwrap().len(), 1);
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1;
            assert!(parse(&damaged).is_err(), "byte {index}");
            assert!(parse(&whole[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn what_is_not_used_goes_when_it_is_too_much() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), "store");
        for index in 0..=MOST_UNUSED {
            cache.set(&index.to_string(), entry("1"));
        }
        cache.save();
        let cache = Cache::open(directory.path(), "store");
        assert_eq!(cache.get("7"), Some(entry("1")));
        cache.set("new", entry("1"));
        cache.save();
        let cache = Cache::open(directory.path(), "store");
        assert_eq!(cache.state().entries.len(), MOST_UNUSED + 2);
        cache.set("newer", entry("1"));
        cache.save();
        let cache = Cache::open(directory.path(), "store");
        assert_eq!(cache.state().entries.keys().collect::<Vec<_>>(), ["newer"]);
        assert_eq!(cache.get("7"), None);
        assert_eq!(Cache::open(directory.path(), "another").get("newer"), None);
    }
}
