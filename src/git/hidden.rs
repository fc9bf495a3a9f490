//! What `git diff` passes over: files that it was told not to look at, and bytes that it converts before it compares them, such
//! as the ends of lines. What counts is whether a checkout would write what stands there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use lambda_pack_core::disk::is_executable;
use lambda_pack_core::source::Shape;
use lambda_pack_core::{Error, Result};

use super::work_tree::{Index, SUBMODULE, SYMBOLIC_LINK, inside};
use super::{Difference, Was, WorkTree, command, git, path_of};
use crate::scratch;

const ATTRIBUTES_FILE: &str = ".gitattributes";

/// Options of `git` with which it compares what a walk sees, whatever the repository's configuration leaves out.
pub(super) const LOOK_CLOSELY: &[&str] = &[
    "-c",
    "core.fileMode=true",
    "-c",
    "core.symlinks=true",
    "-c",
    "core.trustctime=true",
    "-c",
    "core.checkStat=default",
    "-c",
    "core.fsmonitor=false",
];

/// An entry of the index.
struct Tracked {
    path: PathBuf,
    mode: String,
    object: String,
    looks_away: Option<LooksAway>,
}

/// What git was told with `git update-index`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LooksAway {
    AssumeUnchanged,
    /// Also of what a sparse checkout leaves out.
    SkipWorktree,
}

/// Attributes that decide which bytes a checkout writes, with their values.
type Conversion = BTreeMap<String, String>;

/// <https://git-scm.com/docs/gitattributes>
const CONVERTING: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// How to find out whether a file is as a checkout would write it, where `git diff` says nothing.
enum Check {
    /// A checkout writes the object as it is, and git takes away nothing but carriage returns: another content is longer.
    Size,
    /// A checkout has to say.
    Bytes,
}

impl WorkTree {
    /// Differences from a commit that are not among the `known` ones.
    pub(super) fn hidden(&self, commit: &str, known: &[Difference]) -> Result<Vec<Difference>> {
        let paths: HashSet<&Path> = known.iter().map(|difference| difference.path.as_path()).collect();
        let mut tracked = self.tracked()?;
        tracked.retain(|entry| !paths.contains(entry.path.as_path()));
        let conversions = self.conversions(&tracked, None)?;
        let mut hidden = self.not_as_checked_out(&tracked, &conversions)?;
        let mut changed = paths.into_iter().chain(hidden.iter().map(|entry| entry.path.as_path()));
        if changed.any(|path| path.file_name() == Some(OsStr::new(ATTRIBUTES_FILE))) {
            // They hold for files that didn't change themselves.
            let before = self.conversions_in(commit, &tracked)?;
            let converted = |entry: &&Tracked| before.get(&entry.path) != conversions.get(&entry.path);
            hidden.extend(tracked.iter().filter(converted));
        }
        let hidden = hidden.into_iter().map(|entry| Difference {
            path: entry.path.clone(),
            shape: match entry.mode.as_str() {
                SUBMODULE => Shape::Tree,
                SYMBOLIC_LINK => Shape::Link,
                _ => Shape::File,
            },
            was: match entry.mode.as_str() {
                SUBMODULE | SYMBOLIC_LINK => Was::Other,
                _ => Was::File(entry.object.clone()),
            },
        });
        Ok(hidden.collect())
    }

    fn tracked(&self) -> Result<Vec<Tracked>> {
        let listed = git(command(&self.top, &["ls-files", "-z", "-v", "--stage"]), b"")?;
        let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        lines
            .map(|line| {
                Tracked::read(line).ok_or_else(|| Error::failed("git ls-files answers in a format that is not known"))
            })
            .collect()
    }

