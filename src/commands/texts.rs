//! `schema`, `completions` and `man`: texts that are made from the types.

use std::env;
use std::fs;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};
use lambda_pack_core::{Error, ErrorKind, Result, function, handoff};

use super::output;
use crate::cli::{Cli, ManArgs, SchemaName};
use crate::manual;
use crate::settings;

const NAME: &str = "lambda-pack";

pub fn schema(of: SchemaName) -> Result<()> {
    let schema = match of {
        SchemaName::Function => function::json_schema(),
        SchemaName::Project => settings::json_schema(),
        SchemaName::Bundle => handoff::json_schema(),
    };
    output::line(&serde_json::to_string_pretty(&schema).expect("a schema is JSON"))
}

/// Names the shell that asks what may come next; the variable that the script of [`completions`] sets.
const COMPLETE: &str = "LAMBDA_PACK_COMPLETE";

pub fn completions(shell: Shell) -> Result<()> {
    let shell = shell.to_string();
    let mut script = Vec::new();
    let completer = Shells::builtins();
    let completer = completer.completer(&shell).expect("both name the same shells");
    completer
        .write_registration(COMPLETE, NAME, NAME, NAME, &mut script)
        .expect("memory takes all");
    output::bytes(&script)
}

/// Whether a shell asked, and was answered: then there is nothing else to do.
pub fn complete() -> Result<bool> {
    let asked = CompleteEnv::with_factory(Cli::command).var(COMPLETE);
    let answered = asked.try_complete(env::args_os(), env::current_dir().ok().as_deref());
    answered.map_err(|cause| Error::new(ErrorKind::Usage, format!("cannot complete: {cause}")))
}

pub fn man(args: &ManArgs) -> Result<()> {
    let Some(directory) = &args.out_dir else {
        let page = manual::page(Cli::command())
            .map_err(|cause| Error::failed(format!("cannot make the manual page: {cause}")))?;
        return output::bytes(&page);
    };
    fs::create_dir_all(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
    manual::pages(Cli::command(), directory).map_err(|cause| Error::io("write the manual pages to", directory, cause))
}
