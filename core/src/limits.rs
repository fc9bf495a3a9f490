//! AWS's published quotas, one table a tier; nothing else knows them.

use crate::counted;
use crate::fitness::{Status, Tier};

/// "MB" in AWS's quotas: the Lambda documentation counts 1024 KB for each.
pub const MB: u64 = 1024 * 1024;

/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LAMBDA: &str = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge>
const EDGE: &str =
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge";
/// What Lambda@Edge doesn't have at all.
pub const EDGE_RESTRICTIONS: &str =
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html";
/// What functions from images don't have.
const IMAGES: &str = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html";

/// Unzipped size of a deployment package, layers included.
pub const UNZIPPED_BYTES: u64 = 250 * MB;

/// What CreateFunction takes of a zip in the request itself. Packages out of S3 have no such limit.
pub const DIRECT_UPLOAD_BYTES: u64 = 50 * MB;

/// What a definition may ask for in any tier: memory in MB, time in seconds, `/tmp` in MB. As in CreateFunction's reference.
pub const LEAST_MEMORY_SIZE: i64 = 128;
pub const MOST_MEMORY_SIZE: i64 = 10_240;
pub const LEAST_TIMEOUT: i64 = 1;
pub const MOST_TIMEOUT: i64 = 900;
pub const LEAST_EPHEMERAL_STORAGE: i64 = 512;
pub const MOST_EPHEMERAL_STORAGE: i64 = 10_240;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Of the zip.
    SizeBytes,
    /// Of what is in it, and in the layers.
    UnzippedBytes,
    EnvironmentVariables,
    /// Of their names and values.
    EnvironmentBytes,
    Layers,
    /// In MB.
    MemorySize,
    /// In seconds.
    Timeout,
    /// In MB.
    EphemeralStorage,
}

impl Quantity {
    /// The name of the check.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::SizeBytes => "size_bytes",
            Quantity::UnzippedBytes => "unzipped_bytes",
            Quantity::EnvironmentVariables => "environment",
            Quantity::EnvironmentBytes => "environment_bytes",
            Quantity::Layers => "layers",
            Quantity::MemorySize => "memory_size",
            Quantity::Timeout => "timeout",
            Quantity::EphemeralStorage => "ephemeral_storage",
        }
    }

    /// This much of it, in words.
    pub fn say(self, amount: u64) -> String {
        let count = |one: &str| counted(amount, one);
        match self {
            Quantity::SizeBytes => format!("{} zipped", count("byte")),
            Quantity::UnzippedBytes => format!("{} unzipped, layers included", count("byte")),
            Quantity::EnvironmentVariables => count("environment variable"),
            Quantity::EnvironmentBytes => format!("{} of environment variables", count("byte")),
            Quantity::Layers => count("layer"),
            Quantity::MemorySize => format!("{amount} MB of memory"),
            Quantity::Timeout => format!("a timeout of {}", count("second")),
            Quantity::EphemeralStorage => format!("{amount} MB of ephemeral storage"),
        }
    }

    /// What makes it less.
    pub fn remedy(self) -> &'static str {
        match self {
            Quantity::SizeBytes => {
                "leave files out with `exclude` or `.lambdaignore`, drop dependencies with swaps, or build with `--compression best`"
            }
            Quantity::UnzippedBytes => {
                "leave files out with `exclude` or `.lambdaignore`, or drop dependencies with swaps"
            }
            Quantity::EnvironmentVariables => {
                "remove `environment`; put settings into a file of the package, or read them from Parameter Store"
            }
            Quantity::EnvironmentBytes => {
                "move long values to Parameter Store, Secrets Manager or a file in the package"
            }
            Quantity::Layers => "merge layers, or pack what is in them with the function",
            Quantity::MemorySize => "lower `memory_size`",
            Quantity::Timeout => "lower `timeout`",
            Quantity::EphemeralStorage => "lower `ephemeral_storage.size`",
        }
    }
}

/// The most that there may be.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub quantity: Quantity,
    pub most: u64,
    /// What it means where there is more.
    pub severity: Status,
    /// Whose quota it is: a clause that begins with a subject.
    pub whose: &'static str,
    pub source: &'static str,
}

