//! `doctor`, as typed.

use clap::Args;

/// Check that this machine and this project have what the commands need, and say how to mend what is missing
///
/// Looks at the project, its definitions, the cache, Terraform, Terragrunt and their providers, the programs that builds need,
/// region, credentials, clock and store. Reads only, and lists one key of the store at most. Exit 1 if a check fails.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack doctor
  lambda-pack doctor --store s3://my-bucket/lambda
  lambda-pack doctor --json | jq '.[] | select(.status == \"fail\")'")]
pub struct DoctorArgs {}
