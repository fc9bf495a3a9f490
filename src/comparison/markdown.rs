//! Differences for summaries and comments of pull requests.

use super::text::of_text;
use super::texts::{Shown, Text};
use super::{Compared, Row, same};

/// A section for each function that differs, then how many don't. The sides are as people call them.
pub fn markdown(functions: &[Compared], sides: &[String; 2]) -> String {
    let sections = functions.iter().filter(|it| !it.is_same()).map(section);
    let sections: Vec<String> = sections.chain(same(functions, sides)).collect();
    sections.join("\n\n")
}

fn section(function: &Compared) -> String {
    let mut lines = vec![
        format!("### {}", code(&function.title())),
        String::new(),
        "| change | what | before | after |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    let rows = function.rows().into_iter();
    lines.extend(rows.map(
        |Row {
             change,
             what,
             before,
             after,
         }| {
            let [what, before, after] = [what, before, after].map(|text| code(&text));
            format!("| {change} | {what} | {before} | {after} |")
        },
    ));
    lines.extend(function.note().map(|note| format!("\n{note}")));
    lines.extend(function.texts().iter().map(of_entry));
    lines.join("\n")
}

fn of_entry(entry: &Text) -> String {
    let text = of_text(entry);
    match entry.shown {
        Shown::Diff(_) => {
            // <https://github.github.com/gfm/#fenced-code-blocks>: longer than any in it.
            let fence = "`".repeat(longest_run(&text).max(2) + 1);
            format!("\n{fence}diff\n{text}\n{fence}")
        }
        Shown::Skipped(_) => format!("\n{}", code(&text)),
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// As code in a cell of a table, whatever it holds: <https://github.github.com/gfm/#code-spans>,
/// <https://github.github.com/gfm/#tables-extension->
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace('|', "\\|");
    let longest = longest_run(&text);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{text}{fence}"),
        _ => format!("{fence} {text} {fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn no_text_ends_its_cell() {
        assert_eq!(code("a.py"), "`a.py`");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code(""), "");
    }
}
