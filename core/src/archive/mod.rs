//! Packages: deterministic zips. The same entries give the same bytes, on every machine and with any number of threads.

mod deflate;
mod pack;
mod zip;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::manifest::Manifest;
use crate::source::Tree;
use crate::{Error, Meter, Result};

pub use pack::pack;

/// Number of the rules that make a package's bytes: framing, compressor, level, chunk size (`docs/formats.md`).
pub const PACKAGE_FORMAT: u32 = 1;

/// SHA-256 of a zip: Lambda's `CodeSha256`, Terraform's `source_code_hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeSha256([u8; 32]);

impl CodeSha256 {
    /// Base64, as AWS and Terraform spell it.
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0)
    }

    /// Hex, as object keys have it (base64 has `/` and upper case that file systems may ignore).
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64.decode(text).ok()?.try_into().ok().map(CodeSha256)
    }

    /// Hashes a zip that is there already.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(CodeSha256(hasher.finalize().into())),
                count => hasher.update(&buffer[..count]),
            }
        }
    }
}

/// A zip that was written.
#[derive(Clone, Debug)]
pub struct Package {
    pub code_sha256: CodeSha256,
    pub size_bytes: u64,
}

/// Whether a package had to be put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    New,
    /// The same bytes were there already; the file was left alone.
    Unchanged,
}

/// Packs a tree into `target`, which appears whole or not at all. `manifest` is the tree's own, with BLAKE3 digests:
/// a file that no longer has the digest in it is an error.
pub fn write_package(tree: &Tree, manifest: &Manifest, target: &Path, meter: &Meter) -> Result<(Package, Written)> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let cannot_write = |cause| Error::io("write", target, cause).help("check space and permissions there");
    fs::create_dir_all(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
    let mut temporary = temporary_file(directory).map_err(cannot_write)?;
    let package = pack(tree, manifest, temporary.as_file_mut(), directory, meter)?;
    if fs::metadata(target).is_ok_and(|existing| existing.is_file() && existing.len() == package.size_bytes)
        && CodeSha256::of_file(target).is_ok_and(|existing| existing == package.code_sha256)
    {
        return Ok((package, Written::Unchanged));
    }
    temporary.as_file().sync_all().map_err(cannot_write)?;
    temporary.persist(target).map_err(|error| cannot_write(error.error))?;
    sync_directory(directory).map_err(cannot_write)?;
    Ok((package, Written::New))
}

/// A temporary file beside the target, so that a rename can publish it. Its name is hidden and says whose it is.
pub fn temporary_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lambda-pack-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private by default; a package has the mode that the umask says, like any other output.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// Makes a rename survive a power cut. Windows needs and offers no such call.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
