//! A store in a directory: for a fresh machine, tests, and builds without AWS.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::temporary::{remove_abandoned, sync_directory, temporary_file};
use lambda_pack_core::{Error, ErrorKind, Result};

use super::listing::{Listed, Page};
use super::{
    Copied, CopySource, Created, Deleted, Object, Objects, PackageFile, PackageNotes, PackageStat, Verified, record,
    stamp,
};

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
        remove_abandoned(directory);
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
        // A file has no ETag.
        Ok(Created::New(None))
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

/// Opens a file. What else may stand there is an error, rather than a wait for who writes into a pipe.
fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file")),
    }
}

/// `None` for what isn't there.
fn if_there<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => Err(Error::new(
            ErrorKind::Integrity,
            format!("`{}`: {cause}", path.display()),
        )
        .help("find out who put it there, and remove it")),
        Err(cause) => Err(Error::io("read", path, cause)),
    }
}

/// Nanoseconds since 1970.
fn modified(metadata: &fs::Metadata) -> io::Result<i128> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
}

fn version_of(content: &[u8]) -> String {
    lambda_pack_core::digest::Algorithm::Blake3.hash(content).to_hex()
}

impl Objects for FileObjects {
    fn place(&self) -> &str {
        "this machine"
    }

    /// A look at a file costs no more than its line in a listing.
    fn list(&self, _: &str, _: &str) -> Result<Option<Page>> {
        Ok(None)
    }

    /// A directory that isn't there yet is an empty store.
    fn list_all(&self, part: &str) -> Result<Option<Vec<(String, Listed)>>> {
        let mut objects = Vec::new();
        let mut parts = vec![part.to_owned()];
        while let Some(part) = parts.pop() {
            let directory = self.root.join(&part);
            for entry in if_there(&directory, fs::read_dir(&directory))?.into_iter().flatten() {
                let path = entry.map_err(|cause| Error::io("list", &directory, cause))?.path();
                let metadata = if_there(&path, fs::metadata(&path))?;
                let (Some(name), Some(metadata)) = (path.file_name().and_then(|name| name.to_str()), metadata) else {
                    continue;
                };
                let key = format!("{part}/{name}");
                if metadata.is_dir() {
                    parts.push(key);
                    continue;
                }
                let listed = Listed {
                    size_bytes: metadata.len(),
                    etag: None,
                    modified: modified(&metadata).map_err(|cause| Error::io("read", &path, cause))?,
                };
                objects.push((key, listed));
            }
        }
        objects.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Some(objects))
    }

    fn get(&self, key: &str) -> Result<Option<Object>> {
        let path = self.root.join(key);
        let Some(mut file) = if_there(&path, open(&path))? else {
            return Ok(None);
        };
        let largest = record::largest(key);
        let mut content = Vec::new();
        let read = (&mut file).take(largest + 1).read_to_end(&mut content);
        let read = read.and_then(|_| modified(&file.metadata()?));
        if content.len() as u64 > largest {
            return Err(record::too_large(&format!("file://{}", path.display()), largest));
        }
        Ok(Some(Object {
            modified: read.map_err(|cause| Error::io("read", &path, cause))?,
            version: version_of(&content),
            content,
        }))
    }

    fn read_package(&self, key: &str, _: u64, to: &mut dyn Write) -> Result<bool> {
        let path = self.root.join(key);
        let Some(mut file) = if_there(&path, open(&path))? else {
            return Ok(false);
        };
        io::copy(&mut file, to).map_err(|cause| Error::io("copy", &path, cause))?;
        Ok(true)
    }

    fn read_end(&self, key: &str, bytes: u64) -> Result<Option<Vec<u8>>> {
        let path = self.root.join(key);
        let Some(mut file) = if_there(&path, open(&path))? else {
            return Ok(None);
        };
        let mut end = Vec::new();
        let size = file.seek(SeekFrom::End(0));
        size.and_then(|size| file.seek(SeekFrom::Start(size.saturating_sub(bytes))))
            .and_then(|_start| file.read_to_end(&mut end))
            .map_err(|cause| Error::io("read", &path, cause))?;
        Ok(Some(end))
    }

    /// Hashes the bytes, unless the file is the very one that was hashed before: it has no other proof.
    fn stat_package(&self, key: &str, verified: Option<&Verified>) -> Result<Option<PackageStat>> {
        let path = self.root.join(key);
        let Some(file) = if_there(&path, open(&path))? else {
            return Ok(None);
        };
        // Before it is hashed: of a file that changes meanwhile, the stamp is out of date then.
        let stamp = stamp::of(&file, &path).map_err(|cause| Error::io("read", &path, cause))?;
        let size_bytes = file.metadata().map_err(|cause| Error::io("read", &path, cause))?.len();
        let known = verified.filter(|verified| stamp.as_ref() == Some(&verified.stamp));
        let code_sha256 = match known {
            Some(verified) => Some(verified.code_sha256),
            None => if_there(&path, CodeSha256::of_file(&path))?,
        };
        Ok(code_sha256.map(|code_sha256| PackageStat {
            size_bytes,
            code_sha256: Some(code_sha256),
            is_computed: true,
            git_commit: None,
            etag: None,
            stamp,
        }))
    }

    fn create(&self, key: &str, mut content: &[u8]) -> Result<Created> {
        self.create_from(key, &mut content)
    }

    /// A directory has no place for metadata; the record and the manifest say the same.
    fn create_package(&self, key: &str, package: &PackageFile, _: &PackageNotes) -> Result<Created> {
        let path = package.path;
        let mut content = fs::File::open(path).map_err(|cause| Error::io("read", path, cause))?;
        self.create_from(key, &mut content)
    }

    fn copy_source(&self, _: &str, _: Option<&str>) -> Option<CopySource> {
        None
    }

    fn copy_package(&self, _: &str, _: &CopySource) -> Result<Copied> {
        Ok(Copied::NotPossible("the store is a directory".to_owned()))
    }

    fn replace(&self, key: &str, version: &str, mut content: &[u8]) -> Result<()> {
        let path = self.root.join(key);
        let present = self.get(key)?;
        if present.is_none_or(|present| present.version != version) {
            return Err(super::lost_race(&path.display().to_string()));
        }
        self.write(key, &mut content, |temporary, path| temporary.persist(path).map(drop))?;
        Ok(())
    }

    fn delete(&self, keys: &[String]) -> Result<Deleted> {
        for key in keys {
            let path = self.root.join(key);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &path, cause).help("check the permissions of the store"));
                }
                _ => {}
            }
        }
        Ok(Deleted::default())
    }
}
