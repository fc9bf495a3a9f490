//! Mermaid: <https://mermaid.js.org/syntax/flowchart.html>

use std::fmt::Write;

use super::{Graph, INFALLIBLE, NodeKind, label};

impl Graph {
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (index, node) in self.nodes.iter().enumerate() {
            let lines: Vec<String> = label::lines(node).iter().map(|line| escape(line)).collect();
            let kind = node.kind.name();
            writeln!(text, "  n{index}[\"{}\"]:::{kind}", lines.join("<br/>")).expect(INFALLIBLE);
        }
        for (from, to, kind) in self.indexed() {
            writeln!(text, "  n{from} -->|{}| n{to}", kind.name()).expect(INFALLIBLE);
        }
        for kind in NodeKind::ALL {
            let (fill, border) = kind.colors();
            writeln!(
                text,
                "  classDef {} fill:{fill},stroke:{border},color:#000",
                kind.name()
            )
            .expect(INFALLIBLE);
        }
        text
    }
}

/// All that could mean anything to Mermaid, to Markdown or to HTML becomes an entity by its number.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '-' | '.' | '/' | ',' => escaped.push(char),
            char if char.is_alphanumeric() => escaped.push(char),
            char => write!(escaped, "#{};", u32::from(char)).expect(INFALLIBLE),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::tests::graph;
    use super::*;

    #[test]
    fn names_can_not_be_syntax() {
        assert_eq!(
            escape("a_b \"]; end%% <b>&#`é\n"),
            "a#95;b #34;#93;#59; end#37;#37; #60;b#62;#38;#35;#96;é#10;"
        );
    }

    #[test]
    fn nodes_then_edges_then_colours() {
        let text = graph(&["ab"]).to_mermaid();
        let expected =
            "flowchart LR\n  n0[\"a\"]:::function\n  n1[\"b\"]:::function\n  n0 -->|packs| n1\n  classDef function ";
        assert!(text.starts_with(expected), "{text}");
    }
}
