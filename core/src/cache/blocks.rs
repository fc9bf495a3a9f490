//! Compressed files that were packed before, by the digest of their content, so that a changed tree is not compressed
//! anew.
//!
//! ```text
//! magic, block*, index, footer        one file a run, never changed again
//! ```
//!
//! Nothing that is read here is believed: a block counts only if it inflates to exactly the content that its digest names,
//! so that a damaged or poisoned cache costs time, and nothing else.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::NamedTempFile;

use super::{CacheDir, files};
use crate::archive::buffers::Buffer;
use crate::archive::{Compression, PACKAGE_FORMAT, inflate};
use crate::digest::Digest;
use crate::temporary::private_temporary_file;

/// First and last bytes of a file of blocks.
const MAGIC: &[u8; 16] = b"lambda-pack/blk1";
/// Digest, form, size of the content, size of the block, offset.
const ENTRY_BYTES: usize = 32 + 4 + 4 + 4 + 8;
/// Offset of the index, BLAKE3 of the index, magic.
const FOOTER_BYTES: u64 = 8 + 32 + 16;
const SUFFIX: &str = "blocks";
/// All files of blocks together; the least recently used go first. Also, no more than this many are opened.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
const MOST_FILES: usize = 64;
/// What one run keeps at most, so that it leaves room for what others have.
const MOST_NEW_BYTES: u64 = MOST_BYTES / 2;
/// A piece of noise grows by a little.
const MOST_GROWTH: u64 = 64 * 1024;

/// What of a file became a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A whole file.
    Whole = 0,
    /// A piece of a large file, after which others follow.
    Piece = 1,
    /// The last piece of a large file.
    LastPiece = 2,
}

/// What decides a block's bytes, beside its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    pub shape: Shape,
    pub compression: Compression,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    digest: [u8; 32],
    form: u32,
}

#[derive(Clone, Copy)]
struct Place {
    file: usize,
    offset: u64,
    block_bytes: u32,
    size: u32,
}

/// Compressed blocks by their content.
pub struct BlockCache(Option<Open>);

struct Open {
    directory: PathBuf,
    files: Vec<BlockFile>,
    places: HashMap<Key, Place>,
    next: Mutex<io::Result<Option<Next>>>,
}

struct BlockFile {
    file: File,
    used: AtomicBool,
}

/// The file that this run's new blocks go to.
struct Next {
    out: BufWriter<NamedTempFile>,
    offset: u64,
    index: Vec<u8>,
    written: HashSet<Key>,
}

impl BlockCache {
    pub fn none() -> Self {
        BlockCache(None)
    }

    pub fn open(directory: &CacheDir) -> io::Result<Self> {
        // Other rules make other bytes.
        let directory = directory.path.join(format!("blocks-{PACKAGE_FORMAT}"));
        fs::create_dir_all(&directory)?;
        let mut open = Open {
            files: Vec::new(),
            places: HashMap::new(),
            next: Mutex::new(Ok(None)),
            directory,
        };
        for found in files::newest_first(&open.directory, SUFFIX)?
            .into_iter()
            .take(MOST_FILES)
        {
            // Another process may have deleted it, or it is damaged: then its blocks are not known.
            if let Ok((file, index)) = read_index(&found.path) {
                open.add(file, &index);
            }
        }
        Ok(BlockCache(Some(open)))
    }

    /// Reads the block of a whole file into `out`, which has room for the content. Its size in bytes, and the content's
    /// CRC-32; an empty block stands for content that deflate can't make smaller. Only a block that was inflated, and gave
    /// the content, is given. `inspect` sees what was inflated.
    pub(crate) fn whole(
        &self,
        digest: &Digest,
        size: u64,
        compression: Compression,
        out: &mut [u8],
        inspect: impl FnOnce(&[u8]),
    ) -> Option<(usize, u32)> {
        let shape = Shape::Whole;
        let (open, place) = self.find(digest, size, Form { shape, compression })?;
        // One that is no smaller isn't kept; a stream that inflates to the content can be of any length.
        if place.block_bytes > 0 && u64::from(place.block_bytes) >= size {
            return None;
        }
        let block = out.get_mut(..place.block_bytes as usize)?;
        open.read(place, block)?;
        let crc32 = match block.is_empty() {
            true => 0,
            false => inflate::check(block, digest, place.size as usize, |content| {
                inspect(content);
                libdeflater::crc32(content)
            })?,
        };
        Some((block.len(), crc32))
    }

