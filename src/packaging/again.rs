//! Packages that the store has, and that are going to be named.

use lambda_pack_core::Result;
use lambda_pack_core::preflight::Contents;

use super::{Checked, Hashed, Packages};
use crate::store::{Found, Published};

impl Packages<'_> {
    /// Sees to it that no `gc` deletes what was found; it may be gone since.
    pub fn use_again(&self, checked: &Checked, found: &Found) -> Result<Found> {
        let Hashed { function, manifest, .. } = checked.hashed;
        let name = function.name.as_str();
        self.store.use_again(name, &manifest.source_hash(), found)
    }

    /// Whether somebody deleted the manifest of a package that was found, or its bill of materials.
    pub fn lacks_what_is_beside(&self, checked: &Checked) -> Result<bool> {
        let Hashed { function, manifest, .. } = checked.hashed;
        let (name, source_hash) = (function.name.as_str(), manifest.source_hash());
        // Only what installs something has a bill of materials.
        if manifest.build_inputs().is_none() {
            return self.store.lacks_manifest(name, &source_hash);
        }
        match self.store.kept(name, &source_hash)? {
            None => Ok(true),
            Some(kept) => Ok(kept.lacks_sbom()?.is_some()),
        }
    }

    /// Makes and publishes what was not made because the store had it.
    pub fn publish_again(&self, checked: &Checked, contents: &Contents) -> Result<Published> {
        let made = self.make(checked.hashed)?;
        self.search(checked, made.as_ref())?;
        self.publish(checked, made.as_ref(), contents, &Found::Nothing)
    }
}
