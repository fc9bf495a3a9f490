//! Which commit a package was built from: a note for people, never part of a hash.

use std::path::Path;
use std::process::{Command, Stdio};

/// The commit that `directory` is at, and whether tracked files differ from it.
pub fn state(directory: &Path) -> Option<(String, bool)> {
    let described = commit(directory)?;
    Some(match described.strip_suffix("-dirty") {
        Some(commit) => (commit.to_owned(), true),
        None => (described, false),
    })
}

/// The commit that `directory` is at, with `-dirty` after it if tracked files differ. `None` without git or repository.
pub fn commit(directory: &Path) -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (!commit.is_empty()).then_some(commit)
        }
        Ok(_no_repository) => None,
        Err(cause) => {
            tracing::debug!("no git commit in the package's metadata: {cause}");
            None
        }
    }
}
