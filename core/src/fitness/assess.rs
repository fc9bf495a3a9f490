//! The checks of a tier.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Status, Tier, edge};
use crate::function::{Definition, Function, Kind};
use crate::limits::{LEAST_EPHEMERAL_STORAGE, Quantity, Quota};
use crate::preflight::{self, Contents, Finding, Layer, Severity};
use crate::profile::Limits;

/// What came of looking at one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub check: Cow<'static, str>,
    pub status: Status,
    /// What was found, with numbers where there are some.
    pub detail: String,
    /// What would make it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
}

/// What is assessed.
pub struct Subject<'a> {
    pub function: &'a Function,
    /// What is in its package, as far as that is known.
    pub contents: &'a Contents,
    /// Of the zip.
    pub size_bytes: u64,
    /// Of what is in the package, without layers.
    pub unzipped_bytes: u64,
    /// The layers that it names.
    pub layers: &'a [Layer<'a>],
    /// AWS region, if one is known.
    pub region: Option<&'a str>,
}

impl Check {
    pub(super) fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Check {
            check: check.into(),
            status,
            detail: detail.into(),
            remedy: None,
            source: None,
        }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Check {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub(super) fn source(self, source: &'static str) -> Self {
        Check {
            source: Some(source.into()),
            ..self
        }
    }
}

/// The worst of all.
pub fn worst(checks: &[Check]) -> Status {
    checks.iter().map(|check| check.status).max().unwrap_or(Status::Pass)
}

/// Looks at all that a tier limits, at what a profile limits within that, and at what the function needs to start at all.
pub fn assess(tier: Tier, limits: &Limits, subject: &Subject) -> Vec<Check> {
    let definition = &subject.function.definition;
    let mut checks = quotas(tier, subject);
    checks.extend(own_limits(limits, subject));
    if let Some(check) = unknown_layers(definition) {
        checks.push(check);
    }
    if tier == Tier::LambdaEdge {
        checks.extend(edge::restrictions(definition, subject.region));
    }
    let (known, findings) = (
        checks.len(),
        preflight::findings(definition, subject.contents, subject.layers),
    );
    // Sizes and numbers were looked at, for this very tier.
    let is_new = |finding: &Finding| {
        checks[..known].iter().all(|check| check.check != finding.check) && !is_quota(finding.check)
    };
    let findings: Vec<Check> = findings.into_iter().filter(is_new).map(from_preflight).collect();
    checks.extend(findings);
    checks
}

/// The checks that [`assess`] makes of every function, or of every layer, whatever its definition says.
pub(crate) fn always_checked(tier: Tier, kind: Kind) -> BTreeSet<&'static str> {
    let quantities = tier.quotas().iter().map(|quota| quota.quantity);
    let always = quantities.filter(|quantity| match (quantity, kind) {
        (Quantity::SizeBytes | Quantity::UnzippedBytes, _) => true,
        (Quantity::MemorySize | Quantity::Timeout, _) | (_, Kind::Layer) => false,
        (_, Kind::Function) => true,
    });
    let mut checks: BTreeSet<&str> = always.map(Quantity::name).collect();
    checks.insert(Quantity::SizeBytes.name());
    if tier == Tier::LambdaEdge {
        checks.extend(edge::ALWAYS);
    }
    checks
}

impl Tier {
    /// What an amount means for its quotas.
    pub(crate) fn status_of(self, quantity: Quantity, amount: u64) -> Status {
        let quotas = self.quotas().iter();
        let broken = quotas.filter(|quota| quota.quantity == quantity && amount > quota.most);
        broken.map(|quota| quota.severity).max().unwrap_or(Status::Pass)
    }
}

fn is_quota(check: &str) -> bool {
    [Quantity::UnzippedBytes, Quantity::EnvironmentBytes, Quantity::Layers]
        .iter()
        .any(|quantity| quantity.name() == check)
}

fn from_preflight(finding: Finding) -> Check {
    let status = match finding.severity {
        Severity::Error => Status::Fail,
        Severity::Warning => Status::Warn,
    };
    Check::new(finding.check, status, finding.problem).remedy(finding.help)
}

/// One check for each quantity: the hardest quota that it breaks, else the one that all functions must keep.
fn quotas(tier: Tier, subject: &Subject) -> Vec<Check> {
    let mut checks = Vec::<Check>::new();
    if tier.quotas().iter().all(|quota| quota.quantity != Quantity::SizeBytes) {
        let found = Quantity::SizeBytes.say(subject.size_bytes);
        checks.push(Check::new(
            Quantity::SizeBytes.name(),
            Status::Pass,
            match tier {
                Tier::Lambda => format!("{found}; from S3 Lambda takes any size that unzips within its limit"),
                Tier::LambdaEdge | Tier::Container => found,
            },
        ));
    }
    for quota in tier.quotas() {
        let Some(amount) = amount(quota.quantity, subject) else {
            continue;
        };
        let check = against(quota, amount, subject);
        let known = checks.iter_mut().find(|known| known.check == check.check);
        match known {
            None => checks.push(check),
            Some(known) if known.status < check.status => *known = check,
            Some(_) => {}
        }
    }
    checks
}

