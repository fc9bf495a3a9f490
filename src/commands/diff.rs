//! `diff`: what a function is, and what it was.

use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, DiffArgs};
use crate::comparison::{self, Compared, Question};
use crate::report::Progress;
use crate::settings::Settings;

#[derive(Serialize)]
struct Answer<'a> {
    functions: &'a [Compared],
}

pub fn run(args: &DiffArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("comparing", meter);
    let question = Question {
        names: &args.names,
        from: &args.from,
        to: &args.to,
        texts: args.unified,
    };
    let functions = comparison::compare(question, &settings, common, meter)?;
    drop(progress);
    let sides = [&args.from, &args.to].map(|side| side.describe(&settings));
    match (common.json, args.markdown) {
        (true, _) => output::json(&Answer { functions: &functions })?,
        (false, true) => output::line(&comparison::markdown(&functions, &sides))?,
        (false, false) => output::line(&comparison::text(&functions, &sides))?,
    }
    match args.detailed_exitcode && !functions.iter().all(Compared::is_same) {
        true => Err(Error::new(ErrorKind::Changes, "there are differences")),
        false => Ok(()),
    }
}
