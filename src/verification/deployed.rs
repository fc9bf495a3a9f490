//! Whether Lambda runs what was published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lambda_pack_core::function::Kind;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, function};
use serde::Serialize;

use super::compare::Meant;
use super::signed;
use crate::lambda::{self, Code, LATEST, Lambda, Version};
use crate::packages_file::{self, NamedDefinition, NamedPackage};
use crate::packaging::{hash_functions, in_function, open_caches};
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, shell_word};
use crate::{caches, overrides, parallel, report};

/// A function or layer that was compared with what Lambda has.
#[derive(Debug, Serialize)]
pub struct Deployed {
    pub name: String,
    /// What Lambda calls it.
    pub function: String,
    pub source_hash: String,
    pub code_sha256: String,
    /// What was looked at. Empty if it isn't deployed.
    pub versions: Vec<Looked>,
    /// Bucket and key, if they are known.
    #[serde(skip)]
    package: Option<(String, String)>,
}

/// One version of it.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// The alias that leads there, or [`LATEST`]; of a layer `newest`.
    pub qualifier: String,
    pub version: String,
    /// Whether `alias_versions` hold the alias there: of an older version nobody says what is to be in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// ARN of the job of AWS Signer that made its code, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_job: Option<String>,
    /// What isn't known of it, and why: neither the same nor different.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproved: Option<String>,
    /// Whether its code, or that of a layer, was signed and compared by its entries.
    #[serde(skip)]
    pub by_entries: bool,
    pub differences: Vec<Drift>,
}

/// Something that isn't as it should be.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// As Terraform calls it; `alias` if that isn't there.
    pub what: &'static str,
    pub expected: String,
    pub found: String,
}

impl Looked {
    /// Whether it was compared, and is as it should be.
    pub fn is_same(&self) -> bool {
        !self.held && self.differences.is_empty() && self.unproved.is_none()
    }

    /// `live (7)`
    pub fn text(&self) -> String {
        match self.version.is_empty() || self.qualifier == self.version {
            true => self.qualifier.clone(),
            false => format!("{} ({})", self.qualifier, self.version),
        }
    }
}

impl Deployed {
    pub fn is_same(&self) -> bool {
        !self.versions.is_empty() && self.versions.iter().all(|looked| looked.held || looked.is_same())
    }
}

/// Which functions, and where.
pub struct Question<'a> {
    pub names: &'a [String],
    /// What names the packages, and what is deployed instead of them; none: what the store has of the sources of now, and the project's rollbacks.
    pub files: &'a [PathBuf],
    /// What stands before the functions' names.
    pub name_prefix: &'a str,
    pub alias: Option<&'a str>,
    pub profile: Option<&'a str>,
}

/// Where it was looked, and what was found.
pub struct Answer {
    pub place: String,
    pub deployed: Vec<Deployed>,
}

/// Compares what Lambda has with the packages. Reads only.
pub fn deployed(question: &Question, settings: &Settings, meter: &'static Meter) -> Result<Answer> {
    let Meaning { packages, held } = meaning(question, settings, meter)?;
    let names: Vec<String> = match question.names {
        [] => packages.keys().cloned().collect(),
        names => names.to_vec(),
    };
    if let Some(name) = names.iter().find(|name| !packages.contains_key(*name)) {
        return Err(function::unknown(name, packages.keys()));
    }
    let lambda = Lambda::connect(&settings.aws.with_profile(question.profile), meter)?;
    let looker = Looker {
        question,
        lambda: &lambda,
        held: &held,
    };
    let seen = lambda::each(&names, meter, |name| looker.look(name, &packages[name]))?;
    let mut meant = Meant {
        name_prefix: question.name_prefix,
        layer_contents: looker.layer_contents(&packages, &seen, meter)?,
        packages: &packages,
        proofs: BTreeMap::new(),
    };
    let signed = meant.signed(&names, &seen);
    let questions = signed.iter().map(|(name, code)| signed::Question {
        name,
        package: &packages[*name],
        code,
    });
    let proofs = signed::prove(&questions.collect::<Vec<_>>(), settings, meter)?;
    let owned = signed.iter().map(|(name, code)| ((*name).to_owned(), (*code).clone()));
    meant.proofs = owned.collect::<Vec<_>>().into_iter().zip(proofs).collect();
    let deployed = names.iter().zip(seen).map(|(name, seen)| {
        let package = &packages[name];
        Deployed {
            name: name.clone(),
            function: looker.deployed_name(name),
            source_hash: package.source_hash.clone(),
            code_sha256: package.code_sha256.clone(),
            versions: seen
                .into_iter()
                .map(|seen| meant.compare(name, package, seen))
                .collect(),
            package: package.s3_bucket.clone().zip(package.s3_key.clone()),
        }
    });
    Ok(Answer {
        deployed: deployed.collect(),
        place: lambda.place(),
    })
}

