//! Packages that a tool makes of the source, which then isn't packed itself.
//!
//! The tool sees a copy of the source and of declared inputs, and nothing else of the code directory. So what the source
//! hash covers is what can decide what it makes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::{command, go, node, recorded, rust};
use crate::cache::DigestCache;
use crate::digest::{Algorithm, Hasher};
use crate::disk::{make_link, set_mode};
use crate::function::{
    Architecture, Build, Bundle, CommandBuild, Function, GlobText, GoBuild, Kind, NodeBuild, RustBuild,
};
use crate::json::Object;
use crate::manifest::BuildInputs;
use crate::source::{Content, Tree, TreeEntry, read_changed, read_stable, walk_globs};
use crate::{Error, Meter, Result};

/// Number of the rules by which packages are made. A change of them changes source hashes.
const RECIPE: u32 = 1;

/// The time of every file in a copy, since 1970 in UTC: 1980-02-01 00:00:00, like in packages.
const TIME: Duration = Duration::from_secs(318_211_200);

/// What makes the package, and of what.
#[derive(Debug)]
pub struct Output {
    pub tool: Tool,
    pub architecture: Architecture,
    /// Lambda's runtime identifier.
    pub runtime: Option<String>,
    /// Where the source stands in the copy: empty, or ends with `/`.
    directory: String,
    /// Beyond the source; their paths are relative to the code directory.
    inputs: Vec<TreeEntry>,
    build_inputs: BuildInputs,
}

#[derive(Clone, Debug)]
pub enum Tool {
    Go(GoBuild),
    Rust(RustBuild),
    Command(CommandBuild),
    Bundle(Bundle),
}

impl Tool {
    /// As a definition spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Tool::Go(_) => "go",
            Tool::Rust(_) => "rust",
            Tool::Command(_) => "command",
            Tool::Bundle(_) => "node",
        }
    }

    /// What beyond `source` is copied.
    fn globs(&self) -> &[GlobText] {
        match self {
            Tool::Go(build) => &build.inputs,
            Tool::Rust(build) => &build.inputs,
            Tool::Command(build) => &build.inputs,
            Tool::Bundle(_) => &[],
        }
    }

    /// What of the definition enters the build inputs.
    fn options(&self) -> Vec<(&'static str, Value)> {
        match self {
            Tool::Go(build) => go::options(build),
            Tool::Rust(build) => rust::options(build),
            Tool::Command(build) => command::options(build),
            Tool::Bundle(bundle) => node::options(bundle),
        }
    }
}

impl Output {
    /// What it is made of beyond the source.
    pub fn files_beside(&self) -> impl Iterator<Item = &TreeEntry> {
        self.inputs.iter()
    }

    /// `None` for a function without such a build.
    pub fn of(function: &Function, code_dir: &Path, digests: &DigestCache, meter: &Meter) -> Result<Option<Self>> {
        let tool = match function.definition.build.as_ref().map(|build| &build.0) {
            Some(Build::Go(build)) => Tool::Go(build.clone()),
            Some(Build::Rust(build)) => Tool::Rust(build.clone()),
            Some(Build::Command(build)) => Tool::Command(build.clone()),
            Some(Build::Node(NodeBuild {
                bundle: Some(Object(bundle)),
                ..
            })) => Tool::Bundle(bundle.clone()),
            Some(Build::Python(_) | Build::Node(NodeBuild { bundle: None, .. })) | None => return Ok(None),
        };
        let definition = &function.definition;
        let runtime = definition.runtime.as_ref().map(ToString::to_string);
        match tool {
            Tool::Go(_) | Tool::Rust(_) => custom_runtime(&tool, definition.kind, runtime.as_deref())?,
            Tool::Bundle(_) => node::check_runtime(definition.kind, runtime.as_deref())?,
            Tool::Command(_) => {}
        }
        let mut inputs = Vec::new();
        for glob in tool.globs() {
            inputs.extend(walk_globs(code_dir, glob, &function.left_by_tools, meter)?);
        }
        // Globs may overlap.
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        inputs.dedup_by(|a, b| a.path == b.path);
        let directory = match inputs.as_slice() {
            // Nothing stands beside the source, so that its directory's name tells nothing.
            [] => String::new(),
            _ => source_directory(function, code_dir),
        };
        let mut record = recorded(tool.name(), RECIPE, definition.architectures.one());
        record.extend(
            runtime
                .iter()
                .map(|runtime| ("runtime".to_owned(), runtime.as_str().into())),
        );
        record.extend(tool.options().into_iter().map(|(key, value)| (key.to_owned(), value)));
        if let Tool::Command(CommandBuild {
            identity: Some(identity),
            ..
        }) = &tool
        {
            record.insert("identity".to_owned(), identity.as_str().into());
        } else if !inputs.is_empty() {
            let mut digested = Map::new();
            for input in &inputs {
                let entry = input.hash(Algorithm::Blake3, digests, meter)?;
                digested.insert(
                    entry.path.to_string(),
                    format!("{} {}", entry.kind.name(), entry.digest).into(),
                );
            }
            record.insert("inputs".to_owned(), digested.into());
        }
        if !inputs.is_empty() {
            record.insert("directory".to_owned(), directory.as_str().into());
        }
        Ok(Some(Output {
            architecture: definition.architectures.one(),
            tool,
            runtime,
            directory,
            inputs,
            build_inputs: BuildInputs::new(record)?,
        }))
    }

