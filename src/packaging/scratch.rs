//! Temporary files for packages.

use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

use lambda_pack_core::temporary::{private_temporary_file, remove_abandoned};
use lambda_pack_core::{Error, Result};
use tempfile::NamedTempFile;

/// Temporary files for packages on their way, used again and again: making and deleting one for each of a thousand small
/// packages takes longer than packing them.
pub struct Scratch {
    directory: PathBuf,
    idle: Mutex<Vec<NamedTempFile>>,
    /// What killed runs left is removed only by a run that adds to it.
    swept: Once,
}

impl Scratch {
    pub fn new() -> Self {
        Scratch {
            directory: std::env::temp_dir(),
            idle: Mutex::default(),
            swept: Once::new(),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An empty file.
    pub fn take(&self) -> Result<NamedTempFile> {
        let cannot_write = |cause| Error::io("write a temporary file in", &self.directory, cause);
        let idle = self.idle.lock().expect("no thread panics while it takes a file").pop();
        match idle {
            Some(mut file) => {
                file.rewind().map_err(cannot_write)?;
                Ok(file)
            }
            None => {
                self.swept.call_once(|| remove_abandoned(&self.directory));
                private_temporary_file(&self.directory).map_err(cannot_write)
            }
        }
    }

    pub fn give_back(&self, file: NamedTempFile) {
        // Who can't be emptied isn't used again.
        if file.as_file().set_len(0).is_err() {
            return;
        }
        self.idle
            .lock()
            .expect("no thread panics while it takes a file")
            .push(file);
    }
}
