//! `watch`: packages that follow their sources.

mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lambda_pack_core::function::{self, Function, Kind};
use lambda_pack_core::graph::Watched;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, json};
use serde_json::Value;

use self::shown::{Changed, Event, Is, show, show_error};
use super::{PackageRow, build, upload};
use crate::cli::{Common, WatchArgs};
use crate::comparison::{Compared, Version};
use crate::invocation::{self, Call};
use crate::packaging::{hash_loaded, load_functions, open_caches};
use crate::settings::Settings;
use crate::watching::{Changes, Heard};
use crate::{caches, input, report};

pub fn run(args: &WatchArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let mut watch = Watch {
        settings: settings(args, common)?,
        args,
        common,
        meter,
        changes: Changes::new(args.poll, meter),
        functions: Vec::new(),
        known: None,
        unbuilt: BTreeSet::new(),
        unpublished: BTreeSet::new(),
        event: args.invoke.as_deref().map(read_event).transpose()?,
        uncalled: BTreeSet::new(),
        fault: None,
        fault_of_event: None,
    };
    if args.invoke.is_some() {
        invocation::check_region(&watch.region())?;
    }
    let mut heard = Heard::now();
    loop {
        watch.round(&mut heard)?;
        heard = watch.changes.wait()?;
    }
}

struct Watch<'a> {
    args: &'a WatchArgs,
    common: &'a Common,
    meter: &'static Meter,
    /// As they were when they could be read, like the functions.
    settings: Settings,
    functions: Vec<Function>,
    changes: Changes,
    /// What everything was when all of it could be read; `None` until then.
    known: Option<BTreeMap<String, Known>>,
    /// Functions whose packages failed, or failed to be published.
    unbuilt: BTreeSet<String>,
    unpublished: BTreeSet<String>,
    /// What handlers are called with.
    event: Option<Vec<u8>>,
    /// Functions whose handlers wait for an event that can be read.
    uncalled: BTreeSet<String>,
    /// What is wrong with the project and with the event, as it was said.
    fault: Option<String>,
    fault_of_event: Option<String>,
}

struct Known {
    function: Function,
    version: Version,
    /// Rather than a layer that others need.
    is_asked_for: bool,
}

