//! Whether what Lambda has is what was meant.

use std::collections::{BTreeMap, BTreeSet};

use super::deployed::{Drift, Looked, Seen};
use super::signed::Proof;
use crate::lambda::{Code, Version};
use crate::packages_file::NamedPackage;

/// What is to be compared with: the packages, and what is in the layer versions that Lambda has.
pub(super) struct Meant<'a> {
    pub name_prefix: &'a str,
    pub packages: &'a BTreeMap<String, NamedPackage>,
    pub layer_contents: BTreeMap<String, Code>,
    /// Of signed code, by the package that it should be of.
    pub proofs: BTreeMap<(String, Code), Proof>,
}

/// What came of comparing code or a layer.
#[derive(Default)]
struct Compared {
    drift: Option<Drift>,
    unproved: Option<String>,
    by_entries: bool,
}

impl Meant<'_> {
    /// The signed code among what was seen, with the package that each should be of.
    pub fn signed<'s>(&'s self, names: &'s [String], seen: &'s [Vec<(String, Seen)>]) -> BTreeSet<(&'s str, &'s Code)> {
        let mut signed = BTreeSet::new();
        for (name, (_, seen)) in names
            .iter()
            .zip(seen)
            .flat_map(|(name, seen)| seen.iter().map(move |it| (name, it)))
        {
            match seen {
                Seen::Function(version) => {
                    signed.insert((name.as_str(), &version.code));
                    let arns = version.layers.iter();
                    signed.extend(arns.filter_map(|arn| Some((self.layer_of(arn)?, self.layer_contents.get(arn)?))));
                }
                Seen::Layer { code, .. } => drop(signed.insert((name.as_str(), code))),
                Seen::Held(_) | Seen::Missing { .. } => {}
            }
        }
        signed.retain(|(name, code)| code.signing_job.is_some() && code.sha256 != self.packages[*name].code_sha256);
        signed
    }

    pub fn compare(&self, name: &str, package: &NamedPackage, (qualifier, seen): (String, Seen)) -> Looked {
        let mut looked = Looked {
            qualifier,
            version: String::new(),
            held: false,
            signing_job: None,
            unproved: None,
            by_entries: false,
            differences: Vec::new(),
        };
        match seen {
            Seen::Held(version) => {
                looked.held = true;
                looked.version = version.version;
                looked.signing_job = version.code.signing_job;
            }
            Seen::Function(version) => {
                looked.add(self.code("code_sha256", name, package, &version.code));
                looked.differences.extend(settings_of(package, &version));
                looked.add(self.layers(package, &version));
                looked.version = version.version;
                looked.signing_job = version.code.signing_job;
            }
            Seen::Layer { version, code } => {
                looked.add(self.code("code_sha256", name, package, &code));
                looked.version = version.to_string();
                looked.signing_job = code.signing_job;
            }
            Seen::Missing { expected, found } => looked.differences.extend(drift("alias", &expected, &found)),
        }
        looked
    }

    /// Whether code is that of a package.
    fn code(&self, what: &'static str, name: &str, package: &NamedPackage, code: &Code) -> Compared {
        let expected = &package.code_sha256;
        let differs = |found: String| Compared {
            drift: drift(what, expected, &found),
            ..Compared::default()
        };
        match self.proofs.get(&(name.to_owned(), code.clone())) {
            None => differs(code.sha256.clone()),
            Some(Proof::OfPackage) => Compared {
                by_entries: true,
                ..Compared::default()
            },
            Some(Proof::OfAnother(other)) => differs(format!("{}, signed code of the package {other}", code.sha256)),
            Some(Proof::Differs(changes)) => {
                let changes = changes
                    .iter()
                    .take(10)
                    .map(|it| format!("`{}` ({})", it.path, it.change.name()));
                let changes: Vec<String> = changes.collect();
                differs(format!(
                    "{}, signed code whose entries aren't the package's: {}",
                    code.sha256,
                    changes.join(", ")
                ))
            }
            Some(Proof::Unsigned) => differs(format!(
                "{}, code of a signing job with the entries of the package and no signature",
                code.sha256
            )),
            Some(Proof::Unproved(why)) => Compared {
                unproved: Some(format!(
                    "whether the signed code {} is of the package {expected}: {why}",
                    code.sha256
                )),
                ..Compared::default()
            },
        }
    }

    fn layers(&self, package: &NamedPackage, found: &Version) -> Compared {
        let list = |texts: &[String]| texts.join(", ");
        let meant = package.definition.layers.as_deref().unwrap_or_default();
        let other = || Compared {
            drift: drift("layers", &list(meant), &list(&found.layers)),
            ..Compared::default()
        };
        if meant.len() != found.layers.len() {
            return other();
        }
        let mut unproved = Vec::new();
        let mut by_entries = false;
        for (meant, arn) in meant.iter().zip(&found.layers) {
            let compared = match self.packages.get(meant) {
                None if meant == arn => continue,
                None => return other(),
                Some(_) if self.layer_of(arn) != Some(meant) => return other(),
                Some(layer) => match self.layer_contents.get(arn) {
                    Some(code) => self.code("layers", meant, layer, code),
                    None => return other(),
                },
            };
            if compared.drift.is_some() {
                return other();
            }
            by_entries |= compared.by_entries;
            unproved.extend(compared.unproved.map(|why| format!("layer `{meant}`: {why}")));
        }
        Compared {
            drift: None,
            unproved: (!unproved.is_empty()).then(|| unproved.join("; ")),
            by_entries,
        }
    }

    /// The package that a layer version is to be of, by its name.
    fn layer_of(&self, arn: &str) -> Option<&str> {
        let name = arn.rsplit(':').nth(1)?.strip_prefix(self.name_prefix)?;
        self.packages.get_key_value(name).map(|(name, _)| name.as_str())
    }
}

impl Looked {
    fn add(&mut self, compared: Compared) {
        self.differences.extend(compared.drift);
        self.by_entries |= compared.by_entries;
        let both = self.unproved.take().into_iter().chain(compared.unproved);
        let both: Vec<String> = both.collect();
        self.unproved = (!both.is_empty()).then(|| both.join("; "));
    }
}

/// What of a definition Lambda shows, beside the layers.
fn settings_of(package: &NamedPackage, found: &Version) -> Vec<Drift> {
    let definition = &package.definition;
    // What the definition leaves open, the deploy module was told otherwise.
    let said = |what, meant: &Option<String>, found: &Option<String>| {
        drift(what, meant.as_ref()?, found.as_deref().unwrap_or_default())
    };
    let list = |texts: &[String]| texts.join(", ");
    let differences = [
        said("runtime", &definition.runtime, &found.runtime),
        said("handler", &definition.handler, &found.handler),
        drift(
            "architectures",
            &list(&definition.architectures),
            &list(&found.architectures),
        ),
    ];
    differences.into_iter().flatten().collect()
}

fn drift(what: &'static str, expected: &str, found: &str) -> Option<Drift> {
    (expected != found).then(|| Drift {
        what,
        expected: expected.to_owned(),
        found: found.to_owned(),
    })
}
