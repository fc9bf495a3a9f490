//! The compressors of package format 1. Their output must depend on nothing but their input, so no compressor is used
//! that chooses its hash function by CPU feature; pinned digests in the tests notice an upgrade that changes bytes.

use std::cell::RefCell;

use flate2::{Compress, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor};

use super::buffers::Buffer;

/// How hard is tried to make packages small. `docs/performance.md` has the measurements behind these levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    #[default]
    Standard = 0,
    /// A few percent smaller, and more than ten times as slow.
    Best = 1,
}

impl Compression {
    /// libdeflate's level. 5 is the fastest whose output is smaller than Go's archive/zip on all corpora that were
    /// measured; 12 is the highest.
    const fn level(self) -> i32 {
        match self {
            Compression::Standard => 5,
            Compression::Best => 12,
        }
    }

    /// zlib-rs's level, for chunks: zlib's own default, and its highest.
    const fn chunk_level(self) -> u32 {
        match self {
            Compression::Standard => 6,
            Compression::Best => 9,
        }
    }
}

/// Files larger than this are compressed in chunks: libdeflate needs a whole file and its result in memory.
pub const LARGE_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Size of one chunk of a large file. Each is compressed on its own, so that threads can share a file.
pub const CHUNK_BYTES: usize = 4 * 1024 * 1024;

thread_local! {
    /// Costly to make, so each thread keeps one of each kind.
    static COMPRESSORS: [RefCell<Option<Compressor>>; 2] = const { [const { RefCell::new(None) }; 2] };
}

fn with_compressor<T>(compression: Compression, use_it: impl FnOnce(&mut Compressor) -> T) -> T {
    COMPRESSORS.with(|compressors| {
        let mut compressor = compressors[compression as usize].borrow_mut();
        use_it(compressor.get_or_insert_with(|| {
            Compressor::new(CompressionLvl::new(compression.level()).expect("a level from 1 to 12"))
        }))
    })
}

/// Writes the deflate stream of a whole file to `out`, which has room for `data`. Its size in bytes, or `None` where it
/// would not be smaller than `data`.
pub fn deflate(data: &[u8], compression: Compression, out: &mut [u8]) -> Option<usize> {
    // An output one byte short of the input makes libdeflate give up as soon as it can't win.
    let out = &mut out[..data.len().checked_sub(1)?];
    with_compressor(compression, |compressor| compressor.deflate_compress(data, out)).ok()
}

/// Compresses one chunk of a large file. The chunks' outputs, joined, are one deflate stream: all but the last end at a
/// byte boundary without ending the stream (zlib's `Z_SYNC_FLUSH`).
pub fn deflate_chunk(chunk: &[u8], last: bool, compression: Compression) -> Buffer {
    let level = flate2::Compression::new(compression.chunk_level());
    let mut compress = Compress::new(level, false);
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    // What zlib can't make smaller grows by less than a thousandth.
    let mut out = Buffer::new(chunk.len() + chunk.len() / 256 + 1024);
    let status = compress.compress(chunk, &mut out, flush);
    assert!(
        matches!(status, Ok(Status::Ok | Status::StreamEnd)) && compress.total_in() == chunk.len() as u64,
        "a fresh stream takes any input, and there is room"
    );
    // A flush is complete once it leaves room in the output (zlib's manual, deflate).
    let size = usize::try_from(compress.total_out()).expect("a size");
    assert!(size < out.len(), "there is room");
    out.truncate(size);
    out
}

/// For tests: the same, in memory of its own.
#[cfg(test)]
pub fn deflated(data: &[u8], compression: Compression) -> Option<Vec<u8>> {
    let mut out = vec![0; data.len()];
    let size = deflate(data, compression, &mut out)?;
    out.truncate(size);
    Some(out)
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
        assert_eq!(inflate(&deflated(&data, Compression::Standard).expect("smaller")), data);
        for hopeless in [&b""[..], b"a", b"ab"] {
            assert!(deflated(hopeless, Compression::Standard).is_none());
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
            let compression = Compression::Standard;
            let joined: Vec<u8> = data
                .chunks(CHUNK_BYTES)
                .enumerate()
                .flat_map(|(index, chunk)| deflate_chunk(chunk, index + 1 == count, compression).to_vec())
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
        for (compression, whole_hash, chunks_hash) in [
            (
                Compression::Standard,
                "7d87d203518d587713332a6ce589fae11576d5ccce7b64b7c5e2b21b925fadeb",
                "5f1e2c58afcf1cc94d9e665f672c5f04882fc1013c39f9f0f97474b4b89e3009",
            ),
            (
                Compression::Best,
                "7deb7c56f2df9d6ce9b2427f5bf32fd524ea492daff6b0a49bfe7b4fb0fdad20",
                "938ee81e43eee65232d00ad5cb12f0af9f94df2bc9a3210bd69386da1f8fba24",
            ),
        ] {
            let whole = deflated(&data, compression).expect("smaller");
            let first = deflate_chunk(&data, false, compression);
            let last = deflate_chunk(&data[..500_000], true, compression);
            assert_eq!(blake3::hash(&whole).to_hex().as_str(), whole_hash);
            assert_eq!(
                blake3::hash(&[&first[..], &last].concat()).to_hex().as_str(),
                chunks_hash
            );
        }
    }
}
