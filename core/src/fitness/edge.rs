//! What Lambda@Edge doesn't have.

use super::{Check, Status};
use crate::function::{Architecture, Definition, Kind, TracingMode};
use crate::limits::EDGE_RESTRICTIONS;

/// The region that Lambda@Edge copies functions from.
const REGION: &str = "us-east-1";

/// What is looked at in any case.
pub const ALWAYS: [&str; 2] = ["region", "architecture"];

/// All that definition and region tell.
pub fn restrictions(definition: &Definition, region: Option<&str>) -> Vec<Check> {
    let mut checks = vec![self::region(region), architecture(definition)];
    match definition.kind {
        Kind::Layer => checks.push(
            Check::new(
                "type",
                Status::Warn,
                "it is a layer, and functions of Lambda@Edge have none",
            )
            .remedy("leave it out: `layers = []` in the profile"),
        ),
        Kind::Function => {
            checks.push(runtime(definition));
            checks.extend(features(definition));
        }
    }
    checks
        .into_iter()
        .map(|check| check.source(EDGE_RESTRICTIONS))
        .collect()
}

fn region(region: Option<&str>) -> Check {
    let remedy = format!("set `region = \"{REGION}\"` in lambda-pack.toml, or AWS_REGION, or give --region");
    match region {
        Some(REGION) => Check::new("region", Status::Pass, format!("the region is {REGION}")),
        Some(other) => Check::new(
            "region",
            Status::Fail,
            format!("the region is {other}; functions of Lambda@Edge are made in {REGION}"),
        )
        .remedy(remedy),
        None => Check::new(
            "region",
            Status::Warn,
            format!("no region is set; functions of Lambda@Edge are made in {REGION}"),
        )
        .remedy(remedy),
    }
}

fn architecture(definition: &Definition) -> Check {
    match definition.architectures.one() {
        Architecture::X86_64 => Check::new("architecture", Status::Pass, "x86_64"),
        Architecture::Arm64 => Check::new("architecture", Status::Fail, "arm64; Lambda@Edge has x86_64 alone")
            .remedy("set `architectures` to [\"x86_64\"], or `architecture` of the profile"),
    }
}

fn runtime(definition: &Definition) -> Check {
    let remedy = "set `runtime` to one of Node.js or Python";
    match definition.runtime.as_ref().map(|runtime| runtime.as_str()) {
        Some(runtime) if runtime.starts_with("nodejs") || runtime.starts_with("python") => {
            Check::new("runtime", Status::Pass, runtime)
        }
        Some(runtime) => {
            let detail = format!("{runtime}; Lambda@Edge has runtimes of Node.js and Python alone");
            Check::new("runtime", Status::Fail, detail).remedy(remedy)
        }
        None => Check::new(
            "runtime",
            Status::Warn,
            "no runtime is set; Lambda@Edge has those of Node.js and Python alone",
        )
        .remedy(remedy),
    }
}

/// One check for each feature, whether it is there or not.
fn features(definition: &Definition) -> Vec<Check> {
    let tracing = definition
        .tracing_config
        .as_ref()
        .is_some_and(|tracing| tracing.0.mode == TracingMode::Active);
    let reserved = definition
        .reserved_concurrent_executions
        .as_ref()
        .is_some_and(|reserved| reserved.get() >= 0);
    let features = [
        (
            "vpc_config",
            definition.vpc_config.is_some(),
            Status::Fail,
            "Lambda@Edge reaches no VPC",
        ),
        (
            "dead_letter_config",
            definition.dead_letter_config.is_some(),
            Status::Fail,
            "Lambda@Edge has no dead letter queues",
        ),
        ("tracing_config", tracing, Status::Fail, "Lambda@Edge has no X-Ray"),
        // The page names provisioned concurrency only; but what is reserved is so in the function's own region.
        (
            "reserved_concurrent_executions",
            reserved,
            Status::Warn,
            "Lambda@Edge runs copies of the function in other regions, which have none of it",
        ),
        (
            "kms_key_arn",
            definition.kms_key_arn.is_some(),
            Status::Warn,
            "it encrypts environment variables, which Lambda@Edge doesn't have",
        ),
    ];
    let checks = features.map(|(key, is_set, severity, why)| match is_set {
        false => Check::new(key, Status::Pass, "it is not used"),
        true => Check::new(key, severity, format!("`{key}` is set; {why}")).remedy(format!("remove `{key}`")),
    });
    checks.into()
}
