//! From a tree to a zip: files are read, hashed and compressed in parallel, and written in order.
//!
//! ```text
//! entries -> rayon: read, hash, compress (or take the block that a cache has) -> this thread: framing, SHA-256, file
//! ```
//!
//! All content passes through memory here, whatever a cache knows of it; so here it is searched for secrets.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::buffers::Buffer;
use super::deflate::{self, Compression, LARGE_FILE_BYTES};
use super::in_order::{Budget, in_order};
use super::large;
use super::zip::{Header, Method, ZipWriter};
use super::{CodeSha256, Package};
use crate::cache::{Caches, Form, Shape};
use crate::digest::Algorithm;
use crate::disk::begin_writing;
use crate::manifest::{Entry, EntryKind};
use crate::secrets::{Found, Guard};
use crate::source::{Content, Tree, TreeEntry, read_changed, read_stable};
use crate::{Error, Meter, Result, Work};

/// What all packing of this process holds in memory at a time: files, and what they are compressed to.
pub(super) static BUDGET: Budget = Budget::new(80 * 1024 * 1024);

/// Memory that a file takes beside its content: names, and what the allocator rounds up.
const ENTRY_OVERHEAD_BYTES: u64 = 1024;

/// How a tree is packed.
pub struct Packing<'a> {
    pub caches: &'a Caches,
    /// Directory for unnamed temporary files.
    pub scratch: &'a Path,
    pub compression: Compression,
    pub meter: &'a Meter,
    /// Decides whether secrets that were found may be packed.
    pub guard: &'a Guard<'a>,
    /// Reads every file, whatever the caches know of it.
    pub reads_all: bool,
}

impl Packing<'_> {
    pub(super) fn form(&self, shape: Shape) -> Form {
        let compression = self.compression;
        Form { shape, compression }
    }

    pub(super) fn cannot_write(&self, cause: io::Error) -> Error {
        Error::io("write the package in", self.scratch, cause)
            .help("check the free space there; --no-cache needs less of it")
    }
}

/// Writes the zip of `tree` to `out`. Fails if there are secrets in it that aren't allowed.
pub fn pack(tree: &Tree, out: &mut File, packing: &Packing) -> Result<Package> {
    packing.meter.expect(Work::Pack, tree.size());
    let jobs: Vec<Job> = tree.entries().iter().map(|entry| Job { entry }).collect();
    let mut writer = Writer::new(out, packing, jobs.len());
    writer.found.extend(packing.guard.names(tree));
    let mut rest = jobs.as_slice();
    while let Some(first) = rest.first() {
        if first.is_large() {
            writer.write_large(first)?;
            rest = &rest[1..];
            continue;
        }
        let small = rest.iter().take_while(|job| !job.is_large()).count();
        in_order(
            &BUDGET,
            batches(&rest[..small]).map(Ok),
            |jobs| Batch::most_cost(jobs),
            Batch::cost,
            |jobs| Batch::pack(jobs, packing),
            |batch| writer.write_batch(batch),
        )?;
        rest = &rest[small..];
    }
    writer.finish(tree)
}

/// Files that one thread packs one after another: handing over each small file by itself takes longer than to pack it.
fn batches<'a, 'b>(mut jobs: &'b [Job<'a>]) -> impl Iterator<Item = &'b [Job<'a>]> {
    const BATCH_BYTES: u64 = 512 * 1024;
    const BATCH_FILES: usize = 64;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = jobs.iter().take(BATCH_FILES).take_while(|job| {
            bytes += job.entry.size();
            bytes <= BATCH_BYTES
        });
        let (batch, rest) = jobs.split_at(fits.count().max(1).min(jobs.len()));
        jobs = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

/// A file or link that is to be packed.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub entry: &'a TreeEntry,
}

/// Files that were packed together, and their data, one behind the other: memory of its own for each small file would take
/// longer to get than the file to pack.
struct Batch {
    files: Vec<Packed>,
    data: Buffer,
}

impl Batch {
    fn pack(jobs: &[Job], packing: &Packing) -> Result<Self> {
        let mut data = Buffer::new(Batch::room(jobs));
        let mut used = 0;
        let mut files = Vec::with_capacity(jobs.len());
        for job in jobs {
            let packed = job.pack(packing, &mut data[used..used + job.room()])?;
            used += packed.bytes;
            files.push(packed);
        }
        data.truncate(used);
        Ok(Batch { files, data })
    }

