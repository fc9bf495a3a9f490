//! A working tree, and what in it differs from a commit.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_pack_core::disk::{directory_of, or_here};
use lambda_pack_core::source::Shape;
use lambda_pack_core::{Error, ErrorKind, Result, shorten};
use tempfile::TempDir;

use super::{ask, command, git, hidden, path_of};
use crate::scratch;
use crate::settings::canonical;

/// A working tree.
pub struct WorkTree {
    /// Canonical.
    pub top: PathBuf,
}

/// A path that isn't as it was in a commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the top of the working tree.
    pub path: PathBuf,
    pub shape: Shape,
    pub was: Was,
}

/// What a path was in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Was {
    Absent,
    /// A regular file whose content this object holds.
    File(String),
    /// A link, a repository, or nobody knows.
    Other,
}

impl Was {
    /// The object that held its content, if it was a regular file.
    pub fn object(&self) -> Option<&str> {
        match self {
            Was::File(object) => Some(object),
            Was::Absent | Was::Other => None,
        }
    }
}

impl WorkTree {
    /// The one that a directory is in. `otherwise` helps where it is in none.
    pub fn of(directory: &Path, otherwise: &str) -> Result<Self> {
        let top = ask(command(directory, &["rev-parse", "--show-toplevel"]), b"")?.ok_or_else(|| {
            let directory = or_here(directory).display();
            Error::failed(format!("`{directory}` is not in a git repository")).help(otherwise)
        })?;
        let top = path_of(top.strip_suffix(b"\n").unwrap_or(&top));
        let top = fs::canonicalize(&top).map_err(|cause| Error::io("find the working tree", &top, cause))?;
        Ok(WorkTree { top })
    }

    /// What differs from a commit, committed or not, and the files that git doesn't know and doesn't ignore. A file that was
    /// renamed is one that is gone and one that is new.
    pub fn differences(&self, reference: &str) -> Result<Vec<Difference>> {
        let commit = self.commit(reference)?;
        let tracked = [
            "diff",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--ignore-submodules=none",
            &commit,
            "--",
        ];
        let tracked = git(command(&self.top, &[hidden::LOOK_CLOSELY, &tracked].concat()), b"")?;
        let untracked = git(
            command(&self.top, &["ls-files", "-z", "--others", "--exclude-standard"]),
            b"",
        )?;
        let tracked =
            parse_raw(&tracked).ok_or_else(|| Error::failed("git diff answers in a format that is not known"))?;
        let mut differences = BTreeMap::new();
        for difference in tracked {
            differences
                .entry(difference.path.clone())
                // In a conflict.
                .and_modify(|known: &mut Difference| known.was = Was::Other)
                .or_insert(difference);
        }
        for path in untracked.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            let path = path_of(path);
            // A repository within this one is a directory.
            let shape = Shape::of(&self.top.join(&path));
            differences
                .entry(path.clone())
                // It was tracked, as what it may not be any more.
                .and_modify(|known| {
                    if known.shape != shape {
                        known.shape = if shape == Shape::Tree { shape } else { Shape::Link };
                    }
                })
                .or_insert(Difference {
                    path,
                    shape,
                    was: Was::Absent,
                });
        }
        let mut differences: Vec<Difference> = differences.into_values().collect();
        differences.extend(self.hidden(&commit, &differences)?);
        Ok(differences)
    }

    /// Writes all files of a commit, as a checkout would, into an empty directory. Submodules stay empty.
    pub fn check_out(&self, reference: &str, directory: &Path) -> Result<()> {
        let commit = self.commit(reference)?;
        let index = self.index_of(&commit)?;
        let mut checkout = index.command(&self.top, &["checkout-index", "--all", "--prefix"]);
        checkout.arg(inside(directory));
        git(checkout, b"").map(drop)
    }

    pub(super) fn index_of(&self, commit: &str) -> Result<Index> {
        let index = Index {
            directory: scratch::directory()?,
        };
        git(index.command(&self.top, &["read-tree", commit]), b"")?;
        Ok(index)
    }

    pub(super) fn commit(&self, reference: &str) -> Result<String> {
        let reference_of_commit = format!("{reference}^{{commit}}");
        let verify = ["rev-parse", "--verify", "--quiet", &reference_of_commit];
        // It would be an option.
        if !reference.starts_with('-')
            && let Ok(commit) = git(command(&self.top, &verify), b"")
        {
            return Ok(String::from_utf8_lossy(commit.trim_ascii()).into_owned());
        }
        let is_shallow = git(command(&self.top, &["rev-parse", "--is-shallow-repository"]), b"")?;
        let help = match is_shallow.trim_ascii() {
            b"true" => {
                "only a part of the history was cloned: `git fetch --unshallow` brings the rest, as does `fetch-depth: 0` of actions/checkout"
            }
            _ => "name a commit, branch or tag; `git fetch` brings what others pushed",
        };
        let unknown = format!("git knows no commit `{}` here", shorten(reference));
        Err(Error::new(ErrorKind::Usage, unknown).help(help))
    }

    /// The contents of objects, in their order.
    pub fn contents(&self, objects: &[&str]) -> Result<Vec<Vec<u8>>> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let questions = objects.join("\n") + "\n";
        let output = git(command(&self.top, &["cat-file", "--batch"]), questions.as_bytes())?;
        parse_batch(&output, objects.len())
            .ok_or_else(|| Error::failed("git doesn't have older files that it names").help("`git fetch` brings them"))
    }
}

