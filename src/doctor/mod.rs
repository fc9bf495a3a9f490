//! Whether this machine and this project have what the commands need, and what mends it where they don't. Reads only.

mod aws;
mod cache;
mod project;
mod store;
mod tools;

use std::io;
use std::path::Path;

use lambda_pack_core::{Error, Meter, Result};
use serde::Serialize;

use crate::cli::Common;
use crate::settings::Settings;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pass,
    Warn,
    Fail,
    /// It isn't needed here, or can't be known.
    Skip,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Skip => "skip",
        }
    }
}

impl Finding {
    fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Finding {
            check,
            status,
            detail: detail.into(),
            fix: None,
        }
    }

    fn pass(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Pass, detail)
    }

    fn skip(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Skip, detail)
    }

    fn warn(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(check, Status::Warn, detail).mended_by(fix)
    }

    fn fail(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(check, Status::Fail, detail).mended_by(fix)
    }

    fn mended_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The failure of a check, with those that were joined to it.
    fn failed(check: &'static str, error: &Error) -> Self {
        let messages: Vec<&str> = error.each().map(Error::message).collect();
        let mut finding = Self::new(check, Status::Fail, messages.join("; "));
        finding.fix = error.each().find_map(Error::help_text).map(str::to_owned);
        finding
    }
}

/// Looks at everything, in the order in which a first run meets it.
pub fn examine(common: &Common, meter: &'static Meter) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    match Settings::resolve(common, None, None) {
        Ok(settings) => {
            findings.extend(project::look(&settings));
            findings.push(cache::look(&settings));
            meter.check()?;
            findings.extend(tools::look(&settings));
            meter.check()?;
            findings.extend(store::look(&settings, meter)?);
        }
        // Nothing else is where it would be looked for.
        Err(error) => findings.push(Finding::failed("project", &error)),
    }
    Ok(findings)
}

/// Writes where a directory is or will be, and leaves nothing.
fn try_to_write(directory: &Path) -> io::Result<()> {
    let there = existing(directory).ok_or(io::ErrorKind::NotFound)?;
    tempfile::tempfile_in(there).map(drop)
}

/// As much of a path as is there.
fn existing(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|ancestor| ancestor.is_dir())
}
