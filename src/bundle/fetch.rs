//! From the bucket to a directory: verified while it comes, extracted safely, visible whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::assets::Unpacker;
use lambda_pack_core::bundle::Bundle;
use lambda_pack_core::cache::DigestCache;
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::source::{Outputs, Tree, existing_part};
use lambda_pack_core::temporary::{private_temporary_file, remove_abandoned, sync_directory, temporary_directory};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::object::BundleObject;

/// A directory that a bundle may be put in the place of.
pub struct Target {
    /// As the user spelled it.
    named: PathBuf,
    /// Absolute, links followed.
    directory: PathBuf,
    replace: bool,
}

/// What is in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    /// Nothing, or what may be replaced.
    Replaceable,
    /// Just what is to come.
    Same,
}

impl Target {
    /// Refuses what would take the directory away from under its user, or put bundles into what they are made from.
    pub fn new(out_dir: &Path, source: Option<&Path>, replace: bool) -> Result<Self> {
        let cannot_find = |cause| Error::input("find", out_dir, cause);
        let absolute = std::path::absolute(out_dir).map_err(cannot_find)?;
        let directory = existing_part(&absolute).unwrap_or(absolute);
        let here = std::env::current_dir()
            .and_then(fs::canonicalize)
            .map_err(cannot_find)?;
        let refuse = |what: &str| {
            Err(Error::invalid(format!("--out-dir: `{}` {what}", out_dir.display()))
                .help("name a new directory, or one that only holds a bundle"))
        };
        if here.starts_with(&directory) {
            return refuse("is where you stand, or above it");
        }
        if let Some(source) = source {
            let source = fs::canonicalize(source).map_err(|cause| Error::input("find the source", source, cause))?;
            if source.starts_with(&directory) {
                return refuse("is the source, or above it");
            }
            Outputs::new([("output directory", out_dir)]).refuse_inside(&source)?;
        }
        Ok(Target {
            named: out_dir.to_owned(),
            directory,
            replace,
        })
    }

    /// That nothing of the user's would be lost: a bundle that was put there before, and not changed since, isn't theirs.
    /// `known` are such bundles.
    pub fn check(&self, known: &[Bundle], meter: &Meter) -> Result<()> {
        self.look(None, known, meter).map(drop)
    }

    fn look(&self, wanted: Option<&Bundle>, known: &[Bundle], meter: &Meter) -> Result<There> {
        let is_empty = match fs::read_dir(&self.directory) {
            Ok(mut entries) => entries.next().is_none(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => true,
            Err(cause) => return Err(self.cannot_write(cause)),
        };
        if is_empty {
            return Ok(There::Replaceable);
        }
        // What can't be hashed is no bundle.
        let hash = Tree::with_everything_at(&self.directory, meter)
            .and_then(|tree| tree.manifest(Algorithm::Blake3, &DigestCache::none(), meter))
            .map(|manifest| manifest.source_hash().to_hex());
        let is = |bundle: &Bundle| hash.as_ref().is_ok_and(|hash| *hash == bundle.content_hash);
        if wanted.is_some_and(is) {
            return Ok(There::Same);
        }
        if self.replace || known.iter().any(is) {
            return Ok(There::Replaceable);
        }
        Err(Error::conflict(format!(
            "`{}` is not empty, and holds something else than a bundle of this module",
            self.named.display()
        ))
        .help("name a new directory, or replace what is in this one with --replace"))
    }

    fn cannot_write(&self, cause: io::Error) -> Error {
        Error::io("write", &self.named, cause)
            .help("check space and permissions there and above it; --out-dir names another place")
    }
}

/// Downloads a bundle and extracts it; `known` are bundles of the same module.
pub fn fetch(
    object: &BundleObject,
    bundle: &Bundle,
    target: &Target,
    known: &[Bundle],
    meter: &'static Meter,
) -> Result<()> {
    if target.look(Some(bundle), known, meter)? == There::Same {
        tracing::info!("{} holds it already", target.named.display());
        return Ok(());
    }
    let cannot_write = |cause| target.cannot_write(cause);
    let parent = target.directory.parent().unwrap_or(&target.directory);
    fs::create_dir_all(parent).map_err(cannot_write)?;
    remove_abandoned(parent);

    let mut zip = private_temporary_file(parent).map_err(cannot_write)?;
    let version = bundle.s3_version.as_deref();
    let read = object.download(version, bundle.size_bytes, zip.as_file_mut())?;
    let Some(read) = read else {
        return Err(integrity(object, "it is gone, though its records are there"));
    };
    if read != bundle.code_sha256 {
        return Err(integrity(
            object,
            &format!("its SHA-256 is {read}, recorded was {}", bundle.code_sha256),
        ));
    }
    let scratch = temporary_directory(parent).map_err(cannot_write)?;
    let extracted = scratch.path().join("bundle");
    fs::create_dir(&extracted).map_err(cannot_write)?;
    let mut unpacker = Unpacker::of_bundle(&extracted, bundle.unzipped_bytes, meter);
    unpacker.add_zip(zip.reopen().map_err(cannot_write)?)?;
    unpacker.finish()?;
    meter.check()?;
    put_in_place(&extracted, &target.directory, &scratch.path().join("replaced"))
        .and_then(|()| sync_directory(parent))
        .map_err(cannot_write)
}

/// What was there goes to `aside` first, where nothing can be renamed over a directory that isn't empty.
fn put_in_place(extracted: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    match fs::rename(target, aside) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    let placed = fs::rename(extracted, target);
    if placed.is_err() && aside.exists() {
        fs::rename(aside, target)?;
    }
    placed
}

fn integrity(object: &BundleObject, what: &str) -> Error {
    Error::new(ErrorKind::Integrity, format!("the bundle `{}`: {what}", object.url()))
        .help("store it again: `lambda-pack bundle run` or `lambda-pack bundle store`")
}
