//! Bundles: a module's stored package and its records, from a directory to something that others reuse.
//!
//! ```text
//! s3://{bucket}/{deployment}/{group}/{module}/bundle.zip
//! s3://{bucket}/{deployment}/{group}-{module}.lease.json                       one writer at a time
//! /sf/{project}/{deployment}/{group}-{module}/status | metadata | outputs | md5   in SSM; md5 is written last: the commit
//! ```

mod artifacts;
pub mod check;
pub mod environment;
pub mod fetch;
pub mod lease;
pub mod metadata;
pub mod object;
pub mod phases;
pub mod records;
pub mod report;
pub mod run;
pub mod secrets;
mod settings;
#[cfg_attr(not(unix), path = "no_shell.rs")]
mod shell;
pub mod store;
mod workspace;

pub use settings::{BundleTable, Making, Place, layout, project};
