//! What was found in a function, judged by what its definition allows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobMatcher;
use rayon::prelude::*;

use super::environment;
use super::found::{Found, Place, What};
use super::infrastructure::{Infrastructure, Sign};
use super::look::{EntryStream, Look};
use super::published::Published;
use super::rules::{self, Rule};
use super::seen::{Allowance, Seen};
use crate::function::{Build, Function};
use crate::json::Object;
use crate::source::{Content, Tree, TreeEntry};
use crate::{Error, ErrorKind, Meter, Result, collect_all, shorten};

/// What the keys of variables begin with, and the paths of what allows them.
pub(super) const VARIABLES: [&str; 2] = ["environment.", "build.environment."];

/// Stands between a function's secrets and its package.
pub struct Guard<'a> {
    function: Option<&'a Function>,
    allowed: Vec<Allowed>,
    look: Look<'a>,
    is_satisfied: bool,
    /// What was found in entries, and allowed.
    seen: Mutex<Vec<Allowance>>,
}

struct Allowed {
    path: GlobMatcher,
    rule: &'static Rule,
    was_used: AtomicBool,
}

impl<'a> Guard<'a> {
    pub fn of(function: &'a Function) -> Self {
        let allowed = function.definition.allowed_secrets.iter().map(|allowed| Allowed {
            path: allowed.0.path.glob().compile_matcher(),
            rule: allowed.0.rule.rule(),
            was_used: AtomicBool::new(false),
        });
        Guard {
            allowed: allowed.collect(),
            function: Some(function),
            look: Look {
                infrastructure: function.infrastructure.as_deref(),
            },
            is_satisfied: false,
            seen: Mutex::default(),
        }
    }

    /// For a tree that no definition belongs to: nothing is allowed.
    pub fn strict() -> Self {
        Guard {
            function: None,
            allowed: Vec::new(),
            look: Look { infrastructure: None },
            is_satisfied: false,
            seen: Mutex::default(),
        }
    }

    /// For a copy of trees whose own guards have looked at them.
    pub fn satisfied() -> Self {
        Guard {
            is_satisfied: true,
            ..Guard::strict()
        }
    }

    /// Fails on secrets in the environment, of the function or of a program that builds it: the store keeps the latter.
    pub fn check_environment(&self) -> Result<()> {
        self.check_infrastructure()?;
        let definition = self.function.map(|function| &function.definition);
        let of_function = definition.and_then(|definition| definition.environment.as_ref());
        let of_build = match definition.and_then(|definition| definition.build.as_ref()) {
            Some(Object(Build::Command(build))) => Some(&build.environment),
            _ => None,
        };
        let environments = VARIABLES.into_iter().zip([of_function, of_build]);
        let found = environments.flat_map(|(prefix, variables)| {
            let variables = variables.into_iter().flat_map(|variables| variables.iter());
            variables.filter_map(move |(name, value)| {
                let rule = environment::find(name.as_str(), value)?;
                Some(Found::in_variable(format!("{prefix}{name}"), What::Rule(rule)))
            })
        });
        self.refuse(None, found)
    }

    /// Fails on the infrastructure's secrets in what the definition hands on as it is. Reads no file.
    pub fn check_infrastructure(&self) -> Result<()> {
        let (Some(function), Some(infrastructure)) = (self.function, self.look.infrastructure) else {
            return Ok(());
        };
        let leaks = infrastructure.in_definition(&function.definition).into_iter();
        self.refuse(None, leaks.map(|(key, leak)| Found::in_variable(key, leak.into())))
    }

    /// Fails on the infrastructure's secrets in addresses and paths of assets, before anything is asked for there.
    pub fn check_assets(&self) -> Result<()> {
        let (Some(function), Some(infrastructure)) = (self.function, self.look.infrastructure) else {
            return Ok(());
        };
        let leaks = infrastructure.in_assets(&function.definition).into_iter();
        self.refuse(None, leaks.map(|(key, leak)| Found::in_variable(key, leak.into())))
    }

    /// Fails on the infrastructure's secrets in a text that goes where the package goes; `place` says what it is.
    pub fn check_text(&self, place: &str, text: &str) -> Result<()> {
        let infrastructure = self.look.infrastructure;
        infrastructure.map_or(Ok(()), |infrastructure| infrastructure.check_text(place, text))
    }

    /// Fails on secrets in a tree. Reads all of it that is the user's own, or all if the infrastructure's are declared.
    pub fn check_tree(&self, tree: &Tree, meter: &Meter) -> Result<()> {
        self.refuse(Some(tree), self.find(tree, meter)?)
    }

