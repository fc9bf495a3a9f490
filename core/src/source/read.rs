//! Reading a file that must not change meanwhile: a digest of half the old and half the new content is nobody's.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use super::stat::FileStat;
use crate::archive::buffers;
use crate::{Error, Result};

/// A file that is read, and must not change meanwhile.
pub struct StableReader<'a> {
    file: &'a Path,
    open: File,
    before: Metadata,
    total: u64,
}

/// A file that was read to its end.
pub struct Stable {
    pub size: u64,
    /// Its state before and after, where the system tells.
    pub stat: Option<FileStat>,
}

impl<'a> StableReader<'a> {
    pub fn open(file: &'a Path) -> Result<Self> {
        let cannot_read = |cause| Error::input("read", file, cause);
        let open = File::open(file).map_err(cannot_read)?;
        let before = open.metadata().map_err(cannot_read)?;
        if !before.is_file() {
            return Err(changed(file));
        }
        Ok(StableReader {
            file,
            open,
            before,
            total: 0,
        })
    }

    pub fn size(&self) -> u64 {
        self.before.len()
    }

    /// Fills `piece`, unless the file ends before. A file never ends later than its size tells.
    pub fn read(&mut self, piece: &mut [u8]) -> Result<usize> {
        let filled = fill(&mut self.open, piece).map_err(|cause| Error::input("read", self.file, cause))?;
        self.total += filled as u64;
        if self.total > self.before.len() {
            return Err(changed(self.file));
        }
        Ok(filled)
    }

    /// Whether all was read that the size tells of.
    pub fn is_at_end(&self) -> bool {
        self.total == self.before.len()
    }

    /// The error for a file that has no more although its size tells so.
    pub fn ended_early(&self) -> Error {
        changed(self.file)
    }

    /// Fails if the file's size or times changed since it was opened, or if it wasn't read to its end.
    pub fn finish(self) -> Result<Stable> {
        let after = self
            .open
            .metadata()
            .map_err(|cause| Error::input("read", self.file, cause))?;
        if !self.is_at_end() || identity(&self.before) != identity(&after) {
            return Err(changed(self.file));
        }
        Ok(Stable {
            size: self.total,
            stat: FileStat::of(&after),
        })
    }
}

/// Feeds a file's content to `consume`, in pieces of exactly `piece_bytes` but for the last. An empty file is one empty
/// piece.
pub fn read_stable(file: &Path, piece_bytes: usize, mut consume: impl FnMut(&[u8]) -> Result<()>) -> Result<Stable> {
    let mut reader = StableReader::open(file)?;
    // Never none: a file that the system makes up may say that it is empty, and not be.
    let capacity = piece_bytes.min(usize::try_from(reader.size()).map_or(piece_bytes, |size| size.max(1)));
    buffers::with_input(capacity, |piece| {
        loop {
            let filled = reader.read(piece)?;
            consume(&piece[..filled])?;
            if filled < piece.len() || reader.is_at_end() {
                return Ok(());
            }
        }
    })?;
    reader.finish()
}

/// The whole content of a small file that is still as the walk found it, and `None` if it isn't. One question after it was read tells as much as one before and one after.
pub fn read_as_walked<T>(file: &Path, walked: &FileStat, consume: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
    let cannot_read = |cause| Error::input("read", file, cause);
    let mut open = File::open(file).map_err(cannot_read)?;
    buffers::with_input(walked.size as usize, |content| {
        let filled = fill(&mut open, content).map_err(cannot_read)?;
        let after = FileStat::of(&open.metadata().map_err(cannot_read)?);
        let is_as_walked = filled == content.len() && after.as_ref() == Some(walked);
        Ok(is_as_walked.then(|| consume(content)))
    })
}

fn fill(from: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match from.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

pub fn changed(file: &Path) -> Error {
    Error::invalid(format!("`{}` changed while it was read", file.display()))
        .help("run again once nothing writes to the source tree")
}

/// What changes when somebody writes to a file.
fn identity(metadata: &Metadata) -> (u64, Option<SystemTime>, i128) {
    // ENOSYS for times on some systems: the size still counts.
    (metadata.len(), metadata.modified().ok(), change_time(metadata))
}

#[cfg(unix)]
fn change_time(metadata: &Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn change_time(_: &Metadata) -> i128 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_grows_while_it_is_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("grows");
        std::fs::write(&path, vec![0; 100]).expect("written");
        let mut writer = File::options().append(true).open(&path).expect("open");
        let result = read_stable(&path, 10, |_| {
            writer.write_all(b"more").expect("appended");
            Ok(())
        });
        let error = result.err().expect("refused");
        assert!(error.message().contains("changed while it was read"));
    }

    #[test]
    fn a_same_size_edit_while_it_is_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("edited");
        std::fs::write(&path, vec![0; 100]).expect("written");
        let past = SystemTime::UNIX_EPOCH;
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(past))
            .expect("old");
        let result = read_stable(&path, 10, |_| {
            std::fs::write(&path, vec![1; 100]).expect("overwritten");
            Ok(())
        });
        assert!(result.is_err());
    }

    #[test]
    #[cfg(unix)]
    fn what_is_not_as_the_walk_found_it_is_not_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("edited");
        let state = || FileStat::of(&std::fs::symlink_metadata(&path).expect("there")).expect("it has a state");
        let read = |walked: &FileStat| read_as_walked(&path, walked, <[u8]>::to_vec).expect("readable");
        std::fs::write(&path, "before").expect("written");
        let walked = state();
        assert_eq!(read(&walked).as_deref(), Some(b"before".as_slice()));
        // The same bytes in the place of the old ones.
        let other = dir.path().join("other");
        std::fs::write(&other, "before").expect("written");
        std::fs::rename(&other, &path).expect("replaced");
        assert_eq!(read(&walked), None);
        for (content, size) in [("longer than before", walked.size), ("short", walked.size)] {
            std::fs::write(&path, content).expect("written");
            assert_eq!(read(&FileStat { size, ..state() }), None, "{content}");
        }
    }

    #[test]
    fn pieces_are_full_but_for_the_last() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("plain");
        for size in [0, 1, 9, 10, 11, 20, 25] {
            std::fs::write(&path, vec![7; size]).expect("written");
            let mut sizes = Vec::new();
            let total = read_stable(&path, 10, |piece| {
                sizes.push(piece.len());
                Ok(())
            });
            assert_eq!(total.expect("stable").size, size as u64);
            assert!(sizes.iter().rev().skip(1).all(|piece| *piece == 10), "{sizes:?}");
            assert_eq!(sizes.iter().sum::<usize>(), size);
        }
    }
}
