//! Memory for files and what they are compressed to. Most files are small: each thread keeps buffers for those, and all
//! threads share a few for medium ones, since memory that is new costs a page fault every 4 KiB. Memory for larger ones
//! comes from the system and goes back at once, since allocators keep some of what was freed, for each thread.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::thread::LocalKey;

use memmap2::MmapMut;

/// Up to this size each thread keeps memory.
const SMALL_BYTES: usize = 128 * 1024;

/// Up to this size all threads together keep so many buffers: 8 MiB.
const MEDIUM_BYTES: usize = 1024 * 1024;
const MEDIUM_KEPT: usize = 8;

/// Bytes that go from thread to thread.
pub struct Buffer {
    memory: Memory,
    size: usize,
}

enum Memory {
    Small(Vec<u8>),
    /// One of those that all threads share; `None` once it went back.
    Medium(Option<MmapMut>),
    Large(MmapMut),
}

impl Buffer {
    /// Its content is anything.
    pub fn new(size: usize) -> Self {
        let memory = match size {
            0..=SMALL_BYTES => Memory::Small(vec![0; size]),
            _ if size <= MEDIUM_BYTES => Memory::Medium(Some(take_medium())),
            _ => Memory::Large(new_memory(size)),
        };
        Buffer { memory, size }
    }

    /// Bytes of memory that a buffer of this size takes: what others had in it before counts too.
    pub fn held_by(size: usize) -> usize {
        match size {
            0..=SMALL_BYTES => size,
            _ => size.max(MEDIUM_BYTES),
        }
    }

    /// Bytes of memory that this one takes. Of a large one the system gives what was written to.
    pub fn held(&self) -> usize {
        match &self.memory {
            Memory::Small(bytes) => bytes.len(),
            Memory::Medium(_) => MEDIUM_BYTES,
            Memory::Large(_) => self.size,
        }
    }

    pub fn truncate(&mut self, size: usize) {
        self.size = size.min(self.size);
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Small(bytes) => &bytes[..self.size],
            Memory::Medium(bytes) => &bytes.as_deref().unwrap_or_default()[..self.size],
            Memory::Large(bytes) => &bytes[..self.size],
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Small(bytes) => &mut bytes[..self.size],
            Memory::Medium(bytes) => &mut bytes.as_deref_mut().unwrap_or_default()[..self.size],
            Memory::Large(bytes) => &mut bytes[..self.size],
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Memory::Medium(bytes) = &mut self.memory
            && let Some(bytes) = bytes.take()
        {
            give_back_medium(bytes);
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
    if size > MEDIUM_BYTES {
        return use_it(&mut in_huge_pages(new_memory(size)));
    }
    if size > SMALL_BYTES {
        return use_it(&mut Buffer::new(size));
    }
    kept.with_borrow_mut(|buffer| {
        if buffer.len() < size {
            buffer.resize(SMALL_BYTES, 0);
        }
        use_it(&mut buffer[..size])
    })
}

/// Those that nobody uses.
static MEDIUM: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());

fn take_medium() -> MmapMut {
    let kept = MEDIUM.lock().expect("no panic").pop();
    kept.unwrap_or_else(|| new_memory(MEDIUM_BYTES))
}

fn give_back_medium(buffer: MmapMut) {
    let mut kept = MEDIUM.lock().expect("no panic");
    if kept.len() < MEDIUM_KEPT {
        kept.push(buffer);
    }
}

fn new_memory(size: usize) -> MmapMut {
    MmapMut::map_anon(size).expect("the system has memory")
}

/// One page fault for each 2 MiB rather than for each 4 KiB, where the system has such pages to spare. Not for a [`Buffer`],
/// which may wait for its turn for long: the budget doesn't know of what such a page holds beyond its content.
#[cfg(target_os = "linux")]
fn in_huge_pages(memory: MmapMut) -> MmapMut {
    // A kernel that has none refuses, and all works without.
    memory.advise(memmap2::Advice::HugePage).ok();
    memory
}

#[cfg(not(target_os = "linux"))]
fn in_huge_pages(memory: MmapMut) -> MmapMut {
    memory
}