    /// The globs whose files are hashed with a function's source.
    pub fn hashed_globs(function: &Function) -> &[GlobText] {
        match function.definition.build.as_ref().map(|build| &build.0) {
            Some(Build::Go(build)) => &build.inputs,
            Some(Build::Rust(build)) => &build.inputs,
            // An identity stands for them.
            Some(Build::Command(build)) if build.identity.is_none() => &build.inputs,
            _ => &[],
        }
    }

    /// What beyond the source it is made of.
    pub(crate) fn input_files(&self) -> &[TreeEntry] {
        &self.inputs
    }

    /// The text of a file in the source's directory, empty if it is not there.
    pub fn read(&self, source: &Tree, path: &str) -> Result<String> {
        let copy = Copy { output: self, source };
        let found = copy.read(path)?;
        Ok(found.map(|(_file, text)| text).unwrap_or_default())
    }

    pub(super) fn inputs(&self) -> &BuildInputs {
        &self.build_inputs
    }

    /// Fails if the tool is bound to.
    pub(crate) fn check(&self, source: &Tree) -> Result<()> {
        for input in &self.inputs {
            let clash = input
                .path
                .strip_prefix(&*self.directory)
                .and_then(|path| source.find(path));
            if clash.is_some_and(|entry| !is_same(entry, input)) {
                return Err(Error::invalid(format!(
                    "the input `{}` stands where the source has another file",
                    input.path
                ))
                .help("move one of them, or give the source a `prefix`"));
            }
        }
        let copy = Copy { output: self, source };
        match &self.tool {
            Tool::Go(build) => go::check(build, &copy),
            Tool::Rust(_) => rust::check(&copy),
            Tool::Command(_) => Ok(()),
            Tool::Bundle(bundle) => node::check(bundle, &copy),
        }
    }

    /// Copies source and inputs into an empty directory; returns where the source is. Fails where a file is no more what
    /// was hashed.
    pub fn copy_to(&self, source: &Tree, directory: &Path, meter: &Meter) -> Result<PathBuf> {
        let place = directory.join(&self.directory);
        fs::create_dir_all(&place).map_err(|cause| Error::io("make the directory", &place, cause))?;
        for entry in source.entries() {
            copy(entry, &place.join(&*entry.path), meter)?;
        }
        for input in &self.inputs {
            let to = directory.join(&*input.path);
            // Globs may meet the source too.
            if fs::symlink_metadata(&to).is_err() {
                copy(input, &to, meter)?;
            }
        }
        Ok(place)
    }
}

/// What a tool will see, before it is copied.
pub(super) struct Copy<'a> {
    output: &'a Output,
    source: &'a Tree,
}

impl Copy<'_> {
    /// The entry at a path that is relative to the source's directory, and may lead out of it.
    pub fn find(&self, path: &str) -> Option<&TreeEntry> {
        let mut components: Vec<&str> = self.output.directory.split_terminator('/').collect();
        for component in path.split('/') {
            match component {
                "" | "." => {}
                ".." => {
                    components.pop()?;
                }
                name => components.push(name),
            }
        }
        let path = components.join("/");
        let of_source = path
            .strip_prefix(&*self.output.directory)
            .and_then(|path| self.source.find(path));
        of_source.or_else(|| self.output.inputs.iter().find(|input| *input.path == *path))
    }

    /// Whether the source has files with this end in a directory of its own.
    pub fn has_files(&self, directory: &str, end: &str) -> bool {
        let start = match directory.trim_start_matches("./") {
            "." | "" => String::new(),
            path => format!("{path}/"),
        };
        let mut below = self.source.starting_with(&start);
        below.any(|entry| entry.path.ends_with(end) && !entry.path[start.len()..].contains('/'))
    }

    /// The text of a file of the source, if it is there.
    pub fn read(&self, path: &str) -> Result<Option<(&Path, String)>> {
        let Some(entry) = self.find(path) else {
            return Ok(None);
        };
        let text = fs::read_to_string(&entry.file).map_err(|cause| Error::input("read", &entry.file, cause))?;
        Ok(Some((&entry.file, text)))
    }
}

