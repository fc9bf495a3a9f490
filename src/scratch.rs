//! Directories for what a command needs while it runs, in the place that the system has for them.

use std::env;

use lambda_pack_core::temporary::{remove_abandoned, temporary_directory};
use lambda_pack_core::{Error, Result};
use tempfile::TempDir;

/// Gone with all that is in it when it is dropped. What killed runs have left goes when it is made.
pub fn directory() -> Result<TempDir> {
    let place = env::temp_dir();
    remove_abandoned(&place);
    temporary_directory(&place).map_err(|cause| {
        Error::io("make a directory in", &place, cause).help("check space and permissions there, or set TMPDIR")
    })
}
