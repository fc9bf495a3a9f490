//! `profile`: what deployment profiles there are, and whether they are right.

use std::collections::BTreeMap;

use lambda_pack_core::cache::Caches;
use lambda_pack_core::fitness::Tier;
use lambda_pack_core::function::{self, Function};
use lambda_pack_core::profile::Profile;
use lambda_pack_core::{Meter, Result, collect_all};
use serde::Serialize;

use super::output;
use crate::cli::{Common, ProfileVerb};
use crate::hidden;
use crate::packaging::{graph_of, open_caches, walk_loaded};
use crate::report;
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn run(verb: &ProfileVerb, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    // Not all of these load them.
    hidden::hide_of_definitions();
    match verb {
        ProfileVerb::List => print(&rows(&settings, &[], |_, _| Ok(()))?, common.json),
        ProfileVerb::Show { name } => show(&settings.profiles.resolve(name)?, common.json),
        ProfileVerb::Check { names } => {
            let caches = open_caches(&settings, false);
            let rows = rows(&settings, names, |profile, functions| {
                check_sources(profile, functions, &settings, &caches, meter)
            })?;
            print(&rows, common.json)
        }
    }
}

#[derive(Serialize)]
struct Row {
    name: String,
    tier: Tier,
    /// Those that it selects, layers not among them.
    functions: Vec<String>,
}

/// Those of the named profiles, or of all where none is named; `check` looks further at what one selects.
fn rows(
    settings: &Settings,
    names: &[String],
    check: impl Fn(Profile, BTreeMap<String, Function>) -> Result<()>,
) -> Result<Vec<Row>> {
    let functions = function::load(&settings.config_dir)?;
    let names: Vec<&str> = match names {
        [] => settings.profiles.names().collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let rows = names.into_iter().map(|name| {
        let profile = settings.profiles.resolve(name)?;
        if let Some(store) = &profile.store {
            StoreUrl::parse(store, &settings.project_dir).map_err(|error| {
                let error = error.within(format_args!("profile `{name}`: key `store`"));
                error.within(profile.place_of_store())
            })?;
        }
        let selected = profile.apply(functions.clone())?;
        let row = Row {
            name: name.to_owned(),
            tier: profile.tier,
            functions: names_of_functions(&selected),
        };
        check(profile, selected).map(|()| row)
    });
    collect_all(rows)
}

/// Whether each swap matches something in the sources and lock files of what a profile selects, and nothing needs itself.
fn check_sources(
    profile: Profile,
    functions: BTreeMap<String, Function>,
    settings: &Settings,
    caches: &Caches,
    meter: &Meter,
) -> Result<()> {
    let name = profile.name.clone();
    let settings = Settings {
        profile: Some(profile),
        ..settings.clone()
    };
    let walked = walk_loaded(functions, &settings, &[], caches, meter)?;
    let members = walked.functions.iter().map(|it| (&it.function, &it.tree));
    let graph = graph_of(members, &settings);
    graph
        .map(drop)
        .map_err(|error| error.within(format_args!("profile `{name}`")))
}

fn names_of_functions(functions: &BTreeMap<String, Function>) -> Vec<String> {
    let functions = functions
        .values()
        .filter(|function| function.definition.kind == function::Kind::Function);
    functions.map(|function| function.name.to_string()).collect()
}

fn print(rows: &[Row], json: bool) -> Result<()> {
    if json {
        return output::json(&rows);
    }
    let lines = rows
        .iter()
        .map(|row| vec![row.name.clone(), row.tier.name().to_owned(), row.functions.join(", ")]);
    output::line(&report::table(&["profile", "tier", "functions"], &[], lines))
}

/// With all that it extends, so without `extends`.
fn show(profile: &Profile, json: bool) -> Result<()> {
    if json {
        return output::json(profile);
    }
    let table = BTreeMap::from([("profiles", BTreeMap::from([(profile.name.as_str(), profile)]))]);
    let text = toml::to_string_pretty(&table).expect("tables with string keys");
    output::line(text.trim_end())
}
