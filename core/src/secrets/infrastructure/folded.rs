//! Text that goes on over line breaks: base64 in lines of any length (PEM, MIME, YAML, `base64`), hex dumps, texts that a program
//! puts together from one literal a line.

use memchr::memchr2;

/// Most bytes between a line's text and that of the next one: its break, indentation, quotes, commas, marks of comments.
const GLUE_BYTES: usize = 32;

/// What encoded text and tokens consist of.
const IS_PART: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'%' | b'~');
        byte += 1;
    }
    table
};

/// How much further than its own length text may reach, in bytes, if its lines aren't shorter than 16.
pub fn reach(length: usize) -> usize {
    length + (length / 16 + 2) * GLUE_BYTES
}

/// Text as it would stand in one line.
#[derive(Default)]
pub struct Folded {
    pub text: Vec<u8>,
    /// Where pieces begin, in the text and in the content.
    pieces: Vec<(usize, usize)>,
}

impl Folded {
    pub(super) fn add(&mut self, content: &[u8], start: usize, end: usize) {
        self.add_decoded(&content[start..end], start);
    }

    /// What something at a place of the content means.
    pub(super) fn add_decoded(&mut self, bytes: &[u8], at: usize) {
        self.pieces.push((self.text.len(), at));
        self.text.extend_from_slice(bytes);
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.pieces.clear();
    }

    /// Forgets all but the last bytes.
    pub(super) fn keep_last(&mut self, count: usize) {
        let gone = self.text.len().saturating_sub(count);
        self.text.drain(..gone);
        let first = self
            .pieces
            .partition_point(|(begin, _)| *begin <= gone)
            .saturating_sub(1);
        self.pieces.drain(..first);
        for (begin, start) in &mut self.pieces {
            *start += gone.saturating_sub(*begin);
            *begin = begin.saturating_sub(gone);
        }
    }

    /// Where in the content something of the text stands.
    pub fn place(&self, at: usize) -> usize {
        let (begin, start) = self.pieces[self.pieces.partition_point(|(begin, _)| *begin <= at) - 1];
        start + at - begin
    }
}

/// Calls `visit` with each text of `shortest` bytes or more that goes on over a line break. Of its first line the last `longest`
/// bytes are enough.
pub fn each(content: &[u8], shortest: usize, longest: usize, mut visit: impl FnMut(&Folded)) {
    let mut folded = Folded::default();
    let mut from = 0;
    while let Some(found) = memchr2(b'\n', b'\\', &content[from..]) {
        let at = from + found;
        from = at + 1;
        if break_length(content, at) == 0 {
            continue;
        }
        // What stands before another break was seen there.
        let glue = (at.saturating_sub(GLUE_BYTES)..at).rev();
        let mut glue = glue.take_while(|at| content[*at] != b'\n');
        let Some(last) = glue.find(|at| is_part(content, *at)) else {
            continue;
        };
        let mut end = last + 1;
        let line = &content[end.saturating_sub(longest)..end];
        let length = line
            .iter()
            .rev()
            .take_while(|byte| IS_PART[usize::from(**byte)])
            .count();
        folded.clear();
        folded.add(content, end - length, end);
        while let Some(start) = after_break(content, end) {
            let line = content[start..].iter();
            end = start + line.take_while(|byte| IS_PART[usize::from(**byte)]).count();
            folded.add(content, start, end);
        }
        from = from.max(end);
        if folded.pieces.len() > 1 && folded.text.len() >= shortest {
            visit(&folded);
        }
    }
}

/// How many bytes a line break has, itself or as a text in JSON or a program has it; 0 if there is none.
fn break_length(content: &[u8], at: usize) -> usize {
    match content[at..] {
        [b'\n', ..] => 1,
        [b'\\', b'n' | b'r', ..] => 2,
        _ => 0,
    }
}

/// A `+` alone joins texts of a program.
fn is_part(content: &[u8], at: usize) -> bool {
    let is_part = |at: Option<usize>| {
        at.and_then(|at| content.get(at))
            .is_some_and(|byte| IS_PART[usize::from(*byte)])
    };
    is_part(Some(at)) && (content[at] != b'+' || is_part(at.checked_sub(1)) || is_part(Some(at + 1)))
}

/// Where text goes on in the next line.
fn after_break(content: &[u8], end: usize) -> Option<usize> {
    let (mut at, mut is_broken) = (end, false);
    while at < content.len() && at - end <= GLUE_BYTES {
        match break_length(content, at) {
            0 if is_part(content, at) => return is_broken.then_some(at),
            0 => at += 1,
            length => {
                is_broken = true;
                at += length;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str) -> Vec<String> {
        let mut texts = Vec::new();
        each(content.as_bytes(), 8, 100, |folded| {
            let text = String::from_utf8(folded.text.clone()).expect("ASCII");
            for (at, byte) in text.bytes().enumerate() {
                assert_eq!(content.as_bytes()[folded.place(at)], byte, "{text}");
            }
            texts.push(text);
        });
        texts
    }

    #[test]
    fn text_goes_on_over_breaks_however_they_are_written() {
        for content in [
            "key: QUJD\nREVG\nR0hJ",
            "key: >-\r\n    QUJD\r\n    REVG\r\n    R0hJ\r\n",
            r#"{"key": "QUJD\nREVG\r\nR0hJ"}"#,
            r#"{"json": "{\"key\": \"QUJD\\nREVG\\nR0hJ\"}"}"#,
            "[\"QUJD\",\n \"REVG\",\n \"R0hJ\"]",
            "key = ('QUJD'\n       'REVG'\n       'R0hJ')",
            "key = 'QUJD' +\n  'REVG'\n  + 'R0hJ';",
            "# QUJD\n# REVG\n# R0hJ",
            "QUJD \\\nREVG \\\nR0hJ",
        ] {
            let texts = texts(content);
            assert!(
                texts.iter().any(|text| text.ends_with("QUJDREVGR0hJ")),
                "{content}: {texts:?}"
            );
        }
        assert_eq!(texts("+/+/+\n/+/+/=="), ["+/+/+/+/+/=="]);
        assert_eq!(texts("let a = b;\nlet c = d;\n\n\n"), [""; 0], "too short");
        assert_eq!(texts(&format!("QUJDREVG{}R0hJ", "\n".repeat(40))), [""; 0], "too far");
        assert_eq!(texts("QUJDREVG R0hJR0hJ"), [""; 0], "one line");
        for content in ["", "\n", "\\", "\\n", "a\n", "a\\", "\n\n\\n\\", "a\\n\\"] {
            assert_eq!(texts(content), [""; 0], "{content}");
        }
    }
}
