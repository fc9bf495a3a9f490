//! `list` as typed.

use clap::Args;

/// List the packages in the store
///
/// What was published last first of each function: when it was published and used last, its size, and whether it is that of the source as it is now. With
/// --deployed Lambda is asked which function versions and layer versions have which package.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack list
  lambda-pack list my-function --deployed
  lambda-pack list --deployed --lambda-profile dev --lambda-profile prod
  lambda-pack list --json | jq '.[] | select(.current | not)'")]
pub struct PackageListArgs {
    /// Functions [default: all that the store has]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Ask Lambda which packages are deployed
    #[arg(long)]
    pub deployed: bool,
    /// AWS profile with which Lambda is asked; several for several accounts [default: the store's]
    #[arg(long, value_name = "NAME", requires = "deployed")]
    pub lambda_profile: Vec<String>,
}
