//! What Lambda would refuse late, or run badly: found before anything is uploaded.

mod contents;
mod start;

use std::collections::BTreeMap;

use crate::function::{Definition, Function, Kind};
use crate::limits::{self, Quantity};
use crate::source::Tree;
use crate::{Error, Result};

pub use contents::{Contents, Item, Machine};
use start::{bootstrap, handler};

/// What is wrong, how bad that is, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Which check it comes from.
    pub check: &'static str,
    pub severity: Severity,
    pub problem: String,
    pub help: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Lambda refuses it, or the function can't start.
    Error,
    /// It may be meant.
    Warning,
}

impl Finding {
    fn error(check: &'static str, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Finding {
            check,
            severity: Severity::Error,
            problem: problem.into(),
            help: help.into(),
        }
    }

    fn warning(check: &'static str, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Warning,
            ..Finding::error(check, problem, help)
        }
    }
}

/// A layer that a function names, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    pub function: &'a Function,
    /// Unzipped, in bytes.
    pub bytes: u64,
    /// What it is made of, where that is known.
    pub source: Option<&'a Tree>,
}

/// Checks a function with what is known of its package, and with the layers that it names. What may be meant is returned as
/// warnings; all else is an error.
pub fn check(function: &Function, contents: &Contents, layers: &[Layer]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    for Finding {
        severity,
        problem,
        help,
        ..
    } in findings(&function.definition, contents, layers)
    {
        match severity {
            Severity::Error => errors.push(Error::invalid(problem).help(help)),
            Severity::Warning => warnings.push(format!("{problem}; {help}")),
        }
    }
    Error::join(errors).map_or(Ok(warnings), Err)
}

