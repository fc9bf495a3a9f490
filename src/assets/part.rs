//! A download that isn't whole yet, and what tells whether it can be continued.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use lambda_pack_core::Result;
use lambda_pack_core::disk::remove_if_there;
use lambda_pack_core::function::AssetUrl;
use serde::{Deserialize, Serialize};

use super::kept::{cannot_use, name_of};

/// Bytes of a download, from its first on.
pub struct Part {
    path: PathBuf,
    file: File,
    len: u64,
    state: State,
}

/// Kept beside the bytes: of what they are.
#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Digest of the address: it may hold secrets.
    address: String,
    /// What the server calls this content: only the same may be appended.
    validator: Option<String>,
    /// Bytes of the whole.
    total: Option<u64>,
}

impl Part {
    /// What an earlier run left, if it is of the same address, else an empty file.
    pub fn open(path: PathBuf, url: &AssetUrl) -> Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .append(true)
            .read(true)
            .open(&path);
        let file = file.map_err(|cause| cannot_use(&path, cause))?;
        let len = file.metadata().map_err(|cause| cannot_use(&path, cause))?.len();
        let address = name_of(url);
        // Unreadable, or written in part: then nothing can be continued.
        let state: Option<State> = fs::read(state_path(&path))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        let state = state.filter(|state| state.address == address && state.validator.is_some());
        let mut part = Part {
            path,
            file,
            len,
            state: State {
                address,
                ..State::default()
            },
        };
        match state {
            Some(state) if len > 0 => part.state = state,
            _ => part.start_over(None, None)?,
        }
        Ok(part)
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// What the server calls the content that this is a part of.
    pub fn validator(&self) -> Option<&str> {
        self.state.validator.as_deref()
    }

    /// Whether nothing is missing, as far as the server said how much there is.
    pub fn is_whole(&self) -> bool {
        self.state.total.is_some_and(|total| total == self.len)
    }

    /// Empties it, for content that the server calls so, and has so many bytes.
    pub fn start_over(&mut self, validator: Option<String>, total: Option<u64>) -> Result<()> {
        let state = state_path(&self.path);
        // In this order: nothing may ever be taken for a part of something else.
        remove_if_there(&state).map_err(|cause| cannot_use(&state, cause))?;
        self.file.set_len(0).map_err(|cause| cannot_use(&self.path, cause))?;
        self.len = 0;
        self.state.validator = validator;
        self.state.total = total;
        if self.state.validator.is_some() {
            let json = serde_json::to_vec(&self.state).expect("it is plain JSON");
            fs::write(&state, json).map_err(|cause| cannot_use(&state, cause))?;
        }
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|cause| cannot_use(&self.path, cause))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Its content, from the beginning.
    pub fn content(&self) -> Result<File> {
        File::open(&self.path).map_err(|cause| cannot_use(&self.path, cause))
    }

    /// Gives it its final name.
    pub fn publish(self, path: &Path) -> Result<()> {
        let published = self.file.sync_all().and_then(|()| fs::rename(&self.path, path));
        published.map_err(|cause| cannot_use(path, cause))?;
        let state = state_path(&self.path);
        remove_if_there(&state).map_err(|cause| cannot_use(&state, cause))
    }

    pub fn remove(self) -> Result<()> {
        for path in [state_path(&self.path), self.path] {
            remove_if_there(&path).map_err(|cause| cannot_use(&path, cause))?;
        }
        Ok(())
    }
}

/// Where the state of a part is.
pub fn state_path(part: &Path) -> PathBuf {
    part.with_extension("part.json")
}
