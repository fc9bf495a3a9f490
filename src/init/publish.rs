//! Puts a project's files in place: all of them, or none. No file that is there is replaced, but `.gitignore`, which grows.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lambda_pack_core::temporary::{sync_directory, temporary_directory, temporary_file, write_whole};
use lambda_pack_core::{Error, Meter, Result};
use serde::Serialize;

use super::NewFile;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Published {
    Written,
    /// It was there, with just this content: so `init` can be run again after it was killed.
    Unchanged,
    /// It would be written, but for `--dry-run`.
    Planned,
    /// A `.gitignore` that is a link, to what may be shared with other repositories.
    Skipped,
}

const GITIGNORE: &str = ".gitignore";

/// Writes the files below `project`, or nothing if one of them is there with other content. `gitignore` makes the new
/// `.gitignore` of the old one.
pub fn publish(
    project: &Path,
    files: &[NewFile],
    gitignore: impl Fn(Option<&str>) -> Option<String>,
    is_dry_run: bool,
    meter: &Meter,
) -> Result<Vec<(PathBuf, Published)>> {
    let mut rows = Vec::new();
    let mut in_the_way = Vec::new();
    for file in files {
        match found(&project.join(&file.path), file) {
            Ok(published) => rows.push((file.path.clone(), published)),
            Err(error) => in_the_way.push(error),
        }
    }
    if let Some(error) = Error::join(in_the_way) {
        return Err(error);
    }
    let existing = existing_gitignore(project)?;
    let ignored = match &existing {
        Gitignore::Text(text) => gitignore(text.as_deref()),
        Gitignore::Link => None,
    };
    let state = match (&existing, &ignored) {
        (Gitignore::Link, _) => Published::Skipped,
        (_, Some(_)) => Published::Planned,
        (_, None) => Published::Unchanged,
    };
    rows.push((GITIGNORE.into(), state));
    if is_dry_run {
        return Ok(rows);
    }
    let missing = files
        .iter()
        .zip(&rows)
        .filter(|(_, (_, state))| *state == Published::Planned);
    let missing: Vec<&NewFile> = missing.map(|(file, _)| file).collect();
    write(project, &missing, ignored.as_deref(), meter)?;
    for (_, state) in &mut rows {
        if *state == Published::Planned {
            *state = Published::Written;
        }
    }
    Ok(rows)
}

/// What stands where a file is to be.
fn found(target: &Path, file: &NewFile) -> Result<Published> {
    let there = Error::conflict(format!("`{}` is there already", target.display()))
        .help("move it away, or run `init` in another directory; nothing was written");
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_file() => match fs::read(target) {
            Ok(content) if content == file.content.as_bytes() => Ok(Published::Unchanged),
            Ok(_other) => Err(there),
            Err(cause) => Err(Error::input("read", target, cause)),
        },
        Ok(_directory_or_link) => Err(there),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Published::Planned),
        // A file where a directory is needed.
        Err(cause) => Err(Error::input("write", target, cause).help("nothing was written")),
    }
}

enum Gitignore {
    Text(Option<String>),
    Link,
}

fn existing_gitignore(project: &Path) -> Result<Gitignore> {
    let file = project.join(GITIGNORE);
    match fs::symlink_metadata(&file) {
        Ok(metadata) if !metadata.is_file() => Ok(Gitignore::Link),
        Ok(_) => match fs::read_to_string(&file) {
            Ok(text) => Ok(Gitignore::Text(Some(text))),
            Err(cause) => Err(Error::input("read", &file, cause)),
        },
        Err(_not_there) => Ok(Gitignore::Text(None)),
    }
}

