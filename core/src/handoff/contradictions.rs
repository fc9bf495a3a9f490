//! Whether the parts of a document agree with each other: what a reader takes from one of them, another one says too.

use std::collections::{BTreeMap, BTreeSet};

use super::{Document, EXCLUDED, FunctionEntry, Validation};
use crate::fitness::{Status, always_checked};
use crate::function::{Kind, SecretClass};
use crate::graph::{EdgeKind, Node, NodeKind, Requirements};
use crate::limits::Quantity;
use crate::shorten;

/// What is checked of each function and layer beside its fitness.
const OF_EACH: [&str; 2] = ["preflight", "secrets"];
/// What is checked of each that swaps apply to.
const OF_SWAPS: &str = "swaps";
/// What the checks against limits of the profile begin with.
const LIMITS: &str = "limits.";
/// What is checked of all of them together.
const OF_ALL: [&str; 2] = ["commit", "profile"];

impl Document {
    /// What of it another part denies.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut functions = BTreeMap::new();
        let mut problems = Vec::new();
        for function in &self.functions {
            if functions.insert(function.name.as_str(), function).is_some() {
                problems.push(format!("key `functions`: `{}` comes twice", function.name));
            }
        }
        if functions.is_empty() {
            problems.push("key `functions`: there is none".to_owned());
        }
        problems.extend(self.unknown_names(&functions));
        problems.extend(self.of_graph(&functions));
        problems.extend(self.of_layers(&functions));
        problems.extend(self.of_secrets(&functions));
        problems.extend(self.of_assets(&functions));
        problems.extend(self.of_application());
        problems.extend(self.of_validation(&functions));
        problems
    }

    /// What the graph says of functions and layers, by their names.
    pub fn requirements(&self) -> BTreeMap<&str, Requirements> {
        let nodes = self.graph.nodes.iter();
        let of_packages = nodes.filter(|node| matches!(node.kind, NodeKind::Function | NodeKind::Layer));
        of_packages
            .map(|node| (node.name.as_str(), node.requirements))
            .collect()
    }

    /// What is said of functions that are not there.
    fn unknown_names(&self, functions: &Functions) -> Vec<String> {
        let of_assets = self.assets.iter().map(|asset| ("assets", asset.function.as_str()));
        let of_swaps = self.swaps.iter().flat_map(|swap| &swap.functions);
        let of_secrets = self.secrets.iter().flat_map(|secret| &secret.functions);
        let named = of_assets
            .chain(of_swaps.map(|name| ("swaps", name.as_str())))
            .chain(of_secrets.map(|name| ("secrets", name.as_str())));
        let unknown = named.filter(|(_, name)| !functions.contains_key(name));
        unknown.map(|(key, name)| unknown_name(key, name)).collect()
    }

    fn of_graph(&self, functions: &Functions) -> Vec<String> {
        let mut problems = Vec::new();
        let mut nodes = BTreeSet::<&str>::new();
        for node in &self.graph.nodes {
            if !nodes.insert(&node.id) {
                problems.push(format!("key `graph`: `{}` comes twice", shorten(&node.id)));
            }
            if !is_of_its_name(node) {
                let [id, name] = [&node.id, &node.name].map(|text| shorten(text));
                problems.push(format!(
                    "key `graph`: `{id}` is none of a {} `{name}`",
                    node.kind.name()
                ));
            }
        }
        let ends = self.graph.edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
        let lost: BTreeSet<&String> = ends.filter(|end| !nodes.contains(end.as_str())).collect();
        problems.extend(lost.into_iter().map(|end| unknown_node(end)));
        for function in functions.values() {
            if !nodes.contains(node_id(function).as_str()) {
                problems.push(format!("key `graph`: `{}` is missing", function.name));
            }
        }
        let defined = self.graph.nodes.iter().filter(|node| match node.kind {
            NodeKind::Function => true,
            NodeKind::Layer => !is_arn(&node.name),
            _ => false,
        });
        let is_known = |node: &&Node| {
            let function = functions.get(node.name.as_str());
            function.is_some_and(|function| node_id(function) == node.id)
        };
        let unknown = defined.filter(|node| !is_known(node));
        problems.extend(unknown.map(|node| unknown_name("graph", &node.name)));
        problems
    }

    fn of_layers(&self, functions: &Functions) -> Vec<String> {
        let mut problems = Vec::new();
        for function in functions.values() {
            let id = node_id(function);
            let edges = self.graph.edges.iter();
            let used = edges.filter(|edge| edge.from == id && edge.kind == EdgeKind::Uses);
            let used: BTreeSet<&str> = used.map(|edge| edge.to.as_str()).collect();
            let named: BTreeSet<String> = function.layers.iter().map(|layer| layer_id(layer)).collect();
            if !named.iter().map(String::as_str).eq(used) {
                problems.push(format!(
                    "key `graph`: the layers of `{}` are other than in `functions`",
                    function.name
                ));
            }
            let defined = function.layers.iter().filter(|layer| !is_arn(layer));
            let is_layer = |name: &str| functions.get(name).is_some_and(|layer| layer.kind == Kind::Layer);
            let unknown = defined.filter(|layer| !is_layer(layer));
            problems.extend(unknown.map(|layer| {
                format!(
                    "key `functions`: the layer `{}` of `{}` is none of them",
                    shorten(layer),
                    function.name
                )
            }));
        }
        problems
    }

    /// Who reads which secret, in the list and in the graph.
    fn of_secrets(&self, functions: &Functions) -> Vec<String> {
        let listed = self.secrets.iter().flat_map(|secret| {
            let readers = secret.functions.iter().filter_map(|name| functions.get(name.as_str()));
            readers.map(|reader| (node_id(reader), secret_id(secret.class, &secret.id)))
        });
        let listed: BTreeSet<(String, String)> = listed.collect();
        let edges = self.graph.edges.iter().filter(|edge| edge.kind == EdgeKind::Reads);
        let drawn: BTreeSet<(String, String)> = edges.map(|edge| (edge.from.clone(), edge.to.clone())).collect();
        let nodes = self.graph.nodes.iter().filter(|node| node.kind == NodeKind::Secret);
        let unread = nodes.filter(|node| drawn.iter().all(|(_, secret)| *secret != node.id));
        let unread = unread.map(|node| format!("key `graph`: nobody reads `{}`", shorten(&node.id)));
        let only_drawn = drawn.difference(&listed).map(|(reader, secret)| {
            let [reader, secret] = [reader, secret].map(|id| shorten(id));
            format!("key `secrets`: `{secret}` is missing, which `{reader}` reads in the graph")
        });
        let only_listed = listed.difference(&drawn).map(|(reader, secret)| {
            let secret = shorten(secret);
            format!("key `graph`: `{reader}` doesn't read `{secret}`, as `secrets` has it")
        });
        unread.chain(only_drawn).chain(only_listed).collect()
    }

    /// Who packs which asset, in the list and in the graph, and by which of its addresses it is called there.
    fn of_assets(&self, functions: &Functions) -> Vec<String> {
        let asset_id = |sha256: &str| NodeKind::Asset.id(sha256);
        let listed = self.assets.iter().filter_map(|asset| {
            let function = functions.get(asset.function.as_str())?;
            Some((node_id(function), asset_id(&asset.sha256)))
        });
        let listed: BTreeSet<(String, String)> = listed.collect();
        let assets = self.graph.nodes.iter().filter(|node| node.kind == NodeKind::Asset);
        let ids: BTreeSet<&str> = assets.clone().map(|node| node.id.as_str()).collect();
        let edges = self.graph.edges.iter().filter(|edge| ids.contains(edge.to.as_str()));
        let drawn: BTreeSet<(String, String)> = edges.map(|edge| (edge.from.clone(), edge.to.clone())).collect();
        let mut problems = Vec::new();
        for (function, asset) in listed.symmetric_difference(&drawn) {
            let [function, asset] = [function, asset].map(|id| shorten(id));
            problems.push(format!(
                "key `assets`: `{function}` has `{asset}` other than in the graph"
            ));
        }
        for node in assets {
            let mut same = self.assets.iter().filter(|asset| asset_id(&asset.sha256) == node.id);
            if same.all(|asset| asset.url != node.name) {
                let [id, name] = [&node.id, &node.name].map(|text| shorten(text));
                problems.push(format!(
                    "key `graph`: `{id}` is called `{name}`, which is no address of it in `assets`"
                ));
            }
        }
        problems
    }

    fn of_application(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let application = &self.application;
        if let Some(commit) = &application.git_commit {
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            // SHA-1 or SHA-256.
            if !matches!(commit.len(), 40 | 64) || !commit.bytes().all(is_digit) {
                problems.push(format!(
                    "key `application.git_commit`: found `{}`; allowed: 40 or 64 hex digits",
                    shorten(commit)
                ));
            }
        }
        if application.git_commit.is_some() != application.dirty.is_some() {
            problems.push("key `application`: `git_commit` and `dirty` are known or unknown together".to_owned());
        }
        problems
    }

    fn of_validation(&self, functions: &Functions) -> Vec<String> {
        let mut problems = Vec::new();
        let mut found = BTreeMap::new();
        let swapped: BTreeSet<&String> = self.swaps.iter().flat_map(|swap| &swap.functions).collect();
        for validation in &self.validation {
            let check = validation.check.as_str();
            if found.insert(check, validation.status).is_some() {
                problems.push(format!("key `validation`: `{}` comes twice", shorten(check)));
            }
            match check.split_once('/') {
                Some((_, name)) if !functions.contains_key(name) => problems.push(unknown_name("validation", name)),
                Some((OF_SWAPS, name)) if !swapped.contains(&name.to_owned()) => problems.push(format!(
                    "key `swaps`: none is of `{name}`, and `validation` has `{}`",
                    shorten(check)
                )),
                _ => {}
            }
        }
        let mut expected: BTreeSet<String> = OF_ALL.map(str::to_owned).into();
        for function in functions.values() {
            let of_tier = always_checked(self.tier, function.kind);
            expected.extend(of_tier.into_iter().map(|check| fitness(check, function)));
            expected.extend(OF_EACH.map(|check| format!("{check}/{}", function.name)));
        }
        let lacking = expected.iter().filter(|check| !found.contains_key(check.as_str()));
        problems.extend(lacking.map(|check| {
            format!(
                "key `validation`: `{check}` is missing, which is checked for the tier {}",
                self.tier.name()
            )
        }));
        let of_swaps = swapped.into_iter().map(|name| format!("{OF_SWAPS}/{name}"));
        let limits = self.limits();
        let of_limits = functions.values().flat_map(|function| {
            let limits = limits.iter().filter(|limit| is_limited(limit, function.kind));
            limits.map(|limit| fitness(limit, function))
        });
        let lacking = of_swaps
            .chain(of_limits)
            .filter(|check| !found.contains_key(check.as_str()));
        problems.extend(lacking.map(|check| format!("key `validation`: `{}` is missing", shorten(&check))));
        let meant = Validation::excluded(&self.excluded);
        let said = self.validation.iter().find(|it| it.check == EXCLUDED);
        if meant.as_ref().map(|it| &it.detail) != said.map(|it| &it.detail) {
            problems.push("key `excluded`: `validation` has other secrets that are excluded".to_owned());
        }
        let is_as_committed = self.application.dirty == Some(false);
        let of_commit = found.get("commit").copied();
        if of_commit.is_some_and(|status| (status == Status::Pass) != is_as_committed) {
            problems.push("key `validation`: `commit` says other than `application`".to_owned());
        }
        for function in functions.values() {
            for (quantity, amount) in amounts(function, functions) {
                let check = fitness(quantity.name(), function);
                let meant = self.tier.status_of(quantity, amount);
                if found.get(check.as_str()).is_some_and(|status| *status != meant) {
                    problems.push(format!(
                        "key `validation`: `{check}` should be `{}`: {}",
                        meant.name(),
                        quantity.say(amount)
                    ));
                }
            }
        }
        problems
    }

    /// The limits of the profile: what one of them is checked for, all are that have such an amount.
    fn limits(&self) -> BTreeSet<&str> {
        let checks = self.validation.iter().filter_map(|it| it.check.split_once('/'));
        let of_fitness = checks.filter_map(|(check, _)| check.strip_prefix("fitness."));
        of_fitness.filter(|check| check.starts_with(LIMITS)).collect()
    }
}