/// All that is found, in the order of the checks.
pub(crate) fn findings(definition: &Definition, contents: &Contents, layers: &[Layer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(number_of_layers(definition));
    findings.extend(layers.iter().filter_map(|layer| other_runtime(definition, layer)));
    findings.extend(environment(definition));
    findings.extend(deprecated_runtime(definition));
    // Nothing is known of what is yet to be made.
    if contents.are_unknown() {
        return findings;
    }
    findings.extend(unzipped_size(contents, layers));
    findings.extend(machine_code(definition, contents));
    if definition.kind == Kind::Function {
        findings.extend(handler(definition, contents, layers));
        findings.extend(bootstrap(definition, contents, layers));
        findings.extend(shadowed_module(definition, contents));
        findings.extend(bundled_sdk(definition, contents));
    }
    findings
}

/// Largest parts that are named where a package is too large.
const PARTS_SHOWN: usize = 10;

/// In the largest unit of which there is one at least.
fn size(bytes: u64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn unzipped_size(contents: &Contents, layers: &[Layer]) -> Option<Finding> {
    let of_layers: u64 = layers.iter().map(|layer| layer.bytes).sum();
    let problem = limits::unzipped_problem(contents.size() + of_layers)?;
    let largest = largest_parts(contents, layers);
    Some(Finding::error(
        Quantity::UnzippedBytes.name(),
        format!("{problem}; its largest parts are {largest}"),
        "leave files out with `exclude` or `.lambdaignore`, or move them into a layer; `lambda-pack hash --json` lists all sizes",
    ))
}

/// The largest parts of a package, each with its size.
pub(crate) fn largest_parts(contents: &Contents, layers: &[Layer]) -> String {
    let mut parts = BTreeMap::<&str, u64>::new();
    for entry in contents.entries() {
        *parts.entry(part(&entry.path)).or_default() += entry.size;
    }
    let layers = layers
        .iter()
        .map(|layer| (layer.bytes, format!("layer {}", layer.function.name)));
    let mut parts: Vec<(u64, String)> = parts
        .into_iter()
        .map(|(path, bytes)| (bytes, path.to_owned()))
        .chain(layers)
        .collect();
    parts.sort_unstable_by(|a, b| b.cmp(a));
    let largest = parts
        .iter()
        .take(PARTS_SHOWN)
        .map(|(bytes, path)| format!("{path} {}", size(*bytes)));
    largest.collect::<Vec<String>>().join(", ")
}

/// A package's directory: what stands at the top, but for the directories that hold packages.
fn part(path: &str) -> &str {
    let mut end = 0;
    for component in path.split('/') {
        end += component.len();
        if !matches!(component, "node_modules" | "python" | "nodejs") && !component.starts_with('@') {
            break;
        }
        end += 1;
    }
    &path[..end.min(path.len())]
}

fn number_of_layers(definition: &Definition) -> Option<Finding> {
    let most = limits::most(Quantity::Layers);
    let count = definition.layers.as_ref().map_or(0, Vec::len);
    (count as u64 > most).then(|| {
        Finding::error(
            Quantity::Layers.name(),
            format!("it has {count} layers; Lambda takes at most {most}"),
            Quantity::Layers.remedy(),
        )
    })
}

/// A layer that was made for something else. Lambda takes it, and native code in it fails when it is imported.
fn other_runtime(definition: &Definition, layer: &Layer) -> Option<Finding> {
    let of_layer = &layer.function.definition;
    let name = &layer.function.name;
    let (own, other) = (definition.architectures.one(), of_layer.architectures.one());
    if own != other {
        return Some(Finding::warning(
            "layer_runtime",
            format!(
                "its architecture is {}, its layer `{name}` is for {}",
                own.name(),
                other.name()
            ),
            "native code in the layer would not run",
        ));
    }
    let runtime = definition.runtime.as_ref()?;
    let compatible = of_layer.compatible_runtimes.as_ref()?;
    if compatible.contains(runtime) {
        return None;
    }
    let compatible: Vec<&str> = compatible.iter().map(|runtime| runtime.as_str()).collect();
    Some(Finding::warning(
        "layer_runtime",
        format!(
            "its runtime is {runtime}, its layer `{name}` is for {}",
            compatible.join(", ")
        ),
        "correct `runtime`, or the layer's `compatible_runtimes`",
    ))
}

fn environment(definition: &Definition) -> Option<Finding> {
    let most = limits::most(Quantity::EnvironmentBytes);
    let bytes = definition.environment_bytes();
    (bytes as u64 > most).then(|| {
        Finding::error(
            Quantity::EnvironmentBytes.name(),
            format!("its environment variables have {bytes} bytes; Lambda takes at most {most}"),
            Quantity::EnvironmentBytes.remedy(),
        )
    })
}

/// Runtimes that AWS has deprecated, or has said that it will by the end of 2026:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated>
const DEPRECATED: [&str; 24] = [
    "dotnet6",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "java8",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs8.10",
    "provided",
    "provided.al2",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
];

fn deprecated_runtime(definition: &Definition) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    DEPRECATED.contains(&runtime).then(|| {
        Finding::warning("runtime", 
            format!("the runtime {runtime} is deprecated: AWS gives it no security patches, and will refuse new functions, then updates"),
            "choose a newer one: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
        )
    })
}

/// Shared objects and executables must be for the function's processor.
fn machine_code(definition: &Definition, contents: &Contents) -> Option<Finding> {
    const SHOWN: usize = 3;
    let architecture = definition.architectures.one();
    let name = architecture.name();
    let code = contents.machine_code().into_iter();
    let others = code.filter(|(_, machine)| !machine.is_for(architecture));
    let mut others: Vec<String> = others
        .map(|(path, machine)| format!("`{path}` is for {}", machine.say()))
        .collect();
    let more = others.len().saturating_sub(SHOWN);
    others.truncate(SHOWN);
    if more > 0 {
        others.push(format!("and {more} more"));
    }
    (!others.is_empty()).then(|| {
        Finding::error(
            "machine_code",
            format!("its architecture is {name}, but {}", others.join(", ")),
            format!("build or install for {name}, or set `architectures`"),
        )
    })
}

/// Modules of Python's own that Lambda's runtime imports before it imports the handler: a file of that name takes their place,
/// since the package comes first in the search path.
fn shadowed_module(definition: &Definition, contents: &Contents) -> Option<Finding> {
    const IMPORTED: [&str; 16] = [
        "base64",
        "decimal",
        "functools",
        "http",
        "importlib",
        "io",
        "json",
        "logging",
        "os",
        "random",
        "site",
        "socket",
        "threading",
        "time",
        "traceback",
        "types",
    ];
    let runtime = definition.runtime.as_ref()?.as_str();
    if !runtime.starts_with("python") {
        return None;
    }
    let has = |path: String| contents.find(&path).is_some();
    let shadows = |name: &&&str| has(format!("{name}.py")) || has(format!("{name}/__init__.py"));
    IMPORTED.iter().find(shadows).map(|name| {
        Finding::warning(
            "shadowed_module",
            format!("its module `{name}` takes the place of Python's own, which the runtime needs"),
            "rename it",
        )
    })
}

/// The AWS SDK that a runtime already has:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html>, <https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html>
fn bundled_sdk(definition: &Definition, contents: &Contents) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    let (sdk, directories): (&str, &[&str]) = match runtime {
        _ if runtime.starts_with("python") => ("boto3", &["boto3/", "botocore/"]),
        _ if runtime.starts_with("nodejs") => ("the AWS SDK", &["node_modules/@aws-sdk/"]),
        _ => return None,
    };
    let of_sdk = directories
        .iter()
        .flat_map(|directory| contents.starting_with(directory));
    let bytes: u64 = of_sdk.map(|entry| entry.size).sum();
    (bytes > 0).then(|| {
        Finding::warning(
            "bundled_sdk",
            format!(
                "it packs {sdk} ({} unzipped), which the runtime {runtime} has",
                size(bytes)
            ),
            "leave it out unless you need this very version: a swap to `runtime` in a profile does that",
        )
    })
}

#[cfg(test)]
mod tests;
