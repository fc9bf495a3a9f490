//! `build`: packages into a directory.

use lambda_pack_core::archive::{self, Written};
use lambda_pack_core::{Meter, Result, limits};

use super::{Hashed, PackageRow, Status};
use crate::cli::{BuildArgs, Common};
use crate::parallel;
use crate::report::{self, Progress};
use crate::settings::Settings;

pub fn run(args: &BuildArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, args.out_dir.as_deref())?;
    let progress = Progress::start("building", meter);
    let hashed = super::hash_functions(&settings, &args.names, meter)?;
    let rows = parallel::map(&hashed, rayon::current_num_threads(), |hashed| {
        build(hashed, &settings, meter)
    });
    drop(progress);
    super::finish(rows, common.json)
}

fn build(hashed: &Hashed, settings: &Settings, meter: &Meter) -> Result<PackageRow> {
    let Hashed {
        function,
        tree,
        manifest,
    } = hashed;
    let path = settings.out_dir.join(format!("{}.zip", function.name));
    let (package, written) = archive::write_package(tree, manifest, &path, meter)
        .map_err(|error| error.within(format_args!("function `{}`", function.name)))?;
    if let Some(problem) = limits::unzipped_problem(manifest.unzipped_bytes()) {
        report::warning(&format!("function `{}`: {problem}", function.name));
    }
    tracing::info!("{}: {}", function.name, path.display());
    Ok(PackageRow {
        name: function.name.to_string(),
        source_hash: manifest.source_hash().to_hex(),
        code_sha256: package.code_sha256.to_base64(),
        path: Some(path.display().to_string()),
        store_url: None,
        size_bytes: package.size_bytes,
        unzipped_bytes: manifest.unzipped_bytes(),
        entries: manifest.entries().len() as u64,
        status: match written {
            Written::New => Status::Built,
            Written::Unchanged => Status::Unchanged,
        },
    })
}
