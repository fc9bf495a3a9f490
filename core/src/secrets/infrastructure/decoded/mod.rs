//! Values that are written in other ways than letter by letter, of which there are too many to list them: what is escaped may be any
//! part of a value, and numbers may stand in lines of any length. They are read as the programs do that they are written for.

mod dumps;
mod escapes;
mod numbers;

use super::folded::Folded;

/// Most bytes for one of a value: a line of a dump for each, or a number with what stands before the next one.
const BYTES_EACH: usize = 80;
/// What is read before it is looked at. It bounds memory: much more is noted of each byte.
const PIECE_BYTES: usize = 64 * 1024;
/// Longest line of a dump, which must be known whole to be read: `xxd -g1 -c256` writes 1036 bytes, `od -An -tx1 -w1024` 3072.
pub const LINE_BYTES: usize = 4096;

/// How much further than its own length a value may reach, in bytes: of a dump to the end of a line.
pub fn reach(length: usize) -> usize {
    (length + 1) * BYTES_EACH + LINE_BYTES
}

/// Calls `visit` with each text of `shortest` bytes or more that something decodes to, with what stands around it, as far as values of
/// `longest` bytes go. Takes a time that grows as the content does.
pub fn each(content: &[u8], shortest: usize, longest: usize, mut visit: impl FnMut(&Folded)) {
    let mut found = Found {
        text: Folded::default(),
        shortest,
        longest,
        visit: &mut visit,
    };
    escapes::read(content, &mut found);
    numbers::read(content, &mut found);
    dumps::read(content, &mut found);
}

/// What is decoded, until it is looked at.
struct Found<'a> {
    text: Folded,
    shortest: usize,
    longest: usize,
    visit: &'a mut dyn FnMut(&Folded),
}

impl Found<'_> {
    /// Bytes that something at a place of the content means.
    fn add(&mut self, bytes: &[u8], at: usize) {
        self.text.add_decoded(bytes, at);
        self.look_if_much();
    }

    /// A part of the content as it stands.
    fn copy(&mut self, content: &[u8], start: usize, end: usize) {
        if start < end {
            self.text.add(content, start, end);
            self.look_if_much();
        }
    }

    fn look_if_much(&mut self) {
        if self.text.text.len() >= self.longest + PIECE_BYTES {
            (self.visit)(&self.text);
            self.text.keep_last(self.longest);
        }
    }

    /// What comes next doesn't go on here.
    fn end(&mut self) {
        if self.text.text.len() >= self.shortest {
            (self.visit)(&self.text);
        }
        self.text.clear();
    }
}

fn digit(byte: u8, base: u32) -> Option<u32> {
    char::from(byte).to_digit(base)
}

