//! Ways out of what is wrong in a store, as commands.

use std::fmt::Display;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::{Error, ErrorKind};

use super::url::shell_word;
use super::{Store, StoreUrl};

impl Store {
    /// Puts everything of this package there that is missing, or refuses where the sources are others by now.
    pub fn upload_command(&self, name: &str, source_hash: &Digest) -> String {
        format!(
            "lambda-pack upload {name} --expect {name}={source_hash} --store {}",
            self.url.shell_word()
        )
    }

    /// An object of a package that says what can't be.
    pub(super) fn contradiction(&self, key: &str, name: &str, source_hash: &Digest, problem: &dyn Display) -> Error {
        let url = self.url.of_key(key);
        let remove = match self.url {
            StoreUrl::S3 { .. } => format!("aws s3 rm {}", shell_word(&url)),
            StoreUrl::File(ref root) => format!("rm {}", shell_word(&root.join(key).to_string_lossy())),
        };
        Error::new(ErrorKind::Integrity, format!("`{url}` can't be trusted: {problem}")).help(format!(
            "find out who wrote it; then remove it and upload again, from the sources of that package (`lambda-pack list {name}` shows their commit): \
             {remove} && {}",
            self.upload_command(name, source_hash)
        ))
    }

    /// An object of a package that isn't there.
    pub fn missing(&self, key: &str, name: &str, source_hash: &Digest) -> Error {
        Error::new(ErrorKind::Integrity, format!("`{}` isn't there", self.url.of_key(key))).help(format!(
            "put it there again, from the sources of that package (`lambda-pack list {name}` shows their commit): {}",
            self.upload_command(name, source_hash)
        ))
    }
}
