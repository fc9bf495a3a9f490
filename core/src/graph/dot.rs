//! Graphviz: <https://graphviz.org/doc/info/lang.html>

use std::fmt::Write;

use super::{Graph, INFALLIBLE, label};

impl Graph {
    pub fn to_dot(&self) -> String {
        let mut text = "digraph lambda_pack {\n  rankdir=LR\n  node [shape=box style=\"filled,rounded\" fontname=\"sans-serif\"]\n  edge [fontname=\"sans-serif\" fontsize=10]\n"
            .to_owned();
        for node in &self.nodes {
            let (fill, border) = node.kind.colors();
            let label = label::lines(node).join("\n");
            let (id, label) = (quote(&node.id), quote(&label));
            writeln!(text, "  {id} [label={label} fillcolor=\"{fill}\" color=\"{border}\"]").expect(INFALLIBLE);
        }
        for edge in &self.edges {
            let (from, to) = (quote(&edge.from), quote(&edge.to));
            writeln!(text, "  {from} -> {to} [label=\"{}\"]", edge.kind.name()).expect(INFALLIBLE);
        }
        text + "}\n"
    }
}

/// A string in quotes. In labels a backslash introduces escapes (`\n`, `\N`), so each stands twice; in ids that does no harm,
/// because all of them are quoted so.
fn quote(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            char if char.is_control() => quoted.extend(char.escape_default().flat_map(|char| match char {
                '\\' => vec!['\\', '\\'],
                char => vec![char],
            })),
            char => quoted.push(char),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::super::tests::graph;
    use super::*;

    #[test]
    fn names_can_not_be_syntax() {
        assert_eq!(quote("a\"]; b -> c \\N\n\u{1b}"), r#""a\"]; b -> c \\N\n\\u{1b}""#);
    }

    #[test]
    fn nodes_then_edges() {
        let text = graph(&["ab"]).to_dot();
        assert!(
            text.contains("\"function:a\" -> \"function:b\" [label=\"packs\"]\n}\n"),
            "{text}"
        );
    }
}
