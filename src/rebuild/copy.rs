//! A copy of a directory, made in the opposite order.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use lambda_pack_core::disk::make_link;
use lambda_pack_core::{Error, Meter, Result};

/// Never part of a source, and often large.
const LEFT_OUT: [&str; 3] = [".git", ".terraform", ".terragrunt-cache"];
/// What starts so is this program's own, the copy itself perhaps.
const OWN: &str = ".lambda-pack";

/// Copies files and links, with the owner's right to execute. `to` must not exist.
pub fn copy(from: &Path, to: &Path, meter: &Meter) -> Result<()> {
    meter.check()?;
    let cannot_read = |cause| Error::input("read", from, cause);
    let cannot_write = |cause| Error::io("write", to, cause).help("check space and permissions there, or set TMPDIR");
    let kind = fs::symlink_metadata(from).map_err(cannot_read)?.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(cannot_read)?;
        return make_link(target, to).map_err(cannot_write);
    }
    if !kind.is_dir() {
        return fs::copy(from, to).map(drop).map_err(cannot_write);
    }
    fs::create_dir_all(to).map_err(cannot_write)?;
    let entries = fs::read_dir(from).map_err(cannot_read)?;
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<OsString>>>()
        .map_err(cannot_read)?;
    names.retain(|name| {
        !LEFT_OUT.iter().any(|left_out| name == left_out) && !name.as_encoded_bytes().starts_with(OWN.as_bytes())
    });
    names.sort_by(|a, b| b.cmp(a));
    names
        .iter()
        .try_for_each(|name| copy(&from.join(name), &to.join(name), meter))
}
