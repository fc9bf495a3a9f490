//! `matrix`: jobs of a pipeline that share the functions.

use lambda_pack_core::shard::Shard;
use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use super::output;
use crate::affected::{self, Changes};
use crate::cli::{Common, MatrixArgs};
use crate::packaging::load_functions;
use crate::settings::Settings;

/// What `strategy.matrix` of GitHub Actions takes.
#[derive(Serialize)]
struct Matrix {
    include: Vec<Job>,
}

#[derive(Serialize)]
struct Job {
    /// For `upload --shard`.
    shard: String,
    /// How many of those that were asked for are in it.
    functions: usize,
}

pub fn run(args: &MatrixArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let functions = load_functions(&settings)?;
    let names: Vec<String> = match &args.since {
        Some(reference) => {
            let affected = affected::find(Changes::Since(reference), &functions, &settings, common, meter)?;
            affected.into_iter().map(|it| it.name).collect()
        }
        None => functions.into_keys().collect(),
    };
    let jobs = Shard::shared(&names, args.max, args.per_job);
    output::json(&Matrix {
        include: jobs
            .map(|(shard, functions)| Job {
                shard: shard.to_string(),
                functions,
            })
            .collect(),
    })
}
