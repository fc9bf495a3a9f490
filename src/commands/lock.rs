//! `lock`: the ecosystems' own tools lock what functions depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::build::{Locking, Target};
use lambda_pack_core::function;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;

use crate::build::{Programs, Versions, lock};
use crate::cli::{Common, LockArgs};
use crate::parallel;
use crate::report;
use crate::scratch;
use crate::settings::Settings;

/// They wait for registries most of the time.
const TOOLS_AT_ONCE: usize = 4;

#[derive(Serialize)]
struct Row {
    name: String,
    file: String,
    status: Status,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Created,
    Changed,
    Unchanged,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Created => "created",
            Status::Changed => "changed",
            Status::Unchanged => "unchanged",
        }
    }
}

/// A lock file, with all that share it.
struct Shared {
    locking: Locking,
    targets: BTreeSet<Target>,
    names: Vec<String>,
}

pub fn run(args: &LockArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let settings = Settings::resolve(common, None, None)?;
    let functions = function::select(super::load_functions_to_lock(&settings)?, &args.names)?;
    // Layers that dependencies are split off into, but no others that weren't asked for.
    let files: BTreeSet<&Path> = functions
        .functions
        .iter()
        .map(|function| function.file.as_path())
        .collect();
    let asked = functions
        .all()
        .filter(|function| files.contains(function.file.as_path()));
    let mut shared = BTreeMap::<PathBuf, Shared>::new();
    let mut results = Vec::new();
    for function in asked {
        match Locking::of(function, &settings.code_dir) {
            Ok(None) => {}
            Ok(Some(locking)) => {
                let one = shared.entry(locking.lock.clone()).or_insert_with(|| Shared {
                    locking: locking.clone(),
                    targets: BTreeSet::new(),
                    names: Vec::new(),
                });
                one.targets.insert(locking.target);
                one.names.push(function.name.to_string());
            }
            Err(error) => results.push(super::in_function(&function.name, Err(error))),
        }
    }
    if shared.is_empty() && results.is_empty() && !args.names.is_empty() {
        let names = args.names.join("`, `");
        return Err(Error::new(ErrorKind::Usage, format!("`{names}`: no dependencies to lock"))
            .help("`lambda-pack lock` is for functions with `build`; for checksums of assets there is `lambda-pack assets lock`"));
    }
    let versions = if args.upgrade {
        Versions::Upgrade
    } else {
        Versions::Keep
    };
    let shared: Vec<Shared> = shared.into_values().collect();
    let locked = parallel::map(&shared, TOOLS_AT_ONCE, |shared| {
        super::in_function(&shared.names[0], lock_one(shared, versions, meter))
    });
    for (shared, locked) in shared.iter().zip(locked) {
        match locked {
            Ok(status) => results.extend(shared.names.iter().map(|name| {
                Ok(Row {
                    name: name.clone(),
                    file: shared.locking.lock.display().to_string(),
                    status,
                })
            })),
            Err(error) => results.push(Err(error)),
        }
    }
    super::finish_rows(results, common.json, |rows: &[Row]| {
        let lines = rows
            .iter()
            .map(|row| vec![row.name.clone(), row.status.name().to_owned(), row.file.clone()]);
        report::table(&["function", "status", "lock file"], &[], lines)
    })
}

fn lock_one(shared: &Shared, versions: Versions, meter: &Meter) -> Result<Status> {
    let Shared { locking, targets, .. } = shared;
    // Go notes in `go.mod` too what `go.sum` locks.
    let files = [&locking.lock, &locking.stated_in];
    let before = files.map(|file| read(file));
    let scratch = scratch::directory()?;
    let programs = Programs {
        log: &scratch.path().join("log"),
        meter,
    };
    let targets: Vec<&Target> = targets.iter().collect();
    if let Err(error) = lock(locking, &targets, versions, &programs) {
        // The error shows what the tool said, and names its log.
        let _kept = scratch.keep();
        return Err(error);
    }
    let [lock_before, stated_before] = before;
    let lock_before = lock_before?;
    Ok(match (&lock_before, read(&locking.lock)?) {
        (None, Some(_)) => Status::Created,
        (before, after) if *before == after && stated_before? == read(&locking.stated_in)? => Status::Unchanged,
        _ => Status::Changed,
    })
}

/// `None` if there is no such file.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(content) => Ok(Some(content)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::input("read", file, cause)),
    }
}
