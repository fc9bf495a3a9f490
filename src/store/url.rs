//! Addresses of stores.

use std::fmt;
use std::path::{Path, PathBuf};

use lambda_pack_core::{Error, Result, shorten};

use super::record;

/// `s3://bucket/prefix` or `file:///dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// The directory is absolute.
    File(PathBuf),
    /// `prefix` is empty or ends with `/`.
    S3 { bucket: String, prefix: String },
}

impl StoreUrl {
    /// `base` is what `file://./dir` is relative to.
    pub fn parse(url: &str, base: &Path) -> Result<Self> {
        let bad = |why: &str| {
            Error::invalid(format!("the store `{}` {why}", shorten(url)))
                .help("a store is `s3://bucket/prefix`, `file:///absolute/dir` or `file://./relative/dir`")
        };
        if let Some(path) = url.strip_prefix("file://") {
            return match path {
                _ if path.starts_with('/') => Self::in_directory(Path::new(path)),
                _ if path == "." || path.starts_with("./") || path.starts_with("../") => {
                    Self::in_directory(&base.join(path))
                }
                _ => Err(bad("names a host")),
            };
        }
        let Some(address) = url.strip_prefix("s3://") else {
            return Err(bad("has no known scheme"));
        };
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        // S3's own naming rules, as far as they keep an address from meaning something else.
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if !bucket.starts_with(|c: char| c.is_ascii_alphanumeric()) || !bucket.chars().all(fine) {
            return Err(bad("has no valid bucket name"));
        }
        let prefix = prefix.trim_end_matches('/');
        if prefix.split('/').any(|part| matches!(part, "." | ".."))
            || (prefix.contains("//") || prefix.starts_with('/'))
        {
            return Err(bad("has an empty, `.` or `..` part in its prefix"));
        }
        if prefix.chars().any(char::is_control) {
            return Err(bad("has a control character in its prefix"));
        }
        Ok(StoreUrl::S3 {
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
        })
    }

    pub fn in_directory(directory: &Path) -> Result<Self> {
        let absolute = std::path::absolute(directory).map_err(|cause| Error::input("find", directory, cause))?;
        Ok(StoreUrl::File(absolute))
    }

    /// Of the store that a package is in: `{prefix}packages/{name}/{digest}.zip`.
    pub fn of_package(bucket: &str, key: &str) -> Option<Self> {
        let mut parts = key.rsplitn(4, '/');
        let (_file, _name, part) = (parts.next()?, parts.next()?, parts.next()?);
        (part == record::PACKAGES).then(|| StoreUrl::S3 {
            bucket: bucket.to_owned(),
            prefix: parts.next().map(|prefix| format!("{prefix}/")).unwrap_or_default(),
        })
    }

    /// A key of this store as the service knows it.
    pub fn full_key(&self, key: &str) -> String {
        match self {
            StoreUrl::File(_) => key.to_owned(),
            StoreUrl::S3 { prefix, .. } => format!("{prefix}{key}"),
        }
    }

    /// Address of an object in this store.
    pub fn of_key(&self, key: &str) -> String {
        match self {
            StoreUrl::File(root) => format!("file://{}", root.join(key).display()),
            StoreUrl::S3 { bucket, .. } => format!("s3://{bucket}/{}", self.full_key(key)),
        }
    }

    /// Address of this store for a document that is the same wherever the project stands.
    pub fn portable(&self, project_dir: &Path) -> String {
        let inside = match self {
            StoreUrl::S3 { .. } => None,
            // Empty where the project is the current directory.
            StoreUrl::File(root) => std::path::absolute(Path::new(".").join(project_dir))
                .ok()
                .and_then(|project_dir| Some(root.strip_prefix(project_dir).ok()?.to_owned())),
        };
        inside.map_or_else(|| self.to_string(), |path| format!("file://./{}", path.display()))
    }

    /// The address as a word of a command that a message tells to run.
    pub fn shell_word(&self) -> String {
        shell_word(&self.to_string())
    }

    pub fn bucket(&self) -> Option<&str> {
        match self {
            StoreUrl::File(_) => None,
            StoreUrl::S3 { bucket, .. } => Some(bucket),
        }
    }
}

/// Quotes what a shell would take apart.
pub fn shell_word(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_holds_nul| text.to_owned(), Into::into)
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::File(root) => write!(f, "file://{}", root.display()),
            StoreUrl::S3 { bucket, prefix } => {
                write!(f, "s3://{bucket}/{}", prefix.trim_end_matches('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<StoreUrl> {
        StoreUrl::parse(url, Path::new("/base"))
    }

    #[test]
    fn prefixes_mean_the_same_with_and_without_a_slash() {
        for url in ["s3://bucket/a/b", "s3://bucket/a/b/"] {
            assert_eq!(parse(url).expect("a store").full_key("records/x"), "a/b/records/x");
        }
        assert_eq!(parse("s3://bucket").expect("a store").of_key("k"), "s3://bucket/k");
    }

    #[test]
    fn relative_directories_are_relative_to_the_base() {
        assert_eq!(parse("file://./x").expect("a store"), StoreUrl::File("/base/x".into()));
        assert_eq!(parse("file:///x").expect("a store"), StoreUrl::File("/x".into()));
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "",
            "x",
            "file://x/y",
            "s3://",
            "s3:///x",
            "s3://..",
            "s3://b/../x",
            "s3://b//x",
            "s3://b/a//c",
            "http://x",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
