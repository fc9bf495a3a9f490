//! `secrets`.

mod provide;

use lambda_pack_core::{Error, Meter, Result};

use crate::cli::{Common, SecretsVerb};

pub fn run(verb: &SecretsVerb, common: &Common, meter: &'static Meter) -> Result<()> {
    match verb {
        SecretsVerb::Provide(args) => provide::run(args, common, meter),
        SecretsVerb::List => Err(Error::failed("not there yet")),
    }
}
