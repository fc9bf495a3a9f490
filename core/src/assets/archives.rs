//! What is in an archive, read by well-kept libraries and judged by [`Unpacker`].

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use tar::EntryType;
use zip::ZipArchive;

use super::unpack::{Archive, Unpacker, refused, unreadable};
use crate::function::{ArchiveKind, Asset, Mode};
use crate::limits::UNZIPPED_BYTES;
use crate::{Error, Result};

/// Memory for an xz dictionary: `xz -9` needs 64 MiB.
const XZ_MEMORY_KIB: u32 = 256 * 1024;

/// What a stream may hold beside content: headers, long names, padding.
const MOST_STREAM_BYTES: u64 = UNZIPPED_BYTES + 256 * 1024 * 1024;

/// Of a file's mode: its owner may execute it.
const OWNER_MAY_EXECUTE: u32 = 0o100;

impl Unpacker<'_> {
    /// What an asset of this content gives to the package.
    pub fn add(&mut self, asset: &Asset, mut content: File) -> Result<()> {
        let prefix = asset.path.as_ref().map_or("", |path| path.as_str());
        let Some(kind) = asset.archive() else {
            return self.add_file(prefix, asset.mode.unwrap_or(Mode::Plain), &mut content);
        };
        let size_bytes = content.metadata().map_err(|cause| unreadable(&cause))?.len();
        let archive = self.start_archive(prefix, asset.mode, size_bytes);
        let content = BufReader::with_capacity(256 * 1024, content);
        match kind {
            ArchiveKind::Zip => self.zip(&archive, content),
            ArchiveKind::Tar => self.tar(&archive, content),
            ArchiveKind::TarGz => self.tar(&archive, MultiGzDecoder::new(content)),
            ArchiveKind::TarXz => self.tar(&archive, XzReader::new_mem_limit(content, true, XZ_MEMORY_KIB)),
            ArchiveKind::TarZst => self.tar(&archive, ZstdFrames::new(content)),
        }
    }

    /// What a zip of this program's own making holds.
    pub fn add_zip(&mut self, content: File) -> Result<()> {
        let size_bytes = content.metadata().map_err(|cause| unreadable(&cause))?.len();
        let archive = self.start_archive("", None, size_bytes);
        self.zip(&archive, BufReader::with_capacity(256 * 1024, content))
    }

    fn tar(&mut self, archive: &Archive, stream: impl Read) -> Result<()> {
        let mut tar = tar::Archive::new(stream.take(MOST_STREAM_BYTES));
        let entries = tar.entries().map_err(|cause| unreadable(&cause))?;
        let mut count = 0_usize;
        for entry in entries {
            let mut entry = entry.map_err(|cause| unreadable(&cause))?;
            count += 1;
            let name = entry.path_bytes().into_owned();
            if has_sparse_notes(&mut entry).map_err(|cause| unreadable(&cause))? {
                return Err(refused(&name, "it is a sparse file of a kind that can't be read"));
            }
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            match entry.header().entry_type() {
                // What `git archive` notes of the commit.
                EntryType::XGlobalHeader => {}
                EntryType::Directory => self.directory(archive, &name)?,
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    let mode = entry.header().mode().map_err(|cause| unreadable(&cause))?;
                    self.file(archive, &name, mode & OWNER_MAY_EXECUTE != 0, &mut entry)?;
                }
                EntryType::Symlink => self.link(archive, &name, &target)?,
                EntryType::Link => self.hard_link(archive, &name, &target)?,
                EntryType::Char | EntryType::Block | EntryType::Fifo => return Err(refused(&name, "it is a device")),
                _ => return Err(refused(&name, "it is neither file, link nor directory")),
            }
        }
        if count == 0 {
            return Err(unreadable(&io::Error::other("it is no tar, or an empty one")));
        }
        Ok(())
    }

    fn zip(&mut self, archive: &Archive, content: BufReader<File>) -> Result<()> {
        let bad = |error: zip::result::ZipError| unreadable(&io::Error::other(error));
        let mut zip = ZipArchive::new(content).map_err(bad)?;
        // Of those of one name, only the last would be seen below.
        if zip.has_duplicate_names() {
            return Err(Error::invalid("the archive has entries of the same name")
                .help("use another archive; without `extract` it is packed as it is"));
        }
        if zip.has_overlapping_entries().map_err(bad)? {
            return Err(
                Error::invalid("entries of the archive share their bytes, as those of bombs do")
                    .help("use another archive; without `extract` it is packed as it is"),
            );
        }
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(bad)?;
            let name = entry.name_raw().to_owned();
            let mode = entry.unix_mode();
            let kind = mode.map_or(0, |mode| mode & TYPE_BITS);
            match kind {
                LINK => {
                    let mut target = Vec::new();
                    // Longer than any file system's paths: it will be refused.
                    (&mut entry)
                        .take(0xFFFF)
                        .read_to_end(&mut target)
                        .map_err(|cause| unreadable(&cause))?;
                    self.link(archive, &name, &target)?;
                }
                _ if entry.is_dir() => self.directory(archive, &name)?,
                0 | REGULAR => {
                    let executable = mode.is_some_and(|mode| mode & OWNER_MAY_EXECUTE != 0);
                    self.file(archive, &name, executable, &mut entry)?;
                }
                _ => return Err(refused(&name, "it is a device")),
            }
        }
        Ok(())
    }
}

/// `S_IFMT`, `S_IFREG` and `S_IFLNK` of inode(7), which Unix zip programs note.
const TYPE_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// GNU's newer form of sparse files: the content starts with a map, which would be taken for content.
fn has_sparse_notes(entry: &mut tar::Entry<impl Read>) -> io::Result<bool> {
    let Some(notes) = entry.pax_extensions()? else {
        return Ok(false);
    };
    for note in notes {
        if note?.key_bytes().starts_with(b"GNU.sparse.") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The frames of a zstd file, one after another, as RFC 8878 (3.1) has them.
struct ZstdFrames<R: BufRead> {
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
    rest: Option<R>,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(content: R) -> Self {
        ZstdFrames {
            frame: None,
            rest: Some(content),
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                match frame.read(buffer)? {
                    0 => self.rest = self.frame.take().map(StreamingDecoder::into_inner),
                    count => return Ok(count),
                }
            }
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new(rest).map_err(io::Error::other)?);
        }
    }
}
