//! Where all that decides functions stands, for who wants to hear of changes: what [`super::affected`] asks of one path at a
//! time, as directories.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Places;
use super::affected::absolute;
use crate::Result;
use crate::assets;
use crate::build::{Dependencies, Output};
use crate::function::{AssetUrl, Function};
use crate::source::{Reach, Resolved};

/// Directories, absolute and without links. None is named twice, or in another one's tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// With all that is below them.
    pub trees: BTreeSet<PathBuf>,
    /// What is in them, and nothing below that.
    pub directories: BTreeSet<PathBuf>,
    /// Those of them in which every file counts; in others it is these files.
    listed: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Watched {
    /// Of these functions, the directory of definitions, and other files. Where something isn't there, what is watched is the directory
    /// that it would appear in.
    pub fn of<'a>(
        functions: impl IntoIterator<Item = &'a Function>,
        places: Places,
        config_dir: &Path,
        files: &[PathBuf],
    ) -> Result<Self> {
        let code_dir = absolute(places.code_dir)?;
        let project_dir = absolute(places.project_dir)?;
        let mut watched = Watched::default();
        let mut found = Found {
            project_dir: Resolved::of(&project_dir).path,
            watched: &mut watched,
        };
        let config_dir = Resolved::of(&absolute(config_dir)?);
        found.directory(&config_dir);
        found.file(&Resolved::of(&code_dir));
        for file in files {
            found.file(&Resolved::of(&absolute(file)?));
        }
        for function in functions {
            found.file(&Resolved::of(&absolute(&function.file)?));
            for spec in function.sources() {
                Reach::of(spec, &code_dir)?.places().for_each(|place| found.tree(place));
            }
            for glob in Output::hashed_globs(function) {
                Reach::of_input(glob, &function.left_by_tools, &code_dir)?
                    .places()
                    .for_each(|place| found.tree(place));
            }
            for file in Dependencies::deciding_files(function, &code_dir) {
                found.file(&Resolved::of(&file));
            }
            for asset in assets::of(function) {
                if let AssetUrl::File(path) = &asset.url {
                    found.file(&Resolved::of(&project_dir.join(path)));
                }
            }
        }
        watched.drop_what_is_covered();
        Ok(watched)
    }

    /// Whether what is at `path` may decide something: logs and what editors write beside a file don't.
    pub fn counts(&self, path: &Path) -> bool {
        self.trees.iter().any(|tree| path.starts_with(tree))
            || path.parent().is_some_and(|parent| self.listed.contains(parent))
            || self.files.iter().any(|file| file.starts_with(path))
    }

    /// Whether something else stands where one of them was, if what is at `path` was replaced.
    pub fn goes_by(&self, path: &Path) -> bool {
        self.trees
            .iter()
            .chain(&self.directories)
            .any(|one| one.starts_with(path))
    }

    fn drop_what_is_covered(&mut self) {
        let trees = self.trees.clone();
        let is_below_one = |path: &Path| path.ancestors().skip(1).any(|above| trees.contains(above));
        self.trees.retain(|tree| !is_below_one(tree));
        self.directories
            .retain(|directory| !trees.contains(directory) && !is_below_one(directory));
    }
}

struct Found<'a> {
    project_dir: PathBuf,
    watched: &'a mut Watched,
}

impl Found<'_> {
    fn tree(&mut self, place: &Resolved) {
        if place.path.is_dir() {
            self.watched.trees.insert(place.path.clone());
        }
        self.file(place);
    }

    fn directory(&mut self, place: &Resolved) {
        if place.path.is_dir() {
            self.watched.directories.insert(place.path.clone());
        }
        self.watched.listed.insert(place.path.clone());
        self.file(place);
    }

    /// Of what stands at the end of a way, and of each link on it: the directory around it, and within the project those around
    /// that, since they may be moved.
    fn file(&mut self, place: &Resolved) {
        for end in [&place.path].into_iter().chain(&place.passed) {
            self.watched.files.insert(end.clone());
            for above in end.ancestors().skip(1).filter(|above| above.is_dir()) {
                self.watched.directories.insert(above.to_owned());
                if above == self.project_dir || !above.starts_with(&self.project_dir) {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::function;

    #[test]
    fn all_that_decides_a_hash_is_watched_and_nothing_beside() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("it is there");
        let project = root.join("project");
        let write = |path: &str, text: &str| {
            let file = root.join(path);
            fs::create_dir_all(file.parent().expect("it has one")).expect("made");
            fs::write(file, text).expect("written");
        };
        write("project/code/app/deep/er/a.py", "");
        write("project/code/unused/b.py", "");
        write("project/code/one.py", "");
        write("outside/shared/c.py", "");
        write(
            "project/lambda-json/app.json",
            r#"{"source": ["app", "linked", "gone/x"]}"#,
        );
        write("project/lambda-json/one.json", r#"{"source": "one.py"}"#);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../outside/shared", root.join("project/code/linked")).expect("made");
        let config_dir = project.join("lambda-json");
        let functions: BTreeMap<_, _> = function::load(&config_dir).expect("definitions");
        let code_dir = project.join("code");
        let places = Places {
            project_dir: &project,
            code_dir: &code_dir,
            out_dir: &project.join("dist"),
        };
        let watched = Watched::of(
            functions.values(),
            places,
            &config_dir,
            &[project.join("lambda-pack.toml")],
        );
        let watched = watched.expect("directories");
        let names = |paths: &BTreeSet<PathBuf>| -> Vec<String> {
            let below = paths.iter().map(|path| path.strip_prefix(&root).expect("below"));
            below.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(&watched.trees), ["outside/shared", "project/code/app"]);
        // The link leaves the project by `..`: it would lead elsewhere if another directory took the project's place.
        assert_eq!(
            names(&watched.directories),
            ["", "outside", "project", "project/code", "project/lambda-json"]
        );
        for counts in [
            "project/lambda-pack.toml",
            "project/lambda-json/new.json",
            "project/code/app/new/d.py",
            "project/code",
            "project/code/gone",
            "project/code/one.py",
        ] {
            assert!(watched.counts(&root.join(counts)), "{counts}");
        }
        for beside in ["project/watch.log", "project/code/one.py~", "outside/d.py"] {
            assert!(!watched.counts(&root.join(beside)), "{beside}");
        }
        assert!(watched.goes_by(&code_dir) && watched.goes_by(&root) && !watched.goes_by(&code_dir.join("one.py")));
    }
}
