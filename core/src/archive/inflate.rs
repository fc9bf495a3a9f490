//! Inflating compressed blocks, to see whether they are what they are said to be.

use std::cell::RefCell;
use std::ffi::c_void;
use std::io::{self, BufRead, Read};
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_deflate_decompress_ex,
    libdeflate_free_decompressor, libdeflate_result_LIBDEFLATE_SUCCESS,
};

use flate2::bufread::DeflateDecoder;

use crate::digest::{Algorithm, Digest, Hasher};

/// Inflates a whole stream; what `inspect` makes of its content, if it has this size and digest, and the stream not one
/// byte more than it needs.
pub fn check<T>(stream: &[u8], digest: &Digest, size: usize, inspect: impl FnOnce(&[u8]) -> T) -> Option<T> {
    super::buffers::with_output(size, |content| {
        let inflated = INFLATER.with_borrow_mut(|inflater| inflater.inflate(stream, content));
        let same = inflated == Some((stream.len(), size)) && Algorithm::Blake3.hash(content) == *digest;
        same.then(|| inspect(content))
    })
}

thread_local! {
    /// Costly to make, so each thread keeps one.
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater::new());
}

/// The same for a stream that is too large for memory. No piece of it can be checked alone: only what follows shows
/// whether it ended where a block ends.
pub fn check_spool(stream: &mut impl BufRead, digest: &Digest, size: u64) -> io::Result<bool> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    let mut buffer = vec![0; 256 * 1024];
    let mut inflated = 0;
    let mut decoder = DeflateDecoder::new(stream);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                inflated += count as u64;
            }
            // What isn't deflate data is no trouble with the disk.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    let at_end = decoder.into_inner().fill_buf()?.is_empty();
    Ok(at_end && inflated == size && hasher.finish() == *digest)
}

/// libdeflate's decompressor. `libdeflater` doesn't say how much of its input a stream took, and bytes behind its end
/// would go into a package unseen.
struct Inflater(NonNull<libdeflate_decompressor>);

impl Inflater {
    fn new() -> Self {
        #[expect(unsafe_code, reason = "no safe crate has this call; it takes nothing")]
        let decompressor = unsafe { libdeflate_alloc_decompressor() };
        Inflater(NonNull::new(decompressor).expect("memory"))
    }

    /// How many bytes of the stream were taken, and how many were written; `None` if it is damaged or has more.
    fn inflate(&mut self, stream: &[u8], out: &mut [u8]) -> Option<(usize, usize)> {
        let (mut taken, mut written) = (0, 0);
        #[expect(
            unsafe_code,
            reason = "the pointers are those of two slices, with the lengths of these"
        )]
        let result = unsafe {
            libdeflate_deflate_decompress_ex(
                self.0.as_ptr(),
                stream.as_ptr().cast::<c_void>(),
                stream.len(),
                out.as_mut_ptr().cast::<c_void>(),
                out.len(),
                &raw mut taken,
                &raw mut written,
            )
        };
        (result == libdeflate_result_LIBDEFLATE_SUCCESS).then_some((taken, written))
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "made by the matching call, and freed once")]
        unsafe {
            libdeflate_free_decompressor(self.0.as_ptr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Compression;
    use crate::archive::deflate::deflate_chunk;

    #[test]
    fn a_spool_must_be_its_content_and_nothing_more() {
        let content = b"lambda pack ".repeat(1000);
        let digest = Algorithm::Blake3.hash(&content.repeat(2));
        let size = 2 * content.len() as u64;
        let first = deflate_chunk(&content, false, Compression::Standard);
        let last = deflate_chunk(&content, true, Compression::Standard);
        let check = |parts: &[&[u8]]| check_spool(&mut parts.concat().as_slice(), &digest, size).expect("memory");
        assert!(check(&[&first, &last]));
        assert!(!check(&[&first]), "it doesn't end");
        assert!(!check(&[&last]), "half of it");
        assert!(!check(&[&first, &first, &last]), "more content");
        assert!(!check(&[&first, &last, b"x"]), "bytes behind the end");
        assert!(
            !check(&[&first[..first.len() - 1], &last]),
            "the end of a piece is missing"
        );
        assert!(!check(&[&last, &first]), "ends too early");
        assert!(!check(&[b"\xff", &first, &last]), "no deflate");
    }
}