impl Watch<'_> {
    /// Looks until nothing changes meanwhile, tells what is new, and makes it. Only what ends the program is an error.
    fn round(&mut self, heard: &mut Heard) -> Result<()> {
        let seen = loop {
            let seen = self.look()?;
            if !self.changes.go_on(heard)? {
                break seen;
            }
        };
        let now = match seen {
            Ok(now) => now,
            // A name that was mistyped won't be right later.
            Err(error) if self.known.is_none() && error.kind() == ErrorKind::Usage => return Err(error),
            Err(error) => return tell_fault(&mut self.fault, &error, heard, self.common, self.meter),
        };
        let changed = self.tell_changes(&now, heard)?;
        let made: BTreeSet<&str> = match &changed {
            None => now.keys().map(String::as_str).collect(),
            Some(changed) => {
                let others = changed.iter().filter(|it| it.compared.from != it.compared.to);
                others.map(|it| it.compared.name.as_str()).collect()
            }
        };
        let mut names: BTreeSet<String> = made.into_iter().map(str::to_owned).collect();
        self.unbuilt.retain(|name| !names.contains(name));
        self.unpublished.retain(|name| !names.contains(name));
        if heard.was_written {
            names.append(&mut self.unbuilt);
            names.append(&mut self.unpublished);
        }
        let due = self.due_calls(&now, changed.as_deref(), &names, heard)?;
        let known = self.known.insert(now);
        let makes = |name: &String| {
            let known = known.get(name);
            known.is_some_and(|known| known.is_asked_for || self.args.invoke.is_some())
        };
        let names: Vec<String> = names.into_iter().filter(makes).collect();
        self.make(&names)?;
        due.iter().try_for_each(|name| self.call(name))
    }

    /// What everything is now. What can't be read is an error within.
    fn look(&mut self) -> Result<Result<BTreeMap<String, Known>>> {
        report::look_again();
        let loaded = loop {
            let loaded = self.load();
            let mut files = vec![self.settings.file()];
            files.extend(self.args.invoke.clone());
            let settings = &self.settings;
            let watched = match Watched::of(&self.functions, settings.places(), &settings.config_dir, &files) {
                Ok(watched) => watched,
                Err(error) => return Ok(Err(error)),
            };
            // What was read before others were watched is read again: it may have changed unheard.
            if !self.changes.watch(watched, &settings.out_dir)? {
                break loaded;
            }
        };
        Ok(loaded.and_then(|functions| self.hash(functions)))
    }

    fn load(&mut self) -> Result<BTreeMap<String, Function>> {
        self.settings = settings(self.args, self.common)?;
        let functions = load_functions(&self.settings)?;
        self.functions = function::select(functions.clone(), &self.args.names)?.into_all();
        Ok(functions)
    }

    fn hash(&self, functions: BTreeMap<String, Function>) -> Result<BTreeMap<String, Known>> {
        let caches = open_caches(&self.settings, false);
        let hashed = hash_loaded(functions, &self.settings, &self.args.names, &caches, self.meter)?;
        caches::keep(caches);
        let asked_for = hashed.functions.len();
        let known = hashed.into_all().into_iter().enumerate().map(|(index, hashed)| {
            let version = Version::of(&hashed)?;
            let known = Known {
                version,
                is_asked_for: index < asked_for,
                function: hashed.function,
            };
            Ok((known.function.name.to_string(), known))
        });
        known.collect()
    }

    /// `None` where nothing was known before.
    fn tell_changes(&mut self, now: &BTreeMap<String, Known>, heard: &Heard) -> Result<Option<Vec<Changed>>> {
        let elapsed_ms = heard.since.elapsed().as_millis();
        let was_wrong = self.fault.take().is_some();
        let Some(before) = &self.known else {
            let functions = now.iter().map(|(name, known)| Is {
                name,
                source_hash: known.version.manifest.source_hash().to_hex(),
            });
            let functions = functions.collect();
            show(&Event::Watching { functions, elapsed_ms }, self.common.json)?;
            return Ok(None);
        };
        let changed = changes(before, now)?;
        if was_wrong || !changed.is_empty() {
            let functions = changed.as_slice();
            show(&Event::Changed { functions, elapsed_ms }, self.common.json)?;
        }
        Ok(Some(changed))
    }

    /// The packages, on disk and if wanted in the store. What fails is told, and tried again when something is saved.
    fn make(&mut self, names: &[String]) -> Result<()> {
        // To others, no name means all.
        if names.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let rows = build::build(names, false, &self.settings, self.meter);
        let (built, failed) = self.made(names, rows)?;
        self.unbuilt.extend(failed);
        let elapsed_ms = start.elapsed().as_millis();
        show_rows(&built, |packages| Event::Built { packages, elapsed_ms }, self.common)?;
        let known = self.known.as_ref();
        let is_asked_for = |name: &String| known.is_some_and(|known| known[name].is_asked_for);
        let built: Vec<String> = built.into_iter().map(|row| row.name).filter(is_asked_for).collect();
        if !self.args.upload || built.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let rows = upload::publish(&built, false, &BTreeMap::new(), &self.settings, self.meter);
        let (uploaded, failed) = self.made(&built, rows)?;
        self.unpublished.extend(failed);
        let elapsed_ms = start.elapsed().as_millis();
        show_rows(
            &uploaded,
            |packages| Event::Uploaded { packages, elapsed_ms },
            self.common,
        )
    }

    /// Tells what failed; returns the rest, and of which functions it failed.
    fn made(&self, names: &[String], rows: Result<Vec<Result<PackageRow>>>) -> Result<(Vec<PackageRow>, Vec<String>)> {
        self.meter.check()?;
        let (rows, errors): (Vec<_>, Vec<_>) = match rows {
            Ok(rows) => rows.into_iter().partition(Result::is_ok),
            Err(error) => (Vec::new(), vec![Err(error)]),
        };
        let rows: Vec<PackageRow> = rows.into_iter().filter_map(Result::ok).collect();
        if let Some(error) = Error::join(errors.into_iter().filter_map(Result::err)) {
            show_error(&error, self.common.json)?;
        }
        let made: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let failed = names.iter().filter(|name| !made.contains(name.as_str()));
        let failed = failed.cloned().collect();
        Ok((rows, failed))
    }

    /// Functions whose handler is to be called: those that are made, those whose definition or layer changed, or all if the event
    /// did.
    fn due_calls(
        &mut self,
        now: &BTreeMap<String, Known>,
        changed: Option<&[Changed]>,
        made: &BTreeSet<String>,
        heard: &Heard,
    ) -> Result<Vec<String>> {
        let Some(file) = &self.args.invoke else {
            return Ok(Vec::new());
        };
        let is_redefined = |name: &str| {
            let mut changed = changed.unwrap_or_default().iter();
            changed.any(|it| it.definition_changed && it.compared.name == name)
        };
        let has_handler = |known: &Known| known.is_asked_for && known.function.definition.kind == Kind::Function;
        let due = now.iter().filter(|(name, known)| {
            let has_new_layer = known.function.layer_names().any(|layer| made.contains(layer));
            has_handler(known) && (made.contains(*name) || is_redefined(name) || has_new_layer)
        });
        self.uncalled.extend(due.map(|(name, _)| name.clone()));
        let event = match read_event(file) {
            Ok(event) => event,
            Err(error) => {
                tell_fault(&mut self.fault_of_event, &error, heard, self.common, self.meter)?;
                return Ok(Vec::new());
            }
        };
        self.fault_of_event = None;
        let mut due = mem::take(&mut self.uncalled);
        if self.event.as_ref() != Some(&event) {
            self.event = Some(event);
            due.extend(now.keys().cloned());
        }
        due.retain(|name| now.get(name).is_some_and(has_handler));
        Ok(due.into_iter().collect())
    }

    /// The one that handlers are told.
    fn region(&self) -> String {
        let known = self.settings.aws.known_region();
        known.unwrap_or_else(|| "us-east-1".to_owned())
    }

    fn call(&self, name: &str) -> Result<()> {
        let (Some(known), Some(event)) = (&self.known, &self.event) else {
            return Ok(());
        };
        let function = &known[name].function;
        let mut needed = [name].into_iter().chain(function.layer_names());
        if needed.any(|name| self.unbuilt.contains(name)) {
            return Ok(());
        }
        let package = |name: &str| self.settings.out_dir.join(format!("{name}.zip"));
        let layers: Vec<PathBuf> = function.layer_names().map(package).collect();
        let region = self.region();
        let call = Call {
            function,
            package: &package(name),
            layers: &layers,
            event,
            region: &region,
            passed: &self.args.pass,
        };
        let outcome = super::in_function(name, invocation::invoke(&call, self.meter));
        self.meter.check()?;
        match outcome {
            Ok(outcome) => {
                let outcome = &outcome;
                show(&Event::Invoked { name, outcome }, self.common.json)
            }
            Err(error) => show_error(&error, self.common.json),
        }
    }
}

