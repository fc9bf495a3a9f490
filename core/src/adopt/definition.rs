//! From what was found to definitions that `validate` accepts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::draft::{Candidate, Draft, Links, Note, Part};
use super::files::Repository;
use super::settle::{settle_layers_architectures, settle_name, settle_secrets, settle_sources};
use super::written::{Field, Ordered, Source, Spec};
use super::{Adoption, Found, relative, slashes};
use crate::cache::DigestCache;
use crate::function::{Function, Kind};
use crate::preflight::{self, Contents, Layer};
use crate::secrets::Guard;
use crate::source::{Outputs, Tree, existing_part};
use crate::{Error, ErrorKind, Meter, Result};

/// What is written into a project, which no source may hold.
const OURS: [&str; 5] = [
    "lambda-pack.toml",
    "lambda-json/**",
    "root.hcl",
    "lambda-build-module/**",
    "lambda-deploy-module/**",
];

/// A function or layer that is carried over.
#[derive(Debug)]
pub struct Adopted {
    pub name: String,
    /// Where it was found: file and line.
    pub file: PathBuf,
    pub line: usize,
    /// Its definition, pretty-printed JSON.
    pub definition: String,
}

/// Tries each, and keeps what `validate` would accept.
pub fn settle(
    mut found: Found,
    repository: &Repository,
    project: &Path,
    files: usize,
    meter: &Meter,
) -> Result<Adoption> {
    let absolute = std::path::absolute(project).map_err(|cause| Error::input("find", project, cause))?;
    // It may be yet to be made.
    let project = existing_part(&absolute).unwrap_or(absolute);
    let mut names = BTreeMap::new();
    for draft in &mut found.drafts {
        settle_name(draft, &mut names);
        settle_sources(draft, repository)?;
    }
    let mut drafts = found.drafts;
    settle_secrets(&mut drafts);
    let notes_of = |draft: &mut Draft| {
        let name = draft.name.clone();
        let notes = std::mem::take(&mut draft.notes);
        notes.into_iter().map(move |note| Note {
            function: Some(name.clone()),
            ..note
        })
    };
    settle_layers_architectures(&mut drafts);
    // Layers first: functions are checked with them.
    drafts.sort_by_key(|draft| draft.kind == Kind::Function);
    // Sources are relative to a directory that is above all of them, but not to one that only what is refused needs.
    let (project_of, settled) = loop {
        let mut project_of = Project::new(&drafts, &project);
        let settled = drafts.iter().cloned().map(|mut draft| {
            meter.check()?;
            let adopted = match draft.is_refused {
                true => None,
                false => project_of.settle(&mut draft, meter)?,
            };
            Ok((draft, adopted))
        });
        let settled: Vec<(Draft, Option<Adopted>)> = settled.collect::<Result<_>>()?;
        let tried: Vec<Draft> = settled.iter().map(|(draft, _)| draft.clone()).collect();
        if Project::new(&tried, &project).code_dir == project_of.code_dir {
            break (project_of, settled);
        }
        for (draft, tried) in drafts.iter_mut().zip(tried).filter(|(_, tried)| tried.is_refused) {
            *draft = tried;
        }
    };
    let mut functions = Vec::new();
    let mut notes = found.notes;
    for (mut draft, adopted) in settled {
        functions.extend(adopted);
        if draft.is_refused {
            // What a function that isn't there lacks is of no interest.
            draft.notes.retain(|note| note.key.is_none());
        }
        notes.extend(notes_of(&mut draft));
    }
    functions.sort_by(|a: &Adopted, b| a.name.cmp(&b.name));
    notes.sort();
    notes.dedup();
    Ok(Adoption {
        functions,
        notes,
        code_dir: slashes(&relative(&project_of.code_dir, &project)),
        is_within_source: project_of.is_within_source,
        files,
    })
}

/// What definitions are relative to, and the layers that were settled.
struct Project {
    directory: PathBuf,
    code_dir: PathBuf,
    is_within_source: bool,
    layers: BTreeMap<String, (Function, u64)>,
}

