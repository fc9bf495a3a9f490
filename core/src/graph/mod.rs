//! The dependency graph: what functions are made of, and what they need to run; and which of them a change touches.
//!
//! Arrows lead from who needs to what is needed. [`Graph::of`] makes the graph, `json` is its serialization, and the other
//! formats have a file each.

mod affected;
mod code;
mod cycle;
mod dot;
mod label;
mod mermaid;
mod nodes;
mod svg;
mod watched;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::SecretClass;

pub use affected::{Affected, Before, Change, Reason, affected};
pub use nodes::{Member, Places, Sizes};
pub use watched::Watched;

/// Why writing to a `String` can't fail.
const INFALLIBLE: &str = "a string takes all";

/// Nodes by their ids, edges by where they start and end: the same project gives the same graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// The kind, a colon, and what is unique in that kind: `function:orders`.
    pub id: String,
    pub kind: NodeKind,
    /// For people.
    pub name: String,
    /// Of a dependency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<SecretClass>,
    #[serde(flatten)]
    pub requirements: Requirements,
}

impl Node {
    fn new(kind: NodeKind, key: &str, name: impl Into<String>) -> Self {
        Node {
            id: kind.id(key),
            kind,
            name: name.into(),
            version: None,
            class: None,
            requirements: Requirements::default(),
        }
    }
}

/// How much room a node needs. What isn't known is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirements {
    /// Bytes of the package, which is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Bytes of what is in it; of a code directory, of what several functions have of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unzipped_bytes: Option<u64>,
    /// MB of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u64>,
    /// MB of `/tmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NodeKind", rename_all = "snake_case")]
pub enum NodeKind {
    Function,
    /// Defined here, or known by its ARN.
    Layer,
    /// A directory or file of the code directory that several functions are packed from.
    Code,
    /// A package that a lock file names.
    Dependency,
    /// A file from elsewhere.
    Asset,
    /// By name only. Secrets that never leave have no node.
    Secret,
    /// An AWS service that a policy statement names.
    Service,
}

crate::fixed_words!(read and written NodeKind);

impl NodeKind {
    const ALL: [NodeKind; 7] = [
        NodeKind::Function,
        NodeKind::Layer,
        NodeKind::Code,
        NodeKind::Dependency,
        NodeKind::Asset,
        NodeKind::Secret,
        NodeKind::Service,
    ];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            NodeKind::Function => "function",
            NodeKind::Layer => "layer",
            NodeKind::Code => "code",
            NodeKind::Dependency => "dependency",
            NodeKind::Asset => "asset",
            NodeKind::Secret => "secret",
            NodeKind::Service => "service",
        }
    }

    /// Of a node of this kind.
    pub(crate) fn id(self, key: &str) -> String {
        format!("{}:{key}", self.name())
    }

    /// Fill and border in pictures, as `#rrggbb`: light enough for black text.
    fn colors(self) -> (&'static str, &'static str) {
        match self {
            NodeKind::Function => ("#fff3e0", "#e65100"),
            NodeKind::Layer => ("#f3e5f5", "#6a1b9a"),
            NodeKind::Code => ("#e3f2fd", "#1565c0"),
            NodeKind::Dependency => ("#e8f5e9", "#2e7d32"),
            NodeKind::Asset => ("#fffde7", "#f9a825"),
            NodeKind::Secret => ("#ffebee", "#c62828"),
            NodeKind::Service => ("#eceff1", "#455a64"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// Id of the node that needs.
    pub from: String,
    /// Id of the node that is needed.
    pub to: String,
    pub kind: EdgeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EdgeKind", rename_all = "snake_case")]
pub enum EdgeKind {
    /// Is packed with it.
    Packs,
    /// Has it mounted.
    Uses,
    /// Asks for it: of packages among themselves, who may do so in a circle.
    Requires,
    /// Reads it when it runs.
    Reads,
    /// Is allowed to call it.
    Calls,
    /// Is refused to call it.
    Denies,
    /// Is made by it.
    MadeBy,
}

crate::fixed_words!(read and written EdgeKind);

impl EdgeKind {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            EdgeKind::Packs => "packs",
            EdgeKind::Uses => "uses",
            EdgeKind::Requires => "requires",
            EdgeKind::Reads => "reads",
            EdgeKind::Calls => "calls",
            EdgeKind::Denies => "denies",
            EdgeKind::MadeBy => "made_by",
        }
    }

    /// Whether edges of this kind may lead back to where they started: registries allow that of their packages, and
    /// installers cope.
    fn may_circle(self) -> bool {
        self == EdgeKind::Requires
    }
}

/// A graph in the making: each node once, each edge once.
#[derive(Default)]
struct Builder {
    nodes: BTreeMap<String, Node>,
    edges: Vec<Edge>,
}

impl Builder {
    /// Adds the node, or what this one knows and the known one doesn't; returns its id.
    fn node(&mut self, node: Node) -> String {
        let id = node.id.clone();
        self.nodes.entry(id.clone()).or_insert(node);
        id
    }

    fn edge(&mut self, from: &str, to: &str, kind: EdgeKind) {
        self.edges.push(Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            kind,
        });
    }

    fn finish(mut self) -> Graph {
        self.edges.sort();
        self.edges.dedup();
        Graph {
            nodes: self.nodes.into_values().collect(),
            edges: self.edges,
        }
    }
}

impl Graph {
    /// Positions of nodes by id, and of edges as pairs of these.
    fn indexed(&self) -> Vec<(usize, usize, EdgeKind)> {
        let position = |id: &String| self.nodes.binary_search_by(|node| node.id.cmp(id));
        let edges = self.edges.iter().map(|edge| {
            let (from, to) = (position(&edge.from), position(&edge.to));
            let known = "edges lead between nodes, which are sorted";
            (from.expect(known), to.expect(known), edge.kind)
        });
        edges.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of functions `a`, `b`, … and edges such as `ab`.
    pub(super) fn graph(edges: &[&str]) -> Graph {
        let mut builder = Builder::default();
        for edge in edges {
            let ends: Vec<String> = edge
                .chars()
                .map(|name| builder.node(Node::new(NodeKind::Function, &name.to_string(), name)))
                .collect();
            builder.edge(&ends[0], &ends[1], EdgeKind::Packs);
        }
        builder.finish()
    }

    #[test]
    fn each_node_and_each_edge_is_there_once_and_in_order() {
        let graph = graph(&["ca", "ab", "ca"]);
        let ids: Vec<&str> = graph.nodes.iter().map(|node| &*node.id).collect();
        assert_eq!(ids, ["function:a", "function:b", "function:c"]);
        assert_eq!(graph.edges.len(), 2);
        assert_eq!(graph.edges[0].from, "function:a");
    }
}
