//! One line of a gitignore file as a glob that means the same: gitignore(5), and where that is silent git's own `dir.c` and
//! `wildmatch.c`. Patterns and globs differ in braces, classes, runs of `*`, and in what is no pattern at all.

use globset::{Glob, GlobBuilder};

/// What a line says of the paths below its directory.
pub struct Pattern {
    pub glob: Glob,
    /// It takes back what lines before it leave out.
    pub is_negated: bool,
    pub only_directories: bool,
}

impl Pattern {
    /// `None` if the line is no pattern, or one that nothing matches. Errors are in words.
    pub fn of_line(line: &str) -> Result<Option<Self>, String> {
        if line.starts_with('#') {
            return Ok(None);
        }
        let line = without_spaces_at_end(line);
        let positive = line.strip_prefix('!');
        let pattern = positive.unwrap_or(line);
        let directory = pattern.strip_suffix('/');
        let pattern = directory.unwrap_or(pattern);
        // Without a separator a pattern is held against names, in any directory.
        let is_anchored = pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        if pattern.is_empty() {
            return Ok(None);
        }
        let Some(glob) = glob_of(pattern, is_anchored)? else {
            return Ok(None);
        };
        let glob = GlobBuilder::new(&glob)
            .literal_separator(true)
            .backslash_escape(true)
            .build();
        Ok(Some(Pattern {
            glob: glob.map_err(|error| error.to_string())?,
            is_negated: positive.is_some(),
            only_directories: directory.is_some(),
        }))
    }
}

/// Escaped spaces stay, and so does any other white space.
fn without_spaces_at_end(line: &str) -> &str {
    let mut characters = line.char_indices();
    let mut spaces = None;
    while let Some((position, character)) = characters.next() {
        match character {
            ' ' => {
                spaces.get_or_insert(position);
            }
            '\\' if characters.next().is_none() => return line,
            _ => spaces = None,
        }
    }
    spaces.map_or(line, |start| &line[..start])
}

/// `None` if nothing matches the pattern.
fn glob_of(pattern: &str, is_anchored: bool) -> Result<Option<String>, String> {
    let mut glob = String::from(if is_anchored { "" } else { "**/" });
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let before = &pattern[..pattern.len() - rest.len()];
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let Some(escaped) = rest.chars().next() else {
                    return Ok(None);
                };
                push_literal(&mut glob, escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            '*' => {
                let others = rest.trim_start_matches('*');
                let is_component = (before.is_empty() || before.ends_with('/'))
                    && (others.is_empty() || others.starts_with('/') || others.starts_with(r"\/"));
                glob.push_str(match is_anchored && is_component && others.len() < rest.len() {
                    // An escaped separator isn't passed over where `**` is nothing.
                    true if others.starts_with('\\') => "*/**",
                    true => "**",
                    false => "*",
                });
                rest = others;
            }
            '?' => glob.push('?'),
            '[' => {
                let Some((class, after)) = Class::parse(rest)? else {
                    return Ok(None);
                };
                if !class.push_to(&mut glob) {
                    return Ok(None);
                }
                rest = after;
            }
            other => push_literal(&mut glob, other),
        }
    }
    Ok(Some(glob))
}

fn push_literal(glob: &mut String, character: char) {
    if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | ',' | '!' | '\\') {
        glob.push('\\');
    }
    glob.push(character);
}

/// What `[…]` stands for.
struct Class {
    is_negated: bool,
    members: [bool; 128],
}

impl Class {
    /// The class whose `[` stands before, and what comes after it; `None` if it is none, which nothing matches. Goes the way
    /// of git's `dowild`.
    fn parse(text: &str) -> Result<Option<(Self, &str)>, String> {
        let bytes = text.as_bytes();
        let is_negated = text.starts_with(['!', '^']);
        let mut members = [false; 256];
        let mut position = usize::from(is_negated);
        // What a range may begin with.
        let mut previous = None;
        loop {
            let Some(&byte) = bytes.get(position) else {
                return Ok(None);
            };
            let next = bytes.get(position + 1).copied();
            match (byte, previous, next) {
                (b'\\', _, None) => return Ok(None),
                (b'\\', _, Some(escaped)) => {
                    position += 1;
                    members[usize::from(escaped)] = true;
                    previous = Some(escaped);
                }
                (b'-', Some(first), Some(last)) if last != b']' => {
                    position += 1;
                    let mut last = last;
                    if last == b'\\' {
                        position += 1;
                        let Some(&escaped) = bytes.get(position) else {
                            return Ok(None);
                        };
                        last = escaped;
                    }
                    (first..=last).for_each(|member| members[usize::from(member)] = true);
                    previous = None;
                }
                (b'[', _, Some(b':')) => {
                    let Some(length) = text[position + 2..].find(']') else {
                        return Ok(None);
                    };
                    let end = position + 2 + length;
                    if let Some(name) = text[position + 2..end].strip_suffix(':') {
                        let Some(holds) = named(name) else {
                            return Ok(None);
                        };
                        (0..128).for_each(|byte| members[usize::from(byte)] |= holds(byte));
                        position = end;
                        previous = None;
                    } else {
                        members[usize::from(byte)] = true;
                        previous = Some(byte);
                    }
                }
                _ => {
                    members[usize::from(byte)] = true;
                    previous = Some(byte);
                }
            }
            position += 1;
            if bytes.get(position) == Some(&b']') {
                break;
            }
        }
        let class = &text[..position];
        if !class.is_ascii() {
            return Err(format!(
                "`[{class}]` stands for one byte, and a letter beyond ASCII is several: write a line for each letter, or `*`"
            ));
        }
        let mut ascii = [false; 128];
        ascii.copy_from_slice(&members[..128]);
        // No class matches a separator.
        ascii[usize::from(b'/')] = is_negated;
        let class = Class {
            is_negated,
            members: ascii,
        };
        Ok(Some((class, &text[position + 1..])))
    }

