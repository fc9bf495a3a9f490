//! From the bucket to a directory: verified while it comes, extracted safely, visible whole or not at all.

use std::fs;
use std::path::Path;

use lambda_pack_core::assets::Unpacker;
use lambda_pack_core::bundle::Bundle;
use lambda_pack_core::temporary::{private_temporary_file, remove_abandoned, sync_directory, temporary_directory};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::object::BundleObject;

/// Downloads a bundle and extracts it into `out_dir`, which must be absent or empty unless it is to be replaced.
pub fn fetch(
    object: &BundleObject,
    bundle: &Bundle,
    out_dir: &Path,
    replace: bool,
    meter: &'static Meter,
) -> Result<()> {
    let cannot_write = |cause| {
        Error::io("write", out_dir, cause).help("check space and permissions there; --out-dir names another place")
    };
    let is_free = match fs::read_dir(out_dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => true,
        Err(cause) => return Err(cannot_write(cause)),
    };
    if !is_free && !replace {
        return Err(Error::conflict(format!("`{}` is not empty", out_dir.display()))
            .help("name a new directory, or replace what is in this one with --replace"));
    }
    let absolute = std::path::absolute(out_dir).map_err(cannot_write)?;
    let parent = absolute.parent().unwrap_or(&absolute);
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
    put_in_place(&extracted, &absolute, &scratch.path().join("replaced"))
        .and_then(|()| sync_directory(parent))
        .map_err(cannot_write)
}

/// What was there goes to `aside` first, where nothing can be renamed over a directory that isn't empty.
fn put_in_place(extracted: &Path, target: &Path, aside: &Path) -> std::io::Result<()> {
    match fs::rename(target, aside) {
        Ok(()) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
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
