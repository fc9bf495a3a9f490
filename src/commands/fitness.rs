//! `fitness`: whether functions fit where they are to run.

use lambda_pack_core::fitness::{Check, Status, Subject, Tier, assess, may_suggest, suggest, worst};
use lambda_pack_core::function::{Function, Kind};
use lambda_pack_core::preflight::Contents;
use lambda_pack_core::profile::Limits;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, Meter, Result, collect_all};
use serde::Serialize;

use super::{Hashed, output};
use crate::cli::{Common, FitnessArgs};
use crate::packaging::{Packages, in_function, warn_of_built};
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::Found;
use crate::{caches, parallel};

/// Packages that are measured at a time. All processors work on each.
const PACKAGES_AT_ONCE: usize = 4;

/// A function's row of `--json`.
#[derive(Serialize)]
struct Row {
    name: String,
    tier: Tier,
    status: Status,
    /// Of the zip.
    size_bytes: u64,
    /// Layers included.
    unzipped_bytes: u64,
    checks: Vec<Check>,
    swaps: Vec<SwapRow>,
}

/// A swap that would make the package smaller.
#[derive(Serialize)]
struct SwapRow {
    from: String,
    to: String,
    impact: String,
    saves_bytes: u64,
    saves_unzipped_bytes: u64,
}

pub fn run(args: &FitnessArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let profile = settings.profile.as_ref();
    let tier = args
        .tier
        .map(Tier::from)
        .or(profile.map(|profile| profile.tier))
        .unwrap_or_default();
    let progress = Progress::start("measuring", meter);
    let caches = super::open_caches(&settings, true);
    let hashed = super::hash_functions(&settings, &args.names, &caches, meter)?;
    let assessor = Assessor {
        tier,
        limits: profile.map(|profile| profile.limits).unwrap_or_default(),
        packages: Packages::open(&hashed, &settings, caches, meter)?,
        layers: hashed
            .all()
            .filter(|hashed| hashed.function.definition.kind == Kind::Layer)
            .collect(),
        region: settings.aws.known_region(),
    };
    let rows = parallel::map(&hashed.functions, PACKAGES_AT_ONCE, |hashed| {
        in_function(&hashed.function.name, assessor.row(hashed))
    });
    assessor.packages.store.save_cache();
    caches::keep(assessor.packages.caches);
    let rows = collect_all(rows)?;
    drop(progress);
    match common.json {
        true => output::json(&rows)?,
        false => output::line(&text(&rows, common.verbose > 0))?,
    }
    let failed: Vec<&str> = rows
        .iter()
        .filter(|row| row.status == Status::Fail)
        .map(|row| row.name.as_str())
        .collect();
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(Error::invalid(format!(
            "{} of {} don't fit the tier {}: {}",
            failed.len(),
            rows.len(),
            tier.name(),
            lambda_pack_core::shorten(&failed.join(", "))
        ))
        .help("each check that failed says what would make it pass")),
    }
}

struct Assessor<'a> {
    tier: Tier,
    limits: Limits,
    packages: Packages<'a>,
    layers: Vec<&'a Hashed>,
    region: Option<String>,
}

impl Assessor<'_> {
    fn row(&self, hashed: &Hashed) -> Result<Row> {
        let Hashed {
            function, tree: source, ..
        } = hashed;
        let guard = Guard::of(function);
        let record = match self.packages.find(hashed)? {
            Found::Published(record) => Some(record),
            Found::Nothing | Found::PackageMissing(..) => None,
        };
        let known = match &record {
            Some(record) if !source.is_whole() => self.packages.known(hashed, record)?,
            _ => None,
        };
        // What the store has needs no build, unless something in it may be superfluous.
        let built = match known.is_none() || may_suggest(function, source)? {
            true => self.packages.make(hashed)?,
            false => None,
        };
        let tree = built.as_ref().map_or(source, |built| &built.tree);
        warn_of_built(function, source, tree);
        let (size_bytes, of_package) = match &record {
            Some(record) => (record.size_bytes, record.unzipped_bytes),
            None => (self.packages.zipped_bytes(tree, &guard)?, tree.size()),
        };
        let layers = self.packages.layers_of(function)?;
        let contents = match known {
            Some(known) => known.contents,
            None => Contents::of(tree)?,
        };
        let checks = assess(
            self.tier,
            &self.limits,
            &Subject {
                function,
                contents: &contents,
                size_bytes,
                unzipped_bytes: of_package,
                layers: &layers,
                region: self.region.as_deref(),
            },
        );
        Ok(Row {
            name: function.name.to_string(),
            tier: self.tier,
            status: worst(&checks),
            size_bytes,
            unzipped_bytes: of_package + layers.iter().map(|layer| layer.bytes).sum::<u64>(),
            checks,
            swaps: self.swaps(function, tree, size_bytes, &guard)?,
        })
    }

    fn swaps(&self, function: &Function, tree: &Tree, size_bytes: u64, guard: &Guard) -> Result<Vec<SwapRow>> {
        let mut built = Vec::new();
        // A tier without layers takes nothing from them.
        for hashed in self.layers.iter().filter(|_| self.tier == Tier::Lambda) {
            if function.layer_names().any(|name| name == hashed.function.name.as_str()) {
                built.push((*hashed, self.packages.make(hashed)?));
            }
        }
        let trees = built.iter().map(|(hashed, built)| {
            let tree = built.as_ref().map_or(&hashed.tree, |built| &built.tree);
            (&hashed.function, tree)
        });
        let trees: Vec<(&Function, &Tree)> = trees.collect();
        let suggestions = suggest(&function.definition, tree, &trees)?;
        let rows = suggestions.iter().map(|suggestion| {
            let without = self.packages.zipped_bytes(&suggestion.without, guard)?;
            Ok(SwapRow {
                from: suggestion.from.to_string(),
                to: suggestion.to.to_string(),
                impact: suggestion.impact.clone(),
                saves_bytes: size_bytes.saturating_sub(without),
                saves_unzipped_bytes: tree.size() - suggestion.without.size(),
            })
        });
        collect_all(rows)
    }
}

/// A table, and below it what isn't fine; all checks if `passed` are wanted too.
fn text(rows: &[Row], passed: bool) -> String {
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.status.name().to_owned(),
            report::bytes(row.size_bytes),
            report::bytes(row.unzipped_bytes),
        ]
    });
    let mut text = report::table(&["function", "fitness", "size", "unzipped"], &[2, 3], lines);
    for row in rows {
        let shown = row.checks.iter().filter(|check| passed || check.status != Status::Pass);
        let checks = shown.map(|check| {
            let remedy = check.remedy.iter().map(|remedy| format!("\n        {remedy}"));
            let remedy: String = remedy.collect();
            format!(
                "\n  {:4}  {}: {}{remedy}",
                check.status.name(),
                check.check,
                check.detail
            )
        });
        let swaps = row.swaps.iter().map(|swap| {
            format!(
                "\n  swap  `{}` to `{}` saves {} ({} unzipped): {}",
                swap.from,
                swap.to,
                report::bytes(swap.saves_bytes),
                report::bytes(swap.saves_unzipped_bytes),
                swap.impact
            )
        });
        let details: String = checks.chain(swaps).collect();
        if !details.is_empty() {
            text.push_str(&format!("\n\n{}{details}", row.name));
        }
    }
    text
}
