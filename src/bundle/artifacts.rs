//! What of a build's directory becomes the bundle: the `artifacts` of its specification.

use std::path::{Path, PathBuf};

use lambda_pack_core::bundle::spec::{Artifacts, Spec};
use lambda_pack_core::function::GlobText;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, Meter, Result, collect_all, shorten};

use crate::report;
use crate::settings::canonical;

/// What the specification calls the result, or all of the directory.
pub fn made(spec: &Spec, directory: &Path, meter: &Meter) -> Result<Tree> {
    let Some(artifacts) = &spec.artifacts else {
        let tree = Tree::of_globs(directory, None, &[], meter)?;
        return match tree.entries().is_empty() {
            true => Err(Error::invalid("the phases have left nothing to pack")),
            false => Ok(tree),
        };
    };
    let base = base(artifacts, directory)?;
    let files = parse("files", &artifacts.files)?;
    let exclude = parse("exclude-paths", &artifacts.exclude_paths)?;
    let tree = Tree::of_globs(&base, Some(&files), &exclude, meter)?;
    if tree.entries().is_empty() {
        let message = format!(
            "`artifacts.files` matches nothing that is left to pack: {}",
            all(&artifacts.files)
        );
        return Err(Error::invalid(message).help(help(artifacts)));
    }
    for (glob, text) in files.iter().zip(&artifacts.files) {
        let matcher = glob.glob().compile_matcher();
        if !tree.entries().iter().any(|entry| matcher.is_match(&*entry.path)) {
            report::warning(&format!(
                "`artifacts.files`: `{}` matches nothing that is packed",
                shorten(text)
            ));
        }
    }
    Ok(tree)
}

/// Where the paths begin. What is packed is of the build's directory, wherever links lead.
fn base(artifacts: &Artifacts, directory: &Path) -> Result<PathBuf> {
    let Some(name) = &artifacts.base_directory else {
        return Ok(directory.to_owned());
    };
    let wrong = |what: &str| Error::invalid(format!("`artifacts.base-directory` is `{}`{what}", shorten(name)));
    let path = directory.join(name);
    if !path.is_dir() {
        return Err(wrong("").help("the phases left no such directory"));
    }
    let path = canonical(&path)?;
    match path.starts_with(canonical(directory)?) {
        true => Ok(path),
        false => Err(wrong(", a link that leaves the build's directory")
            .help("only what is in that directory is packed: let a command copy the files into it")),
    }
}

fn parse(key: &str, globs: &[String]) -> Result<Vec<GlobText>> {
    let parsed = globs.iter().map(|text| {
        let wrong = |what: String| Error::invalid(format!("`artifacts.{key}`: `{}`{what}", shorten(text)));
        let relative = || {
            wrong(" leaves the build's directory: paths are relative, without `..`".to_owned())
                .help("let a command copy the files into the directory")
        };
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(relative());
        }
        let parts = text.split('/').filter(|part| *part != ".");
        let text = parts.collect::<Vec<_>>().join("/");
        text.parse().map_err(|error| wrong(format!(": {error}")))
    });
    collect_all(parsed)
}

fn help(artifacts: &Artifacts) -> String {
    let base = match &artifacts.base_directory {
        Some(base) => format!("paths are relative to `{}`", shorten(base)),
        None => "paths are relative to the build's directory".to_owned(),
    };
    match artifacts.exclude_paths.as_slice() {
        [] => base,
        excluded => format!("{base}; `exclude-paths` leaves out {}", all(excluded)),
    }
}

fn all(globs: &[String]) -> String {
    let quoted: Vec<String> = globs.iter().map(|glob| format!("`{glob}`")).collect();
    shorten(&quoted.join(", ")).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn artifacts(files: &[&str], base: Option<&str>) -> Result<Vec<String>> {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("module");
        for path in ["top", "dist/a.js", "dist/sub/b.js"] {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(path, "x").expect("written");
        }
        fs::create_dir(place.path().join("other")).expect("a directory");
        fs::write(place.path().join("other/secret"), "x").expect("written");
        for (name, target) in [("outside", "../other"), ("inside", "dist")] {
            std::os::unix::fs::symlink(target, directory.join(name)).expect("a link");
        }
        let spec = Spec {
            artifacts: Some(Artifacts {
                files: files.iter().map(|glob| glob.to_string()).collect(),
                exclude_paths: vec!["./sub/**".to_owned()],
                base_directory: base.map(str::to_owned),
            }),
            ..Spec::default()
        };
        let tree = made(&spec, &directory, &Meter::default());
        tree.map(|tree| tree.entries().iter().map(|entry| entry.path.to_string()).collect())
            .inspect_err(|error| {
                let place = place.path().to_str().expect("text");
                assert!(!format!("{error:?}").contains(place), "{error:?}");
            })
    }

    #[test]
    fn paths_are_those_below_the_base() {
        for (files, base, packed) in [
            (["./top", "absent"], None, "top"),
            (["**/*", "x"], Some("dist"), "a.js"),
            (["././*.js", "x"], Some("inside"), "a.js"),
        ] {
            assert_eq!(artifacts(&files, base).expect(packed), [packed]);
        }
    }

    #[test]
    fn nothing_comes_from_outside_and_messages_say_what_is_wrong() {
        for (files, base, words) in [
            (["**/*"], Some("outside"), "`outside`, a link that leaves"),
            (["**/*"], Some("absent"), "`absent`"),
            (["../other/*"], None, "`../other/*` leaves"),
            (["/etc/passwd"], None, "`/etc/passwd` leaves"),
            (["a[b"], None, "`a[b`: "),
            (["*.py"], Some("dist"), "matches nothing that is left to pack: `*.py`"),
        ] {
            let error = artifacts(&files, base).expect_err(words);
            assert!(error.message().contains(words), "{error}");
        }
    }
}
