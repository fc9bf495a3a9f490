//! Where paths really lead, and by way of which links.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many links as Linux follows before it says ELOOP (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// A path without links, and the links that led there. What isn't there is as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub path: PathBuf,
    /// Links, and directories that a `..` left again: if one of these became a link, the path would lead elsewhere. Without links
    /// above them.
    pub passed: Vec<PathBuf>,
}

impl Resolved {
    /// Of an absolute path.
    pub fn of(path: &Path) -> Self {
        let mut resolved = Resolved {
            path: PathBuf::new(),
            passed: Vec::new(),
        };
        let mut links = 0;
        let mut rest = Vec::new();
        resolved.push_back(path, &mut rest);
        while let Some(name) = rest.pop() {
            if name == ".." {
                resolved.passed.push(resolved.path.clone());
                resolved.path.pop();
                continue;
            }
            let place = resolved.path.join(name);
            match fs::read_link(&place) {
                Ok(target) if links < MOST_LINKS => {
                    links += 1;
                    resolved.passed.push(place);
                    resolved.push_back(&target, &mut rest);
                }
                // No link, or nothing at all, or a loop of links.
                _ => resolved.path = place,
            }
        }
        resolved
    }

    fn ends(&self) -> impl Iterator<Item = &Path> {
        [&self.path].into_iter().chain(&self.passed).map(PathBuf::as_path)
    }

    /// Everything whose replacement by something else may change what is read there: the path itself, what was passed, and the
    /// directories around these. Some come twice.
    pub fn way(&self) -> impl Iterator<Item = &Path> {
        self.ends().flat_map(Path::ancestors)
    }

    /// Whether a path is on that way.
    pub fn goes_by(&self, path: &Path) -> bool {
        self.ends().any(|end| end.starts_with(path))
    }

    /// Puts the names of a path before those that are left.
    fn push_back(&mut self, path: &Path, rest: &mut Vec<OsString>) {
        let start = rest.len();
        for component in path.components() {
            match component {
                Component::Prefix(_) | Component::RootDir => self.path.push(component),
                Component::CurDir => {}
                Component::ParentDir | Component::Normal(_) => rest.push(component.as_os_str().to_owned()),
            }
        }
        rest[start..].reverse();
    }
}

/// Files by where they really stand below a directory; each is looked up once.
pub(crate) struct Canonical {
    root: Option<PathBuf>,
    known: HashMap<PathBuf, Option<PathBuf>>,
}

impl Canonical {
    pub fn new(root: &Path) -> Self {
        Canonical {
            root: fs::canonicalize(root).ok(),
            known: HashMap::new(),
        }
    }

    /// Relative to the directory; `None` for what stands elsewhere, or isn't there.
    pub fn path_of(&mut self, file: &Path) -> Option<PathBuf> {
        if let Some(known) = self.known.get(file) {
            return known.clone();
        }
        let real = fs::canonicalize(file).ok();
        let path = real.and_then(|real| Some(real.strip_prefix(self.root.as_ref()?).ok()?.to_owned()));
        self.known.insert(file.to_owned(), path.clone());
        path
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_on_the_way_are_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("it is there");
        fs::create_dir_all(root.join("a/b")).expect("made");
        symlink("a", root.join("one")).expect("made");
        symlink("../one/b", root.join("a/two")).expect("made");
        symlink("loop", root.join("loop")).expect("made");
        let resolved = Resolved::of(&root.join("one/two/../x/gone"));
        assert_eq!(resolved.path, root.join("a/x/gone"));
        // Of `..` what it left, too.
        let passed = ["one", "a", "a/two", "a/b"].map(|path| root.join(path));
        let passed = [&passed[0], &passed[2], &passed[1], &passed[0], &passed[3]];
        assert_eq!(resolved.passed.iter().collect::<Vec<_>>(), passed);
        assert!(resolved.way().any(|path| path == root));
        assert_eq!(Resolved::of(&root.join("loop")).passed.len(), MOST_LINKS);
        assert!(Resolved::of(&root).passed.is_empty());
    }
}
