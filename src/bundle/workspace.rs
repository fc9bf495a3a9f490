//! A clean directory with a module's source in it: what the checksum covers, and nothing else.

use std::fs;
use std::io;
use std::path::Path;

use lambda_pack_core::bundle::Checksum;
use lambda_pack_core::disk::{make_link, set_mode};
use lambda_pack_core::source::{Content, Tree};
use lambda_pack_core::{Error, Meter, Result};

use super::Making;
use super::check::check_copy;

/// Copies the tree into an empty directory, and proves that it is what was hashed.
pub fn fill(directory: &Path, tree: &Tree, making: &Making, checksum: &Checksum, meter: &Meter) -> Result<()> {
    for entry in tree.entries() {
        meter.check()?;
        let target = directory.join(&*entry.path);
        let parent = target.parent().expect("an entry is below the directory");
        let copied = fs::create_dir_all(parent).and_then(|()| match &entry.content {
            Content::File { executable, .. } => copy_file(&entry.file, &target, *executable),
            Content::Symlink { target: text } => make_link(text, &target),
        });
        copied.map_err(|cause| {
            Error::io("copy to", &target, cause).help("check space and permissions there, or set TMPDIR")
        })?;
    }
    check_copy(directory, making, checksum, meter)
}

fn copy_file(from: &Path, to: &Path, executable: bool) -> io::Result<()> {
    fs::copy(from, to)?;
    set_mode(&fs::File::open(to)?, executable)
}