/// What is to be deployed.
struct Meaning {
    packages: BTreeMap<String, NamedPackage>,
    /// Versions that aliases are held at, by function.
    held: BTreeMap<String, String>,
}

fn meaning(question: &Question, settings: &Settings, meter: &'static Meter) -> Result<Meaning> {
    // Terraform reads it by itself, whoever forgets to name it.
    let rollbacks = Some(overrides::default_file(settings)).filter(|file| question.files.is_empty() && file.is_file());
    let files = question.files.iter().chain(&rollbacks).map(PathBuf::as_path);
    let mut named = packages_file::named(files)?;
    let held = std::mem::take(&mut named.alias_versions);
    let packages = match named.packages.take() {
        Some(packages) if packages.is_empty() => return Err(packages_file::names_nothing(question.files)),
        Some(packages) => packages,
        None => published(question.names, settings, meter)?,
    };
    if question.alias.is_none() {
        let held = held.iter().filter(|(name, _)| packages.contains_key(*name));
        for (name, version) in held {
            report::warning(&format!(
                "the alias of `{name}` is held at version {version} by `alias_versions`: name it with --alias to see whether it is"
            ));
        }
    }
    Ok(Meaning {
        packages: named.over(packages),
        held,
    })
}

/// What the store has of the sources of now: of all functions that are named, and of their layers.
fn published(names: &[String], settings: &Settings, meter: &'static Meter) -> Result<BTreeMap<String, NamedPackage>> {
    let caches = open_caches(settings, false);
    let hashed = hash_functions(settings, names, &caches, meter)?.into_all();
    caches::keep(caches);
    let mut store = settings.open_store(meter)?;
    let names: Vec<&str> = hashed.iter().map(|it| it.function.name.as_str()).collect();
    store.expect(&names, settings.cache_dir.as_deref())?;
    let packages = parallel::map(&hashed, REQUESTS_AT_ONCE, |hashed| {
        meter.check()?;
        let name = hashed.function.name.as_str();
        let source_hash = hashed.manifest.source_hash();
        let found = in_function(name, store.find(name, &source_hash))?;
        let Found::Published(record) = found else {
            return Err(Error::failed(format!(
                "function `{name}`: `{}` has no package of its source as it is now ({source_hash})",
                store.url()
            ))
            .help(
                "check out what was deployed, upload and deploy what is there now, or name what was deployed with --packages: \
                 `terraform output -json packages`",
            ));
        };
        let definition = serde_json::to_value(&hashed.function.definition).expect("string keys");
        let definition: NamedDefinition = serde_json::from_value(definition).expect("a definition has them");
        let package = NamedPackage {
            source_hash: source_hash.to_hex(),
            code_sha256: record.code_sha256.to_base64(),
            s3_bucket: store.url().bucket().map(str::to_owned),
            s3_key: Some(record.s3_key),
            definition,
        };
        Ok((name.to_owned(), package))
    });
    store.save_cache();
    Ok(collect_all(packages)?.into_iter().collect())
}

