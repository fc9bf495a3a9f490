//! Characters that change how the text around them is read, as what they are: with them one name looks like another one.

use std::borrow::Cow;

/// Unicode's controls of direction: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn is_control_of_direction(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The text with each of them written out: `<U+202E>`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control_of_direction) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_control_of_direction(c) {
            true => visible.push_str(&format!("<U+{:04X}>", u32::from(c))),
            false => visible.push(c),
        }
    }
    visible.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_round_is_written_out() {
        assert_eq!(visible("a\u{202e}gpj.\u{2069}\u{61c}"), "a<U+202E>gpj.<U+2069><U+061C>");
        // Text of right-to-left scripts is text.
        assert_eq!(visible("שלום.py"), "שלום.py");
    }
}
