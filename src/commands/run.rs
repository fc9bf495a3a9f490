//! `run`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, RunProfileArgs};

pub fn run(_args: &RunProfileArgs, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
