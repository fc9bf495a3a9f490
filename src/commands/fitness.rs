//! `fitness`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, FitnessArgs};

pub fn run(_args: &FitnessArgs, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
