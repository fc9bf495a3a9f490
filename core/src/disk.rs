//! Files and links, as far as the standard library leaves them to the system or to everybody anew.

use std::fs::{self, File, Metadata};
use std::io;
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

/// Removes a file that may be gone already.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
