//! Whether the stored bundle is still right. Reads only.

use std::path::Path;

use lambda_pack_core::bundle::{self, Answer, Bundle, Checksum, Decision, Metadata, Pointer, Seen};
use lambda_pack_core::cache::DigestCache;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, Meter, Result};

use super::lease::Lease;
use super::object::BundleObject;
use super::records::{Read, Records};
use super::{Making, Place};
use crate::aws::Connection;

/// A module on this machine: its bundle's place, what it is made from, and the digest of that.
pub struct Local {
    pub place: Place,
    pub making: Making,
    pub tree: Tree,
    pub checksum: Checksum,
}

/// What was found.
#[derive(Debug)]
pub struct Checked {
    pub answer: Answer,
    /// Of the bundle in force, if there is one.
    pub stored_checksum: Option<String>,
    /// The bundle that is right.
    pub hit: Option<Bundle>,
    /// All that are recorded, right or not.
    pub known: Vec<Bundle>,
}

/// A module's bundle: where it is, and how to reach it.
pub struct Module<'a> {
    pub place: &'a Place,
    pub connection: &'a Connection,
    pub records: Records<'a>,
    pub object: BundleObject<'a>,
}

impl<'a> Module<'a> {
    pub fn new(place: &'a Place, connection: &'a Connection) -> Self {
        Module {
            place,
            connection,
            records: Records::of(place, connection),
            object: BundleObject::of(place, connection),
        }
    }

    /// The records, if they are this module's own.
    pub fn read(&self) -> Result<Read> {
        let read = self.records.read()?;
        let identity = &self.place.identity;
        for owner in [
            read.metadata.as_ref().map(|metadata| &metadata.identity),
            read.status.as_ref().map(|status| &status.identity),
        ]
        .into_iter()
        .flatten()
        {
            identity.check_owner(owner)?;
        }
        Ok(read)
    }

    /// Whether outputs that are too large for their record are where it says.
    fn has_outputs(&self, read: &Read) -> Result<bool> {
        let pointer = read
            .outputs
            .as_deref()
            .and_then(|text| serde_json::from_str::<Pointer>(text).ok());
        let Some(Pointer { outputs_url, sha256 }) = pointer else {
            return Ok(true);
        };
        let key = self.place.layout.outputs_key(&self.place.identity, &sha256);
        Ok(match outputs_url == self.object.url_beside(&key) {
            true => self.object.is_beside(&key, &sha256)?,
            // An object of somebody's own that looks like it, or of another bucket.
            false => true,
        })
    }

    /// Compares what is wanted with what is stored.
    pub fn check(&self, wanted: &Checksum, force: bool) -> Result<Checked> {
        let read = self.read()?;
        let outputs_sha256 = match self.has_outputs(&read)? {
            true => read.outputs_sha256(),
            false => None,
        };
        let seen = Seen {
            wanted,
            md5: read.md5.as_deref(),
            metadata: read.metadata.as_ref(),
            status: read.status.as_ref(),
            outputs_sha256: outputs_sha256.as_deref(),
            damaged: read.damaged.as_deref(),
            force,
        };
        let candidate = bundle::candidate(&seen);
        let stored = self.object.compare(candidate)?;
        let mut answer = bundle::decide(&seen, stored);
        let hit = candidate.filter(|_| answer.decision == Decision::Hit).cloned();
        if answer.decision == Decision::MissBuilding {
            answer.reason = match Lease::holder(self.place, self.connection)? {
                Some(holder) => format!("{}; it is under way: {holder}", answer.reason),
                None => format!("{}, and was cut short: nobody holds the lease", answer.reason),
            };
        }
        Ok(Checked {
            answer,
            stored_checksum: read.committed().map(|bundle| bundle.checksum.clone()),
            hit,
            known: read.metadata.iter().flat_map(Metadata::bundles).cloned().collect(),
        })
    }
}

impl Read {
    /// The bundle in force.
    pub fn committed(&self) -> Option<&Bundle> {
        self.metadata.as_ref()?.committed(self.md5.as_deref()?)
    }
}

/// The tree and the digest of what a bundle is to be made from.
pub fn hash(making: &Making, digests: &DigestCache, meter: &Meter) -> Result<(Tree, Checksum)> {
    let tree = Tree::at(&making.source, meter)?;
    let inputs = bundle::Inputs {
        tree: &tree,
        spec: making.spec.as_ref().map(|spec| spec.content.as_slice()),
        parameters: &making.parameters,
    };
    let checksum = Checksum::of(&inputs, digests, meter)?;
    Ok((tree, checksum))
}

/// That a copy of the module in `directory` is what was hashed.
pub fn check_copy(directory: &Path, making: &Making, checksum: &Checksum, meter: &Meter) -> Result<()> {
    let copy = Making {
        source: directory.to_owned(),
        ..making.clone()
    };
    let (_, of_copy) = hash(&copy, &DigestCache::none(), meter)?;
    match of_copy == *checksum {
        true => Ok(()),
        false => Err(
            Error::invalid(format!("`{}` changed while it was copied", making.source.display()))
                .help("run again once nothing writes to it"),
        ),
    }
}
