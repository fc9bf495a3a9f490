//! `affected`: which functions a change touches.

use lambda_pack_core::{Meter, Result};

use super::output;
use crate::affected::{self, Changes};
use crate::cli::{AffectedArgs, Common};
use crate::packaging::load_functions;
use crate::settings::Settings;

pub fn run(args: &AffectedArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let functions = load_functions(&settings)?;
    let changes = match (&args.changes.since, &args.changes.files) {
        (Some(reference), _) => Changes::Since(reference),
        (None, list) => Changes::Listed(list.as_deref().expect("one of the group is required")),
    };
    let found = affected::find(changes, &functions, &settings, common, meter)?;
    if common.json {
        return output::json(&found);
    }
    for affected in &found {
        for reason in &affected.reasons {
            tracing::info!("{}: {reason}", affected.name);
        }
    }
    let names: String = found.iter().map(|affected| format!("{}\n", affected.name)).collect();
    output::bytes(names.as_bytes())
}
