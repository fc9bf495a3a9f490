//! What runtimes have, so that packages needn't.

use super::PackageName;
use crate::build::Ecosystem;

/// The AWS SDK of a runtime.
#[derive(Debug, PartialEq, Eq)]
pub struct Sdk {
    pub ecosystem: Ecosystem,
    /// What AWS says is there: globs on names of packages. What these need is there as well, but may be another one tomorrow.
    pub packages: &'static [&'static str],
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html>
pub(super) const PYTHON: Sdk = Sdk {
    ecosystem: Ecosystem::Python,
    packages: &["boto3", "botocore"],
};

/// Version 3, from Node.js 18 on; its parts of the scope `@smithy` come with it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html>
const NODE: Sdk = Sdk {
    ecosystem: Ecosystem::Node,
    packages: &["@aws-sdk/*", "@smithy/*"],
};

/// Version 2, up to Node.js 16.
const OLD_NODE: Sdk = Sdk {
    ecosystem: Ecosystem::Node,
    packages: &["aws-sdk"],
};

impl Sdk {
    /// Of Lambda's runtime with this identifier.
    pub fn of(runtime: &str) -> Option<&'static Self> {
        if runtime.starts_with("python") {
            return Some(&PYTHON);
        }
        let version: u32 = runtime.strip_prefix("nodejs")?.split('.').next()?.parse().ok()?;
        Some(if version >= 18 { &NODE } else { &OLD_NODE })
    }

    /// Whether all that `name` may mean is there.
    pub fn has(&self, name: &PackageName) -> bool {
        let known = self.packages.iter().map(|known| PackageName::literal(known));
        known.into_iter().any(|known| known.covers(self.ecosystem, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_have_the_sdk_of_their_language() {
        let has = |runtime, name: &str| Sdk::of(runtime).is_some_and(|sdk| sdk.has(&name.parse().expect("a name")));
        for (runtime, name) in [
            ("python3.13", "boto3"),
            ("python3.9", "Botocore"),
            ("nodejs22.x", "@aws-sdk/client-s3"),
            ("nodejs18.x", "@aws-sdk/*"),
            ("nodejs22.x", "@smithy/types"),
            ("nodejs16.x", "aws-sdk"),
        ] {
            assert!(has(runtime, name), "{runtime} {name}");
        }
        for (runtime, name) in [
            ("python3.13", "requests"),
            ("python3.13", "boto*"),
            ("nodejs22.x", "aws-sdk"),
            ("nodejs22.x", "*"),
            ("nodejs16.x", "@aws-sdk/client-s3"),
            ("java21", "boto3"),
            ("provided.al2023", "boto3"),
        ] {
            assert!(!has(runtime, name), "{runtime} {name}");
        }
    }
}
