//! The compressors of package format 1. Their output must depend on nothing but their input, so no compressor is used
//! that chooses its hash function by CPU feature; pinned digests in the tests notice an upgrade that changes bytes.

use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor};

/// libdeflate's level. 5 is the fastest whose output is smaller than Go's archive/zip on all corpora that were measured.
const LEVEL: i32 = 5;

/// Files larger than this are compressed in chunks: libdeflate needs a whole file and its result in memory.
pub const LARGE_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Size of one chunk of a large file. Each is compressed on its own, so that threads can share a file.
pub const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// zlib-rs's level for chunks, zlib's own default.
const CHUNK_LEVEL: u32 = 6;

/// Compresses whole files; costly to make, so each thread keeps one.
pub struct Deflater(Compressor);

impl Deflater {
    pub fn new() -> Self {
        Deflater(Compressor::new(
            CompressionLvl::new(LEVEL).expect("a level from 1 to 12"),
        ))
    }

    /// The deflate stream, or `None` where it would not be smaller than `data`.
    pub fn deflate(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        // A buffer one byte short of the input makes libdeflate give up as soon as it can't win.
        let mut out = vec![0; data.len().checked_sub(1)?];
        let size = self.0.deflate_compress(data, &mut out).ok()?;
        out.truncate(size);
        out.shrink_to_fit();
        Some(out)
    }
}

/// Compresses one chunk of a large file. The chunks' outputs, joined, are one deflate stream: all but the last end at a
/// byte boundary without ending the stream (zlib's `Z_SYNC_FLUSH`).
pub fn deflate_chunk(chunk: &[u8], last: bool) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(CHUNK_LEVEL), false);
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    let mut out = Vec::with_capacity(chunk.len() / 2 + 1024);
    loop {
        let consumed = compress.total_in() as usize;
        let status = compress
            .compress_vec(&chunk[consumed..], &mut out, flush)
            .expect("a fresh stream takes any input");
        let done = match status {
            Status::StreamEnd => true,
            // A flush is complete once it leaves room in the output (zlib's manual, deflate).
            Status::Ok | Status::BufError => {
                !last && compress.total_in() as usize == chunk.len() && out.len() < out.capacity()
            }
        };
        if done {
            return out;
        }
        out.reserve(CHUNK_BYTES / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::DeflateDecoder;
    use std::io::Read;

    /// Half text, half noise: neither trivial nor incompressible.
    fn sample(size: usize) -> Vec<u8> {
        let mut state = 0x2545_F491_u32;
        (0..size)
            .map(|index| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                if index / 512 % 2 == 0 {
                    b"lambda pack "[index % 12]
                } else {
                    state as u8
                }
            })
            .collect()
    }

    fn inflate(deflated: &[u8]) -> Vec<u8> {
        let mut data = Vec::new();
        DeflateDecoder::new(deflated)
            .read_to_end(&mut data)
            .expect("a whole stream");
        data
    }

    #[test]
    fn whole_files_round_trip_and_noise_is_not_worth_it() {
        let data = sample(100_000);
        assert_eq!(inflate(&Deflater::new().deflate(&data).expect("smaller")), data);
        for hopeless in [&b""[..], b"a", b"ab"] {
            assert_eq!(Deflater::new().deflate(hopeless), None);
        }
    }

    #[test]
    fn chunks_join_to_one_stream() {
        let noise: Vec<u8> = blake3::Hasher::new().finalize_xof().by_ref_bytes(3 * CHUNK_BYTES / 2);
        for data in [
            sample(2 * CHUNK_BYTES + 12_345),
            noise,
            vec![0; CHUNK_BYTES],
            vec![0; 10],
        ] {
            let count = data.len().div_ceil(CHUNK_BYTES);
            let joined: Vec<u8> = data
                .chunks(CHUNK_BYTES)
                .enumerate()
                .flat_map(|(index, chunk)| deflate_chunk(chunk, index + 1 == count))
                .collect();
            assert!(inflate(&joined) == data, "{} bytes", data.len());
        }
    }

    trait Take {
        fn by_ref_bytes(self, size: usize) -> Vec<u8>;
    }

    impl Take for blake3::OutputReader {
        fn by_ref_bytes(mut self, size: usize) -> Vec<u8> {
            let mut bytes = vec![0; size];
            self.fill(&mut bytes);
            bytes
        }
    }

    /// The compressors' bytes are part of package format 1: if this fails after an upgrade, the upgrade needs a new format.
    #[test]
    fn the_bytes_are_pinned() {
        let data = sample(1_000_000);
        let whole = Deflater::new().deflate(&data).expect("smaller");
        let chunk = [deflate_chunk(&data, false), deflate_chunk(&data[..500_000], true)].concat();
        assert_eq!(
            blake3::hash(&whole).to_hex().as_str(),
            "7d87d203518d587713332a6ce589fae11576d5ccce7b64b7c5e2b21b925fadeb"
        );
        assert_eq!(
            blake3::hash(&chunk).to_hex().as_str(),
            "5f1e2c58afcf1cc94d9e665f672c5f04882fc1013c39f9f0f97474b4b89e3009"
        );
    }
}
