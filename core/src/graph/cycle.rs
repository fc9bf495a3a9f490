//! Cycles: what needs itself, by way of others, can't be made.

use super::{Graph, Node};
use crate::{Error, Result};

/// How far the search is with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    /// It is on the path that is being followed.
    OnPath,
    Done,
}

impl Graph {
    /// Fails if something needs itself, and says by way of what. Packages of others may require each other.
    pub fn check(&self) -> Result<()> {
        match self.cycle() {
            None => Ok(()),
            Some(cycle) => Err(
                Error::invalid(format!("a cycle, in which each needs the next: {}", in_words(&cycle)))
                    .help("remove one of these: what is made first can't need what is made after it"),
            ),
        }
    }

    /// The first cycle, from its first node on. Not recursive: a chain may be as long as there are nodes.
    fn cycle(&self) -> Option<Vec<&Node>> {
        let mut next = vec![Vec::new(); self.nodes.len()];
        for (from, to, _) in self.indexed().into_iter().filter(|(.., kind)| !kind.may_circle()) {
            next[from].push(to);
        }
        let mut seen = vec![Seen::No; self.nodes.len()];
        for start in 0..self.nodes.len() {
            if seen[start] != Seen::No {
                continue;
            }
            seen[start] = Seen::OnPath;
            // Nodes of the path, each with how many of its edges were followed.
            let mut path = vec![(start, 0)];
            while let Some((node, followed)) = path.last_mut() {
                let Some(&to) = next[*node].get(*followed) else {
                    seen[*node] = Seen::Done;
                    path.pop();
                    continue;
                };
                *followed += 1;
                match seen[to] {
                    Seen::Done => {}
                    Seen::No => {
                        seen[to] = Seen::OnPath;
                        path.push((to, 0));
                    }
                    Seen::OnPath => {
                        let on_path = path.iter().skip_while(|(node, _)| *node != to);
                        let mut cycle: Vec<usize> = on_path.map(|(node, _)| *node).collect();
                        // People look for functions first.
                        let rank = |index: &usize| (self.nodes[cycle[*index]].kind, cycle[*index]);
                        let first = (0..cycle.len()).min_by_key(rank).unwrap_or(0);
                        cycle.rotate_left(first);
                        return Some(cycle.into_iter().map(|node| &self.nodes[node]).collect());
                    }
                }
            }
        }
        None
    }
}

fn in_words(cycle: &[&Node]) -> String {
    let around = cycle.iter().chain(cycle.first());
    let words: Vec<String> = around
        .map(|node| format!("{} `{}`", node.kind.name(), crate::shorten(&node.name)))
        .collect();
    words.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::graph;
    use super::super::{Builder, Edge, EdgeKind, NodeKind};
    use super::*;

    fn names(graph: &Graph) -> Option<String> {
        let cycle = graph.cycle()?;
        Some(cycle.iter().map(|node| node.name.as_str()).collect())
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        assert_eq!(names(&graph(&["ab", "ac", "bd", "cd", "ad"])), None);
        assert_eq!(names(&Graph::default()), None);
    }

    #[test]
    fn a_cycle_is_told_from_its_first_node_on_and_nothing_beside_it() {
        assert_eq!(names(&graph(&["aa"])), Some("a".to_owned()));
        assert_eq!(names(&graph(&["ab", "ba"])), Some("ab".to_owned()));
        assert_eq!(names(&graph(&["ad", "dc", "cb", "bd", "be"])), Some("bdc".to_owned()));
        let error = graph(&["xa", "ab", "ba"]).check().expect_err("a cycle");
        assert!(
            error
                .message()
                .ends_with("function `a` -> function `b` -> function `a`"),
            "{error}"
        );
    }

    #[test]
    fn packages_of_others_may_require_each_other() {
        let mut graph = graph(&["ab", "ba"]);
        for Edge { kind, .. } in &mut graph.edges {
            *kind = EdgeKind::Requires;
        }
        assert_eq!(names(&graph), None);
    }

    /// No stack is deep enough for what one may write down.
    #[test]
    fn a_chain_of_a_hundred_thousand_is_followed_to_its_end() {
        const LONG: usize = 100_000;
        let mut builder = Builder::default();
        let name = |index: usize| format!("{index:06}");
        for index in 0..LONG {
            let ends = [index, (index + 1) % LONG]
                .map(|index| builder.node(Node::new(NodeKind::Function, &name(index), name(index))));
            builder.edge(&ends[0], &ends[1], EdgeKind::Packs);
        }
        assert_eq!(builder.finish().cycle().map(|cycle| cycle.len()), Some(LONG));
    }
}
