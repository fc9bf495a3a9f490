//! From a tree to a zip: files are read, checked against the manifest and compressed in parallel, and written in order.
//!
//! ```text
//! batch of entries -> rayon: read, check, compress -> channel -> one thread: zip framing, SHA-256, file
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::deflate::{CHUNK_BYTES, Deflater, LARGE_FILE_BYTES, deflate_chunk};
use super::zip::{Header, Method, ZipWriter};
use super::{CodeSha256, Package};
use crate::digest::{Algorithm, Hasher};
use crate::manifest::{Entry, EntryKind, Manifest};
use crate::source::{Content, Tree, TreeEntry, read_changed, read_stable};
use crate::{Error, Meter, Result, collect_all};

/// Input bytes that are compressed before the result is handed on. Three batches are in memory at a time at most:
/// compressed, waiting, written.
const BATCH_BYTES: u64 = LARGE_FILE_BYTES;

/// Chunks of a large file that are read before they are compressed together: bounds memory, whatever the threads.
const CHUNKS_AT_ONCE: usize = 4;

/// An entry that is ready to be written.
struct Packed {
    header: Header,
    data: Data,
}

enum Data {
    Memory(Vec<u8>),
    /// A large file's result, in an unnamed temporary file: its size must be known before its header is written.
    Spooled(File),
}

/// Writes the zip of `tree` to `out`. `scratch` is a directory for unnamed temporary files.
pub fn pack(tree: &Tree, manifest: &Manifest, out: &mut File, scratch: &Path, meter: &Meter) -> Result<Package> {
    let members: Vec<(&TreeEntry, &Entry)> = tree.entries().iter().zip(manifest.entries()).collect();
    assert!(
        tree.entries().len() == members.len() && members.iter().all(|(tree, entry)| tree.path == entry.path),
        "the manifest is the tree's own"
    );
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Packed>>(1);
        let writer = scope.spawn(move || write_all(receiver, out));
        let compressed = (|| {
            for batch in batches(&members) {
                meter.check()?;
                let packed = match batch {
                    [(tree, entry)] if entry.size > LARGE_FILE_BYTES => {
                        vec![pack_large(tree, entry, scratch, meter)?]
                    }
                    batch => pack_batch(batch, meter)?,
                };
                if sender.send(packed).is_err() {
                    // The writer has failed, and says why when it is joined.
                    break;
                }
            }
            Ok(())
        })();
        drop(sender);
        let written = writer.join().expect("the writer does not panic");
        compressed?;
        written.map_err(|cause| Error::io("write the package in", scratch, cause).help("check the free space there"))
    })
}

/// Consecutive entries of about [`BATCH_BYTES`]; a large file stands alone.
fn batches<'a, 'b>(
    mut members: &'b [(&'a TreeEntry, &'a Entry)],
) -> impl Iterator<Item = &'b [(&'a TreeEntry, &'a Entry)]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = members.iter().take_while(|(_, entry)| {
            bytes += entry.size;
            bytes <= BATCH_BYTES
        });
        let (batch, rest) = members.split_at(fitting.count().max(1).min(members.len()));
        members = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

fn pack_batch(batch: &[(&TreeEntry, &Entry)], meter: &Meter) -> Result<Vec<Packed>> {
    let packed: Vec<Result<Packed>> = batch
        .par_iter()
        .map_init(Deflater::new, |deflater, (tree, entry)| match &tree.content {
            Content::Symlink { target } => Ok(stored(entry, target.as_bytes().to_vec())),
            Content::File { .. } => pack_small(deflater, tree, entry, meter),
        })
        .collect();
    collect_all(packed)
}

fn pack_small(deflater: &mut Deflater, tree: &TreeEntry, entry: &Entry, meter: &Meter) -> Result<Packed> {
    let mut data = Vec::with_capacity(entry.size as usize);
    read_stable(&tree.file, CHUNK_BYTES, |piece| {
        data.extend_from_slice(piece);
        meter.add_packed(piece.len() as u64)
    })?;
    if Algorithm::Blake3.hash(&data) != entry.digest {
        return Err(read_changed(&tree.file));
    }
    Ok(match deflater.deflate(&data) {
        Some(deflated) => Packed {
            header: header(
                entry,
                Method::Deflated,
                libdeflater::crc32(&data),
                deflated.len() as u64,
            ),
            data: Data::Memory(deflated),
        },
        None => stored(entry, data),
    })
}

