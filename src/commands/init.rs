//! `init`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, InitArgs};

pub fn run(_args: &InitArgs, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
