//! Files and links, as far as the standard library leaves them to the system or to everybody anew.

use std::fs::{self, File, Metadata};
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;

/// Gives a file one of the two modes that packages know, whatever the umask.
#[cfg(unix)]
pub fn set_mode(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub fn set_mode(_: &File, _executable: bool) -> io::Result<()> {
    Ok(())
}

/// Whether the owner may execute a file.
#[cfg(unix)]
pub fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

/// Windows has no such bit: definitions name what is executable.
#[cfg(not(unix))]
pub fn is_executable(_: &Metadata) -> bool {
    false
}

/// Makes a symbolic link, to a file or to a directory.
#[cfg(unix)]
pub fn make_link(target: impl AsRef<Path>, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
pub fn make_link(_target: impl AsRef<Path>, _link: &Path) -> io::Result<()> {
    Err(io::Error::other("symbolic links need Unix"))
}

/// Lets the disk begin with what was written, so that there is less to wait for when the file is synced. Linux does so with what is
/// said to be needed no more, and keeps it in memory until it is done; a file system that can't is none worse off.
#[cfg(target_os = "linux")]
pub fn begin_writing(file: &File, range: Range<u64>) {
    use rustix::fs::{Advice, fadvise};
    let length = NonZeroU64::new(range.end - range.start);
    fadvise(file, range.start, length, Advice::DontNeed).unwrap_or_default();
}

#[cfg(not(target_os = "linux"))]
pub fn begin_writing(_file: &File, _range: Range<u64>) {}

/// An empty path is where the user stands, as in `parent()` of a name alone; the system knows no such path.
pub fn or_here(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

/// The directory that a file is in.
pub fn directory_of(file: &Path) -> &Path {
    or_here(file.parent().unwrap_or(Path::new("")))
}

/// Removes a file that may be gone already.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_where_one_stands() {
        let directories = [("a", "."), ("a/b", "a"), ("./a", "."), ("/a", "/"), ("/", ".")];
        for (file, directory) in directories {
            assert_eq!(directory_of(Path::new(file)), Path::new(directory), "{file}");
        }
        assert_eq!(or_here(Path::new("")), Path::new("."));
    }
}
