//! What git knows: which commit a package was built from, a note for people that is never part of a hash; and what differs
//! from a commit.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use lambda_pack_core::source::Shape;
use lambda_pack_core::{Error, ErrorKind, Result, shorten};

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
    let describe = ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"];
    match command(directory, &describe).output() {
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
    /// The object that held its content then, if it was a regular file.
    pub before: Option<String>,
}

impl WorkTree {
    /// The one that a directory is in.
    pub fn of(directory: &Path) -> Result<Self> {
        let directory = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        let top = git(directory, &["rev-parse", "--show-toplevel"]).map_err(|error| {
            error.help("--since needs a git working tree; without one, say what changed with --files")
        })?;
        let top = Path::new(OsStr::from_bytes(top.trim_ascii_end()));
        let top = fs::canonicalize(top).map_err(|cause| Error::io("find the working tree", top, cause))?;
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
        let tracked = git(&self.top, &tracked)?;
        let untracked = git(&self.top, &["ls-files", "-z", "--others", "--exclude-standard"])?;
        let mut differences =
            parse_raw(&tracked).ok_or_else(|| Error::failed("git diff answers in a format that is not known"))?;
        let untracked = untracked.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        differences.extend(untracked.map(|path| {
            let path = PathBuf::from(OsStr::from_bytes(path));
            Difference {
                // A repository within this one is a directory.
                shape: Shape::of(&self.top.join(&path)),
                path,
                before: None,
            }
        }));
        Ok(differences)
    }

    fn commit(&self, reference: &str) -> Result<String> {
        let unknown = || {
            Error::new(
                ErrorKind::Usage,
                format!("--since: git knows no commit `{}` here", shorten(reference)),
            )
            .help("name a commit, branch or tag; where only a part of the history was cloned, fetch it first, as with `fetch-depth: 0` of actions/checkout")
        };
        // It would be an option.
        if reference.starts_with('-') || reference.is_empty() {
            return Err(unknown());
        }
        let commit = git(
            &self.top,
            &["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")],
        );
        let commit = commit.map_err(|_not_there| unknown())?;
        Ok(String::from_utf8_lossy(commit.trim_ascii()).into_owned())
    }

    /// The contents of objects, in their order.
    pub fn contents(&self, objects: &[&str]) -> Result<Vec<Vec<u8>>> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |cause| Error::io("ask git for older files in", &self.top, cause);
        let mut child = command(&self.top, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().expect("it is a pipe");
        let questions = objects.join("\n") + "\n";
        let output = thread::scope(|scope| {
            // On a thread of its own: git answers before it has read everything.
            let asking = scope.spawn(move || stdin.write_all(questions.as_bytes()));
            let output = child.wait_with_output();
            asking.join().expect("no panic")?;
            output
        });
        let output = output.map_err(failed)?;
        parse_batch(&output.stdout, objects.len())
            .ok_or_else(|| Error::failed("git doesn't have older files that it names").help("fetch the whole history"))
    }
}

fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        // Nothing here is worth writing the index anew.
        .env("GIT_OPTIONAL_LOCKS", "0");
    command
}

/// What git prints.
fn git(directory: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output = command(directory, args).output().map_err(|cause| {
        Error::failed(format!("cannot run git: {cause}")).help("install git, or say what changed with --files")
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("fatal: ");
    Err(Error::failed(format!("git {}: {}", args[0], shorten(said))))
}

/// `:<mode> <mode> <object> <object> <status>`, NUL, path, NUL, as `git diff --raw -z` prints it:
/// <https://git-scm.com/docs/git-diff#_raw_output_format>
fn parse_raw(output: &[u8]) -> Option<Vec<Difference>> {
    const ABSENT: &str = "000000";
    const SYMBOLIC_LINK: &str = "120000";
    const SUBMODULE: &str = "160000";
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
            path: PathBuf::from(OsStr::from_bytes(fields.next()?)),
            shape: match modes {
                _ if modes.contains(&SUBMODULE) => Shape::Tree,
                _ if modes.contains(&SYMBOLIC_LINK) => Shape::Link,
                _ => Shape::File,
            },
            before: (![ABSENT, SYMBOLIC_LINK, SUBMODULE].contains(&mode_before)).then(|| object.to_owned()),
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
    let top = WorkTree::of(directory)?.top;
    let tracked = git(&top, &["ls-files", "-z", "--cached", "--recurse-submodules"])?;
    let tracked: BTreeSet<&OsStr> = tracked.split(|byte| *byte == 0).map(OsStr::from_bytes).collect();
    let mut directories = BTreeMap::new();
    let mut untracked = BTreeSet::new();
    for file in files {
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = match directories.entry(directory) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let real = fs::canonicalize(directory).map_err(|cause| Error::input("find", directory, cause))?;
                unknown.insert(real)
            }
        };
        let name = Path::new(file.file_name().unwrap_or_default());
        match directory.strip_prefix(&top).map(|directory| directory.join(name)) {
            Ok(path) if tracked.contains(path.as_os_str()) => {}
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
        let difference = |path: &str, shape, before: Option<&String>| Difference {
            path: path.into(),
            shape,
            before: before.cloned(),
        };
        assert_eq!(
            differences,
            [
                difference("a b\n.py", Shape::File, Some(&old)),
                difference("link", Shape::Link, None),
                difference("sub", Shape::Tree, None),
                difference("gone", Shape::File, Some(&old)),
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
