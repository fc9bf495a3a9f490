//! `fitness`, as typed.

use clap::{Args, ValueEnum};
use lambda_pack_core::fitness::Tier;

/// Tell whether functions fit where they are to run, and what would make them fit
///
/// Each function gets pass, warn or fail, with reasons and numbers, against the quotas that AWS has published; and swaps of
/// dependencies with the bytes that they would save. What the store has needn't be built for that. Exit 3 if any fails.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack fitness
  lambda-pack fitness --tier lambda-edge my-function
  lambda-pack fitness --deployment-profile prod --json | jq '.[] | select(.status == \"fail\")'")]
pub struct FitnessArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME", add = super::complete::functions())]
    pub names: Vec<String>,
    /// Where they are to run [default: the profile's tier, else lambda]
    #[arg(long, value_enum)]
    pub tier: Option<TierName>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TierName {
    /// AWS Lambda, from zips
    Lambda,
    /// Functions of CloudFront, made in us-east-1
    LambdaEdge,
    /// AWS Lambda, from container images
    Container,
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::Lambda => Tier::Lambda,
            TierName::LambdaEdge => Tier::LambdaEdge,
            TierName::Container => Tier::Container,
        }
    }
}
