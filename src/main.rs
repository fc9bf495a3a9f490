//! `lambda-pack`: deterministic AWS Lambda packages, and source hashes that Terraform can trust.
//!
//! Command line -> settings -> one file in `commands/` -> core. See `docs/architecture.md`.

mod affected;
mod assets;
mod aws;
mod build;
mod bundle;
mod caches;
mod checkout;
mod cli;
mod commands;
mod comparison;
mod definitions;
mod doctor;
mod external;
mod file_lock;
mod gc;
mod git;
mod handoff;
mod hidden;
mod init;
mod input;
mod invocation;
mod lambda;
mod manual;
mod markdown;
mod network;
mod overrides;
mod overview;
mod owner;
mod packages_file;
mod packaging;
mod parallel;
mod rebuild;
mod remote;
mod report;
mod scratch;
mod secret_values;
mod settings;
mod store;
mod time;
mod verification;
mod visible;
mod watching;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::Parser;
use lambda_pack_core::{Meter, Result};

/// musl's allocator has one lock for all threads, with which packing would take a third longer; glibc's asks the system for a
/// page at a time, with which hashing a thousand functions would take an eighth longer.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Shared by the work and the progress display, which runs on a thread of its own.
static METER: LazyLock<Meter> = LazyLock::new(Meter::default);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            report::exit_code(error.kind())
        }
    }
}

fn run() -> Result<()> {
    if commands::complete()? {
        return Ok(());
    }
    let cli = cli::Cli::parse();
    report::set_up(&cli.common)?;
    report::interrupt_on_signal(&METER, cli.command.has_temporary_files())?;
    commands::run(&cli, &METER)
}
