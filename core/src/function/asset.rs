//! The key `assets` of a definition.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected, Visitor};

use super::text::EntryPath;
use crate::{Error, Result, shorten};

/// A file from elsewhere, such as a model, a binary or a font, that is packed with the source.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Where it is downloaded from; it decides nothing, `sha256` does.
    pub url: AssetUrl,
    /// Of the file as downloaded; `lambda-pack assets lock` fills it in.
    pub sha256: Option<Sha256>,
    /// Its entry path, or the directory in the package that its entries are put under; default for archives that are
    /// extracted: the package's top.
    pub path: Option<EntryPath>,
    /// Whether it is an archive whose entries are packed: `true` takes the kind from the URL.
    #[serde(default)]
    pub extract: Extract,
    /// Default: `0644`, and for an archive's entries what it says of each.
    pub mode: Option<Mode>,
}

impl Asset {
    /// The kind of archive that it is; `None` if it is packed as it is.
    pub fn archive(&self) -> Option<ArchiveKind> {
        match self.extract {
            Extract::No => None,
            Extract::As(kind) => Some(kind),
            Extract::ByName => ArchiveKind::of_name(self.url.file_name()),
        }
    }

    /// Fails if the keys don't make sense together.
    pub(super) fn check(&self) -> Result<()> {
        if self.extract == Extract::ByName && self.archive().is_none() {
            return Err(Error::invalid(format!(
                "the name of `{}` doesn't tell what kind of archive it is",
                self.url
            ))
            .help(format!("set `extract` to one of {}", ArchiveKind::EXPECTED)));
        }
        if self.extract == Extract::No && self.path.as_ref().is_none_or(EntryPath::is_top) {
            return Err(
                Error::invalid(format!("the asset `{}` has no name in the package", self.url)).help(
                    "set `path` to its entry path, for example \"bin/tool\"; or set `extract` if it is an archive",
                ),
            );
        }
        if self.sha256.is_none() && self.url.is_unprotected() {
            return Err(
                Error::invalid(format!("anybody on the way can change what `{}` gives", self.url))
                    .help("use https, or state the right content yourself with `sha256`"),
            );
        }
        Ok(())
    }
}

/// Address of an asset. What is shown of it leaves out what may be secret: user, password and query.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssetUrl {
    /// `https:`, or `http:`.
    Web(String),
    S3 {
        bucket: String,
        key: String,
        version: Option<String>,
    },
    /// Absolute, or relative to the project's directory.
    File(String),
}

impl AssetUrl {
    const EXPECTED: &'static str =
        "`https://host/path`, `s3://bucket/key` (with `?versionId=…` if need be) or `file:path/in/the/project`";

    /// The last part of its path.
    pub fn file_name(&self) -> &str {
        let path = match self {
            AssetUrl::Web(url) => without_query(url),
            AssetUrl::S3 { key, .. } => key,
            AssetUrl::File(path) => path,
        };
        path.rsplit('/').next().unwrap_or_default()
    }

    /// All of it, with what may be secret: never to be shown.
    pub(crate) fn unshortened(&self) -> String {
        match self {
            AssetUrl::Web(url) => url.clone(),
            AssetUrl::S3 { bucket, key, version } => {
                format!(
                    "s3://{bucket}/{key}?versionId={}",
                    version.as_deref().unwrap_or_default()
                )
            }
            AssetUrl::File(path) => format!("file:{path}"),
        }
    }

    /// Whether the content may be changed on its way: `http:`, but not within this machine.
    fn is_unprotected(&self) -> bool {
        let AssetUrl::Web(url) = self else { return false };
        url.strip_prefix("http://").is_some_and(|rest| !is_loopback(host(rest)))
    }
}

/// Of `user:password@host:port/path?query`.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, _port)) => host,
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse().is_ok_and(|it: Ipv4Addr| it.is_loopback())
        || host.parse().is_ok_and(|it: Ipv6Addr| it.is_loopback())
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