    fn room(jobs: &[Job]) -> usize {
        jobs.iter().map(Job::room).sum()
    }

    /// Bytes of memory that packing takes at most: each file's content, and what it becomes.
    fn most_cost(jobs: &[Job]) -> u64 {
        let room = Batch::room(jobs);
        (room + Buffer::held_by(room)) as u64 + jobs.len() as u64 * ENTRY_OVERHEAD_BYTES
    }

    fn cost(&self) -> u64 {
        self.data.held() as u64 + self.files.len() as u64 * ENTRY_OVERHEAD_BYTES
    }
}

/// A file or link that is packed.
struct Packed {
    entry: Entry,
    crc32: u32,
    method: Method,
    /// Of its data in the batch.
    bytes: usize,
    /// Whether the cache didn't have it.
    is_new: bool,
    secrets: Vec<Found>,
}

impl Job<'_> {
    /// Bytes that its data takes at most: what deflate can't make smaller is stored. Only for files that aren't large.
    fn room(&self) -> usize {
        usize::try_from(self.entry.size()).expect("a file that fits into memory")
    }

    fn is_large(&self) -> bool {
        self.entry.size() > LARGE_FILE_BYTES
    }

    /// Packs into `out`, which has room for the content and no more.
    fn pack(&self, packing: &Packing, out: &mut [u8]) -> Result<Packed> {
        packing.meter.check()?;
        if let Content::Symlink { target } = &self.entry.content {
            let data = target.as_bytes();
            let entry = self.entry.hashed_as(data.len() as u64, Algorithm::Blake3.hash(data));
            return Ok(Packed::stored(entry, data, out, false));
        }
        let mut secrets = Vec::new();
        if !packing.reads_all
            && let Some((size, digest)) = self.entry.known(Algorithm::Blake3, &packing.caches.digests)
            // It may have grown between being found and being hashed.
            && size == self.entry.size()
            && let Some((bytes, crc32)) =
                (packing.caches.blocks).whole(&digest, size, packing.compression, out, |content| {
                    secrets = packing.guard.search(self.entry, content);
                })
            && bytes > 0
        {
            packing.meter.add(Work::Pack, size)?;
            let packed = Packed::deflated(self.entry.hashed_as(size, digest), bytes, crc32, false);
            return Ok(Packed { secrets, ..packed });
        }
        let mut packed = None;
        let read = read_stable(&self.entry.file, LARGE_FILE_BYTES as usize + 1, |content| {
            // What has grown has no room.
            if content.len() as u64 == self.entry.size() {
                packed = Some(Packed {
                    secrets: packing.guard.search(self.entry, content),
                    ..self.pack_content(content, packing, out)
                });
            }
            packing.meter.add(Work::Pack, content.len() as u64)
        })?;
        let packed = packed.filter(|_| read.size == self.entry.size());
        let packed = packed.ok_or_else(|| read_changed(&self.entry.file))?;
        if let Some(stat) = &read.stat {
            packing.caches.digests.put(&self.entry.file, stat, packed.entry.digest);
        }
        Ok(packed)
    }

    fn pack_content(&self, content: &[u8], packing: &Packing, out: &mut [u8]) -> Packed {
        let digest = Algorithm::Blake3.hash(content);
        let size = content.len() as u64;
        let entry = self.entry.hashed_as(size, digest);
        match packing
            .caches
            .blocks
            .whole(&digest, size, packing.compression, out, |_| ())
        {
            Some((0, _)) => Packed::stored(entry, content, out, false),
            Some((bytes, crc32)) => Packed::deflated(entry, bytes, crc32, false),
            None => match deflate::deflate(content, packing.compression, out) {
                Some(bytes) => Packed::deflated(entry, bytes, libdeflater::crc32(content), true),
                None => Packed::stored(entry, content, out, !content.is_empty()),
            },
        }
    }
}

impl Packed {
    fn deflated(entry: Entry, bytes: usize, crc32: u32, is_new: bool) -> Self {
        Packed {
            entry,
            crc32,
            method: Method::Deflated,
            bytes,
            is_new,
            secrets: Vec::new(),
        }
    }

    fn stored(entry: Entry, content: &[u8], out: &mut [u8], is_new: bool) -> Self {
        out[..content.len()].copy_from_slice(content);
        Packed {
            entry,
            crc32: libdeflater::crc32(content),
            method: Method::Stored,
            bytes: content.len(),
            is_new,
            secrets: Vec::new(),
        }
    }
}

