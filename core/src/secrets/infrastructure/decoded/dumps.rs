//! What `xxd`, `hexdump` and `od -t x1` print: lines of an offset, groups of hexadecimal digits, and maybe the text.

use memchr::memchr;

use super::{Found, LINE_BYTES, digit};

/// Reads lines of dumps that follow each other.
pub(super) fn read(content: &[u8], found: &mut Found) {
    let mut start = 0;
    while start < content.len() {
        let end = memchr(b'\n', &content[start..]).map_or(content.len(), |length| start + length);
        match line(&content[start..end], start, found) {
            Line::Bytes => {}
            Line::Other => found.end(),
        }
        start = end + 1;
    }
    found.end();
}

enum Line {
    Bytes,
    Other,
}

/// Adds the bytes of a line, which stands at a place of the content.
fn line(line: &[u8], place: usize, found: &mut Found) -> Line {
    /// Of the shortest offset, which `od -Ax` prints.
    const SHORTEST_OFFSET: usize = 6;
    if line.len() > LINE_BYTES {
        return Line::Other;
    }
    // Indentation, and marks of comments.
    let before = line.iter().take_while(|byte| b" \t#/*;|>'\"".contains(byte)).count();
    let rest = &line[before..];
    let first = hex_digits(rest);
    let (mut at, kind) = match rest.get(first) {
        Some(b':') if first >= SHORTEST_OFFSET => (first + 1, Kind::Xxd),
        Some(b' ') if first >= SHORTEST_OFFSET => (first, Kind::Offset),
        _ if first == 2 => (0, Kind::Plain),
        _ => return Line::Other,
    };
    let mut bytes = Vec::new();
    while let Some(group) = next_group(rest, &mut at, kind) {
        let pairs = group.chunks_exact(2);
        let decoded = pairs.filter_map(|pair| u8::try_from(digit(pair[0], 16)? * 16 + digit(pair[1], 16)?).ok());
        let begin = bytes.len();
        bytes.extend(decoded);
        // Words of two bytes, the lower one first.
        if matches!(kind, Kind::Offset) && group.len() == 4 {
            bytes[begin..].reverse();
        }
    }
    let is_whole = rest[at..].trim_ascii().is_empty();
    if bytes.is_empty() || (matches!(kind, Kind::Plain) && !is_whole) {
        return Line::Other;
    }
    found.add(&bytes, place + before);
    Line::Bytes
}

#[derive(Clone, Copy)]
enum Kind {
    /// An offset with a colon; two spaces stand before the text.
    Xxd,
    /// An offset; a bar stands before the text, if there is any.
    Offset,
    /// Pairs of digits alone.
    Plain,
}

fn hex_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// The next group of digits; `at` is behind it then.
fn next_group<'a>(line: &'a [u8], at: &mut usize, kind: Kind) -> Option<&'a [u8]> {
    let spaces = line[*at..].iter().take_while(|byte| **byte == b' ').count();
    let most_spaces = match kind {
        Kind::Xxd | Kind::Plain => 1,
        Kind::Offset => 2,
    };
    if spaces > most_spaces {
        return None;
    }
    let group = &line[*at + spaces..];
    let group = &group[..hex_digits(group)];
    let ends = matches!(line.get(*at + spaces + group.len()), None | Some(b' ' | b'\r' | b'\t'));
    let fits = match kind {
        Kind::Plain => group.len() == 2,
        Kind::Xxd | Kind::Offset => matches!(group.len(), 2 | 4 | 8 | 16),
    };
    if !(ends && fits) {
        return None;
    }
    *at += spaces + group.len();
    Some(group)
}
