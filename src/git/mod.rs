//! What git knows: which commit a package was built from, a note for people that is never part of a hash; and what differs
//! from a commit.

mod hidden;
mod work_tree;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use lambda_pack_core::disk::or_here;
use lambda_pack_core::{Error, Result, shorten};

use crate::report;
use crate::settings::canonical;

pub use work_tree::{Difference, Was, WorkTree, untracked};

/// The commit that a directory is at.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Hex digits.
    pub commit: String,
    /// The branch that is checked out; `None` where there is none.
    pub branch: Option<String>,
    /// Whether tracked files differ from it.
    pub is_dirty: bool,
}

impl Head {
    /// `None` where there is no repository. If there is one, and git says nothing of it, that is an error.
    pub fn of(directory: &Path) -> Result<Option<Self>> {
        let status = [
            "status",
            "--porcelain=v2",
            "--branch",
            "--no-ahead-behind",
            "--untracked-files=no",
            "--ignore-submodules=untracked",
            "-z",
        ];
        ask(command(directory, &status), b"")?
            .map(|status| Self::read(&status))
            .transpose()
    }

    /// Lines of git are headers, which start with `#`, and paths that differ:
    /// <https://git-scm.com/docs/git-status#_porcelain_format_version_2>
    fn read(status: &[u8]) -> Result<Self> {
        let mut lines = status.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let header = |key: &[u8]| {
            let value = lines.clone().find_map(|line| line.strip_prefix(key))?;
            std::str::from_utf8(value).ok()
        };
        let branch = header(b"# branch.head ").filter(|branch| *branch != "(detached)");
        let branch = branch.map(str::to_owned);
        match header(b"# branch.oid ") {
            None => Err(Error::failed("git status answers in a format that is not known")),
            Some("(initial)") => Err(Error::failed("git: there is no commit yet")),
            Some(commit) => Ok(Head {
                commit: commit.to_owned(),
                branch,
                is_dirty: lines.any(|line| !line.starts_with(b"#")),
            }),
        }
    }
}

/// What a repository knows of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Here,
    /// Only a part of the history was fetched.
    PerhapsNotFetched,
    Nowhere,
}

impl Known {
    /// `commit` is hex digits; `None` where there is no repository.
    pub fn of(directory: &Path, commit: &str) -> Result<Option<Self>> {
        let look = command(directory, &["cat-file", "--batch-check=%(objecttype)"]);
        let Some(found) = ask(look, commit.as_bytes())? else {
            return Ok(None);
        };
        if found.trim_ascii() == b"commit" {
            return Ok(Some(Known::Here));
        }
        let shallow = git(command(directory, &["rev-parse", "--is-shallow-repository"]), b"")?;
        Ok(Some(match shallow.trim_ascii() {
            b"true" => Known::PerhapsNotFetched,
            _ => Known::Nowhere,
        }))
    }
}

/// Behind a commit from which files differ.
const DIRTY: &str = "-dirty";

/// A commit as metadata name it: with `-dirty` after it if files differ.
pub fn marked(commit: &str, is_dirty: bool) -> String {
    let mark = if is_dirty { DIRTY } else { "" };
    format!("{commit}{mark}")
}

/// The commit in what [`marked`] gives, and whether files differ from it.
pub fn unmarked(text: &str) -> (&str, bool) {
    match text.strip_suffix(DIRTY) {
        Some(commit) => (commit, true),
        None => (text, false),
    }
}

/// For the metadata of what is stored: the commit that a directory is at, with `-dirty` after it if tracked files differ.
pub fn commit(directory: &Path) -> Option<String> {
    match Head::of(directory) {
        Ok(head) => head.map(|head| marked(&head.commit, head.is_dirty)),
        Err(error) => {
            report::warning(&format!("the metadata names no commit: {error}"));
            None
        }
    }
}

/// The address of the remote `origin`, as the configuration has it: it may hold a password.
pub fn origin(directory: &Path) -> Result<Option<String>> {
    // Without a default it fails where there is none.
    let config = command(directory, &["config", "--default", "", "--get", "remote.origin.url"]);
    let url = ask(config, b"")?;
    let url = url.map(|url| String::from_utf8_lossy(&url).trim_end().to_owned());
    Ok(url.filter(|url| !url.is_empty()))
}

