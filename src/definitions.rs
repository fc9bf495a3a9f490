//! The definitions that belong to packages: what is deployed with them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use lambda_pack_core::function::{self, Function};
use lambda_pack_core::profile::refuse_parameters;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde_json::{Map, Value};

use crate::checkout;
use crate::cli::Common;
use crate::git;
use crate::packaging::{hash_functions, open_caches};
use crate::settings::Settings;
use crate::store::{Record, Store};

/// Who said what a definition was.
pub enum Origin {
    Store,
    /// A commit, as it was named.
    Commit(String),
    File(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Store => f.write_str("store"),
            Origin::Commit(commit) => write!(f, "git:{commit}"),
            Origin::File(file) => f.write_str(file),
        }
    }
}

/// The definition that a package was uploaded with: as the store has it, or else as it was in the commit that the package was built
/// from.
pub fn of_package(
    store: &Store,
    name: &str,
    record: &Record,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<(Map<String, Value>, Origin)> {
    let source_hash = record.source_hash();
    let kept = store.kept(name, &source_hash)?;
    let definition = kept.as_ref().map(|kept| kept.definition()).transpose()?;
    if let Some(definition) = definition.flatten() {
        return Ok((definition, Origin::Store));
    }
    let lacks_manifest = kept.is_none();
    let unknown = |why: &str| {
        let (cause, mend) = match lacks_manifest {
            true => (
                "somebody deleted its manifest",
                format!(
                    "put that there again, from the sources of that package: {}; or ",
                    store.upload_command(name, &source_hash)
                ),
            ),
            false => ("it was uploaded by an older version", String::new()),
        };
        Error::failed(format!(
            "`{}` doesn't say what definition belonged to the source hash {source_hash}: {cause}; {why}",
            store.url()
        ))
        .help(format!(
            "{mend}`rollback` takes it from a commit with --commit REF, or from a file with --definition FILE; `promote` takes it from --packages"
        ))
    };
    let Some(commit) = store.git_commit(name, record)? else {
        return Err(unknown("and the package names no commit"));
    };
    // Of a commit that isn't quite it the source hash tells.
    let (commit, _) = git::unmarked(&commit);
    match at_commit(commit, name, record, settings, common, meter) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(unknown(&error.to_string())),
        definition => definition,
    }
}

/// The definition as it was in a commit whose sources are those of the package.
pub fn at_commit(
    commit: &str,
    name: &str,
    record: &Record,
    settings: &Settings,
    common: &Common,
    meter: &'static Meter,
) -> Result<(Map<String, Value>, Origin)> {
    let (settings, _written) = checkout::of(commit, settings, common)?;
    let caches = open_caches(&settings, false);
    let hashed = hash_functions(&settings, &[name.to_owned()], &caches, meter)?;
    let hashed = hashed
        .functions
        .into_iter()
        .find(|it| it.function.name.as_str() == name);
    let hashed = hashed.expect("it was selected");
    let [then, wanted] = [hashed.manifest.source_hash(), record.source_hash()];
    if then != wanted {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("in the commit {commit} the source hash of `{name}` is {then}, not {wanted}"),
        )
        .help(
            "name the commit that the package was built from, or the file that has its definition with --definition",
        ));
    }
    Ok((hashed.function.definition.resolved(), Origin::Commit(commit.to_owned())))
}

/// The definition in a file, as the profile wants it. Nobody but the user knows that it belongs to a package.
pub fn in_file(file: &Path, name: &str, settings: &Settings) -> Result<(Map<String, Value>, Origin)> {
    let content = fs::read(file).map_err(|cause| Error::input("read the definition", file, cause))?;
    let functions = function::parse_file(file, &content)?.into_iter();
    let functions: BTreeMap<String, Function> = functions
        .map(|function| (function.name.to_string(), function))
        .collect();
    let functions = match &settings.profile {
        Some(profile) => profile.apply(functions)?,
        None => refuse_parameters(&functions).map(|()| functions)?,
    };
    match functions.get(name) {
        Some(function) => Ok((function.definition.resolved(), Origin::File(file.display().to_string()))),
        None => Err(Error::invalid(format!(
            "`{}` defines {}, not `{name}`",
            file.display(),
            functions
                .keys()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(" and ")
        ))
        .help("its `function_name` says what it defines, or else the file's name")),
    }
}