impl FromStr for AssetUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Self::EXPECTED);
        }
        if let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
            return match host(rest) {
                "" => Err(Self::EXPECTED),
                _ => Ok(AssetUrl::Web(text.to_owned())),
            };
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let version = match query {
                "" => None,
                query => Some(query.strip_prefix("versionId=").ok_or(Self::EXPECTED)?.to_owned()),
            };
            return match path.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(AssetUrl::S3 {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    version,
                }),
                _ => Err(Self::EXPECTED),
            };
        }
        match text.strip_prefix("file:") {
            // Two slashes introduce a host: ours is none, or the directory where the project is.
            Some(path) => match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(Self::EXPECTED),
                here if path.starts_with("//") && !here.starts_with(['/', '.']) => Err(Self::EXPECTED),
                path => Ok(AssetUrl::File(path.to_owned())),
            },
            None => Err(Self::EXPECTED),
        }
    }
}

impl fmt::Display for AssetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            AssetUrl::Web(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or_default();
                let shown = without_query(rest);
                let (authority, path) = shown.split_at(shown.find('/').unwrap_or(shown.len()));
                let host = authority.rsplit('@').next().unwrap_or_default();
                let query = if shown.len() < rest.len() { "?…" } else { "" };
                format!("{scheme}://{host}{path}{query}")
            }
            AssetUrl::S3 { bucket, key, version } => {
                let version = version.as_ref().map(|version| format!("?versionId={version}"));
                format!("s3://{bucket}/{key}{}", version.unwrap_or_default())
            }
            AssetUrl::File(path) => format!("file:{path}"),
        };
        f.write_str(&shorten(&text))
    }
}

impl fmt::Debug for AssetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for AssetUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parse;

        impl Visitor<'_> for Parse {
            type Value = AssetUrl;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(AssetUrl::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AssetUrl, E> {
                // Not the text itself: a bad address may hold a password too.
                text.parse()
                    .map_err(|_expected| E::invalid_value(Unexpected::Other("another address"), &self))
            }
        }

        deserializer.deserialize_str(Parse)
    }
}

impl JsonSchema for AssetUrl {
    fn schema_name() -> Cow<'static, str> {
        "AssetUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(https?://|s3://|file:).+$", "description": Self::EXPECTED })
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    pub(super) const EXPECTED: &'static str = "64 hexadecimal digits";
}

impl FromStr for Sha256 {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digest = [0; 32];
        match hex::decode_to_slice(text, &mut digest) {
            Ok(()) => Ok(Sha256(digest)),
            Err(_not_hex) => Err(Self::EXPECTED),
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What becomes of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extract {
    /// It is packed as it is.
    #[default]
    No,
    /// Its entries are packed; its kind is that of the URL's last part.
    ByName,
    As(ArchiveKind),
}

impl<'de> Deserialize<'de> for Extract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parse;

        impl Visitor<'_> for Parse {
            type Value = Extract;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "true, false, or one of {}", ArchiveKind::EXPECTED)
            }

            fn visit_bool<E: de::Error>(self, extract: bool) -> Result<Extract, E> {
                Ok(if extract { Extract::ByName } else { Extract::No })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Extract, E> {
                let kind = ArchiveKind::ALL.into_iter().find(|kind| kind.name() == text);
                kind.map(Extract::As)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Parse)
    }
}

impl JsonSchema for Extract {
    fn schema_name() -> Cow<'static, str> {
        "Extract".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds = ArchiveKind::ALL.map(ArchiveKind::name);
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "enum": kinds }], "default": false })
    }
}

/// Archives that can be extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    Zip,
    Tar,
    TarGz,
    TarXz,
    TarZst,
}

