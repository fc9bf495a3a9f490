//! Go: modules, locked by `go.sum`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::output::Copy;
use crate::function::GoBuild;
use crate::{Error, Result};

pub fn options(build: &GoBuild) -> Vec<(&'static str, Value)> {
    let package = build
        .package
        .as_ref()
        .map(|package| ("package", package.as_str().into()));
    package.into_iter().collect()
}

/// Fails where `go build` would, or would need what isn't hashed.
pub fn check(build: &GoBuild, copy: &Copy) -> Result<()> {
    let package = build.package.as_ref().map_or(".", |package| package.as_str());
    if !copy.has_files(package, ".go") {
        return Err(Error::invalid(format!(
            "its source has no Go file in the package's directory `{package}`"
        ))
        .help("name the package with `main` in `build.package`, such as \"./cmd/orders\""));
    }
    // Go itself looks after its modules.
    if copy.find("go.work").is_some() {
        return Ok(());
    }
    let Some((file, text)) = copy.read("go.mod")? else {
        return Err(Error::invalid("its source has no `go.mod`")
            .help("let `source` name the module's directory; `go mod init` makes a module"));
    };
    let module = Module::parse(&text);
    for (line, path) in &module.local {
        if copy.find(&format!("{path}/go.mod")).is_none() {
            let wanted = Path::new(path).file_name().unwrap_or_default().display();
            return Err(Error::invalid(format!(
                "{}:{line}: the module in `{path}` is not in the copy that is built",
                file.display()
            ))
            .help(format!(
                "add it to `inputs` of `build`, such as \"{wanted}/**\" (relative to the code directory); its go.mod must be among them"
            )));
        }
    }
    let is_locked = ["go.sum", "vendor/modules.txt"]
        .iter()
        .any(|lock| copy.find(lock).is_some());
    match module.required.iter().next() {
        Some(required) if !is_locked => Err(Error::invalid(format!(
            "its dependencies are not locked: `{}` requires {required}, and there is no go.sum beside it",
            file.display()
        ))
        .help("`lambda-pack lock` locks them, as `go mod tidy` does")),
        _ => Ok(()),
    }
}

/// What counts here of a `go.mod`: <https://go.dev/ref/mod#go-mod-file>
#[derive(Debug, Default, PartialEq, Eq)]
struct Module {
    /// Modules that come from elsewhere.
    required: BTreeSet<String>,
    /// Directories that take the place of modules, with their lines.
    local: Vec<(usize, String)>,
}

impl Module {
    /// Never fails: what is wrong with it is for Go to say.
    fn parse(text: &str) -> Self {
        let mut module = Module::default();
        let mut replaced = BTreeSet::new();
        let mut block = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            let mut words: Vec<&str> = line
                .split_whitespace()
                .map(|word| word.trim_matches(['"', '`']))
                .collect();
            match (block, words.as_slice()) {
                (Some(_), [")"]) => {
                    block = None;
                    continue;
                }
                (None, [directive, "("]) => {
                    block = Some(*directive);
                    continue;
                }
                _ => {}
            }
            let directive = match block {
                Some(directive) => directive,
                None if words.is_empty() => continue,
                None => words.remove(0),
            };
            let arrow = words.iter().position(|word| *word == "=>");
            match (directive, words.as_slice(), arrow) {
                ("require", [name, _version, ..], None) => {
                    module.required.insert((*name).to_owned());
                }
                // Only a directory has no version.
                ("replace", [name, ..], Some(arrow)) if words.len() == arrow + 2 => {
                    replaced.insert((*name).to_owned());
                    module.local.push((index + 1, words[arrow + 1].to_owned()));
                }
                _ => {}
            }
        }
        module.required.retain(|name| !replaced.contains(name));
        module
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_needs_from_elsewhere_is_found() {
        let text = "module example.com/a // require x v1\n\ngo 1.24\n\nrequire example.com/b v1.0.0\nrequire (\n\texample.com/c v2.0.0 // indirect\n\t\"example.com/d\" v0.1.0\n)\nreplace example.com/c v2.0.0 => ../c\nreplace (\n\texample.com/e => example.com/f v1.0.0\n)\n";
        let module = Module::parse(text);
        let required: Vec<&str> = module.required.iter().map(String::as_str).collect();
        assert_eq!(required, ["example.com/b", "example.com/d"]);
        assert_eq!(module.local, [(10, "../c".to_owned())]);
        assert_eq!(Module::parse("module a\n"), Module::default());
    }
}
