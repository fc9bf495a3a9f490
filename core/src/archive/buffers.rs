//! Memory for files and what they are compressed to. Most files are small: each thread keeps buffers for those. Memory for
//! larger ones comes from the system and goes back at once, since allocators keep some of what was freed, for each thread.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

use memmap2::MmapMut;

/// Up to this size memory is kept.
const SMALL_BYTES: usize = 128 * 1024;

/// Bytes that go from thread to thread.
pub struct Buffer {
    memory: Memory,
    size: usize,
}

enum Memory {
    Small(Vec<u8>),
    Large(MmapMut),
}

impl Buffer {
    pub fn zeroed(size: usize) -> Self {
        let memory = match size {
            0..=SMALL_BYTES => Memory::Small(vec![0; size]),
            _ => Memory::Large(MmapMut::map_anon(size).expect("the system has memory")),
        };
        Buffer { memory, size }
    }

    pub fn truncate(&mut self, size: usize) {
        self.size = size.min(self.size);
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = Buffer::zeroed(bytes.len());
        buffer.copy_from_slice(bytes);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Small(bytes) => &bytes[..self.size],
            Memory::Large(bytes) => &bytes[..self.size],
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Small(bytes) => &mut bytes[..self.size],
            Memory::Large(bytes) => &mut bytes[..self.size],
        }
    }
}

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A buffer for what is read. Its content is anything.
pub fn with_input<T>(size: usize, use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    with(&INPUT, size, use_it)
}

/// A buffer for what is made of it.
pub fn with_output<T>(size: usize, use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    with(&OUTPUT, size, use_it)
}

fn with<T>(kept: &'static LocalKey<RefCell<Vec<u8>>>, size: usize, use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    if size > SMALL_BYTES {
        return use_it(&mut Buffer::zeroed(size));
    }
    kept.with_borrow_mut(|buffer| {
        if buffer.len() < size {
            buffer.resize(SMALL_BYTES, 0);
        }
        use_it(&mut buffer[..size])
    })
}
