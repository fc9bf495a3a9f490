//! A source for CodeBuild: a zip of plain files, with notes that say what they must become again.
//!
//! CodeBuild doesn't say whether it keeps the modes and links of a zip. So links are in the notes alone, and what is
//! executable is there too; [`restore`] makes them again, and compares every file with its digest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use lambda_pack_core::archive::{self, CodeSha256, Compression, Packing};
use lambda_pack_core::cache::{Caches, DigestCache};
use lambda_pack_core::digest::{Algorithm, Digest, Hasher};
use lambda_pack_core::disk::{is_executable, make_link, remove_if_there, set_mode};
use lambda_pack_core::manifest::EntryKind;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::{Content, Tree, TreeEntry};
use lambda_pack_core::temporary::private_temporary_file;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, json, shorten};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

use crate::scratch;

/// What sources leave out by name, so that it changes no digest.
pub const NOTES_DIRECTORY: &str = ".lambda-pack";
const NOTES: &str = ".lambda-pack/source.json";
const FORMAT: u32 = 1;

/// What every file must be, and all links.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    format: u32,
    /// Sorted by path.
    entries: Vec<Note>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    path: String,
    kind: EntryKind,
    /// BLAKE3 of a file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// Where a source is put together: copies, because what is sent must be what was noted.
pub struct Stage<'a> {
    directory: TempDir,
    entries: BTreeMap<String, Staged>,
    meter: &'a Meter,
}

#[derive(PartialEq, Eq)]
enum Staged {
    File { executable: bool },
    Link { target: String },
}

/// A zip that is ready to be sent.
pub struct Packed {
    pub file: NamedTempFile,
    pub size_bytes: u64,
    pub sha256: CodeSha256,
    /// BLAKE3 of the notes, and so of all that is sent, in hex.
    pub digest: String,
}

