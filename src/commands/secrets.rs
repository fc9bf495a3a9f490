//! `secrets`.

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, SecretsVerb};

pub fn run(_verb: &SecretsVerb, _common: &Common, _meter: &'static Meter) -> Result<()> {
    Err(Error::failed("not there yet"))
}
