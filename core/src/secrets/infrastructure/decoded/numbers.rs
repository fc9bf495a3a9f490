//! Bytes as lists of numbers, decimal or hexadecimal: arrays of C, Go, Java, JavaScript and JSON, in lines of any length.

use super::{Found, number};

/// Most bytes between a number and the next one: a comma, a line break, indentation, quotes.
const GLUE_BYTES: usize = 32;

/// Reads numbers that stand one after the other, each a byte, with nothing between them that a number or name may hold.
pub(super) fn read(content: &[u8], found: &mut Found) {
    let is_word = |byte: &u8| IS_WORD[usize::from(*byte)];
    let (mut at, mut end) = (0, 0);
    while let Some(next) = content[at..].iter().position(u8::is_ascii_digit) {
        let start = at + next;
        let is_within = start > 0 && is_word(&content[start - 1]);
        at = start + content[start..].iter().take_while(|byte| is_word(byte)).count();
        let Some(byte) = (!is_within).then(|| byte(&content[start..at])).flatten() else {
            continue;
        };
        let glue = &content[end..start];
        if glue.len() > GLUE_BYTES || glue.iter().any(is_word) {
            found.end();
        }
        found.add(&[byte], start);
        end = at;
    }
    found.end();
}

const IS_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | 0x80..);
        byte += 1;
    }
    table
};

/// What a whole word says, if it is a number that fits.
fn byte(word: &[u8]) -> Option<u8> {
    /// Enough for leading zeros.
    const DIGITS: usize = 3;
    if word.len() > 2 + DIGITS {
        return None;
    }
    let (digits, base) = match word {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        digits => (digits, 10),
    };
    let (value, count) = number(digits, base, DIGITS)?;
    (count == digits.len()).then(|| u8::try_from(value).ok())?
}