fn write(project: &Path, files: &[&NewFile], ignored: Option<&str>, meter: &Meter) -> Result<()> {
    let mut made = Made::default();
    made.directory(project)?;
    let cannot_write = |cause| Error::io("write into", project, cause).help("check space and permissions there");
    // What fails for want of space fails before anything is seen.
    let staging = temporary_directory(project).map_err(cannot_write)?;
    let mut staged = Vec::new();
    for file in files {
        meter.check()?;
        let mut temporary = temporary_file(staging.path()).map_err(cannot_write)?;
        temporary.write_all(file.content.as_bytes()).map_err(cannot_write)?;
        if file.is_executable {
            make_executable(temporary.as_file()).map_err(cannot_write)?;
        }
        temporary.as_file().sync_all().map_err(cannot_write)?;
        staged.push((project.join(&file.path), temporary));
    }
    for (target, temporary) in staged {
        meter.check()?;
        made.directory(target.parent().expect("a file is in a directory"))?;
        temporary
            .persist_noclobber(&target)
            .map_err(|failed| match failed.error.kind() {
                io::ErrorKind::AlreadyExists => {
                    Error::conflict(format!("`{}` was made by somebody else just now", target.display()))
                }
                _ => Error::io("write", &target, failed.error),
            })?;
        made.files.push(target);
    }
    for directory in made.files.iter().filter_map(|file| file.parent()) {
        sync_directory(directory).map_err(cannot_write)?;
    }
    meter.check()?;
    if let Some(text) = ignored {
        let file = project.join(GITIGNORE);
        let permissions = fs::metadata(&file).ok().map(|metadata| metadata.permissions());
        write_whole(&file, text.as_bytes(), permissions).map_err(cannot_write)?;
    }
    made.is_complete = true;
    Ok(())
}

#[cfg(unix)]
fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode();
    // Whoever may read it may run it.
    permissions.set_mode(mode | (mode & 0o444) >> 2);
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn make_executable(_file: &File) -> io::Result<()> {
    Ok(())
}

/// What was made so far. It goes again unless it became complete.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    is_complete: bool,
}

impl Made {
    fn directory(&mut self, directory: &Path) -> Result<()> {
        let mut missing: Vec<&Path> = directory
            .ancestors()
            .take_while(|it| !it.as_os_str().is_empty() && !it.exists())
            .collect();
        missing.reverse();
        for directory in missing {
            match fs::create_dir(directory) {
                Ok(()) => self.directories.push(directory.to_owned()),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(Error::io("create the directory", directory, cause)),
            }
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        let removed = self.files.iter().map(fs::remove_file);
        // Only those that are empty: somebody else may have begun to use one.
        let emptied = self.directories.iter().rev().map(fs::remove_dir);
        for cause in removed.chain(emptied).filter_map(io::Result::err) {
            tracing::info!("something unfinished stays: {cause}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_appear_or_none() {
        let place = tempfile::tempdir().expect("a directory");
        let project = place.path().join("new/project");
        let files = [NewFile::new("a/b.txt", "1"), NewFile::new("c.txt", "2")];
        let meter = Meter::default();
        meter.interrupt_flag().store(true, std::sync::atomic::Ordering::Relaxed);
        publish(&project, &files, |_| Some("x\n".to_owned()), false, &meter).expect_err("interrupted");
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
        let rows = publish(&project, &files, |_| Some("x\n".to_owned()), false, &Meter::default()).expect("written");
        assert!(rows.iter().all(|(_, state)| *state == Published::Written), "{rows:?}");
        let again = publish(&project, &files, |_| None, false, &Meter::default()).expect("there");
        assert!(
            again.iter().all(|(_, state)| *state == Published::Unchanged),
            "{again:?}"
        );
        let left = fs::read_dir(&project).expect("a directory").count();
        assert_eq!(left, 3, "nothing temporary stays");
    }

    #[test]
    fn what_was_begun_goes_again() {
        let place = tempfile::tempdir().expect("a directory");
        // The second file's directory can't be made.
        let files = [NewFile::new("a/b.txt", "1"), NewFile::new("a/b.txt/c", "2")];
        publish(place.path(), &files, |_| None, false, &Meter::default()).expect_err("a file is no directory");
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
    }
}
