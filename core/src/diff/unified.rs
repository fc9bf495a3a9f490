//! What differs in a file's text.

use std::fmt;

use imara_diff::{Algorithm, Diff, InternedInput, Interner, Token, UnifiedDiffConfig, UnifiedDiffPrinter};

/// Bytes of either text. Whoever reads on for longer has an editor that compares.
pub const LARGEST_TEXT: u64 = 1024 * 1024;

/// What differs in a file, if that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unified {
    /// As `diff -u` prints it, with three lines around what differs; empty if nothing does.
    Text(String),
    /// One of them is no text in UTF-8.
    Binary,
    /// One of them is larger than [`LARGEST_TEXT`].
    Large,
}

/// Compares the contents of a file, line by line; `names` head them. What wasn't there is empty.
pub fn unified(before: &[u8], after: &[u8], names: [&str; 2]) -> Unified {
    if before.len().max(after.len()) as u64 > LARGEST_TEXT {
        return Unified::Large;
    }
    let [Some(before), Some(after)] = [before, after].map(text) else {
        return Unified::Binary;
    };
    let lines = InternedInput::new(before, after);
    // GNU's, with its shortcuts: texts that have nothing in common don't take long.
    let mut diff = Diff::compute(Algorithm::Myers, &lines);
    diff.postprocess_lines(&lines);
    let printer = Gnu(&lines.interner);
    let hunks = diff
        .unified_diff(&printer, UnifiedDiffConfig::default(), &lines)
        .to_string();
    Unified::Text(match hunks.as_str() {
        "" => hunks,
        hunks => format!("--- {}\n+++ {}\n{hunks}", names[0], names[1]),
    })
}

/// Whatever has a null byte is none to `diff` and `git`.
fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok().filter(|text| !text.contains('\0'))
}

/// Prints lines so that `patch` and `git apply` take them; the library's own printer forgets where a last line has no end.
struct Gnu<'a>(&'a Interner<&'a str>);

impl Gnu<'_> {
    fn line(&self, mut out: impl fmt::Write, mark: char, line: Token) -> fmt::Result {
        let line = self.0[line];
        let end = if line.ends_with('\n') {
            ""
        } else {
            "\n\\ No newline at end of file\n"
        };
        write!(out, "{mark}{line}{end}")
    }
}

impl UnifiedDiffPrinter for Gnu<'_> {
    fn display_header(
        &self,
        mut out: impl fmt::Write,
        start_before: u32,
        start_after: u32,
        len_before: u32,
        len_after: u32,
    ) -> fmt::Result {
        // Lines count from 1; where there are none, it is the line before.
        let range = |start: u32, length: u32| match length {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            _ => format!("{},{length}", start + 1),
        };
        let (before, after) = (range(start_before, len_before), range(start_after, len_after));
        writeln!(out, "@@ -{before} +{after} @@")
    }

    fn display_context_token(&self, out: impl fmt::Write, token: Token) -> fmt::Result {
        self.line(out, ' ', token)
    }

    fn display_hunk(&self, mut out: impl fmt::Write, before: &[Token], after: &[Token]) -> fmt::Result {
        let removed = before.iter().map(|line| ('-', line));
        let added = after.iter().map(|line| ('+', line));
        removed
            .chain(added)
            .try_for_each(|(mark, line)| self.line(&mut out, mark, *line))
    }
}
