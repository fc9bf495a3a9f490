//! `validate`: everything that can be known before building.

use lambda_pack_core::function::Kind;
use lambda_pack_core::preflight::{Contents, Layer};
use lambda_pack_core::secrets::{Guard, check_declarations};
use lambda_pack_core::{Meter, Result, collect_all};
use serde::Serialize;

use super::{Hashed, output};
use crate::caches;
use crate::cli::{Common, ValidateArgs};
use crate::packaging::{Layers, graph_of};
use crate::report::{self, Progress};
use crate::settings::Settings;

#[derive(Serialize)]
struct Row {
    name: String,
    file: String,
    entries: usize,
    unzipped_bytes: u64,
    warnings: Vec<String>,
    /// How many of them were reported when the tree was walked.
    #[serde(skip)]
    reported: usize,
}

pub fn run(args: &ValidateArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("validating", meter);
    let caches = super::open_caches(&settings, false);
    let hashed = super::hash_functions(&settings, &args.names, &caches, meter)?;
    caches::keep(caches);
    super::warn_of_unknown_secrets(hashed.all().map(|hashed| &hashed.function));
    let layers = Layers::of_sources(hashed.all());
    let rows = hashed.functions.iter().map(|hashed| {
        let layers = layers.before_build(&hashed.function)?;
        check(hashed, &layers, meter).map(Some)
    });
    let graph = graph_of(hashed.all().map(|it| (&it.function, &it.tree)), &settings).map(|_| None);
    let declared = check_declarations(hashed.all().map(|it| &it.function), settings.profile.as_ref()).map(|()| None);
    let rows: Vec<Row> = collect_all(rows.chain([declared, graph]))?
        .into_iter()
        .flatten()
        .collect();
    drop(progress);
    for row in &rows {
        super::warn(&row.name, row.warnings.iter().skip(row.reported));
    }
    if common.json {
        return output::json(&rows);
    }
    let lines = rows.iter().map(|row| {
        let verdict = if row.warnings.is_empty() { "ok" } else { "warning" };
        vec![
            row.name.clone(),
            verdict.to_owned(),
            row.entries.to_string(),
            report::bytes(row.unzipped_bytes),
        ]
    });
    output::line(&report::table(
        &["function", "result", "entries", "unzipped"],
        &[2, 3],
        lines,
    ))
}

fn check(hashed: &Hashed, layers: &[Layer], meter: &Meter) -> Result<Row> {
    let Hashed {
        function,
        tree,
        manifest,
    } = hashed;
    let guard = Guard::of(function);
    let findings = collect_all([
        Contents::of(tree).and_then(|contents| super::preflight(function, &contents, layers)),
        super::in_function(&function.name, guard.check_environment()).map(|()| Vec::new()),
        super::in_function(&function.name, guard.check_tree(tree, meter)).map(|()| Vec::new()),
    ])?;
    let definition = &function.definition;
    let mut warnings = tree.warnings.clone();
    warnings.extend(findings.into_iter().flatten());
    warnings.extend(guard.unused());
    if definition.kind == Kind::Function {
        let unset = [
            ("runtime", definition.runtime.is_none()),
            ("handler", definition.handler.is_none()),
        ];
        let unset = unset.into_iter().filter(|(_, unset)| *unset);
        warnings.extend(
            unset.map(|(key, _)| format!("no `{key}`: lambda-deploy-module then needs it in `function_overrides`")),
        );
    }
    Ok(Row {
        name: function.name.to_string(),
        file: function.file.display().to_string(),
        entries: manifest.entries().len(),
        unzipped_bytes: manifest.unzipped_bytes(),
        warnings,
        reported: tree.warnings.len(),
    })
}
