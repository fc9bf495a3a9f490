//! What other machines say, made fit for a terminal.

/// One line of text without what steers a terminal: escape sequences are left out, as are control characters other than tabs.
///
/// Programs that paint their progress return to the start of the line again and again; what they wrote last is shown.
pub fn printable(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    let lines = plain.split('\n').map(|line| {
        let line = line.trim_end_matches('\r');
        let last = line.rsplit('\r').next().unwrap_or_default();
        last.chars()
            .filter(|c| *c == '\t' || !(c.is_control() || is_invisible(*c)))
            .collect::<String>()
    });
    let lines: Vec<String> = lines.collect();
    lines.join(" ").trim_end().to_owned()
}

/// Characters that reorder what stands around them.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, shown) in [
            ("plain\ttext\n", "plain\ttext"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("10 %\r50 %\r100 %\r\n", "100 %"),
            ("a\u{8}b\u{7f}\u{9b}c\0", "abc"),
            ("safe\u{202e}exe", "safeexe"),
            ("two\nlines\n", "two lines"),
            ("umlauts: äöü", "umlauts: äöü"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }
}
