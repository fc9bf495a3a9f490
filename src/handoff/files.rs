//! The files that a deployment leaves: `bundle.json`, its SHA-256, and the inputs of Terraform.

use std::fs;
use std::path::{Path, PathBuf};

use lambda_pack_core::handoff::{Document, FILE_NAME, SUMS_EXTENSION, sums_line};
use lambda_pack_core::temporary::{is_device_or_pipe, temporary_file, write_whole};
use lambda_pack_core::{Error, Result};
use sha2::{Digest, Sha256};

/// Writes `bundle.json`, then its SHA-256 beside it: who finds that finds the whole.
pub fn write_document(document: &Document, directory: &Path) -> Result<PathBuf> {
    let file = document_in(directory);
    let text = document.to_json();
    let line = sums_line(&hex::encode(Sha256::digest(text.as_bytes())));
    write(&file, &text)?;
    write(&sums_file(&file), &line)?;
    Ok(file)
}

pub fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(directory_of(file)).map_err(|cause| cannot_write(file, cause))?;
    write_whole(file, text.as_bytes(), None).map_err(|cause| cannot_write(file, cause))
}

/// Fails if the file couldn't be written, before hours of work are done for it. Its directory is made.
pub fn check_writable(file: &Path) -> Result<()> {
    if is_device_or_pipe(file) {
        return Ok(());
    }
    let directory = directory_of(file);
    fs::create_dir_all(directory)
        .and_then(|()| temporary_file(directory).map(drop))
        .map_err(|cause| cannot_write(file, cause))?;
    match file.is_dir() {
        true => Err(cannot_write(file, std::io::ErrorKind::IsADirectory.into())),
        false => Ok(()),
    }
}

pub fn document_in(directory: &Path) -> PathBuf {
    directory.join(FILE_NAME)
}

/// Where the SHA-256 of a document stands.
pub fn sums_file(document: &Path) -> PathBuf {
    let mut name = document.as_os_str().to_owned();
    name.push(".");
    name.push(SUMS_EXTENSION);
    PathBuf::from(name)
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn cannot_write(file: &Path, cause: std::io::Error) -> Error {
    Error::io("write", file, cause).help("check space and permissions there")
}