impl Project {
    /// The code directory is the project, unless sources stand elsewhere.
    fn new(drafts: &[Draft], directory: &Path) -> Self {
        let usable = drafts.iter().filter(|draft| !draft.is_refused);
        let sources: Vec<&Path> = usable
            .flat_map(|draft| &draft.sources)
            .map(|part| part.path.as_path())
            .collect();
        let is_above_all = |ancestor: &&Path| sources.iter().all(|source| source.starts_with(ancestor));
        let mut code_dir = directory.ancestors().find(is_above_all).unwrap_or(directory);
        // All in one place elsewhere: no need to name what is above both.
        if code_dir != directory
            && let Some(first) = sources.first()
        {
            code_dir = first
                .ancestors()
                .filter(|ancestor| ancestor.is_dir())
                .find(is_above_all)
                .unwrap_or(code_dir);
        }
        Project {
            directory: directory.to_owned(),
            code_dir: code_dir.to_owned(),
            is_within_source: sources.iter().any(|source| directory.starts_with(source)),
            layers: BTreeMap::new(),
        }
    }

    /// The definition, if there is one that `validate` accepts; a note else.
    fn settle(&mut self, draft: &mut Draft, meter: &Meter) -> Result<Option<Adopted>> {
        self.settle_layers(draft);
        let place = draft.place.clone();
        let candidate = draft.build.take();
        let mut build = candidate.as_ref().map(|candidate| self.build(candidate));
        let mut definition = self.definition(draft, build.as_ref());
        let mut checked = self.check(&draft.name, &definition, meter);
        if let (Err(error), Some(candidate)) = (&checked, &candidate)
            && error.kind() != ErrorKind::Interrupted
        {
            let reason = self.words(error);
            match candidate.is_optional {
                true => draft.lost(
                    &candidate.place,
                    "build",
                    format!("{reason}. When that is done, add `\"build\": {}`", candidate.json),
                ),
                false => {
                    draft.refuse(&candidate.place, format!("{reason}. When that is done, adopt again"));
                    return Ok(None);
                }
            }
            build = None;
            definition = self.definition(draft, build.as_ref());
            checked = self.check(&draft.name, &definition, meter);
        }
        match checked {
            Ok((function, bytes)) => {
                if draft.kind == Kind::Layer {
                    self.layers.insert(draft.name.clone(), (function, bytes));
                }
                Ok(Some(Adopted {
                    name: draft.name.clone(),
                    file: place.file.to_path_buf(),
                    line: place.line,
                    definition,
                }))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                draft.refuse(&place, self.words(&error));
                Ok(None)
            }
        }
    }

    /// Without layers that aren't carried over.
    fn settle_layers(&self, draft: &mut Draft) {
        let mut kept = Vec::new();
        for (place, layer) in std::mem::take(&mut draft.layers) {
            match layer.starts_with("arn:") || self.layers.contains_key(&layer) {
                true => kept.push(layer),
                false => draft.lost(
                    &place,
                    "layers",
                    "it is neither an ARN nor a layer that is carried over",
                ),
            }
        }
        if !kept.is_empty() {
            let place = draft.place.clone();
            draft.set_json("layers", "layers", &place, json!(kept));
        }
    }

    fn build(&self, candidate: &Candidate) -> Json {
        let mut json = candidate.json.clone();
        if let Some(lock) = &candidate.lock {
            json["lock"] = slashes(&relative(lock, &self.code_dir)).into();
        }
        json
    }

