//! What differs in a file's text.

use std::time::Duration;

use similar::TextDiff;

/// Bytes of either text. Whoever reads on for longer has an editor that compares.
pub const LARGEST_TEXT: u64 = 1024 * 1024;

/// What differs in a file, if that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unified {
    /// As `diff -u` prints it, with three lines around what differs.
    Text(String),
    /// One of them is no text in UTF-8.
    Binary,
    /// One of them is larger than [`LARGEST_TEXT`].
    Large,
}

/// Compares the contents of a file, line by line; `names` head them. What wasn't there is empty.
pub fn unified(before: &[u8], after: &[u8], names: [&str; 2]) -> Unified {
    /// Texts that have nothing in common take long to compare well; then a part is shown as replaced.
    const PATIENCE: Duration = Duration::from_secs(1);
    if before.len().max(after.len()) as u64 > LARGEST_TEXT {
        return Unified::Large;
    }
    let [Some(before), Some(after)] = [before, after].map(text) else {
        return Unified::Binary;
    };
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    Unified::Text(diff.unified_diff().header(names[0], names[1]).to_string())
}

/// Whatever has a null byte is none to `diff` and `git`.
fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok().filter(|text| !text.contains('\0'))
}