/// The index of a commit. The user's own stays as it is.
pub(super) struct Index {
    directory: TempDir,
}

impl Index {
    /// A command that works with it.
    pub(super) fn command(&self, directory: &Path, args: &[&str]) -> Command {
        let mut command = command(directory, args);
        command.env("GIT_INDEX_FILE", self.directory.path().join("index"));
        command
    }
}

/// What `git checkout-index --prefix` puts before each path.
pub(super) fn inside(directory: &Path) -> OsString {
    let mut prefix = directory.as_os_str().to_owned();
    prefix.push("/");
    prefix
}

/// Modes, as git writes them: <https://git-scm.com/docs/git-fast-import#_filemodify>
pub(super) const SYMBOLIC_LINK: &str = "120000";
pub(super) const SUBMODULE: &str = "160000";

/// `:<mode> <mode> <object> <object> <status>`, NUL, path, NUL, as `git diff --raw -z` prints it:
/// <https://git-scm.com/docs/git-diff#_raw_output_format>
fn parse_raw(output: &[u8]) -> Option<Vec<Difference>> {
    const ABSENT: &str = "000000";
    let mut fields = output.split(|byte| *byte == 0);
    let mut differences = Vec::new();
    loop {
        let head = fields.next()?;
        if head.is_empty() {
            return Some(differences);
        }
        let head = std::str::from_utf8(head.strip_prefix(b":")?).ok()?;
        let [mode_before, mode_now, object, _, _] = head.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        let modes = [mode_before, mode_now];
        differences.push(Difference {
            path: path_of(fields.next()?),
            shape: match modes {
                _ if modes.contains(&SUBMODULE) => Shape::Tree,
                _ if modes.contains(&SYMBOLIC_LINK) => Shape::Link,
                _ => Shape::File,
            },
            was: match mode_before {
                ABSENT => Was::Absent,
                SYMBOLIC_LINK | SUBMODULE => Was::Other,
                _ => Was::File(object.to_owned()),
            },
        });
    }
}

/// `<object> blob <bytes>`, line break, content, line break: <https://git-scm.com/docs/git-cat-file#_batch_output>
fn parse_batch(mut output: &[u8], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut contents = Vec::with_capacity(count);
    for _ in 0..count {
        let end = output.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(&output[..end]).ok()?;
        let [_, "blob", bytes] = head.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        let (content, rest) = output[end + 1..].split_at_checked(bytes.parse().ok()?)?;
        contents.push(content.to_owned());
        output = rest.strip_prefix(b"\n")?;
    }
    Some(contents)
}

/// Those of these files that no commit can have, since git doesn't track them: relative to the top of the working tree that
/// `directory` is in; of what isn't in that the name alone, since the rest is the machine's.
pub fn untracked(directory: &Path, files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let top = WorkTree::of(directory, "run the same command again")?.top;
    let ls_files = command(&top, &["ls-files", "-z", "--cached", "--recurse-submodules"]);
    let tracked = git(ls_files, b"")?;
    let tracked: BTreeSet<PathBuf> = tracked.split(|byte| *byte == 0).map(path_of).collect();
    let mut directories = BTreeMap::new();
    let mut untracked = BTreeSet::new();
    for file in files {
        let directory = directory_of(file);
        let directory = match directories.entry(directory) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(canonical(directory)?),
        };
        let name = Path::new(file.file_name().unwrap_or_default());
        match directory.strip_prefix(&top).map(|directory| directory.join(name)) {
            Ok(path) if tracked.contains(&path) => {}
            Ok(path) => drop(untracked.insert(path)),
            Err(_elsewhere) => drop(untracked.insert(name.to_owned())),
        }
    }
    Ok(untracked.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_read_with_what_they_were() {
        let [old, none] = ["1".repeat(40), "0".repeat(40)];
        let records = [
            format!(":100644 100755 {old} {none} M\0a b\n.py\0"),
            format!(":120000 100644 {old} {none} T\0link\0"),
            format!(":000000 160000 {none} {none} A\0sub\0"),
            format!(":100644 000000 {old} {none} D\0gone\0"),
        ];
        let differences = parse_raw(records.concat().as_bytes()).expect("differences");
        let difference = |path: &str, shape, was| Difference {
            path: path.into(),
            shape,
            was,
        };
        let file = || Was::File(old.clone());
        assert_eq!(
            differences,
            [
                difference("a b\n.py", Shape::File, file()),
                difference("link", Shape::Link, Was::Other),
                difference("sub", Shape::Tree, Was::Absent),
                difference("gone", Shape::File, file()),
            ]
        );
        assert_eq!(parse_raw(b""), Some(Vec::new()));
        assert_eq!(parse_raw(b"fatal: no"), None);
        assert_eq!(parse_raw(records[0].trim_end_matches('\0').as_bytes()), None);
    }

    #[test]
    fn contents_are_taken_by_their_lengths() {
        let output = b"11 blob 3\na\nb\n22 blob 0\n\n";
        assert_eq!(parse_batch(output, 2), Some(vec![b"a\nb".to_vec(), Vec::new()]));
        assert_eq!(parse_batch(b"11 missing\n", 1), None);
        assert_eq!(parse_batch(b"11 blob 9\nshort\n", 1), None);
    }
}