    fn definition(&self, draft: &Draft, build: Option<&Json>) -> String {
        let mut keys = BTreeMap::from([("function_name", json!(draft.name))]);
        if draft.kind == Kind::Layer {
            keys.insert("type", "layer".into());
        }
        keys.extend(draft.keys().map(|(key, value)| (key, value.clone())));
        let mut keys: BTreeMap<_, _> = keys.into_iter().map(|(key, value)| (key, Field::Json(value))).collect();
        let mut sources: Vec<Source> = draft.sources.iter().map(|part| self.source(part)).collect();
        let source = match sources.len() {
            1 => Field::One(sources.remove(0)),
            _ => Field::Many(sources),
        };
        keys.insert("source", source);
        keys.extend(build.map(|build| ("build", Field::Json(build.clone()))));
        let mut text = serde_json::to_string_pretty(&Ordered(keys)).expect("keys are strings");
        text.push('\n');
        text
    }

    fn source(&self, part: &Part) -> Source {
        let path = slashes(&relative(&part.path, &self.code_dir));
        let mut exclude = part.exclude.clone();
        if let Ok(below) = self.directory.strip_prefix(&part.path) {
            exclude.extend(OURS.map(|glob| slashes(&below.join(glob))));
        }
        let is_plain =
            part.include.is_none() && exclude.is_empty() && part.prefix.is_none() && part.links == Links::Kept;
        if is_plain {
            return Source::Path(path);
        }
        Source::Spec(Spec {
            path,
            include: part.include.clone(),
            exclude,
            prefix: part.prefix.clone(),
            symlinks: (part.links == Links::Followed).then_some("follow"),
        })
    }

    /// What `validate` does; the size of what is packed of the source, in bytes.
    fn check(&self, name: &str, definition: &str, meter: &Meter) -> Result<(Function, u64)> {
        let function = Function::parse(Path::new(&format!("{name}.json")), definition.as_bytes())?;
        let outputs = Outputs::new([]);
        let trees = Tree::of_functions(&[&function], &self.code_dir, &outputs, &DigestCache::none(), meter)?;
        let [tree] = &trees[..] else {
            unreachable!("one function has one tree");
        };
        check_compiled(&function, tree)?;
        let layers = function.layer_names().filter_map(|name| self.layers.get(name));
        let layers: Vec<Layer> = layers
            .map(|(function, bytes)| Layer {
                function,
                bytes: *bytes,
                source: None,
            })
            .collect();
        preflight::check(&function, &Contents::of(tree)?, &layers)?;
        let guard = Guard::of(&function);
        guard.check_environment()?;
        guard.check_tree(tree, meter)?;
        let bytes = tree.size();
        Ok((function, bytes))
    }

    /// A failure in one line, with paths as people know them.
    fn words(&self, error: &Error) -> String {
        let each = error.each().take(3).map(|error| match error.help_text() {
            Some(help) => format!("{} ({help})", error.message()),
            None => error.message().to_owned(),
        });
        let text = each.collect::<Vec<_>>().join("; ");
        // With a slash at its end.
        let text = text.replace(&self.code_dir.join("").display().to_string(), "");
        match text.strip_prefix("function `").and_then(|rest| rest.split_once("`: ")) {
            Some((_, rest)) => rest.to_owned(),
            None => text,
        }
    }
}

/// Whether what the runtime runs is there: a source that something else compiles is none.
fn check_compiled(function: &Function, tree: &Tree) -> Result<()> {
    const WANTED: [(&str, &[&str]); 2] = [("java", &[".class", ".jar"]), ("dotnet", &[".dll"])];
    let definition = &function.definition;
    let runtime = definition.runtime.as_ref().map_or("", |runtime| runtime.as_str());
    let handler = definition.handler.as_ref().map_or("", |handler| handler.as_str());
    let has = |end: &str| tree.entries().iter().any(|entry| entry.path.ends_with(end));
    let wanted = WANTED.iter().find(|(start, _)| runtime.starts_with(start));
    let is_there = match wanted {
        Some((_, ends)) => ends.iter().any(|end| has(end)),
        None => runtime != "go1.x" || tree.find(handler).is_some(),
    };
    if is_there || !tree.is_packed() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "its source holds nothing that `{runtime}` runs: something else compiles it"
    ))
    .help("write a definition with the `build` that does"))
}
