//! Secrets of the infrastructure: declared, since no function needs them, and refused wherever they are packed or deployed.

mod decoded;
mod definition;
mod folded;
mod hide;
mod pattern;
mod search;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use pattern::searching;
pub use search::Sign;
pub use values::fault;

use self::hide::without_digests;
use self::search::{Hit, HitStream, Search};
use super::guard::Guard;
use super::rules;
use super::scan::{Finding, scan};
use super::value::SecretValue;
use crate::digest::Algorithm;
use crate::function::{Function, Secret, SecretClass};
use crate::json::Object;
use crate::{Error, ErrorKind, Result, collect_all};

/// One of them, and by what it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    id: String,
    /// Why it is in no package.
    reason: String,
    /// The id of a rule for what looks like it.
    kind: Option<&'static str>,
    /// A variable of the machine that packs.
    variable: Option<String>,
    /// A regular expression of its whole text.
    pattern: Option<String>,
}

/// One of them in some content.
#[derive(Clone)]
pub struct Leak {
    pub secret: Arc<Declared>,
    pub sign: Sign,
    /// From 1.
    pub line: u64,
}

impl Declared {
    fn of(secret: &Secret) -> Option<Self> {
        (secret.class == SecretClass::Infrastructure).then(|| Declared {
            id: secret.id.to_string(),
            reason: secret.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            kind: secret.kind.map(|kind| kind.rule().id),
            variable: secret.known_variable().map(str::to_owned),
            pattern: secret.pattern.as_ref().map(ToString::to_string),
        })
    }

    /// Says what was found where, never what it reads like.
    pub fn refusal(&self, place: impl fmt::Display, sign: Sign) -> Error {
        let sign = match sign {
            Sign::Kind(rule) => format!("{} (kind `{}`)", rule.what, rule.id),
            Sign::Value => match &self.variable {
                Some(variable) => format!("the value of the variable `{variable}`"),
                None => "its value".to_owned(),
            },
            Sign::Pattern => "what its pattern matches".to_owned(),
            Sign::Name => "a variable of its name".to_owned(),
        };
        Error::new(
            ErrorKind::Infrastructure,
            format!("{place}: infrastructure secret `{}` found: {sign}", self.id),
        )
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }
}

fn digest(key: &str, text: &str) -> String {
    Algorithm::Blake3.hash(format!("{key}={text}").as_bytes()).to_hex()
}

/// A secret that is in no package, and why: for those who receive the packages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excluded {
    pub id: String,
    pub reason: String,
}

/// All that are declared for a project, ready to be looked for.
pub struct Infrastructure {
    secrets: Vec<Arc<Declared>>,
    search: Search,
    digests: BTreeSet<String>,
    /// Those whose value this machine doesn't know, each with why, and what mends it.
    unknown: Vec<(Arc<Declared>, String)>,
}

impl fmt::Debug for Infrastructure {
    /// Without what is looked for: values are in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.secrets.iter().map(|secret| &secret.id))
            .finish()
    }
}

/// Lets each of `functions` know the secrets that any of them declares to be the infrastructure's, and those of them in `others`: none of
/// these may be in any package. `value_of` gives the values of this machine's variables. Fails if an asset's address has one: to look for the
/// asset would hand it out.
pub fn protect(
    functions: &mut BTreeMap<String, Function>,
    others: &[Secret],
    value_of: impl Fn(&str) -> Result<Option<SecretValue>>,
) -> Result<()> {
    let secrets = functions.values().flat_map(|function| &function.definition.secrets);
    let secrets = secrets.map(|Object(secret)| secret).chain(others);
    let declared: BTreeSet<Declared> = secrets.filter_map(Declared::of).collect();
    if declared.is_empty() {
        return Ok(());
    }
    let infrastructure = Arc::new(Infrastructure::new(declared, value_of)?);
    for function in functions.values_mut() {
        function.infrastructure = Some(Arc::clone(&infrastructure));
    }
    collect_all(functions.values().map(|function| Guard::of(function).check_assets())).map(drop)
}