    /// Fails on the infrastructure's secrets in a tree. Reads nothing if none is declared.
    pub fn check_tree_for_infrastructure(&self, tree: &Tree, meter: &Meter) -> Result<()> {
        if self.look.infrastructure.is_none() {
            return Ok(());
        }
        let found = self.find(tree, meter)?.into_iter();
        self.refuse(Some(tree), found.filter(Found::is_infrastructure))
    }

    fn find(&self, tree: &Tree, meter: &Meter) -> Result<Vec<Found>> {
        let entries: Vec<&Arc<TreeEntry>> = tree.entries().iter().filter(|entry| self.look.is_at(entry)).collect();
        let found: Vec<Result<Vec<Found>>> = entries
            .into_par_iter()
            .map(|entry| {
                meter.check()?;
                match &entry.content {
                    Content::Symlink { .. } => Ok(Vec::new()),
                    Content::File { size, .. } => self.look.read(entry, *size),
                }
            })
            .collect();
        let found = collect_all(found)?.into_iter().flatten();
        Ok(self.look.names(tree).into_iter().chain(found).collect())
    }

    /// What an entry's content has, all of which is here.
    pub(crate) fn search(&self, entry: &TreeEntry, content: &[u8]) -> Vec<Found> {
        self.look.search(entry, content)
    }

    /// The same for content that comes in pieces; `None` if nobody looks at it.
    pub(crate) fn stream<'b>(&'b self, entry: &'b TreeEntry) -> Option<EntryStream<'b>> {
        self.look.stream(entry)
    }

    /// What names of entries say.
    pub(crate) fn names(&self, tree: &Tree) -> Vec<Found> {
        self.look.names(tree)
    }

    /// Fails unless all that was found is allowed, or public. `tree` is what it was found in.
    pub(crate) fn refuse(&self, tree: Option<&Tree>, found: impl IntoIterator<Item = Found>) -> Result<()> {
        let found = found.into_iter().filter(|found| !self.allows(found));
        let (declared, found): (Vec<Found>, Vec<Found>) = found.partition(Found::is_infrastructure);
        if !declared.is_empty() {
            return self.fail(&declared);
        }
        if found.is_empty() {
            return Ok(());
        }
        let published = tree.map(Published::of).transpose()?;
        let mut refused = Vec::new();
        for found in found {
            let is_public = match &published {
                Some(published) => found.is_in(published)?,
                None => false,
            };
            if !is_public {
                refused.push(found);
            }
        }
        self.fail(&refused)
    }

    fn fail(&self, refused: &[Found]) -> Result<()> {
        let is_variable = |found: &Found| matches!(found.place, Place::Variable { .. });
        let lines = match self.function {
            Some(function) if refused.iter().any(is_variable) => environment::lines(&function.file),
            _ => Default::default(),
        };
        let errors = refused.iter().map(|found| {
            let place = match &found.place {
                Place::Entry { text, .. } => text.clone(),
                Place::Variable { key } => {
                    let file = self.function.map(|function| function.file.display().to_string());
                    let line = lines.get(key).map(|line| format!(":{line}"));
                    format!("{}{}: key `{key}`", file.unwrap_or_default(), line.unwrap_or_default())
                }
            };
            let error = match &found.what {
                What::Infrastructure(secret, sign) => secret.refusal(place, *sign),
                What::Rule(Rule { id, what, .. }) => Error::new(
                    ErrorKind::Secret,
                    format!("{place}: secret found: {what} (rule `{id}`)"),
                ),
            };
            error.help(self.way_out(found))
        });
        Error::join(errors).map_or(Ok(()), Err)
    }

    fn way_out(&self, found: &Found) -> String {
        let definition = match self.function {
            Some(function) => function.file.display().to_string(),
            None => "the definition".to_owned(),
        };
        let (instead, path) = match &found.place {
            Place::Entry { path, remedy, .. } => (*remedy, globset::escape(path)),
            Place::Variable { key } => match &found.what {
                What::Rule(_) => (
                    "keep it in Secrets Manager or Parameter Store, and name it there",
                    key.clone(),
                ),
                What::Infrastructure(..) => ("remove it: no function needs it", key.clone()),
            },
        };
        let declared = match &found.what {
            What::Infrastructure(secret, _) => format!(" (it is declared as: {})", shorten(secret.reason())),
            What::Rule(_) => String::new(),
        };
        let Some(rule) = found.rule() else {
            return format!("{instead}{declared}");
        };
        let path = serde_json::Value::from(path);
        format!(
            "{instead}{declared}; if it is no secret, allow it in {definition}: \"allowed_secrets\": [{{\"path\": {path}, \"rule\": \"{}\", \"reason\": \"…\"}}]",
            rule.id
        )
    }