/// Writes entries one after another, and remembers what they were.
struct Writer<'a> {
    packing: &'a Packing<'a>,
    zip: ZipWriter<BufWriter<HashingWriter<'a>>>,
    entries: Vec<Entry>,
    found: Vec<Found>,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut File, packing: &'a Packing<'a>, entries: usize) -> Self {
        const BUFFER_BYTES: usize = 1024 * 1024;
        Writer {
            packing,
            zip: ZipWriter::new(BufWriter::with_capacity(BUFFER_BYTES, HashingWriter::new(out))),
            entries: Vec::with_capacity(entries),
            found: Vec::new(),
        }
    }

    fn write_batch(&mut self, batch: Batch) -> Result<()> {
        let mut rest = &*batch.data;
        for packed in batch.files {
            let (data, behind) = rest.split_at(packed.bytes);
            self.write_small(packed, data)?;
            rest = behind;
        }
        Ok(())
    }

    fn write_small(&mut self, packed: Packed, data: &[u8]) -> Result<()> {
        self.found.extend(packed.secrets);
        let header = header(&packed.entry, packed.method, packed.crc32, data.len() as u64);
        let written = self.zip.begin(&header).and_then(|()| self.zip.data(data));
        written.map_err(|cause| self.packing.cannot_write(cause))?;
        if packed.is_new {
            // That deflate can't make it smaller is worth to know too.
            let block: &[u8] = if packed.method == Method::Stored { &[] } else { data };
            let Entry { size, digest, .. } = &packed.entry;
            let form = self.packing.form(Shape::Whole);
            self.packing.caches.blocks.put(digest, *size, form, block);
        }
        self.entries.push(packed.entry);
        Ok(())
    }

    /// The compressed bytes go through an unnamed temporary file: their number must be known before the header is
    /// written.
    fn write_large(&mut self, job: &Job) -> Result<()> {
        let cannot_write = |cause| self.packing.cannot_write(cause);
        let mut spool = tempfile::tempfile_in(self.packing.scratch).map_err(cannot_write)?;
        let large = large::compress(job, self.packing, &mut spool)?;
        self.found.extend(large.secrets);
        if large.compressed_size < large.entry.size {
            let header = header(&large.entry, Method::Deflated, large.crc32, large.compressed_size);
            (spool.rewind())
                .and_then(|()| self.zip.begin(&header))
                .and_then(|()| copy(&mut spool, &mut self.zip))
                .map_err(cannot_write)?;
        } else {
            let header = header(&large.entry, Method::Stored, large.crc32, large.entry.size);
            self.zip.begin(&header).map_err(cannot_write)?;
            large::read_again(job, &large.entry, self.packing, |piece| {
                self.zip.data(piece).map_err(|cause| self.packing.cannot_write(cause))
            })?;
        }
        self.entries.push(large.entry);
        Ok(())
    }

    fn finish(self, tree: &Tree) -> Result<Package> {
        self.packing.guard.refuse(Some(tree), self.found)?;
        let finished = self
            .zip
            .finish()
            .and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        let hashing = finished.map_err(|cause| self.packing.cannot_write(cause))?;
        Ok(Package {
            code_sha256: CodeSha256(hashing.hasher.finalize().into()),
            size_bytes: hashing.written,
            entries: self.entries,
        })
    }
}

fn copy(spool: &mut File, zip: &mut ZipWriter<impl Write>) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match spool.read(&mut buffer)? {
            0 => return Ok(()),
            count => zip.data(&buffer[..count])?,
        }
    }
}

fn header(entry: &Entry, method: Method, crc32: u32, compressed_size: u64) -> Header {
    Header {
        path: Arc::clone(&entry.path),
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

/// Hashes what passes through to a file, and lets the disk begin with it.
struct HashingWriter<'a> {
    out: &'a mut File,
    hasher: Sha256,
    written: u64,
    /// How much of it the disk was told of.
    begun: u64,
}

impl<'a> HashingWriter<'a> {
    fn new(out: &'a mut File) -> Self {
        HashingWriter {
            out,
            hasher: Sha256::new(),
            written: 0,
            begun: 0,
        }
    }
}

impl Write for HashingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const PIECE_BYTES: u64 = 4 * 1024 * 1024;
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        if self.written - self.begun >= PIECE_BYTES {
            begin_writing(self.out, self.begun..self.written);
            self.begun = self.written;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
