//! Reading a file that must not change meanwhile: a digest of half the old and half the new content is nobody's.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use crate::{Error, Result};

/// Feeds a file's content to `consume`, in pieces of exactly `piece_bytes` but for the last. Returns its size.
///
/// Fails if the file's size or times change between opening it and reaching its end.
pub fn read_stable(file: &Path, piece_bytes: usize, mut consume: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
    let cannot_read = |cause| Error::input("read", file, cause);
    let mut open = File::open(file).map_err(cannot_read)?;
    let before = open.metadata().map_err(cannot_read)?;
    if !before.is_file() {
        return Err(changed(file));
    }
    let mut total = 0;
    // One byte more than the size tells, so that growth is seen and a file that never ends is left early.
    let mut limited = (&mut open).take(before.len() + 1);
    let capacity = piece_bytes.min(usize::try_from(before.len()).map_or(piece_bytes, |size| size + 1));
    let mut piece = vec![0; capacity];
    loop {
        let filled = fill(&mut limited, &mut piece).map_err(cannot_read)?;
        total += filled as u64;
        if total > before.len() {
            return Err(changed(file));
        }
        if filled > 0 {
            consume(&piece[..filled])?;
        }
        if filled < piece.len() {
            break;
        }
    }
    let after = open.metadata().map_err(cannot_read)?;
    if total != before.len() || identity(&before) != identity(&after) {
        return Err(changed(file));
    }
    Ok(total)
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
        assert!(
            result
                .expect_err("refused")
                .message()
                .contains("changed while it was read")
        );
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
            assert_eq!(total.ok(), Some(size as u64));
            assert!(sizes.iter().rev().skip(1).all(|piece| *piece == 10), "{sizes:?}");
            assert_eq!(sizes.iter().sum::<usize>(), size);
        }
    }
}
