//! `init`, as typed.

use clap::Args;

/// Make a working project
#[derive(Args, Debug)]
pub struct InitArgs {}
