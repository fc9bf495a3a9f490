//! Function definitions: `lambda-json/<name>.json`, one file a function or layer.

mod allowed_secret;
mod asset;
mod build;
mod definition;
mod entry_glob;
mod kinds;
mod layers;
mod policy;
mod secret;
mod tags;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

pub use allowed_secret::{AllowedSecret, RuleId};
pub use asset::{ArchiveKind, Asset, AssetUrl, Extract, Mode, Sha256};
pub use build::{Build, Bundle, BundleFormat, CommandBuild, GoBuild, NodeBuild, Place, PythonBuild, RustBuild};
pub use definition::{
    Architecture, Definition, FunctionName, Kind, Source, SourceSpec, Symlinks, TracingMode, json_schema,
};
pub(crate) use entry_glob::glob_fault;
pub use layers::Selected;
pub use policy::{Effect, PolicyStatement};
pub use secret::{Charset, Secret, SecretClass};
pub(crate) use secret::{check as check_secrets, variable_of_id};
pub use text::{EntryPath, EntryPrefix, GlobText, RelativePath};

pub(crate) use text::{Text, has_drive_letter};

use crate::secrets::Infrastructure;
use crate::swaps::Swap;
use crate::{Error, ErrorKind, Result, json, shorten, suggest};

/// A function or layer: its definition with every default filled in, and the file that it came from.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: FunctionName,
    /// As reached from the configuration directory that was given; for messages.
    pub file: PathBuf,
    /// Boxed: it has more than fifty keys, and functions are moved from one collection to the next.
    pub definition: Box<Definition>,
    /// What a profile puts in the place of dependencies.
    pub swaps: Vec<Swap>,
    /// Secrets that may be in no package of the project, see [`crate::secrets::protect`]; `None` if none is declared.
    pub infrastructure: Option<Arc<Infrastructure>>,
    /// Directories below the code directory in which tools leave what they make, for any function of the project, when they are run
    /// by hand there. It is no input of a build that doesn't name it.
    pub(crate) left_by_tools: Arc<BTreeSet<String>>,
    /// Layers that swaps may need: names of those that a profile put into `layers`.
    pub(crate) layers_of_swaps: Vec<FunctionName>,
    /// The function that this layer was split off from. Its source only says where its lock file is.
    split_from: Option<FunctionName>,
}

impl Function {
    /// Reads one definition from its bytes. The file's name matters only where the definition has no `function_name`.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let stem = checked_stem(file)?;
        let definition: Definition = json::parse_object(file.display(), bytes).map_err(|first| {
            let faults = secret::faults(file, bytes);
            // If it is one of these, it comes once.
            let first = Some(first).filter(|first| faults.iter().all(|fault| fault.message() != first.message()));
            Error::join(first.into_iter().chain(faults)).expect("one at least")
        })?;
        let name = match &definition.function_name {
            Some(name) => name.clone(),
            None => stem.parse().map_err(|expected| {
                Error::invalid(format!(
                    "{}: the file's name `{stem}` would be the function's name, which must be {expected}",
                    file.display()
                ))
                .help("set `function_name` in the file, or rename the file")
            })?,
        };
        let definition = definition
            .resolve(name.clone())
            .map_err(|error| error.within_text(file.display(), |key| json::position(bytes, key)))?;
        Ok(Function {
            name,
            file: file.to_owned(),
            definition: Box::new(definition),
            swaps: Vec::new(),
            infrastructure: None,
            left_by_tools: Arc::default(),
            layers_of_swaps: Vec::new(),
            split_from: None,
        })
    }
}

impl Function {
    /// What it is packed from.
    pub fn sources(&self) -> &[SourceSpec] {
        match self.split_from {
            Some(_) => &[],
            None => &self.definition.source.0,
        }
    }

    /// Whether dependencies are a layer of their own: this one, or one beside it.
    pub(crate) fn is_split(&self) -> bool {
        let layer = layers::name_of_dependencies(self.name.as_str());
        self.split_from.is_some() || self.layer_names().any(|name| name == layer)
    }

    /// The function whose dependencies it holds, if that is all it is for; else itself.
    pub fn owner(&self) -> &FunctionName {
        self.split_from.as_ref().unwrap_or(&self.name)
    }

