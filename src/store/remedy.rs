//! Ways out of what is wrong in a store, as commands.

use std::fmt::Display;

use lambda_pack_core::digest::Digest;
use lambda_pack_core::function::as_argument;
use lambda_pack_core::{Error, ErrorKind};

use super::url::shell_word;
use super::{Store, StoreUrl};

impl Store {
    /// Puts everything of this package there that is missing, or refuses where the sources are others by now.
    pub fn upload_command(&self, name: &str, source_hash: &Digest) -> String {
        let expected = format!("{name}={source_hash}");
        let (before, after) = match as_argument(name) {
            argument if argument == name => (format!(" {argument}"), String::new()),
            argument => (String::new(), format!(" {argument}")),
        };
        let profile = self.deployment_profile.as_deref();
        let profile = profile.map(|profile| option("deployment-profile", profile, &shell_word(profile)));
        format!(
            "lambda-pack upload{before}{} --store {}{}{after}",
            option("expect", &expected, &expected),
            self.url.shell_word(),
            profile.unwrap_or_default()
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
            "find out who wrote it; then remove it and upload again, from the sources of that package (`lambda-pack list {}` shows their commit): \
             {remove} && {}",
            as_argument(name),
            self.upload_command(name, source_hash)
        ))
    }

    /// An object of a package that isn't there.
    pub fn missing(&self, key: &str, name: &str, source_hash: &Digest) -> Error {
        Error::new(ErrorKind::Integrity, format!("`{}` isn't there", self.url.of_key(key))).help(format!(
            "put it there again, from the sources of that package (`lambda-pack list {}` shows their commit): {}",
            as_argument(name),
            self.upload_command(name, source_hash)
        ))
    }
}

/// With its value, which may begin as options do, as a word of a shell.
fn option(name: &str, value: &str, word: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!(" --{name}{between}{word}")
}