    /// The block of a piece, unchecked: whoever joins pieces checks what they make.
    pub(crate) fn piece(&self, digest: &Digest, size: u64, form: Form) -> Option<Buffer> {
        let (open, place) = self.find(digest, size, form)?;
        if u64::from(place.block_bytes) > size + MOST_GROWTH {
            return None;
        }
        let mut block = Buffer::new(place.block_bytes as usize);
        open.read(place, &mut block)?;
        Some(block)
    }

    fn find(&self, digest: &Digest, size: u64, form: Form) -> Option<(&Open, Place)> {
        let open = self.0.as_ref()?;
        let place = open.places.get(&Key::new(digest, form))?;
        (u64::from(place.size) == size).then_some((open, *place))
    }

    /// Keeps a block that wasn't there.
    pub(crate) fn put(&self, digest: &Digest, size: u64, form: Form, block: &[u8]) {
        let Some(open) = &self.0 else {
            return;
        };
        let (Ok(size), Ok(block_bytes)) = (u32::try_from(size), u32::try_from(block.len())) else {
            return;
        };
        let mut next = open.next.lock().expect("no panic");
        // Once it has failed (a full disk), nothing more is kept; `save` says why.
        if let Ok(writing) = &mut *next
            && let Err(error) = write(
                writing,
                &open.directory,
                Key::new(digest, form),
                size,
                block_bytes,
                block,
            )
        {
            *next = Err(error);
        }
    }

    /// Publishes this run's blocks, and deletes those that were not used for longest where there are too many.
    pub fn save(self) -> io::Result<()> {
        let Some(open) = self.0 else {
            return Ok(());
        };
        for file in open.files.iter().filter(|file| file.used.load(Ordering::Relaxed)) {
            // Another user's file is touched by that user.
            files::touch(&file.file).ok();
        }
        let Some(mut next) = open.next.into_inner().expect("no panic")? else {
            return Ok(());
        };
        next.out.write_all(&next.index)?;
        next.out.write_all(&next.offset.to_le_bytes())?;
        next.out.write_all(blake3::hash(&next.index).as_bytes())?;
        next.out.write_all(MAGIC)?;
        let written = next.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let name = blake3::hash(&next.index).to_hex();
        written
            .persist(open.directory.join(format!("{}.{SUFFIX}", &name[..32])))
            .map_err(|error| error.error)?;
        files::prune(&open.directory, SUFFIX, MOST_FILES, MOST_BYTES)
    }
}

impl Open {
    fn read(&self, place: Place, block: &mut [u8]) -> Option<()> {
        let file = &self.files[place.file];
        read_exact_at(&file.file, block, place.offset).ok()?;
        file.used.store(true, Ordering::Relaxed);
        Some(())
    }

    /// Files are added from the newest on: the first to name a block is believed.
    fn add(&mut self, file: File, index: &[u8]) {
        let number = self.files.len();
        self.places.reserve(index.len() / ENTRY_BYTES);
        for entry in index.chunks_exact(ENTRY_BYTES) {
            let field = |at: usize| u32::from_le_bytes(entry[at..][..4].try_into().expect("4 bytes"));
            let key = Key {
                digest: entry[..32].try_into().expect("32 bytes"),
                form: field(32),
            };
            self.places.entry(key).or_insert(Place {
                file: number,
                size: field(36),
                block_bytes: field(40),
                offset: u64::from_le_bytes(entry[44..].try_into().expect("8 bytes")),
            });
        }
        let used = AtomicBool::new(false);
        self.files.push(BlockFile { file, used });
    }
}

/// A part of the digest is hash enough.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.digest[..8]);
    }
}

impl Key {
    fn new(digest: &Digest, form: Form) -> Self {
        Key {
            digest: digest
                .as_bytes()
                .try_into()
                .expect("content is known by its BLAKE3 digest"),
            form: form.shape as u32 | (form.compression as u32) << 8,
        }
    }
}

