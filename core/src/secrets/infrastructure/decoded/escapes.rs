//! Characters by their numbers: `&#88;`, `&#x58;`, `\u{58}`, `\u0058`, `\x58`, `\130`; and what is escaped beside them: `\"`, `\\`, `\n`.

use std::ops::Range;

use memchr::{memchr2, memchr2_iter, memmem};

use super::{Found, digit, number};

/// A text in a text in a text: each doubles the backslashes of what it is in.
const LEVELS: u32 = 3;
/// Backslashes before an escape that is so deep.
const MOST_SLASHES: usize = 1 << (LEVELS - 1);

/// Reads content around escapes, each with as much beside it as a value may have: once with all else as it stands, since not every
/// format escapes backslashes, and then as a text of each level that is there.
pub(super) fn read(content: &[u8], found: &mut Found) {
    let parts = read_numbers(content, found);
    for part in parts {
        let slashes = |level: &u32| memmem::find(&content[part.clone()], &[b'\\'; MOST_SLASHES][..1 << (level - 1)]);
        for level in (1..=LEVELS).take_while(|level| slashes(level).is_some()) {
            read_level(content, part.clone(), level, found);
        }
    }
}

/// Reads numbers alone, and gives the parts of the content, in order, that a value with one of them may stand in.
fn read_numbers(content: &[u8], found: &mut Found) -> Vec<Range<usize>> {
    // So much stands for a byte: a backslash at the deepest level.
    let longest = found.longest << LEVELS;
    let mut parts: Vec<Range<usize>> = Vec::new();
    // Up to here it is read.
    let mut read = None;
    for at in memchr2_iter(b'&', b'\\', content) {
        if read.is_some_and(|read| at < read) {
            continue;
        }
        let Some((bytes, length)) = escape(&content[at..]) else {
            continue;
        };
        let start = match read {
            Some(read) if at - read <= found.longest => read,
            other => {
                if let Some(read) = other {
                    finish(content, read, found);
                }
                at.saturating_sub(found.longest).max(other.unwrap_or(0))
            }
        };
        found.copy(content, start, at);
        found.add(&bytes, at);
        read = Some(at + length);
        let (start, end) = (at.saturating_sub(longest), content.len().min(at + length + longest));
        match parts.last_mut() {
            Some(part) if start <= part.end => part.end = end,
            _ => parts.push(start..end),
        }
    }
    if let Some(read) = read {
        finish(content, read, found);
    }
    parts
}

/// Reads each escape in a part of the content.
fn read_level(content: &[u8], part: Range<usize>, level: u32, found: &mut Found) {
    // What backslashes mean depends on how many there are: of those that a part begins amid, nobody knows.
    let is_amid = part.start > 0 && content[part.start - 1] == b'\\';
    let slashes = content[part.start..]
        .iter()
        .take_while(|byte| is_amid && **byte == b'\\');
    let mut at = part.start + slashes.count();
    while at < part.end {
        let place = memchr2(b'&', b'\\', &content[at..part.end]).map_or(part.end, |length| at + length);
        found.copy(content, at, place);
        at = place;
        if place < part.end {
            let (bytes, length) = unescaped(&content[place..], level);
            found.add(&bytes, place);
            at += length;
        }
    }
    found.end();
}

/// What a text that begins with `&` or backslashes means at its beginning, and how much of it that is.
fn unescaped(text: &[u8], level: u32) -> (Vec<u8>, usize) {
    if text.starts_with(b"&") {
        return escape(text).unwrap_or_else(|| (vec![b'&'], 1));
    }
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    // Those that stand for backslashes, and those of an escape.
    let (whole, escaping) = (slashes >> level, slashes % (1 << level));
    let mut bytes = vec![b'\\'; whole];
    if escaping == 0 {
        return (bytes, slashes);
    }
    let character = || Some((vec![single(*text.get(slashes)?)?], escaping + 1));
    let number = escape(&text[slashes - escaping..]);
    let (meant, length) = number.or_else(character).unwrap_or_else(|| (vec![b'\\'], escaping));
    bytes.extend(meant);
    (bytes, slashes - escaping + length)
}

/// What one character behind a backslash means.
fn single(character: u8) -> Option<u8> {
    match character {
        b'"' | b'\'' | b'`' | b'/' | b'$' => Some(character),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'b' => Some(0x08),
        b'f' => Some(0x0C),
        _ => None,
    }
}

fn finish(content: &[u8], read: usize, found: &mut Found) {
    found.copy(content, read, content.len().min(read + found.longest));
    found.end();
}

/// What an escape means, and its length.
fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'&', rest @ ..] => entity(rest).map(|(bytes, length)| (bytes, 1 + length)),
        _ => {
            let slashes = text
                .iter()
                .take(MOST_SLASHES)
                .take_while(|byte| **byte == b'\\')
                .count();
            let (bytes, length) = escaped(&text[slashes..])?;
            // The second half of a character beyond 16 bits.
            if let Some((high @ 0xD800..=0xDBFF, 5)) = unit(&text[slashes..]) {
                let rest = text.get(2 * slashes + 5..)?;
                let (low, _) = unit(rest).filter(|(low, _)| (0xDC00..=0xDFFF).contains(low))?;
                let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return Some((utf8(code)?, 2 * slashes + 10));
            }
            Some((bytes, slashes + length))
        }
    }
}