    /// Puts a layer that is defined beside it before its others, which so have the last word.
    pub(crate) fn add_layer_of_swap(&mut self, layer: &FunctionName) {
        let layers = self.definition.layers.get_or_insert_default();
        if layers.iter().all(|known| known.as_str() != layer.as_str()) {
            layers.insert(
                0,
                layer.as_str().parse().expect("names of functions are names of layers"),
            );
            self.layers_of_swaps.push(layer.clone());
        }
    }

    /// Removes one that turned out to be needed for nothing.
    pub(crate) fn remove_layer(&mut self, layer: &FunctionName) {
        if let Some(layers) = &mut self.definition.layers {
            layers.retain(|known| known.as_str() != layer.as_str());
        }
    }

    /// The layers of this function that are defined beside it; others are known by their ARNs.
    pub fn layer_names(&self) -> impl Iterator<Item = &str> {
        let layers = self.definition.layers.iter().flatten().map(Text::as_str);
        layers.filter(|layer| !layer.starts_with("arn:"))
    }
}

/// A name as the last words of a command that somebody is to run: it may begin as options do.
pub fn as_argument(name: &str) -> String {
    match name.starts_with('-') {
        true => format!("-- {name}"),
        false => name.to_owned(),
    }
}

/// File names reach messages, shells and logs of others, so they get no more freedom than they need.
fn checked_stem(file: &Path) -> Result<&str> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if stem.is_empty() || !stem.chars().all(plain) {
        return Err(Error::invalid(format!(
            "{:?}: a definition's file name may hold letters, digits, `.`, `_` and `-` only",
            file.display().to_string()
        ))
        .help("rename the file; with `function_name` set in it, nothing else changes"));
    }
    Ok(stem)
}

