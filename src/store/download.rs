//! Packages out of a store.

use std::fs::File;
use std::path::Path;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::{Error, Result};

use super::{Record, Store};

impl Store {
    /// Writes the package of a record to a file. Its bytes are those that were recorded, or this fails.
    pub fn download(&self, name: &str, record: &Record, target: &Path) -> Result<()> {
        let key = record.package_key();
        let mut file = File::create(target).map_err(|cause| Error::io("write", target, cause))?;
        if !self.objects.read_package(&key, record.size_bytes, &mut file)? {
            return Err(Error::failed(format!(
                "`{}` isn't there, which a record names",
                self.package_url(record)
            ))
            .help(format!(
                "somebody deleted it; from the sources of that package, this puts it there again: {}",
                self.upload_command(name, &record.source_hash())
            )));
        }
        let found = CodeSha256::of_file(target).map_err(|cause| Error::io("read", target, cause))?;
        if found != record.code_sha256 {
            let [found, recorded] = [found, record.code_sha256].map(|it| it.to_base64());
            let problem = format!("its code sha256 is {found}, its record says {recorded}");
            return Err(self.contradiction(&key, name, &record.source_hash(), &problem));
        }
        Ok(())
    }
}