fn write(
    next: &mut Option<Next>,
    directory: &Path,
    key: Key,
    size: u32,
    block_bytes: u32,
    block: &[u8],
) -> io::Result<()> {
    const BUFFER_BYTES: usize = 1024 * 1024;
    let next = match next {
        Some(next) => next,
        None => {
            let file = private_temporary_file(directory)?;
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
            out.write_all(MAGIC)?;
            next.insert(Next {
                out,
                offset: MAGIC.len() as u64,
                index: Vec::new(),
                written: HashSet::new(),
            })
        }
    };
    if next.offset + block.len() as u64 > MOST_NEW_BYTES {
        return Ok(());
    }
    if next.written.insert(key) {
        next.out.write_all(block)?;
        next.index.extend_from_slice(&key.digest);
        for field in [key.form, size, block_bytes] {
            next.index.extend_from_slice(&field.to_le_bytes());
        }
        next.index.extend_from_slice(&next.offset.to_le_bytes());
        next.offset += block.len() as u64;
    }
    Ok(())
}

/// A file of blocks, opened, and its index, checked.
fn read_index(path: &Path) -> io::Result<(File, Vec<u8>)> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let end = bytes.checked_sub(FOOTER_BYTES).ok_or_else(damaged)?;
    let mut footer = [0; FOOTER_BYTES as usize];
    read_exact_at(&file, &mut footer, end)?;
    let (start, footer) = footer.split_at(8);
    let (checksum, magic) = footer.split_at(32);
    let start = u64::from_le_bytes(start.try_into().expect("8 bytes"));
    let index_bytes = end.checked_sub(start).and_then(|bytes| usize::try_from(bytes).ok());
    let mut index = vec![0; index_bytes.filter(|_| magic == MAGIC).ok_or_else(damaged)?];
    read_exact_at(&file, &mut index, start)?;
    if blake3::hash(&index).as_bytes().as_slice() != checksum || index.len() % ENTRY_BYTES != 0 {
        return Err(damaged());
    }
    Ok((file, index))
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// The file's own position moves, too; nobody asks for it.
#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::deflate::{deflate_chunk, deflated};
    use crate::digest::Algorithm;

    struct Cache {
        directory: tempfile::TempDir,
    }

    impl Cache {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            Cache { directory }
        }

        fn open(&self) -> BlockCache {
            let directory = CacheDir {
                path: self.directory.path().to_owned(),
                machine: String::new(),
            };
            BlockCache::open(&directory).expect("opened")
        }

        fn keep(&self, content: &[u8], shape: Shape, block: &[u8]) {
            let cache = self.open();
            cache.put(
                &Algorithm::Blake3.hash(content),
                content.len() as u64,
                form(shape),
                block,
            );
            cache.save().expect("saved");
        }

        fn get(&self, content: &[u8]) -> Option<(Vec<u8>, u32)> {
            get(&self.open(), content)
        }

        fn piece(&self, content: &[u8], shape: Shape) -> Option<Vec<u8>> {
            let digest = Algorithm::Blake3.hash(content);
            let block = (self.open()).piece(&digest, content.len() as u64, form(shape));
            block.map(|block| block.to_vec())
        }

        fn files(&self) -> Vec<PathBuf> {
            let directory = self.directory.path().join(format!("blocks-{PACKAGE_FORMAT}"));
            let found = files::newest_first(&directory, SUFFIX).expect("listed");
            found.into_iter().map(|file| file.path).collect()
        }
    }

    fn get(cache: &BlockCache, content: &[u8]) -> Option<(Vec<u8>, u32)> {
        let digest = Algorithm::Blake3.hash(content);
        let mut out = vec![0; content.len()];
        let found = cache.whole(&digest, content.len() as u64, Compression::Standard, &mut out, |_| ());
        found.map(|(size, crc32)| (out[..size].to_vec(), crc32))
    }

    fn form(shape: Shape) -> Form {
        let compression = Compression::Standard;
        Form { shape, compression }
    }

    fn content() -> Vec<u8> {
        b"lambda pack ".repeat(1000)
    }

    fn block() -> Vec<u8> {
        deflated(&content(), Compression::Standard).expect("smaller")
    }

    #[test]
    fn blocks_come_back_in_their_shape() {
        let cache = Cache::new();
        let piece = deflate_chunk(&content(), false, Compression::Standard).to_vec();
        let last = deflate_chunk(&content(), true, Compression::Standard).to_vec();
        cache.keep(&content(), Shape::Whole, &block());
        cache.keep(&content(), Shape::Piece, &piece);
        cache.keep(&content(), Shape::LastPiece, &last);
        let crc32 = libdeflater::crc32(&content());
        assert_eq!(cache.get(&content()), Some((block(), crc32)));
        assert_eq!(cache.piece(&content(), Shape::Piece), Some(piece));
        assert_eq!(cache.piece(&content(), Shape::LastPiece), Some(last));
        assert_eq!(cache.get(b"other"), None);
    }

    #[test]
    fn a_block_that_is_not_exactly_its_content_is_not_given() {
        let other = deflated(&b"something else ".repeat(800), Compression::Standard).expect("smaller");
        assert_eq!(b"something else ".len() * 800, content().len());
        let longer = [block(), b"behind the end".to_vec()].concat();
        let shorter = &block()[..block().len() - 1];
        for (poison, what) in [
            (&other[..], "other content"),
            (&longer, "more bytes"),
            (shorter, "too few bytes"),
        ] {
            let cache = Cache::new();
            cache.keep(&content(), Shape::Whole, poison);
            assert_eq!(cache.get(&content()), None, "{what}");
        }
    }

    /// A stream may have any number of empty blocks in it (RFC 1951, 3.2.4), and be larger than its content.
    #[test]
    fn a_block_that_is_no_smaller_than_its_content_is_not_given() {
        const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];
        let padded = |to: usize| {
            let mut block = EMPTY_BLOCK.repeat((to - block().len()).div_ceil(EMPTY_BLOCK.len()));
            block.extend_from_slice(&self::block());
            block
        };
        for (size, is_given) in [
            (content().len() - 10, true),
            (content().len(), false),
            (2 * content().len(), false),
        ] {
            let cache = Cache::new();
            cache.keep(&content(), Shape::Whole, &padded(size));
            let digest = Algorithm::Blake3.hash(&content());
            let mut room = vec![0; 4 * content().len()];
            let found = (cache.open()).whole(
                &digest,
                content().len() as u64,
                Compression::Standard,
                &mut room,
                |_| (),
            );
            assert_eq!(found.is_some(), is_given, "{size}");
        }
    }

    #[test]
    fn damage_costs_a_block_and_nothing_else() {
        let cache = Cache::new();
        cache.keep(&content(), Shape::Whole, &block());
        let file = cache.files().remove(0);
        let whole = fs::read(&file).expect("read");
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 1 << (position % 8);
            fs::write(&file, &flipped).expect("written");
            let found = cache.get(&content());
            // A stream has spare bits (RFC 1951, 3.2.4), which say nothing: then it is still the content.
            assert!(
                found.is_none_or(|(_, crc32)| crc32 == libdeflater::crc32(&content())),
                "flipped at {position}"
            );
            fs::write(&file, &whole[..position]).expect("written");
            assert_eq!(cache.get(&content()), None, "cut to {position}");
        }
    }

    #[test]
    fn deleted_files_are_not_missed() {
        let cache = Cache::new();
        cache.keep(&content(), Shape::Whole, &block());
        let open = cache.open();
        fs::remove_file(cache.files().remove(0)).expect("removed");
        assert!(get(&open, &content()).is_some(), "still open");
        open.save().expect("saved");
        assert_eq!(cache.get(&content()), None);
    }

    #[test]
    fn there_are_never_more_files_than_are_opened() {
        let cache = Cache::new();
        for number in 0..MOST_FILES + 3 {
            let content = number.to_string().repeat(100);
            let block = deflated(content.as_bytes(), Compression::Standard).expect("smaller");
            cache.keep(content.as_bytes(), Shape::Whole, &block);
        }
        assert_eq!(cache.files().len(), MOST_FILES);
        let newest = (MOST_FILES + 2).to_string().repeat(100);
        assert!(cache.get(newest.as_bytes()).is_some());
    }
}
