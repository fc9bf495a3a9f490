//! The directory of downloads: each asset under its digest, parts of what isn't whole yet, and a lock file for each.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lambda_pack_core::cache::touch;
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::disk::remove_if_there;
use lambda_pack_core::function::{AssetUrl, Sha256};
use lambda_pack_core::temporary::sync_directory;
use lambda_pack_core::{Error, Meter, Result};

use super::part::{Part, state_path};
use crate::file_lock;

/// Bytes that are kept; what was not used for longest goes first.
const MOST_BYTES: u64 = 10 * 1024 * 1024 * 1024;

const PART: &str = "part";
const LOCK: &str = "lock";

pub struct Kept {
    directory: PathBuf,
}

/// Name of what is only known by its address, which may hold secrets.
pub fn name_of(url: &AssetUrl) -> String {
    let address = match url {
        AssetUrl::Web(address) => address.clone(),
        AssetUrl::S3 { .. } | AssetUrl::File(_) => url.to_string(),
    };
    format!("url-{}", Algorithm::Blake3.hash(address.as_bytes()).to_hex())
}

impl Kept {
    pub fn open(directory: PathBuf) -> Result<Self> {
        fs::create_dir_all(&directory).map_err(|cause| cannot_use(&directory, cause))?;
        Ok(Kept { directory })
    }

    /// Held by whoever reads, downloads or deletes what has this name; others wait.
    pub fn lock(&self, name: &str, meter: &Meter) -> Result<File> {
        let path = self.lock_path(name);
        let file = file_lock::open(&path).map_err(|cause| cannot_use(&path, cause))?;
        file_lock::wait(
            &path,
            "another process that downloads the same",
            file_lock::WITHOUT_CACHE,
            meter,
            || file.try_lock(),
        )?;
        Ok(file)
    }

    /// What was kept under this name.
    pub fn get(&self, name: &str) -> Result<Option<File>> {
        let path = self.directory.join(name);
        match File::open(&path) {
            Ok(file) => {
                // Best effort: it only decides what goes first.
                touch(&file).ok();
                Ok(Some(file))
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cannot_use(&path, cause)),
        }
    }

    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.directory.join(name);
        remove_if_there(&path).map_err(|cause| cannot_use(&path, cause))
    }

    /// Where what is to have this name is downloaded to.
    pub fn part(&self, name: &str, url: &AssetUrl) -> Result<Part> {
        Part::open(self.directory.join(name).with_extension(PART), url)
    }

    /// Publishes a part under its digest.
    pub fn put(&self, part: Part, sha256: &Sha256) -> Result<PathBuf> {
        let path = self.directory.join(sha256.to_string());
        part.publish(&path)?;
        sync_directory(&self.directory).map_err(|cause| cannot_use(&self.directory, cause))?;
        self.prune(&path).map_err(|cause| cannot_use(&self.directory, cause))?;
        Ok(path)
    }

    /// Deletes what was used least recently where there is too much, but for what is in use.
    fn prune(&self, newest: &Path) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension == PART)
                && path != newest
                && let Ok(metadata) = fs::metadata(&path)
            {
                files.push((metadata.modified()?, metadata.len(), path));
            }
        }
        files.sort_unstable();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if total <= MOST_BYTES {
                break;
            }
            let lock_path = path.with_extension(LOCK);
            if file_lock::open(&lock_path)?.try_lock().is_ok() {
                remove_if_there(&path)?;
                remove_if_there(&state_path(&path))?;
                total -= bytes;
            }
        }
        Ok(())
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension(LOCK)
    }
}

pub fn cannot_use(path: &Path, cause: io::Error) -> Error {
    Error::io("write", path, cause).help(
        "check space and permissions there; XDG_CACHE_HOME names another place, and what was downloaded is continued",
    )
}
