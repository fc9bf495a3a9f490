//! SVG, drawn here: who needs stands left of what is needed, in columns. Layout libraries that were tried need 22 s for 500 nodes
//! where this takes milliseconds, and a picture that is the same everywhere needs fonts that nobody measures.

use std::fmt::Write;

use super::{Graph, INFALLIBLE, NodeKind, label};

/// All lengths are in pixels.
const FONT_SIZE: usize = 12;
/// Of a monospaced font, which is 0.6 of its size wide; rounded upward.
const CHAR_WIDTH: usize = 8;
const LINE_HEIGHT: usize = 16;
const PADDING: usize = 8;
/// Between nodes of a column.
const GAP: usize = 16;
/// Between columns, for the edges.
const CHANNEL: usize = 120;
const MARGIN: usize = 20;
/// Longer lines are cut; the node's tooltip has them whole.
const MOST_CHARS: usize = 48;
/// How often the order within columns is improved; more of it changes little.
const SWEEPS: usize = 4;

/// A node, as a rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Graph {
    pub fn to_svg(&self) -> String {
        let labels: Vec<Vec<String>> = self.nodes.iter().map(label::lines).collect();
        let columns = self.columns();
        let (places, width, height) = place(&columns, &labels);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"{FONT_SIZE}\">\n\
             <title>Dependency graph</title>\n\
             <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#757575\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <g fill=\"none\" stroke=\"#757575\" stroke-opacity=\"0.6\" marker-end=\"url(#arrow)\">\n"
        );
        for (edge, (from, to, kind)) in self.edges.iter().zip(self.indexed()) {
            let title = escape(&format!("{} {} {}", edge.from, kind.name(), edge.to));
            let curve = curve(places[from], places[to]);
            writeln!(text, "<path d=\"{curve}\"><title>{title}</title></path>").expect(INFALLIBLE);
        }
        text.push_str("</g>\n");
        for (index, node) in self.nodes.iter().enumerate() {
            let (fill, border) = node.kind.colors();
            let Place { x, y, width, height } = places[index];
            let title = escape(&format!("{} {}", node.kind.name(), labels[index].join("\n")));
            write!(
                text,
                "<g><title>{title}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"{fill}\" stroke=\"{border}\"/>"
            )
            .expect(INFALLIBLE);
            for (line, shown) in labels[index].iter().enumerate() {
                let (x, y) = (x + PADDING, y + PADDING + line * LINE_HEIGHT + FONT_SIZE);
                let weight = if line == 0 { " font-weight=\"bold\"" } else { "" };
                write!(text, "<text x=\"{x}\" y=\"{y}\"{weight}>{}</text>", escape(&cut(shown))).expect(INFALLIBLE);
            }
            text.push_str("</g>\n");
        }
        text + "</svg>\n"
    }

    /// The nodes from left to right, and within a column from top to bottom. What a kind of node needs stands right of it;
    /// packages stand as far right as they are from who asked for them, so that circles among them do no harm.
    fn columns(&self) -> Vec<Vec<usize>> {
        let edges = self.indexed();
        let mut column: Vec<usize> = self.nodes.iter().map(|node| first_column(node.kind)).collect();
        let is_package = |node: usize| self.nodes[node].kind == NodeKind::Dependency;
        let mut next = vec![Vec::new(); self.nodes.len()];
        for (from, to, _) in &edges {
            if is_package(*from) && is_package(*to) {
                next[*from].push(*to);
            }
        }
        let asked_for = edges
            .iter()
            .filter(|(from, to, _)| !is_package(*from) && is_package(*to));
        let mut reached: Vec<usize> = asked_for.map(|(_, to, _)| *to).collect();
        reached.sort_unstable();
        reached.dedup();
        let mut seen = vec![false; self.nodes.len()];
        reached.iter().for_each(|node| seen[*node] = true);
        let mut done = 0;
        while let Some(&node) = reached.get(done) {
            done += 1;
            for &needed in &next[node] {
                if !std::mem::replace(&mut seen[needed], true) {
                    column[needed] = column[node] + 1;
                    reached.push(needed);
                }
            }
        }
        let count = column.iter().max().map_or(0, |last| last + 1);
        let mut columns = vec![Vec::new(); count];
        for (node, column) in column.iter().enumerate() {
            columns[*column].push(node);
        }
        columns.retain(|nodes| !nodes.is_empty());
        arrange(&mut columns, &edges, self.nodes.len());
        columns
    }
}