/// What `git rev-parse --local-env-vars` lists: they say which repository, index and objects are meant. Hooks have them of the
/// repository that runs them; here the directory decides. The configuration of `GIT_CONFIG_PARAMETERS` and `GIT_CONFIG_COUNT`
/// stays, since that is how a container says `safe.directory`.
const OF_ANOTHER_REPOSITORY: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
];

fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(args)
        .current_dir(or_here(directory))
        // Nothing here is worth writing the index anew.
        .env("GIT_OPTIONAL_LOCKS", "0");
    for variable in OF_ANOTHER_REPOSITORY {
        command.env_remove(variable);
    }
    // `git replace` shows other objects under the name of a commit, to this clone alone.
    command.env("GIT_NO_REPLACE_OBJECTS", "1");
    command
}

/// What git prints; `None` where there is no repository.
fn ask(mut command: Command, input: &[u8]) -> Result<Option<Vec<u8>>> {
    let failure = match output(&mut command, input) {
        Ok(output) if output.status.success() => return Ok(Some(output.stdout)),
        Ok(output) => failure(&command, &output),
        Err(cause) => Error::failed(format!("cannot run git: {cause}")).help("install git"),
    };
    // git's words for it are those for repositories that it can't open, too.
    match is_in_repository(command.get_current_dir().expect("each has one"))? {
        true => Err(failure),
        false => Ok(None),
    }
}

/// What git prints in a repository.
fn git(command: Command, input: &[u8]) -> Result<Vec<u8>> {
    ask(command, input)?.ok_or_else(|| Error::failed("the git repository isn't there any more"))
}

fn output(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is a pipe");
    thread::scope(|scope| {
        // On a thread of its own: git answers before it has read everything.
        let asking = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output()?;
        match asking.join().expect("no panic") {
            // It failed before it had read everything, and says why.
            Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe && !output.status.success() => Ok(output),
            asked => asked.map(|()| output),
        }
    })
}

/// All that git says: what it refuses it explains, with a command that mends it.
fn failure(command: &Command, output: &Output) -> Error {
    // Before it stands configuration.
    let is_verb = |arg: &&OsStr| !arg.as_encoded_bytes().starts_with(b"-") && !arg.as_encoded_bytes().contains(&b'=');
    let verb = command.get_args().find(is_verb);
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<String> = lines.map(|line| shorten(line.trim_start_matches("fatal: "))).collect();
    Error::failed(format!(
        "git {}: {}",
        verb.unwrap_or_default().display(),
        said.join(" ")
    ))
}

/// A path as git says it: the bytes of the file system, on Windows UTF-8.
#[cfg(unix)]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn is_in_repository(directory: &Path) -> Result<bool> {
    Ok(canonical(directory)?
        .ancestors()
        .any(|above| above.join(".git").exists()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_with_whether_files_differ() {
        let read = |text: &str| Head::read(text.replace('\n', "\0").as_bytes());
        let commit = "1".repeat(40);
        let headers = format!("# branch.oid {commit}\n# branch.head main\n# stash 1\n");
        let head = |is_dirty| Head {
            commit: commit.clone(),
            branch: Some("main".to_owned()),
            is_dirty,
        };
        assert_eq!(read(&headers).expect("clean"), head(false));
        let changed = format!("{headers}1 .M N... 100644 100644 100644 {commit} {commit} # a\n");
        assert_eq!(read(&changed).expect("dirty"), head(true));
        let detached = headers.replace("head main", "head (detached)");
        assert_eq!(read(&detached).expect("clean").branch, None);
        let none = read("# branch.oid (initial)\n").expect_err("no commit");
        assert_eq!(none.message(), "git: there is no commit yet");
        assert!(read("").is_err());
    }

    #[test]
    fn all_variables_that_lead_git_to_another_repository_are_known() {
        let listed = Command::new("git")
            .args(["rev-parse", "--local-env-vars"])
            .output()
            .expect("git runs");
        let listed = String::from_utf8(listed.stdout).expect("text");
        let unknown: Vec<&str> = listed
            .lines()
            .filter(|name| !OF_ANOTHER_REPOSITORY.contains(name) && !name.starts_with("GIT_CONFIG_"))
            .collect();
        assert!(listed.contains("GIT_DIR") && unknown.is_empty(), "{unknown:?}");
    }
}
