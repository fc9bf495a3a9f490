//! Packages: deterministic zips. The same entries give the same bytes, on every machine and with any number of threads.

pub(crate) mod buffers;
pub(crate) mod deflate;
mod in_order;
pub(crate) mod inflate;
mod large;
pub mod listing;
mod pack;
mod zip;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::cache::Caches;
use crate::digest::Digest;
use crate::disk::directory_of;
use crate::manifest::Entry;
use crate::secrets::Guard;
use crate::source::Tree;
use crate::temporary::{sync_directory, temporary_file};
use crate::{Error, Meter, Result};

pub use deflate::Compression;
pub use pack::{Packing, pack};

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

    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(CodeSha256)
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
    /// In the order of the tree that was packed.
    pub entries: Vec<Entry>,
}

impl Package {
    /// Sum of the entries' sizes: what Lambda counts as the unzipped size.
    pub fn unzipped_bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}

/// Whether a package had to be put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    New,
    /// The same bytes were there already; the file was left alone.
    Unchanged,
}

/// A package in its place.
#[derive(Debug)]
pub struct InPlace {
    pub package: Package,
    pub source_hash: Digest,
    pub written: Written,
}

/// Whether a package stands at `target` already. It is compared from the end on: there a zip has the CRC-32 of each entry,
/// so that two that differ do so before most of them was read.
fn is_at(mut package: &File, target: &Path) -> io::Result<bool> {
    const PIECE_BYTES: usize = 256 * 1024;
    let mut end = package.metadata()?.len();
    let existing = fs::metadata(target)?;
    // To open a FIFO would be to wait.
    if !existing.is_file() || existing.len() != end {
        return Ok(false);
    }
    let mut existing = File::open(target)?;
    let (mut piece, mut of_existing) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES as u64);
        let size = (end - start) as usize;
        package.seek(SeekFrom::Start(start))?;
        package.read_exact(&mut piece[..size])?;
        existing.seek(SeekFrom::Start(start))?;
        existing.read_exact(&mut of_existing[..size])?;
        if piece[..size] != of_existing[..size] {
            return Ok(false);
        }
        end = start;
    }
    Ok(true)
}

/// Packs a tree into `target`, which appears whole or not at all, and never with secrets that `guard` doesn't allow.
pub fn write_package(
    tree: &Tree,
    target: &Path,
    compression: Compression,
    caches: &Caches,
    guard: &Guard,
    meter: &Meter,
) -> Result<InPlace> {
    let directory = directory_of(target);
    let cannot_write = |cause| Error::io("write", target, cause).help("check space and permissions there");
    fs::create_dir_all(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
    let mut temporary = temporary_file(directory).map_err(cannot_write)?;
    let packing = Packing {
        caches,
        scratch: directory,
        compression,
        meter,
        guard,
        reads_all: false,
    };
    let package = pack(tree, temporary.as_file_mut(), &packing)?;
    let mut source_hash = None;
    // While the disk is busy.
    let written = rayon::in_place_scope(|scope| {
        scope.spawn(|_| source_hash = Some(tree.manifest_of(&package.entries).source_hash()));
        put_in_place(temporary, target, directory)
    });
    Ok(InPlace {
        written: written.map_err(cannot_write)?,
        source_hash: source_hash.expect("a scope waits for what it has spawned"),
        package,
    })
}

/// Gives a package its name, once the disk has it.
fn put_in_place(package: NamedTempFile, target: &Path, directory: &Path) -> io::Result<Written> {
    if is_at(package.as_file(), target).is_ok_and(|is_there| is_there) {
        return Ok(Written::Unchanged);
    }
    package.as_file().sync_all()?;
    package.persist(target).map_err(|error| error.error)?;
    sync_directory(directory)?;
    Ok(Written::New)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::DigestCache;
    use crate::digest::Algorithm;
    use std::io::Write;

    /// Room is kept for what was found. What a cache has of the larger content must not take the room of the next file.
    #[test]
    fn a_file_that_grew_before_it_was_hashed_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("source");
        let grown = b"lambda pack ".repeat(100);
        fs::create_dir_all(&source).expect("made");
        fs::write(source.join("a"), &grown).expect("written");
        let cache = crate::cache::CacheDir {
            path: directory.path().join("cache"),
            machine: String::new(),
        };
        let meter = Meter::default();
        let write = |tree: &Tree| {
            let caches = Caches::open(&cache, &source, true);
            let caches = caches.expect("opened");
            let target = directory.path().join("package.zip");
            let written = write_package(tree, &target, Compression::Standard, &caches, &Guard::strict(), &meter);
            caches.save().expect("saved");
            written
        };
        let walk = || Tree::at(&source, &meter).expect("walked");
        write(&walk()).expect("packed, and kept");
        fs::write(source.join("a"), "small").expect("written");
        let tree = walk();
        fs::write(source.join("a"), &grown).expect("written");
        tree.manifest(Algorithm::Blake3, &DigestCache::none(), &meter)
            .expect("hashed");
        let error = write(&tree).expect_err("it isn't what was found");
        assert!(error.to_string().contains("changed while it was read"), "{error}");
    }

    #[test]
    fn a_package_is_there_only_byte_for_byte() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("package.zip");
        let is_there = |package: &[u8]| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(package).expect("written");
            is_at(&file, &target)
        };
        let whole: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        assert!(is_there(&whole).is_err(), "nothing is");
        fs::write(&target, &whole).expect("written");
        assert!(is_there(&whole).expect("read"));
        for position in [0, 1, whole.len() / 2, whole.len() - 1] {
            let mut other = whole.clone();
            other[position] ^= 1;
            assert!(!is_there(&other).expect("read"), "{position}");
        }
        assert!(!is_there(&whole[1..]).expect("read"));
        assert!(!is_there(b"").expect("read"));
        fs::write(&target, b"").expect("written");
        assert!(is_there(b"").expect("read"));
    }
}
