//! The file in which a module's commands keep what they hand on: Seed-Farmer's `SEEDFARMER_MODULE_METADATA`.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::bundle::Outputs;
use lambda_pack_core::disk::directory_of;
use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, Meter, Result};

use crate::file_lock;

/// Name of the file in the module's directory, and of the variable that may hold such an object, too.
pub const NAME: &str = "SEEDFARMER_MODULE_METADATA";

/// Variable that says where the file is. `bundle run` sets it, so that commands may change their directory.
pub const PLACE: &str = "SEEDFARMER_MODULE_METADATA_FILE";

/// Where Seed-Farmer looks for the root of its directories, and how far up.
const ROOT_FILE: &str = "seedfarmer.yaml";
const LEVELS: usize = 5;

pub struct MetadataFile {
    path: PathBuf,
}

impl MetadataFile {
    /// Where the variable says; else in `module` beside the nearest `seedfarmer.yaml`, as in a build of Seed-Farmer's; else
    /// in the current directory.
    pub fn find() -> Result<Self> {
        if let Some(path) = env::var_os(PLACE).filter(|path| !path.is_empty()) {
            return Ok(MetadataFile { path: path.into() });
        }
        let current = env::current_dir().map_err(|cause| Error::input("find", Path::new("."), cause))?;
        let root = current
            .ancestors()
            .take(LEVELS)
            .find(|directory| directory.join(ROOT_FILE).is_file());
        let module = root.map(|root| root.join("module")).filter(|module| module.is_dir());
        Ok(MetadataFile {
            path: module.unwrap_or(current).join(NAME),
        })
    }

    pub fn in_directory(directory: &Path) -> Self {
        MetadataFile {
            path: directory.join(NAME),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn directory(&self) -> &Path {
        directory_of(&self.path)
    }

    /// What the environment has, and over it what the file has.
    pub fn read(&self) -> Result<Outputs> {
        let in_environment = match env::var(NAME) {
            Ok(text) if !text.trim().is_empty() => Outputs::parse(format_args!("the variable {NAME}"), text.as_bytes())
                .map_err(|error| error.help("unset it, or let it hold a JSON object"))?,
            _ => Outputs::default(),
        };
        Ok(in_environment.with(self.read_file()?))
    }

    /// What the file has; nothing if there is none. A damaged one is an error.
    pub fn read_file(&self) -> Result<Outputs> {
        match fs::read(&self.path) {
            Ok(text) => Outputs::parse(self.path.display(), &text)
                .map_err(|error| error.help("the file was left as it is; mend it, or delete it and begin anew")),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Outputs::default()),
            Err(cause) => Err(Error::input("read", &self.path, cause)),
        }
    }

    /// Writes what `change` makes of all that is there; other processes that do so wait.
    pub fn update(&self, meter: &Meter, change: impl FnOnce(Outputs) -> Result<Outputs>) -> Result<()> {
        let _lock = self.lock(meter)?;
        let changed = change(self.read()?)?;
        let cannot_write = |cause| Error::io("write", &self.path, cause);
        // A link stays one, and permissions stay.
        let (target, permissions) = match fs::canonicalize(&self.path) {
            Ok(target) => (
                target,
                Some(fs::metadata(&self.path).map_err(cannot_write)?.permissions()),
            ),
            Err(_not_there) => (self.directory().join(self.path.file_name().unwrap_or_default()), None),
        };
        write_whole(&target, format!("{}\n", changed.to_json()).as_bytes(), permissions).map_err(cannot_write)
    }

    pub fn delete(&self, meter: &Meter) -> Result<()> {
        let _lock = self.lock(meter)?;
        match fs::remove_file(&self.path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(Error::io("delete", &self.path, cause)),
            _ => Ok(()),
        }
    }

    /// The directory's, since a lock file beside the file would become part of the bundle.
    fn lock(&self, meter: &Meter) -> Result<File> {
        let directory = self.directory();
        let lock = File::open(directory).map_err(|cause| {
            let help = format!("make the directory, or set {PLACE} to a file in another one");
            Error::input("open the directory", directory, cause).help(help)
        })?;
        let help = format!("set {PLACE} to a file on a local disk");
        file_lock::wait(
            directory,
            "another process that changes the metadata",
            &help,
            meter,
            || lock.try_lock(),
        )?;
        Ok(lock)
    }
}
