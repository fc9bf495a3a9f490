//! Which files of a repository say something of functions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::WalkBuilder;

use super::draft::Note;
use super::resolve::Resolver;
use super::{Found, cloudformation, serverless, terraform, yaml};
use crate::{Error, Meter, Result};

/// Directories of what is installed, built or vendored; hidden ones are left out too.
const OTHERS: [&str; 6] = ["cdk.out", "node_modules", "target", "vendor", "venv", "__pycache__"];

/// In bytes. CloudFormation's limit is 1 MB:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const LARGEST: u64 = 4 * 1024 * 1024;

/// What is adopted: which files may be read, and what that may cost.
pub struct Repository<'a> {
    /// By its real path.
    pub directory: PathBuf,
    /// Regular ones that git doesn't ignore.
    files: BTreeSet<PathBuf>,
    pub resolver: Resolver<'a>,
    pub meter: &'a Meter,
}

impl<'a> Repository<'a> {
    pub fn walk(directory: &Path, meter: &'a Meter) -> Result<Self> {
        // Modules are known by their real paths.
        let directory = fs::canonicalize(directory).map_err(|cause| Error::input("read", directory, cause))?;
        // What git ignores was made, or belongs to one person.
        let walk = WalkBuilder::new(&directory)
            .parents(false)
            .require_git(false)
            .filter_entry(|entry| {
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                !(is_directory && entry.file_name().to_str().is_some_and(|name| OTHERS.contains(&name)))
            })
            .build();
        let mut files = BTreeSet::new();
        for entry in walk {
            meter.check()?;
            let entry =
                entry.map_err(|error| Error::invalid(format!("cannot read `{}`: {error}", directory.display())))?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                files.insert(entry.into_path());
            }
        }
        Ok(Repository {
            directory,
            files,
            resolver: Resolver::new(meter),
            meter,
        })
    }

    /// A link below a directory of the repository: one that leads out of it, if there is one.
    pub fn link_in(&self, directory: &Path) -> Result<Link> {
        let mut found = Link::None;
        for entry in WalkBuilder::new(directory).standard_filters(false).build().flatten() {
            self.meter.check()?;
            if !entry.path_is_symlink() {
                continue;
            }
            match fs::canonicalize(entry.path()) {
                Ok(target) if !target.starts_with(&self.directory) => return Ok(Link::Outside(entry.into_path())),
                // One that leads nowhere is refused when it is followed.
                Ok(_) | Err(_) => found = Link::Within,
            }
        }
        Ok(found)
    }

    /// The path in messages.
    pub fn shown<'b>(&self, path: &'b Path) -> &'b Path {
        path.strip_prefix(&self.directory).unwrap_or(path)
    }

    /// The text of one of its files; fails for all else.
    pub fn text(&self, path: &Path) -> Result<String> {
        self.meter.check()?;
        let refused = |reason: &str| Err(Error::invalid(format!("{}: {reason}", self.shown(path).display())));
        if !self.files.contains(path) {
            return refused("it is no file of the repository");
        }
        let size = fs::metadata(path)
            .map_err(|cause| Error::input("read", path, cause))?
            .len();
        if size > LARGEST {
            return refused("it is too large to be read here: more than 4 MiB");
        }
        fs::read_to_string(path).map_err(|cause| Error::input("read", path, cause))
    }
}

pub enum Link {
    None,
    Within,
    /// Its path.
    Outside(PathBuf),
}

/// Reads them all; returns how many there are.
pub fn read(repository: &Repository, found: &mut Found) -> Result<usize> {
    let mut terraform = Vec::new();
    let mut files = 0;
    for path in &repository.files {
        let shown = repository.shown(path);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match kind(name) {
            Some(Kind::Terraform) => {
                files += usize::from(!name.ends_with("tfvars"));
                terraform.push((path.clone(), shown.to_owned()));
            }
            Some(Kind::Program) => {
                files += 1;
                found.notes.push(Note::of_file(
                    shown,
                    "it is a program, or JSON of Terraform's, and isn't read here",
                ));
            }
            Some(kind) => files += usize::from(read_template(path, shown, kind, repository, found)?),
            None => {}
        }
    }
    terraform::read(&terraform, repository, found);
    repository.meter.check()?;
    repository.resolver.end()?;
    Ok(files)
}

#[derive(PartialEq, Eq)]
enum Kind {
    Terraform,
    Serverless,
    Template,
    Program,
}

fn kind(name: &str) -> Option<Kind> {
    let is_tfvars = name == "terraform.tfvars" || name.ends_with(".auto.tfvars");
    match name {
        _ if name.ends_with(".tf") || is_tfvars => Some(Kind::Terraform),
        "serverless.yml" | "serverless.yaml" | "serverless.json" => Some(Kind::Serverless),
        "serverless.ts" | "serverless.js" => Some(Kind::Program),
        _ if name.ends_with(".tf.json") => Some(Kind::Program),
        _ => {
            let (_, extension) = name.rsplit_once('.')?;
            matches!(extension, "yaml" | "yml" | "json" | "template").then_some(Kind::Template)
        }
    }
}

/// Whether it is one.
fn read_template(path: &Path, shown: &Path, kind: Kind, repository: &Repository, found: &mut Found) -> Result<bool> {
    let text = match repository.text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == crate::ErrorKind::Interrupted => return Err(error),
        // Much JSON and YAML is something else, so that there is nothing to say.
        Err(_) if kind == Kind::Template => return Ok(false),
        Err(error) => {
            found.notes.push(Note::of_file(shown, error.message()));
            return Ok(true);
        }
    };
    if kind == Kind::Template && !cloudformation::is_template(&text) {
        return Ok(false);
    }
    let file: Arc<Path> = shown.into();
    match (yaml::parse(&file, &text), kind) {
        (Ok(value), Kind::Serverless) => serverless::read(&value, path, repository, found),
        (Ok(value), _) => cloudformation::read(&value, path, repository, found),
        (Err(error), _) => found.notes.push(Note::of_file(shown, error.message())),
    }
    repository.resolver.end()?;
    Ok(true)
}
