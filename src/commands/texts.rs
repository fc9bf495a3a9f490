//! `schema`, `completions` and `man`: texts that are made from the types.

use std::fs;

use clap::CommandFactory;
use clap_complete::Shell;
use lambda_pack_core::{Error, Result, function, handoff};

use super::output;
use crate::cli::{Cli, ManArgs, SchemaName};

pub fn schema(of: SchemaName) -> Result<()> {
    let schema = match of {
        SchemaName::Function => function::json_schema(),
        SchemaName::Bundle => handoff::json_schema(),
    };
    output::line(&serde_json::to_string_pretty(&schema).expect("a schema is JSON"))
}

pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lambda-pack", &mut script);
    output::bytes(&script)
}

pub fn man(args: &ManArgs) -> Result<()> {
    let Some(directory) = &args.out_dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|cause| Error::failed(format!("cannot make the manual page: {cause}")))?;
        return output::bytes(&page);
    };
    fs::create_dir_all(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|cause| Error::io("write the manual pages to", directory, cause))
}