impl<'a> Stage<'a> {
    pub fn new(meter: &'a Meter) -> Result<Self> {
        Ok(Stage {
            directory: scratch::directory()?,
            entries: BTreeMap::new(),
            meter,
        })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a source tree's file or link as `path`.
    pub fn add(&mut self, path: String, entry: &TreeEntry) -> Result<()> {
        match &entry.content {
            Content::File { .. } => self.add_file(path, &entry.file),
            Content::Symlink { target } => self.note(path, Staged::Link { target: target.clone() }).map(drop),
        }
    }

    /// Adds a file as it is on the disk. The same again changes nothing.
    pub fn add_file(&mut self, path: String, file: &Path) -> Result<()> {
        self.meter.check()?;
        let cannot_read = |cause| Error::input("read", file, cause);
        let executable = is_executable(&fs::metadata(file).map_err(cannot_read)?);
        let to = self.path().join(&path);
        if self.note(path, Staged::File { executable })? {
            let parent = to.parent().expect("it is below the stage");
            fs::create_dir_all(parent)
                .and_then(|()| fs::copy(file, &to))
                .map_err(|cause| {
                    Error::io("copy", file, cause).help("check space in TMPDIR, and that nothing writes to the source")
                })?;
        }
        Ok(())
    }

    /// Adds a file that is in memory.
    pub fn add_content(&mut self, path: String, content: &[u8]) -> Result<()> {
        let to = self.path().join(&path);
        if self.note(path, Staged::File { executable: false })? {
            fs::create_dir_all(to.parent().expect("it is below the stage"))
                .and_then(|()| fs::write(&to, content))
                .map_err(|cause| cannot_write(&to, cause))?;
        }
        Ok(())
    }

    /// Whether it is new.
    fn note(&mut self, path: String, staged: Staged) -> Result<bool> {
        match self.entries.get(&path) {
            None => {}
            Some(before) if *before == staged => return Ok(false),
            Some(_) => return Err(clash(&path)),
        }
        self.entries.insert(path, staged);
        Ok(true)
    }

    /// No link may stand where something else has a directory.
    fn check_links(&self) -> Result<()> {
        let links = self
            .entries
            .iter()
            .filter(|(_, staged)| matches!(staged, Staged::Link { .. }));
        let paths = links.map(|(path, _)| path);
        let mut clashes = paths.filter(|path| {
            let start = format!("{path}/");
            let after = self.entries.range(start.clone()..).next();
            after.is_some_and(|(path, _)| path.starts_with(&start))
        });
        clashes.next().map_or(Ok(()), |path| Err(clash(path)))
    }

    /// Makes the links, so that the copy is as a build will have it.
    pub fn make_links(&self) -> Result<()> {
        self.check_links()?;
        self.links().try_for_each(|(link, target)| restore_link(&link, target))
    }

    fn links(&self) -> impl Iterator<Item = (PathBuf, &str)> {
        self.entries.iter().filter_map(|(path, staged)| match staged {
            Staged::Link { target } => Some((self.path().join(path), target.as_str())),
            Staged::File { .. } => None,
        })
    }

    /// Packs all that was added.
    pub fn pack(self) -> Result<Packed> {
        let meter = self.meter;
        self.check_links()?;
        for (link, _) in self.links() {
            remove_if_there(&link).map_err(|cause| cannot_write(&link, cause))?;
        }
        let copies = Tree::with_everything_at(self.path(), meter)?;
        let manifest = copies.manifest(Algorithm::Blake3, &DigestCache::none(), meter)?;
        let digests: BTreeMap<&str, &Digest> = manifest
            .entries()
            .iter()
            .map(|entry| (&*entry.path, &entry.digest))
            .collect();
        let entries = self.entries.iter().map(|(path, staged)| match staged {
            Staged::File { executable } => Note {
                path: path.clone(),
                kind: if *executable {
                    EntryKind::Executable
                } else {
                    EntryKind::File
                },
                digest: digests.get(path.as_str()).map(|digest| digest.to_hex()),
                target: None,
            },
            Staged::Link { target } => Note {
                path: path.clone(),
                kind: EntryKind::Symlink,
                digest: None,
                target: Some(target.clone()),
            },
        });
        let notes = Notes {
            format: FORMAT,
            entries: entries.collect(),
        };
        let notes = serde_json::to_vec(&notes).expect("the notes have string keys");
        let digest = Algorithm::Blake3.hash(&notes).to_hex();
        let file = self.path().join(NOTES);
        fs::create_dir_all(self.path().join(NOTES_DIRECTORY))
            .and_then(|()| fs::write(&file, notes))
            .map_err(|cause| cannot_write(&file, cause))?;

        let place = std::env::temp_dir();
        let mut file = private_temporary_file(&place).map_err(|cause| cannot_write(&place, cause))?;
        let packing = Packing {
            caches: &Caches::none(),
            scratch: &place,
            compression: Compression::Standard,
            meter,
            reads_all: true,
            guard: &Guard::satisfied(),
        };
        let package = archive::pack(
            &Tree::with_everything_at(self.path(), meter)?,
            file.as_file_mut(),
            &packing,
        )?;
        Ok(Packed {
            file,
            size_bytes: package.size_bytes,
            sha256: package.code_sha256,
            digest,
        })
    }
}

fn clash(path: &str) -> Error {
    Error::invalid(format!(
        "`{}` is a link for one function, and followed for another",
        shorten(path)
    ))
    .help("give both the same `symlinks`, or build them here")
}

/// Gives the files below a directory their modes and links, and fails if one of them isn't what was sent.
pub fn restore(root: &Path, meter: &Meter) -> Result<usize> {
    let file = root.join(NOTES);
    let text = fs::read(&file).map_err(|cause| {
        Error::input("read", &file, cause)
            .help("this is for sources that `remote start` sent, where they were unpacked")
    })?;
    let notes: Notes = json::parse_object(file.display(), &text)?;
    if notes.format != FORMAT {
        return Err(Error::invalid(format!(
            "{}: it has the format {}, and this version knows {FORMAT}",
            file.display(),
            notes.format
        ))
        .help("let the build use the lambda-pack that started it"));
    }
    // Links come last: nothing is reached through one.
    let (links, files): (Vec<&Note>, Vec<&Note>) =
        notes.entries.iter().partition(|note| note.kind == EntryKind::Symlink);
    let restored = files.iter().chain(&links).map(|note| {
        meter.check()?;
        note.restore(root)
    });
    collect_all(restored)?;
    Ok(notes.entries.len())
}

impl Note {
    fn restore(&self, root: &Path) -> Result<()> {
        let below = Path::new(&self.path);
        let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        let file = root.join(below);
        if !is_plain || self.path.is_empty() {
            return Err(Error::invalid(format!(
                "`{}` in {NOTES} leads elsewhere",
                shorten(&self.path)
            )));
        }
        match (self.kind, &self.digest, &self.target) {
            (EntryKind::Symlink, None, Some(target)) => restore_link(&file, target),
            (EntryKind::File | EntryKind::Executable, Some(digest), None) => {
                restore_file(&file, digest, self.kind == EntryKind::Executable)
            }
            _ => Err(Error::invalid(format!(
                "`{}` in {NOTES} is incomplete",
                shorten(&self.path)
            ))),
        }
    }
}

fn restore_file(file: &Path, digest: &str, executable: bool) -> Result<()> {
    let cannot_read = |cause| Error::input("read", file, cause);
    if !fs::symlink_metadata(file).map_err(cannot_read)?.is_file() {
        return Err(differs(file));
    }
    let mut content = File::open(file).map_err(cannot_read)?;
    let found = digest_of(&mut content).map_err(cannot_read)?;
    if found.to_hex() != digest {
        return Err(differs(file));
    }
    set_mode(&content, executable).map_err(|cause| Error::io("change the mode of", file, cause))
}

fn digest_of(content: &mut File) -> io::Result<Digest> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// A link that is there already is what a restore before this one made.
fn restore_link(link: &Path, target: &str) -> Result<()> {
    match fs::read_link(link) {
        Ok(found) if found == Path::new(target) => return Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        _ => return Err(differs(link)),
    }
    let parent = link.parent().expect("it is below the root");
    fs::create_dir_all(parent)
        .and_then(|()| make_link(target, link))
        .map_err(|cause| Error::io("make the link", link, cause))
}

fn differs(file: &Path) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!("`{}` is not what was sent", shorten(&file.display().to_string())),
    )
    .help("start the build again; if that doesn't help, delete the source's zip in the bucket, and start it then")
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::io("write a temporary file in", path, cause).help("check space and permissions there, or set TMPDIR")
}
