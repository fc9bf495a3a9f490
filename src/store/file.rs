//! A store in a directory: for a fresh machine, tests, and builds without AWS.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lambda_pack_core::archive::{CodeSha256, Package, sync_directory, temporary_file};
use lambda_pack_core::{Error, Result};

use super::{Created, Object, Objects, PackageNotes, PackageStat};

pub struct FileObjects {
    root: PathBuf,
}

impl FileObjects {
    pub fn new(root: PathBuf) -> Self {
        FileObjects { root }
    }

    /// Writes to a temporary file in the target's directory, syncs it, and lets `publish` move it into place.
    fn write(
        &self,
        key: &str,
        content: &mut dyn io::Read,
        publish: impl FnOnce(tempfile::NamedTempFile, &Path) -> Result<(), tempfile::PersistError>,
    ) -> Result<Created> {
        let path = self.root.join(key);
        let cannot_write = |cause| Error::io("write", &path, cause).help("check space and permissions of the store");
        let directory = path.parent().expect("a key is below the root");
        fs::create_dir_all(directory).map_err(cannot_write)?;
        let mut temporary = temporary_file(directory).map_err(cannot_write)?;
        io::copy(content, &mut temporary).map_err(cannot_write)?;
        temporary.flush().map_err(cannot_write)?;
        temporary.as_file().sync_all().map_err(cannot_write)?;
        match publish(temporary, &path) {
            Ok(()) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Created::Exists);
            }
            Err(error) => return Err(cannot_write(error.error)),
        }
        sync_directory(directory).map_err(cannot_write)?;
        Ok(Created::New)
    }

    fn create_from(&self, key: &str, content: &mut dyn io::Read) -> Result<Created> {
        if self.root.join(key).exists() {
            return Ok(Created::Exists);
        }
        self.write(key, content, |temporary, path| {
            temporary.persist_noclobber(path).map(drop)
        })
    }
}

/// `None` for what isn't there.
fn if_there<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::io("read", path, cause)),
    }
}

fn version_of(content: &[u8]) -> String {
    lambda_pack_core::digest::Algorithm::Blake3.hash(content).to_hex()
}

impl Objects for FileObjects {
    fn get(&self, key: &str) -> Result<Option<Object>> {
        let path = self.root.join(key);
        let content = if_there(&path, fs::read(&path))?;
        Ok(content.map(|content| Object {
            version: version_of(&content),
            content,
        }))
    }

    /// Hashes the bytes: a disk is fast, and it has no other proof.
    fn stat_package(&self, key: &str) -> Result<Option<PackageStat>> {
        let path = self.root.join(key);
        let Some(metadata) = if_there(&path, fs::metadata(&path))? else {
            return Ok(None);
        };
        let code_sha256 = if_there(&path, CodeSha256::of_file(&path))?;
        Ok(code_sha256.map(|code_sha256| PackageStat {
            size_bytes: metadata.len(),
            code_sha256: Some(code_sha256),
        }))
    }

    fn create(&self, key: &str, mut content: &[u8]) -> Result<Created> {
        self.create_from(key, &mut content)
    }

    /// A directory has no place for metadata; the record and the manifest say the same.
    fn create_package(&self, key: &str, file: &Path, _: &Package, _: &PackageNotes) -> Result<Created> {
        let mut content = fs::File::open(file).map_err(|cause| Error::io("read", file, cause))?;
        self.create_from(key, &mut content)
    }

    fn replace(&self, key: &str, version: &str, mut content: &[u8]) -> Result<()> {
        let path = self.root.join(key);
        let present = if_there(&path, fs::read(&path))?;
        if present.is_none_or(|present| version_of(&present) != version) {
            return Err(super::lost_race(&path.display().to_string()));
        }
        self.write(key, &mut content, |temporary, path| temporary.persist(path).map(drop))?;
        Ok(())
    }
}
