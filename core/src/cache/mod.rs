//! Caches on the disk. They make the second run fast and nothing else: what can't be proven to hold is not believed, and
//! every file may be deleted at any moment.

mod blocks;
mod digests;
mod files;
mod local;

use std::path::{Path, PathBuf};

pub use blocks::{BlockCache, Form, Shape};
pub use digests::DigestCache;
pub use files::touch;
pub use local::is_local;

/// Where caches are kept, and for which machine.
#[derive(Clone, Debug)]
pub struct CacheDir {
    pub path: PathBuf,
    /// What tells this machine from others that a cache may have been copied from.
    pub machine: String,
}

/// The caches of one run.
pub struct Caches {
    pub digests: DigestCache,
    pub blocks: BlockCache,
}

impl Caches {
    /// Caches that hold and keep nothing.
    pub fn none() -> Self {
        Caches {
            digests: DigestCache::none(),
            blocks: BlockCache::none(),
        }
    }

    /// Opens the caches for sources below `root`; that of blocks only if it `packs`. Fails if the directory can't be used; then there
    /// are none.
    pub fn open(directory: &CacheDir, root: &Path, packs: bool) -> std::io::Result<Self> {
        let digests = || DigestCache::open(directory, root);
        let (digests, blocks) = match packs {
            true => rayon::join(digests, || BlockCache::open(directory)),
            false => (digests(), Ok(BlockCache::none())),
        };
        Ok(Caches {
            digests: digests?,
            blocks: blocks?,
        })
    }

    /// Keeps what this run has learned.
    pub fn save(self) -> std::io::Result<()> {
        self.digests.save()?;
        self.blocks.save()
    }
}
