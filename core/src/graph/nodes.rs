//! From functions to their graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Builder, EdgeKind, Graph, Node, NodeKind, Requirements, code};
use crate::build::Recipe;
use crate::function::{AssetUrl, Effect, Function, Kind};
use crate::json::Object;
use crate::sbom::Sbom;
use crate::source::{Tree, existing_part};
use crate::{Result, assets, collect_all};

/// MB of `/tmp` that a function has if it asks for none:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html>
const EPHEMERAL_STORAGE: u64 = 512;

/// A function or layer, with its source.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub function: &'a Function,
    /// Before anything is built of it.
    pub tree: &'a Tree,
}

/// In bytes; `None` where nothing is built yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Of the package.
    pub size_bytes: Option<u64>,
    /// Of what is in it.
    pub unzipped_bytes: Option<u64>,
}

/// Directories of the project.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    pub project_dir: &'a Path,
    pub code_dir: &'a Path,
    /// Where `build` writes packages.
    pub out_dir: &'a Path,
}

impl Graph {
    /// The graph of these functions and layers. The names that they have for layers must be among them.
    pub fn of(members: &[Member], places: Places) -> Result<Graph> {
        let mut graph = Builder::default();
        let mut ids = BTreeMap::new();
        for member in members {
            let function = member.function;
            ids.insert(function.name.as_str(), graph.node(node(member)));
        }
        for member in members {
            let from = ids[member.function.name.as_str()].as_str();
            needs(member.function, from, &mut graph);
        }
        add_assets(members, &ids, places, &mut graph);
        add_dependencies(members, &ids, &mut graph)?;
        code::add_shared(members, &ids, places.code_dir, &mut graph);
        code::add_made(members, &ids, places.code_dir, &mut graph);
        Ok(graph.finish())
    }
}

impl Graph {
    /// With the sizes of packages, by the names of functions and layers.
    pub fn with_sizes(mut self, sizes: &BTreeMap<&str, Sizes>) -> Self {
        for node in &mut self.nodes {
            if !matches!(node.kind, NodeKind::Function | NodeKind::Layer) {
                continue;
            }
            if let Some(sizes) = sizes.get(node.name.as_str()) {
                node.requirements.size_bytes = sizes.size_bytes;
                node.requirements.unzipped_bytes = sizes.unzipped_bytes;
            }
        }
        self
    }
}

/// Ids of functions and layers, by their names.
pub(super) type Ids<'a> = BTreeMap<&'a str, String>;

fn kind_of(function: &Function) -> NodeKind {
    match function.definition.kind {
        Kind::Function => NodeKind::Function,
        Kind::Layer => NodeKind::Layer,
    }
}

fn node(member: &Member) -> Node {
    let Member { function, tree } = member;
    let name = function.name.as_str();
    let definition = &function.definition;
    let is_function = definition.kind == Kind::Function;
    let storage = definition.ephemeral_storage.as_ref();
    Node {
        requirements: Requirements {
            size_bytes: None,
            // What is packed as it is needs no build to be known.
            unzipped_bytes: tree.is_whole().then(|| tree.size()),
            memory_size: definition.memory_size.map(|mb| mb.get().unsigned_abs()),
            ephemeral_storage: is_function
                .then(|| storage.map_or(EPHEMERAL_STORAGE, |Object(storage)| storage.size.get().unsigned_abs())),
        },
        ..Node::new(kind_of(function), name, name)
    }
}

/// What the definition itself names.
fn needs(function: &Function, from: &str, graph: &mut Builder) {
    let definition = &function.definition;
    for layer in definition.layers.iter().flatten() {
        // Those that are defined here have nodes already.
        let to = graph.node(Node::new(NodeKind::Layer, layer.as_str(), layer.as_str()));
        graph.edge(from, &to, EdgeKind::Uses);
    }
    for Object(secret) in definition.secrets.iter().filter(|Object(secret)| secret.is_deployed()) {
        let key = format!("{}:{}", secret.class.name(), secret.id);
        let to = graph.node(Node {
            class: Some(secret.class),
            ..Node::new(NodeKind::Secret, &key, secret.id.as_str())
        });
        graph.edge(from, &to, EdgeKind::Reads);
    }
    for Object(statement) in &definition.policy_statements {
        let kind = match statement.effect {
            Effect::Allow => EdgeKind::Calls,
            Effect::Deny => EdgeKind::Denies,
        };
        for service in statement.services() {
            let to = graph.node(Node::new(NodeKind::Service, service, service));
            graph.edge(from, &to, kind);
        }
    }
}

/// Assets; and where one is a package of this project, the function that it is made of.
fn add_assets(members: &[Member], ids: &Ids, places: Places, graph: &mut Builder) {
    let out_dir = existing_part(places.out_dir);
    // One file, by its checksum; of the addresses that it has the first names it.
    let mut names = BTreeMap::new();
    for member in members {
        for asset in assets::of(member.function) {
            let url = asset.url.to_string();
            let key = asset.sha256.map_or_else(|| url.clone(), |sha256| sha256.to_string());
            let name = names.entry(key.clone()).or_insert_with(|| url.clone());
            if url < *name {
                *name = url;
            }
            let to = NodeKind::Asset.id(&key);
            graph.edge(&ids[member.function.name.as_str()], &to, EdgeKind::Packs);
            let AssetUrl::File(path) = &asset.url else { continue };
            let file = existing_part(&places.project_dir.join(path));
            let in_out_dir = file.as_deref().filter(|file| file.parent() == out_dir.as_deref());
            let function = in_out_dir
                .and_then(|file| file.file_name()?.to_str()?.strip_suffix(".zip"))
                .and_then(|name| ids.get(name));
            if let Some(function) = function {
                graph.edge(&to, function, EdgeKind::MadeBy);
            }
        }
    }
    for (key, name) in names {
        graph.node(Node::new(NodeKind::Asset, &key, name));
    }
}

/// The packages that lock files name.
fn add_dependencies(members: &[Member], ids: &Ids, graph: &mut Builder) -> Result<()> {
    // Functions that share a lock file have the same, unless swaps make a difference.
    let mut known = BTreeMap::<&Path, BTreeSet<String>>::new();
    let added = members.iter().map(|member| {
        let from = &ids[member.function.name.as_str()];
        let lock = member.tree.recipe().and_then(Recipe::lock_file);
        let lock = lock.filter(|_| member.tree.swaps().is_empty());
        let top = match lock.and_then(|lock| known.get(lock)) {
            Some(top) => top.clone(),
            None => {
                let sbom = Sbom::of_lock(member.tree);
                add_packages(
                    &sbom.map_err(|error| error.within(format_args!("function `{}`", member.function.name)))?,
                    graph,
                )
            }
        };
        top.iter().for_each(|to| graph.edge(from, to, EdgeKind::Packs));
        if let Some(lock) = lock {
            known.insert(lock, top);
        }
        Ok(())
    });
    collect_all(added).map(drop)
}

/// Returns the ids of those that the function itself asks for.
fn add_packages(sbom: &Sbom, graph: &mut Builder) -> BTreeSet<String> {
    let id = |purl: &str| NodeKind::Dependency.id(purl);
    for (purl, name, version, needs) in sbom.packages() {
        let from = graph.node(Node {
            version: version.map(str::to_owned),
            ..Node::new(NodeKind::Dependency, purl, name)
        });
        for needed in needs {
            graph.edge(&from, &id(needed), EdgeKind::Requires);
        }
    }
    sbom.top().into_iter().map(id).collect()
}
