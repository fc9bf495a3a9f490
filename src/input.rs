//! Files that a user names, `-` being stdin.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use lambda_pack_core::{Error, Result};

pub fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// For messages: where what is read stands.
pub fn place(file: &Path) -> String {
    match is_stdin(file) {
        true => "stdin".to_owned(),
        false => file.display().to_string(),
    }
}

/// All of it. `what` it is, for the message: `the packages`.
pub fn read(file: &Path, what: &str) -> Result<Vec<u8>> {
    if !is_stdin(file) {
        return fs::read(file).map_err(|cause| Error::input(&format!("read {what}"), file, cause));
    }
    let mut content = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut content);
    read.map_err(|cause| Error::failed(format!("cannot read {what} from stdin: {cause}")))?;
    Ok(content)
}
