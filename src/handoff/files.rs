//! The files that a deployment leaves: `bundle.json`, its SHA-256, and the inputs of Terraform.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lambda_pack_core::build::Recipe;
use lambda_pack_core::disk::directory_of;
use lambda_pack_core::function::{AssetUrl, Selected};
use lambda_pack_core::handoff::{Document, FILE_NAME, SUMS_EXTENSION, sums_line};
use lambda_pack_core::source::existing_part;
use lambda_pack_core::temporary::{is_device_or_pipe, temporary_file, write_whole};
use lambda_pack_core::{Error, ErrorKind, Result, assets, collect_all};
use sha2::{Digest, Sha256};

use crate::packaging::Hashed;
use crate::report;
use crate::settings::Settings;
use crate::store::StoreUrl;

/// Writes `bundle.json`, then its SHA-256 beside it: who finds that finds the whole.
pub fn write_document(document: &Document, directory: &Path) -> Result<PathBuf> {
    let file = document_in(directory);
    let text = document.to_json();
    let line = sums_line(&hex::encode(Sha256::digest(text.as_bytes())));
    write(&file, &text)?;
    write(&sums_file(&file), &line)?;
    Ok(file)
}

pub fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(directory_of(file)).map_err(|cause| cannot_write(file, cause))?;
    write_whole(file, text.as_bytes(), None).map_err(|cause| cannot_write(file, cause))
}

/// The files that a deployment will write.
pub struct Written(Vec<WrittenFile>);

struct WrittenFile {
    what: &'static str,
    /// As it was named.
    file: PathBuf,
    /// Where that leads.
    place: PathBuf,
    /// When it was written by an earlier run; `None` if it wasn't.
    earlier: Option<SystemTime>,
}

impl Written {
    /// Fails if one of them couldn't be written, or would take the place of another one or of what the project is made of, before
    /// hours of work are done. Directories are made.
    pub fn of(settings: &Settings) -> Result<Self> {
        let document = document_in(&settings.out_dir);
        let sums = sums_file(&document);
        let tfvars = settings.tfvars.clone().map(|file| ("the file of --tfvars", file));
        if let Some((what, file)) = &tfvars
            && (file.file_name().is_none() || file.as_os_str().as_encoded_bytes().ends_with(b"/"))
        {
            let named = format!("{what} can't be `{}`, which is no file's name", file.display());
            return Err(Error::new(ErrorKind::Usage, named).help("name one, such as deploy.auto.tfvars.json"));
        }
        if settings.tfvars.as_deref() == Some(Path::new("-")) {
            return Err(Error::new(ErrorKind::Usage, "--tfvars takes a file, and `-` is none")
                .help("leave it out: `run` prints the inputs then; of a file called `-` say `./-`"));
        }
        let files = [(FILE_NAME, document), ("its SHA-256", sums)].into_iter().chain(tfvars);
        let mut written = Written(Vec::new());
        for (what, file) in files {
            if is_device_or_pipe(&file) {
                continue;
            }
            check_writable(&file)?;
            let place = existing_part(&file).unwrap_or_else(|| file.clone());
            if let Some(other) = written.0.iter().find(|other| other.place == place) {
                return Err(taken(what, &place, format_args!("{} goes there", other.what)));
            }
            written.0.push(WrittenFile {
                what,
                earlier: modified(&place),
                file,
                place,
            });
        }
        written.check(&settings.file(), "the project's settings are there")?;
        written.check(&settings.config_dir, "definitions are there")?;
        if let StoreUrl::File(directory) = &settings.store {
            written.check(directory, "the store is there")?;
        }
        Ok(written)
    }

    /// Says which of them are there from an earlier run: one that fails leaves them as they are, and what reads them next
    /// would take them for its own.
    pub fn warn_of_earlier(&self) {
        let earlier = self.0.iter().filter(|it| it.earlier.is_some());
        let left = earlier.filter(|it| modified(&it.place) == it.earlier);
        let left: Vec<String> = left.map(|it| format!("`{}`", it.file.display())).collect();
        if !left.is_empty() {
            report::warning(&format!(
                "still as an earlier run wrote it, since this one didn't end well: {}",
                left.join(", ")
            ));
        }
    }

    /// The same for what functions are made of beside their sources: of these, who walks them takes care.
    pub fn check_inputs(&self, hashed: &Selected<Hashed>, settings: &Settings) -> Result<()> {
        let checked = hashed.all().flat_map(|Hashed { function, tree, .. }| {
            let files = tree.recipe().map(Recipe::files).unwrap_or_default();
            let files = files
                .into_iter()
                .map(|file| self.check(file, "it decides what is built"));
            let assets = assets::of(function).filter_map(|asset| match &asset.url {
                AssetUrl::File(path) => Some(settings.project_dir.join(path)),
                AssetUrl::Web(_) | AssetUrl::S3 { .. } => None,
            });
            files.chain(assets.map(|asset| self.check(&asset, "it is an asset")))
        });
        collect_all(checked).map(drop)
    }

    /// Fails if one is at or below a path.
    fn check(&self, path: &Path, why: &str) -> Result<()> {
        let path = existing_part(path).unwrap_or_else(|| path.to_owned());
        let inside = self.0.iter().find(|it| it.place.starts_with(&path));
        inside.map_or(Ok(()), |it| Err(taken(it.what, &it.place, why)))
    }
}

/// `None` if it isn't there.
fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

fn taken(what: &str, file: &Path, why: impl Display) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("{what} can't be written to `{}`: {why}", file.display()),
    )
    .help("choose another place, with --tfvars or --out-dir")
}

fn check_writable(file: &Path) -> Result<()> {
    let directory = directory_of(file);
    fs::create_dir_all(directory)
        .and_then(|()| temporary_file(directory).map(drop))
        .map_err(|cause| cannot_write(file, cause))?;
    match file.is_dir() {
        true => Err(cannot_write(file, std::io::ErrorKind::IsADirectory.into())),
        false => Ok(()),
    }
}

pub fn document_in(directory: &Path) -> PathBuf {
    directory.join(FILE_NAME)
}

/// Where the SHA-256 of a document stands.
pub fn sums_file(document: &Path) -> PathBuf {
    let mut name = document.as_os_str().to_owned();
    name.push(".");
    name.push(SUMS_EXTENSION);
    PathBuf::from(name)
}

fn cannot_write(file: &Path, cause: std::io::Error) -> Error {
    Error::io("write", file, cause).help("check space and permissions there")
}
