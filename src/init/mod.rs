//! What `init` writes: a sample function, Terraform modules, or the definitions of a repository that is adopted. All of it is
//! known before the first file is written (`publish`).

mod modules;
mod publish;
mod questions;
mod sample;

use std::path::{Component, Path, PathBuf};

use lambda_pack_core::{Error, ErrorKind, Result};

pub use modules::modules;
pub use publish::{Published, publish};
pub use questions::{are_possible, ask};
pub use sample::{Architecture, Language, sample};

use crate::settings;

/// A file of the new project.
#[derive(Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Relative to the project.
    pub path: PathBuf,
    pub content: String,
    pub is_executable: bool,
}

impl NewFile {
    pub fn new(path: impl Into<PathBuf>, content: impl Into<String>) -> Self {
        NewFile {
            path: path.into(),
            content: content.into(),
            is_executable: false,
        }
    }
}

/// Where things are in the new project; relative to it.
pub struct Layout {
    pub code_dir: PathBuf,
    pub config_dir: PathBuf,
    /// `None` for the default.
    pub out_dir: Option<PathBuf>,
    pub store: Option<String>,
}

impl Layout {
    /// The store is that of the modules, if nothing else is said.
    pub fn with_modules(self, state_bucket: Option<&str>) -> Self {
        Layout {
            store: self.store.or_else(|| store_of_modules(state_bucket)),
            ..self
        }
    }
}

/// Where lambda-build-module keeps packages: see its `terragrunt.hcl`.
pub fn store_of_modules(state_bucket: Option<&str>) -> Option<String> {
    state_bucket.map(|bucket| format!("s3://{bucket}-packages"))
}

/// A directory that the user named for the new project.
pub fn within_project(flag: &str, given: Option<&Path>, default: &Path) -> Result<PathBuf> {
    let Some(path) = given.filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(default.to_owned());
    };
    let is_within = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    match is_within && path.to_str().is_some() {
        true => Ok(path.to_owned()),
        false => Err(Error::new(
            ErrorKind::Usage,
            format!("{flag} `{}` leads out of the new project", path.display()),
        )
        .help("name a directory relative to it, without `..`")),
    }
}

/// `lambda-pack.toml`.
pub fn settings_file(layout: &Layout) -> NewFile {
    const TEMPLATE: &str = include_str!("templates/lambda-pack.toml");
    let quoted = |path: &Path| toml::Value::from(&*path.to_string_lossy()).to_string();
    let mut lines = vec![
        format!("code_dir = {}", quoted(&layout.code_dir)),
        format!("config_dir = {}", quoted(&layout.config_dir)),
    ];
    lines.extend(
        layout
            .out_dir
            .as_deref()
            .map(|path| format!("out_dir = {}", quoted(path))),
    );
    lines.push(match &layout.store {
        Some(store) => format!("store = {}", toml::Value::from(store.as_str())),
        None => "# store = \"s3://my-bucket/lambda\"     # default: .lambda-pack/store".to_owned(),
    });
    NewFile::new(settings::FILE_NAME, TEMPLATE.replace("{{settings}}", &lines.join("\n")))
}

/// `.gitignore` with what is made and not kept; `None` if it has all of that.
pub fn ignored(existing: Option<&str>, has_modules: bool) -> Option<String> {
    const ALWAYS: [&str; 5] = ["/dist/", ".lambda-pack/", "__pycache__/", "node_modules/", "target/"];
    // What Terraform and Terragrunt make: `root.hcl` and both `terragrunt.hcl` say it.
    const MODULES: [&str; 7] = [
        ".terraform/",
        ".terragrunt-cache/",
        "*.tfstate*",
        "/lambda-*-module/backend.tf",
        "/lambda-*-module/provider.tf",
        "packages.auto.tfvars.json",
        "/lambda-deploy-module/secret_values_override.tf",
    ];
    let wanted = ALWAYS.into_iter().chain(MODULES.into_iter().filter(|_| has_modules));
    let existing = existing.unwrap_or_default();
    let is_there = |line: &str| {
        existing
            .lines()
            .any(|known| known.trim().trim_matches('/') == line.trim_matches('/'))
    };
    let missing: Vec<&str> = wanted.filter(|line| !is_there(line)).collect();
    if missing.is_empty() {
        return None;
    }
    let gap = if existing.is_empty() || existing.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Some(format!("{existing}{gap}{}\n", missing.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_added_once_to_what_the_user_ignores() {
        let first = ignored(Some("*.log"), false).expect("some are missing");
        assert!(first.starts_with("*.log\n/dist/\n"), "{first}");
        assert_eq!(ignored(Some(&first), false), None);
        assert_eq!(
            ignored(Some("dist\n"), false).map(|text| text.contains("/dist/")),
            Some(false)
        );
        assert!(ignored(None, true).is_some_and(|text| text.contains(".terragrunt-cache/")));
    }

    #[test]
    fn a_project_holds_its_directories() {
        let within = |path: &str| within_project("--code-dir", Some(Path::new(path)), Path::new("code")).ok();
        assert_eq!(within("src/code"), Some(PathBuf::from("src/code")));
        assert_eq!(within(""), Some(PathBuf::from("code")));
        assert_eq!((within("../code"), within("/code")), (None, None));
    }
}
