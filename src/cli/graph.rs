//! `graph` and `affected`, as typed.

use clap::Args;

/// Show what functions are made of, and what they need
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// Functions [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// Tell which functions a change touches
#[derive(Args, Debug)]
pub struct AffectedArgs {}
