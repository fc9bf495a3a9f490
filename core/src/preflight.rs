//! What Lambda would refuse late, or run badly: found before anything is uploaded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use crate::function::{Architecture, Definition, Function, Kind};
use crate::limits::{self, Quantity};
use crate::manifest::EntryKind;
use crate::source::{Tree, TreeEntry};
use crate::{Error, Result};

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
}

/// Checks a function with all that it is packed from, and with the layers that it names. What may be meant is returned as
/// warnings; all else is an error.
pub fn check(function: &Function, tree: &Tree, layers: &[Layer]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    for Finding {
        severity,
        problem,
        help,
        ..
    } in findings(&function.definition, tree, layers)?
    {
        match severity {
            Severity::Error => errors.push(Error::invalid(problem).help(help)),
            Severity::Warning => warnings.push(format!("{problem}; {help}")),
        }
    }
    Error::join(errors).map_or(Ok(warnings), Err)
}

/// All that is found, in the order of the checks.
pub(crate) fn findings(definition: &Definition, tree: &Tree, layers: &[Layer]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    findings.extend(number_of_layers(definition));
    findings.extend(layers.iter().filter_map(|layer| other_runtime(definition, layer)));
    findings.extend(environment(definition));
    findings.extend(deprecated_runtime(definition));
    // Nothing is known of what is yet to be made.
    if !tree.is_packed() {
        return Ok(findings);
    }
    findings.extend(unzipped_size(tree, layers));
    findings.extend(machine_code(definition, tree)?);
    if definition.kind == Kind::Function {
        findings.extend(handler(definition, tree));
        findings.extend(bootstrap(definition, tree));
        findings.extend(shadowed_module(definition, tree));
        findings.extend(bundled_sdk(definition, tree));
    }
    Ok(findings)
}

/// Whether what the tree lacks may come from elsewhere: from dependencies that are yet to be installed, or from a layer.
fn may_lack(definition: &Definition, tree: &Tree) -> bool {
    !tree.is_whole() || definition.layers.as_ref().is_some_and(|layers| !layers.is_empty())
}

/// Largest parts that are named where a package is too large.
const PARTS_SHOWN: usize = 10;

fn unzipped_size(tree: &Tree, layers: &[Layer]) -> Option<Finding> {
    let of_layers: u64 = layers.iter().map(|layer| layer.bytes).sum();
    let problem = limits::unzipped_problem(tree.size() + of_layers)?;
    let largest = largest_parts(tree, layers);
    Some(Finding::error(
        Quantity::UnzippedBytes.name(),
        format!("{problem}; its largest parts are {largest}"),
        "leave files out with `exclude` or `.lambdaignore`, or move them into a layer; `lambda-pack hash --json` lists all sizes",
    ))
}