fn stored(entry: &Entry, data: Vec<u8>) -> Packed {
    Packed {
        header: header(entry, Method::Stored, libdeflater::crc32(&data), data.len() as u64),
        data: Data::Memory(data),
    }
}

fn pack_large(tree: &TreeEntry, entry: &Entry, scratch: &Path, meter: &Meter) -> Result<Packed> {
    let cannot_spool =
        |cause| Error::io("write a temporary file in", scratch, cause).help("check the free space there");
    let new_spool = || tempfile::tempfile_in(scratch).map_err(cannot_spool);
    let mut spool = new_spool()?;
    let mut compressed_size = 0;
    let crc32 = read_checked(tree, entry, CHUNK_BYTES * CHUNKS_AT_ONCE, |piece, last_piece| {
        let chunks: Vec<&[u8]> = piece.chunks(CHUNK_BYTES).collect();
        let deflated: Vec<Vec<u8>> = chunks
            .par_iter()
            .enumerate()
            .map(|(index, chunk)| deflate_chunk(chunk, last_piece && index + 1 == chunks.len()))
            .collect();
        for part in deflated {
            compressed_size += part.len() as u64;
            spool.write_all(&part).map_err(cannot_spool)?;
        }
        meter.add_packed(piece.len() as u64)
    })?;
    let method = if compressed_size < entry.size {
        Method::Deflated
    } else {
        Method::Stored
    };
    if method == Method::Stored {
        spool = new_spool()?;
        compressed_size = entry.size;
        read_checked(tree, entry, CHUNK_BYTES, |piece, _| {
            meter.check()?;
            spool.write_all(piece).map_err(cannot_spool)
        })?;
    }
    spool.rewind().map_err(cannot_spool)?;
    Ok(Packed {
        header: header(entry, method, crc32, compressed_size),
        data: Data::Spooled(spool),
    })
}

/// Feeds a large file to `consume`, with whether it is the last piece, and fails unless the content is the manifest's.
/// Returns the content's CRC-32.
fn read_checked(
    tree: &TreeEntry,
    entry: &Entry,
    piece_bytes: usize,
    mut consume: impl FnMut(&[u8], bool) -> Result<()>,
) -> Result<u32> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    let mut crc32 = libdeflater::Crc::new();
    let mut total = 0;
    read_stable(&tree.file, piece_bytes, |piece| {
        hasher.update(piece);
        crc32.update(piece);
        total += piece.len() as u64;
        consume(piece, total == entry.size)
    })?;
    if hasher.finish() != entry.digest {
        return Err(read_changed(&tree.file));
    }
    Ok(crc32.sum())
}

fn header(entry: &Entry, method: Method, crc32: u32, compressed_size: u64) -> Header {
    Header {
        path: entry.path.clone(),
        unix_mode: match entry.kind {
            EntryKind::File => 0o100_644,
            EntryKind::Executable => 0o100_755,
            EntryKind::Symlink => 0o120_777,
        },
        method,
        crc32,
        compressed_size,
        size: entry.size,
    }
}

fn write_all(batches: Receiver<Vec<Packed>>, out: &mut File) -> io::Result<Package> {
    const BUFFER_BYTES: usize = 1024 * 1024;
    let mut zip = ZipWriter::new(BufWriter::with_capacity(BUFFER_BYTES, HashingWriter::new(out)));
    for packed in batches.into_iter().flatten() {
        zip.begin(&packed.header)?;
        match packed.data {
            Data::Memory(bytes) => zip.data(&bytes)?,
            Data::Spooled(mut spool) => {
                let mut buffer = vec![0; BUFFER_BYTES];
                loop {
                    match spool.read(&mut buffer)? {
                        0 => break,
                        count => zip.data(&buffer[..count])?,
                    }
                }
            }
        }
    }
    let hashing = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Package {
        code_sha256: CodeSha256(hashing.hasher.finalize().into()),
        size_bytes: hashing.written,
    })
}

/// Hashes what passes through.
struct HashingWriter<W> {
    out: W,
    hasher: Sha256,
    written: u64,
}

impl<W> HashingWriter<W> {
    fn new(out: W) -> Self {
        HashingWriter {
            out,
            hasher: Sha256::new(),
            written: 0,
        }
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
