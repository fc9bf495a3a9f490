//! `affected`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{AffectedArgs, Common};

pub fn run(_args: &AffectedArgs, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