/// Whether each function or layer is checked for a limit: a definition may leave some amounts to the deploy module, and layers have
/// none but sizes.
fn is_limited(limit: &str, kind: Kind) -> bool {
    let of_all = [Quantity::SizeBytes, Quantity::UnzippedBytes].map(Quantity::name);
    let name = limit.strip_prefix(LIMITS);
    name.is_some_and(|name| {
        of_all.contains(&name) || (kind == Kind::Function && name == Quantity::EphemeralStorage.name())
    })
}

type Functions<'a> = BTreeMap<&'a str, &'a FunctionEntry>;

/// What the tier limits and the document tells. Layers that only their ARNs tell of count with nothing.
fn amounts(function: &FunctionEntry, functions: &Functions) -> Vec<(Quantity, u64)> {
    let layers = function.layers.iter().filter_map(|layer| functions.get(layer.as_str()));
    let of_layers: u64 = layers.map(|layer| layer.unzipped_bytes).fold(0, u64::saturating_add);
    let mut amounts = vec![
        (Quantity::SizeBytes, function.size_bytes),
        (
            Quantity::UnzippedBytes,
            function.unzipped_bytes.saturating_add(of_layers),
        ),
    ];
    if function.kind == Kind::Function {
        amounts.push((Quantity::Layers, function.layers.len() as u64));
    }
    amounts
}

