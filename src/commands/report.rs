//! `report`: what packages are made of.

use std::path::Path;

use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::output;
use crate::cli::{Common, ReportArgs};
use crate::hidden::masked;
use crate::input::is_stdin;
use crate::overview::{Detail, overview, page, summary, table};
use crate::report::Progress;
use crate::settings::Settings;

pub fn run(args: &ReportArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let html = args.html.as_deref().is_some_and(is_stdin);
    let markdown = args.markdown.as_deref().is_some_and(is_stdin);
    if html && (markdown || common.json) {
        let other = if markdown { "--markdown" } else { "--json" };
        return Err(
            Error::new(ErrorKind::Usage, format!("--html - and {other} both print to stdout"))
                .help("name a file for one of them"),
        );
    }
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("looking", meter);
    let detail = match common.json || args.html.is_some() {
        true => Detail::All {
            history: args.history.into(),
        },
        false => Detail::Summary,
    };
    let overview = overview(&settings, &args.names, detail, meter)?;
    drop(progress);
    match &args.html {
        Some(_) if html => output::bytes(page(&overview).as_bytes())?,
        Some(file) => write(file, &page(&overview))?,
        None => {}
    }
    let most_bytes = args.max_bytes as usize;
    match &args.markdown {
        _ if common.json => output::json(&overview),
        Some(file) if is_stdin(file) => output::line(&summary(&overview, most_bytes)),
        Some(file) => write(file, &format!("{}\n", masked(&summary(&overview, most_bytes)))),
        None if args.html.is_some() => Ok(()),
        None => output::line(&table(&overview)),
    }
}

/// Whole or not at all; what was there before is replaced.
fn write(file: &Path, text: &str) -> Result<()> {
    write_whole(file, text.as_bytes(), None).map_err(|cause| Error::io("write", file, cause).help("name another place"))
}