    /// Those that a checkout of the index would write otherwise.
    fn not_as_checked_out<'a>(
        &self,
        tracked: &'a [Tracked],
        conversions: &HashMap<PathBuf, Conversion>,
    ) -> Result<Vec<&'a Tracked>> {
        let config = Config::of(self)?;
        let none = Conversion::new();
        let mut found = Vec::new();
        let (mut by_size, mut by_bytes) = (Vec::new(), Vec::new());
        for entry in tracked {
            let place = self.top.join(&entry.path);
            if entry.mode == SUBMODULE {
                if place.join(".git").exists() && !(WorkTree { top: place }).is_as_checked_out()? {
                    found.push(entry);
                }
                continue;
            }
            let check = entry.check(conversions.get(&entry.path).unwrap_or(&none), &config);
            match (check, fs::symlink_metadata(&place)) {
                (None, _) => {}
                (Some(Check::Size), Ok(metadata)) => by_size.push((entry, metadata.len())),
                (Some(Check::Bytes), Ok(_)) => by_bytes.push(entry),
                // What isn't there `git diff` knows, unless it looks away; a sparse checkout left it out.
                (Some(_), Err(_not_there)) => {
                    if entry.looks_away == Some(LooksAway::AssumeUnchanged) {
                        found.push(entry);
                    }
                }
            }
        }
        let objects = by_size.iter().map(|(entry, _)| entry.object.as_str());
        let sizes = self.sizes(objects)?;
        let resized = by_size
            .into_iter()
            .zip(sizes)
            .filter(|((_, size), object)| Some(*size) != *object);
        found.extend(resized.map(|((entry, _), _)| entry));
        found.extend(self.other_bytes(by_bytes)?);
        Ok(found)
    }

    /// What differs from the commit that is checked out here and in all submodules that are: paths are relative to the top of this one.
    pub fn differences_within(&self) -> Result<Vec<Difference>> {
        let mut differences = self.differences("HEAD")?;
        let mut submodules = self.tracked()?;
        submodules.retain(|entry| entry.mode == SUBMODULE && self.top.join(&entry.path).join(".git").exists());
        for submodule in submodules {
            let tree = WorkTree {
                top: self.top.join(&submodule.path),
            };
            // Git may have been told not to look at the submodule itself.
            if tree.commit("HEAD")? != submodule.object {
                differences.push(Difference {
                    path: submodule.path.clone(),
                    shape: Shape::Link,
                    was: Was::Other,
                });
            }
            let within = tree.differences_within()?.into_iter().map(|difference| Difference {
                path: submodule.path.join(&difference.path),
                ..difference
            });
            differences.extend(within);
        }
        Ok(differences)
    }

    /// Whether a checkout of the index would write the same, of what git says that it is unchanged.
    fn is_as_checked_out(&self) -> Result<bool> {
        let tracked = self.tracked()?;
        let conversions = self.conversions(&tracked, None)?;
        Ok(self.not_as_checked_out(&tracked, &conversions)?.is_empty())
    }

    /// Of those files that have any. With an index, as the attributes in it say.
    fn conversions(&self, tracked: &[Tracked], index: Option<&Index>) -> Result<HashMap<PathBuf, Conversion>> {
        let paths: Vec<&[u8]> = tracked
            .iter()
            .map(|entry| entry.path.as_os_str().as_encoded_bytes())
            .collect();
        let ask = ["check-attr", "-z", "--stdin", "--all"];
        let ask = match index {
            None => command(&self.top, &ask),
            Some(index) => index.command(&self.top, &[&ask[..], &["--cached"]].concat()),
        };
        let said = git(ask, &paths.join(&0))?;
        let mut said = said.split(|byte| *byte == 0);
        let mut conversions = HashMap::<PathBuf, Conversion>::new();
        while let (Some(path), Some(name), Some(value)) = (said.next(), said.next(), said.next()) {
            let [name, value] = [name, value].map(|text| String::from_utf8_lossy(text).into_owned());
            if CONVERTING.contains(&name.as_str()) {
                let path = path_of(path);
                conversions.entry(path).or_default().insert(name, value);
            }
        }
        Ok(conversions)
    }

    fn conversions_in(&self, commit: &str, tracked: &[Tracked]) -> Result<HashMap<PathBuf, Conversion>> {
        self.conversions(tracked, Some(&self.index_of(commit)?))
    }

    /// Of objects, in their order, in bytes. `None` for what isn't there.
    fn sizes<'a>(&self, objects: impl Iterator<Item = &'a str>) -> Result<Vec<Option<u64>>> {
        let objects: Vec<&str> = objects.collect();
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let ask = command(&self.top, &["cat-file", "--batch-check=%(objectsize)"]);
        let sizes = git(ask, (objects.join("\n") + "\n").as_bytes())?;
        let sizes = String::from_utf8_lossy(&sizes);
        Ok(sizes.lines().map(|size| size.parse().ok()).collect())
    }

    /// Those that have other bytes, or are of another kind, than a checkout writes.
    fn other_bytes<'a>(&self, tracked: Vec<&'a Tracked>) -> Result<Vec<&'a Tracked>> {
        if tracked.is_empty() {
            return Ok(tracked);
        }
        let scratch = scratch::directory()?;
        let paths: Vec<&[u8]> = tracked
            .iter()
            .map(|entry| entry.path.as_os_str().as_encoded_bytes())
            .collect();
        let mut checkout = command(
            &self.top,
            &[
                "checkout-index",
                "-z",
                "--stdin",
                "--ignore-skip-worktree-bits",
                "--prefix",
            ],
        );
        checkout.arg(inside(scratch.path()));
        git(checkout, &paths.join(&0))?;
        let mut found = Vec::new();
        for entry in tracked {
            let [here, written] = [&self.top, scratch.path()].map(|top| top.join(&entry.path));
            let is_same = is_same(&here, &written).map_err(|cause| Error::input("compare", &here, cause))?;
            if !is_same {
                found.push(entry);
            }
        }
        Ok(found)
    }
}