fn is_same(one: &TreeEntry, other: &TreeEntry) -> bool {
    let real = |entry: &TreeEntry| fs::canonicalize(&entry.file).ok();
    real(one).is_some_and(|file| real(other) == Some(file))
}

/// What makes a `bootstrap` makes it for functions with a custom runtime.
fn custom_runtime(tool: &Tool, kind: Kind, runtime: Option<&str>) -> Result<()> {
    let name = tool.name();
    match (kind, runtime) {
        (Kind::Layer, _) => Err(Error::invalid(format!(
            "a build of type `{name}` makes a `bootstrap`, which layers have no use for"
        ))
        .help("use a build of type `command`")),
        (Kind::Function, Some(runtime)) if runtime.starts_with("provided") => Ok(()),
        (Kind::Function, _) => Err(
            Error::invalid(format!("a build of type `{name}` needs a custom runtime"))
                .help("set `runtime` to provided.al2023"),
        ),
    }
}

/// Where the source is below the code directory; where it has several parts, they are put together at the top.
fn source_directory(function: &Function, code_dir: &Path) -> String {
    match function.definition.source.0.as_slice() {
        [spec] if spec.prefix.is_none() => {
            let path = spec.path.as_str();
            let directory = match code_dir.join(path).is_dir() {
                true => Some(path),
                false => path.rsplit_once('/').map(|(directory, _file)| directory),
            };
            let directory = directory.filter(|directory| *directory != ".");
            directory.map(|directory| format!("{directory}/")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// With the modes that packages have, whatever the umask, and one time.
fn copy(entry: &TreeEntry, to: &Path, meter: &Meter) -> Result<()> {
    /// Large enough for BLAKE3's widest vectors.
    const READ_BYTES: usize = 256 * 1024;
    let cannot_write = |cause| Error::io("write", to, cause).help("check space and permissions there");
    if let Some(directory) = to.parent() {
        fs::create_dir_all(directory).map_err(cannot_write)?;
    }
    let executable = match &entry.content {
        Content::Symlink { target } => {
            return make_link(target, to).map_err(|cause| {
                cannot_write(cause)
                    .help("check space and permissions there; where there are no links, set `symlinks` to `follow`")
            });
        }
        Content::File { executable, .. } => *executable,
    };
    let mut file = File::create_new(to).map_err(cannot_write)?;
    let mut hasher = Hasher::new(Algorithm::Blake3);
    read_stable(&entry.file, READ_BYTES, |bytes| {
        hasher.update(bytes);
        file.write_all(bytes).map_err(cannot_write)?;
        meter.check()
    })?;
    let digest = hasher.finish();
    if entry.hashed_digest().is_some_and(|hashed| hashed != digest) {
        return Err(read_changed(&entry.file));
    }
    set_mode(&file, executable).map_err(cannot_write)?;
    file.set_modified(SystemTime::UNIX_EPOCH + TIME).map_err(cannot_write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Outputs;

    /// A package is never made of other files than those that were hashed.
    #[test]
    fn a_copy_of_what_changed_after_it_was_hashed_is_refused() {
        let root = tempfile::tempdir().expect("a directory");
        let code_dir = root.path().join("code");
        fs::create_dir_all(code_dir.join("app")).expect("made");
        fs::create_dir_all(code_dir.join("shared")).expect("made");
        let (source, input) = (code_dir.join("app/a.txt"), code_dir.join("shared/b.txt"));
        let json = r#"{"source": "app", "build": {"type": "command", "command": ["true"], "output": "out", "inputs": ["shared"]}}"#;
        let function = Function::parse(Path::new("app.json"), json.as_bytes()).expect("a definition");
        for changed in [None, Some(&source), Some(&input)] {
            fs::write(&source, "a").expect("written");
            fs::write(&input, "b").expect("written");
            let (digests, meter) = (DigestCache::none(), Meter::default());
            let trees =
                Tree::of_functions(&[&function], &code_dir, &Outputs::new([]), &digests, &meter).expect("a tree");
            trees[0].manifest(Algorithm::Blake3, &digests, &meter).expect("hashed");
            let Some(super::super::Recipe::Output(output)) = trees[0].recipe() else {
                panic!("made by a command");
            };
            if let Some(file) = changed {
                fs::write(file, "c").expect("written");
            }
            let copy = tempfile::tempdir().expect("a directory");
            let copied = output.copy_to(&trees[0], copy.path(), &meter);
            match changed {
                None => assert_eq!(copied.expect("unchanged"), copy.path().join("app/")),
                Some(_) => assert!(
                    copied
                        .expect_err("refused")
                        .message()
                        .contains("changed while it was read")
                ),
            }
        }
    }
}
