//! The bytes of entries, for who wants to see what differs in them.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use lambda_pack_core::diff::LARGEST_TEXT;
use lambda_pack_core::manifest::Entry;
use lambda_pack_core::source::{Content, Tree};
use lambda_pack_core::{Error, Result};
use tempfile::TempDir;
use zip::ZipArchive;
use zip::result::ZipError;

/// Where they are.
pub enum Contents<'a> {
    Nowhere,
    Tree(&'a Tree),
    Package {
        zip: ZipArchive<BufReader<File>>,
        #[expect(dead_code, reason = "it goes when this does")]
        directory: Option<TempDir>,
    },
}

/// Of one entry.
pub enum Bytes {
    Known(Vec<u8>),
    /// Too many to be read for this.
    TooMany,
    /// Of what a build takes in, packages hold what it makes.
    Missing,
}

impl<'a> Contents<'a> {
    pub fn of_tree(tree: Option<&'a Tree>) -> Self {
        tree.map_or(Contents::Nowhere, Contents::Tree)
    }

    /// `directory` goes when this does.
    pub fn of_package(file: &Path, directory: Option<TempDir>) -> Result<Self> {
        let opened = File::open(file).map_err(|cause| Error::input("read", file, cause))?;
        let zip = ZipArchive::new(BufReader::new(opened));
        Ok(Contents::Package {
            zip: zip.map_err(|error| Error::invalid(format!("cannot read `{}`: {error}", file.display())))?,
            directory,
        })
    }

    /// The content of an entry, of a link its target; only if it is what the manifest says.
    pub fn read(&mut self, entry: &Entry) -> Result<Bytes> {
        if entry.size > LARGEST_TEXT {
            return Ok(Bytes::TooMany);
        }
        let content = match self {
            Contents::Nowhere => None,
            Contents::Tree(tree) => match tree.find(&entry.path).map(|found| (&found.file, &found.content)) {
                Some((file, Content::File { .. })) => {
                    Some(fs::read(file).map_err(|cause| Error::input("read", file, cause))?)
                }
                Some((_, Content::Symlink { target })) => Some(target.clone().into_bytes()),
                None => None,
            },
            Contents::Package { zip, .. } => {
                let invalid = |problem: &dyn std::fmt::Display| {
                    Error::invalid(format!("cannot read the package's entry `{}`: {problem}", entry.path))
                };
                match zip.by_name(&entry.path) {
                    Ok(found) => {
                        let mut content = Vec::new();
                        // Whatever size it claims to have.
                        let mut found = found.take(entry.size + 1);
                        found.read_to_end(&mut content).map_err(|cause| invalid(&cause))?;
                        Some(content)
                    }
                    Err(ZipError::FileNotFound) => None,
                    Err(error) => return Err(invalid(&error)),
                }
            }
        };
        let is_it = |content: &Vec<u8>| entry.digest.algorithm().hash(content) == entry.digest;
        Ok(content.filter(is_it).map_or(Bytes::Missing, Bytes::Known))
    }
}
