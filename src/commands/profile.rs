//! `profile`: what deployment profiles there are, and whether they are right.

use std::collections::BTreeMap;

use lambda_pack_core::cache::Caches;
use lambda_pack_core::fitness::Tier;
use lambda_pack_core::function::{self, Function};
use lambda_pack_core::profile::Profile;
use lambda_pack_core::secrets::{Guard, check_declarations};
use lambda_pack_core::{Error, Meter, Result, collect_all};
use serde::Serialize;

use super::output;
use crate::cli::{Common, ProfileVerb};
use crate::hidden;
use crate::packaging::{graph_of, in_function, load_functions, open_caches, walk_loaded};
use crate::report;
use crate::settings::Settings;
use crate::store::StoreUrl;

pub fn run(verb: &ProfileVerb, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    // Not all of these load them.
    hidden::hide_of_definitions();
    match verb {
        ProfileVerb::List => {
            let functions = function::load(&settings.config_dir)?;
            print(
                &rows(&settings, &[], |profile| Ok(listed(&profile, &functions)))?,
                common.json,
            )
        }
        ProfileVerb::Show { name } => show(&settings.profiles.resolve(name)?, common.json),
        ProfileVerb::Check { names } => {
            let caches = open_caches(&settings, false);
            let rows = rows(&settings, names, |profile| check(profile, &settings, &caches, meter))?;
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

impl Row {
    fn new<'a>(profile: &Profile, functions: impl Iterator<Item = &'a Function>) -> Self {
        let functions = functions.filter(|function| function.definition.kind == function::Kind::Function);
        Row {
            name: profile.name.clone(),
            tier: profile.tier,
            functions: functions.map(|function| function.name.to_string()).collect(),
        }
    }
}

/// Those of the named profiles, or of all where none is named.
fn rows(settings: &Settings, names: &[String], row: impl Fn(Profile) -> Result<Row>) -> Result<Vec<Row>> {
    let names: Vec<&str> = match names {
        [] => settings.profiles.names().collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    collect_all(names.into_iter().map(|name| row(settings.profiles.resolve(name)?)))
}

/// What is there is listed, whatever else is wrong with it: that is for `check`.
fn listed(profile: &Profile, functions: &BTreeMap<String, Function>) -> Row {
    let selects = profile.selection();
    Row::new(profile, functions.values().filter(|function| selects(function)))
}

/// Whether all that it names is there, and what it deploys is well defined: its store, secrets and swaps, which must match something
/// in sources and lock files; and nothing needs itself.
fn check(profile: Profile, settings: &Settings, caches: &Caches, meter: &Meter) -> Result<Row> {
    let name = profile.name.clone();
    let store = match &profile.store {
        None => settings.store.clone(),
        Some(store) => StoreUrl::parse(store, &settings.project_dir).map_err(|error| {
            let error = error.within(format_args!("profile `{name}`: key `store`"));
            error.within(profile.place_of_store())
        })?,
    };
    let settings = Settings {
        profile: Some(profile),
        store,
        ..settings.clone()
    };
    let profile = settings.needs_profile()?;
    let functions = load_functions(&settings)?;
    let row = Row::new(profile, functions.values());
    let of_profile = |error: Error| error.within(format_args!("profile `{name}`"));
    let declared = check_declarations(functions.values(), Some(profile)).map_err(of_profile);
    let environments = functions.values().map(|function| {
        let checked = Guard::of(function).check_environment();
        in_function(&function.name, checked).map_err(of_profile)
    });
    let defined = collect_all(environments.chain([declared]));
    let sources = walk_loaded(functions.clone(), &settings, &[], caches, meter).and_then(|walked| {
        let members = walked.functions.iter().map(|it| (&it.function, &it.tree));
        graph_of(members, &settings).map_err(of_profile)
    });
    collect_all([defined.map(drop), sources.map(drop)]).map(|_| row)
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