fn fitness(check: &str, function: &FunctionEntry) -> String {
    format!("fitness.{check}/{}", function.name)
}

fn node_id(function: &FunctionEntry) -> String {
    match function.kind {
        Kind::Function => NodeKind::Function.id(function.name.as_str()),
        Kind::Layer => layer_id(function.name.as_str()),
    }
}

fn layer_id(layer: &str) -> String {
    NodeKind::Layer.id(layer)
}

fn secret_id(class: SecretClass, id: &str) -> String {
    NodeKind::Secret.id(&format!("{}:{id}", class.name()))
}

fn is_arn(layer: &str) -> bool {
    layer.starts_with("arn:")
}

/// Whether its id is what its kind and name make it. Of assets and dependencies it holds more, or other, than the name.
fn is_of_its_name(node: &Node) -> bool {
    match (node.kind, node.class) {
        (NodeKind::Asset | NodeKind::Dependency, _) => node.id.starts_with(&node.kind.id("")),
        (NodeKind::Secret, Some(class)) => node.id == secret_id(class, &node.name),
        (NodeKind::Secret, None) => false,
        (kind, _) => node.id == kind.id(&node.name),
    }
}

fn unknown_name(key: &str, name: &str) -> String {
    format!("key `{key}`: `{}` is none of the functions", shorten(name))
}

fn unknown_node(id: &str) -> String {
    format!("key `graph`: an edge leads to `{}`, which is no node", shorten(id))
}