/// All functions of a configuration directory, by name. Every bad file is reported, not just the first.
pub fn load(config_dir: &Path) -> Result<BTreeMap<String, Function>> {
    let files = definition_files(config_dir)?;
    if files.is_empty() {
        // An empty map would tell Terraform to destroy every function.
        return Err(
            Error::invalid(format!("`{}` holds no `*.json` definition", config_dir.display()))
                .help("name the directory with --config-dir, or add a definition (see `lambda-pack schema`)"),
        );
    }
    let mut functions = BTreeMap::<String, Function>::new();
    let mut errors = Vec::new();
    let parsed: Vec<Result<Vec<Function>>> = files.par_iter().map(|file| load_file(file)).collect();
    for parsed in parsed {
        match parsed {
            Ok(parsed) => {
                for function in parsed {
                    if let Some(other) = functions.get(function.name.as_str()) {
                        errors.push(Error::invalid(format!(
                            "two definitions of the function `{}`: `{}` and `{}`",
                            function.name,
                            other.file.display(),
                            function.file.display()
                        )));
                    } else {
                        functions.insert(function.name.to_string(), function);
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    // What is missing may stand in a file that can't be read.
    if errors.is_empty() {
        errors.extend(
            functions
                .values()
                .flat_map(|function| layers::check(function, &functions)),
        );
    }
    let left_by_tools = Arc::new(functions.values().flat_map(left_by_tools).collect());
    for function in functions.values_mut() {
        function.left_by_tools = Arc::clone(&left_by_tools);
    }
    match Error::join(errors) {
        Some(error) => Err(error),
        None => Ok(functions),
    }
}

/// Pairs of names that are one where case doesn't count: file systems of macOS and Windows have one file for both packages.
pub fn lookalikes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let mut seen = HashMap::new();
    let pairs = names.filter_map(|name| Some((seen.insert(name.to_ascii_lowercase(), name)?, name)));
    pairs.collect()
}

/// Where a function's tool leaves what it makes, below the code directory.
fn left_by_tools(function: &Function) -> impl Iterator<Item = String> {
    let build = function.definition.build.as_ref();
    let made = build.and_then(|build| build.0.made_by_tools());
    let places = made.map(|made| {
        let sources = function.sources().iter().filter(|spec| spec.prefix.is_none());
        sources.map(move |spec| match spec.path.as_str() {
            "." => made.to_owned(),
            source => format!("{source}/{made}"),
        })
    });
    places.into_iter().flatten()
}

fn load_file(file: &Path) -> Result<Vec<Function>> {
    let bytes = fs::read(file).map_err(|cause| Error::input("read", file, cause))?;
    parse_file(file, &bytes)
}

/// A function, and the layer that its dependencies are split off into if it asks for one.
pub fn parse_file(file: &Path, bytes: &[u8]) -> Result<Vec<Function>> {
    let mut function = Function::parse(file, bytes)?;
    let layer = layers::split(&mut function)
        .map_err(|error| error.within_text(file.display(), |key| json::position(bytes, key)))?;
    Ok([function].into_iter().chain(layer).collect())
}

/// The `*.json` files of the directory itself, sorted, without editors' hidden ones.
fn definition_files(config_dir: &Path) -> Result<Vec<PathBuf>> {
    let cannot_list = |cause| {
        Error::input("list the definitions in", config_dir, cause)
            .help("name the directory of the function definitions with --config-dir")
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(config_dir).map_err(cannot_list)? {
        let path = entry.map_err(cannot_list)?.path();
        if is_definition_file(&path) {
            files.push(path);
        }
    }
    // Not by their components, which takes longer than to list them.
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// Whether a file of the configuration directory is a definition, by its name.
pub fn is_definition_file(path: &Path) -> bool {
    let name = path.file_name();
    let is_hidden = name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension();
    !is_hidden && extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// The named functions, or all where no name is given, with the layers that they name.
pub fn select(mut functions: BTreeMap<String, Function>, names: &[String]) -> Result<Selected<Function>> {
    if names.is_empty() {
        return Ok(layers::select(functions, BTreeMap::new()));
    }
    let mut selected = BTreeMap::new();
    for name in names {
        if selected.contains_key(name) {
            continue;
        }
        match functions.remove_entry(name) {
            Some((name, function)) => {
                selected.insert(name, function);
            }
            None => {
                return Err(unknown(name, functions.keys().chain(selected.keys())));
            }
        }
    }
    Ok(layers::select(selected, functions))
}

/// Nobody has that name.
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = match suggest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("defined: {}", shorten(&known.join(", "))),
    };
    Error::new(ErrorKind::Usage, format!("no function is named `{}`", shorten(name))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &str, json: &str) -> Result<Function> {
        Function::parse(Path::new(file), json.as_bytes())
    }

    #[track_caller]
    fn refused(json: &str, expected: &str) {
        let error = parse("lambda-json/app.json", json).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(expected), "{}", error.message());
    }

    #[test]
    fn the_name_is_the_stem_or_what_the_file_says() {
        let json = r#"{"source": "app.py"}"#;
        assert_eq!(parse("lambda-json/app.json", json).expect("app").name.as_str(), "app");
        let json = r#"{"function_name": "other", "source": "app.py"}"#;
        assert_eq!(
            parse("lambda-json/app.json", json).expect("other").name.as_str(),
            "other"
        );
        assert!(parse("lambda-json/my.app.json", r#"{"source": "app.py"}"#).is_err());
    }

    #[test]
    fn a_file_name_that_a_shell_would_run_is_refused() {
        for name in ["a; echo PWNED.json", "$(id).json", "a b.json", "é.json"] {
            let json = r#"{"function_name": "fine", "source": "app.py"}"#;
            assert!(parse(name, json).is_err(), "{name}");
        }
    }

    #[test]
    fn errors_name_file_line_key_found_and_allowed() {
        refused(
            "{\n  \"source\": \"a\",\n  \"memry_size\": 1\n}",
            "lambda-json/app.json:3:14: unknown key `memry_size`",
        );
        refused(
            "{\n  \"source\": \"a\",\n  \"memory_size\": 64\n}",
            "app.json:3:19: key `memory_size`: found integer `64`; allowed: an integer from 128 to 10240",
        );
        refused(
            r#"{"source": "a", "timeout": "10"}"#,
            "key `timeout`: found string \"10\"",
        );
        refused(
            r#"{"source": "a", "runtime": "python"}"#,
            "key `runtime`: found string \"python\"",
        );
        refused(r#"{"source": "../a"}"#, "key `source`");
        refused(r#"{"source": "/a"}"#, "key `source`");
        refused(
            r#"{"source": {"path": "a", "symlinks": "folow"}}"#,
            "key `source.symlinks`: found `folow`",
        );
        refused(
            r#"{"source": {"path": "a", "inclde": []}}"#,
            "unknown key `source.inclde`",
        );
        refused(
            r#"{"source": ["a", {"path": 3}]}"#,
            "key `source[1].path`: found integer `3`",
        );
        refused(r#"{"source": []}"#, "key `source`");
        refused(r#"{"source": "a", "source": "b"}"#, "key `source` comes twice");
        refused(
            r#"{"source": "a", "environment": {"AB": "1", "AB": "2"}}"#,
            "key `environment`: `AB` comes twice",
        );
        refused(
            r#"{"source": "a", "environment": {"AB": 1}}"#,
            "key `environment.AB`: found integer",
        );
        refused(r#"{"source": "a", "environment": {"A B": "1"}}"#, "A B");
        refused(
            r#"{"source": "a", "architectures": ["arm64", "x86_64"]}"#,
            "key `architectures`",
        );
        refused("{}", "lambda-json/app.json:1:2: key `source` is missing");
        refused("{\"source\": \"a\",\n}", "app.json:2:1: not JSON");
        refused("{\"source\": \"a\"} x", "app.json:1:17: not JSON");
        refused("", "app.json:1:0: not JSON");
        refused(r#"["app", "app.py"]"#, "found a list; allowed: an object");
        refused(
            r#"{"source": "a", "vpc_config": [[], []]}"#,
            "key `vpc_config`: found a list; allowed: an object",
        );
        refused(r#"{"source": "a", "a`b\u001b": 1}"#, r"unknown key `a`b\u{1b}`");
        refused(
            r#"{"source": {"path": "a", "path": "b"}}"#,
            "key `source.path` comes twice",
        );
        refused(r#"{"type": "layer", "source": "a", "handler": "x.y"}"#, "`handler`");
    }

    #[test]
    fn lists_that_the_schema_wants_filled_are_filled() {
        for key in ["actions", "resources"] {
            let mut statement = serde_json::json!({"actions": ["s3:GetObject"], "resources": ["*"]});
            statement[key] = serde_json::json!([]);
            refused(
                &format!(r#"{{"source": "a", "policy_statements": [{statement}]}}"#),
                &format!("key `policy_statements[0].{key}`: found an empty list; allowed: at least one"),
            );
        }
        refused(
            r#"{"source": "a", "build": {"type": "node", "bundle": {"entry": []}}}"#,
            "`bundle.entry` is empty",
        );
        let schema = serde_json::to_string(&json_schema()).expect("JSON");
        let entry = &schema[schema.find(r#""entry":"#).expect("the key")..];
        let end = entry.find('}').expect("its end");
        assert!(entry[..end + 20].contains(r#""minItems":1"#), "{}", &entry[..end + 20]);
    }

    #[test]
    fn what_aws_refuses_of_tags_statements_and_networks_is_refused() {
        let long = |characters: usize| "ä".repeat(characters);
        let tags = |key: &str, value: &str| format!(r#"{{"source": "a", "tags": {{"{key}": "{value}"}}}}"#);
        refused(
            &tags("", "x"),
            "key `tags`: found the key `` of 0 characters; allowed: 1 to 128",
        );
        refused(&tags(&long(129), "x"), "of 129 characters; allowed: 1 to 128");
        refused(
            &tags("a", &long(257)),
            "found a value of 257 characters at `a`; allowed: at most 256",
        );
        refused(
            &tags("aws:x", "x"),
            "found the key `aws:x`; allowed: what doesn't begin with `aws:`",
        );
        refused(&tags("AWS:x", "x"), "found the key `AWS:x`");
        let many: Vec<String> = (0..51).map(|number| format!(r#""t{number}": """#)).collect();
        let many = format!(r#"{{"source": "a", "tags": {{{}}}}}"#, many.join(", "));
        refused(&many, "key `tags`: found 51 tags; allowed: at most 50");
        for passes in [tags("awsome", ""), tags(&long(128), &long(256))] {
            assert!(parse("app.json", &passes).is_ok(), "{passes}");
        }

        let statement = r#"{"sid": "Read", "actions": ["s3:GetObject"], "resources": ["*"]}"#;
        let policy = |statements: &str| format!(r#"{{"source": "a", "policy_statements": [{statements}]}}"#);
        refused(
            &policy(&format!("{statement}, {statement}")),
            "key `policy_statements`: two statements have the `sid` `Read`; allowed: each once",
        );
        let (other, unnamed) = (
            statement.replace("Read", "List"),
            statement.replace(r#""sid": "Read", "#, ""),
        );
        assert!(
            parse(
                "app.json",
                &policy(&format!("{statement}, {other}, {unnamed}, {unnamed}"))
            )
            .is_ok()
        );

        let network = |subnets: &str, groups: &str| {
            format!(
                r#"{{"source": "a", "vpc_config": {{"subnet_ids": [{subnets}], "security_group_ids": [{groups}]}}}}"#
            )
        };
        refused(
            &network(r#""subnet-1""#, ""),
            "key `vpc_config.security_group_ids`: found an empty list beside `subnet_ids`; allowed: at least one, or none in both",
        );
        refused(
            &network("", r#""sg-1""#),
            "key `vpc_config.subnet_ids`: found an empty list",
        );
        // No VPC, as lambda-deploy-module has it.
        assert!(parse("app.json", &network("", "")).is_ok());
        assert!(parse("app.json", &network(r#""subnet-1""#, r#""sg-1""#)).is_ok());
    }

    #[test]
    fn each_type_of_build_has_keys_of_its_own() {
        refused(
            "{\"source\": \"a\", \"build\":\n  {\"type\": \"pyton\"}}",
            "app.json:2:18: key `build.type`: found `pyton`",
        );
        refused(
            "{\"source\": \"a\", \"build\":\n  {\"lock\": 1, \"type\": \"node\"}}",
            "app.json:2:12: key `build.lock`: found integer `1`",
        );
        refused(r#"{"source": "a", "build": {}}"#, "key `build.type` is missing");
        refused(
            r#"{"source": "a", "build": {"type": "node", "lok": "a"}}"#,
            "unknown key `build.lok`",
        );
        refused(
            r#"{"source": "a", "build": ["node"]}"#,
            "key `build`: found a list; allowed: an object",
        );
    }

    #[test]
    fn values_of_builds_are_checked() {
        refused(
            "{\"source\": \"a\", \"build\": {\"type\": \"node\",\n  \"package\": \".\"}}",
            "app.json:2:17: key `build`: a build of type `node` has no key `package`; allowed: `type`, `lock`",
        );
        refused(
            r#"{"source": "a", "build": {"type": "go", "package": "./..."}}"#,
            "key `build.package`: found string \"./...\"; allowed: a package of the source",
        );
        refused(
            r#"{"source": "a", "build": {"type": "node", "bundle": {"entry": ["a.ts"], "format": "umd"}}}"#,
            "key `build.bundle.format`: found `umd`",
        );
        refused(
            r#"{"source": "a", "build": {"type": "command", "command": [], "output": "dist"}}"#,
            "key `build`: `command` is missing or empty",
        );
        refused(
            r#"{"source": "a", "build": {"type": "command", "command": ["make"]}}"#,
            "key `build`: `output` is missing",
        );
    }

    #[test]
    fn a_resolved_definition_has_the_defaults_and_no_source() {
        let function = parse("lambda-json/app.json", r#"{"$schema": "x", "source": "app.py"}"#).expect("app");
        assert_eq!(
            serde_json::to_value(&function.definition).expect("JSON"),
            serde_json::json!({
                "function_name": "app", "type": "function", "architectures": ["x86_64"], "memory_size": 128,
                "timeout": 3, "environment": {}, "layers": []
            })
        );
    }

    #[test]
    fn a_name_that_is_not_there_gets_a_suggestion() {
        let app = parse("app.json", r#"{"source": "app.py"}"#).expect("app");
        let functions = BTreeMap::from([("app".to_owned(), app)]);
        let error = select(functions, &["ap".to_owned()]).expect_err("unknown");
        assert_eq!(error.help_text(), Some("did you mean `app`?"));
    }
}