struct Looker<'a> {
    question: &'a Question<'a>,
    lambda: &'a Lambda,
    held: &'a BTreeMap<String, String>,
}

/// What Lambda has under a qualifier.
pub(super) enum Seen {
    Function(Version),
    Layer {
        version: i64,
        code: Code,
    },
    /// An older version, that an alias is held at.
    Held(Version),
    /// What should be there, and what is instead.
    Missing {
        expected: String,
        found: String,
    },
}

impl Looker<'_> {
    /// What there is to compare, with its qualifiers; nothing, if it isn't deployed.
    fn look(&self, name: &str, package: &NamedPackage) -> Result<Vec<(String, Seen)>> {
        let function = self.deployed_name(name);
        in_function(
            name,
            match package.definition.kind {
                Kind::Layer => self.look_at_layer(&function),
                Kind::Function => self.look_at_function(&function, self.held.get(name)),
            },
        )
    }

    fn deployed_name(&self, name: &str) -> String {
        format!("{}{name}", self.question.name_prefix)
    }

    fn look_at_layer(&self, layer: &str) -> Result<Vec<(String, Seen)>> {
        // Versions that were deleted meanwhile are as if they had never been.
        for version in self.lambda.layer_versions(layer)? {
            if let Some(code) = self.lambda.layer_code(layer, version)? {
                return Ok(vec![("newest".to_owned(), Seen::Layer { version, code })]);
            }
        }
        Ok(Vec::new())
    }

    fn look_at_function(&self, function: &str, held: Option<&String>) -> Result<Vec<(String, Seen)>> {
        // Edits in the console change this one, whatever the alias leads to.
        let Some(latest) = self.lambda.version(function, LATEST)? else {
            return Ok(Vec::new());
        };
        let mut seen = vec![(LATEST.to_owned(), Seen::Function(latest))];
        let Some(name) = self.question.alias else {
            return Ok(seen);
        };
        let missing = |expected: String, found: String| (name.to_owned(), Seen::Missing { expected, found });
        let Some(alias) = self.lambda.alias(function, name)? else {
            seen.push(missing("a version".to_owned(), "no such alias".to_owned()));
            return Ok(seen);
        };
        for number in &alias.versions {
            if let Some(held) = held.filter(|held| *held != number) {
                seen.push(missing(format!("version {held}"), format!("version {number}")));
                continue;
            }
            seen.push(match self.lambda.version(function, number)? {
                Some(version) if held.is_some() => (name.to_owned(), Seen::Held(version)),
                Some(version) => (name.to_owned(), Seen::Function(version)),
                None => missing(format!("version {number}"), "deleted".to_owned()),
            });
        }
        Ok(seen)
    }

    /// The content of each layer version that a function has, by ARN. They are asked for only if a package names a layer rather than an ARN.
    fn layer_contents(
        &self,
        packages: &BTreeMap<String, NamedPackage>,
        seen: &[Vec<(String, Seen)>],
        meter: &Meter,
    ) -> Result<BTreeMap<String, Code>> {
        if packages
            .values()
            .all(|package| package.definition.kind == Kind::Function)
        {
            return Ok(BTreeMap::new());
        }
        let versions = seen.iter().flatten().filter_map(|(_, seen)| match seen {
            Seen::Function(version) => Some(&version.layers),
            Seen::Layer { .. } | Seen::Held(_) | Seen::Missing { .. } => None,
        });
        let arns: BTreeSet<&String> = versions.flatten().collect();
        let numbered = arns.into_iter().filter_map(|arn| {
            let (layer, version) = arn.rsplit_once(':')?;
            Some((arn, layer, version.parse::<i64>().ok()?))
        });
        let numbered: Vec<(&String, &str, i64)> = numbered.collect();
        let contents = lambda::each(&numbered, meter, |(_, layer, version)| {
            self.lambda.layer_code(layer, *version)
        })?;
        let contents = numbered.iter().zip(contents);
        Ok(contents
            .filter_map(|((arn, ..), content)| Some(((*arn).clone(), content?)))
            .collect())
    }
}

