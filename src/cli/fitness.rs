//! `fitness`, as typed.

use clap::Args;

/// Tell whether functions fit where they are to run, and what would make them fit
#[derive(Args, Debug)]
pub struct FitnessArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}
