//! Which functions a change touches, from what git or a list says that changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lambda_pack_core::function::{self, Function};
use lambda_pack_core::graph::{Affected, Before, Change, affected};
use lambda_pack_core::source::{Resolved, Shape};
use lambda_pack_core::{Error, Meter, Result};

use crate::cli::Common;
use crate::git::{Difference, Was, WorkTree, path_of};
use crate::input;
use crate::settings::{Settings, absolute, canonical};

/// Where it is written what changed.
pub enum Changes<'a> {
    /// Since a commit.
    Since(&'a str),
    /// In a file; `-` is stdin.
    Listed(&'a Path),
}

/// The functions that changes touch, of these.
pub fn find(
    changes: Changes,
    functions: &BTreeMap<String, Function>,
    settings: &Settings,
    common: &Common,
    meter: &Meter,
) -> Result<Vec<Affected>> {
    let (changes, before) = match changes {
        Changes::Since(reference) => since(reference, settings, common)?,
        Changes::Listed(list) => (listed(list, settings)?, Before::Unknown),
    };
    affected(functions, &before, &changes, settings.places(), &settings.file(), meter)
}

/// What differs from a commit, and the definitions as they were then.
fn since(reference: &str, settings: &Settings, common: &Common) -> Result<(Vec<Change>, Before)> {
    let without = "--since needs one; without, say what changed with --files";
    let tree = WorkTree::of(&settings.config_dir, without)?;
    let code_dir = canonical(&settings.code_dir)?;
    if !code_dir.starts_with(&tree.top) {
        return Err(Error::invalid(format!(
            "the code directory `{}` is not in the git working tree `{}`",
            settings.code_dir.display(),
            tree.top.display()
        ))
        .help("say what changed with --files"));
    }
    let differences = tree.differences(reference).map_err(|error| error.within("--since"))?;
    let changes = differences.iter().map(|difference| Change {
        path: tree.top.join(&difference.path),
        name: difference.path.display().to_string(),
        shape: difference.shape,
    });
    let before = before(&tree, &differences, settings, common)?;
    Ok((changes.collect(), before))
}

/// What git knows of a file as it was.
enum Earlier<'a> {
    Same,
    Other(&'a Difference),
    /// Something on the way there was another one.
    Unknown,
}

/// Differences by their absolute paths.
struct Differences<'a>(BTreeMap<PathBuf, &'a Difference>);

impl<'a> Differences<'a> {
    fn of(&self, file: &Path) -> Result<Earlier<'a>> {
        // Links that a `..` leaves again count, too.
        let from_here = std::path::absolute(Path::new(".").join(file));
        let from_here = from_here.map_err(|cause| Error::input("find", file, cause))?;
        let resolved = Resolved::of(&from_here);
        if resolved
            .way()
            .any(|path| path != resolved.path && self.0.contains_key(path))
        {
            return Ok(Earlier::Unknown);
        }
        Ok(match self.0.get(&resolved.path) {
            None => Earlier::Same,
            Some(difference) if difference.was == Was::Other => Earlier::Unknown,
            Some(difference) => Earlier::Other(difference),
        })
    }
}

/// The definitions as they were before these differences.
fn before(tree: &WorkTree, differences: &[Difference], settings: &Settings, common: &Common) -> Result<Before> {
    let by_path = differences
        .iter()
        .map(|difference| (tree.top.join(&difference.path), difference));
    let differences = Differences(by_path.collect());
    let settings_file = match differences.of(&settings.file())? {
        Earlier::Same => None,
        Earlier::Other(difference) => Some(difference),
        Earlier::Unknown => return Ok(Before::Unknown),
    };
    let Some((current, changed)) = current_definitions(&differences, settings)? else {
        return Ok(Before::Unknown);
    };
    if changed.is_empty() && settings_file.is_none() {
        return Ok(Before::Unknown);
    }
    let mut files: Vec<&Path> = Vec::new();
    let mut objects: Vec<&str> = Vec::new();
    for (file, difference) in &changed {
        if let Some(object) = difference.was.object() {
            files.push(file);
            objects.push(object);
        }
    }
    objects.extend(settings_file.and_then(|difference| difference.was.object()));
    let mut contents = tree.contents(&objects)?.into_iter();
    let mut functions = current;
    for (file, content) in files.into_iter().zip(contents.by_ref()) {
        match function::parse_file(file, &content) {
            Ok(parsed) => functions.extend(parsed.into_iter().map(|function| (function.name.to_string(), function))),
            // Whatever is there now is another one.
            Err(error) => tracing::info!("as it was: {error}"),
        }
    }
    let profile = match settings_file {
        None => settings.profile.clone(),
        Some(_) => {
            let text = contents.next().unwrap_or_default();
            let Some(profiles) = settings.earlier_profiles(&text, common) else {
                return Ok(Before::Unknown);
            };
            // One that wasn't there has nothing in common with what is there now.
            match settings.profile.as_ref().map(|profile| profiles.resolve(&profile.name)) {
                Some(Err(_)) => return Ok(Before::Unknown),
                Some(Ok(profile)) => Some(profile),
                None => None,
            }
        }
    };
    let Some(profile) = profile else {
        return Ok(Before::Known(functions));
    };
    Ok(match profile.apply(functions) {
        Ok(functions) => Before::Known(functions),
        Err(error) => {
            tracing::info!("as it was: {error}");
            Before::Unknown
        }
    })
}

