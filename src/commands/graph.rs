//! `graph`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, GraphArgs};

pub fn run(_args: &GraphArgs, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
