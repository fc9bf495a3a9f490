//! `build`: packages into a directory.

use lambda_pack_core::archive::{self, InPlace, Written};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::sbom::{self, Sbom};
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::Tree;
use lambda_pack_core::temporary::{remove_abandoned, write_whole};
use lambda_pack_core::{Error, Meter, Result, limits};

use super::{PackageRow, Status, Walked};
use crate::build as builds;
use crate::cli::{BuildArgs, Common};
use crate::packaging::{Layers, warn_of_built};
use crate::report::Progress;
use crate::settings::Settings;
use crate::{caches, parallel};

/// Packages that are written at a time. All processors work on each; meanwhile the disk writes the others.
const PACKAGES_AT_ONCE: usize = 4;

pub fn run(args: &BuildArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, args.out_dir.as_deref(), Some(&args.packing))?;
    let progress = Progress::start("building", meter);
    let rows = build(&args.names, args.sbom, &settings, meter)?;
    drop(progress);
    super::finish(rows, common.json)
}

/// The packages of the named functions, or of all, in the output directory; with `sbom`, bills of materials too.
pub fn build(
    names: &[String],
    sbom: bool,
    settings: &Settings,
    meter: &'static Meter,
) -> Result<Vec<Result<PackageRow>>> {
    let caches = super::open_caches(settings, true);
    let walked = super::walk_functions(settings, names, &caches, meter)?;
    super::warn_of_unknown_secrets(walked.all().map(|walked| &walked.function));
    remove_abandoned(&settings.out_dir);
    let builder = Builder {
        layers: Layers::new(walked.all().map(|walked| (&walked.function, &walked.tree))),
        settings,
        sbom,
        caches,
        meter,
    };
    let rows = parallel::map(&walked.functions, PACKAGES_AT_ONCE, |walked| {
        super::in_function(&walked.function.name, builder.build(walked))
    });
    caches::keep(builder.caches);
    // To free each of its entries takes a while, for which nobody has to wait.
    rayon::spawn(|| drop(walked));
    Ok(rows)
}

struct Builder<'a> {
    layers: Layers<'a, Tree>,
    settings: &'a Settings,
    /// Whether bills of materials are written too.
    sbom: bool,
    caches: Caches,
    meter: &'static Meter,
}

impl Builder<'_> {
    fn build(&self, Walked { function, tree }: &Walked) -> Result<PackageRow> {
        let path = self.settings.out_dir.join(format!("{}.zip", function.name));
        let guard = Guard::of(function);
        guard.check_environment()?;
        if tree.recipe().is_some() {
            // What is compiled isn't packed, so nobody else looks at it; and no installation is for nothing.
            guard.check_tree(tree, self.meter)?;
        }
        let built = builds::build(function, tree, self.settings, &self.caches, self.meter)?;
        let source = tree;
        let tree = built.as_ref().map_or(source, |built| &built.tree);
        warn_of_built(function, source, tree);
        let compression = self.settings.compression;
        let InPlace {
            package,
            source_hash,
            written,
        } = archive::write_package(tree, &path, compression, &self.caches, &guard, self.meter)?;
        super::warn(&function.name, guard.unused());
        let of_layers = self.layers.of(
            function,
            |tree| tree,
            |layer, tree| builds::unzipped_bytes(layer, tree, self.settings, &self.caches, self.meter),
        )?;
        let unzipped_bytes = package.unzipped_bytes() + of_layers.iter().map(|layer| layer.bytes).sum::<u64>();
        super::warn(&function.name, limits::unzipped_problem(unzipped_bytes));
        if self.sbom {
            let sbom = Sbom::of(tree, source)?.to_json(function, &source_hash);
            let file = path.with_extension(sbom::EXTENSION);
            write_whole(&file, &sbom, None)
                .map_err(|cause| Error::io("write", &file, cause).help("check space and permissions there"))?;
        }
        tracing::info!("{}: {}", function.name, path.display());
        Ok(PackageRow {
            name: function.name.to_string(),
            source_hash: source_hash.to_hex(),
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
}
