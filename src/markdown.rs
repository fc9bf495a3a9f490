//! Texts in Markdown, whatever they hold: <https://github.github.com/gfm/>

use crate::visible::visible;

/// Of backquotes.
pub fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// As code in a cell of a table, in one line: <https://github.github.com/gfm/#code-spans>,
/// <https://github.github.com/gfm/#tables-extension->
pub fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = &*visible(text);
    // A backslash before a bar is read in more than one way. There are no escapes in a code span.
    if text.contains('\\') {
        return format!("<code>{}</code>", words(text));
    }
    let text = text.replace(['\r', '\n'], " ").replace('|', "\\|");
    let longest = longest_run(&text);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{text}{fence}"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// As words in a cell of a table, in one line: nothing in it is Markdown, HTML, a link or a mention.
pub fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '\r' | '\n' => words.push(' '),
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '!' | '\\' | '#' | '@' | ':' => {
                words.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => words.push(c),
        }
    }
    // An address of the Web without its scheme.
    words.replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_cell() {
        assert_eq!(code("a.py"), "`a.py`");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code(""), "");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code("a\\|b"), "<code>a&#92;&#124;b</code>");
    }

    #[test]
    fn words_are_no_markup() {
        assert_eq!(words("a → b, +1.2 KB"), "a → b, +1.2 KB");
        assert_eq!(words("<b>|`\n"), "&#60;b&#62;&#124;&#96; ");
        assert_eq!(words("www.e"), "www&#46;e");
        assert_eq!(words("a\u{202e}b"), "a&#60;U+202E&#62;b");
        assert_eq!(code("a\u{202e}b"), "`a<U+202E>b`");
        assert_eq!(
            words("[x](https://e) @who"),
            "&#91;x&#93;&#40;https&#58;//e&#41; &#64;who"
        );
    }
}
