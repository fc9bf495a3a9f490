//! A function that works, in each language.

use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

use super::{Layout, NewFile};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Python,
    Node,
    Rust,
    Go,
}

/// As AWS spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
}

/// What a language needs.
struct Template {
    runtime: &'static str,
    handler: &'static str,
    /// `build.type`, where there is something to build.
    build: Option<&'static str>,
    /// Paths in the function's directory, and contents.
    files: &'static [(&'static str, &'static str)],
}

impl Language {
    fn template(self) -> Template {
        match self {
            Language::Python => Template {
                runtime: "python3.13",
                handler: "app.handler",
                build: None,
                files: &[("app.py", include_str!("templates/python/app.py"))],
            },
            Language::Node => Template {
                runtime: "nodejs22.x",
                handler: "index.handler",
                build: None,
                files: &[("index.mjs", include_str!("templates/node/index.mjs"))],
            },
            Language::Rust => Template {
                runtime: "provided.al2023",
                handler: "bootstrap",
                build: Some("rust"),
                files: &[
                    ("Cargo.toml", include_str!("templates/rust/Cargo.toml")),
                    ("Cargo.lock", include_str!("templates/rust/Cargo.lock")),
                    ("src/main.rs", include_str!("templates/rust/main.rs")),
                ],
            },
            Language::Go => Template {
                runtime: "provided.al2023",
                handler: "bootstrap",
                build: Some("go"),
                files: &[
                    ("go.mod", include_str!("templates/go/go.mod")),
                    ("go.sum", include_str!("templates/go/go.sum")),
                    ("main.go", include_str!("templates/go/main.go")),
                ],
            },
        }
    }
}

/// The definition and the source of a function of this name.
pub fn sample(language: Language, name: &str, architecture: Architecture, layout: &Layout) -> Vec<NewFile> {
    let template = language.template();
    let code = layout.code_dir.join(name);
    let files = template
        .files
        .iter()
        .map(|(path, content)| NewFile::new(code.join(path), *content));
    let definition = definition(&template, name, architecture);
    let definition = NewFile::new(
        layout.config_dir.join(Path::new(name).with_added_extension("json")),
        definition,
    );
    files.chain([definition]).collect()
}

fn definition(template: &Template, name: &str, architecture: Architecture) -> String {
    let architecture = match architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Arm64 => "arm64",
    };
    let build = template
        .build
        .map(|kind| format!(",\n  \"build\": {{ \"type\": {} }}", json!(kind)));
    format!(
        "{{\n  \"function_name\": {name},\n  \"runtime\": {runtime},\n  \"handler\": {handler},\n  \
         \"architectures\": [{architecture}],\n  \"memory_size\": 128,\n  \"timeout\": 10,\n  \
         \"environment\": {{ \"GREETING\": \"Hello\" }},\n  \"source\": {name}{build}\n}}\n",
        name = json!(name),
        runtime = json!(template.runtime),
        handler = json!(template.handler),
        architecture = json!(architecture),
        build = build.unwrap_or_default(),
    )
}
