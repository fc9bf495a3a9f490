//! What was found in a function, judged by what its definition allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::GlobMatcher;
use rayon::prelude::*;

use super::environment;
use super::published::Published;
use super::rules::{RULES, Rule, Sign};
use super::scan::{Finding, Stream, scan};
use crate::archive::deflate::LARGE_FILE_BYTES;
use crate::function::{Build, Function};
use crate::json::Object;
use crate::source::{Content, Tree, TreeEntry, read_stable};
use crate::{Error, ErrorKind, Meter, Result, collect_all};

/// What the keys of variables begin with, and the paths of what allows them.
pub(super) const VARIABLES: [&str; 2] = ["environment.", "build.environment."];

/// Stands between a function's secrets and its package.
pub struct Guard<'a> {
    function: Option<&'a Function>,
    allowed: Vec<Allowed>,
    is_satisfied: bool,
}

struct Allowed {
    path: GlobMatcher,
    rule: &'static Rule,
    was_used: AtomicBool,
}

/// A secret, and where.
pub(crate) struct Found {
    place: Place,
    rule: &'static Rule,
}

enum Place {
    Entry {
        path: Arc<str>,
        /// The file and line, or the file alone where its name says all.
        file: String,
    },
    Variable {
        /// As the definition has it, from its top.
        key: String,
    },
}

impl Found {
    pub fn in_content(entry: &TreeEntry, findings: &[Finding]) -> Vec<Self> {
        let found = findings.iter().map(|finding| {
            let file = format!("{}:{}", entry.file.display(), finding.line);
            Self::in_entry(entry, file, finding.rule)
        });
        found.collect()
    }

    fn is_in(&self, published: Option<&Published>) -> Result<bool> {
        match (&self.place, published) {
            (Place::Entry { path, .. }, Some(published)) => published.has(path),
            _ => Ok(false),
        }
    }

    fn in_entry(entry: &TreeEntry, file: String, rule: &'static Rule) -> Self {
        let path = Arc::clone(&entry.path);
        let place = Place::Entry { path, file };
        Found { place, rule }
    }
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
            is_satisfied: false,
        }
    }

    /// For a tree that no definition belongs to: nothing is allowed.
    pub fn strict() -> Self {
        Guard {
            function: None,
            allowed: Vec::new(),
            is_satisfied: false,
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
                let key = format!("{prefix}{name}");
                let place = Place::Variable { key };
                Some(Found { place, rule })
            })
        });
        self.refuse(None, found)
    }

    /// Fails on secrets in what a tree has of its own. Reads all of it.
    pub fn check_tree(&self, tree: &Tree, meter: &Meter) -> Result<()> {
        let own: Vec<&Arc<TreeEntry>> = tree.entries().iter().filter(|entry| entry.is_own()).collect();
        let found: Vec<Result<Vec<Found>>> = own
            .into_par_iter()
            .map(|entry| {
                meter.check()?;
                let findings = match &entry.content {
                    Content::Symlink { .. } => Vec::new(),
                    Content::File { size, .. } => read(entry, *size)?,
                };
                Ok(Found::in_content(entry, &findings))
            })
            .collect();
        let found = collect_all(found)?.into_iter().flatten();
        self.refuse(Some(tree), names(tree).chain(found))
    }

    /// Fails unless all that was found is allowed, or public. `tree` is what it was found in.
    pub(crate) fn refuse(&self, tree: Option<&Tree>, found: impl IntoIterator<Item = Found>) -> Result<()> {
        let found: Vec<Found> = found.into_iter().filter(|found| !self.allows(found)).collect();
        if found.is_empty() {
            return Ok(());
        }
        let published = tree.map(Published::of).transpose()?;
        let mut refused = Vec::new();
        for found in found {
            if !found.is_in(published.as_ref())? {
                refused.push(found);
            }
        }
        let is_variable = |found: &Found| matches!(found.place, Place::Variable { .. });
        let lines = match self.function {
            Some(function) if refused.iter().any(is_variable) => environment::lines(&function.file),
            _ => Default::default(),
        };
        let errors = refused.iter().map(|found| {
            let place = match &found.place {
                Place::Entry { file, .. } => file.clone(),
                Place::Variable { key } => {
                    let file = self.function.map(|function| function.file.display().to_string());
                    let line = lines.get(key).map(|line| format!(":{line}"));
                    format!("{}{}: key `{key}`", file.unwrap_or_default(), line.unwrap_or_default())
                }
            };
            let Rule { id, what, .. } = found.rule;
            Error::new(
                ErrorKind::Secret,
                format!("{place}: secret found: {what} (rule `{id}`)"),
            )
            .help(self.way_out(found))
        });
        Error::join(errors).map_or(Ok(()), Err)
    }

    fn way_out(&self, found: &Found) -> String {
        let definition = match self.function {
            Some(function) => function.file.display().to_string(),
            None => "the definition".to_owned(),
        };
        let (instead, path) = match &found.place {
            Place::Entry { path, .. } => (
                "remove it, or leave the file out with `exclude` or `.lambdaignore`",
                globset::escape(path),
            ),
            Place::Variable { key } => (
                "keep it in Secrets Manager or Parameter Store, and name it there",
                key.clone(),
            ),
        };
        let path = serde_json::Value::from(path);
        format!(
            "{instead}; if it is no secret, allow it in {definition}: \"allowed_secrets\": [{{\"path\": {path}, \"rule\": \"{}\", \"reason\": \"…\"}}]",
            found.rule.id
        )
    }

    fn allows(&self, found: &Found) -> bool {
        if self.is_satisfied {
            return true;
        }
        // All entries that match are used, not only the first.
        let matching = self.allowed.iter().filter(|allowed| allowed.matches(found));
        matching
            .inspect(|allowed| allowed.was_used.store(true, Ordering::Relaxed))
            .count()
            > 0
    }

    /// What is allowed and was not found. To be asked once all was checked.
    pub fn unused(&self) -> Vec<String> {
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
        matches && self.rule.id == found.rule.id
    }
}

/// Files whose names say enough.
pub(crate) fn names(tree: &Tree) -> impl Iterator<Item = Found> {
    let own = tree.entries().iter().filter(|entry| entry.is_own());
    own.flat_map(|entry| {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let matching = RULES.iter().filter(move |rule| match rule.sign {
            Sign::FileName(is_match) => is_match(&lower),
            Sign::Content(_) | Sign::Variable => false,
        });
        matching.map(|rule| Found::in_entry(entry, entry.file.display().to_string(), rule))
    })
}

fn read(entry: &TreeEntry, size: u64) -> Result<Vec<Finding>> {
    const PIECE_BYTES: usize = 1024 * 1024;
    if size <= LARGE_FILE_BYTES {
        let mut findings = Vec::new();
        read_stable(&entry.file, LARGE_FILE_BYTES as usize + 1, |content| {
            findings = scan(content);
            Ok(())
        })?;
        return Ok(findings);
    }
    let mut stream = Stream::default();
    read_stable(&entry.file, PIECE_BYTES, |piece| {
        stream.push(piece);
        Ok(())
    })?;
    Ok(stream.finish())
}
