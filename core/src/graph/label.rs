//! What pictures say of a node, as lines of text.

use super::Node;

/// What it is called, and what it requires.
pub fn lines(node: &Node) -> Vec<String> {
    let first = match (&node.version, node.class) {
        (Some(version), _) => format!("{} {version}", node.name),
        (None, Some(class)) => format!("{} ({})", node.name, class.name().replace('_', " ")),
        (None, None) => node.name.clone(),
    };
    let requirements = &node.requirements;
    let sizes = [
        requirements.size_bytes.map(|bytes| format!("package {}", size(bytes))),
        requirements
            .unzipped_bytes
            .map(|bytes| format!("unzipped {}", size(bytes))),
    ];
    let rooms = [
        requirements.memory_size.map(|mb| format!("memory {mb} MB")),
        requirements.ephemeral_storage.map(|mb| format!("/tmp {mb} MB")),
    ];
    let join = |texts: [Option<String>; 2]| texts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let lines = [first, join(sizes), join(rooms)];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// Counted as Lambda does its limits: 1 MB are 1,048,576 bytes.
fn size(bytes: u64) -> String {
    const KB: u64 = 1024;
    const MB: u64 = 1024 * KB;
    let (unit, name) = match bytes {
        ..KB => return format!("{bytes} B"),
        KB..MB => (KB, "KB"),
        MB.. => (MB, "MB"),
    };
    // Upward: a requirement isn't smaller than what it stands for.
    let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(unit));
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::super::NodeKind;
    use super::*;

    #[test]
    fn sizes_are_rounded_upward() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KB"),
            (1025, "1.1 KB"),
            (262_144_000, "250.0 MB"),
            (262_144_001, "250.1 MB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut node = Node::new(NodeKind::Function, "a", "a");
        assert_eq!(lines(&node), ["a"]);
        node.requirements.unzipped_bytes = Some(2048);
        node.requirements.memory_size = Some(128);
        node.requirements.ephemeral_storage = Some(512);
        assert_eq!(lines(&node), ["a", "unzipped 2.0 KB", "memory 128 MB, /tmp 512 MB"]);
    }
}