    /// As a class of a glob, in which nothing is escaped: the place decides what `]`, `-`, `!` and `^` mean. False if nothing
    /// matches it.
    fn push_to(&self, glob: &mut String) -> bool {
        let has = |byte: u8| self.members[usize::from(byte)];
        let ranges: Vec<(u8, u8)> = (0..128)
            .filter(|&byte| has(byte) && !matches!(byte, b']' | b'-' | b'!' | b'^'))
            .fold(Vec::new(), |mut ranges, byte| {
                match ranges.last_mut() {
                    Some((_, last)) if *last + 1 == byte => *last = byte,
                    _ => ranges.push((byte, byte)),
                }
                ranges
            });
        let signs: Vec<char> = [b'!', b'^']
            .into_iter()
            .filter(|&byte| has(byte))
            .map(char::from)
            .collect();
        let mut members = String::from(if has(b']') { "]" } else { "" });
        for (first, last) in ranges {
            members.push(char::from(first));
            if last > first {
                members.push('-');
                members.push(char::from(last));
            }
        }
        let hyphen = if has(b'-') { "-" } else { "" };
        match (self.is_negated, members.is_empty(), signs.is_empty()) {
            (false, true, true) if hyphen.is_empty() => return false,
            // In front `!` and `^` would negate.
            (false, true, false) if hyphen.is_empty() => {
                let escaped: Vec<String> = signs.iter().map(|sign| format!("\\{sign}")).collect();
                glob.push_str(&format!("{{{}}}", escaped.join(",")));
                return true;
            }
            (false, true, _) => members = format!("-{}", String::from_iter(signs)),
            _ => {
                members.extend(signs);
                members.push_str(hyphen);
            }
        }
        let negation = if self.is_negated { "!" } else { "" };
        glob.push_str(&format!("[{negation}{members}]"));
        true
    }
}

/// The classes that have names, as git has them.
fn named(name: &str) -> Option<fn(u8) -> bool> {
    Some(match name {
        "alnum" => |byte| byte.is_ascii_alphanumeric(),
        "alpha" => |byte| byte.is_ascii_alphabetic(),
        "blank" => |byte| matches!(byte, b' ' | b'\t'),
        "cntrl" => |byte| byte.is_ascii_control(),
        "digit" => |byte| byte.is_ascii_digit(),
        "graph" => |byte| byte.is_ascii_graphic(),
        "lower" => |byte| byte.is_ascii_lowercase(),
        "print" => |byte| byte == b' ' || byte.is_ascii_graphic(),
        "punct" => |byte| byte.is_ascii_punctuation(),
        "space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        "upper" => |byte| byte.is_ascii_uppercase(),
        "xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests of the program compare with git; here stands what becomes of a line.
    #[test]
    fn lines_as_globs() {
        for (line, glob) in [
            ("*.{log,tmp}", r"**/*.\{log\,tmp\}"),
            ("/a b\\  ", r"a b "),
            ("a/***/b**c", "a/**/b*c"),
            ("[[:digit:]a-c]", "**/[0-9a-c]"),
            (r"[a\]-]", "**/[]a-]"),
            ("x/[!a]", "x/[!/a]"),
            ("[!!]", "**/[!/!]"),
            ("[!-]", "**/[!/-]"),
            (r"[\!^]", r"**/{\!,\^}"),
            (r"[\!-]", "**/[-!]"),
            ("a\t ", "**/a\t"),
            // What a range would begin with is a member already.
            ("[z-a]", "**/[z]"),
        ] {
            let pattern = Pattern::of_line(line).expect("no error").expect("a pattern");
            assert_eq!(pattern.glob.glob(), glob, "{line}");
        }
        for none in [
            "",
            "  ",
            "#a",
            "!",
            "/",
            "!/",
            "\\",
            "a\\",
            "a\\/",
            "[",
            "[a",
            "[[:nope:]]",
            "x[/]y",
        ] {
            assert!(Pattern::of_line(none).expect("no error").is_none(), "{none}");
        }
        assert!(Pattern::of_line("[é]").is_err());
    }
}