/// The largest parts of a package, each with its size.
pub(crate) fn largest_parts(tree: &Tree, layers: &[Layer]) -> String {
    let mut parts = BTreeMap::<&str, u64>::new();
    for entry in tree.entries() {
        *parts.entry(part(&entry.path)).or_default() += entry.size();
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
        .map(|(bytes, path)| format!("{path} {:.1} MB", *bytes as f64 / 1e6));
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
    let bytes = definition.environment.as_ref()?.bytes();
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
fn machine_code(definition: &Definition, tree: &Tree) -> Result<Option<Finding>> {
    // e_machine: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
    const X86_64: u16 = 62;
    const AARCH64: u16 = 183;
    let (machine, name) = match definition.architectures.one() {
        Architecture::X86_64 => (X86_64, "x86_64"),
        Architecture::Arm64 => (AARCH64, "arm64"),
    };
    let mut others = Vec::new();
    let candidates = tree.entries().iter().filter(|entry| {
        let file_name = entry.path.rsplit('/').next().unwrap_or_default();
        entry.kind() == EntryKind::Executable
            || file_name.ends_with(".so")
            || file_name.contains(".so.")
            || file_name.ends_with(".node")
    });
    for entry in candidates.filter(|entry| entry.kind() != EntryKind::Symlink) {
        match elf_machine(entry)? {
            Some(other) if other != machine => others.push(format!(
                "`{}` is for {}",
                entry.path,
                match other {
                    X86_64 => "x86_64",
                    AARCH64 => "arm64",
                    _ => "another processor",
                }
            )),
            _ => {}
        }
    }
    let more = others.len().saturating_sub(3);
    others.truncate(3);
    if more > 0 {
        others.push(format!("and {more} more"));
    }
    Ok((!others.is_empty()).then(|| {
        Finding::error(
            "machine_code",
            format!("its architecture is {name}, but {}", others.join(", ")),
            format!("build or install for {name}, or set `architectures`"),
        )
    }))
}

/// The processor that an ELF file of 64 bits is for; `None` if it is something else.
fn elf_machine(entry: &TreeEntry) -> Result<Option<u16>> {
    let mut header = [0; 20];
    let cannot_read = |cause| Error::input("read", &entry.file, cause);
    let mut file = File::open(&entry.file).map_err(cannot_read)?;
    let read = file.read_exact(&mut header);
    let is_elf = read.is_ok() && header.starts_with(b"\x7fELF");
    Ok(is_elf.then(|| u16::from_le_bytes([header[18], header[19]])))
}

/// Python and Node.js find a handler's module by its name.
fn handler(definition: &Definition, tree: &Tree) -> Option<Finding> {
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
    let is_extension = |entry: &TreeEntry| entry.path.ends_with(".so");
    let is_there = candidates.iter().any(|path| tree.find(path).is_some())
        || tree.starting_with(&format!("{module}.")).any(is_extension);
    if is_there || may_lack(definition, tree) {
        return None;
    }
    Some(Finding::error(
        "handler",
        format!(
            "its handler is `{handler}`, but the package has no {}",
            candidates.join(" and no ")
        ),
        "correct `handler`, or `source` and its `prefix`",
    ))
}

/// Custom runtimes start `bootstrap`.
fn bootstrap(definition: &Definition, tree: &Tree) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    if !runtime.starts_with("provided") {
        return None;
    }
    match tree.find("bootstrap") {
        Some(entry) if entry.kind() == EntryKind::File => Some(Finding::error(
            "bootstrap",
            "`bootstrap` is not executable",
            "run `chmod +x` on it, or name it in `executable` of the source",
        )),
        Some(_) => None,
        None if may_lack(definition, tree) => None,
        None => Some(Finding::error(
            "bootstrap",
            format!("the runtime {runtime} starts `bootstrap`, which the package doesn't have"),
            "put the executable at the top of the package under that name",
        )),
    }
}

/// Modules of Python's own that Lambda's runtime imports before it imports the handler: a file of that name takes their place,
/// since the package comes first in the search path.
fn shadowed_module(definition: &Definition, tree: &Tree) -> Option<Finding> {
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
    let has = |path: String| tree.find(&path).is_some();
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
fn bundled_sdk(definition: &Definition, tree: &Tree) -> Option<Finding> {
    let runtime = definition.runtime.as_ref()?.as_str();
    let (sdk, directories): (&str, &[&str]) = match runtime {
        _ if runtime.starts_with("python") => ("boto3", &["boto3/", "botocore/"]),
        _ if runtime.starts_with("nodejs") => ("the AWS SDK", &["node_modules/@aws-sdk/"]),
        _ => return None,
    };
    let of_sdk = |entry: &&Arc<TreeEntry>| directories.iter().any(|directory| entry.path.starts_with(directory));
    let bytes: u64 = tree.entries().iter().filter(of_sdk).map(|entry| entry.size()).sum();
    (bytes > 0).then(|| {
        Finding::warning(
            "bundled_sdk",
            format!(
                "it packs {sdk} ({:.1} MB unzipped), which the runtime {runtime} has",
                bytes as f64 / 1e6
            ),
            "leave it out unless you need this very version: a swap to `runtime` in a profile does that",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Meter;
    use crate::cache::DigestCache;
    use crate::function::Function;
    use crate::source::Outputs;
    use std::fs;
    use std::path::Path;

    /// What is found in a function with this definition and these files; a name that ends with `*` is executable.
    fn findings(definition: &str, files: &[(&str, &[u8])]) -> Vec<Finding> {
        let directory = tempfile::tempdir().expect("a directory");
        for (path, content) in files {
            let file = directory.path().join("app").join(path.trim_end_matches('*'));
            fs::create_dir_all(file.parent().expect("below")).expect("made");
            fs::write(&file, content).expect("written");
            #[cfg(unix)]
            if path.ends_with('*') {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
            }
        }
        let definition = format!(r#"{{"source": "app", {definition}}}"#);
        let function = Function::parse(Path::new("app.json"), definition.as_bytes()).expect("a definition");
        let trees = Tree::of_functions(
            &[&function],
            directory.path(),
            &Outputs::new([]),
            &DigestCache::none(),
            &Meter::default(),
        )
        .expect("a tree");
        super::findings(&function.definition, &trees[0], &[]).expect("readable")
    }

    #[track_caller]
    fn finds(definition: &str, files: &[(&str, &[u8])], severity: Severity, expected: &str) {
        let findings = findings(definition, files);
        assert!(
            findings
                .iter()
                .any(|it| it.severity == severity && it.problem.contains(expected)),
            "{expected}: {findings:?}"
        );
    }

    #[track_caller]
    fn is_fine(definition: &str, files: &[(&str, &[u8])]) {
        assert_eq!(findings(definition, files), []);
    }

    const PYTHON: &str = r#""runtime": "python3.13", "handler": "app.handler""#;
    const NODE: &str = r#""runtime": "nodejs22.x", "handler": "src/index.handler""#;

    #[test]
    fn a_handler_must_be_there() {
        is_fine(PYTHON, &[("app.py", b"")]);
        is_fine(PYTHON, &[("app/__init__.py", b"")]);
        is_fine(PYTHON, &[("app.cpython-313-x86_64-linux-gnu.so", b"")]);
        is_fine(NODE, &[("src/index.mjs", b"")]);
        is_fine(r#""runtime": "java21", "handler": "a.B::c""#, &[("x", b"")]);
        finds(
            PYTHON,
            &[("main.py", b"")],
            Severity::Error,
            "no app.py and no app/__init__.py",
        );
        finds(NODE, &[("index.mjs", b"")], Severity::Error, "no src/index.js");
        finds(
            r#""runtime": "python3.13", "handler": "app""#,
            &[("app.py", b"")],
            Severity::Error,
            "names no function",
        );
        let with_layer = r#""runtime": "python3.13", "handler": "app.handler", "layers": ["other"]"#;
        is_fine(with_layer, &[("main.py", b"")]);
    }

    #[test]
    fn machine_code_must_fit_the_architecture() {
        let elf = |machine: u8| [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 11], &[machine, 0, 0]].concat();
        let (x86, arm) = (elf(62), elf(183));
        is_fine(PYTHON, &[("app.py", b""), ("lib/a.so", &x86)]);
        finds(
            PYTHON,
            &[("app.py", b""), ("lib/a.so.1", &arm)],
            Severity::Error,
            "`lib/a.so.1` is for arm64",
        );
        finds(
            PYTHON,
            &[("app.py", b""), ("tool*", &arm)],
            Severity::Error,
            "`tool` is for arm64",
        );
        let arm64 = format!(r#"{PYTHON}, "architectures": ["arm64"]"#);
        is_fine(
            &arm64,
            &[("app.py", b""), ("lib/a.so", &arm), ("script*", b"#!/bin/sh\n")],
        );
        finds(
            &arm64,
            &[("app.py", b""), ("lib/a.so", &x86)],
            Severity::Error,
            "its architecture is arm64, but",
        );
    }

    #[test]
    fn a_custom_runtime_needs_an_executable_bootstrap() {
        let custom = r#""runtime": "provided.al2023", "handler": "x""#;
        is_fine(custom, &[("bootstrap*", b"#!/bin/sh\n")]);
        finds(
            custom,
            &[("bootstrap", b"#!/bin/sh\n")],
            Severity::Error,
            "not executable",
        );
        finds(custom, &[("main*", b"")], Severity::Error, "starts `bootstrap`");
    }

    #[test]
    fn quotas_are_known() {
        let six = r#""layers": ["a", "b", "c", "d", "e", "f"]"#;
        finds(six, &[("x", b"")], Severity::Error, "6 layers");
        let long = format!(r#""environment": {{"KEY": "{}"}}"#, "x".repeat(4094));
        finds(&long, &[("x", b"")], Severity::Error, "4097 bytes");
        let fits = format!(r#""environment": {{"KEY": "{}"}}"#, "x".repeat(4093));
        is_fine(&fits, &[("x", b"")]);
    }

    #[test]
    fn what_may_be_meant_is_a_warning() {
        let old = r#""runtime": "python3.8", "handler": "app.handler""#;
        finds(old, &[("app.py", b"")], Severity::Warning, "deprecated");
        finds(
            PYTHON,
            &[("app.py", b""), ("json.py", b"")],
            Severity::Warning,
            "`json`",
        );
        finds(
            PYTHON,
            &[("app.py", b""), ("boto3/x", b"1")],
            Severity::Warning,
            "packs boto3",
        );
    }

    #[test]
    fn parts_are_packages() {
        for (path, expected) in [
            ("numpy/core/a.so", "numpy"),
            (
                "node_modules/@aws-sdk/client-s3/x.js",
                "node_modules/@aws-sdk/client-s3",
            ),
            ("python/numpy/a", "python/numpy"),
            ("app.py", "app.py"),
        ] {
            assert_eq!(part(path), expected);
        }
    }
}