impl Tracked {
    /// `<tag> <mode> <object> <stage>`, tab, path: <https://git-scm.com/docs/git-ls-files#_output>
    fn read(line: &[u8]) -> Option<Self> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let head = std::str::from_utf8(&line[..tab]).ok()?;
        let [tag, mode, object, _stage] = head.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Tracked {
            path: path_of(&line[tab + 1..]),
            mode: mode.to_owned(),
            object: object.to_owned(),
            looks_away: match tag {
                "S" | "s" => Some(LooksAway::SkipWorktree),
                tag if tag.chars().all(char::is_lowercase) => Some(LooksAway::AssumeUnchanged),
                _ => None,
            },
        })
    }

    fn check(&self, conversion: &Conversion, config: &Config) -> Option<Check> {
        if self.looks_away.is_some() {
            return Some(Check::Bytes);
        }
        if self.mode == SYMBOLIC_LINK {
            return None;
        }
        let has = |name: &str| {
            conversion
                .get(name)
                .map(String::as_str)
                .filter(|value| *value != "unset")
        };
        // Git LFS puts a digest of the content into the object, so that `git diff` sees all.
        let is_filtered = has("filter").is_some_and(|name| name != "lfs");
        if is_filtered || has("ident").is_some() || has("working-tree-encoding").is_some() || has("eol") == Some("crlf")
        {
            return Some(Check::Bytes);
        }
        let is_text = match conversion.get("text").or_else(|| conversion.get("crlf")) {
            Some(value) => value != "unset",
            None => has("eol").is_some() || config.converts_all,
        };
        match (is_text, config.writes_crlf) {
            (false, _) => None,
            (true, false) => Some(Check::Size),
            (true, true) => Some(Check::Bytes),
        }
    }
}

/// What the configuration says of the ends of lines.
struct Config {
    /// Of files without attributes, too.
    converts_all: bool,
    writes_crlf: bool,
}

impl Config {
    fn of(tree: &WorkTree) -> Result<Self> {
        let listed = git(command(&tree.top, &["config", "--list", "-z"]), b"")?;
        let listed = String::from_utf8_lossy(&listed);
        let value = |name: &str| {
            let mut settings = listed
                .split('\0')
                .map(|setting| setting.split_once('\n').unwrap_or((setting, "true")));
            settings
                .rfind(|(key, _)| *key == name)
                .map(|(_, value)| value.to_lowercase())
        };
        let autocrlf = value("core.autocrlf").unwrap_or_default();
        let is_off = ["", "false", "no", "off", "0"].contains(&autocrlf.as_str());
        Ok(Config {
            converts_all: !is_off,
            writes_crlf: match is_off {
                true => value("core.eol").is_some_and(|eol| eol == "crlf"),
                false => autocrlf != "input",
            },
        })
    }
}

/// Whether two files have the same kind, execute bit and bytes.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let [a, b] = [fs::symlink_metadata(one)?, fs::symlink_metadata(other)?];
    if a.is_symlink() && b.is_symlink() {
        return Ok(fs::read_link(one)? == fs::read_link(other)?);
    }
    let is_alike = a.is_file() && b.is_file() && a.len() == b.len() && is_executable(&a) == is_executable(&b);
    Ok(is_alike && has_same_bytes(one, other)?)
}

fn has_same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let [mut one, mut other] = [BufReader::new(File::open(one)?), BufReader::new(File::open(other)?)];
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if length == 0 || a[..length] != b[..length] {
            return Ok(a.is_empty() && b.is_empty());
        }
        one.consume(length);
        other.consume(length);
    }
}