/// The number that a text begins with, in no more than `most` digits, and how many these are; `None` without any.
fn number(text: &[u8], base: u32, most: usize) -> Option<(u32, usize)> {
    let digits = text.iter().take(most).map_while(|byte| digit(*byte, base));
    let (value, count) = digits.fold((0_u32, 0), |(value, count), digit| {
        (value.saturating_mul(base).saturating_add(digit), count + 1)
    });
    (count > 0).then_some((value, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &[u8] = b"tr0ub4dor/3xyz";

    fn finds(content: &str) -> Option<usize> {
        let mut found = None;
        each(content.as_bytes(), VALUE.len(), 4 * VALUE.len(), |decoded| {
            let at = memchr::memmem::find(&decoded.text, VALUE);
            found = found.or(at.map(|at| decoded.place(at)));
        });
        found
    }

    fn joined(between: &str, number: impl Fn(&u8) -> String) -> String {
        VALUE.iter().map(number).collect::<Vec<_>>().join(between)
    }

    #[test]
    fn what_is_written_in_another_way_is_read() {
        for content in [
            // Escapes, of all of it or of a part.
            joined("", |byte| format!("&#{byte};")),
            joined("", |byte| format!("&#x{byte:X};")),
            joined("", |byte| format!("&#0{byte};")),
            "tr0ub4dor&#47;3xyz".to_owned(),
            "tr0ub4dor&#x2f;3x&#121;z".to_owned(),
            joined("", |byte| format!("\\u{{{byte:x}}}")),
            "tr0ub4dor\\u{2F}3xyz".to_owned(),
            r"tr0ub4dor\u002f3xyz".to_owned(),
            r"tr0ub4dor\\u002f3\\x78yz".to_owned(),
            r"tr0ub4dor\/3\x78yz".to_owned(),
            r"tr0ub4dor\\\/3\\x78yz".to_owned(),
            r"tr\060ub4dor\/3xyz".to_owned(),
            joined("", |byte| format!("\\{byte:o}")),
            joined("", |byte| format!("\\{byte:03o}")),
            joined("", |byte| format!("\\U{byte:08x}")),
            // Numbers, a line for each, for many, or in one.
            joined(",\n", u8::to_string),
            joined(",\r\n        ", u8::to_string),
            joined(", ", |byte| format!("0x{byte:02x}")),
            joined(",\n", |byte| format!("0X{byte:02X}")),
            joined(" ", u8::to_string),
            format!("[\n{}\n]", joined("\n", u8::to_string)),
            joined("\",\n  \"", u8::to_string),
        ] {
            let whole = format!("before = ({content}) after");
            let place = finds(&whole).unwrap_or_else(|| panic!("{whole}"));
            let first = whole.find(&content).expect("it is there");
            assert!((first..first + 10).contains(&place), "{place}: {whole}");
        }
        assert_eq!(finds("tr0ub4dor / 3xyz"), None);
        for content in [
            "",
            "&",
            "&#",
            "&#;",
            "&#x",
            "\\",
            "\\u",
            "\\u{",
            "\\u{}",
            "\\u{110000}",
            "\\ud800",
            "0x",
            "1",
            "\\400",
        ] {
            assert_eq!(finds(content), None, "{content}");
        }
    }

    /// As these programs print the same file.
    #[test]
    fn dumps_are_read() {
        for content in [
            // xxd
            "00000000: 7465 7874 3a20 7472 3075 6234 646f 722f  text: tr0ub4dor/\n00000010: 3378 797a 0a                             3xyz.\n",
            // xxd -g1 -u
            "00000000: 74 65 78 74 3A 20 74 72 30 75 62 34 64 6F 72 2F  text: tr0ub4dor/\n00000010: 33 78 79 7A 0A                                   3xyz.\n",
            // hexdump -C
            "00000000  74 65 78 74 3a 20 74 72  30 75 62 34 64 6f 72 2f  |text: tr0ub4dor/|\n00000010  33 78 79 7a 0a                                    |3xyz.|\n00000015\n",
            // hexdump
            "0000000 6574 7478 203a 7274 7530 3462 6f64 2f72\n0000010 7833 7a79 000a                         \n0000015\n",
            // od -An -tx1
            " 74 65 78 74 3a 20 74 72 30 75 62 34 64 6f 72 2f\n 33 78 79 7a 0a\n",
            // In a comment
            "# 00000000: 7472 3075 6234 646f  tr0ub4do\n# 00000008: 722f 3378 797a 0a    r/3xyz.\n",
        ] {
            assert!(finds(content).is_some(), "{content}");
            assert!(
                finds(&format!("first line\n\n{content}last line\n")).is_some(),
                "{content}"
            );
            assert!(finds(&content.replace('\n', "\r\n")).is_some(), "{content}");
            assert!(finds(&content.replace("78", "79")).is_none(), "{content}");
        }
    }

    #[test]
    fn wide_dumps_are_read_and_what_is_wider_is_none() {
        for (column, is_read) in [(128, true), (1024, true), (LINE_BYTES / 3 + 1, false)] {
            for at in [0, 90, column - 5] {
                let bytes = [&vec![b'.'; at], VALUE, &[b'.'; 2 * LINE_BYTES]].concat();
                let line = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
                let lines: Vec<String> = bytes.chunks(column).map(line).collect();
                assert_eq!(finds(&lines.join("\n")).is_some(), is_read, "{column} {at}");
            }
        }
    }

    #[test]
    fn more_than_is_kept_is_looked_at_piece_by_piece() {
        for at in [0, PIECE_BYTES - 5, PIECE_BYTES + 9, 3 * PIECE_BYTES - 1] {
            let mut numbers = vec![b'1'; 4 * PIECE_BYTES];
            numbers[at..at + VALUE.len()].copy_from_slice(VALUE);
            let text: Vec<String> = numbers.iter().map(u8::to_string).collect();
            let content = text.join(",\n");
            let place = finds(&content).expect("found");
            assert_eq!(content[..place].matches('\n').count(), at);
        }
    }
}