const fn lambda(quantity: Quantity, most: u64) -> Quota {
    Quota {
        quantity,
        most,
        severity: Status::Fail,
        whose: "Lambda takes",
        source: LAMBDA,
    }
}

const fn edge(quantity: Quantity, most: u64, source: &'static str) -> Quota {
    Quota {
        quantity,
        most,
        severity: Status::Fail,
        whose: "Lambda@Edge takes",
        source,
    }
}

/// Nobody knows which events a function is for; those of viewers have less.
const fn viewer(quantity: Quantity, most: u64) -> Quota {
    Quota {
        quantity,
        most,
        severity: Status::Warn,
        whose: "for viewer requests and responses Lambda@Edge takes",
        source: EDGE,
    }
}

const fn image(quantity: Quantity, most: u64, source: &'static str) -> Quota {
    Quota {
        quantity,
        most,
        severity: Status::Fail,
        whose: "a container image takes",
        source,
    }
}

// There is none for the zip: the 50 MB in AWS's table are for uploads without S3.
const OF_LAMBDA: [Quota; 6] = [
    lambda(Quantity::UnzippedBytes, UNZIPPED_BYTES),
    lambda(Quantity::EnvironmentBytes, 4 * 1024),
    lambda(Quantity::Layers, 5),
    lambda(Quantity::MemorySize, MOST_MEMORY_SIZE as u64),
    lambda(Quantity::Timeout, MOST_TIMEOUT as u64),
    lambda(Quantity::EphemeralStorage, MOST_EPHEMERAL_STORAGE as u64),
];

const OF_EDGE: [Quota; 10] = [
    edge(Quantity::SizeBytes, 50 * MB, EDGE),
    viewer(Quantity::SizeBytes, MB),
    lambda(Quantity::UnzippedBytes, UNZIPPED_BYTES),
    edge(Quantity::EnvironmentVariables, 0, EDGE_RESTRICTIONS),
    edge(Quantity::Layers, 0, EDGE_RESTRICTIONS),
    lambda(Quantity::MemorySize, MOST_MEMORY_SIZE as u64),
    viewer(Quantity::MemorySize, 128),
    edge(Quantity::Timeout, 30, EDGE),
    viewer(Quantity::Timeout, 5),
    edge(Quantity::EphemeralStorage, 512, EDGE_RESTRICTIONS),
];

const OF_CONTAINER: [Quota; 6] = [
    image(Quantity::UnzippedBytes, 10 * 1024 * MB, LAMBDA),
    lambda(Quantity::EnvironmentBytes, 4 * 1024),
    image(Quantity::Layers, 0, IMAGES),
    lambda(Quantity::MemorySize, MOST_MEMORY_SIZE as u64),
    lambda(Quantity::Timeout, MOST_TIMEOUT as u64),
    lambda(Quantity::EphemeralStorage, MOST_EPHEMERAL_STORAGE as u64),
];

impl Tier {
    /// What AWS allows there.
    pub fn quotas(self) -> &'static [Quota] {
        match self {
            Tier::Lambda => &OF_LAMBDA,
            Tier::LambdaEdge => &OF_EDGE,
            Tier::Container => &OF_CONTAINER,
        }
    }
}

/// What Lambda itself allows of this.
pub(crate) fn most(quantity: Quantity) -> u64 {
    let quota = OF_LAMBDA.iter().find(|quota| quota.quantity == quantity);
    quota.expect("Lambda limits it").most
}

/// Says what of Lambda's limits a package of this unzipped size breaks.
pub fn unzipped_problem(unzipped_bytes: u64) -> Option<String> {
    (unzipped_bytes > UNZIPPED_BYTES).then(|| {
        format!(
            "unzipped it has {unzipped_bytes} bytes; Lambda takes at most {UNZIPPED_BYTES} (250 MB), layers included"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(unzipped_problem(262_144_000), None);
        assert!(unzipped_problem(262_144_001).is_some());
    }
}
