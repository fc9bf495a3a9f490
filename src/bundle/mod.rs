//! Bundles: a module's stored package and its records, from a directory to something that others reuse.
//!
//! ```text
//! s3://{bucket}/{deployment}/{group}/{module}/bundle.zip
//! s3://{bucket}/{deployment}/{group}-{module}.lease.json                       one writer at a time
//! /sf/{project}/{deployment}/{group}-{module}/status | metadata | outputs | md5   in SSM; md5 is written last: the commit
//! ```

pub mod check;
pub mod fetch;
pub mod lease;
pub mod object;
pub mod owner;
pub mod records;
mod settings;
pub mod store;
pub mod time;

pub use settings::{BundleTable, Making, Place, layout, project};