fn against(quota: &Quota, amount: u64, subject: &Subject) -> Check {
    let Quota {
        quantity,
        most,
        severity,
        whose,
        source,
    } = *quota;
    let found = quantity.say(amount);
    let name = quantity.name();
    if amount <= most {
        let detail = match most {
            0 => format!("{found}; {whose} none"),
            most => format!("{found}; {whose} {most} at most"),
        };
        return Check::new(name, Status::Pass, detail).source(source);
    }
    let mut detail = match most {
        0 => format!("{found}; {whose} none"),
        most => format!("{found}; {whose} {most} at most, so {} too much", amount - most),
    };
    if matches!(quantity, Quantity::SizeBytes | Quantity::UnzippedBytes) && !subject.contents.are_unknown() {
        detail.push_str(&format!(
            "; its largest parts are {}",
            preflight::largest_parts(subject.contents, subject.layers)
        ));
    }
    Check::new(name, severity, detail)
        .remedy(quantity.remedy())
        .source(source)
}

/// How much of it there is; `None` for what layers don't have.
pub(super) fn amount(quantity: Quantity, subject: &Subject) -> Option<u64> {
    let definition = &subject.function.definition;
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    match (quantity, definition.kind) {
        (Quantity::SizeBytes, _) => Some(subject.size_bytes),
        (Quantity::UnzippedBytes, _) => {
            Some(subject.unzipped_bytes + subject.layers.iter().map(|layer| layer.bytes).sum::<u64>())
        }
        (_, Kind::Layer) => None,
        (Quantity::EnvironmentVariables, _) => Some(variables(definition)),
        (Quantity::EnvironmentBytes, _) => Some(definition.environment_bytes() as u64),
        (Quantity::Layers, _) => Some(definition.layers.as_ref().map_or(0, Vec::len) as u64),
        (Quantity::MemorySize, _) => definition.memory_size.as_ref().map(|size| unsigned(size.get())),
        (Quantity::Timeout, _) => definition.timeout.as_ref().map(|timeout| unsigned(timeout.get())),
        (Quantity::EphemeralStorage, _) => {
            let size = definition
                .ephemeral_storage
                .as_ref()
                .map_or(LEAST_EPHEMERAL_STORAGE, |storage| storage.0.size.get());
            Some(unsigned(size))
        }
    }
}

/// The variables that hold the names of secrets. What their values are is known when they are deployed.
fn targets(definition: &Definition) -> impl Iterator<Item = &str> {
    definition
        .secrets
        .iter()
        .filter_map(|secret| secret.0.target.as_ref())
        .map(|target| target.as_str())
}

fn variables(definition: &Definition) -> u64 {
    let own = definition
        .environment
        .iter()
        .flat_map(|environment| environment.iter())
        .count();
    (own + targets(definition).count()) as u64
}

/// What a profile allows.
fn own_limits(limits: &Limits, subject: &Subject) -> Vec<Check> {
    let limits = [
        (Quantity::SizeBytes, limits.size_bytes),
        (Quantity::UnzippedBytes, limits.unzipped_bytes),
        (Quantity::MemorySize, limits.memory_size),
        (Quantity::Timeout, limits.timeout),
        (Quantity::EphemeralStorage, limits.ephemeral_storage),
    ];
    let limits = limits
        .into_iter()
        .filter_map(|(quantity, most)| Some((quantity, most?, amount(quantity, subject)?)));
    limits
        .map(|(quantity, most, amount)| {
            let quota = Quota {
                quantity,
                most,
                severity: Status::Fail,
                whose: "`limits` of the profile allow",
                source: "",
            };
            Check {
                check: format!("limits.{}", quantity.name()).into(),
                source: None,
                ..against(&quota, amount, subject)
            }
        })
        .collect()
}

/// Nobody here knows what is in a layer that only its ARN tells of.
fn unknown_layers(definition: &Definition) -> Option<Check> {
    let layers = definition.layers.iter().flatten();
    let unknown = layers.filter(|layer| layer.as_str().starts_with("arn:")).count();
    (unknown > 0).then(|| {
        Check::new(
            "layer_arns",
            Status::Warn,
            format!(
                "{} named by ARN, whose size is unknown here, and counts",
                Quantity::Layers.say(unknown as u64)
            ),
        )
        .remedy("define these layers here, or leave room for them")
    })
}

#[cfg(test)]
mod tests;
