//! The project's own files.

use lambda_pack_core::function;

use super::Finding;
use crate::settings::Settings;

pub fn look(settings: &Settings) -> Vec<Finding> {
    let file = settings.file();
    let project = match file.is_file() {
        true => Finding::pass("project", format!("`{}`", file.display())),
        false => Finding::pass("project", "no lambda-pack.toml: everything is as by default"),
    };
    vec![project, definitions(settings), sources(settings)]
}

fn definitions(settings: &Settings) -> Finding {
    const CHECK: &str = "definitions";
    let directory = settings.config_dir.display();
    match function::load(&settings.config_dir) {
        Ok(functions) => Finding::pass(CHECK, format!("{} in `{directory}`", functions.len())),
        Err(error) => Finding::failed(CHECK, &error),
    }
}

fn sources(settings: &Settings) -> Finding {
    const CHECK: &str = "code";
    let directory = settings.code_dir.display();
    match settings.code_dir.is_dir() {
        true => Finding::pass(CHECK, format!("`{directory}`; `lambda-pack validate` looks into it")),
        false => Finding::fail(
            CHECK,
            format!("`{directory}` is no directory"),
            "make it, or name another one with --code-dir or `code_dir` in lambda-pack.toml",
        ),
    }
}
