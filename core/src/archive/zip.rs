//! The zip writer of package format 1. Section numbers are those of APPNOTE 6.3.10, PKWARE's specification of the format.
//!
//! Libraries either compress themselves or add data descriptors, which streaming readers reject on stored entries; the
//! framing is small, so it is written here. It reads no clock and takes no default from the system.

use std::io::{self, Write};
use std::sync::Arc;

/// "Version made by" (4.4.2): Unix, 3.0.
const MADE_BY: u16 = 0x031E;
/// "Version needed to extract" (4.4.3): 2.0 for deflate, 4.5 for zip64.
const NEEDS_DEFLATE: u16 = 20;
const NEEDS_ZIP64: u16 = 45;
/// General purpose bit 11 (4.4.4): the name is UTF-8.
const UTF8_NAME: u16 = 1 << 11;
/// MS-DOS time and date (4.4.6) of 1980-02-01 00:00:00: later than 1980-01-01, the first that zip can hold, in every
/// time zone.
const TIME: u16 = 0;
const DATE: u16 = (2 << 5) | 1;
/// The zip64 extended information extra field (4.5.3).
const ZIP64_EXTRA: u16 = 0x0001;
/// Sizes, offsets and counts from these values on stand in zip64 fields (4.4.1.4).
const FULL_32: u64 = 0xFFFF_FFFF;
const FULL_16: u64 = 0xFFFF;

/// Compression methods (4.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Stored = 0,
    Deflated = 8,
}

/// What the headers say of one entry.
#[derive(Clone, Debug)]
pub struct Header {
    pub path: Arc<str>,
    /// File type and permissions, as in `st_mode`.
    pub unix_mode: u32,
    pub method: Method,
    pub crc32: u32,
    pub compressed_size: u64,
    pub size: u64,
}

/// Writes entries one after another, then the central directory.
pub struct ZipWriter<W> {
    out: W,
    offset: u64,
    directory: Vec<u8>,
    entries: u64,
}

impl<W: Write> ZipWriter<W> {
    pub fn new(out: W) -> Self {
        ZipWriter {
            out,
            offset: 0,
            directory: Vec::new(),
            entries: 0,
        }
    }

    /// Starts an entry. Exactly `header.compressed_size` bytes of [`ZipWriter::data`] must follow.
    pub fn begin(&mut self, header: &Header) -> io::Result<()> {
        self.add_to_directory(header);
        let zip64 = header.size >= FULL_32 || header.compressed_size >= FULL_32;
        let mut extra = Vec::new();
        if zip64 {
            // In a local header both sizes are mandatory (4.5.3).
            put_zip64_extra(&mut extra, &[header.size, header.compressed_size]);
        }
        let mut local = Vec::with_capacity(30 + header.path.len() + extra.len());
        put32(&mut local, 0x0403_4B50);
        put16(&mut local, if zip64 { NEEDS_ZIP64 } else { NEEDS_DEFLATE });
        put_common(
            &mut local,
            header,
            if zip64 {
                [FULL_32; 2]
            } else {
                [header.compressed_size, header.size]
            },
        );
        put16(&mut local, extra.len() as u16);
        local.extend_from_slice(header.path.as_bytes());
        local.extend_from_slice(&extra);
        self.data(&local)
    }

    /// Writes bytes of the entry that was begun last.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn add_to_directory(&mut self, header: &Header) {
        let mut zip64_fields = Vec::new();
        // The order of the fields is prescribed, and only those that don't fit are there (4.5.3).
        let [size, compressed_size, offset] = [header.size, header.compressed_size, self.offset].map(|value| {
            if value >= FULL_32 {
                zip64_fields.push(value);
            }
            value.min(FULL_32)
        });
        let mut extra = Vec::new();
        if !zip64_fields.is_empty() {
            put_zip64_extra(&mut extra, &zip64_fields);
        }
        let out = &mut self.directory;
        put32(out, 0x0201_4B50);
        put16(out, MADE_BY);
        put16(out, if extra.is_empty() { NEEDS_DEFLATE } else { NEEDS_ZIP64 });
        put_common(out, header, [compressed_size, size]);
        put16(out, extra.len() as u16);
        put16(out, 0); // comment length
        put16(out, 0); // disk number
        put16(out, 0); // internal attributes: binary
        put32(out, header.unix_mode << 16);
        put32(out, offset as u32);
        out.extend_from_slice(header.path.as_bytes());
        out.extend_from_slice(&extra);
        self.entries += 1;
    }

    /// Writes the central directory and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        let start = self.offset;
        let directory = std::mem::take(&mut self.directory);
        self.data(&directory)?;
        let size = self.offset - start;
        let mut end = Vec::new();
        if self.entries >= FULL_16 || size >= FULL_32 || start >= FULL_32 {
            let zip64_end = self.offset;
            put32(&mut end, 0x0606_4B50); // zip64 end of central directory record (4.3.14)
            put64(&mut end, 44); // size of the rest of the record
            put16(&mut end, MADE_BY);
            put16(&mut end, NEEDS_ZIP64);
            put32(&mut end, 0); // this disk
            put32(&mut end, 0); // disk of the directory
            put64(&mut end, self.entries);
            put64(&mut end, self.entries);
            put64(&mut end, size);
            put64(&mut end, start);
            put32(&mut end, 0x0706_4B50); // its locator (4.3.15)
            put32(&mut end, 0);
            put64(&mut end, zip64_end);
            put32(&mut end, 1); // number of disks
        }
        let entries = self.entries.min(FULL_16) as u16;
        put32(&mut end, 0x0605_4B50); // end of central directory record (4.3.16)
        put16(&mut end, 0);
        put16(&mut end, 0);
        put16(&mut end, entries);
        put16(&mut end, entries);
        put32(&mut end, size.min(FULL_32) as u32);
        put32(&mut end, start.min(FULL_32) as u32);
        put16(&mut end, 0); // comment length
        self.data(&end)?;
        Ok(self.out)
    }
}

