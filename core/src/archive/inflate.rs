//! Inflating compressed blocks, to see whether they are what they are said to be.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_deflate_decompress_ex,
    libdeflate_free_decompressor, libdeflate_result_LIBDEFLATE_SUCCESS,
};

use crate::cache::Shape;
use crate::digest::{Algorithm, Digest};

/// An empty last block (RFC 1951, 3.2.6): ends the stream of a piece, which only a flush has ended.
const END: [u8; 2] = [0x03, 0x00];

/// Inflates a block; the content's CRC-32 if it has this size and digest, and the block not one byte more than it needs.
pub fn check(block: &[u8], digest: &Digest, size: usize, shape: Shape) -> Option<u32> {
    let ended;
    let stream = match shape {
        Shape::Whole | Shape::LastPiece => block,
        Shape::Piece => {
            ended = [block, &END].concat();
            &ended
        }
    };
    super::buffers::with_output(size, |content| {
        let inflated = INFLATER.with_borrow_mut(|inflater| inflater.inflate(stream, content));
        let same = inflated == Some((stream.len(), size)) && Algorithm::Blake3.hash(content) == *digest;
        same.then(|| libdeflater::crc32(content))
    })
}

thread_local! {
    /// Costly to make, so each thread keeps one.
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater::new());
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