fn first_column(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Function => 0,
        NodeKind::Layer => 1,
        NodeKind::Code | NodeKind::Asset | NodeKind::Secret | NodeKind::Service => 2,
        NodeKind::Dependency => 3,
    }
}

/// Puts each node beside those that it is joined to: at the mean of their positions (the barycenter method of Sugiyama, Tagawa
/// and Toda, 1981), from left to right and back.
fn arrange(columns: &mut [Vec<usize>], edges: &[(usize, usize, super::EdgeKind)], nodes: usize) {
    let mut joined = vec![Vec::new(); nodes];
    for (from, to, _) in edges.iter().filter(|(from, to, _)| from != to) {
        joined[*from].push(*to);
        joined[*to].push(*from);
    }
    // Where each node stands in its column, from 0 to 1, so that columns of unlike length compare.
    let mut position = vec![0.0; nodes];
    let note = |column: &[usize], position: &mut Vec<f64>| {
        for (index, node) in column.iter().enumerate() {
            position[*node] = (index as f64 + 0.5) / column.len() as f64;
        }
    };
    for column in columns.iter() {
        note(column, &mut position);
    }
    for sweep in 0..SWEEPS {
        for step in 0..columns.len() {
            let column = match sweep % 2 {
                0 => &mut columns[step],
                _ => {
                    let last = columns.len() - 1;
                    &mut columns[last - step]
                }
            };
            let wish = |node: &usize| match joined[*node].as_slice() {
                [] => position[*node],
                others => others.iter().map(|other| position[*other]).sum::<f64>() / others.len() as f64,
            };
            let mut wishes: Vec<(f64, usize)> = column.iter().map(|node| (wish(node), *node)).collect();
            wishes.sort_by(|(a, first), (b, second)| a.total_cmp(b).then(first.cmp(second)));
            *column = wishes.into_iter().map(|(_, node)| node).collect();
            note(column, &mut position);
        }
    }
}

/// Where each node is; then width and height of the whole.
fn place(columns: &[Vec<usize>], labels: &[Vec<String>]) -> (Vec<Place>, usize, usize) {
    let height_of = |node: &usize| labels[*node].len() * LINE_HEIGHT + 2 * PADDING;
    let height_of_column = |nodes: &Vec<usize>| {
        nodes
            .iter()
            .map(|node| height_of(node) + GAP)
            .sum::<usize>()
            .saturating_sub(GAP)
    };
    let tallest = columns.iter().map(height_of_column).max().unwrap_or(0);
    let mut places = vec![Place::default(); labels.len()];
    let mut x = MARGIN;
    for nodes in columns {
        let lines = nodes.iter().flat_map(|node| &labels[*node]);
        let longest = lines.map(|line| cut(line).chars().count()).max().unwrap_or(0);
        let width = longest * CHAR_WIDTH + 2 * PADDING;
        let mut y = MARGIN + (tallest - height_of_column(nodes)) / 2;
        for node in nodes {
            let height = height_of(node);
            places[*node] = Place { x, y, width, height };
            y += height + GAP;
        }
        x += width + CHANNEL;
    }
    let width = x.saturating_sub(CHANNEL).max(MARGIN) + MARGIN;
    (places, width, tallest + 2 * MARGIN)
}

