//! Temporary files beside what they are to become, so that a rename publishes them whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::disk::directory_of;

/// Hidden, and names whose they are.
const PREFIX: &str = ".lambda-pack-";
const SUFFIX: &str = ".tmp";

/// No run takes longer.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A file that will have the mode that the umask says, like any other output.
pub fn temporary_file(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// A file that nobody else may read or write.
pub fn private_temporary_file(directory: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory)
}

/// A directory, removed with all that is in it unless it was renamed.
pub fn temporary_directory(directory: &Path) -> io::Result<TempDir> {
    Builder::new().prefix(PREFIX).suffix(SUFFIX).tempdir_in(directory)
}

/// A directory that nobody else may enter, and that is known to be in use however old it is: it is locked, and a lock ends
/// with its process.
pub struct PrivateDirectory {
    directory: TempDir,
    _lock: Option<File>,
}

impl PrivateDirectory {
    pub fn new(place: &Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let directory = builder.tempdir_in(place)?;
        let lock = match lock_directory(directory.path()) {
            Ok(lock) => Some(lock),
            // Some file systems have no locks, and Windows none on directories: the time then tells alone.
            Err(TryLockError::Error(_)) => None,
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        };
        Ok(PrivateDirectory { directory, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn lock_directory(directory: &Path) -> Result<File, TryLockError> {
    let lock = File::open(directory).map_err(TryLockError::Error)?;
    lock.try_lock()?;
    Ok(lock)
}

/// Puts a small file in place, whole or not at all; with these permissions, or those that the umask says. Its directory must
/// be there.
pub fn write_whole(target: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    if is_device_or_pipe(target) {
        return fs::OpenOptions::new().write(true).open(target)?.write_all(content);
    }
    let directory = directory_of(target);
    let mut temporary = temporary_file(directory)?;
    temporary.write_all(content)?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(target)?;
    sync_directory(directory)
}

/// `/dev/null`, `/dev/stdout`, a named pipe: what is written there goes on to somebody. Renamed over, it would be gone for all.
pub fn is_device_or_pipe(target: &Path) -> bool {
    fs::metadata(target).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Removes what a killed process has left in a directory. What can't be removed stays: it harms nobody.
pub fn remove_abandoned(directory: &Path) {
    // The time of the file system that has the others' times.
    let now = private_temporary_file(directory).and_then(|file| file.as_file().metadata()?.modified());
    let Ok(now) = now else {
        return;
    };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = (name.to_str()).is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        if is_ours && changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age > ABANDONED)) {
            let path = entry.path();
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true if is_in_use(&path) => None,
                true => fs::remove_dir_all(path).ok(),
                false => fs::remove_file(path).ok(),
            };
        }
    }
}

fn is_in_use(directory: &Path) -> bool {
    matches!(lock_directory(directory), Err(TryLockError::WouldBlock))
}

/// Makes a rename survive a power cut. Windows needs and offers no such call.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_old_files_are_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in [
            ".lambda-pack-1.tmp",
            ".lambda-pack-2.tmp",
            "lambda-pack-3.tmp",
            ".other.tmp",
        ] {
            let file = File::create(directory.path().join(name)).expect("written");
            if name != ".lambda-pack-2.tmp" {
                file.set_modified(std::time::UNIX_EPOCH).expect("old");
            }
        }
        remove_abandoned(directory.path());
        let left = fs::read_dir(directory.path()).expect("a directory");
        let mut left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, [".lambda-pack-2.tmp", ".other.tmp", "lambda-pack-3.tmp"]);
        remove_abandoned(&directory.path().join("absent"));
    }

    #[cfg(unix)]
    #[test]
    fn a_private_directory_is_its_owners_and_stays_while_it_is_used() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().expect("a directory");
        let private = PrivateDirectory::new(place.path()).expect("a directory");
        let mode = fs::metadata(private.path()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let left = temporary_directory(place.path()).expect("a directory").keep();
        for old in [private.path(), &left] {
            let directory = File::open(old).expect("a directory");
            directory.set_modified(std::time::UNIX_EPOCH).expect("old");
        }
        remove_abandoned(place.path());
        assert!(private.path().exists() && !left.exists());
    }
}
