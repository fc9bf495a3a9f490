//! `build`: packages into a directory.

use lambda_pack_core::archive::{self, InPlace, Written};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::function::Function;
use lambda_pack_core::source::Tree;
use lambda_pack_core::temporary::remove_abandoned;
use lambda_pack_core::{Meter, Result, limits};

use super::{PackageRow, Status};
use crate::build as builds;
use crate::cli::{BuildArgs, Common};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::{caches, parallel};

/// Packages that are written at a time. All processors work on each; meanwhile the disk writes the others.
const PACKAGES_AT_ONCE: usize = 4;

pub fn run(args: &BuildArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, args.out_dir.as_deref(), Some(&args.packing))?;
    let progress = Progress::start("building", meter);
    let caches = super::open_caches(&settings, true);
    let (functions, trees) = super::walk_functions(&settings, &args.names, &caches, meter)?;
    let sources: Vec<(Function, Tree)> = functions.into_iter().zip(trees).collect();
    remove_abandoned(&settings.out_dir);
    let rows = parallel::map(&sources, PACKAGES_AT_ONCE, |(function, tree)| {
        build(function, tree, &settings, &caches, meter)
            .map_err(|error| error.within(format_args!("function `{}`", function.name)))
    });
    caches::keep(caches);
    drop(progress);
    super::finish(rows, common.json)
}

fn build(
    function: &Function,
    tree: &Tree,
    settings: &Settings,
    caches: &Caches,
    meter: &'static Meter,
) -> Result<PackageRow> {
    let path = settings.out_dir.join(format!("{}.zip", function.name));
    let built = builds::build(function, tree, settings, caches, meter)?;
    let tree = built.as_ref().map_or(tree, |built| &built.tree);
    let InPlace { package, written } = archive::write_package(tree, &path, settings.compression, caches, meter)?;
    if let Some(problem) = limits::unzipped_problem(package.unzipped_bytes()) {
        report::warning(&format!("function `{}`: {problem}", function.name));
    }
    tracing::info!("{}: {}", function.name, path.display());
    Ok(PackageRow {
        name: function.name.to_string(),
        source_hash: tree.manifest_of(&package.entries).source_hash().to_hex(),
        code_sha256: package.code_sha256.to_base64(),
        path: Some(path.display().to_string()),
        store_url: None,
        size_bytes: package.size_bytes,
        unzipped_bytes: package.unzipped_bytes(),
        entries: package.entries.len() as u64,
        status: match written {
            Written::New => Status::Built,
            Written::Unchanged => Status::Unchanged,
        },
    })
}
