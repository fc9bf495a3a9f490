//! What a package on disk holds.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::manifest::{Entry, EntryKind, Manifest};
use lambda_pack_core::{Error, Result};
use zip::ZipArchive;
use zip::result::ZipError;

/// The entries that reach Lambda, whoever made the archive. Directories don't: they come with what is in them.
pub fn manifest_of(path: &Path) -> Result<Manifest> {
    let invalid = |error: ZipError| Error::invalid(format!("cannot read `{}`: {error}", path.display()));
    let file = File::open(path).map_err(|cause| Error::input("read", path, cause))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(invalid)?;
    let mut entries = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(invalid)?;
        if entry.is_dir() {
            continue;
        }
        let kind = kind_of(entry.unix_mode().unwrap_or_default());
        let path_in_zip = entry.name().map_err(invalid)?.into_owned();
        let mut content = Vec::new();
        let read = entry.read_to_end(&mut content);
        let size = read.map_err(|cause| Error::io("read", path, cause))? as u64;
        entries.push(Entry {
            path: path_in_zip.into(),
            kind,
            size,
            digest: Algorithm::Blake3.hash(&content),
        });
    }
    Ok(Manifest::new(Algorithm::Blake3, entries, None))
}

fn kind_of(mode: u32) -> EntryKind {
    const TYPE: u32 = 0o170_000;
    const SYMLINK: u32 = 0o120_000;
    match mode {
        _ if mode & TYPE == SYMLINK => EntryKind::Symlink,
        _ if mode & 0o111 != 0 => EntryKind::Executable,
        _ => EntryKind::File,
    }
}
