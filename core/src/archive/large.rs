//! Large files: read once on one thread, piece by piece, and compressed by the others.

use std::fs::File;
use std::io::{BufReader, Seek, Write};

use super::buffers::Buffer;
use super::deflate::{CHUNK_BYTES, deflate_chunk};
use super::in_order::in_order;
use super::inflate;
use super::pack::{BUDGET, Job, Packing};
use crate::cache::{Form, Shape};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::manifest::Entry;
use crate::secrets::{EntryStream, Found};
use crate::source::{StableReader, read_changed, read_stable};
use crate::{Result, Work};

/// Memory that compressing a piece takes beside the piece and the result: zlib's state.
const STATE_BYTES: u64 = 512 * 1024;

/// A large file, compressed.
pub struct Large {
    pub entry: Entry,
    pub crc32: u32,
    pub compressed_size: u64,
    pub secrets: Vec<Found>,
}

struct Piece {
    content: Buffer,
    shape: Shape,
}

struct Compressed {
    digest: Digest,
    size: u64,
    form: Form,
    block: Buffer,
    is_new: bool,
}

/// Compresses a file into `spool`. With pieces from the cache the result is inflated once more, which takes a fraction of
/// the time: if it isn't the file, all is compressed anew.
pub fn compress(job: &Job, packing: &Packing, spool: &mut File) -> Result<Large> {
    let cannot_write = |cause| packing.cannot_write(cause);
    let (large, has_cached) = compress_pieces(job, packing, spool, true)?;
    if !has_cached {
        return Ok(large);
    }
    spool.rewind().map_err(cannot_write)?;
    let Entry { size, digest, .. } = &large.entry;
    if inflate::check_spool(&mut BufReader::new(&mut *spool), digest, *size).map_err(cannot_write)? {
        return Ok(large);
    }
    (spool.rewind()).and_then(|()| spool.set_len(0)).map_err(cannot_write)?;
    compress_pieces(job, packing, spool, false).map(|(large, _)| large)
}

/// Also tells whether pieces came from the cache.
fn compress_pieces(job: &Job, packing: &Packing, spool: &mut File, reads_cache: bool) -> Result<(Large, bool)> {
    let blocks = &packing.caches.blocks;
    let mut has_cached = false;
    let mut pieces = Pieces {
        reader: StableReader::open(&job.entry.file)?,
        hasher: Hasher::new(Algorithm::Blake3),
        crc32: libdeflater::Crc::new(),
        secrets: packing.guard.stream(job.entry),
    };
    let mut compressed_size = 0;
    in_order(
        &BUDGET,
        &mut pieces,
        |piece| 2 * piece.content.len() as u64 + STATE_BYTES,
        |done: &Compressed| done.block.len() as u64,
        |piece| {
            packing.meter.check()?;
            let digest = Algorithm::Blake3.hash(&piece.content);
            let size = piece.content.len() as u64;
            let form = packing.form(piece.shape);
            let cached = reads_cache.then(|| blocks.piece(&digest, size, form)).flatten();
            let is_new = cached.is_none();
            let block = match cached {
                Some(block) => block,
                None => deflate_chunk(&piece.content, piece.shape == Shape::LastPiece, packing.compression),
            };
            packing.meter.add(Work::Pack, size)?;
            Ok(Compressed {
                digest,
                size,
                form,
                block,
                is_new,
            })
        },
        |done| {
            compressed_size += done.block.len() as u64;
            has_cached |= !done.is_new;
            if done.is_new {
                blocks.put(&done.digest, done.size, done.form, &done.block);
            }
            spool
                .write_all(&done.block)
                .map_err(|cause| packing.cannot_write(cause))
        },
    )?;
    let digest = pieces.hasher.finish();
    let read = pieces.reader.finish()?;
    // Its size decides the compressor.
    if read.size != job.entry.size() {
        return Err(read_changed(&job.entry.file));
    }
    if let Some(stat) = &read.stat {
        packing.caches.digests.put(&job.entry.file, stat, digest);
    }
    let large = Large {
        entry: job.entry.hashed_as(read.size, digest),
        crc32: pieces.crc32.sum(),
        compressed_size,
        secrets: pieces.secrets.map(EntryStream::finish).unwrap_or_default(),
    };
    Ok((large, has_cached))
}

/// Reads a file that deflate couldn't make smaller once more.
pub fn read_again(
    job: &Job,
    entry: &Entry,
    packing: &Packing,
    mut consume: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    read_stable(&job.entry.file, CHUNK_BYTES, |piece| {
        packing.meter.check()?;
        hasher.update(piece);
        consume(piece)
    })?;
    if hasher.finish() != entry.digest {
        return Err(read_changed(&job.entry.file));
    }
    Ok(())
}

/// The pieces of a file, which are hashed on their way, and searched for secrets if it is the user's own.
struct Pieces<'a> {
    reader: StableReader<'a>,
    hasher: Hasher,
    crc32: libdeflater::Crc,
    secrets: Option<EntryStream<'a>>,
}

impl Pieces<'_> {
    fn read(&mut self) -> Result<Piece> {
        let mut content = Buffer::new(CHUNK_BYTES);
        let filled = self.reader.read(&mut content)?;
        if filled == 0 {
            return Err(self.reader.ended_early());
        }
        content.truncate(filled);
        self.hasher.update(&content);
        self.crc32.update(&content);
        if let Some(secrets) = &mut self.secrets {
            secrets.push(&content);
        }
        let shape = match self.reader.is_at_end() {
            true => Shape::LastPiece,
            false => Shape::Piece,
        };
        Ok(Piece { content, shape })
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.reader.is_at_end()).then(|| self.read())
    }
}
