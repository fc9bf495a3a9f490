//! Which files of a repository say something of functions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::WalkBuilder;

use super::draft::Note;
use super::{Found, cloudformation, serverless, terraform, yaml};
use crate::{Error, Meter, Result};

/// Directories of what is installed, built or vendored; hidden ones are left out too.
const OTHERS: [&str; 6] = ["cdk.out", "node_modules", "target", "vendor", "venv", "__pycache__"];

/// CloudFormation's limit is 1 MB: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads them all; returns how many there are.
pub fn read(directory: &Path, found: &mut Found, meter: &Meter) -> Result<usize> {
    // Modules are known by their real paths.
    let directory = &fs::canonicalize(directory).map_err(|cause| Error::input("read", directory, cause))?;
    // What git ignores was made, or belongs to one person.
    let walk = WalkBuilder::new(directory)
        .parents(false)
        .require_git(false)
        .filter_entry(|entry| {
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            !(is_directory && entry.file_name().to_str().is_some_and(|name| OTHERS.contains(&name)))
        })
        .sort_by_file_path(Ord::cmp)
        .build();
    let mut terraform = Vec::new();
    let mut files = 0;
    for entry in walk {
        meter.check()?;
        let entry = entry.map_err(|error| Error::invalid(format!("cannot read `{}`: {error}", directory.display())))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.into_path();
        let shown = path.strip_prefix(directory).unwrap_or(&path).to_owned();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match kind(name) {
            Some(Kind::Terraform) => {
                files += usize::from(!name.ends_with("tfvars"));
                terraform.push((path, shown));
            }
            Some(Kind::Program) => {
                files += 1;
                found.notes.push(whole(
                    &shown,
                    "it is a program, or JSON of Terraform's, and isn't read here".to_owned(),
                ));
            }
            Some(kind) => files += usize::from(read_template(&path, &shown, kind, found)?),
            None => {}
        }
    }
    terraform::read(&terraform, found);
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
fn read_template(path: &Path, shown: &Path, kind: Kind, found: &mut Found) -> Result<bool> {
    let size = fs::metadata(path)
        .map_err(|cause| Error::input("read", path, cause))?
        .len();
    if size > LARGEST {
        return Ok(false);
    }
    let bytes = fs::read(path).map_err(|cause| Error::input("read", path, cause))?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(false);
    };
    if kind == Kind::Template && !cloudformation::is_template(&text) {
        return Ok(false);
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let file: Arc<Path> = shown.into();
    match (yaml::parse(&file, &text), kind) {
        (Ok(value), Kind::Serverless) => {
            serverless::read(&value, directory, shown.parent().unwrap_or(Path::new("")), found);
        }
        (Ok(value), _) => cloudformation::read(&value, directory, found),
        (Err(error), _) => found.notes.push(whole(shown, error.message().to_owned())),
    }
    Ok(true)
}

/// A note of a whole file.
fn whole(file: &Path, reason: String) -> Note {
    Note {
        file: PathBuf::from(file),
        line: 0,
        function: None,
        key: None,
        reason,
    }
}