impl ArchiveKind {
    pub const ALL: [ArchiveKind; 5] = [
        ArchiveKind::Zip,
        ArchiveKind::Tar,
        ArchiveKind::TarGz,
        ArchiveKind::TarXz,
        ArchiveKind::TarZst,
    ];
    const EXPECTED: &'static str = "`zip`, `tar`, `tar.gz`, `tar.xz`, `tar.zst`";

    /// As a definition spells it.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// The ends of file names that tell this kind, the usual one first.
    fn names(self) -> &'static [&'static str] {
        match self {
            ArchiveKind::Zip => &["zip", "whl", "jar"],
            ArchiveKind::Tar => &["tar"],
            ArchiveKind::TarGz => &["tar.gz", "tgz"],
            ArchiveKind::TarXz => &["tar.xz", "txz"],
            ArchiveKind::TarZst => &["tar.zst", "tzst"],
        }
    }

    fn of_name(file: &str) -> Option<Self> {
        let file = file.to_ascii_lowercase();
        let ends_with = |end: &&str| file.strip_suffix(*end).is_some_and(|rest| rest.ends_with('.'));
        Self::ALL.into_iter().find(|kind| kind.names().iter().any(ends_with))
    }
}

/// The modes that a package knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(remote = "Mode")]
pub enum Mode {
    #[serde(rename = "0644")]
    Plain,
    #[serde(rename = "0755")]
    Executable,
}

crate::fixed_words!(read Mode);

impl Mode {
    /// As a definition spells it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Plain => "0644",
            Mode::Executable => "0755",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_no_secret() {
        for (url, shown, name) in [
            (
                "https://u:p@example.org/a/b.tgz?token=x#y",
                "https://example.org/a/b.tgz?…",
                "b.tgz",
            ),
            (
                "https://example.org:444/b@c.zip",
                "https://example.org:444/b@c.zip",
                "b@c.zip",
            ),
            ("http://127.0.0.1:80?x=@y", "http://127.0.0.1:80?…", "127.0.0.1:80"),
            (
                "s3://bucket/models/m.bin?versionId=3",
                "s3://bucket/models/m.bin?versionId=3",
                "m.bin",
            ),
            ("file:models/m.bin", "file:models/m.bin", "m.bin"),
            ("file:///srv/m.bin", "file:/srv/m.bin", "m.bin"),
            ("file://./m.bin", "file:./m.bin", "m.bin"),
        ] {
            let parsed: AssetUrl = url.parse().expect(url);
            assert_eq!((parsed.to_string().as_str(), parsed.file_name()), (shown, name));
            assert_eq!(format!("{parsed:?}"), shown);
        }
        for bad in [
            "",
            "ftp://example.org/a",
            "https://",
            "https:///a",
            "https://u@/a",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/key?other=1",
            "file:",
            "file://host/a",
            "https://a b",
            "C:\\a",
        ] {
            assert!(bad.parse::<AssetUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let unprotected = |url: &str| url.parse::<AssetUrl>().expect(url).is_unprotected();
        for here in ["localhost", "127.0.0.1", "127.8.8.8:9", "[::1]:80", "u:p@localhost:1"] {
            assert!(!unprotected(&format!("http://{here}/a")), "{here}");
        }
        for elsewhere in [
            "example.org",
            "localhost.example.org",
            "localhost@example.org",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(unprotected(&format!("http://{elsewhere}/a")), "{elsewhere}");
            assert!(!unprotected(&format!("https://{elsewhere}/a")), "{elsewhere}");
        }
    }

    #[test]
    fn the_name_tells_the_kind_of_archive() {
        for (name, kind) in [
            ("a.tar.gz", Some(ArchiveKind::TarGz)),
            ("A.TGZ", Some(ArchiveKind::TarGz)),
            ("a.whl", Some(ArchiveKind::Zip)),
            ("a.tar", Some(ArchiveKind::Tar)),
            ("a.gz", None),
            ("tar", None),
            ("azip", None),
        ] {
            assert_eq!(ArchiveKind::of_name(name), kind, "{name}");
        }
    }
}