/// The functions whose definition didn't change, and the files of those that did, each with what git knows of it.
type Definitions<'a> = (BTreeMap<String, Function>, BTreeMap<PathBuf, &'a Difference>);

/// `None` if their directory is another one.
fn current_definitions<'a>(differences: &Differences<'a>, settings: &Settings) -> Result<Option<Definitions<'a>>> {
    if !matches!(differences.of(&settings.config_dir)?, Earlier::Same) {
        return Ok(None);
    }
    let config_dir = canonical(&settings.config_dir)?;
    let mut changed = BTreeMap::new();
    // Those that are gone, too.
    for (path, difference) in &differences.0 {
        let name = path.file_name().filter(|_| path.parent() == Some(&config_dir));
        if let Some(name) = name.filter(|_| function::is_definition_file(path)) {
            changed.insert(settings.config_dir.join(name), *difference);
        }
    }
    let mut functions = function::load(&settings.config_dir)?;
    let files: BTreeSet<PathBuf> = functions.values().map(|function| function.file.clone()).collect();
    for file in files {
        // A definition may be a link to what stands elsewhere.
        match differences.of(&file)? {
            Earlier::Same => continue,
            Earlier::Other(difference) => changed.insert(file.clone(), difference),
            Earlier::Unknown => changed.remove(&file),
        };
        functions.retain(|_, function| function.file != file);
    }
    Ok(Some((functions, changed)))
}

/// What a list of files names. Names are relative to the current directory, to the project, or to the repository's top, as git
/// prints them. All of these count: where there is a file now, another one with that name may be gone.
fn listed(list: &Path, settings: &Settings) -> Result<Vec<Change>> {
    let content = input::read(list, "the list of files")?;
    let here = absolute(Path::new("."))?;
    let project = absolute(&settings.project_dir)?;
    let tops = [&here, &project].map(|start| start.ancestors().find(|above| above.join(".git").exists()));
    let mut bases = vec![here.as_path(), project.as_path()];
    bases.extend(tops.into_iter().flatten());
    let mut changes = Vec::new();
    for name in names(&content) {
        let paths: BTreeSet<PathBuf> = bases.iter().map(|base| base.join(&name)).collect();
        for path in paths {
            let path = match (path.parent(), path.file_name()) {
                (Some(directory), Some(name)) => Resolved::of(directory).path.join(name),
                _ => Resolved::of(&path).path,
            };
            let is_directory = name.as_os_str().as_encoded_bytes().ends_with(b"/");
            changes.push(Change {
                shape: if is_directory { Shape::Tree } else { Shape::of(&path) },
                path,
                name: name.display().to_string(),
            });
        }
    }
    Ok(changes)
}

/// One a line; git puts unusual ones in quotes. With NUL bytes between them nothing is special.
fn names(content: &[u8]) -> Vec<PathBuf> {
    let is_raw = content.contains(&0);
    let between = if is_raw { 0 } else { b'\n' };
    let names = content.split(|byte| *byte == between);
    let names = names.map(|name| match name.strip_suffix(b"\r").unwrap_or(name) {
        _ if is_raw => name.to_vec(),
        [b'"', quoted @ .., b'"'] => unquote(quoted),
        name => name.to_vec(),
    });
    let names = names.filter(|name| !name.is_empty());
    names.map(|name| path_of(&name)).collect()
}

/// Undoes what C's strings have, and git: <https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath>
fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(quoted.len());
    let mut rest = quoted.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'a') => name.push(0x07),
            Some(b'b') => name.push(0x08),
            Some(b't') => name.push(b'\t'),
            Some(b'n') => name.push(b'\n'),
            Some(b'v') => name.push(0x0b),
            Some(b'f') => name.push(0x0c),
            Some(b'r') => name.push(b'\r'),
            Some(first @ b'0'..=b'7') => {
                let mut value = first - b'0';
                for _ in 0..2 {
                    if let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) {
                        value = value.wrapping_mul(8).wrapping_add(digit - b'0');
                    }
                }
                name.push(value);
            }
            Some(other) => name.push(other),
            None => name.push(b'\\'),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_git_writes_them() {
        let read = |content: &[u8]| -> Vec<String> {
            let names = names(content).into_iter();
            names.map(|name| name.display().to_string()).collect()
        };
        assert_eq!(read(b"a.py\nb c.py\r\n\n"), ["a.py", "b c.py"]);
        assert_eq!(read(b"\"caf\\303\\251 \\\"x\\\"\\\\y.py\"\r\n"), ["café \"x\"\\y.py"]);
        assert_eq!(read(b"\"a\\tb\\nc\"\n"), ["a\tb\nc"]);
        assert_eq!(read(b"a\nb\0\"c\"\0"), ["a\nb", "\"c\""]);
        assert_eq!(read(b""), [""; 0]);
        assert_eq!(read(b"\"\\"), ["\"\\"]);
    }
}