fn settings(args: &WatchArgs, common: &Common) -> Result<Settings> {
    Settings::resolve(common, args.out_dir.as_deref(), Some(&args.packing))
}

/// Each fault is told once, and again when somebody saves something and it is still there.
fn tell_fault(
    told: &mut Option<String>,
    error: &Error,
    heard: &Heard,
    common: &Common,
    meter: &'static Meter,
) -> Result<()> {
    meter.check()?;
    let texts = error.each().map(Error::message).collect::<Vec<_>>().join("\n");
    if told.as_ref() == Some(&texts) && !heard.was_written {
        return Ok(());
    }
    *told = Some(texts);
    show_error(error, common.json)
}

/// Of each function that isn't as it was, in the order of their names.
fn changes(before: &BTreeMap<String, Known>, now: &BTreeMap<String, Known>) -> Result<Vec<Changed>> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let both = [before.get(name), now.get(name)];
        let compared = Compared::of(name, both.map(|known| Some(&known?.version)))?;
        let [was, is] = both.map(|known| Some(known?.function.definition.resolved()));
        let definition_changed = was.is_some() && is.is_some() && was != is;
        if definition_changed || compared.from != compared.to {
            changes.push(Changed {
                compared,
                definition_changed,
            });
        }
    }
    Ok(changes)
}

fn show_rows<'a>(
    rows: &'a [PackageRow],
    event: impl FnOnce(&'a [PackageRow]) -> Event<'a>,
    common: &Common,
) -> Result<()> {
    match rows {
        [] => Ok(()),
        rows => show(&event(rows), common.json),
    }
}

/// Its text, which must be JSON. It is read again and again: a pipe or a device would be waited for.
fn read_event(file: &Path) -> Result<Vec<u8>> {
    /// Of an event that a caller waits for: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
    const MOST_BYTES: u64 = 6 * 1024 * 1024;
    let found = fs::metadata(file).map_err(|cause| Error::input("read the event", file, cause))?;
    if !found.is_file() || found.len() > MOST_BYTES {
        let problem = format!("the event {} is no file of at most 6 MiB", file.display());
        return Err(Error::invalid(problem).help("name a file of JSON, as Lambda would be called with it"));
    }
    let text = input::read(file, "the event")?;
    json::parse::<Value>(file.display(), &text)?;
    Ok(text)
}
