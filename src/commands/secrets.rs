//! `secrets`: what is declared, whether it can work, and what should be.

mod check;
mod classify;
mod list;
mod provide;

use std::collections::BTreeMap;

use lambda_pack_core::function::{self, Function};
use lambda_pack_core::{Meter, Result};

use crate::cli::{Common, SecretsOfArgs, SecretsVerb};
use crate::packaging::load_functions;
use crate::settings::Settings;

pub fn run(verb: &SecretsVerb, common: &Common, meter: &'static Meter) -> Result<()> {
    match verb {
        SecretsVerb::List(args) => list::run(&Asked::new(args, common)?, common.json),
        SecretsVerb::Check(args) => check::run(&Asked::new(args, common)?, common.json),
        SecretsVerb::Classify(args) => classify::run(&Asked::new(args, common)?, common.json),
        SecretsVerb::Provide(args) => provide::run(args, common, meter),
    }
}

/// What is asked about: the named functions, or all, as the profile wants them.
struct Asked {
    settings: Settings,
    functions: BTreeMap<String, Function>,
}

impl Asked {
    fn new(args: &SecretsOfArgs, common: &Common) -> Result<Self> {
        let settings = Settings::resolve(common, None, None)?;
        let selected = function::select(load_functions(&settings)?, &args.names)?.into_all();
        let functions = selected
            .into_iter()
            .map(|function| (function.name.to_string(), function));
        Ok(Asked {
            functions: functions.collect(),
            settings,
        })
    }
}