impl Infrastructure {
    fn new(declared: BTreeSet<Declared>, value_of: impl Fn(&str) -> Result<Option<SecretValue>>) -> Result<Self> {
        let secrets: Vec<Arc<Declared>> = declared.into_iter().map(Arc::new).collect();
        let (mut kinds, mut patterns) = (Vec::new(), Vec::new());
        let (mut spelled, mut folded, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
        let (mut digests, mut unknown) = (BTreeSet::new(), Vec::new());
        for (index, secret) in secrets.iter().enumerate() {
            kinds.extend(secret.kind.and_then(rules::find).map(|rule| (rule, index)));
            if let Some(pattern) = &secret.pattern {
                let searching = searching(pattern)
                    .map_err(|why| Error::invalid(format!("secret `{}`: key `pattern`: {why}", secret.id)))?;
                patterns.push((searching, index));
            }
            let value = secret.variable.as_deref().map(&value_of).transpose()?.flatten();
            let fault = secret
                .variable
                .as_deref()
                .and_then(|variable| values::fault(variable, value.as_ref()));
            unknown.extend(fault.map(|(what, remedy)| (Arc::clone(secret), format!("{what}; {remedy}"))));
            let known = [("kind", secret.kind), ("pattern", secret.pattern.as_deref())];
            digests.extend(known.into_iter().filter_map(|(key, text)| Some(digest(key, text?))));
            let owned = |spelling| (spelling, index);
            spelled.extend(value.iter().flat_map(values::spellings).map(owned));
            folded.extend(value.iter().flat_map(values::folded).map(owned));
            decoded.extend(value.iter().flat_map(values::decoded).map(owned));
        }
        Ok(Infrastructure {
            secrets,
            search: Search::new(kinds, patterns, [spelled, folded, decoded]),
            digests,
            unknown,
        })
    }

    /// Whether another one of this process looks for the same: the variables that hold values don't change.
    pub fn is_as(&self, other: &Infrastructure) -> bool {
        self.secrets == other.secrets
    }

    /// What isn't looked for here, since the variable that holds it is not set, or holds too little.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self
            .unknown
            .iter()
            .map(|(secret, why)| format!("infrastructure secret `{}`: {why}", secret.id));
        let warnings: BTreeSet<String> = warnings.collect();
        warnings.into_iter().collect()
    }

    /// What is looked for wherever packages are made, each as a digest that tells it from others and nothing more. Values aren't
    /// among them: they differ from machine to machine and from day to day, and their digests would help to guess them.
    pub(super) fn digests(&self) -> BTreeSet<String> {
        self.digests.clone()
    }

    /// Each once, by id.
    pub fn excluded(&self) -> Vec<Excluded> {
        let excluded = self.secrets.iter().map(|secret| Excluded {
            id: secret.id.clone(),
            reason: secret.reason.clone(),
        });
        let excluded: BTreeSet<Excluded> = excluded.collect();
        excluded.into_iter().collect()
    }

    /// Fails if any of them is in a text of ours that is handed out; `place` says what it is.
    pub fn check_text(&self, place: &str, text: &str) -> Result<()> {
        let looks = without_digests(text.as_bytes());
        let leaks = self.leaks(self.search.whole(text.as_bytes(), &looks, &self.findings(&looks)));
        let errors = leaks.into_iter().map(|leak| {
            let place = match text.contains('\n') {
                true => format!("{place}:{}", leak.line),
                false => place.to_owned(),
            };
            let help = "remove it from what this is made of: definitions, lambda-pack.toml, names of files";
            leak.secret.refusal(place, leak.sign).help(help)
        });
        Error::join(errors).map_or(Ok(()), Err)
    }

    /// Whether the value of one is known here.
    pub(super) fn has_values(&self) -> bool {
        self.search.has_values()
    }

    /// Whether one is known by what it looks like.
    pub(super) fn has_kinds(&self) -> bool {
        self.search.has_kinds()
    }

    /// In a whole file's content, where the rules have found what they know.
    pub(super) fn search(&self, content: &[u8], findings: &[Finding]) -> Vec<Leak> {
        self.leaks(self.search.whole(content, content, findings))
    }

    pub(super) fn search_text(&self, text: &str) -> Vec<Leak> {
        self.search(text.as_bytes(), &self.findings(text.as_bytes()))
    }

    fn findings(&self, text: &[u8]) -> Vec<Finding> {
        match self.has_kinds() {
            true => scan(text),
            false => Vec::new(),
        }
    }

    pub(super) fn stream(&self) -> LeakStream<'_> {
        LeakStream {
            infrastructure: self,
            hits: HitStream::new(&self.search),
        }
    }

    fn leaks(&self, hits: Vec<Hit>) -> Vec<Leak> {
        let leaks = hits.into_iter().map(|Hit { secret, sign, line }| Leak {
            secret: Arc::clone(&self.secrets[secret]),
            sign,
            line,
        });
        leaks.collect()
    }
}

/// Looks at content that comes in pieces.
pub struct LeakStream<'a> {
    infrastructure: &'a Infrastructure,
    hits: HitStream<'a>,
}

impl LeakStream<'_> {
    pub fn push(&mut self, piece: &[u8]) {
        self.hits.push(piece);
    }

    pub fn finish(self, findings: &[Finding]) -> Vec<Leak> {
        self.infrastructure.leaks(self.hits.finish(findings))
    }
}