    fn allows(&self, found: &Found) -> bool {
        if self.is_satisfied {
            return true;
        }
        // All entries that match are used, not only the first.
        let matching = self.allowed.iter().filter(|allowed| allowed.matches(found));
        let count = matching
            .inspect(|allowed| allowed.was_used.store(true, Ordering::Relaxed))
            .count();
        if count > 0
            && let (Place::Entry { path, .. }, Some(rule)) = (&found.place, found.rule())
        {
            // A panic elsewhere left no half of an entry.
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(Allowance {
                path: path.to_string(),
                rule: rule.id.to_owned(),
            });
        }
        count > 0
    }

    /// What was looked for, and what was found and allowed. To be asked once all was checked.
    pub fn seen(&self) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Seen {
            allowed: seen.iter().cloned().collect(),
            declared: self.declared(),
        }
    }

    /// Whether an earlier search was for all that is declared now.
    pub fn was_searched_for(&self, seen: &Seen) -> bool {
        self.declared().is_subset(&seen.declared)
    }

    /// Fails on what was found in a package that the store has, and was allowed then, but isn't now; `url` says where.
    pub fn check_seen(&self, seen: &Seen, url: &str) -> Result<()> {
        let refused = seen.allowed.iter().filter(|it| !self.allows_at(&it.path, &it.rule));
        let errors = refused.map(|Allowance { path, rule }| {
            let what = rules::find(rule).map_or("a secret", |rule| rule.what);
            Error::new(
                ErrorKind::Secret,
                format!("`{url}`: {path}: secret found: {what} (rule `{rule}`)"),
            )
            .help("it was allowed when that was uploaded: allow it again with `allowed_secrets`, or remove it and delete the package and its record")
        });
        Error::join(errors).map_or(Ok(()), Err)
    }

    fn allows_at(&self, path: &str, rule: &str) -> bool {
        let mut allowed = self.allowed.iter();
        allowed.any(|allowed| allowed.rule.id == rule && allowed.path.is_match(path))
    }

    /// Digests of what is declared to be the infrastructure's.
    pub fn declared(&self) -> BTreeSet<String> {
        (self.look.infrastructure)
            .map(Infrastructure::digests)
            .unwrap_or_default()
    }

    /// Whether a package that was searched is searched again: nobody notes which values it was searched for.
    pub fn knows_values(&self) -> bool {
        self.look.infrastructure.is_some_and(Infrastructure::has_values)
    }

    /// Fails on the infrastructure's secrets in a package that the store has; `url` says where.
    pub fn check_package(&self, package: &Path, url: &str, meter: &Meter) -> Result<()> {
        let Some(infrastructure) = self.look.infrastructure else {
            return Ok(());
        };
        let leaks = infrastructure.in_package(package, meter)?.into_iter();
        let is_allowed = |path: &str, sign: Sign| match sign {
            Sign::Kind(rule) => self.allows_at(path, rule.id),
            Sign::Value | Sign::Pattern | Sign::Name => false,
        };
        let errors = leaks.filter(|(path, leak)| !is_allowed(path, leak.sign)).map(|(path, leak)| {
            let place = format!("`{url}`: {path}:{}", leak.line);
            let refusal = leak.secret.refusal(place, leak.sign);
            refusal.help(
                "remove it from what this is made of, delete the package and its record, and change the secret: whoever reads the \
                 store may know it",
            )
        });
        Error::join(errors).map_or(Ok(()), Err)
    }

    /// What is allowed and was not found. To be asked once all was checked.
    pub fn unused(&self) -> Vec<String> {
        // What isn't in the one may be in the other.
        if self.function.is_some_and(Function::is_split) {
            return Vec::new();
        }
        let unused = self
            .allowed
            .iter()
            .enumerate()
            .filter(|(_, allowed)| !allowed.was_used.load(Ordering::Relaxed));
        unused
            .map(|(index, allowed)| {
                format!(
                    "`allowed_secrets[{index}]` is not needed: nothing at `{}` matches the rule `{}`; remove it",
                    allowed.path.glob(),
                    allowed.rule.id
                )
            })
            .collect()
    }
}

impl Allowed {
    fn matches(&self, found: &Found) -> bool {
        let is_for_variables = VARIABLES
            .iter()
            .any(|prefix| self.path.glob().glob().starts_with(prefix));
        let matches = match &found.place {
            Place::Entry { path, .. } => self.path.is_match(&**path),
            // No `**` allows what it wasn't written for.
            Place::Variable { key } => is_for_variables && self.path.is_match(key),
        };
        matches && found.rule().is_some_and(|rule| rule.id == self.rule.id)
    }
}
