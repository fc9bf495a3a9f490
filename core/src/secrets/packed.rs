//! Declared secrets in a package that was made before: what it is made from may be gone, and what it was searched for was another
//! value.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::infrastructure::{Infrastructure, Leak};
use super::scan;
use crate::{Error, Meter, Result};

impl Infrastructure {
    /// With the paths of entries: what is in their content and names, and where links lead.
    pub(super) fn in_package(&self, package: &Path, meter: &Meter) -> Result<Vec<(String, Leak)>> {
        const PIECE_BYTES: usize = 1024 * 1024;
        let invalid = |error: ZipError| Error::invalid(format!("cannot read the package: {error}"));
        let cannot_read = |cause| Error::io("read", package, cause);
        let file = File::open(package).map_err(cannot_read)?;
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(invalid)?;
        let mut leaks = Vec::new();
        let mut piece = vec![0; PIECE_BYTES];
        for index in 0..zip.len() {
            meter.check()?;
            let mut entry = zip.by_index(index).map_err(invalid)?;
            let path = entry.name().map_err(invalid)?.into_owned();
            let (mut stream, mut kinds) = (self.stream(), scan::Stream::default());
            loop {
                let length = entry.read(&mut piece).map_err(cannot_read)?;
                if length == 0 {
                    break;
                }
                stream.push(&piece[..length]);
                if self.has_kinds() {
                    kinds.push(&piece[..length]);
                }
            }
            let found = [self.search_text(&path), stream.finish(&kinds.finish())].concat();
            leaks.extend(found.into_iter().map(|leak| (path.clone(), leak)));
        }
        Ok(leaks)
    }
}
