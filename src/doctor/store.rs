//! Where packages are kept.

use std::path::Path;

use lambda_pack_core::{Meter, Result};

use super::{Finding, aws, try_to_write};
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn look(settings: &Settings, meter: &'static Meter) -> Result<Vec<Finding>> {
    match &settings.store {
        StoreUrl::S3 { bucket, prefix } => aws::look(bucket, prefix, settings, meter),
        StoreUrl::File(root) => {
            let not_needed = ["region", "credentials", "clock"];
            let not_needed = not_needed.map(|check| Finding::skip(check, "the store is a directory"));
            Ok(not_needed
                .into_iter()
                .chain([directory(root, &settings.store)])
                .collect())
        }
    }
}

fn directory(root: &Path, url: &StoreUrl) -> Finding {
    const CHECK: &str = "store";
    match try_to_write(root) {
        Ok(()) => Finding::pass(CHECK, format!("`{url}`: may be written")),
        Err(error) => Finding::fail(
            CHECK,
            format!("can't write to `{url}`: {error}"),
            "give this user the right to, or name another store with --store",
        ),
    }
}