/// From the right side of a node to the left side of one that stands right of it; to any other around the right side.
fn curve(from: Place, to: Place) -> String {
    let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
    let y2 = to.y + to.height / 2;
    if to.x > from.x {
        let x2 = to.x;
        let middle = usize::midpoint(x1, x2);
        return format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}");
    }
    let x2 = to.x + to.width;
    let bulge = x1.max(x2) + CHANNEL / 2;
    format!("M{x1} {y1}C{bulge} {y1} {bulge} {y2} {x2} {y2}")
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// XML's own characters as entities. Control characters, which XML has no way to write, are spelled out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            // Neither are these two characters of XML 1.0: <https://www.w3.org/TR/xml/#charsets>
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(char.escape_default());
            }
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::tests::graph;
    use super::super::{Builder, EdgeKind, Node};
    use super::*;

    #[test]
    fn names_can_not_be_markup() {
        assert_eq!(
            escape("</text><script>\"&'\u{1b}\u{ffff}"),
            "&lt;/text&gt;&lt;script&gt;&quot;&amp;&#39;\\u{1b}\\u{ffff}"
        );
    }

    /// A thousand functions that share ten packages, each of which requires the next, in a circle.
    fn large() -> Graph {
        let mut builder = Builder::default();
        let node = |builder: &mut Builder, kind, name: &str| builder.node(Node::new(kind, name, name));
        let packages: Vec<String> = (0..10)
            .map(|index| node(&mut builder, NodeKind::Dependency, &format!("package-{index}")))
            .collect();
        for (index, package) in packages.iter().enumerate() {
            builder.edge(package, &packages[(index + 1) % 10], EdgeKind::Requires);
        }
        for index in 0..1000 {
            let function = node(&mut builder, NodeKind::Function, &format!("function-{index:03}"));
            builder.edge(&function, &packages[index % 3], EdgeKind::Packs);
        }
        builder.finish()
    }

    #[test]
    fn no_two_nodes_overlap_and_the_picture_holds_all() {
        let graph = large();
        let labels: Vec<Vec<String>> = graph.nodes.iter().map(label::lines).collect();
        let columns = graph.columns();
        assert_eq!(columns.iter().map(Vec::len).sum::<usize>(), graph.nodes.len());
        let (places, width, height) = place(&columns, &labels);
        for column in &columns {
            for pair in column.windows(2) {
                let (above, below) = (places[pair[0]], places[pair[1]]);
                assert!(above.y + above.height < below.y, "{above:?} {below:?}");
            }
        }
        for pair in columns.windows(2) {
            assert!(places[pair[0][0]].x + places[pair[0][0]].width < places[pair[1][0]].x);
        }
        for place in places {
            assert!(place.x + place.width <= width && place.y + place.height <= height);
        }
    }

    #[test]
    fn a_thousand_functions_are_drawn_at_once_and_always_alike() {
        let graph = large();
        let started = Instant::now();
        let picture = graph.to_svg();
        // It takes 10 ms; a layout that compares all pairs takes minutes.
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(picture, large().to_svg());
        assert_eq!(picture.matches("<rect x=").count(), 1010);
        assert_eq!(picture.matches("<path d=\"M").count(), 1010 + 1);
    }

    #[test]
    fn who_needs_stands_left_of_what_is_needed() {
        let mut builder = Builder::default();
        let [function, layer, package] = [NodeKind::Function, NodeKind::Layer, NodeKind::Dependency]
            .map(|kind| builder.node(Node::new(kind, "x", "x")));
        builder.edge(&function, &layer, EdgeKind::Uses);
        builder.edge(&layer, &package, EdgeKind::Packs);
        let graph = builder.finish();
        // Nodes are sorted by id: dependency, function, layer.
        assert_eq!(graph.columns(), [[1], [2], [0]]);
    }

    #[test]
    fn nothing_gives_an_empty_picture() {
        assert!(Graph::default().to_svg().ends_with("</svg>\n"));
        assert!(graph(&["aa"]).to_svg().contains("function:a packs function:a"));
    }
}
