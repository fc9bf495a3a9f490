//! What a runtime starts a function with: it must be in the package, or in a layer.

use super::{Contents, Finding, Layer};
use crate::function::Definition;
use crate::manifest::EntryKind;
use crate::source::Tree;

/// Python and Node.js find a handler's module by its name.
pub(super) fn handler(definition: &Definition, contents: &Contents, layers: &[Layer]) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    let handler = definition.handler.as_ref()?.as_str();
    let candidates = if runtime.starts_with("python") {
        let Some((module, _)) = handler.rsplit_once('.') else {
            return Some(Finding::error(
                "handler",
                format!("its handler `{handler}` names no function in a module"),
                "set `handler` to MODULE.FUNCTION, such as app.lambda_handler",
            ));
        };
        let module = module.replace('.', "/");
        vec![format!("{module}.py"), format!("{module}/__init__.py")]
    } else if runtime.starts_with("nodejs") {
        let (directory, file) = handler
            .rsplit_once('/')
            .map_or(("", handler), |(directory, file)| (directory, file));
        let Some((module, _)) = file.split_once('.') else {
            return Some(Finding::error(
                "handler",
                format!("its handler `{handler}` names no function in a module"),
                "set `handler` to MODULE.FUNCTION, such as index.handler",
            ));
        };
        let module = match directory {
            "" => module.to_owned(),
            _ => format!("{directory}/{module}"),
        };
        ["js", "mjs", "cjs"]
            .map(|extension| format!("{module}.{extension}"))
            .into()
    } else {
        return None;
    };
    let module = candidates[0]
        .rsplit_once('.')
        .map_or("", |(module, _)| module)
        .to_owned();
    // An extension module: `app.cpython-313-x86_64-linux-gnu.so`.
    let mut extensions = contents.starting_with(&format!("{module}.")).iter();
    let is_there = candidates.iter().any(|path| contents.find(path).is_some())
        || extensions.any(|entry| entry.path.ends_with(".so"));
    if is_there {
        return None;
    }
    let sites = in_layers(runtime);
    let in_layer = |layer: &Tree| {
        // An absolute path names a layer's file itself.
        let candidates = candidates
            .iter()
            .flat_map(|candidate| match candidate.strip_prefix("/opt/") {
                Some(path) => vec![path.to_owned()],
                None => sites.iter().map(|site| format!("{site}/{candidate}")).collect(),
            });
        let mut candidates = candidates.chain(sites.iter().map(|site| format!("{site}/{module}/package.json")));
        let mut extensions = sites
            .iter()
            .flat_map(|site| layer.starting_with(&format!("{site}/{module}.")).collect::<Vec<_>>());
        candidates.any(|path| layer.find(&path).is_some()) || extensions.any(|entry| entry.path.ends_with(".so"))
    };
    let problem = format!(
        "its handler is `{handler}`, but the package has no {}",
        candidates.join(" and no ")
    );
    let help = "correct `handler`, or `source` and its `prefix`";
    missing("handler", definition, contents, layers, in_layer, problem, help)
}

/// The directories of a layer in which a runtime looks for modules:
/// <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html#packaging-layers-paths>
fn in_layers(runtime: &str) -> Vec<String> {
    match runtime.strip_prefix("nodejs") {
        None => vec!["python".to_owned(), format!("python/lib/{runtime}/site-packages")],
        Some(version) => {
            let major = version.trim_end_matches(".x");
            vec![
                "nodejs/node_modules".to_owned(),
                format!("nodejs/node{major}/node_modules"),
            ]
        }
    }
}

/// Custom runtimes start `bootstrap`.
pub(super) fn bootstrap(definition: &Definition, contents: &Contents, layers: &[Layer]) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    if !runtime.starts_with("provided") {
        return None;
    }
    match contents.find("bootstrap") {
        Some(entry) if entry.kind == EntryKind::File => Some(Finding::error(
            "bootstrap",
            "`bootstrap` is not executable",
            "run `chmod +x` on it, or name it in `executable` of the source",
        )),
        Some(_) => None,
        None => missing(
            "bootstrap",
            definition,
            contents,
            layers,
            |layer| {
                let entry = layer.find("bootstrap");
                entry.is_some_and(|entry| entry.kind() != EntryKind::File)
            },
            format!("the runtime {runtime} starts `bootstrap`, which the package doesn't have"),
            "put the executable at the top of the package under that name",
        ),
    }
}

/// What is found of a file that the package doesn't have.
fn missing(
    check: &'static str,
    definition: &Definition,
    contents: &Contents,
    layers: &[Layer],
    has: impl Fn(&Tree) -> bool,
    problem: String,
    help: &str,
) -> Option<Finding> {
    let sources = || {
        layers
            .iter()
            .filter_map(|layer| layer.source)
            .filter(|source| source.is_packed())
    };
    // It may be among dependencies that are yet to be installed.
    if !contents.are_whole() || sources().any(has) {
        return None;
    }
    let is_known = |name: &str| {
        let mut layers = layers.iter().filter(|layer| layer.function.name.as_str() == name);
        layers.any(|layer| layer.source.is_some_and(Tree::is_whole))
    };
    let names = definition.layers.iter().flatten().map(|layer| layer.as_str());
    let unknown: Vec<&str> = names.filter(|name| !is_known(name)).collect();
    Some(match unknown.as_slice() {
        [] => Finding::error(check, problem, help),
        unknown => Finding::warning(
            check,
            format!(
                "{problem}; whether a layer has it wasn't checked: `{}`",
                unknown.join("`, `")
            ),
            help,
        ),
    })
}