/// The fields from flags to the length of the name, which local and central header share.
fn put_common(out: &mut Vec<u8>, header: &Header, [compressed_size, size]: [u64; 2]) {
    put16(out, if header.path.is_ascii() { 0 } else { UTF8_NAME });
    put16(out, header.method as u16);
    put16(out, TIME);
    put16(out, DATE);
    put32(out, header.crc32);
    put32(out, compressed_size as u32);
    put32(out, size as u32);
    put16(
        out,
        u16::try_from(header.path.len()).expect("the walk refuses longer paths"),
    );
}

fn put_zip64_extra(out: &mut Vec<u8>, fields: &[u64]) {
    put16(out, ZIP64_EXTRA);
    put16(out, (fields.len() * 8) as u16);
    for field in fields {
        put64(out, *field);
    }
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::listing::compressed_sizes;
    use super::*;

    fn header(path: &str, size: u64) -> Header {
        Header {
            path: path.into(),
            unix_mode: 0o100_644,
            method: Method::Stored,
            crc32: 0,
            compressed_size: size,
            size,
        }
    }

    fn u16_at(bytes: &[u8], at: usize) -> u16 {
        u16::from_le_bytes([bytes[at], bytes[at + 1]])
    }

    #[test]
    fn zip64_is_used_from_the_first_size_that_does_not_fit() {
        for (size, needed, extra) in [(FULL_32 - 1, NEEDS_DEFLATE, 0), (FULL_32, NEEDS_ZIP64, 20)] {
            let mut writer = ZipWriter::new(Vec::new());
            writer.begin(&header("a", size)).expect("memory");
            assert_eq!(u16_at(&writer.out, 4), needed);
            assert_eq!(u16_at(&writer.out, 28), extra);
            assert_eq!(u16_at(&writer.directory, 6), needed);
        }
    }

    #[test]
    fn an_offset_that_does_not_fit_stands_alone_in_the_extra_field() {
        let mut writer = ZipWriter::new(Vec::new());
        writer.offset = FULL_32;
        writer.begin(&header("a", 1)).expect("memory");
        assert_eq!(u16_at(&writer.directory, 30), 12, "four bytes of header and one offset");
        assert_eq!(u16_at(&writer.out, 28), 0, "none in the local header");
        let bytes = writer.finish().expect("memory");
        assert!(
            bytes.windows(4).any(|window| window == [0x50, 0x4B, 0x06, 0x06]),
            "a zip64 end record"
        );
    }

    #[test]
    fn what_does_not_fit_is_read_again() {
        for (size, compressed_size, offset) in [(FULL_32, FULL_32 + 1, 0), (FULL_32, 7, 0), (7, 7, FULL_32), (9, 8, 1)]
        {
            let mut writer = ZipWriter::new(Vec::new());
            writer.offset = offset;
            let header = Header {
                compressed_size,
                ..header("a", size)
            };
            writer.begin(&header).expect("memory");
            let bytes = writer.finish().expect("memory");
            let sizes = compressed_sizes(&bytes, offset + bytes.len() as u64).expect("a package");
            assert_eq!(sizes["a"], compressed_size);
        }
    }

    #[test]
    fn zip64_is_used_from_the_first_count_that_does_not_fit() {
        for (count, expected) in [(0xFFFE, false), (0xFFFF, true)] {
            let mut writer = ZipWriter::new(Vec::new());
            for number in 0..count {
                writer.begin(&header(&number.to_string(), 0)).expect("memory");
            }
            let bytes = writer.finish().expect("memory");
            let tail = &bytes[bytes.len() - 98..];
            assert_eq!(tail.starts_with(&[0x50, 0x4B, 0x06, 0x06]), expected, "{count}");
        }
    }

    #[test]
    fn only_names_that_need_it_carry_the_utf8_flag() {
        for (path, flags) in [("plain", 0), ("größe", UTF8_NAME)] {
            let mut writer = ZipWriter::new(Vec::new());
            writer.begin(&header(path, 0)).expect("memory");
            assert_eq!(u16_at(&writer.out, 6), flags);
            assert_eq!(u16_at(&writer.directory, 8), flags);
        }
    }
}