/// What is wrong with one, for people.
pub fn fault(deployed: &Deployed, place: &str) -> Option<Error> {
    if deployed.is_same() {
        return None;
    }
    let Deployed { name, function, .. } = deployed;
    if deployed.versions.is_empty() {
        let message = format!("function `{name}`: `{function}` isn't deployed in {place}");
        return Some(
            Error::new(ErrorKind::Integrity, message)
                .help("apply lambda-deploy-module, or correct --name-prefix, --region and --lambda-profile"),
        );
    }
    let or_none = |text: &str| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text.to_owned()
        }
    };
    let differences = deployed.versions.iter().flat_map(|looked| {
        let at = looked.text();
        looked.differences.iter().map(move |drift| {
            let Drift { what, expected, found } = drift;
            format!("{at}: {what} is {}, should be {}", or_none(found), or_none(expected))
        })
    });
    let differences: Vec<String> = differences.collect();
    if differences.is_empty() {
        return Some(not_proved(deployed));
    }
    let latest = deployed.versions.iter().filter(|looked| looked.qualifier == LATEST);
    let has_other_code = |looked: &&Looked| looked.differences.iter().any(|drift| drift.what == "code_sha256");
    let is_edited = latest.clone().any(|looked| has_other_code(&looked));
    let of_signed = deployed.versions.iter().filter(has_other_code);
    let signing_job = of_signed.filter_map(|looked| looked.signing_job.as_deref()).next();
    let help = match (signing_job, &deployed.package) {
        (Some(job), _) => format!(
            "deploy the package; what was signed instead, and by whom, says: {}",
            describe(job)
        ),
        // Terraform compares what it deployed with what it is to deploy, not with what is there.
        (None, Some((bucket, key))) if is_edited => format!(
            "Terraform doesn't see edits of code; deploy what is new, or put the package back: aws lambda update-function-code --function-name {function} \
             --s3-bucket {bucket} --s3-key {}",
            shell_word(key)
        ),
        _ => "`terraform plan` of lambda-deploy-module shows what an apply would mend".to_owned(),
    };
    let mut message = format!("function `{name}`: `{function}` drifted: {}", differences.join("; "));
    let unproved = unproved(deployed);
    if !unproved.is_empty() {
        message.push_str(&format!("; and this isn't proved: {}", unproved.join("; ")));
    }
    Some(Error::new(ErrorKind::Integrity, message).help(help))
}

/// Nothing contradicts, and something couldn't be looked at.
fn not_proved(deployed: &Deployed) -> Error {
    let Deployed { name, function, .. } = deployed;
    let unproven = deployed.versions.iter().filter(|looked| looked.unproved.is_some());
    let job = unproven.filter_map(|looked| looked.signing_job.as_deref()).next();
    let help = match job {
        Some(job) => format!(
            "the job says which object was signed, and where the result is: {}",
            describe(job)
        ),
        None => "`aws lambda get-layer-version-by-arn` names the job that signed it".to_owned(),
    };
    Error::failed(format!(
        "function `{name}`: `{function}`: all that was looked at is as it should be, and this isn't proved: {}",
        unproved(deployed).join("; ")
    ))
    .help(help)
}

/// What isn't known of each version, and why.
fn unproved(deployed: &Deployed) -> Vec<String> {
    let unproved = deployed.versions.iter().filter_map(|looked| {
        let why = looked.unproved.as_ref()?;
        Some(format!("{}: {why}", looked.text()))
    });
    unproved.collect()
}

fn describe(job: &str) -> String {
    let id = job.rsplit('/').next().unwrap_or(job);
    format!("aws signer describe-signing-job --job-id {}", shell_word(id))
}