/// A code unit of UTF-16: `u0058`.
fn unit(text: &[u8]) -> Option<(u32, usize)> {
    let (b'u', rest) = text.split_first()? else { return None };
    number(rest, 16, 4)
        .filter(|(_, digits)| *digits == 4)
        .map(|(unit, _)| (unit, 5))
}

/// Without the backslashes.
fn escaped(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let in_braces = |rest: &[u8]| {
        let (b'{', rest) = rest.split_first()? else { return None };
        let (code, digits) = number(rest, 16, 8)?;
        (rest.get(digits) == Some(&b'}')).then_some(())?;
        Some((utf8(code)?, digits + 3))
    };
    let exactly = |rest: &[u8], count: usize| number(rest, 16, count).filter(|(_, digits)| *digits == count);
    match text.split_first()? {
        (b'u', rest) => in_braces(rest).or_else(|| {
            let (code, length) = unit(text)?;
            match code {
                // Half of one; the other half follows.
                0xD800..=0xDBFF => Some((Vec::new(), length)),
                _ => Some((utf8(code)?, length)),
            }
        }),
        (b'U', rest) => Some((utf8(exactly(rest, 8)?.0)?, 9)),
        (b'x', rest) => in_braces(rest).or_else(|| Some((vec![u8::try_from(exactly(rest, 2)?.0).ok()?], 3))),
        (first, _) if digit(*first, 8).is_some() => {
            let (byte, digits) = number(text, 8, 3)?;
            Some((vec![u8::try_from(byte).ok()?], digits))
        }
        _ => None,
    }
}

/// Without the `&`. The semicolon may be missing behind a number.
fn entity(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    const NAMED: [(&[u8], u8); 5] = [
        (b"amp;", b'&'),
        (b"lt;", b'<'),
        (b"gt;", b'>'),
        (b"quot;", b'"'),
        (b"apos;", b'\''),
    ];
    let Some(rest) = text.strip_prefix(b"#") else {
        let (name, byte) = NAMED.into_iter().find(|(name, _)| text.starts_with(name))?;
        return Some((vec![byte], name.len()));
    };
    /// Of the largest number, with zeros before it.
    const DIGITS: usize = 10;
    let (before, (code, digits)) = match rest.split_first()? {
        (b'x' | b'X', rest) => (2, number(rest, 16, DIGITS)?),
        _ => (1, number(rest, 10, DIGITS)?),
    };
    let length = before + digits;
    Some((utf8(code)?, length + usize::from(text.get(length) == Some(&b';'))))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_characters_or_bytes() {
        let of = |text: &str| escape(text.as_bytes());
        let means = |text: &str, length: usize| Some((text.as_bytes().to_vec(), length));
        assert_eq!(of("&#252;x"), means("ü", 6));
        assert_eq!(of("&#xFC;x"), means("ü", 6));
        assert_eq!(of("&#252x"), means("ü", 5));
        assert_eq!(of("&amp;x"), means("&", 5));
        assert_eq!(of(r"\u{fc}x"), means("ü", 6));
        assert_eq!(of(r"\\u{1f511}x"), means("🔑", 10));
        assert_eq!(of(r"\ud83d\udd11x"), means("🔑", 12));
        assert_eq!(of(r"\\ud83d\\udd11x"), means("🔑", 14));
        assert_eq!(of(r"\x{58}x"), means("X", 6));
        assert_eq!(of(r"\130x"), means("X", 4));
        assert_eq!(of(r"\303x"), Some((vec![0xC3], 4)));
        for nothing in [
            "&x;",
            "&#;",
            r"\n",
            r"\u12",
            r"\ud83d",
            r"\ud83dx\udd11",
            r"\777",
            r"\x{}",
            "&#x110000;",
        ] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn backslashes_mean_what_their_level_makes_of_them() {
        let of = |text: &str, level: u32| {
            let (bytes, length) = unescaped(text.as_bytes(), level);
            (String::from_utf8(bytes).expect("UTF-8"), length)
        };
        let means = |text: &str, length: usize| (text.to_owned(), length);
        assert_eq!(of(r#"\"x"#, 1), means("\"", 2));
        assert_eq!(of(r"\\x41", 1), means(r"\", 2));
        assert_eq!(of(r"\\\x41b", 1), means(r"\A", 6));
        assert_eq!(of(r"\\\u00fcb", 1), means(r"\ü", 8));
        assert_eq!(of(r"\nb", 1), means("\n", 2));
        assert_eq!(of(r"\d", 1), means(r"\", 1));
        assert_eq!(of(r#"\\\"x"#, 2), means("\"", 4));
        assert_eq!(of(r"\\x41b", 2), means("A", 5));
        assert_eq!(of(r"\\\\x41", 2), means(r"\", 4));
        assert_eq!(of(r"\\\\\\u00fcb", 2), means(r"\ü", 11));
        assert_eq!(of(r#"\\\\\\\"x"#, 3), means("\"", 8));
        assert_eq!(of(r"\\\\ud83d\\\\udd11b", 3), means("🔑", 18));
        for (end, length) in [("\\", 1), ("&", 1), ("&x", 1), ("\\\\", 2)] {
            assert_eq!(of(end, 1), (end[..1].to_owned(), length), "{end}");
        }
    }
}
